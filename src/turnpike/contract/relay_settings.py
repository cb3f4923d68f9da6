"""What a relay is told at its start, as JSON on its standard input: no environment, no database, no Pydantic."""

import msgspec


class TlsFiles(msgspec.Struct, frozen=True):
    certificate: str
    key: str
    client_ca: str | None = None


class RelaySettings(msgspec.Struct, frozen=True):
    relay: int
    """This relay's number, from 0."""
    listen_fd: int
    """An inherited, listening TCP socket."""
    public_url: str
    contract_socket: str
    forward_socket: str
    journal_dir: str
    own_ports: tuple[int, ...]
    """Ports of ours, which no provider may point at."""
    worker_socket: str = ""
    guard_timeout_s: float = 10.0
    """How long a guard may wait for another program: a moderation model, the worker."""
    head_limit_bytes: int = 64 * 1024
    body_limit_bytes: int = 32 * 1024 * 1024
    upload_limit_bytes: int = 512 * 1024 * 1024
    """A form with files."""
    spool_dir: str = ""
    """Where forms wait that are too large for memory; empty: the system's folder for temporary files."""
    spool_limit_bytes: int = 4 * 1024 * 1024 * 1024
    """All of them, in this relay."""
    realtime_idle_timeout_s: float = 600.0
    realtime_limit_s: float = 3600.0
    """The longest that a realtime session lasts."""
    realtime_message_limit_bytes: int = 16 * 1024 * 1024
    response_limit_bytes: int = 64 * 1024 * 1024
    """A whole (not streamed) answer of an upstream."""
    idle_timeout_s: float = 75.0
    """A kept-alive client connection without a request."""
    head_timeout_s: float = 20.0
    """From a request's first byte to the end of its head."""
    body_timeout_s: float = 60.0
    """Between two reads of a request's body."""
    connect_timeout_s: float = 10.0
    first_byte_timeout_s: float = 300.0
    read_timeout_s: float = 120.0
    """Between two reads of a streamed answer."""
    upstream_connections: int = 1024
    """Per origin."""
    upstream_idle_s: float = 60.0
    drain_timeout_s: float = 30.0
    key_cache_size: int = 50_000
    negative_cache_s: float = 10.0
    journal_segment_bytes: int = 4 * 1024 * 1024
    journal_flush_s: float = 0.05
    """0: never asked for; the operating system writes when it likes."""
    journal_full: str = "refuse"
    """`refuse` new work while nothing can be written, or `memory`: go on and count in memory."""
    trusted_proxies: tuple[str, ...] = ()
    forwarded_header: str = "x-forwarded-for"
    """What they write: this, or `forwarded`."""
    cors_origins: tuple[str, ...] = ()
    """As turnpike.kit.origins has them; empty: no script of another origin may read answers."""
    cors_credentials: bool = False
    cors_max_age_s: int = 600
    hsts_max_age_s: int = 31_536_000
    """Said where the public address is https; 0: never."""
    upstream_ca: str | None = None
    upstream_proxy: str | None = None
    no_proxy: tuple[str, ...] = ()
    tls: TlsFiles | None = None
    cache_bytes: int = 64 * 1024 * 1024
    """Answers kept in this relay's memory."""
    cache_wait_s: float = 0.05
    """How long a call waits for the store that relays share."""
    log_level: str = "info"
    log_format: str = "json"
