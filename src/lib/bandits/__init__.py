"""Bandits with linear structure: designs, nets, elimination, and instances that hide their best action."""
