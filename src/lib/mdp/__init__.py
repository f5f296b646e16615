"""Finite-horizon decision processes: values, occupancies, simulation, designs, and learning of policies in them."""
