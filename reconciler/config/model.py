"""The configuration model: resources with typed values and the places where they are written.

`reconciler.config.load` creates it. All objects are frozen. No I/O, no knowledge of the live account. `Declared.values`
lacks fields that the configuration omits; a field set to null has the content ``None``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import cached_property
from typing import Literal, TypeAlias

from reconciler.address import Address
from reconciler.errors import Place, Problem
from reconciler.kinds import BY_NAME
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content, Shape
from reconciler.lazy_dataclass import dataclass
from reconciler.redaction import HIDDEN, url_holds_secret


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference to another resource, in place of its SID.

    Attributes:
        address: The referenced resource. For a built-in role that is not declared, the address that it would have:
            ``services.support.roles["channel admin"]``.
        kind: The name of its kind.
        built_in: Its natural key if Twilio creates it and the configuration does not declare it; empty otherwise. In
            adopted values, that of any other resource which the configuration did not declare.
    """

    address: Address
    kind: str
    built_in: str = ""

    @property
    def is_by_name(self) -> bool:
        """Whether it is an adopted one to an undeclared service. Its address may be that of another, declared one."""
        return self.built_in != "" and BY_NAME[self.kind].parent is None


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that is not known yet.

    Attributes:
        reason: Why, such as ``secret APN_KEY is not set``; never contains a secret.
        written: The value with its known parts, and the unknown parts by name. Equal texts mean equal values.
    """

    reason: str
    written: str = ""


@dataclass(frozen=True, slots=True)
class Outside:
    """A text with values from outside of the files.

    Attributes:
        text: The text as a file writes it, with variables replaced: ``https://x/${secret:TOKEN}``. Paths are relative
            to the root file's folder.
    """

    text: str


Written: TypeAlias = "bool | int | float | str | Outside | Sequence[Written] | Mapping[str, Written] | None"
"""A value as a file writes it: JSON, any part of which may be an `Outside`."""


@dataclass(frozen=True, slots=True)
class Value:
    """The value of one field.

    Attributes:
        content: The content, typed by the field (see `reconciler.kinds.fields`), a `Reference`, or an `Unknown`; None
            for null.
        place: Where it is written, and the variable, overlay, or template that it came through.
        sensitive: Whether it must never be shown: it comes from a secret, its field is secret, or it is listed under
            `sensitive`.
        secrets: The names of its secrets, sorted.
        written: How the files write it, if a part comes from outside: an `Outside`, or a list or mapping that contains
            some. None if nothing does, if a variable is undefined, or if no file could write it.
        shown: A sensitive URL with its secret parts masked; empty if nothing of the value may be shown.
        sealed: Whether no file writes it: it is null because `sealed: true` declares what is not written as empty.
    """

    content: Content | Reference | Unknown
    place: Place
    sensitive: bool = False
    secrets: tuple[str, ...] = ()
    written: Written = None
    shown: str = ""
    sealed: bool = False


def natural_key_of(kind: Kind, values: Mapping[str, Value]) -> str:
    """Return the natural key of a resource with these values, as one text; empty if they do not determine it."""
    if kind.compose_key is not None:
        return kind.name_of({path: value.content for path, value in values.items()})
    value = values.get(kind.natural_key)
    return "" if value is None else kind.name_of({kind.natural_key: value.content})


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Protections of a resource.

    Attributes:
        prevent_destroy: Whether it is never deleted or replaced.
        prevent_create: Whether it is never created.
        ignore_changes: The field paths whose differences are ignored; a create still sends them.
    """

    prevent_destroy: bool = False
    prevent_create: bool = False
    ignore_changes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Declared:
    """A declared resource.

    Attributes:
        address: Its address.
        kind: Its kind.
        place: Where its block starts.
        parent: The address of the resource that contains it; None at the top.
        values: Its values by field path, in the order of the kind's fields. They include a natural key that comes from
            the handle, unless a pin makes it unmanaged.
        derived: Contents for omitted fields that only a create sends, derived by the kind.
        pin: The SID that identifies it, or ``default`` for the account's default service; None without a pin.
        pin_place: Where the pin is written.
        absent: Whether it must not exist.
        renamed_from: Its former natural key; empty without one.
        lifecycle: Its protections.
        sensitive: The field paths that are never shown.
        exact: Whether no live value is tolerated in place of a declared one that it usually is as good as.
        natural_key: The natural key as one text; empty if there is none (singletons, pins without a name).
    """

    address: Address
    kind: Kind
    place: Place
    parent: Address | None = None
    values: Mapping[str, Value] = field(default_factory=dict)
    derived: Mapping[str, Content] = field(default_factory=dict)
    pin: str | None = None
    pin_place: Place | None = None
    absent: bool = False
    renamed_from: str = ""
    lifecycle: Lifecycle = Lifecycle()
    sensitive: frozenset[str] = frozenset()
    exact: bool = False
    natural_key: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Asked for about ten times for each resource of a plan.
        object.__setattr__(self, "natural_key", natural_key_of(self.kind, self.values))

    @property
    def remembered_paths(self) -> tuple[str, ...]:
        """The fields whose adopted values are needed: the declared ones, and those that the API drops with them."""
        return (*self.values, *(path for one in self.values for path in self.kind.dropped_with.get(one, ())))

    @property
    def title(self) -> str:
        """The natural key in a form that may be shown."""
        if self.kind.compose_key is None:
            key = self.kind.natural_key
            return HIDDEN if key in self.values and self._is_hidden(key, self.values[key]) else self.natural_key
        return self.kind.name_of(
            {path: HIDDEN if self._is_hidden(path, value) else value.content for path, value in self.values.items()}
        )

    def _is_hidden(self, path: str, value: Value) -> bool:
        if not isinstance(value.content, str) or not value.content:
            return False
        field = self.kind.by_path[path]
        return self.is_sensitive(path) or (field.shape is Shape.URL and url_holds_secret(value.content))

    def is_sensitive(self, path: str) -> bool:
        """Whether a field of this resource must never be shown, regardless of its content."""
        value = self.values.get(path)
        return path in self.sensitive or self.kind.by_path[path].secret or (value is not None and value.sensitive)


