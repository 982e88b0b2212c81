"""Adding a kind takes one module and one line in `KINDS`: the guide in `.github/CONTRIBUTING.md`, followed in a test.

Twilio has no banners. This module defines a kind for them as the guide says, and an API that has them. Nothing else in
the program or in the tests knows of banners, and they pass through validate, schema, plan, apply, drift and export.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import parse_qsl

import pytest
from jsonschema import Draft202012Validator

from reconciler.api.logs import shown_path
from reconciler.api.transport import Transport, in_process
from reconciler.emulator.app import Emulator, Receive, Scope, Send
from reconciler.errors import ConfigError
from reconciler.kinds import KINDS
from reconciler.kinds.base import Kind
from reconciler.kinds.hooks import Consequence, Fault, PartialValues
from reconciler.kinds.markers import (
    Choice,
    Declaration,
    Description,
    Example,
    Immutable,
    Length,
    NaturalKey,
    OnChange,
    Ref,
    Required,
    Url,
    Wire,
)
from reconciler.render.markdown import plan_markdown
from reconciler.render.text import plan_text
from reconciler.schema.configuration import config_schema, overlay_schema
from reconciler.schema.reference import coverage_markdown, kinds_markdown, reference_markdown
from tests.properties.test_export import exported
from tests.world import World, read, seen

# --- the module of the kind ------------------------------------------------------------------------------------------


class Link(Declaration):
    """Where a banner leads."""

    url: Annotated[
        str | None, Wire("Url"), Url(), Example("https://example.com"), Description("The target of a click.")
    ] = None


class Banner(Declaration):
    """The settings of a banner."""

    title: Annotated[
        str | None,
        Wire("Title"),
        NaturalKey(),
        Required(),
        Immutable(),
        Length(64),
        Example("Holidays"),
        Description("The title. Default: the handle."),
    ] = None
    color: Annotated[
        str | None,
        Wire("Color"),
        Choice(("red", "green")),
        OnChange("medium", "everyone sees another color"),
        Example("red"),
        Description("The color."),
    ] = None
    visible_to: Annotated[
        str | None,
        Wire("RoleSid"),
        Ref("role", "service"),
        Example("agent"),
        Description("The role whose holders see the banner."),
    ] = None
    link: Annotated[Link | None, Wire("Link"), Description("Where it leads.")] = None


def _check(values: PartialValues) -> tuple[Fault, ...]:
    if values.get("color") == "red" and values.get("link.url"):
        return (Fault("link.url", "a red banner has no link", "remove the link"),)
    return ()


def _consequences(_before: PartialValues | None, after: PartialValues | None, name: str) -> tuple[Consequence, ...]:
    return () if after is not None else (Consequence("medium", f"Nobody sees {name} any more."),)


BANNER = Kind(
    name="banner",
    model=Banner,
    section=("banners",),
    path="/v1/Services/{service}/Banners",
    summary="A line of text above every conversation.",
    docs="https://www.twilio.com/docs/banners",
    parent="service",
    sid_prefix="BN",
    list_key="banners",
    unique=((("title",), "parent"),),
    write_limit="container",
    check=_check,
    consequences=_consequences,
    typical_fields=("color",),
)

# --- an API that has them --------------------------------------------------------------------------------------------


class BannerApi:
    """An API with banners; everything else is the emulator's."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.banners: dict[str, dict[str, Any]] = {}
        self.requests: list[str] = []
        self.created = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        parts = scope["path"].split("/")
        if len(parts) < 5 or parts[4] != "Banners":
            await self.emulator(scope, receive, send)
            return
        self.requests.append(f"{scope['method']} {scope['path']}")
        form = dict(parse_qsl((await receive())["body"].decode(), keep_blank_values=True))
        status, body = self.answer(scope["method"], parts[3], "/".join(parts[5:]), form)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if body is None else json.dumps(body).encode()})

    def answer(self, method: str, service: str, sid: str, form: dict[str, str]) -> tuple[int, Any]:
        if method == "POST":
            self.created += 1
            sid = sid or f"BN{self.created:032x}"
            banner = self.banners.setdefault(sid, {"sid": sid, "service": service, "link": {}})
            for param, key in (("Title", "title"), ("Color", "color"), ("RoleSid", "role_sid")):
                banner[key] = form.get(param, banner.get(key))
            banner["link"]["url"] = form.get("Link.Url", banner["link"].get("url"))
            return 201, banner
        if method == "DELETE":
            del self.banners[sid]
            return 204, None
        found = [banner for banner in self.banners.values() if banner["service"] == service]
        return 200, {"meta": {"key": "banners", "next_page_url": None}, "banners": found}


class BannerWorld(World):
    """An account with banners."""

    def __init__(self) -> None:
        super().__init__()
        self.api = BannerApi(self.emulator)

    def transport(self) -> Transport:
        return in_process(self.api)


