"""Twilio's own Python SDK, pointed at a served emulator.

Drives a resource in every way the SDK has (synchronous and asynchronous, with and without the HTTP information, through
a context and through an instance), judges what comes back by the types the SDK itself declares, and notes which of the
SDK's functions ran. The SDK is told the base URL and nothing else.
"""

from __future__ import annotations

import ast
import asyncio
import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from types import CodeType, FrameType
from typing import Any, TypeAlias

import pytest
from twilio.base.api_response import ApiResponse  # type: ignore[import-untyped]
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]
from twilio.base.instance_resource import InstanceResource  # type: ignore[import-untyped]
from twilio.base.list_resource import ListResource  # type: ignore[import-untyped]
from twilio.base.page import Page  # type: ignore[import-untyped]
from twilio.http.async_http_client import AsyncTwilioHttpClient  # type: ignore[import-untyped]
from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]
from twilio.rest.conversations import v1 as sdk_v1  # type: ignore[import-untyped]

from tests.emulator.witness import ACCOUNT

# The SDK has no types that could be checked.
V1: TypeAlias = Any
Values: TypeAlias = Mapping[str, Any]

_SID = re.compile(r"[A-Z]{2}[0-9a-f]{32}\Z")
_STATUS = {"create": {201, 202}, "fetch": {200}, "update": {200}, "delete": {204}, "list": {200}, "page": {200}}
# Parameters whose attribute has another name.
_ALIASES = {"permission": "permissions", "participant": "links"}
# Parameters that never come back (OpenAPI), or not as they were sent.
_WRITE_ONLY = {
    "x_twilio_webhook_enabled", "timers_inactive", "timers_closed", "bindings_email_address", "certificate",
    "private_key", "api_key", "secret", "sandbox", "subject", "content_variables", "notification_level",
    "last_read_timestamp",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Way:
    """One of the four ways the SDK makes a request."""

    later: bool
    told: bool

    @property
    def suffix(self) -> str:
        return ("_with_http_info" if self.told else "") + ("_async" if self.later else "")


WAYS = tuple(Way(later, told) for later in (False, True) for told in (False, True))


class Sdk:
    """Two clients, the synchronous and the asynchronous one, and the loop of the latter."""

    def __init__(self, url: str, *, user: str = ACCOUNT, token: str = "emulator") -> None:
        self._runner = asyncio.Runner()
        self._http = TwilioHttpClient()
        self._later = self._runner.run(_asynchronous())
        self._v1 = {False: _v1(url, user, token, self._http), True: _v1(url, user, token, self._later)}

    def close(self) -> None:
        self._http.session.close()
        self._runner.run(self._later.close())
        self._runner.close()

    def v1(self, way: Way = WAYS[0]) -> V1:
        return self._v1[way.later]

    def call(self, way: Way, target: object, name: str, /, **values: Any) -> Any:
        """One method in one way; where the HTTP information comes with the answer, it is judged."""
        answer = getattr(target, name + way.suffix)(**values)
        if way.later:
            answer = self._runner.run(_awaited(answer))
        if way.told:
            assert isinstance(answer, ApiResponse)
            assert answer.status_code in _STATUS[name]
            assert re.fullmatch("RQ[0-9a-f]{32}", answer.headers["twilio-request-id"])
            answer = answer.data
        return answer

    def stream(self, way: Way, target: object, /, **values: Any) -> list[Any]:
        answer = getattr(target, "stream" + way.suffix)(**values)
        if way.later:
            answer = self._runner.run(_awaited(answer))
        if way.told:
            answer, status, _ = answer
            assert status == 200
        return self._runner.run(_drained(answer)) if way.later else list(answer)

    def turn(self, way: Way, target: object, name: str, *values: str) -> Any:
        """`get_page`, `next_page` and `previous_page`, which never come with the HTTP information."""
        if way.later:
            return self._runner.run(_awaited(getattr(target, name + "_async")(*values)))
        return getattr(target, name)(*values)


async def _asynchronous() -> AsyncTwilioHttpClient:
    # Its session wants a running loop.
    return AsyncTwilioHttpClient()


async def _awaited(answer: Awaitable[Any]) -> Any:
    return await answer


async def _drained(stream: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in stream]


def _v1(url: str, user: str, token: str, http: object) -> V1:
    client = Client(user, token, account_sid=ACCOUNT, http_client=http)
    client.conversations.base_url = url
    return client.conversations.v1


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of the SDK and what a test needs to drive it.

    Attributes:
        at: the SDK's list of it, given the v1 client.
        new: parameters of the n-th one that is created; None where the SDK creates none and they exist already.
        change: parameters of the n-th one's update; None where there is no update.
        deletes: whether it can be deleted.
        key: the attribute that `get` takes.
        chosen: parameters that a list cannot do without.
    """

    at: Callable[[V1], Any]
    new: Callable[[int], Values] | None = None
    change: Callable[[int], Values] | None = None
    deletes: bool = True
    key: str = "sid"
    chosen: Values | None = None


def drive(sdk: Sdk, resource: Resource) -> None:
    """Creates, fetches, lists, updates and deletes in every way, through contexts and then through instances."""
    for through in ("context", "instance"):
        items = _items(sdk, resource)
        if through == "context":
            _page_through(sdk, resource, {getattr(item, resource.key) for item in items})
        for number, (way, item) in enumerate(zip(WAYS, items, strict=True)):
            own = resource.at(sdk.v1(way))
            sid = getattr(item, resource.key)
            context = own(sid) if way.told else own.get(sid)
            target = context if through == "context" else item
            judge_parts(target)
            fetched = sdk.call(way, target, "fetch")
            judge(fetched)
            # Read by itself it may say more than in a list, never something else.
            assert_same(fetched, item)
            if resource.change is not None:
                values = resource.change(number)
                changed = sdk.call(way, target, "update", **values)
                judge(changed, values)
                assert_same(changed, sdk.call(way, target, "fetch"))
            if resource.deletes:
                assert sdk.call(way, target, "delete") is True
                assert_gone(sdk, way, target)


def drive_singleton(sdk: Sdk, at: Callable[[V1], Any], change: Values) -> None:
    """Fetches and updates what there is one of."""
    for through in ("context", "instance"):
        for way in WAYS:
            own = at(sdk.v1(way))
            context = own() if way.told else own.get()
            target = context if through == "context" else sdk.call(way, context, "fetch")
            judge(sdk.call(way, target, "fetch"))
            changed = sdk.call(way, target, "update", **change)
            judge(changed, change)
            assert_same(changed, sdk.call(way, target, "fetch"))


def drive_creation(sdk: Sdk, at: Callable[[V1], Any], new: Callable[[int], Values]) -> list[Any]:
    """Creates what can only be created."""
    made = []
    for number, way in enumerate(WAYS):
        values = new(number)
        made.append(sdk.call(way, at(sdk.v1(way)), "create", **values))
        judge(made[-1], values)
    return made


def _items(sdk: Sdk, resource: Resource) -> list[Any]:
    """Four items, each made or found by another way."""
    if resource.new is not None:
        return drive_creation(sdk, resource.at, resource.new)
    return [
        sdk.call(way, resource.at(sdk.v1(way)), "list", **resource.chosen or {})[number]
        for number, way in enumerate(WAYS)
    ]


def _page_through(sdk: Sdk, resource: Resource, sids: set[str]) -> None:
    chosen = resource.chosen or {}
    for way in WAYS:
        own = resource.at(sdk.v1(way))
        every = sdk.call(way, own, "list", page_size=2, **chosen)
        keys = [getattr(item, resource.key) for item in every]
        assert len(keys) == len(set(keys))
        assert sids <= set(keys)
        for item in every:
            judge(item)
        assert [getattr(item, resource.key) for item in sdk.stream(way, own, page_size=2, **chosen)] == keys
        assert [getattr(item, resource.key) for item in sdk.stream(way, own, limit=3, **chosen)] == keys[:3]
        first = sdk.call(way, own, "page", page_size=2, **chosen)
        assert isinstance(first, Page)
        second = sdk.turn(way, first, "next_page")
        back = sdk.turn(way, second, "previous_page")
        again = sdk.turn(way, own, "get_page", first.next_page_url)
        pages = [[getattr(item, resource.key) for item in page] for page in (first, second, back, again)]
        assert pages == [keys[:2], keys[2:4], keys[:2], keys[2:4]]


def assert_gone(sdk: Sdk, way: Way, target: object) -> None:
    with pytest.raises(TwilioRestException) as caught:
        sdk.call(way, target, "fetch")
    assert (caught.value.status, caught.value.code) == (404, 20404)


def assert_same(one: object, other: object) -> None:
    """Two instances say the same; what only one of them says (null in lists) aside."""
    left, right = attributes(one), attributes(other)
    assert left.keys() == right.keys()
    differing = {
        name: (value, right[name])
        for name, value in left.items()
        if value != right[name] and None not in (value, right[name]) and name != "url"
    }
    assert not differing, differing


def attributes(instance: object) -> dict[str, Any]:
    return {name: value for name, value in vars(instance).items() if not name.startswith("_")}


def judge(instance: object, sent: Values | None = None) -> None:
    """Every attribute has the type that the SDK declares for it, and what was sent came back."""
    kind: type[object] = type(instance)
    assert issubclass(kind, InstanceResource)
    shown, declared = attributes(instance), _declared(kind)
    assert shown.keys() == declared.keys()
    for name, value in shown.items():
        if value is not None:
            _judge_type(kind, name, declared[name], value)
        if value is not None and (name == "sid" or name.endswith("_sid")):
            assert _SID.match(value), name
    for name in ("sid", "url", "date_created", "account_sid"):
        # A service's configuration has no account (OpenAPI).
        assert shown.get(name, "") is not None, name
    for name, value in (sent or {}).items():
        if name not in _WRITE_ONLY:
            _judge_echo(shown, _ALIASES.get(name, name), value)


def _judge_type(kind: type, name: str, declared: str, value: object) -> None:
    told = f"{kind.__name__}.{name}: {declared} = {value!r}"
    if "." in declared:
        words = vars(getattr(kind, declared.rpartition(".")[2]))
        assert value in {word for key, word in words.items() if not key.startswith("_")}, told
    elif declared == "datetime":
        assert isinstance(value, datetime), told
        assert value.tzinfo is not None, told
    elif declared == "List[str]":
        assert isinstance(value, list), told
        assert all(isinstance(item, str) for item in value), told
    else:
        types = {"str": str, "int": int, "bool": bool, "Dict[str, object]": (dict, list)}
        assert isinstance(value, types[declared]), told  # type: ignore[arg-type]


def _judge_echo(shown: Values, name: str, sent: object) -> None:
    """What was sent as `auto_creation_type` comes back as the key `type` of `auto_creation`, and so on."""
    if name in shown:
        if name != "links":
            assert shown[name] == sent, name
        return
    (outer,) = (key for key, value in shown.items() if isinstance(value, dict) and name.startswith(f"{key}_"))
    _judge_echo(shown[outer], name.removeprefix(f"{outer}_"), sent)


def _declared(kind: type) -> dict[str, str]:
    return _annotations(kind.__module__, kind.__name__)


@cache
def _annotations(module: str, kind: str) -> dict[str, str]:
    """The SDK's own words for the type of each attribute of a class, out of its constructor."""
    (definition,) = ast.parse(inspect.getsource(getattr(sys.modules[module], kind))).body
    assert isinstance(definition, ast.ClassDef)
    (constructor,) = (node for node in definition.body if isinstance(node, ast.FunctionDef) and node.name == "__init__")
    found = {}
    for node in ast.walk(constructor):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Attribute):
            annotation = node.annotation
            assert isinstance(annotation, ast.Subscript)
            inner = annotation.slice
            name = node.target.attr
            if not name.startswith("_"):
                found[name] = str(inner.value) if isinstance(inner, ast.Constant) else ast.unparse(inner)
    return found


