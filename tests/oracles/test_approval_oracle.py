"""Oracle 1, approval: an approved apply sends only what applying the plan at the moment of approval would have sent.

It judges HTTP traffic and live state only. The same account is built twice. In the first, the plan is applied at the
moment of approval, and its writes are recorded. In the second, files and account change first; then the plan file is
applied. Every write of the second must be one of the first, or nothing is sent at all.

SIDs that exist at the moment of approval stand for themselves. A SID that comes into being later, in either account,
stands for what it names: kind, name, and place, no matter who made it.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from reconciler.api.client import Client
from reconciler.api.credentials import Credentials
from reconciler.api.retry import Retry
from reconciler.api.transport import in_process
from reconciler.documents import approval
from reconciler.documents.live import live_at
from reconciler.documents.plan import PlanFile, parse_plan, plan_document
from reconciler.emulator import Rules
from reconciler.emulator.app import Message, Receive, Scope, Send
from reconciler.errors import ConfigError, MatchError
from reconciler.execution.apply import apply
from reconciler.planning.plan import Plan
from reconciler.report import Silent
from tests.properties.accounts import inhabited
from tests.properties.strategies import (
    CONVERSATIONS,
    IDENTITIES,
    PERMISSIONS,
    ROLES,
    SERVICES,
    Call,
    accounts,
    configurations,
    text,
)
from tests.world import ACCOUNT, NOON, World, read

_SID = re.compile(r"[A-Z]{2}[0-9a-f]{32}")
_KEY = b"a key of the oracle"
_SINGLETON = re.compile(r"/(?:Configuration|Configuration/Webhooks|Configuration/Notifications)\Z")
_WITH_SID = re.compile(r"(?:[A-Z]{2}[0-9a-f]{32}|\})\Z")

Row = Mapping[str, Any]


# --- what was sent ---------------------------------------------------------------------------------------------------


@dataclass
class Log:
    """The API with a log of its writes: an ASGI application in front of the emulator."""

    world: World
    writes: list[tuple[str, str, tuple[tuple[str, str], ...]]] = field(default_factory=list)
    rows: dict[str, Row] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)

        async def again() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        if scope["method"] != "GET":
            form = tuple(sorted(parse_qsl(body.decode(), keep_blank_values=True)))
            self.writes.append((scope["method"], scope["path"], form))
        await self.world.emulator(scope, again, send)
        if scope["method"] != "GET":
            self.rows.update(self.world.snapshot())


@dataclass(frozen=True)
class Names:
    """What SIDs stand for.

    Attributes:
        known: the SIDs at the moment of approval.
        rows: every resource that was there at some moment after.
    """

    known: frozenset[str]
    rows: Mapping[str, Row]

    def of(self, sid: str) -> str:
        row = self.rows.get(sid)
        if sid in self.known or row is None:
            return sid
        facts = {key: row.get(key) for key in ("type", "messaging_binding", "target", "configuration") if key in row}
        name = row["name"] or json.dumps(facts, sort_keys=True)
        return f"{{{row['kind']} {name} {row.get('type', '')} in {self.of(row['parent'] or '')}}}"

    def put_into(self, content: str) -> str:
        return _SID.sub(lambda match: self.of(match.group()), content)


@dataclass
class Allowed:
    """What an apply at the moment of approval sent, and so what a later one may send."""

    creates: set[tuple[str, tuple[tuple[str, str], ...]]] = field(default_factory=set)
    deletes: set[str] = field(default_factory=set)
    parameters: set[tuple[str, str, tuple[str, ...]]] = field(default_factory=set)


def written(log: Log, names: Names) -> list[tuple[str, str, tuple[tuple[str, str], ...]]]:
    """Every write with what its SIDs stand for."""
    return [
        (method, names.put_into(path), tuple(sorted((key, names.put_into(value)) for key, value in form)))
        for method, path, form in log.writes
    ]


def parameters(path: str, form: tuple[tuple[str, str], ...]) -> set[tuple[str, str, tuple[str, ...]]]:
    """Each parameter of a write with all of its values."""
    return {(path, key, tuple(value for other, value in form if other == key)) for key, _ in form}


def is_create(path: str) -> bool:
    return not _SINGLETON.search(path) and not _WITH_SID.search(path)


def allowed(log: Log, names: Names) -> Allowed:
    found = Allowed()
    for method, path, form in written(log, names):
        if method == "DELETE":
            found.deletes.add(path)
        elif is_create(path):
            found.creates.add((path, form))
        else:
            found.parameters |= parameters(path, form)
    # What a create sent may come later as an update of what it made.
    for (_method, path, form), sid in zip(log.writes, made_by(log), strict=True):
        if sid:
            named = tuple((key, names.put_into(value)) for key, value in form)
            found.parameters |= parameters(f"{names.put_into(path)}/{names.of(sid)}", named)
    return found


def made_by(log: Log) -> list[str]:
    """The SID that each write made, by path and name; empty for others, and where it cannot be told."""
    found = []
    for method, path, form in log.writes:
        sids = [
            sid
            for sid, row in log.rows.items()
            if method == "POST" and is_create(path) and row["name"] and row["name"] in {value for _, value in form}
            if path.rsplit("/", 2)[-2] in {row["parent"], "v1", "Configuration"}
        ]
        found.append(sids[-1] if sids else "")
    return found


# --- plan and apply --------------------------------------------------------------------------------------------------


def approve(world: World, files: str, approvals: list[str]) -> PlanFile:
    """The plan as its file holds it."""
    made = world.plan(read(files), approved=approvals)
    shown = plan_document(made, key=_KEY, tool_version="0", created_at=world.now.strftime("%Y-%m-%dT%H:%M:%SZ"))
    return parse_plan(shown.to_json(), "plan.json")


def goes_on(world: World, approved: PlanFile, made: Plan) -> bool:
    """Whether the approved plan lets a fresh one be applied, as `reconciler apply --plan` decides it."""
    fresh = plan_document(made, key=_KEY, tool_version="0", created_at=world.now.strftime("%Y-%m-%dT%H:%M:%SZ"))
    live = live_at(made, approved, key=_KEY)
    return not approval.not_approved(approved, fresh, live) and not made.blocking()


def carry_out(world: World, made: Plan) -> tuple[Log, int]:
    log = Log(world)
    log.rows.update(world.snapshot())

    async def no_time(_seconds: float) -> None:
        await asyncio.sleep(0)

    async def run() -> int:
        async with Client(
            "https://conversations.twilio.com",
            Credentials(ACCOUNT, "emulator", ACCOUNT),
            transport=in_process(log),
            retry=Retry(attempts=1, sleep=no_time),
        ) as client:
            return (await apply(made, client, Silent())).exit_code

    return log, asyncio.run(run())


Edit = Callable[[World], None]


def judge(calls: list[Call], before: str, after: str, edits: list[Edit], prepare: str = "") -> str:
    """Approve, change, apply; gives how it ended.

    Args:
        calls: what the account holds.
        before: the files at the moment of approval.
        after: the files when the plan is applied.
        edits: what happens to the account in between.
        prepare: files that are applied first of all, so that the account resembles the others.
    """

    def account() -> World:
        world = inhabited(calls, Rules())
        if prepare:
            with contextlib.suppress(ConfigError, MatchError):
                carry_out(world, world.plan(read(prepare)))
        world.now = NOON + timedelta(days=1)
        return world

    at_once, later = account(), account()
    assert at_once.snapshot() == later.snapshot()
    known = frozenset(at_once.snapshot())
    try:
        first = at_once.plan(read(before))
        approvals = [f"{it.action}:{it.address}" for it in first.changes if it.guard and it.guard.name == "approval"]
        approved = approve(later, before, approvals)
        reference, code = carry_out(at_once, at_once.plan(read(before), approved=approvals))
    except (ConfigError, MatchError):
        return "no plan"
    if code not in {0, 5}:
        return "the plan itself fails"
    for edit in edits:
        edit(later)
    later.now += timedelta(hours=1)
    try:
        fresh = later.plan(read(after), approved=approvals)
    except (ConfigError, MatchError):
        return "no fresh plan"
    if not goes_on(later, approved, fresh):
        return "refused"
    log, _code = carry_out(later, fresh)
    may = allowed(reference, Names(known, reference.rows))
    for method, path, form in written(log, Names(known, log.rows)):
        if method == "DELETE":
            assert path in may.deletes, (method, path)
        elif is_create(path):
            assert (path, form) in may.creates, (method, path, form)
        else:
            assert parameters(path, form) <= may.parameters, (method, path, parameters(path, form) - may.parameters)
    return "applied in part" if len(log.writes) < len(reference.writes) else "applied"


# --- what happens in between -----------------------------------------------------------------------------------------


def found(world: World, path: str, key: str, name: str, by: str) -> str:
    reply = world.emulator.call("GET", path)
    items = reply.body.get(key, []) if isinstance(reply.body, dict) else []
    return next((str(item["sid"]) for item in items if item.get(by) == name), "")


def service_of(world: World, name: str) -> str:
    return found(world, "/v1/Services", "services", name, "friendly_name")


def role_of(world: World, service: str, name: str) -> str:
    return found(world, f"/v1/Services/{service}/Roles", "roles", name, "friendly_name")


@st.composite
def console_edits(draw: DrawFn) -> Edit:
    """One thing that somebody does in the console; the API may refuse it."""
    service, other = draw(st.sampled_from(SERVICES)), draw(st.sampled_from(SERVICES))
    role = draw(st.sampled_from((*ROLES, "service user", "channel user", "old hand")))
    user, room = draw(st.sampled_from(IDENTITIES)), draw(st.sampled_from((*CONVERSATIONS, "other")))
    kind = draw(st.sampled_from(sorted(PERMISSIONS)))
    default = draw(
        st.sampled_from(
            ("DefaultChatServiceRoleSid", "DefaultConversationRoleSid", "DefaultConversationCreatorRoleSid")
        )
    )
    value = draw(st.sampled_from(("true", "1", "1.0", '"1"', "null")))
    what = draw(
        st.sampled_from(
            (
                "default service", "default role", "new service", "remade role", "remade room", "remade user",
                "renamed room", "attributes", "role of user", "webhooks", "permissions", "lost role", "lost service",
            )
        )
    )  # fmt: skip

    def edit(world: World) -> None:
        call = world.emulator.call
        sid = service_of(world, service)
        base = f"/v1/Services/{sid}"
        form = {"FriendlyName": role, "Type": kind, "Permission": list(PERMISSIONS[kind][:2])}
        match what:
            case "default service":
                call("POST", "/v1/Configuration", {"DefaultChatServiceSid": sid or service_of(world, other)})
            case "default role":
                call("POST", f"{base}/Configuration", {default: role_of(world, sid, role)})
            case "new service":
                call("POST", "/v1/Services", {"FriendlyName": service})
            case "lost service":
                call("DELETE", base, {})
            case "remade role":
                call("DELETE", f"{base}/Roles/{role_of(world, sid, role)}", {})
                call("POST", f"{base}/Roles", form)
            case "lost role":
                call("DELETE", f"{base}/Roles/{role_of(world, sid, role)}", {})
            case "remade room":
                call("DELETE", f"{base}/Conversations/{room}", {})
                call("POST", f"{base}/Conversations", {"UniqueName": room})
            case "renamed room":
                call("POST", f"{base}/Conversations/other", {"UniqueName": room})
            case "remade user":
                call("DELETE", f"{base}/Users/{user}", {})
                call("POST", f"{base}/Users", {"Identity": user})
            case "attributes":
                call("POST", f"{base}/Users/{user}", {"Attributes": f'{{"team": {value}}}'})
                call("POST", f"{base}/Conversations/{room}", {"Attributes": f'{{"team": {value}}}'})
            case "role of user":
                call("POST", f"{base}/Users/{user}", {"RoleSid": role_of(world, sid, role)})
            case "webhooks":
                call("POST", f"{base}/Configuration/Webhooks", {"PreWebhookUrl": "https://theirs.example.com/"})
            case _:
                call("POST", f"{base}/Roles/{role_of(world, sid, role)}", {"Permission": PERMISSIONS[kind][0]})

    return edit


@st.composite
def file_edits(draw: DrawFn, root: dict[str, Any]) -> dict[str, Any]:
    """The files as somebody changed them."""
    result = copy.deepcopy(root)
    services = [body for body in result.get("services", {}).values() if isinstance(body, dict)]
    if not services:
        return result
    body = draw(st.sampled_from(services))
    match draw(st.sampled_from(("service name", "role name", "true for 1", "field", "lost", "more", "pin"))):
        case "service name":
            body["friendly_name"] = draw(st.sampled_from(SERVICES))
        case "pin":
            body["sid"] = "default"
        case "role name" if body.get("roles"):
            role = body["roles"][draw(st.sampled_from(sorted(body["roles"])))]
            role["friendly_name"] = draw(st.sampled_from((*ROLES, "old hand")))
        case "true for 1":
            for member in [*body.get("users", {}).values(), *body.get("conversations", {}).values()]:
                if isinstance(member, dict) and "absent" not in member:
                    member["attributes"] = {"team": draw(st.sampled_from((True, 1, 1.0, "1", [1], [True])))}
        case "field" if body.get("users"):
            member = body["users"][draw(st.sampled_from(sorted(body["users"])))]
            member.pop("role", None)
        case "lost":
            section = draw(st.sampled_from(("roles", "users", "conversations", "configuration", "webhooks")))
            body.pop(section, None)
            body.pop("prune", None)
        case _:
            body.setdefault("webhooks", {})["post_webhook_url"] = "https://more.example.com/"
    return result


@st.composite
def stories(draw: DrawFn) -> tuple[list[Call], str, str, list[Edit], str]:
    """An account, files, and what becomes of both between plan and apply."""
    root = draw(configurations())
    prepare = text(root) if draw(st.integers(0, 3)) else ""
    for _ in range(draw(st.integers(0, 3))):
        root = draw(file_edits(root))
    for service in root.get("services", {}).values():
        for member in [*service.get("users", {}).values(), *service.get("conversations", {}).values()]:
            if isinstance(member, dict) and draw(st.booleans()) and "absent" not in member:
                member["attributes"] = {"team": draw(st.sampled_from((1, True)))}
    after = draw(file_edits(root)) if draw(st.booleans()) else root
    edits = draw(st.lists(console_edits(), max_size=3))
    calls = draw(accounts()) if draw(st.booleans()) else []
    return calls, text(root), text(after), edits, prepare


# --- the cases that were found, and the property ---------------------------------------------------------------------


def _default_moves(world: World) -> None:
    bank = world.post("/v1/Services", {"FriendlyName": "Bank"})["sid"]
    world.post("/v1/Configuration", {"DefaultChatServiceSid": bank})


def _old_becomes_default(world: World) -> None:
    service = world.service("Sales")
    world.post(f"/v1/Services/{service}/Configuration", {"DefaultChatServiceRoleSid": world.role("Sales", "old")})


_PINNED = """
version: 1
services: {main: {sid: default, webhooks: {pre_webhook_url: "https://hooks.example.com/x"}}}
"""
_JOINS = "{type: service, permissions: [joinConversation]}"
_ROLE_IN = f"version: 1\nservices: {{s: {{friendly_name: %s, roles: {{agent: {_JOINS}}}}}}}\n"
_HOLDER = """
version: 1
services:
  s:
    friendly_name: Sales
    roles: {agent: {friendly_name: %s, type: service, permissions: [joinConversation]}}
    users: {ada: {role: agent}}
