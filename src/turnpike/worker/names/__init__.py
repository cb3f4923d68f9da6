"""Names of people and places in texts, by Presidio with spaCy models, where both are installed (`turnpike[names]`)."""
