"""`python -m turnpike.cli`."""

from turnpike.cli.main import main

main()
