"""Modules of the toy paper."""
