"""Linear Atlas: the shared library, by subject."""
