"""Drawings that several figures share, in the house style: symbolic traces, transition graphs, film strips."""
