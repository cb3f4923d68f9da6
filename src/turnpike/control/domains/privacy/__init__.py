"""What is held about a person: given to them as a file, and removed for ever."""
