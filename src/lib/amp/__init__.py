"""Approximate message passing and its state evolution."""
