"""Answers that are kept to be given again: what a relay does of it.

* `cache`: what the calls of a relay share: rules in force, answers in memory, the line to the store that relays share
* `asked`: what a request asks of a cache, and the digest that stands for it
* `lookup`: one call's way to a kept answer, or to a miss
* `keeping`: one call's answer on its way to being kept
* `replay`: a kept answer given again, whole or as a stream
* `similar`: the embedding of a question, asked for as an ordinary call of its own

The gate itself is turnpike.relay.gates.caching. Which requests may be answered so is turnpike.wire.caching's to say.
"""
