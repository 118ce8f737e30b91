"""Exercises of chapter 9, in the order of the notebook."""
