"""What a job needs: the stage runner, stores, seeds, checkpoints, claims and the style of figures."""
