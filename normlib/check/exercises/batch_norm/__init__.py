"""Exercises of chapter 2, in the order of the notebook."""
