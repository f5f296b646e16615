"""Measures of consistency over time, and reading and writing of videos."""
