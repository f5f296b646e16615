"""Representations whose best linear predictor is the same in every environment."""
