"""`python -m turnpike.relay`: one relay process, started by the supervisor."""

from turnpike.relay.run import main

main()
