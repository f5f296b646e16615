"""Representations that interventions identify, and what they predict of interventions that were not seen."""
