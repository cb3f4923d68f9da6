"""The data folder: permissions, secrets, what lies in it."""

import os
import stat
from pathlib import Path

from turnpike.cli.doctor.finding import Finding, ok, problem, warning
from turnpike.control.infra.secrets.keyring import load_keyring
from turnpike.errors import ConfigurationError
from turnpike.settings import Settings


def folder(settings: Settings) -> list[Finding]:
    path = settings.data_dir.resolve()
    if not path.exists():
        return [ok("data folder", f"{path} is not there yet; the first `turnpike serve` makes it")]
    findings = [permissions(path)]
    if findings[0].state == "problem":
        return findings
    return [*findings, secrets(settings), *_first_key(settings)]


def permissions(path: Path) -> Finding:
    if not path.is_dir():
        return problem("data folder", f"{path} is a file", "remove it, or choose another folder with --data-dir")
    status = path.stat()
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return problem(
            "data folder",
            f"{path} belongs to uid {status.st_uid} and cannot be used by uid {os.geteuid()}",
            f"run as that user, or: chown -R {os.geteuid()} {path}",
        )
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        return problem("data folder", f"{path} is open to others (mode {mode:04o})", f"chmod 700 {path}")
    return ok("data folder", f"{path}, for uid {status.st_uid} alone")


def secrets(settings: Settings) -> Finding:
    """Never makes them: that is the first start's."""
    file = settings.secrets_file
    from_settings = settings.secret_keys is not None and settings.key_pepper is not None
    if not file.exists() and not from_settings:
        if (settings.data_dir.resolve() / "turnpike.db").exists():
            return problem(
                "secrets",
                f"{file} is missing beside a database",
                "restore it from a backup: without it stored provider keys cannot be read and API keys are unknown",
            )
        return ok("secrets", "made on the first start")
    if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077:
        return problem("secrets", f"{file} can be read by others", f"chmod 600 {file}; then turnpike secrets rotate")
    try:
        keyring = load_keyring(settings)
    except ConfigurationError as error:
        return problem("secrets", "they cannot be used", error.message)
    where = "from the environment" if from_settings else f"in {file}"
    return ok("secrets", f"{len(keyring.fernet_keys)} encryption keys, {where}")


def _first_key(settings: Settings) -> list[Finding]:
    file = settings.first_key_file
    if not file.exists():
        return []
    return [warning("first key", f"the first administrator's key still lies in {file}", "keep it elsewhere; delete it")]
