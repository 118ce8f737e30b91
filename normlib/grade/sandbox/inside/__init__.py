"""What is copied beside student code, and nothing else."""
