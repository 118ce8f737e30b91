"""What a class gets wrong: kept, counted, and shown to whoever teaches it."""
