"""What must not be in the repository: paths of a machine, addresses of package registries, other people's tools."""

import json
import re
from pathlib import Path

import pytest

from tests.architecture.sources import shown, text_of, tracked

HERE = Path(__file__)
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:home|root|Users|work|private/tmp)/[A-Za-z]")
REGISTRY = re.compile(
    r"pypi\.org/simple|pythonhosted\.org|registry\.npmjs|registry\.yarnpkg|(?:extra-)?index-url|find-links"
    r"|\bdevpi\b|artifactory|nexus/repository|tool\.uv\.index|UV_INDEX|PIP_INDEX",
    re.IGNORECASE,
)
ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://|\bfile:|\bgit\+")
LOCKS = [path for path in tracked() if path.parent.name == "requirements" or path.name == "package-lock.json"]


def texts() -> list[tuple[Path, str]]:
    found: list[tuple[Path, str]] = []
    for path in tracked():
        if path == HERE or path.stat().st_size > 5_000_000:
            continue
        try:
            found.append((path, text_of(path)))
        except UnicodeDecodeError:
            continue
    return found


@pytest.mark.parametrize("pattern", [MACHINE_PATH, REGISTRY], ids=["path of a machine", "package registry"])
def test_nothing_names_a_machine_or_a_registry(pattern: re.Pattern[str]) -> None:
    found = [f"{shown(path)}: {match[0]}" for path, text in texts() if (match := pattern.search(text))]
    assert found == []


def test_the_patterns_find_what_they_look_for() -> None:
    assert MACHINE_PATH.search("see /home/ada/project")
    assert not MACHINE_PATH.search("POST /v1/working/items")
    assert REGISTRY.search("--index-url https://example")
    assert ADDRESS.search("https://example")


@pytest.mark.parametrize("lock", LOCKS, ids=shown)
def test_lock_files_carry_versions_and_hashes_only(lock: Path) -> None:
    text = text_of(lock)
    if lock.suffix == ".txt":
        assert ADDRESS.search(text) is None
        pinned = [line for line in text.splitlines() if line and line[0] not in " #"]
        assert pinned
        assert all("==" in line for line in pinned)
        assert text.count("--hash=sha256:") >= len(pinned)
    else:
        packages = json.loads(text)["packages"]
        assert [name for name, package in packages.items() if "resolved" in package] == []


def test_no_secret_file_is_tracked() -> None:
    names = {path.name for path in tracked()}
    assert not names & {".env", "first-key.txt", "id_rsa", ".pypirc", ".npmrc"}
    assert [path for path in tracked() if path.suffix in {".pem", ".key", ".sqlite", ".db"}] == []
