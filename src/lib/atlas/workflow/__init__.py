"""What the rules need: configuration, paths and parameters of a paper, fingerprints of code, the environment."""