"""
_TWO_ROLES = """
version: 1
services:
  s:
    friendly_name: Sales
    roles: {a: {type: service, permissions: [joinConversation]}, b: {type: service, permissions: [joinConversation]}}
    users: {ada: {}}
"""
_RENAMED = """
version: 1
services:
  s:
    friendly_name: Sales
    roles: {agent: {renamed_from: old, type: service, permissions: [deleteConversation]}}
"""
_OLD = f"version: 1\nservices: {{s: {{friendly_name: Sales, roles: {{old: {_JOINS}}}}}}}\n"
_TEAM = "version: 1\nservices: {s: {friendly_name: Sales, users: {ada: {attributes: {team: %s}}}}}\n"
_TWO_SERVICES = "version: 1\nservices: {a: {friendly_name: Sales}, b: {friendly_name: Bank}}\n"

CASES: dict[str, tuple[str, str, str, list[Edit]]] = {
    "the default service moves": ("version: 1\n", _PINNED, _PINNED, [_default_moves]),
    "a handle names another service": (_TWO_SERVICES, _ROLE_IN % "Sales", _ROLE_IN % "Bank", []),
    "a handle names another role": (_TWO_ROLES, _HOLDER % "a", _HOLDER % "b", []),
    "a replace gains a step": (_OLD, _RENAMED, _RENAMED, [_old_becomes_default]),
    "true for 1": (_TEAM % "x", _TEAM % "1", _TEAM % "true", []),
    "1.0 for 1 inside": (_TEAM % "x", _TEAM % "[{a: 1}]", _TEAM % "[{a: 1.0}]", []),
}


@pytest.mark.parametrize("case", CASES)
def test_an_apply_that_would_send_something_else_is_refused(case: str) -> None:
    prepare, before, after, edits = CASES[case]
    assert judge([], before, after, edits, prepare) == "refused"


@pytest.mark.parametrize("case", CASES)
def test_an_apply_of_what_was_approved_goes_on(case: str) -> None:
    prepare, before, _after, _edits = CASES[case]
    assert judge([], before, before, [], prepare) == "applied"


quick = settings(
    max_examples=12,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    report_multiple_bugs=False,
)


@quick
@given(stories())
def test_an_approved_apply_sends_nothing_that_was_not_approved(
    story: tuple[list[Call], str, str, list[Edit], str],
) -> None:
    event(judge(*story))


@pytest.mark.slow
@settings(quick, max_examples=2000)
@given(stories())
def test_an_approved_apply_sends_nothing_that_was_not_approved_thoroughly(
    story: tuple[list[Call], str, str, list[Edit], str],
) -> None:
    event(judge(*story))
