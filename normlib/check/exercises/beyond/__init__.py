"""Exercises of chapter 8, in the order of the notebook."""
