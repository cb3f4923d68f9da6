"""Brings events to whoever asked for them: numbers them, works out the receivers, sends, and tries again.

At least once, in no promised order. Any number of control processes do this together: the numbering under a lock, the
sending by claimed rows.
"""
