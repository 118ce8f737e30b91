"""What a class gets wrong: kept, counted, and shown to the instructor."""
