"""Program 3: work that is too slow or too large for the other two. Today it finds names of people and places in texts
(turnpike.worker.names); the supervisor starts it when it is first asked for something."""
