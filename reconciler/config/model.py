"""What the files say, once they are read: resources with typed values that know where they were written.

Made by `reconciler.config.load`, read by everything above; no I/O, nothing about the live account. Every object here is
frozen. A field that the files do not set is absent from `Declared.values`; a field that they set to null has the
content ``None``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from reconciler.address import Address
from reconciler.errors import Place, Problem
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content, Shape
from reconciler.redaction import HIDDEN, url_holds_secret


@dataclass(frozen=True, slots=True)
class Reference:
    """A content that stands for the SID of another resource.

    Attributes:
        address: the resource referred to. For one of Twilio's own roles that the files do not declare, the address it
            would have: ``services.support.roles["channel admin"]``.
        kind: the name of the kind referred to.
        built_in: the natural key when it is a resource that Twilio makes by itself and the files do not
            declare; empty otherwise.
    """

    address: Address
    kind: str
    built_in: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A content that cannot be told now.

    Attributes:
        reason: why, for instance ``secret APN_KEY is not set``; never holds a secret.
        written: what the files say, with what is known put in and the rest by name; equal texts mean the same.
    """

    reason: str
    written: str = ""


@dataclass(frozen=True, slots=True)
class Outside:
    """A text that takes something from outside of the files.

    Attributes:
        text: as a file writes it, with its variables put in: ``https://x/${secret:TOKEN}``; paths of files are seen
            from the root's folder.
    """

    text: str


Written: TypeAlias = "bool | int | float | str | Outside | Sequence[Written] | Mapping[str, Written] | None"
"""A value as a file writes it: JSON, any part of which may be an `Outside`."""


@dataclass(frozen=True, slots=True)
class Value:
    """One field as the files set it.

    Attributes:
        content: typed by the field (see `reconciler.kinds.fields`), or a `Reference`, or an `Unknown`; None for null.
        place: where it was written, and by which way it came (variable, overlay, template).
        sensitive: whether it may never be shown: it comes from a secret, the field is one, or the files say so.
        secrets: the names of the secrets that went into it, sorted.
        written: where anything of it comes from outside of the files, how they write it: an `Outside`, or a list or a
            mapping that holds some; None where nothing does, where a variable is not defined, or where no file could.
        shown: a sensitive URL with its secret parts masked; empty where nothing of the value may be shown.
    """

    content: Content | Reference | Unknown
    place: Place
    sensitive: bool = False
    secrets: tuple[str, ...] = ()
    written: Written = None
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """What may not happen to a resource, and which of its fields are left alone.

    Attributes:
        prevent_destroy: it is never deleted or replaced.
        prevent_create: it is never created.
        ignore_changes: dotted field paths whose differences do not count; a create still sends them.
    """

    prevent_destroy: bool = False
    prevent_create: bool = False
    ignore_changes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Declared:
    """One resource as the files declare it.

    Attributes:
        address: where it stands.
        kind: what it is.
        place: where its block begins.
        parent: the address of the resource that contains it; None at the top.
        values: what the files set, by dotted field path, in the order of the kind's fields; the natural key is there
            also when it comes from the handle, unless a pin makes it unmanaged.
        derived: contents that only a create uses, where the files leave the field out (the kind tells them).
        pin: the SID that recognises it, or ``default`` for the account's default service; None without a pin.
        pin_place: where the pin was written.
        absent: whether it must not exist.
        renamed_from: its former natural key; empty when it has none.
        lifecycle: what may not happen to it.
        sensitive: dotted paths of fields that are never shown.
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

    @property
    def natural_key(self) -> str:
        """The natural key as one text, or "" where there is none (singletons, pins without a name)."""
        return self.kind.name_of({path: value.content for path, value in self.values.items()})

    @property
    def title(self) -> str:
        """The natural key as it may be shown."""
        return self.kind.name_of(
            {path: HIDDEN if self._is_hidden(path, value) else value.content for path, value in self.values.items()}
        )

    def _is_hidden(self, path: str, value: Value) -> bool:
        if not isinstance(value.content, str) or not value.content:
            return False
        field = self.kind.by_path[path]
        return self.is_sensitive(path) or (field.shape is Shape.URL and url_holds_secret(value.content))

    def is_sensitive(self, path: str) -> bool:
        """Whether a field of this resource may never be shown, whatever its content."""
        value = self.values.get(path)
        return path in self.sensitive or self.kind.by_path[path].secret or (value is not None and value.sensitive)


@dataclass(frozen=True, slots=True)
class Prune:
    """A collection whose unmanaged resources are to be deleted.

    Attributes:
        collection: the collection's address: ``addresses``, ``services.support.roles``.
        kind: the kind that it holds.
        place: where the files say so.
        match: globs on the natural key, of which one must fit; empty means all.
        keep: globs on the natural key that are kept all the same (``except`` in the files).
    """

    collection: Address
    kind: Kind
    place: Place
    match: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one apply may do.

    Attributes:
        deletes: the most deletes, replaces counted; 10 when the files leave it out.
        updates: the most updates; None for no limit.
        creates: the most creates; None for no limit.
    """

    deletes: int = 10
    updates: int | None = None
    creates: int | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """Approval of one destructive action on one resource. No other action of it is approved.

    Attributes:
        address: the resource, as the plan names it.
        action: the approved action.
        place: where the configuration has it; None when it came from ``--approve``.
    """

    address: Address
    action: Literal["delete", "replace"] = "delete"
    place: Place | None = None

    @classmethod
    def parse(cls, text: str) -> Approval:
        """Read an approval as ``--approve`` takes it: ``[ACTION:]ADDRESS``, where no action means ``delete``.

        Raises:
            AddressError: it has no valid address; no address contains a colon outside of quotes.
        """
        if text.startswith("replace:"):
            return cls(Address.parse(text.removeprefix("replace:")), "replace")
        return cls(Address.parse(text.removeprefix("delete:")))

    def __str__(self) -> str:
        """The text that `parse` reads back."""
        return str(self.address) if self.action == "delete" else f"{self.action}:{self.address}"


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A warning that a reviewer knows of, and that is counted instead of shown.

    Attributes:
        code: the code of the warning.
        address: the resource that it is about; empty for any.
        place: where the files say so.
    """

    code: str
    address: str = ""
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that the files say, for one environment.

    Attributes:
        account_sid: the only account that may be acted on; None when the files do not say.
        account_place: where they say it.
        environment: the name of the environment that was picked; empty without one.
        resources: every declared resource by its address, sorted by address, ``absent`` ones included.
        prune: the collections to prune, by collection address, sorted.
        limits: how much one apply may do.
        approvals: consent given in the files.
        warnings: problems that do not stop.
        lines: the lines of every file that was read, by file, for showing a place with a caret.
        unmanaged_ignore: globs of addresses of unmanaged resources that are not reported.
        environments: the names of the environments that can be picked, sorted.
        acknowledge: warnings that are counted and not shown.
        acknowledged: the problems of the files that it covers; they are not among the warnings.
        secrets: the texts of all secrets that the files look up, those of no resource included.
        digest: ``sha256:…`` over what the files mean (values, guards, options), without the values of secrets; equal
            for equal meaning, whatever the layout of the files.
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

    def children(self, parent: Address | None) -> tuple[Declared, ...]:
        """The resources that stand directly in another one, or at the top for None."""
        return tuple(item for item in self.resources.values() if item.parent == parent)
