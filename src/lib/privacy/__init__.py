"""Differential privacy: mechanisms, composition, statistical queries and the analysts that attack them."""
