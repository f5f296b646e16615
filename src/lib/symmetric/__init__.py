"""Symmetric functions."""
