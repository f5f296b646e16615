"""Structural causal models: generators, independence tests, discovery."""
