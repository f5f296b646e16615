"""Teachers with known weights, the samples they give, and the estimators that learn them back."""
