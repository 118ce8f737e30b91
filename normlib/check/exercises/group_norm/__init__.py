"""Exercises of chapter 5, in the order of the notebook."""
