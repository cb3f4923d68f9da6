"""How much a relay takes on: limits of concurrent attempts, who waits for room, who is sent away, who may try again.

`limit`, `fair`, `pressure` and `retries` are pure; `queue` and `keeper` hold calls and are moved by the relay's sweep.
"""
