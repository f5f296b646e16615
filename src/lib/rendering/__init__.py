"""Scenes with known geometry, albedo and light, and fits of the light of an image."""
