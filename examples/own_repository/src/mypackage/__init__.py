"""A package with a focal loss of its own."""
