"""Corpora, formal and recall tasks, and language model training."""
