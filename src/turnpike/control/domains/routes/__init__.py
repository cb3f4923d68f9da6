"""Routes: model names that stand for several deployments, their history, residency policies, and explanations of where
a request would go."""
