"""The journal of an apply: which replaces it began, and the values that only the account had.

Takes and gives the JSON text of a journal, which is hostile input: anybody who can write to the folder can edit it, and
a pull request can add one. So it is signed with a key that is made from the credentials, or is `RECONCILER_PLAN_KEY`;
a signature holds for one account, endpoint, root file, and environment. `reconciler.execution.journal_file` does the
I/O. An entry is written before the first request of a replace is sent, and removed when the replace is complete, so
whatever is in a journal was interrupted.

A journal may hold a live value that may not be shown, such as a webhook URL with a token: without it, the value would
be lost when a run ends between a delete and its create. It never holds a value of the files, nor what the API does not
return.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic import Field as PydanticField

from reconciler import json_text
from reconciler.address import Address, AddressError
from reconciler.errors import JournalError
from reconciler.json_text import Json
from reconciler.kinds import BY_NAME
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content, Field, Shape
from reconciler.state import Live


@dataclass(frozen=True, slots=True, repr=False)
class Unfinished:
    """A replace that an apply began.

    Attributes:
        address: the resource in the files.
        kind: what it is.
        sid: the old resource's SID.
        name: the old resource's natural key.
        parents: SIDs of what contained it, outermost first.
        values: what the new resource gets that only the account had, by field path.
        sensitive: paths of the values that may not be shown.
        former: the other values of the old resource that may be shown, by field path; what a change means follows from
            them.
        lost: paths of the values that were not written down, because they may not be shown where this was read.
        source: the file that it was read from, for people.
        title: the natural key as it may be shown; empty where it may be shown as it is.
        name_digest: in an entry of a report, what stands for a natural key that may not be shown; see `digest`.
    """

    address: Address
    kind: Kind
    sid: str
    name: str
    parents: tuple[str, ...] = ()
    values: Mapping[str, Content] = field(default_factory=dict)
    sensitive: frozenset[str] = frozenset()
    former: Mapping[str, Content] = field(default_factory=dict)
    lost: tuple[str, ...] = ()
    source: str = ""
    title: str = ""
    name_digest: str = ""

    def as_live(self) -> Live:
        """The old resource, as far as it is known."""
        return Live(self.kind, self.sid, self.parents, {**self.former, **self.values})

    def is_still(self, live: Live) -> bool:
        """Whether a live resource is the old one, with the SID, place, name, and type that were saved."""
        apart = self.kind.discriminator
        saved_type = self.as_live().values.get(apart)
        return (
            (live.kind, live.sid, live.parents, live.name) == (self.kind, self.sid, self.parents, self.name)
            # Where the type is sensitive, a report does not hold it.
            and (not apart or saved_type is None or saved_type == live.values.get(apart))
        )

    def __repr__(self) -> str:
        """Never shows values: they may be sensitive."""
        return f"Unfinished({str(self.address)!r}, {self.sid!r})"


class Journal(Protocol):
    """Where an apply writes down what it must not lose."""

    def begin(self, entry: Unfinished) -> None:
        """Keep an entry durably: when this returns, it survives the end of the process.

        Raises:
            OSError: it could not be written.
        """

    def finish(self, sid: str) -> None:
        """Forget the entry of an old resource, whose replace is complete.

        Raises:
            OSError: it could not be written.
        """


class UnfinishedEntry(BaseModel):
    """A replace that an apply began."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str = PydanticField(description="The resource in the files.")
    kind: str = PydanticField(description="What it is.")
    sid: str = PydanticField(description="The old resource's SID.")
    name: str = PydanticField(description="The old resource's natural key; empty where it may not be shown.")
    title: str = PydanticField(
        default="", description="The natural key as it may be shown; empty where it may be shown as it is."
    )
    name_digest: str = PydanticField(
        default="", description="A digest of the natural key, keyed by the credentials, where it may not be shown."
    )
    parents: tuple[str, ...] = PydanticField(default=(), description="SIDs of what contained it, outermost first.")
    values: dict[str, Json] = PydanticField(
        default={}, description="What the new resource gets that only the account had, by field."
    )
    sensitive: tuple[str, ...] = PydanticField(default=(), description="Fields whose values may not be shown.")
    former: dict[str, Json] = PydanticField(default={}, description="Other values of the old resource, by field.")


class _Document(BaseModel):
    """A journal in JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["reconciler.journal"] = "reconciler.journal"
    format_version: Literal[1] = 1
    account_sid: str
    root: str
    environment: str
    endpoint: str
    entries: tuple[UnfinishedEntry, ...]
    signature: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What a journal belongs to.

    Attributes:
        account_sid: the account.
        root: the name of the root file.
        environment: the environment that was selected; empty without one.
        endpoint: whose data it is about, as `reconciler.api.client.ReadClient.endpoint` names it: an account has other
            data in each region, and each emulator has its own.
        key: the key of signatures and digests.
    """

    account_sid: str
    root: str
    environment: str
    endpoint: str
    key: bytes = field(repr=False)

    def signature(self, entries: Iterable[UnfinishedEntry]) -> str:
        """The signature of entries, which holds in this scope only."""
        content = [entry.model_dump(mode="json") for entry in entries]
        names = [self.account_sid, self.root, self.environment, self.endpoint]
        return self._keyed("journal", json.dumps([names, content], sort_keys=True))

    def has_signed(self, entries: Iterable[UnfinishedEntry], signature: str) -> bool:
        """Whether entries have the signature of this scope."""
        return hmac.compare_digest(self.signature(entries).encode(), signature.encode(errors="replace"))

    def digest(self, name: str) -> str:
        """What stands for a natural key that may not be shown."""
        return self._keyed("name", name)

    def _keyed(self, purpose: str, text: str) -> str:
        content = f"reconciler {purpose}\0{text}".encode(errors="surrogatepass")
        return f"hmac-sha256:{hmac.new(self.key, content, hashlib.sha256).hexdigest()}"


