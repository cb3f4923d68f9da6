"""What happens in the gateway, told to whoever wants to know: kinds of events, and the outbox they are written to.

An event is a row written in the transaction of what it tells, so there is neither one without the change nor a change
without it. It holds ids and figures: no secret, no name of a person, nothing of a prompt.
"""
