"""A blend of several models: settings, scales, weights, and the ranker itself."""
