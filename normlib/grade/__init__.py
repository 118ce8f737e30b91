"""How a class is graded, and how its notebooks are made."""
