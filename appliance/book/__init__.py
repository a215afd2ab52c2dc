"""Book sources: the software book, and what reads the same from either."""
