"""The invented class and its written answers."""