def to_json(scope: Scope, entries: Iterable[Unfinished]) -> str:
    """The text of a journal."""
    written = tuple(to_entry(entry) for entry in entries)
    document = _Document(
        account_sid=scope.account_sid,
        root=scope.root,
        environment=scope.environment,
        endpoint=scope.endpoint,
        entries=written,
        signature=scope.signature(written),
    )
    return json.dumps(document.model_dump(mode="json"), indent=2) + "\n"


def to_entry(entry: Unfinished) -> UnfinishedEntry:
    """An entry in JSON, with every value."""
    return UnfinishedEntry(
        address=str(entry.address),
        kind=entry.kind.name,
        sid=entry.sid,
        name=entry.name,
        title=entry.title,
        name_digest=entry.name_digest,
        parents=entry.parents,
        values=_to_json(entry.values),
        former=_to_json(entry.former),
        sensitive=tuple(sorted(entry.sensitive)),
    )


def _to_json(values: Mapping[str, Content]) -> dict[str, Json]:
    return {path: list(value) if isinstance(value, tuple) else value for path, value in values.items()}


def parse(text: str | bytes, source: str, scope: Scope) -> tuple[Unfinished, ...]:
    """Read a journal.

    Args:
        text: its content.
        source: what to call it.
        scope: what it has to belong to.

    Raises:
        JournalError: it is not a journal, or not one of this scope.
    """
    try:
        document = _Document.model_validate(json_text.document(text))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"][:4])
        raise _invalid(source, f"at {where}: {first['msg']}") from None
    except RecursionError:
        raise _invalid(source, "it is nested too deep") from None
    except ValueError as error:
        raise _invalid(source, "it is not JSON" if isinstance(error, json.JSONDecodeError) else str(error)) from None
    found = tuple(from_entry(entry, source) for entry in document.entries)
    names = (document.account_sid, document.root, document.environment, document.endpoint)
    if names != (scope.account_sid, scope.root, scope.environment, scope.endpoint):
        raise _invalid(source, "it belongs to another account, root file, environment, or endpoint")
    if not scope.has_signed(document.entries, document.signature):
        raise _invalid(
            source,
            "it was edited, or written by an apply with other credentials or another RECONCILER_PLAN_KEY",
        )
    return found


def from_entry(entry: UnfinishedEntry, source: str) -> Unfinished:
    """Check an entry, which anybody may have edited.

    Args:
        entry: what was read.
        source: the file, for people.

    Raises:
        JournalError: no apply writes such an entry.
    """
    kind = BY_NAME.get(entry.kind)
    try:
        address = Address.parse(entry.address)
    except AddressError:
        raise _invalid(source, "an address is not valid") from None
    if kind is None or kind.singleton or address.parts[-1 - len(kind.section) : -1] != kind.section:
        raise _invalid(source, f"{entry.address} is not an address of its kind")
    if not {*entry.values, *entry.former} <= {item.path for item in kind.fields if not item.write_only}:
        raise _invalid(source, f"{entry.address} has a value of an unknown field")
    values = {path: _content(kind.by_path[path], value, source) for path, value in entry.values.items()}
    return Unfinished(
        address=address,
        kind=kind,
        sid=entry.sid,
        name=entry.name,
        title=entry.title,
        name_digest=entry.name_digest,
        parents=entry.parents,
        values=values,
        sensitive=frozenset(entry.sensitive),
        former={path: _content(kind.by_path[path], value, source) for path, value in entry.former.items()},
        lost=tuple(path for path in entry.sensitive if path in kind.by_path and path not in values),
        source=source,
    )


_TYPES: Mapping[Shape, type] = {Shape.BOOL: bool, Shape.INT: int, Shape.JSON: dict, Shape.SET: tuple}
"""What JSON has for a shape; a text for every other."""


def _content(item: Field, value: Json, source: str) -> Content:
    if item.shape is Shape.SET and isinstance(value, list) and all(isinstance(word, str) for word in value):
        return tuple(value)
    if type(value) is not _TYPES.get(item.shape, str):
        raise _invalid(source, f"a value of {item.path} has the wrong type")
    content: Content = value
    return content


def _invalid(source: str, why: str) -> JournalError:
    return JournalError(
        f"{source} is not a journal of this configuration ({why}). An interrupted apply may have saved values there "
        "that the account no longer has: restore the file, or delete it to go on without them"
    )
