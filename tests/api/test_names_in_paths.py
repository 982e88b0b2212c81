"""Names that servers in front of the API treat specially in a path: never taken for missing on their word alone."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

import pytest

from reconciler.api import wire
from reconciler.api.client import ReadClient
from reconciler.api.credentials import Credentials
from reconciler.api.transport import in_process
from reconciler.emulator import Emulator, Rules
from reconciler.emulator.app import Receive, Scope, Send
from reconciler.planning.plan import Plan
from reconciler.report import Silent
from reconciler.workflow.planning import fetch_and_plan
from tests.faults.harness import Once, failures, run
from tests.world import ACCOUNT, World, read

ODD = (
    "a/b",
    "a%2Fb",
    "50%",
    "a+b@example.com",
    "ends.",
    ".hidden",
    "a\\b",
    "a;b",
    "a?b",
    "a#b",
    " a",
    "a/../b",
)
# Of these every path is read on to the end of the list.
DOTS = (".", "..")
PLAIN = ("ada", "ada@example.com", "desk 1", "Zoë", "日本", "a.b", "x_y-z", "+1".strip("+"), "user:1", "a&b=c")
SERVICE = "Default Conversations Service"

Answer = tuple[int, bytes, bytes]
NOT_FOUND: Answer = (404, b"application/json", b'{"code": 20404, "message": "no", "status": 404}')
PAGE: Answer = (404, b"text/html", b"<html>Not Found</html>")
BAD: Answer = (400, b"text/html", b"<html>Bad Request</html>")
BAD_JSON: Answer = (400, b"application/json", b"{}")
REDIRECT: Answer = (301, b"text/html", b"")


class Edge:
    """A server in front of the API that answers by itself, or changes the path.

    Args:
        app: the API.
        answer: what it answers to a path with an unusual character; None to change the path instead.
        change: how it changes a path.
    """

    def __init__(self, app: Emulator, answer: Answer | None = None, change: Callable[[str], str] = str) -> None:
        self.app, self.answer, self.change = app, answer, change

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["raw_path"].partition(b"?")[0].decode()
        *_, name = path.split("/")
        if self.answer is not None and re.search(r"%(2F|25|2B|3B|3F|23|5C)|^(\.|%20)|\.$", name):
            status, media_type, body = self.answer
            headers = [(b"content-type", media_type), (b"location", b"https://elsewhere.example.com/")]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})
            return
        scope = {**scope, "raw_path": self.change(path).encode()}
        await self.app(scope, receive, send)


EDGES: dict[str, dict[str, Any]] = {
    "404": {"answer": NOT_FOUND},
    "404 page": {"answer": PAGE},
    "400": {"answer": BAD_JSON},
    "400 page": {"answer": BAD},
    "redirect": {"answer": REDIRECT},
    "decodes twice": {"change": lambda path: quote(unquote(path), safe="/%?;#")},
    "reads plus as a blank": {"change": lambda path: path.replace("%2B", "%20")},
    "trims": {"change": lambda path: path.rstrip(".") if not path.endswith("..") else path},
    "passes everything on": {},
}


def account(names: tuple[str, ...], rules: Rules | None = None) -> World:
    """An account whose names are on no first page."""
    world = World(rules or Rules(page_order="newest first"))
    for name in names:
        world.post("/v1/Users", {"Identity": name})
    for number in range(60):
        world.post("/v1/Users", {"Identity": f"user{number}"})
    return world


def declared(names: tuple[str, ...], body: str = "{}") -> str:
    users = "".join(f"      {name!r}: {body}\n" for name in names).replace("\\\\", "\\")
    return f"version: 1\nservices:\n  {SERVICE}:\n    users:\n{users}"


def planned(text: str, app: Any) -> Plan:
    files = read(text)

    async def plan() -> Plan:
        async with ReadClient("https://a.example.com", _ANYONE, transport=in_process(app)) as client:
            return await fetch_and_plan(files, client, Silent())

    return asyncio.run(plan())


_ANYONE = Credentials(ACCOUNT, "emulator", ACCOUNT)


@pytest.mark.parametrize("names", [(*ODD, *PLAIN), (*ODD, *DOTS)])
@pytest.mark.parametrize("edge", EDGES)
def test_a_name_that_is_there_is_found_through_any_server(edge: str, names: tuple[str, ...]) -> None:
    world = account(names)
    assert planned(declared(names), Edge(world.emulator, **EDGES[edge])).changes == ()


@pytest.mark.parametrize("edge", EDGES)
def test_a_name_that_is_not_there_is_missing_through_any_server(edge: str) -> None:
    # Names that a changed path leads to.
    world = account(("a b@example.com", "ends", "50"))
    changes = planned(declared(ODD), Edge(world.emulator, **EDGES[edge])).changes
    assert sorted(change.address.parts[-1] for change in changes) == sorted(ODD)
    assert {change.action for change in changes} == {"create"}


@pytest.mark.parametrize("rules", [Rules(slash_in_path="found"), Rules(slash_in_path="not_found")])
def test_what_is_found_by_listing_is_deleted_by_its_sid(rules: Rules) -> None:
    world = account(("a/b", "kept"), rules)
    world.converge(read(declared(("a/b",), "{absent: true}") + "      kept: {friendly_name: Kept}\n"))
    left = [row["name"] for row in world.snapshot().values() if row["kind"] == "user"]
    assert "a/b" not in left
    assert "kept" in left
    assert not any("a%2Fb" in request for request in world.writes)


def test_plain_names_cost_one_request_each_and_no_list() -> None:
    world = account(PLAIN)
    planned(declared((*PLAIN, "new one")), world.emulator)
    users = [request for request in world.requests if "/Users" in request]
    assert sum("PageSize" in request for request in users) == 1
    assert len(users) == 1 + len(PLAIN) + 1


@pytest.mark.parametrize("name", [*ODD, *DOTS])
def test_names_that_a_path_may_not_carry(name: str) -> None:
    assert not wire.is_plain_in_path(name)


@pytest.mark.parametrize("name", PLAIN)
def test_names_that_a_path_carries(name: str) -> None:
    assert wire.is_plain_in_path(name)


@pytest.mark.parametrize("name", ["a/b", "plain"])
@pytest.mark.parametrize("collection", ["users", "conversations"])
def test_a_lost_create_of_any_name_is_found(collection: str, name: str) -> None:
    world = World(Rules(slash_in_path="not_found"))
    files = read(f"version: 1\nservices:\n  {SERVICE}:\n    {collection}:\n      {name}: {{}}\n")
    app = Once(world.emulator, "reset-after", lambda method, path: method == "POST" and collection in path.lower())
    assert failures(run(app, files)) == []
    rows = [row for row in world.snapshot().values() if row["kind"] == collection.removesuffix("s")]
    assert [row["name"] for row in rows] == [name]
    assert world.plan(files).changes == ()
