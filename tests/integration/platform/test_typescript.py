"""The TypeScript client is that of the API as it is now, and works against a real server."""

import json
from pathlib import Path

import pytest

from tests.support.served import served
from tests.support.typescript import CLIENT, MARK, TYPES, digest_of, document, generate, install, node
from turnpike.settings import Settings


def test_the_types_are_those_of_the_document() -> None:
    """Without npm: the digest that stands above them."""
    first = TYPES.read_text().partition("\n")[0]
    assert first == f"{MARK}{digest_of(document())}", "the API changed: run `make client` and commit what it renews"


@pytest.fixture(scope="module")
def packages() -> None:
    if not (CLIENT / "node_modules" / "openapi-fetch").is_dir():
        problem = install()
        if problem is not None:
            pytest.skip(f"the npm packages of the client cannot be installed: {problem}")


@pytest.mark.usefixtures("packages")
def test_generating_again_gives_the_same_types_and_they_compile(tmp_path: Path) -> None:
    is_same = generate(document(), tmp_path) == TYPES.read_text()
    assert is_same, "the API changed: run `make client` and commit what it renews"
    done = node("node_modules/typescript/bin/tsc", "--noEmit")
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.usefixtures("packages")
def test_it_makes_reads_and_changes_a_key(sqlite_settings: Settings) -> None:
    with served(sqlite_settings) as server:
        key = server.services.settings.first_key_file.read_text().strip()
        done = node("examples/keys.ts", server.url, key)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout) == {
        "listed": ["typescript"], "renamed": "typescript, renamed", "refused": "PRECONDITION_FAILED",
    }  # fmt: skip
