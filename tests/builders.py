"""Configurations and live states made by hand, without YAML and without an API, for tests of the core."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.address import Address
from reconciler.api import wire
from reconciler.config.model import (
    Approval,
    Config,
    Declared,
    Lifecycle,
    Limits,
    Prune,
    Reference,
    Unknown,
    Value,
)
from reconciler.documents.ways_out import Taken
from reconciler.errors import Place
from reconciler.kinds import BY_NAME, KINDS
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content
from reconciler.state import Collection, Live, State

ACCOUNT = "AC" + "0" * 32
HERE = Place("reconciler.yaml", 1, 1)

DeclaredValues = Mapping[str, Content | Reference | Unknown | Value]


def sid(prefix: str, number: int = 1) -> str:
    """A SID that a test can name: ``sid("RL", 2)``."""
    return f"{prefix}{number:032d}"


def kind_at(address: Address) -> tuple[Kind, Address | None]:
    """The kind that an address names, and the address of what contains it."""
    for kind in KINDS:
        depth = len(kind.section) + (0 if kind.singleton else 1)
        above, below = address.parts[:-depth], address.parts[-depth:]
        if below[: len(kind.section)] != kind.section or len(below) != depth:
            continue
        if kind.parent is None and not above:
            return kind, None
        if kind.parent is not None and above and kind_at(Address(above))[0].name == kind.parent:
            return kind, Address(above)
    raise LookupError(f"no kind stands at {address}")


def value(content: Content | Reference | Unknown, *, sensitive: bool = False, secrets: tuple[str, ...] = ()) -> Value:
    return Value(content, HERE, sensitive, secrets)


def reference(address: str, *, built_in: str = "") -> Reference:
    """A reference to the resource at an address."""
    target = Address.parse(address)
    return Reference(target, kind_at(target)[0].name, built_in)


def declared(
    address: str,
    contents: DeclaredValues | None = None,
    *,
    pin: str | None = None,
    absent: bool = False,
    renamed_from: str = "",
    prevent_destroy: bool = False,
    prevent_create: bool = False,
    ignore_changes: Iterable[str] = (),
    sensitive: Iterable[str] = (),
) -> Declared:
    """One resource as the files would declare it: its natural key is the handle, unless it is written or pinned."""
    where = Address.parse(address)
    kind, parent = kind_at(where)
    given = dict(contents or {})
    if kind.natural_key and pin is None:
        given.setdefault(kind.natural_key, where.parts[-1])
    unknown = set(given) - set(kind.by_path)
    assert not unknown, f"{kind.name} has no {unknown}"
    return Declared(
        address=where,
        kind=kind,
        place=HERE,
        parent=parent,
        values={
            path: item if isinstance(item := given[path], Value) else value(item)
            for path in kind.by_path
            if path in given
        },
        pin=pin,
        pin_place=None if pin is None else Place("reconciler.yaml", 2, 5),
        absent=absent,
        renamed_from=renamed_from,
        lifecycle=Lifecycle(prevent_destroy, prevent_create, frozenset(ignore_changes)),
        sensitive=frozenset(sensitive),
    )


def prune(collection: str, *, match: tuple[str, ...] = (), keep: tuple[str, ...] = ()) -> Prune:
    """A rule that prunes the collection at an address, for instance ``services.support.roles``."""
    where = Address.parse(collection)
    return Prune(where, kind_at(where.child("any"))[0], HERE, match, keep)


def configuration(
    *resources: Declared,
    pruned: Iterable[Prune] = (),
    limits: Limits | None = None,
    approvals: Iterable[Approval] = (),
    account_sid: str | None = None,
) -> Config:
    """The files that declare these resources, in the order that `config.load` gives them."""
    return Config(
        account_sid=account_sid,
        account_place=None,
        environment="",
        resources={item.address: item for item in sorted(resources, key=lambda item: item.address)},
        prune={item.collection: item for item in sorted(pruned, key=lambda item: item.collection)},
        limits=limits or Limits(),
        approvals=tuple(approvals),
        warnings=(),
        lines={},
        digest="sha256:0",
    )


def live(
    kind: str,
    number: int = 1,
    contents: Mapping[str, Content] | None = None,
    *,
    parents: tuple[str, ...] = (),
    created: str = "",
    updated: str = "",
) -> Live:
    """One live resource; a singleton's SID is its path, any other's is `sid` of the kind's prefix and the number."""
    made = BY_NAME[kind]
    values: dict[str, Any] = {field.path: None for field in made.fields if not field.write_only}
    return Live(
        kind=made,
        sid=wire.collection_path(made, parents) if made.singleton else sid(made.sid_prefix, number),
        parents=parents,
        values=values | dict(contents or {}),
        created=created,
        updated=updated,
    )


def state(
    *resources: Live,
    default_service: str = "",
    complete: Iterable[Collection] = (),
    role_holders: Mapping[str, Mapping[str, int]] | None = None,
) -> State:
    """The live account, as far as it was read; of who holds a role, only how many need be told."""
    return State(
        account_sid=ACCOUNT,
        default_service_sid=default_service,
        resources=resources,
        complete=complete,
        role_holders={
            service: {role: {f"US{one:032x}": f"user-{one}" for one in range(count)} for role, count in holders.items()}
            for service, holders in (role_holders or {}).items()
        },
    )


class TakesAll:
    """An `accept` that takes every name but some.

    Args:
        refused: The reason for these: every second one; empty to refuse none.
    """

    def __init__(self, refused: str = "") -> None:
        self._refused = refused

    def taken(self, names: Sequence[str]) -> Taken:
        refused = names[1::2] if self._refused else ()
        return Taken(tuple(name for name in names if name not in refused), dict.fromkeys(refused, self._refused))

    def added(self, name: str, kind_name: str) -> tuple[str, ...]:
        assert kind_name
        return ("--unmanaged", name)
