"""What the command ``normlib`` answers with a sentence; the rest is a defect."""


class CourseError(ValueError):
    """Whoever typed the command, or set the course up, can put it right; says how."""