@dataclass(frozen=True, slots=True)
class Prune:
    """A collection whose unmanaged resources are deleted.

    Attributes:
        collection: The address of the collection: ``addresses``, ``services.support.roles``.
        kind: The kind of its members.
        place: The place in the configuration.
        match: Globs for the natural key, of which one must match; empty for all.
        keep: Globs for natural keys that are kept (``except`` in the configuration).
    """

    collection: Address
    kind: Kind
    place: Place
    match: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one apply.

    Attributes:
        deletes: The maximum number of deletes, replaces included; 10 by default.
        updates: The maximum number of updates; None for no limit.
        creates: The maximum number of creates; None for no limit.
    """

    deletes: int = 10
    updates: int | None = None
    creates: int | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """Approval of one action on one resource. It approves no other action.

    Attributes:
        address: The resource, as addressed by the plan.
        action: The approved action. An approved update writes declared values over values that changed in the account
            as well; other updates require no approval.
        place: Where the configuration has it; None for ``--approve``.
        at_most: The counts up to which it approves, by name: ``active_conversations``; empty for no bound.
    """

    address: Address
    action: Literal["delete", "replace", "update"] = "delete"
    place: Place | None = None
    at_most: tuple[tuple[str, int], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Approval:
        """Parse an approval in the syntax of ``--approve``: ``[ACTION:]ADDRESS``. The default action is ``delete``.

        Raises:
            AddressError: The address is invalid. No address contains a colon outside of quotes.
        """
        if text.startswith("replace:"):
            return cls(Address.parse(text.removeprefix("replace:")), "replace")
        if text.startswith("update:"):
            return cls(Address.parse(text.removeprefix("update:")), "update")
        return cls(Address.parse(text.removeprefix("delete:")))

    def __str__(self) -> str:
        """Return the text that `parse` reads back."""
        return str(self.address) if self.action == "delete" else f"{self.action}:{self.address}"


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """An acknowledged warning: it is counted instead of shown.

    Attributes:
        code: The code of the warning.
        address: The resource that it is about; empty for any.
        place: The place in the configuration.
    """

    code: str
    address: str = ""
    place: Place | None = None


OnRemoval = Literal["delete", "forget"]
"""What becomes of a resource that the configuration no longer declares, besides the default."""


@dataclass(frozen=True, slots=True)
class Removed:
    """Something that is no longer declared, and that is to stay in the account as it is.

    Attributes:
        address: The address of a resource, or of a field of one, as ``removed`` has it.
        place: The place in the configuration.
    """

    address: Address
    place: Place


@dataclass(frozen=True, slots=True)
class LedgerSetting:
    """Where the ledger is: what was applied last, in git.

    Attributes:
        prefix: The prefix of its refs, one for each environment: ``refs/reconciler``.
        remote: The remote that shares it; empty for none.
        place: The place in the configuration.
    """

    prefix: str
    remote: str = ""
    place: Place | None = None


@dataclass(frozen=True)
class Config:
    """A configuration, for one environment.

    Attributes:
        account_sid: The only account that may be changed; None if the configuration declares none.
        account_place: Where it is declared.
        environment: The name of the selected environment; empty without one.
        resources: Every declared resource by its address, sorted by address, ``absent`` ones included.
        prune: The collections to prune by their addresses, sorted.
        limits: The limits of one apply.
        approvals: The approvals.
        warnings: Problems that are not errors.
        lines: The lines of every file by its name, to show places with a caret.
        unmanaged_ignore: Globs of addresses of unmanaged resources that are not reported.
        environments: The names of the environments, sorted.
        acknowledge: The warnings that are counted and not shown.
        acknowledged: The problems that they cover, which are not among the warnings.
        secrets: The texts of all secrets that the files read, whether a resource uses them or not.
        external: The text of every environment variable, secret, and file that the files use, by ``env:NAME``,
            ``secret:NAME``, or ``file:PATH`` (relative to the root file's folder), sorted.
        ledger: Where the ledger is; None without one.
        on_removal: What becomes of resources that are no longer declared, by the name of their kind.
        removed: What is no longer declared and stays as it is.
        digest: ``sha256:…`` over the meaning of the configuration (values, settings, options), without the values of
            secrets; equal for equal meaning, regardless of the layout of the files.
    """

    account_sid: str | None
    account_place: Place | None
    environment: str
    resources: Mapping[Address, Declared]
    prune: Mapping[Address, Prune]
    limits: Limits
    approvals: tuple[Approval, ...]
    warnings: tuple[Problem, ...]
    lines: Mapping[str, tuple[str, ...]]
    digest: str
    unmanaged_ignore: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    acknowledge: tuple[Acknowledgement, ...] = ()
    acknowledged: tuple[Problem, ...] = ()
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    external: Mapping[str, str] = field(default_factory=dict, repr=False)
    ledger: LedgerSetting | None = None
    on_removal: Mapping[str, OnRemoval] = field(default_factory=dict)
    removed: tuple[Removed, ...] = ()

    @cached_property
    def collections(self) -> Mapping[tuple[Kind, Address | None], Sequence[Declared]]:
        """The declared resources by their kind and the address of their parent, in order, ``absent`` ones included."""
        found: dict[tuple[Kind, Address | None], list[Declared]] = {}
        for item in self.resources.values():
            found.setdefault((item.kind, item.parent), []).append(item)
        return found

    @cached_property
    def exceptions(self) -> Sequence[Declared]:
        """The declared resources that are absent, pinned, or renamed, in order; all others simply exist by their name.

        There are few of them, so planning need not look for them among all resources again and again.
        """
        return tuple(
            item for item in self.resources.values() if item.absent or item.pin is not None or item.renamed_from
        )

    def collection(self, kind: Kind, parent: Address | None) -> Sequence[Declared]:
        """Return the declared resources of a kind directly inside another resource, or at the top for None."""
        return self.collections.get((kind, parent), ())
