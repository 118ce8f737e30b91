"""Exercises of chapter 3, in the order of the notebook."""
