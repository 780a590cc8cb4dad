"""The abduction filter: the largest set of candidates that is consistent enough."""
