"""The server: whether one runs, its port, its sockets, its health, its database, its journals."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from turnpike.cli.doctor.finding import Finding, ok, problem, warning
from turnpike.contract.journal import segments_of
from turnpike.control.db.engine import is_sqlite, open_migration_engine
from turnpike.control.db.migrate import known_revisions
from turnpike.errors import ConfigurationError
from turnpike.kit.files import process_lives, read_json
from turnpike.settings import Settings
from turnpike.supervisor.sockets import Listeners


@dataclass(frozen=True)
class Running:
    """What a running server says of itself."""

    pid: int
    url: str


def running(settings: Settings) -> Running | None:
    facts = read_json(settings.server_file)
    pid, url = facts.get("pid"), facts.get("url")
    if isinstance(pid, int) and isinstance(url, str) and process_lives(pid):
        return Running(pid, url)
    return None


async def server(settings: Settings, found: Running | None) -> list[Finding]:
    if found is None:
        return [
            ok("server", "does not run"),
            port(settings),
            *_left_sockets(settings),
            journals(settings),
            await database(settings),
        ]
    return [ok("server", f"runs at {found.url} (pid {found.pid})"), *_sockets(settings), *await health(found.url)]


def port(settings: Settings) -> Finding:
    """Whether the next start will have its port."""
    try:
        Listeners(settings.host, settings.port, 1).close()
    except ConfigurationError as error:
        return problem("port", error.message, "choose another with --port or TURNPIKE_PORT")
    return ok("port", f"{settings.port} of {settings.host} is free")


def _sockets(settings: Settings) -> list[Finding]:
    missing = [
        path.name
        for path in (settings.forward_socket, settings.contract_socket, settings.admin_socket)
        if not path.is_socket()
    ]
    if missing:
        return [problem("sockets", f"{', '.join(missing)} missing in {settings.run_dir}", "restart the server")]
    return [ok("sockets", f"in {settings.run_dir}")]


def _left_sockets(settings: Settings) -> list[Finding]:
    left = [path.name for path in settings.run_dir.glob("*.sock")] if settings.run_dir.is_dir() else []
    return [ok("sockets", f"{', '.join(left)} left from an earlier run; the next start replaces them")] if left else []


def journals(settings: Settings) -> Finding:
    """Segments that no ledger has: a server that was killed leaves some."""
    folder = settings.journal_dir
    left = sum(len(segments_of(one)) for one in folder.iterdir() if one.is_dir()) if folder.is_dir() else 0
    if left:
        return warning(
            "journals",
            f"{left} segments may hold calls that are not in the ledger yet",
            "start the server: it reads them",
        )
    return ok("journals", "none left over")


async def health(url: str) -> list[Finding]:
    """Asks the gateway itself, as a load balancer does. Its certificate is not what is looked at here."""
    insecure = ssl.create_default_context()
    insecure.check_hostname = False
    insecure.verify_mode = ssl.CERT_NONE
    try:
        async with httpx2.AsyncClient(timeout=5.0, trust_env=False, verify=insecure) as http:
            response = await http.get(f"{url}/health")
            body: Any = response.json()
    except (httpx2.HTTPError, ValueError) as error:
        return [problem("health", f"{url}/health does not answer: {error or type(error).__name__}", "look at its log")]
    return [verdict(body if isinstance(body, dict) else {})]


def verdict(body: dict[str, Any]) -> Finding:
    """Of the answer of /health, with or without the envelope."""
    inside: dict[str, Any] = body["data"] if isinstance(body.get("data"), dict) else body
    status = str(inside.get("status", "unknown"))
    if status == "healthy":
        return ok("health", f"{status}, version {inside.get('version', 'unknown')}")
    wrong = {name: word for name, word in (inside.get("checks") or {}).items() if not _is_fine(word)}
    says = ", ".join(f"{name}: {_word(word)}" for name, word in wrong.items()) or "no check says why"
    return problem("health", f"{status}: {says}", "the log of that part says more; turnpike doctor checks again")


def _word(check: object) -> object:
    return check.get("status") or check.get("message") if isinstance(check, dict) else check


def _is_fine(check: object) -> bool:
    return _word(check) in ("ok", "healthy", True)


async def database(settings: Settings) -> Finding:
    """Reached and migrated, without changing it."""
    if is_sqlite(settings) and settings.database_url is None and not _sqlite_file(settings).exists():
        return ok("database", "made on the first start (SQLite)")
    engine = open_migration_engine(settings)
    try:
        async with engine.connect() as connection:
            found = await connection.run_sync(_revision)
    except (SQLAlchemyError, asyncpg.PostgresError, OSError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        return problem("database", f"it cannot be reached: {reason}", "check TURNPIKE_DATABASE_URL and the database")
    finally:
        await engine.dispose()
    return revision(found, known_revisions())


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def revision(found: str | None, known: list[str]) -> Finding:
    if found == known[-1]:
        return ok("database", f"reached, at revision {found}")
    if found is not None and found not in known:
        return problem(
            "database", f"revision {found} is of a newer release", "run the release that wrote it, or a newer one"
        )
    return warning(
        "database",
        f"revision {found or 'none'}; this release has {known[-1]}",
        "turnpike db upgrade, or start the server",
    )


def _sqlite_file(settings: Settings) -> Path:
    return settings.data_dir.resolve() / "turnpike.db"
