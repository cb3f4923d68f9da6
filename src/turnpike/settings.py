"""Every setting of Turnpike, and the only reader of the environment.

Settings come from `TURNPIKE_*` variables, then a `.env` file, then the defaults here. They are read once, by the
command, and passed on; no module reads the environment or imports a settings object. docs/settings.md is generated
from this file and a test keeps it true.
"""

import json
import os
from collections.abc import Iterable
from enum import StrEnum
from hashlib import blake2b
from ipaddress import ip_network
from pathlib import Path
from tempfile import gettempdir
from typing import Annotated, Literal, Self

from dotenv import dotenv_values
from pydantic import AliasChoices, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from turnpike.contract.relay_settings import RelaySettings, TlsFiles
from turnpike.contract.worker_settings import read_models
from turnpike.errors import ConfigurationError
from turnpike.kit.origins import origin_rule

MAX_SOCKET_PATH = 90
"""A unix socket's path may have 108 bytes on Linux and 104 on macOS, of which our names take a few."""


class Mode(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class JournalFull(StrEnum):
    REFUSE = "refuse"
    MEMORY = "memory"


class CacheStore(StrEnum):
    OFF = "off"
    DISK = "disk"
    REDIS = "redis"


class SmtpTls(StrEnum):
    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class LeasesIn(StrEnum):
    DATABASE = "database"
    REDIS = "redis"
    MEMORY = "memory"


class LogFormat(StrEnum):
    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"


def _words(value: object) -> object:
    """Lists are written `a,b c` in the environment."""
    return value.replace(",", " ").split() if isinstance(value, str) else value


def _networks(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        ip_network(value, strict=False)
    return values


Words = Annotated[tuple[str, ...], NoDecode]

ENV_FILE = ".env"


def found_vendor_keys(env_names: Iterable[str]) -> dict[str, SecretStr]:
    """Those of the variables, such as `OPENAI_API_KEY`, that the environment or `.env` gives a value to.

    They are no settings of Turnpike: they are read to be offered as providers, and never used unasked.
    """
    file = dotenv_values(ENV_FILE)
    values = {name: (os.environ.get(name) or file.get(name) or "").strip() for name in env_names}
    return {name: SecretStr(value) for name, value in values.items() if value}


def _also_plain(name: str) -> AliasChoices:
    """Of a setting that is also read without the prefix, where it is not set with it."""
    return AliasChoices(f"turnpike_{name}", name)


class Settings(BaseSettings):
    """One attribute, one setting. The description is its documentation."""

    model_config = SettingsConfigDict(
        env_prefix="TURNPIKE_", env_file=ENV_FILE, extra="ignore", frozen=True, validate_default=True
    )

    # ---- where
    mode: Mode = Field(
        Mode.DEVELOPMENT, description="`production` refuses weak secrets, plain defaults and the built-in simulator."
    )
    host: str = Field("127.0.0.1", description="Address that the gateway listens on.")
    port: int = Field(8080, ge=0, le=65535, description="Port that the gateway listens on; 0 takes a free one.")
    relays: int = Field(0, ge=0, le=256, description="Relay processes; 0 means one per core.")
    public_url: str | None = Field(None, description="Address that people reach the gateway at, if not host and port.")
    data_dir: Path = Field(Path("data"), description="Folder of everything that must survive a restart.")
    tls_certificate: Path | None = Field(None, description="PEM file; with it the public port speaks TLS.")
    tls_key: Path | None = Field(None, description="PEM file of the certificate's key.")
    tls_client_ca: Path | None = Field(None, description="PEM file; with it callers must show a certificate of it.")
    trusted_proxies: Words = Field(
        (), description="Networks (CIDR) of proxies that are believed whom they speak for, e.g. `10.0.0.0/8`."
    )
    forwarded_header: Literal["x-forwarded-for", "forwarded"] = Field(
        "x-forwarded-for",
        description="The header that these proxies write: the other one may be any caller's invention.",
    )
    cors_origins: Words = Field(
        (),
        description="Origins whose scripts in a browser may use the gateway: `https://app.example.com`, "
        "`https://*.example.com`, or `*` for any. Without it none may.",
    )
    cors_credentials: bool = Field(
        False, description="Let scripts of origins that are written out exactly send cookies and the like."
    )
    cors_max_age_s: int = Field(600, ge=0, le=86_400, description="How long browsers remember what a script may do.")
    hsts_max_age_s: int = Field(
        31_536_000,
        ge=0,
        description="How long browsers keep to https, said where the public address is https; 0 means never said.",
    )

    # ---- truth
    database_url: SecretStr | None = Field(
        None, description="`postgresql://user:password@host/name`; without it SQLite in the data folder."
    )
    database_pool_size: int = Field(20, ge=1, description="Connections kept to PostgreSQL.")
    database_max_overflow: int = Field(30, ge=0, description="Connections beyond those under load.")
    database_pool_timeout_s: float = Field(30.0, gt=0, description="How long a request waits for a connection.")
    secret_keys: SecretStr | None = Field(
        None,
        description="Keys that encrypt secrets at rest: Fernet keys, newest first, separated by commas. "
        "Without it they are made on first start and kept in the data folder.",
    )
    key_pepper: SecretStr | None = Field(
        None,
        description="Secret that keys the digests of API keys (32 bytes or more). Changing it makes every API key "
        "unknown. Without it one is made on first start.",
    )

    redis_url: SecretStr | None = Field(
        None,
        description="`redis://:password@host:6379/0` (or `rediss://`, `unix://`), for what is kept in Redis; "
        "`redis+cluster://` or `rediss+cluster://` with any node of a cluster.",
    )
    leases: LeasesIn = Field(
        LeasesIn.DATABASE,
        description="Where limits are counted: the `database`, `redis` (faster with many machines), or `memory` of "
        "control (one machine only; a restart forgets).",
    )

    # ---- keys and access
    api_key_lifetime_days: int = Field(
        0, ge=0, description="Life of a new API key that names no expiry, in days; 0 means for ever."
    )
    api_key_rotation_days: int = Field(
        0, ge=0, description="Age at which keys are rotated by themselves, in days; 0 means never."
    )
    api_key_rotation_grace_hours: int = Field(
        24, ge=0, description="How long a rotated key goes on working beside its successor, in hours."
    )
    allow_insecure_http_callbacks: bool = Field(
        False, description="Allow provider addresses with plain http beyond this machine."
    )

    require_if_match: bool = Field(
        False, description="Changes through the platform API must say which version they mean, by `If-Match`; else 428."
    )

    # ---- sign-in
    local_accounts: bool = Field(
        True, description="People may sign in with e-mail and password; off where an issuer knows everybody."
    )
    password_min_length: int = Field(12, ge=8, le=128, description="Fewest characters of a password.")
    password_min_score: int = Field(
        3, ge=0, le=4, description="Least strength of a password, as zxcvbn scores it: 0 (guessed at once) to 4."
    )
    sign_in_attempts: int = Field(
        5,
        ge=1,
        description="Wrong passwords before an account must wait, longer each time; an address has six times as many.",
    )
    entry_link_hours: float = Field(24.0, gt=0, le=720, description="Life of a one-time link, in hours.")
    invitation_hours: float = Field(168.0, gt=0, le=2160, description="Life of an invitation, in hours.")
    session_idle_minutes: float = Field(720.0, gt=0, description="Life of a session that nobody uses, in minutes.")
    session_life_hours: float = Field(
        168.0, gt=0, description="Longest life of a session, in hours; then one signs in again."
    )
    access_token_s: int = Field(600, ge=30, le=3600, description="Life of an access token, in seconds.")
    signing_key_days: int = Field(
        90, ge=0, description="Age at which the key that signs access tokens is replaced, in days; 0 means never."
    )

    # ---- the relay's limits
    head_limit_bytes: int = Field(64 * 1024, ge=4096, description="Largest head of a request.")
    body_limit_bytes: int = Field(32 * 1024 * 1024, ge=1024, description="Largest body of a request.")
    upload_limit_bytes: int = Field(
        512 * 1024 * 1024, ge=1024, description="Largest form with files: a recording, images."
    )
    spool_dir: Path | None = Field(
        None, description="Folder of uploads on their way; without it `spool` in the data folder."
    )
    spool_limit_bytes: int = Field(
        4 * 1024 * 1024 * 1024, ge=0, description="Most bytes of uploads on their way, per relay; then 507."
    )
    realtime_idle_timeout_s: float = Field(600.0, gt=0, description="Life of a realtime session without a message.")
    realtime_limit_s: float = Field(3600.0, gt=0, description="Longest life of a realtime session.")
    realtime_message_limit_bytes: int = Field(
        16 * 1024 * 1024, ge=1024, description="Largest message in a realtime session."
    )
    response_limit_bytes: int = Field(64 * 1024 * 1024, ge=1024, description="Largest whole answer of a provider.")
    idle_timeout_s: float = Field(75.0, gt=0, description="Life of a kept-alive connection without a request.")
    head_timeout_s: float = Field(20.0, gt=0, description="Time to send a request's head.")
    body_timeout_s: float = Field(60.0, gt=0, description="Time between two parts of a request's body.")
    connect_timeout_s: float = Field(10.0, gt=0, description="Time to connect to a provider.")
    first_byte_timeout_s: float = Field(300.0, gt=0, description="Time until a provider begins to answer.")
    read_timeout_s: float = Field(120.0, gt=0, description="Time between two parts of a provider's answer.")
    upstream_connections: int = Field(1024, ge=1, description="Connections per provider address and relay.")
    upstream_idle_s: float = Field(60.0, gt=0, description="Life of an unused connection to a provider.")
    upstream_ca: Path | None = Field(None, description="PEM file of further authorities for providers' certificates.")
    upstream_proxy: str | None = Field(None, description="HTTP proxy for provider traffic: `http://proxy:3128`.")
    no_proxy: Words = Field((), description="Hosts, suffixes (`.corp`) and networks reached without the proxy.")
    drain_timeout_s: float = Field(30.0, ge=0, description="Time that running requests get when the gateway stops.")
    key_cache_size: int = Field(50_000, ge=16, description="Resolved API keys in each relay's memory.")
    max_attempts: int = Field(3, ge=1, le=10, description="Deployments tried for one request.")
    total_timeout_s: float = Field(
        600.0, gt=0, description="Time for one request over all attempts, until its first byte."
    )

    # ---- limits
    rate_limit_enabled: bool = Field(
        False,
        validation_alias=_also_plain("rate_limit_enabled"),
        description="Limit the requests of every client address, with a good key, a bad one or none. This and the next "
        "two are also read by their plain names, such as `RATE_LIMIT_ENABLED`.",
    )
    rate_limit_requests: int = Field(
        100,
        ge=1,
        validation_alias=_also_plain("rate_limit_requests"),
        description="Requests of one address in a window, if enabled.",
    )
    rate_limit_window: int = Field(
        60,
        ge=1,
        le=604_800,
        validation_alias=_also_plain("rate_limit_window"),
        description="Length of that window in seconds.",
    )

    # ---- journal and ledger
    journal_segment_bytes: int = Field(4 * 1024 * 1024, ge=65536, description="Size of a journal segment.")
    journal_flush_s: float = Field(
        0.05, ge=0, description="How often the journal is forced to disk, against loss of power; 0 means never."
    )
    journal_full: JournalFull = Field(
        JournalFull.REFUSE,
        description="When the journal cannot be written: `refuse` new work, or go on and count in `memory`.",
    )
    charge_interrupted: bool = Field(
        True, description="Charge a call that a crash interrupted with its reservation instead of nothing."
    )
    offline_grant_s: float = Field(
        3600.0, ge=0, description="How long known keys are served from disk while the database cannot be reached."
    )

    # ---- cache of answers (off until there is a rule: docs/cache.md)
    cache_memory_bytes: int = Field(64 * 1024 * 1024, ge=0, description="Kept answers in each relay's memory.")
    cache_store: CacheStore = Field(
        CacheStore.DISK,
        description="Where kept answers are shared by relays and survive a restart, encrypted: `disk` (this machine's "
        "data folder), `redis` (shared by machines, needs `TURNPIKE_REDIS_URL`), `off`.",
    )
    cache_store_bytes: int = Field(
        1024 * 1024 * 1024, ge=1024 * 1024, description="Kept answers on disk; beyond it those not asked for go."
    )
    cache_wait_ms: int = Field(
        50, ge=1, le=5000, description="How long a call waits for the shared store, in milliseconds."
    )

    # ---- audit log
    audit_sign_every_s: float = Field(
        60.0, ge=1, description="How often the audit log's head is signed while entries are added, in seconds."
    )
    audit_retention_days: int = Field(
        0, ge=0, description="Age at which entries of the audit log are removed, in days; 0 means never."
    )
    audit_personal_days: int = Field(
        0,
        ge=0,
        description="Age at which names and addresses are erased from the audit log, in days; 0 means never.",
    )

    # ---- guards
    guard_timeout_s: float = Field(
        10.0, gt=0, le=300, description="How long a guard waits for a moderation model, or for the worker."
    )
    guard_retention_days: int = Field(
        90, ge=0, description="Age at which what guards decided is removed, in days; 0 means never."
    )
    names_models: str = Field(
        "en=en_core_web_lg",
        description="spaCy models that find names and places: `language=model`, several with commas; each an installed "
        "package or a folder. Every one looks at every text.",
    )
    # ---- events, webhooks and alerts
    event_retention_days: int = Field(
        30, ge=1, description="Age at which events and the history of their deliveries are removed, in days."
    )
    event_streams: int = Field(
        100, ge=0, le=200, description="Event streams (`/api/v1/events`) that one control process serves at once."
    )
    key_expiry_notice_days: int = Field(
        7, ge=0, description="How long before its end a key is announced to expire, in days; 0 means never."
    )
    webhook_allow_addresses: Words = Field(
        (),
        description="Networks (CIDR) that webhooks and Slack-compatible targets may reach besides public addresses, "
        "e.g. `10.1.2.0/24`.",
    )
    webhook_timeout_s: float = Field(15.0, gt=0, le=60, description="Time for one attempt of a delivery.")
    webhook_attempts: int = Field(
        12, ge=1, le=50, description="Attempts of one delivery (12 take about 31 hours); then it is a dead letter."
    )
    webhook_disable_hours: float = Field(
        72.0, gt=0, description="How long every attempt must have failed until an endpoint is switched off, in hours."
    )
    alert_every_s: float = Field(30.0, ge=0.2, description="How often alert rules are evaluated.")
    alert_history_days: int = Field(90, ge=1, description="Age at which the history of alerts is removed, in days.")

    # ---- mail
    smtp_host: str | None = Field(None, description="Mail server for alerts by e-mail; without it none are sent.")
    smtp_port: int | None = Field(
        None, ge=1, le=65535, description="Its port; without it 465, 587 or 25, as `TURNPIKE_SMTP_TLS` says."
    )
    smtp_tls: SmtpTls = Field(
        SmtpTls.STARTTLS, description="`starttls` (must be offered), `tls` from the first byte, or `none`."
    )
    smtp_user: str | None = Field(None, description="Name to sign in to the mail server with.")
    smtp_password: SecretStr | None = Field(None, description="Its password.")
    smtp_ca: Path | None = Field(None, description="PEM file of further authorities for the mail server's certificate.")
    smtp_timeout_s: float = Field(20.0, gt=0, le=120, description="Time to hand over one message.")
    mail_from: str = Field("turnpike@localhost", max_length=254, description="Sender of e-mails.")

    # ---- pass-through
    passthrough_call_usd: float = Field(
        0.0,
        ge=0,
        le=1000,
        description="What a passed-through call counts for whose cost no usage tells, in dollars; "
        "0 records it as unpriced.",
    )
    passthrough_admins_see_all: bool = Field(
        False, description="Administrators may list and use everybody's files, batches and other objects at providers."
    )

    # ---- operations
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="debug, info, warning, error.")
    log_format: LogFormat = Field(LogFormat.AUTO, description="`json`, `console`, or `auto`: console on a terminal.")
    metrics_open: bool = Field(
        True, description="Answer /metrics without a key; otherwise it takes one with the scope cluster:read."
    )
    simulator: bool = Field(
        True, description="Start and register the simulator when no provider is registered (never in production)."
    )

    @model_validator(mode="before")
    @classmethod
    def _split_words(cls, values: dict[str, object]) -> dict[str, object]:
        lists = ("trusted_proxies", "no_proxy", "cors_origins", "webhook_allow_addresses")
        return {name: _words(value) if name in lists else value for name, value in values.items()}

    @model_validator(mode="after")
    def _check(self) -> Self:
        _networks(self.trusted_proxies)
        read_models(self.names_models)
        _networks(self.webhook_allow_addresses)
        if self.cache_store is CacheStore.REDIS and self.redis_url is None:
            raise ValueError("cache_store is redis, and redis_url is not set")
        for origin in self.cors_origins:
            origin_rule(origin)
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key go together; only one of them is set")
        if self.leases is LeasesIn.REDIS and self.redis_url is None:
            raise ValueError("leases=redis takes a redis_url")
        return self

    # ---- handed to child processes

    def to_child(self) -> str:
        """One line of JSON, secrets in clear: only ever written to a child's standard input."""
        values = self.model_dump(mode="json")
        for name in ("database_url", "secret_keys", "key_pepper", "redis_url", "smtp_password"):
            secret: SecretStr | None = getattr(self, name)
            values[name] = secret.get_secret_value() if secret else None
        return json.dumps(values)

    @classmethod
    def from_parent(cls, line: str) -> Self:
        """The parent's settings as they were: every one is named, so the environment is not asked again."""
        return cls(**json.loads(line))

    # ---- places derived from the data folder

    @property
    def run_dir(self) -> Path:
        """Folder of the sockets: in the data folder, or beside the system's temporary files where that path would be
        too long for a socket."""
        folder = self.data_dir.resolve() / "run"
        if len(str(folder)) <= MAX_SOCKET_PATH:
            return folder
        return Path(gettempdir()) / f"turnpike-{blake2b(str(folder).encode(), digest_size=8).hexdigest()}"

    @property
    def forward_socket(self) -> Path:
        return self.run_dir / "forward.sock"

    @property
    def contract_socket(self) -> Path:
        return self.run_dir / "contract.sock"

    @property
    def worker_socket(self) -> Path:
        return self.run_dir / "worker.sock"

    @property
    def spacy_models(self) -> dict[str, str]:
        return read_models(self.names_models)

    @property
    def admin_socket(self) -> Path:
        return self.run_dir / "admin.sock"

    @property
    def server_file(self) -> Path:
        """Where a running server says its pid and address, for the command."""
        return self.run_dir / "server.json"

    @property
    def lock_file(self) -> Path:
        """Held by a server, and by a command that works on the data folder without one (turnpike.kit.files)."""
        return self.data_dir.resolve() / "lock"

    @property
    def journal_dir(self) -> Path:
        return self.data_dir.resolve() / "journal"

    @property
    def secrets_file(self) -> Path:
        return self.data_dir.resolve() / "secrets.json"

    @property
    def last_good_file(self) -> Path:
        """The last good snapshot and the grants in use, encrypted: what a start without the database is made from."""
        return self.data_dir.resolve() / "snapshot.sealed"

    @property
    def first_key_file(self) -> Path:
        return self.data_dir.resolve() / "first-key.txt"

    @property
    def web_url(self) -> str | None:
        """Address that browsers reach the gateway at, without a trailing slash; None where it cannot be known."""
        if self.public_url is not None:
            return self.public_url.rstrip("/")
        if not self.port or self.host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not listened on
            return None
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls_certificate else 'http'}://{shown}:{self.port}"

    @property
    def is_production(self) -> bool:
        return self.mode is Mode.PRODUCTION

    def database_address(self) -> str:
        """SQLAlchemy's URL, with the asynchronous driver named."""
        if self.database_url is None:
            return f"sqlite+aiosqlite:///{self.data_dir.resolve() / 'turnpike.db'}"
        url = self.database_url.get_secret_value()
        for scheme in ("postgresql://", "postgres://", "postgresql+asyncpg://"):
            if url.startswith(scheme):
                return "postgresql+asyncpg://" + url[len(scheme) :]
        if url.startswith("sqlite+aiosqlite://"):
            return url
        raise ConfigurationError(
            "TURNPIKE_DATABASE_URL must begin with postgresql:// (or be absent, for SQLite in the data folder)"
        )

    def redis_address(self) -> str:
        """Raises ConfigurationError when there is none."""
        if self.redis_url is None:
            raise ConfigurationError("TURNPIKE_REDIS_URL is not set")
        return self.redis_url.get_secret_value()

    def for_relay(self, *, relay: int, listen_fd: int, port: int, own_ports: tuple[int, ...]) -> RelaySettings:
        """The part of the settings that a relay is handed."""
        tls = None
        if self.tls_certificate is not None and self.tls_key is not None:
            client_ca = str(self.tls_client_ca.resolve()) if self.tls_client_ca else None
            tls = TlsFiles(str(self.tls_certificate.resolve()), str(self.tls_key.resolve()), client_ca)
        return RelaySettings(
            relay=relay,
            listen_fd=listen_fd,
            public_url=self.public_url or f"{'https' if tls else 'http'}://{self.host}:{port}",
            contract_socket=str(self.contract_socket),
            forward_socket=str(self.forward_socket),
            journal_dir=str(self.journal_dir),
            own_ports=own_ports,
            worker_socket=str(self.worker_socket),
            guard_timeout_s=self.guard_timeout_s,
            head_limit_bytes=self.head_limit_bytes,
            body_limit_bytes=self.body_limit_bytes,
            upload_limit_bytes=self.upload_limit_bytes,
            spool_dir=str((self.spool_dir or self.data_dir / "spool").resolve()),
            spool_limit_bytes=self.spool_limit_bytes,
            realtime_idle_timeout_s=self.realtime_idle_timeout_s,
            realtime_limit_s=self.realtime_limit_s,
            realtime_message_limit_bytes=self.realtime_message_limit_bytes,
            response_limit_bytes=self.response_limit_bytes,
            idle_timeout_s=self.idle_timeout_s,
            head_timeout_s=self.head_timeout_s,
            body_timeout_s=self.body_timeout_s,
            connect_timeout_s=self.connect_timeout_s,
            first_byte_timeout_s=self.first_byte_timeout_s,
            read_timeout_s=self.read_timeout_s,
            upstream_connections=self.upstream_connections,
            upstream_idle_s=self.upstream_idle_s,
            drain_timeout_s=self.drain_timeout_s,
            key_cache_size=self.key_cache_size,
            cache_bytes=self.cache_memory_bytes,
            cache_wait_s=self.cache_wait_ms / 1000,
            journal_segment_bytes=self.journal_segment_bytes,
            journal_flush_s=self.journal_flush_s,
            journal_full=self.journal_full.value,
            trusted_proxies=self.trusted_proxies,
            forwarded_header=self.forwarded_header,
            cors_origins=tuple(map(origin_rule, self.cors_origins)),
            cors_credentials=self.cors_credentials,
            cors_max_age_s=self.cors_max_age_s,
            hsts_max_age_s=self.hsts_max_age_s,
            upstream_ca=str(self.upstream_ca.resolve()) if self.upstream_ca else None,
            upstream_proxy=self.upstream_proxy,
            no_proxy=self.no_proxy,
            tls=tls,
            log_level=self.log_level,
            log_format="json" if self.log_format is LogFormat.AUTO else self.log_format.value,
        )