# --- the line in KINDS -----------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def banners() -> Iterator[None]:
    with KINDS.extended(BANNER):
        yield


FILES = """
version: 1
services:
  support:
    roles: {agent: {type: conversation, permissions: [sendMessage]}}
    banners:
      Holidays: {color: GREEN, visible_to: agent, link: {url: "https://example.com/holidays"}}
      closing: {title: Closing time, color: red}
    prune: [banners]
"""


INVALID = """
version: 1
services:
  support:
    banners:
      a: {colour: red}
      b: {color: blue}
      c: {color: red, link: {url: "https://example.com"}}
"""


def test_validate_knows_the_fields() -> None:
    loaded = read(FILES)
    addresses = [str(address) for address in loaded.resources]
    assert "services.support.banners.Holidays" in addresses
    with pytest.raises(ConfigError) as failed:
        read(INVALID)
    problems = {problem.code: problem.hint for problem in failed.value.problems}
    assert problems == {
        "unknown-key": "did you mean color?",
        "unknown-choice": "write red or green",
        "inconsistent": "remove the link",
    }


def test_editors_and_the_reference_know_it() -> None:
    schema = config_schema()
    Draft202012Validator.check_schema(schema)
    assert schema["$defs"]["banner"]["properties"]["color"]["description"] == "The color."
    assert schema["$defs"]["service"]["properties"]["banners"]["defaultSnippets"][0]["label"] == "new banner"
    assert schema["$defs"]["service"]["properties"]["prune"]["anyOf"][0]["items"]["enum"][-1] == "banners"
    Draft202012Validator.check_schema(overlay_schema())
    assert "### `banner`\n\nA line of text above every conversation." in reference_markdown()
    assert "| `services.HANDLE.banners.HANDLE` | `title` |" in kinds_markdown()
    assert "managed: `banner`" in coverage_markdown({"/v1/Services/{ChatServiceSid}/Banners": ["GET", "POST"]})


def test_a_plan_shows_it() -> None:
    world = BannerWorld()
    document = seen(world.plan(read(FILES)))
    created = next(change for change in document.changes if change.address == "services.support.banners.Holidays")
    assert (created.action, created.kind) == ("create", "banner")
    assert [field.path for field in created.fields] == ["title", "color", "visible_to", "link.url"]
    assert 'banner "Holidays" of service "support"' in plan_text(document, colour=False, width=120)
    assert "banners.Holidays" in plan_markdown(document)


def test_apply_creates_updates_replaces_and_prunes_it() -> None:
    world = BannerWorld()
    world.converge(read(FILES))
    banner = next(item for item in world.api.banners.values() if item["title"] == "Holidays")
    assert banner["role_sid"] == world.role("support", "agent")

    world.api.requests.clear()
    world.converge(read(FILES.replace("GREEN", "red").replace('"https://example.com/holidays"', "null")))
    assert (banner["color"], banner["link"]) == ("red", {"url": ""})
    assert [request for request in world.api.requests if request.startswith("POST")] == [
        f"POST /v1/Services/{banner['service']}/Banners/{banner['sid']}"
    ]

    changed = FILES.replace("      closing: {title: Closing time, color: red}\n", "")
    removed = seen(world.plan(read(changed)))
    gone = next(change for change in removed.changes if change.action == "delete")
    assert list(gone.consequences) == ["Nobody sees Closing time any more."]
    world.converge(read(changed))
    world.converge(read(changed.replace("Holidays: {", "Holidays: {title: Vacation, renamed_from: Holidays, ")))
    assert [item["title"] for item in world.api.banners.values()] == ["Vacation"]


def test_drift_and_a_changed_word_are_noticed() -> None:
    world = BannerWorld()
    world.converge(read(FILES))
    next(item for item in world.api.banners.values() if item["title"] == "Holidays")["color"] = "red"
    (change,) = world.plan(read(FILES)).changes
    assert [(field.path, field.before, field.after) for field in change.fields] == [("color", "red", "green")]
    assert change.risk == "medium"
    assert change.consequences == ("Everyone sees another color.",)


def test_an_export_writes_it_and_plans_as_empty() -> None:
    world = BannerWorld()
    world.converge(read(FILES))
    made = exported(world)
    text = made.files["reconciler.yaml"]
    assert "    banners:\n      Holidays:\n        color: green\n        visible_to: agent\n" in text
    assert world.plan(made.config).changes == ()


def test_logs_show_its_path_and_hide_names() -> None:
    sid = "IS" + "1" * 32
    assert shown_path(f"/v1/Services/{sid}/Banners/secret") == f"/v1/Services/{sid}/Banners/*"


def test_it_is_gone_when_the_line_is() -> None:
    world = World()
    made = exported(world)
    assert "banners" not in made.files["reconciler.yaml"]
