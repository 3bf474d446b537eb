"""The paper's formula in ball arithmetic: proven digits, and no derivative worked out by hand."""
