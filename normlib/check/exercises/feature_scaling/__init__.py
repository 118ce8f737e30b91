"""Exercises of chapter 1, in the order of the notebook."""
