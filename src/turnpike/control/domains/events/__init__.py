"""Events as a stream: for the console, and for whoever wants to follow."""
