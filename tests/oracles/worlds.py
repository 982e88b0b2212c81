"""Arbitrary accounts, and arbitrary configurations that have something to do with them, as plain dictionaries.

Names come from small pools, so that what is declared is often live, or was under another name. An account is a list of
facts that are turned into raw HTTP calls. A configuration may be invalid: then nothing may be sent at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from reconciler.emulator import Rules
from tests.oracles.account import Account
from tests.oracles.reading import step

SERVICES = ("Support", "Sales")
ROLES = ("old", "new", "[vip] agent", "v agent")
USERS = ("ada", "bob", "zoe")
ROOMS = ("room", "hall")
CUSTOMERS = ("+14155550177", "+14155550178")
PROXY = "+14155550101"
NUMBERS = ("+14155550111", "+14155550122", "+14155550133")
URLS = tuple(f"https://a.example/{number}" for number in range(6))
PERMISSIONS = {
    "service": ("joinConversation", "createConversation", "editOwnUserInfo"),
    "conversation": ("sendMessage", "leaveConversation", "sendMediaMessage"),
}
DEFAULTS = {
    "default_chat_service_role": ("DefaultChatServiceRoleSid", "service", "service user"),
    "default_conversation_role": ("DefaultConversationRoleSid", "conversation", "channel user"),
    "default_conversation_creator_role": ("DefaultConversationCreatorRoleSid", "conversation", "channel admin"),
}
READINGS = (Rules(), Rules(default_role="allowed"))

_LIVE = re.compile(r"<([^<>]*)>")


@dataclass(frozen=True)
class Call:
    """One request that makes a part of an account.

    Attributes:
        name: what the rest of the world calls what is made.
        path: where it is sent; ``<…>`` is the SID of what is named so.
        form: what is sent, with the same placeholders.
    """

    name: str
    path: str
    form: Mapping[str, Any]


@dataclass(frozen=True)
class World:
    """An account, a configuration for it, and what the command is told.

    Attributes:
        calls: what makes the account.
        root: the configuration, with the same placeholders.
        options: of the command.
        rules: the account's readings of unverified facts.
    """

    calls: Sequence[Call]
    root: Mapping[str, Any]
    options: tuple[str, ...] = ()
    rules: Rules = field(default_factory=Rules)

    def account(self) -> tuple[Account, dict[str, Any]]:
        """The account, as far as the API let it be made, and the configuration with its SIDs."""
        account = Account(rules=self.rules)
        sids: dict[str, str] = {}

        def filled(text: str) -> str:
            return _LIVE.sub(lambda found: sids.get(found.group(1), "RL" + "0" * 32), text)

        for call in self.calls:
            form = {key: filled(value) if isinstance(value, str) else value for key, value in call.form.items()}
            if sid := account.tries(filled(call.path), form):
                sids[call.name] = sid
        root: dict[str, Any] = json.loads(filled(json.dumps(self.root)))
        return account, root


def _some(draw: DrawFn, pool: Sequence[str], least: int = 0) -> list[str]:
    chosen: list[str] = draw(st.lists(st.sampled_from(pool), unique=True, min_size=least, max_size=len(pool)))
    return chosen


def _rarely(draw: DrawFn, one_in: int = 4) -> bool:
    return bool(draw(st.integers(1, one_in)) == 1)


def _coin(draw: DrawFn) -> bool:
    return bool(draw(st.booleans()))


# --- The account --------------------------------------------------------------------------------------------------


@st.composite
def accounts(draw: DrawFn) -> list[Call]:
    """What somebody did in an account."""
    calls: list[Call] = []
    for service in _some(draw, SERVICES, least=1):
        calls.append(Call(service, "/v1/Services", {"FriendlyName": service}))
        calls += draw(_inhabitants(service))
    for number in _some(draw, NUMBERS):
        form: dict[str, Any] = {"Type": "sms", "Address": number, "FriendlyName": f"Line {number[-2:]}"}
        if _coin(draw):
            form |= {"AutoCreation.Enabled": "true", "AutoCreation.Type": "webhook", "AutoCreation.WebhookUrl": URLS[0]}
        if "AutoCreation.Type" in form and _coin(draw):
            form["AutoCreation.ConversationServiceSid"] = f"<{draw(st.sampled_from(SERVICES))}>"
        calls.append(Call(number, "/v1/Configuration/Addresses", form))
    if _rarely(draw):
        name = draw(st.sampled_from(SERVICES))
        calls.append(Call("", "/v1/Configuration", {"DefaultChatServiceSid": f"<{name}>"}))
    return calls


@st.composite
def _inhabitants(draw: DrawFn, service: str) -> list[Call]:
    path = f"/v1/Services/<{service}>"
    calls: list[Call] = []
    live: list[tuple[str, str]] = []
    for name in _some(draw, ROLES):
        for kind in draw(st.sampled_from((("service",), ("conversation",), ("service", "conversation")))):
            form = {"FriendlyName": name, "Type": kind, "Permission": _some(draw, PERMISSIONS[kind], least=1)}
            calls.append(Call(f"{service}/{kind}/{name}", f"{path}/Roles", form))
            live.append((name, kind))

    def role(kind: str) -> dict[str, str]:
        names = [name for name, of in live if of == kind]
        if not names or _coin(draw):
            return {}
        return {"RoleSid": f"<{service}/{kind}/{draw(st.sampled_from(names))}>"}

    for parameter, kind, _ in DEFAULTS.values():
        if chosen := role(kind):
            calls.append(Call("", f"{path}/Configuration", {parameter: chosen["RoleSid"]}))
    for identity in _some(draw, USERS):
        form = {"Identity": identity, "FriendlyName": identity.upper(), "Attributes": '{"own": 1}', **role("service")}
        calls.append(Call(f"{service}/{identity}", f"{path}/Users", form))
    for room in _some(draw, ROOMS):
        calls.append(Call(f"{service}/{room}", f"{path}/Conversations", {"UniqueName": room, "FriendlyName": room}))
        calls += draw(_contents(f"{path}/Conversations/<{service}/{room}>", role("conversation"), room))
    return calls


@st.composite
def _contents(draw: DrawFn, path: str, role: Mapping[str, str], room: str) -> list[Call]:
    calls = [
        Call(f"{room}/{identity}", f"{path}/Participants", {"Identity": identity, "Attributes": '{"own": 1}', **role})
        for identity in _some(draw, USERS)
    ]
    for customer in _some(draw, CUSTOMERS):
        pair = {
            "MessagingBinding.Address": customer,
            "MessagingBinding.ProxyAddress": PROXY,
            "Attributes": '{"own": 1}',
        }
        calls.append(Call("", f"{path}/Participants", {**pair, **role}))
    for url in _some(draw, URLS):
        form = {"Target": "webhook", "Configuration.Url": url, "Configuration.Filters": ["onMessageAdded"]}
        calls.append(Call("", f"{path}/Webhooks", form))
    return calls


# --- The configuration --------------------------------------------------------------------------------------------


@st.composite
def _prune(draw: DrawFn, sections: Sequence[str]) -> Any:
    """A prune of some sections that are there; nothing in half of the cases."""
    chosen = _some(draw, sections) if sections and _coin(draw) else []
    if _coin(draw):
        return chosen
    return {section: draw(_PATTERNS) for section in chosen}


_GLOBS = st.sampled_from(
    ("*", "old", "[vip] agent", "* agent", "?old", "v*", "a*", "\\[vip\\] *", "+1*", "room", "[a-z]*")
)
_PATTERNS: SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {}, optional={"match": _GLOBS, "except": st.lists(_GLOBS, min_size=1, max_size=2)}
)


@st.composite
def _meta(draw: DrawFn, body: dict[str, Any], former: Sequence[str], fields: Sequence[str]) -> dict[str, Any]:
    """A resource, now and then absent, renamed, or with a lifecycle."""
    choice = draw(st.integers(0, 11))
    if choice in {0, 1}:
        return {**body, "absent": True}
    if choice in {2, 3, 4} and former:
        body = {**body, "renamed_from": draw(st.sampled_from(former))}
    if choice in {4, 5} and fields:
        body = {**body, "lifecycle": {"ignore_changes": _some(draw, fields, least=1)}}
    if choice == 6:
        body = {**body, "lifecycle": {"prevent_destroy": True}}
    return body


def _others(pool: Sequence[str], name: str) -> list[str]:
    return [other for other in pool if other != name]


def _roles_in(calls: Sequence[Call], service: str) -> list[tuple[str, str]]:
    """The names and types of the roles that somebody made in a service."""
    return [
        (call.form["FriendlyName"], call.form["Type"])
        for call in calls
        if call.name.startswith(f"{service}/") and "Type" in call.form
    ]


@st.composite
def _service(draw: DrawFn, name: str, live: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """One declared service, of which some roles are live."""
    if _rarely(draw, 8):
        return {"friendly_name": name, "absent": True}
    body: dict[str, Any] = {"friendly_name": name}
    roles: dict[str, Any] = {}
    for handle in _some(draw, ROLES):
        kind = draw(st.sampled_from(("service", "conversation")))
        found = {"type": kind, "permissions": _some(draw, PERMISSIONS[kind], least=1)}
        former = [name for name, of in live if of == kind and name != handle]
        roles[handle] = draw(_meta(found, former or _others(ROLES, handle), ("permissions",)))
    if roles or _coin(draw):
        body["roles"] = roles

    def role(kind: str) -> dict[str, str]:
        declared = [key for key, item in roles.items() if item["type"] == kind and not item.get("absent")]
        built_in = [name for _, of, name in DEFAULTS.values() if of == kind]
        by_sid = [f"<{name}/{kind}/{other}>" for other, of in live if of == kind]
        choice = draw(st.sampled_from(("none", "declared", "declared", "built in", "by SID")))
        pool = {"declared": declared, "built in": built_in, "by SID": by_sid}.get(choice, [])
        return {"role": draw(st.sampled_from(pool))} if pool else {}

    defaults = {field: role(kind).get("role") for field, (_, kind, _) in DEFAULTS.items() if _coin(draw)}
    defaults = {field: item for field, item in defaults.items() if item is not None}
    if defaults:
        ignored = {"lifecycle": {"ignore_changes": _some(draw, list(defaults), least=1)}} if _rarely(draw, 6) else {}
        body["configuration"] = {**defaults, **ignored}
    if _coin(draw):
        body["users"] = {
            handle: draw(_meta({**role("service"), **_named(draw)}, _others(USERS, handle), ("role", "friendly_name")))
            for handle in _some(draw, USERS)
        }
    if _coin(draw):
        rooms = {}
        for handle in _some(draw, ROOMS):
            room = draw(_meta({}, _others(ROOMS, handle), ()))
            rooms[handle] = room if room.get("absent") else {**room, **draw(_room(role("conversation")))}
        body["conversations"] = rooms
    body["prune"] = draw(_prune([section for section in ("roles", "users", "conversations") if section in body]))
    return body


def _named(draw: DrawFn) -> dict[str, Any]:
    return {"friendly_name": "Declared"} if _rarely(draw, 3) else {}


@st.composite
def _room(draw: DrawFn, role: Mapping[str, str]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if _coin(draw):
        people = {name: {"identity": name, **role} for name in _some(draw, USERS)}
        pairs = {f"c{item[-1]}": {"address": item, "proxy_address": PROXY, **role} for item in _some(draw, CUSTOMERS)}
        former = [f"{customer} via {PROXY}" for customer in CUSTOMERS]
        body["participants"] = {
            handle: draw(_meta(item, _others(former, f"{item.get('address')} via {PROXY}"), ("attributes",)))
            if "address" in item
            else draw(_meta(item, _others(USERS, handle), ("role",) if role else ()))
            for handle, item in {**people, **pairs}.items()
        }
    if _coin(draw):
        body["webhooks"] = {
            f"w{url[-1]}": draw(_meta({"target": "webhook", "url": url, "filters": ["onMessageAdded"]}, (), ()))
            for url in _some(draw, URLS)[:3]
        }
    body["prune"] = draw(_prune([section for section in ("participants", "webhooks") if section in body]))
    return body


@st.composite
def configurations(draw: DrawFn, calls: Sequence[Call]) -> dict[str, Any]:
    """A configuration for the account that some calls made."""
    root: dict[str, Any] = {"version": 1}
    services = {name.lower(): draw(_service(name, _roles_in(calls, name))) for name in _some(draw, SERVICES, least=1)}
    root["services"] = services
    present = [handle for handle, body in services.items() if not body.get("absent")]
    if _coin(draw):
        addresses = {}
        for number in _some(draw, NUMBERS):
            body: dict[str, Any] = _named(draw)
            if present and _coin(draw):
                body["auto_creation"] = {
                    "enabled": True,
                    "type": "webhook",
                    "webhook_url": URLS[1],
                    "service": draw(st.sampled_from(present)),
                }
            addresses[f"n{number[-2:]}"] = {
                "address": number,
                **draw(_meta(body, _others(NUMBERS, number), ("friendly_name",))),
            }
        root["addresses"] = addresses
    if present and _rarely(draw):
        root["account"] = {"configuration": {"default_service": draw(st.sampled_from(present))}}
    root["prune"] = draw(
        _prune(
            [
                section
                for section in ("services", "addresses")
                if section in root and (section != "services" or _rarely(draw, 6))
            ]
        )
    )
    if _rarely(draw, 8):
        root["limits"] = {"deletes": draw(st.integers(0, 2))}
    action = draw(st.sampled_from(("delete",) * 5 + ("replace", "")))
    root["approvals"] = [{"address": item, "action": action} for item in _destructible(services)] if action else []
    return root


def _destructible(services: Mapping[str, Any]) -> list[str]:
    """The addresses of everything whose delete needs an approval, declared or not."""
    found = [f"services.{handle}" for handle in services] + [f'services["<{name}>"]' for name in SERVICES]
    for handle, body in services.items():
        found += [f"services.{handle}.conversations.{room}" for room in body.get("conversations", {})]
        name = body["friendly_name"]
        found += [f'services.{handle}.conversations["<{name}/{room}>"]' for room in ROOMS]
    return found


@st.composite
def worlds(draw: DrawFn) -> World:
    calls = draw(accounts())
    root = draw(configurations(calls))
    options: tuple[str, ...] = ()
    if _rarely(draw, 5):
        addresses = [f"services.{handle}" for handle in root["services"]]
        for handle, body in root["services"].items():
            addresses += [f"services.{handle}.{part}" for part in ("configuration", "users") if part in body]
            addresses += [f"services.{handle}.roles{step(role)}" for role in body.get("roles", {})]
            addresses += [f"services.{handle}.users.{user}" for user in body.get("users", {})]
        addresses += [f"addresses.{number}" for number in root.get("addresses", {})]
        options = (draw(st.sampled_from(("--target", "--exclude"))), draw(st.sampled_from(addresses)))
    return World(calls, root, options, draw(st.sampled_from(READINGS)))
