"""What `turnpike doctor` looks at. A check reads and changes nothing, and what it finds comes with its remedy."""
