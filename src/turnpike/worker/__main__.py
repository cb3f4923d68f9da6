"""`python -m turnpike.worker`: started by the supervisor."""

from turnpike.worker.run import main

main()
