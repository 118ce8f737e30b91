"""Exercises of chapter 7, in the order of the notebook."""
