"""Marking by hand: answers in words, question by question, on a local page."""
