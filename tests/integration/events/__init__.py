"""Events: the outbox, webhooks, the stream, alerts."""
