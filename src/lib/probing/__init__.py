"""Linear probes of features: naive Bayes, logistic regression, sample complexity, risks."""
