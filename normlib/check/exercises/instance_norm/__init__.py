"""Exercises of chapter 4, in the order of the notebook."""
