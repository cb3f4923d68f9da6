"""GET /v1/models (stub until wire lands)."""


def answer_models(relay, connection, head): ...
