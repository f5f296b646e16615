"""Interaction bases of networks: directions that are invariant under reparametrisation, edges, ablations."""
