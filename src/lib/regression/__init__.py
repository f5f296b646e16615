"""Least squares and its relatives."""
