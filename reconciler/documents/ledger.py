"""An entry of the ledger: `entry.json` in a commit of the ledger's ref, and the keyed digests in it. Pure.

Takes and gives JSON text, which is hostile input: anyone who can push the ref can write an entry. So it is signed with
`RECONCILER_PLAN_KEY`, or with a key derived from the credentials, and it names the entry before it. It never contains
secrets, values of sensitive fields, secret parts of URLs, or SIDs of resources.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from operator import not_
from typing import Literal

from reconciler import json_text
from reconciler.address import Address, AddressError
from reconciler.config.layout import standard_layout
from reconciler.config.model import Reference
from reconciler.documents.base import Part, described, is_none
from reconciler.documents.values import typed_content
from reconciler.documents.writing import to_content
from reconciler.errors import LedgerError
from reconciler.json_text import Json
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content, Shape
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.baseline import Record

FORMAT = "reconciler.ledger"
Operation = Literal["apply", "undo", "rename"]
EntryStatus = Literal["started", "applied", "incomplete"]
_MOST_VERSIONS = 1000
_MOST_RESOURCES = 1_000_000
_OBJECT_NAME = r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$"
_TIME = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerVariable(Part):
    """A value of `--var`."""

    value: str | None = field(
        default=None, metadata=described("The value; absent if it may not be shown.", exclude_if=is_none)
    )
    fingerprint: str = field(
        default="", metadata=described("A keyed digest of a value that may not be shown.", exclude_if=not_)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSource(Part):
    """The configuration that was applied."""

    commit: str = field(metadata=described("The commit that contains its files.", pattern=_OBJECT_NAME))
    root: str = field(metadata=described("The root file's path from the top of the repository."))
    overlays: tuple[str, ...] = field(
        default=(), metadata=described("`--overlay`, relative to the root file's folder.")
    )
    variables: dict[str, LedgerVariable] = field(
        default_factory=dict, metadata=described("Values of `--var`, by name.", shown_default={})
    )
    config_digest: str = field(metadata=described("A digest of the configuration's meaning."))
    plan_digest: str = field(default="", metadata=described("A digest of the applied plan; empty without one."))
    tool_version: str = field(metadata=described("The release of reconciler that wrote the entry."))


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRun(Part):
    """The run of the command."""

    id: str = field(default="", metadata=described("The CI run and job; empty outside of CI."))
    attempt: int = field(default=0, metadata=described("Which attempt of that run; 0 if unknown."))
    url: str = field(default="", metadata=described("The URL of the CI run; empty if unknown."))
    machine: str = field(default="", metadata=described("The name of the machine."))
    machine_id: str = field(
        default="", metadata=described("A digest that is the same in every process of that machine.")
    )
    process: str = field(default="", metadata=described("The process: its number and its start time."))


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerResource(Part):
    """What the ledger remembers of an address."""

    baseline: int | None = field(
        default=None,
        metadata=described(
            "The entry whose apply last completed the address; absent if none did.", exclude_if=is_none, ge=1
        ),
    )
    attempted: tuple[int, ...] = field(
        default=(),
        metadata=described(
            "Later entries that wrote, or may have written, without completing it; 0 for an undo to nothing.",
            exclude_if=not_,
        ),
    )
    origin: Literal["created", "adopted"] = field(
        metadata=described("Whether the tool created the resource, or it existed when it was first declared.")
    )
    adopted: dict[str, Json] = field(
        default_factory=dict,
        metadata=described(
            'Values that fields had before they were managed, by field: plain JSON, `{"json": mapping}`, or '
            '`{"ref": address}`.',
            exclude_if=not_,
            shown_default={},
        ),
    )
    sid_digest: str = field(
        default="", metadata=described("A keyed digest of the SID of a created resource.", exclude_if=not_)
    )
    declared_as: dict[int, str] = field(
        default_factory=dict,
        metadata=described(
            "Its addresses in the configurations of entries, by their number, where they differ from this one.",
            exclude_if=not_,
            shown_default={},
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSummary(Part):
    """The number of changes by outcome."""

    create: int = 0
    update: int = 0
    replace: int = 0
    delete: int = 0
    partly: int = 0
    failed: int = 0
    skipped: int = 0
    withheld: int = 0
    interrupted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry(Part):
    """An entry of the ledger: what an apply, undo, or rename left behind."""

    format: Literal["reconciler.ledger"] = "reconciler.ledger"
    format_version: Literal[1] = 1
    number: int = field(metadata=described("The number of the entry, from 1. An outcome has that of its start.", ge=1))
    operation: Operation = field(metadata=described("The command that wrote it."))
    status: EntryStatus = field(
        metadata=described("`started` before the first write; `applied` if everything is done; otherwise `incomplete`.")
    )
    begins: bool = field(default=False, metadata=described("Whether `--start-ledger` wrote it.", exclude_if=not_))
    account_sid: str = field(metadata=described("The account."))
    host: str = field(metadata=described("The host, a Twilio region, or an emulator's database."))
    environment: str = field(metadata=described("The environment; empty without one."))
    source: LedgerSource
    actor: str = field(metadata=described("Who applied: the CI service's user, or git's user."))
    run: LedgerRun
    started_at: str = field(metadata=described("The start, in UTC.", pattern=_TIME))
    ended_at: str = field(
        default="", metadata=described("The end, in UTC; absent in a `started` entry.", exclude_if=not_)
    )
    deadline: str = field(metadata=described("The apply sends nothing after this time.", pattern=_TIME))
    previous: str = field(
        default="",
        metadata=described(
            "The commit of the previous entry, or of the start of this one; absent in the first.", exclude_if=not_
        ),
    )
    fingerprints: dict[str, str] = field(
        default_factory=dict,
        metadata=described(
            "Keyed digests of the environment variables, secrets, and files that were used.", shown_default={}
        ),
    )
    declared: tuple[str, ...] = field(default=(), metadata=described("Every declared address, `absent` ones excluded."))
    resources: dict[str, LedgerResource] = field(
        default_factory=dict, metadata=described("What is remembered, by address.", shown_default={})
    )
    summary: LedgerSummary = LedgerSummary()
    key_id: str = field(metadata=described("A digest of the key, which shows whether the digests can be checked."))
    signature: str = field(default="", metadata=described("A keyed digest of all of the above."))

    def to_json(self) -> str:
        """Render the entry as indented ASCII that ends in a newline."""
        return json.dumps(to_content(self), indent=1, ensure_ascii=True) + "\n"

    def records(self) -> dict[Address, Record]:
        """Return what is remembered, by address.

        Raises:
            LedgerError: An address or a value is not one that this release knows.
        """
        return {address: record for address, record in map(self._record, self.resources)}  # noqa: C416 - typed

    def _record(self, text: str) -> tuple[Address, Record]:
        stored = self.resources[text]
        try:
            address = Address.parse(text)
            kind = standard_layout().kind_at(address.parts)
            if kind is None:
                raise ValueError(text)  # noqa: TRY301 - one message for all
            adopted = {path: _content(kind, path, value) for path, value in stored.adopted.items()}
            declared_as = {number: _same_kind(kind, one) for number, one in stored.declared_as.items()}
        except (AddressError, KeyError, TypeError, ValueError):
            raise modified(
                self.number, f"it has an address or a value that reconciler {self.source.tool_version} does not write"
            ) from None
        return address, Record(
            stored.baseline, stored.attempted, stored.origin, adopted, stored.sid_digest, declared_as
        )


def modified(number: int | None, why: str) -> LedgerError:
    """Return the error for an entry that no apply wrote like this (G23)."""
    name = "the newest entry" if number is None else f"entry {number}"
    return LedgerError(
        f"{name} was modified ({why}). Restore the ledger's ref from a clone or a remote that has the original, or "
        "start again with --start-ledger"
    )


def parse_entry(text: bytes) -> LedgerEntry:
    """Parse the JSON of an entry.

    Raises:
        LedgerError: No apply writes such an entry, or only one of a later release.
    """
    from reconciler.documents import conversion  # noqa: PLC0415 - see `base`

    content: Json = None
    number: int | None = None
    try:
        content = json_text.parse_document(text, most_keys=_MOST_RESOURCES)
        if isinstance(content, Mapping):
            found, version = content.get("number"), content.get("format_version")
            number = found if type(found) is int and 0 < found < 10**9 else None
            if content.get("format") == FORMAT and type(version) is int and 1 < version < _MOST_VERSIONS:
                raise LedgerError(
                    f"the newest entry of the ledger has format version {version}, which a later release of reconciler "
                    "wrote. Update reconciler"
                )
        return conversion.from_document(LedgerEntry, text, content)
    except conversion.InvalidPart as error:
        raise modified(number, error.reason(levels=4)) from None
    except RecursionError:
        raise modified(number, "it is nested too deeply") from None
    except ValueError as error:
        raise modified(number, "it is not JSON" if isinstance(error, json.JSONDecodeError) else str(error)) from None


def stored_resource(record: Record) -> LedgerResource:
    """Return the form in which an entry stores a record."""
    return LedgerResource(
        baseline=record.baseline,
        attempted=record.attempted,
        origin=record.origin,
        adopted={path: _form(value) for path, value in sorted(record.adopted.items())},
        sid_digest=record.sid_digest,
        declared_as={number: str(address) for number, address in sorted(record.declared_as.items())},
    )


def _same_kind(kind: Kind, text: str) -> Address:
    """Return the address of a resource of a kind.

    Raises:
        ValueError: It is of another kind.
    """
    address = Address.parse(text)
    if standard_layout().kind_at(address.parts) != kind:
        raise ValueError(text)
    return address


def _form(value: Content | Reference) -> Json:
    if isinstance(value, Reference):
        return {"ref": str(value.address), **({"built_in": value.built_in} if value.built_in else {})}
    if isinstance(value, dict):
        return {"json": value}
    return list(value) if isinstance(value, tuple) else value


def _content(kind: Kind, path: str, form: Json) -> Content | Reference:
    """Return an adopted value.

    Raises:
        KeyError: The kind has no such field.
        TypeError: The value does not fit the field.
        ValueError: An address in it is not valid.
    """
    item = kind.by_path[path]
    if form is None:
        return None
    if item.write_only or item.secret:
        raise TypeError(path)
    if item.shape is Shape.REF and isinstance(form, Mapping):
        if not form.keys() <= {"ref", "built_in"} or not all(isinstance(text, str) for text in form.values()):
            raise TypeError(path)
        address = Address.parse(str(form["ref"]))
        target = standard_layout().kind_at(address.parts)
        if target is None:
            raise TypeError(path)
        return Reference(address, target.name, str(form.get("built_in", "")))
    if item.shape is Shape.REF:
        raise TypeError(path)
    if item.shape is Shape.JSON:
        if not isinstance(form, Mapping) or form.keys() != {"json"}:
            raise TypeError(path)
        return typed_content(item, form["json"])
    return typed_content(item, form)


@dataclass(frozen=True, slots=True)
class LedgerKey:
    """Makes the keyed digests of a ledger.

    Attributes:
        key: `RECONCILER_PLAN_KEY`, or a key derived from the credentials.
    """

    key: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """A digest of the key: two keys with one ID are the same."""
        return self._digest("key")[:16]

    def sign(self, entry: LedgerEntry) -> LedgerEntry:
        """Return an entry with this key's ID and signature."""
        named = replace(entry, key_id=self.id, signature="")
        return replace(named, signature=self._signature(named))

    def has_signed(self, entry: LedgerEntry) -> bool | None:
        """Return whether the signature of an entry is valid; None if it was made with another key."""
        if entry.key_id != self.id:
            return None
        return hmac.compare_digest(self._signature(entry).encode(), entry.signature.encode(errors="replace"))

    def fingerprint(self, name: str, text: str) -> str:
        """Return the digest of a value from outside of the files.

        Args:
            name: ``env:NAME``, ``secret:NAME``, ``file:PATH``, or ``var:NAME``.
            text: The value.
        """
        return self._keyed("value", name, text)

    def sid_digest(self, sid: str) -> str:
        """Return the digest of a resource's SID."""
        return self._keyed("sid", sid)

    def has_made(self, digest: str) -> bool:
        """Return whether a digest was made with this key, so that it can be compared."""
        return digest.startswith(f"{self.id}:")

    def _signature(self, entry: LedgerEntry) -> str:
        content = to_content(entry, exclude={"signature"})
        return self._keyed("entry", json.dumps(content, sort_keys=True, separators=(",", ":")))

    def _keyed(self, *parts: str) -> str:
        return f"{self.id}:{self._digest(*parts)}"

    def _digest(self, *parts: str) -> str:
        content = "\0".join(("reconciler ledger", *parts)).encode(errors="surrogatepass")
        return hmac.new(self.key, content, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry(Part):
    """An entry, in a list."""

    commit: str = field(metadata=described("Its commit on the ledger's ref."))
    number: int
    operation: Operation
    status: EntryStatus
    started_at: str
    ended_at: str
    source_commit: str = field(metadata=described("The commit that was applied."))
    environment: str
    actor: str
    run: LedgerRun
    summary: LedgerSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryFile(Part):
    """The entries of a ledger, newest first."""

    format: Literal["reconciler.history"] = "reconciler.history"
    format_version: Literal[1] = 1
    environment: str = field(metadata=described("The environment; empty without one."))
    ref: str = field(metadata=described("The ledger's ref."))
    entries: tuple[HistoryEntry, ...] = field(metadata=described("The entries, newest first."))

    def to_json(self) -> str:
        """Render the document as indented ASCII that ends in a newline."""
        return json.dumps(to_content(self), indent=2, ensure_ascii=True) + "\n"


def history_document(environment: str, ref: str, entries: Iterable[tuple[str, LedgerEntry]]) -> HistoryFile:
    """List entries.

    Args:
        environment: The environment.
        ref: The ledger's ref.
        entries: Each commit with its entry, newest first.
    """
    return HistoryFile(
        environment=environment,
        ref=ref,
        entries=tuple(
            HistoryEntry(
                commit=commit,
                number=entry.number,
                operation=entry.operation,
                status=entry.status,
                started_at=entry.started_at,
                ended_at=entry.ended_at,
                source_commit=entry.source.commit,
                environment=entry.environment,
                actor=entry.actor,
                run=entry.run,
                summary=entry.summary,
            )
            for commit, entry in entries
        ),
    )
