"""What a model may be called: its name, with its provider's, an alias, what a wildcard covers, or a retired name."""

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.support.relay_process import KEY, Stage
from tests.support.upstream import Upstream, answer, completion, serving
from turnpike.contract.snapshot import AliasSpec

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALIASES = (
    AliasSpec("default", "plain"),
    AliasSpec("cheap", "one/plain"),
    AliasSpec("old", "plain", retired=True, note="Ask the platform team."),
    AliasSpec("plain", "shared"),
    AliasSpec("to-nothing", "no-such-model"),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def upstreams(stage: Stage) -> AsyncIterator[tuple[Upstream, Upstream]]:
    """Two upstreams, which share a model; `one` has `plain`, `two` has all `wild-*`."""
    async with serving(answer(completion("one"))) as one, serving(answer(completion("two"))) as two:
        await stage.model(one, name="plain", provider={"slug": "one"}, upstream_model="plain-1")
        await stage.model(one, name="org/plain", provider={"slug": "org-one"}, upstream_model="org-plain")
        await stage.model(one, two, name="shared", upstream_model="shared-up")
        await stage.model(two, name="wild-*", provider={"slug": "two"}, upstream_model="up/*")
        await stage.model(one, name="wild-special*", upstream_model="special")
        await stage.change(aliases=ALIASES)
        yield one, two


def _sent(upstream: Upstream) -> str:
    return upstream.requests[-1].json()["model"]


async def test_a_name_with_its_provider_before_it_goes_to_that_provider(
    stage: Stage, upstreams: tuple[Upstream, Upstream]
) -> None:
    slugs = {provider.slug: provider.id for provider in stage.control.snapshot.providers}
    rows = [row for row in stage.control.snapshot.models if row.name == "shared"]
    for row, upstream in zip(rows, upstreams, strict=True):
        slug = next(slug for slug, each in slugs.items() if each == row.provider_id)
        for _ in range(3):
            answered = await stage.chat(f"{slug}/shared")
            assert (answered.status, answered.headers["x-turnpike-provider"]) == (200, slug)
            assert _sent(upstream) == "shared-up"
    assert stage.settled(answered).model_asked == f"{slug}/shared"


async def test_a_models_own_name_may_have_a_slash(stage: Stage, upstreams: tuple[Upstream, Upstream]) -> None:
    assert (await stage.chat("org/plain")).status == 200
    assert _sent(upstreams[0]) == "org-plain"


@pytest.mark.parametrize(("name", "upstream_model"), [("default", "plain-1"), ("plain", "plain-1")])
async def test_an_alias_means_its_model_and_never_hides_one(
    stage: Stage, upstreams: tuple[Upstream, Upstream], name: str, upstream_model: str
) -> None:
    answered = await stage.chat(name)

    assert (answered.status, _sent(upstreams[0])) == (200, upstream_model)
    served = stage.settled(answered).served
    assert served is not None
    assert served.model == "plain"


async def test_a_wildcard_covers_what_has_no_row_and_the_longest_wins(
    stage: Stage, upstreams: tuple[Upstream, Upstream]
) -> None:
    for name in ("wild-cat", "two/wild-cat"):
        answered = await stage.chat(name)
        assert (answered.status, _sent(upstreams[1])) == (200, "up/cat")
        served = stage.settled(answered).served
        assert served is not None
        assert (served.model, served.upstream_model) == ("wild-*", "up/cat")
    assert (await stage.chat("wild-special-offer")).status == 200
    assert _sent(upstreams[0]) == "special"
    for name in ("wild-", "wild-*", "wild"):
        assert (await stage.chat(name)).status == 404


@pytest.mark.parametrize(
    ("name", "replacement"), [("old", "plain"), ("gpt-4-32k", "gpt-4o"), ("claude-2.1", "claude-sonnet-4-5")]
)
async def test_a_retired_model_answers_with_what_replaces_it(
    stage: Stage, upstreams: tuple[Upstream, Upstream], name: str, replacement: str
) -> None:
    answered = await stage.chat(name)

    error = answered.json()["error"]
    assert (answered.status, error["code"]) == (404, "model_not_found")
    assert f"'{replacement}'" in error["message"]
    assert ("Ask the platform team." in error["message"]) is (name == "old")


@pytest.mark.parametrize(
    ("allowed", "works", "refused"),
    [
        (("one/*",), ("plain", "one/plain", "default"), ("wild-cat", "two/wild-cat")),
        (("default",), ("default",), ("plain", "shared", "old-plain")),
        (("wild-cat",), ("wild-cat",), ("wild-dog", "plain")),
        (("two/wild-*",), ("wild-dog", "two/wild-dog"), ("plain",)),
    ],
)
async def test_a_keys_list_holds_for_every_name_of_a_model(
    stage: Stage,
    upstreams: tuple[Upstream, Upstream],
    allowed: tuple[str, ...],
    works: tuple[str, ...],
    refused: tuple[str, ...],
) -> None:
    key = stage.key(models=allowed)
    for name in works:
        assert (await stage.chat(name, key=key)).status == 200, name
    for name in refused:
        assert (await stage.chat(name, key=key)).status in (403, 404), name


async def test_the_list_shows_aliases_and_one_model_answers_to_all_its_names(
    stage: Stage, upstreams: tuple[Upstream, Upstream]
) -> None:
    listed = {row["id"]: row for row in (await stage.ask("/v1/models", method="GET")).json()["data"]}

    assert {"plain", "shared", "wild-*", "default", "cheap"} <= listed.keys()
    assert {"old", "to-nothing"}.isdisjoint(listed)
    assert listed["default"]["alias_of"] == "plain"
    assert "alias_of" not in listed["plain"], "a model's own name wins over an alias"
    for name in ("default", "one/plain", "wild-cat"):
        answered = await stage.ask(f"/v1/models/{quote(name, safe='')}", method="GET", key=KEY)
        assert (answered.status, answered.json()["id"]) == (200, name)
    gone = await stage.ask("/v1/models/old", method="GET")
    assert gone.status == 404
    assert "'plain'" in gone.json()["error"]["message"]