def judge_parts(target: object) -> None:
    """What is in a resource can be reached from it."""
    for name, member in vars(type(target)).items():
        if isinstance(member, property) and not name.startswith("_"):
            assert isinstance(getattr(target, name), ListResource)


# --- Which of the SDK's functions ran -------------------------------------------------------------------------------


@contextmanager
def watched() -> Iterator[set[CodeType]]:
    """Notes every function that runs in this thread meanwhile."""
    seen: set[CodeType] = set()
    before = sys.getprofile()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            seen.add(frame.f_code)

    sys.setprofile(note)
    try:
        yield seen
    finally:
        sys.setprofile(before)


@cache
def modules() -> frozenset[str]:
    """The modules of the SDK's v1 client, named from there on."""
    start = sdk_v1.__name__ + "."
    return frozenset(found.name.removeprefix(start) for found in pkgutil.walk_packages(sdk_v1.__path__, start))


def functions(module: str) -> dict[str, CodeType]:
    """The public methods and properties of the classes that a module defines."""
    name = f"{sdk_v1.__name__}.{module}" if module else sdk_v1.__name__
    found = {}
    for kind in vars(importlib.import_module(name)).values():
        if not inspect.isclass(kind) or kind.__module__ != name:
            continue
        for own, member in vars(kind).items():
            function = member.fget if isinstance(member, property) else member
            if inspect.isfunction(function) and (not own.startswith("_") or own == "__call__"):
                found[f"{kind.__name__}.{own}"] = function.__code__
    return found
