"""Linear algebra: random matrices, exact arithmetic."""
