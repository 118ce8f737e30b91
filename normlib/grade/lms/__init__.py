"""In and out: Canvas and Moodle."""
