"""Exercises of chapter 6, in the order of the notebook."""
