"""Xinference (Xorbits Inference), a server for models of every kind."""

from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import AUDIO, IMAGES, RERANK, Vendor, openai_compatible

XINFERENCE = Vendor(
    name="xinference",
    display_name="Xinference",
    website="https://inference.readthedocs.io",
    reference="https://inference.readthedocs.io/en/latest/user_guide/client_api.html",
    base_url="http://127.0.0.1:9997/v1",
    operations=openai_compatible() | IMAGES | AUDIO | RERANK,
    needs_credential=False,
    loopback_ports=(9997,),
    probe_path="/v1/cluster/version",
    probe_contains='"version"',
    quirks=frozenset(
        (
            q.MAX_TOKENS,
            q.NO_DEVELOPER_ROLE,
            q.NO_METADATA,
            q.NO_USER,
            q.REASONING_CONTENT_BACK,
        )
    ),
)
