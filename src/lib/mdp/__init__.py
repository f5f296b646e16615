"""Finite-horizon decision processes: values, occupancies, simulation, and online learning of policies in them."""
