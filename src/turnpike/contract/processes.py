"""How the supervisor and its children speak: settings in on standard input, one line out when ready.

A child reads one line of JSON (its settings) from standard input and keeps the pipe open: end of file there means
that the supervisor is gone, and the child drains and ends. It writes `READY_LINE` to standard output when it serves;
its log goes to standard error.
"""

READY_LINE = "turnpike-ready"
