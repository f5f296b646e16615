"""Diffusion models: small ones that train in minutes, relighting, and fusion of a relighter with a video model."""
