"""The corpus of hostile input: files, live values, and saved files, each with what has to become of it; all as data.

`files.json`, `live.json` and `saved.json` beside this module hold the cases. A text is a string or a list of parts, of
which a part is a string, ``[part, times]`` for a repetition, ``{"count": part, "to": N}`` for one with a number in the
place of each ``#``, or ``{"hex": "…"}`` for bytes; so that what is large is small here.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.api import retry, transport
from reconciler.api.retry import Retry
from reconciler.api.transport import Transport, in_process
from reconciler.emulator import Emulator, Store
from reconciler.emulator.app import Receive, Scope, Send

FOLDER = Path(__file__).resolve().parent
FILES = """\
version: 1
account: {webhooks: {target: webhook, method: POST, post_webhook_url: https://hooks.example.com}}
services:
  support:
    roles: {agent: {type: conversation, permissions: [sendMessage]}}
    users: {ada: {friendly_name: Ada, attributes: {team: 1}}}
    conversations: {lounge: {friendly_name: Lounge, attributes: {a: 1}}}
    webhooks: {method: POST, filters: [onMessageAdd], pre_webhook_url: https://hooks.example.com}
addresses: {"+14155550100": {type: sms, friendly_name: Main}}
"""
"""What the hostile account is compared with."""


@dataclass(frozen=True)
class Case:
    """One hostile input.

    Attributes:
        name: in words; unique.
        recipes: what is written before, by path; see `made`.
        links: links to make, by path.
        commands: what is run, one after the other; each has to end with `exit`.
        exit: what the commands end with.
        says: what one of the streams holds, at the end of the last command; empty for nothing in particular.
        answers: for live values, how an answer is changed: where, and what stands there.
        environment: variables to set.
    """

    name: str
    exit: int
    says: str
    recipes: Mapping[str, Any] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    commands: Sequence[Sequence[str]] = ()
    answers: Sequence[Mapping[str, Any]] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def files(self) -> dict[str, bytes]:
        """The contents of the files; made only for a test that runs, since some are large."""
        return {path: made(recipe) for path, recipe in self.recipes.items()}


def made(text: Any) -> bytes:
    """A text of its recipe."""
    match text:
        case str():
            return text.encode("utf-8", "surrogatepass")
        case {"spoilt": changes}:
            return _spoilt(changes)
        case {"hex": str(digits)}:
            return bytes.fromhex(digits)
        case {"count": part, "to": int(most)}:
            whole = made(part)
            return b"".join(whole.replace(b"#", str(number).encode()) for number in range(most))
        case [part, int(times)]:
            return made(part) * times
        case list():
            return b"".join(made(part) for part in text)
    raise TypeError(f"{text!r} is no recipe")


def _saved() -> dict[str, Any]:
    """A valid plan file to spoil."""
    found: dict[str, Any] = json.loads((FOLDER / "plan.json").read_text(encoding="utf-8"))
    return found


def _spoilt(changes: Sequence[Sequence[Any]]) -> bytes:
    """The valid plan with some of it replaced: a change is the keys that lead there, and raw JSON."""
    document = _saved()
    marks: dict[str, bytes] = {}
    for number, (*keys, text) in enumerate(changes):
        where: Any = document
        for key in keys[:-1]:
            where = where[key]
        mark = f"__{number}__"
        marks[json.dumps(mark)] = made(text)
        where[keys[-1]] = mark
    whole = json.dumps(document).encode()
    for quoted, raw in marks.items():
        whole = whole.replace(quoted.encode(), raw)
    return whole


_VALIDATE = (("validate",), ("validate", "--format", "json"))
_SHOWS = (
    ("show", "saved.json"),
    ("show", "saved.json", "--format", "markdown"),
    ("show", "saved.json", "--format", "json"),
)
_LIVE = (
    ("plan", "--emulator", "a.db", "--verbose"),
    ("plan", "--emulator", "a.db", "--format", "markdown"),
    ("plan", "--emulator", "a.db", "--format", "json", "--out", "plan.json"),
)


def cases() -> Iterator[Case]:
    """Every case."""
    for item in _read("files"):
        files = {"reconciler.yaml": item["text"]} if "text" in item else {}
        files |= item.get("also", {})
        commands = item.get("commands", _VALIDATE)
        environment = {name: made(text).decode() for name, text in item.get("environment", {}).items()}
        yield Case(
            item["name"], item["exit"], item["says"], files, item.get("links", {}), commands, environment=environment
        )
    for item in _read("live"):
        commands = item.get("commands", _LIVE)
        yield Case(item["name"], item["exit"], item["says"], {"reconciler.yaml": FILES}, {}, commands, item["answers"])
    for item in _read("saved"):
        text = item["text"] if "text" in item else {"spoilt": item["changes"]}
        yield Case(item["name"], item["exit"], item["says"], {"saved.json": text}, {}, item.get("commands", _SHOWS))


def _read(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


def lay_out(case: Case, folder: Path) -> None:
    """Write a case's files into a folder."""
    for path, data in case.files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    for path, target in case.links.items():
        (folder / path).symlink_to(target)


# --- live values -----------------------------------------------------------------------------------------------------


class Tampered:
    """An emulator whose answers are changed on their way.

    Args:
        app: the emulator.
        answers: of each the ``path`` (what the asked one ends with), and either ``body``, a raw recipe, or
            ``keys`` and ``value``: where in every item, and the raw JSON to put there (null: take the key out).
    """

    def __init__(self, app: Emulator, answers: Sequence[Mapping[str, Any]]) -> None:
        self.app, self.answers = app, answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fitting = [item for item in self.answers if scope["type"] == "http" and scope["path"].endswith(item["path"])]
        if not fitting or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        bodies: list[bytes] = []
        starts: list[Any] = []

        async def keep(message: Any) -> None:
            if message["type"] == "http.response.start":
                starts.append(message)
            else:
                bodies.append(message.get("body", b""))

        await self.app(scope, receive, keep)
        body = b"".join(bodies)
        for item in fitting:
            body = made(item["body"]) if "body" in item else _tampered(body, item)
        start = dict(starts[0])
        start["status"] = fitting[0].get("status", start["status"])
        start["headers"] = [pair for pair in start["headers"] if pair[0] != b"content-length"]
        start["headers"] += [(name.encode(), value.encode()) for name, value in fitting[0].get("headers", [])]
        await send(start)
        await send({"type": "http.response.body", "body": body})


def _tampered(body: bytes, item: Mapping[str, Any]) -> bytes:
    document = json.loads(body)
    lists = [value for value in document.values() if isinstance(value, list)] if "meta" in document else [[document]]
    for entry in lists[0]:
        where: Any = entry
        for key in item["keys"][:-1]:
            where = where[key]
        if item["value"] is None:
            where.pop(item["keys"][-1], None)
        else:
            where[item["keys"][-1]] = "__here__"
    whole = json.dumps(document).encode()
    return whole if item["value"] is None else whole.replace(b'"__here__"', made(item["value"]))


def tamper(case: Case, replace: Callable[[Any, str, Any], None]) -> None:
    """Have the in-process emulator answer as a case says.

    Args:
        case: whose answers.
        replace: like `setattr`.
    """

    def hostile(app: Any) -> Transport:
        return in_process(Tampered(app, case.answers))

    async def no_time(_seconds: float) -> None:
        await asyncio.sleep(0)

    def hurried(**given: Any) -> Retry:
        return Retry(**given, sleep=no_time)

    # The workflow asks both modules at the moment when it needs them.
    replace(transport, "in_process", hostile)
    replace(retry, "Retry", hurried)


def account(path: Path) -> None:
    """An account that differs from `FILES` in everything, for its answers to be tampered with."""
    emulator = Emulator(Store.open(path))

    def post(where: str, form: dict[str, Any]) -> str:
        reply = emulator.call("POST", where, form)
        assert reply.status in {200, 201}, reply.body
        assert isinstance(reply.body, dict)
        return str(reply.body.get("sid"))

    post("/v1/Configuration/Webhooks", {"PostWebhookUrl": "https://was.example.com", "Target": "webhook"})
    service = "/v1/Services/" + post("/v1/Services", {"FriendlyName": "support"})
    post(f"{service}/Roles", {"FriendlyName": "agent", "Type": "conversation", "Permission": ["leaveConversation"]})
    post(f"{service}/Roles", {"FriendlyName": "other", "Type": "conversation", "Permission": ["leaveConversation"]})
    post(f"{service}/Users", {"Identity": "ada", "FriendlyName": "Was", "Attributes": '{"team": 0}'})
    post(f"{service}/Conversations", {"UniqueName": "lounge", "FriendlyName": "Was", "Attributes": '{"a": 0}'})
    post(f"{service}/Configuration/Webhooks", {"PreWebhookUrl": "https://was.example.com", "Method": "GET"})
    post("/v1/Configuration/Addresses", {"Type": "sms", "Address": "+14155550100", "FriendlyName": "Was"})
    emulator.store.close()
