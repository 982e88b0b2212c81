"""The journal's file: JSON with the replaces that an apply began, and a signature. Pure.

Takes and gives JSON text, which is hostile input: anyone who can write to the folder can edit it, and a pull request
can add one. So it is signed with a key derived from the credentials, or with `RECONCILER_PLAN_KEY`. A signature is
valid for one account, endpoint, and root file, in every environment: two environments of one account share a journal.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Literal

from reconciler.address import Address, AddressError
from reconciler.documents.base import Part, described
from reconciler.documents.values import typed_content
from reconciler.documents.writing import to_content
from reconciler.errors import JournalError
from reconciler.journal import UnfinishedReplace
from reconciler.json_text import Json
from reconciler.kinds import BY_NAME
from reconciler.kinds.fields import Content, Field
from reconciler.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedReplace(Part):
    """A replace that an apply began."""

    address: str = field(metadata=described("The address of the resource in the configuration."))
    kind: str = field(metadata=described("Its kind."))
    sid: str = field(metadata=described("The old resource's SID."))
    name: str = field(metadata=described("The old resource's natural key; empty if it may not be shown."))
    title: str = field(
        default="", metadata=described("The natural key as it may be shown; empty if it may be shown unchanged.")
    )
    name_digest: str = field(
        default="", metadata=described("A digest of the natural key, keyed by the credentials, if it may not be shown.")
    )
    parents: tuple[str, ...] = field(
        default=(), metadata=described("SIDs of the old resource's parents, outermost first.")
    )
    values: dict[str, Json] = field(
        default_factory=dict,
        metadata=described("Values for the new resource that only the account had, by field.", shown_default={}),
    )
    sensitive: tuple[str, ...] = field(default=(), metadata=described("Fields whose values may not be shown."))
    former: dict[str, Json] = field(
        default_factory=dict, metadata=described("Other values of the old resource, by field.", shown_default={})
    )
    environment: str = field(default="", metadata=described("The environment of the apply; empty for none."))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document(Part):
    """A journal in JSON."""

    format: Literal["reconciler.journal"] = "reconciler.journal"
    format_version: Literal[1] = 1
    account_sid: str
    root: str
    endpoint: str
    entries: tuple[SavedReplace, ...]
    signature: str


@dataclass(frozen=True, slots=True)
class JournalScope:
    """The scope of a journal.

    Attributes:
        account_sid: the account.
        root: the name of the root file.
        endpoint: the data's name, as `reconciler.api.client.ReadClient.endpoint` gives it: an account has other data in
            each region, and each emulator has its own.
        key: the key of signatures and digests.
    """

    account_sid: str
    root: str
    endpoint: str
    key: bytes = field(repr=False)

    def signature(self, replaces: Iterable[SavedReplace]) -> str:
        """Sign saved replaces for this scope."""
        content = [to_content(saved) for saved in replaces]
        names = [self.account_sid, self.root, self.endpoint]
        return self._keyed("journal", json.dumps([names, content], sort_keys=True))

    def has_signed(self, replaces: Iterable[SavedReplace], signature: str) -> bool:
        """Return whether a signature of saved replaces is valid in this scope."""
        return hmac.compare_digest(self.signature(replaces).encode(), signature.encode(errors="replace"))

    def digest(self, name: str) -> str:
        """Return the digest of a natural key that may not be shown."""
        return self._keyed("name", name)

    def _keyed(self, purpose: str, text: str) -> str:
        content = f"reconciler {purpose}\0{text}".encode(errors="surrogatepass")
        return f"hmac-sha256:{hmac.new(self.key, content, hashlib.sha256).hexdigest()}"


def journal_text(scope: JournalScope, replaces: Iterable[UnfinishedReplace]) -> str:
    """Build the text of a journal."""
    saved = tuple(map(saved_replace, replaces))
    document = _Document(
        account_sid=scope.account_sid,
        root=scope.root,
        endpoint=scope.endpoint,
        entries=saved,
        signature=scope.signature(saved),
    )
    return json.dumps(to_content(document), indent=2) + "\n"


def saved_replace(item: UnfinishedReplace) -> SavedReplace:
    """Build the saved form of a replace, with every value."""
    return SavedReplace(
        address=str(item.address),
        kind=item.kind.name,
        sid=item.sid,
        name=item.name,
        title=item.title,
        name_digest=item.name_digest,
        parents=item.parents,
        values=_to_json(item.values),
        former=_to_json(item.former),
        sensitive=tuple(sorted(item.sensitive)),
        environment=item.environment,
    )


def _to_json(values: Mapping[str, Content]) -> dict[str, Json]:
    return {path: list(value) if isinstance(value, tuple) else value for path, value in values.items()}


def parse_journal(text: str | bytes, source: str, scope: JournalScope) -> tuple[UnfinishedReplace, ...]:
    """Parse a journal.

    Args:
        text: its text.
        source: its path, for messages.
        scope: the scope that it must have.

    Raises:
        JournalError: it is not a journal, or does not belong to this scope.
    """
    from reconciler.documents import conversion  # noqa: PLC0415 - see `base`

    try:
        document = conversion.from_text(_Document, text)
    except conversion.InvalidPart as error:
        raise _invalid(source, error.reason(levels=4)) from None
    except RecursionError:
        raise _invalid(source, "it is nested too deeply") from None
    except ValueError as error:
        raise _invalid(source, "it is not JSON" if isinstance(error, json.JSONDecodeError) else str(error)) from None
    replaces = tuple(parse_saved_replace(saved, source) for saved in document.entries)
    names = (document.account_sid, document.root, document.endpoint)
    if names != (scope.account_sid, scope.root, scope.endpoint):
        raise _invalid(source, "it belongs to another account, root file, or endpoint")
    if not scope.has_signed(document.entries, document.signature):
        raise _invalid(
            source, "it was edited, or written by an apply with other credentials or another RECONCILER_PLAN_KEY"
        )
    return replaces


def parse_saved_replace(saved: SavedReplace, source: str) -> UnfinishedReplace:
    """Check and convert a saved replace, which anyone may have edited.

    Args:
        saved: the replace as it was saved.
        source: the path of its file, for messages.

    Raises:
        JournalError: no apply saves such a replace.
    """
    kind = BY_NAME.get(saved.kind)
    try:
        address = Address.parse(saved.address)
    except AddressError:
        raise _invalid(source, "an address is not valid") from None
    if kind is None or kind.singleton or address.parts[-1 - len(kind.section) : -1] != kind.section:
        raise _invalid(source, f"{saved.address} is not an address of its kind")
    if not {*saved.values, *saved.former} <= {item.path for item in kind.fields if not item.write_only}:
        raise _invalid(source, f"{saved.address} has a value of an unknown field")
    values = {path: _content(kind.by_path[path], value, source) for path, value in saved.values.items()}
    return UnfinishedReplace(
        address=address,
        kind=kind,
        sid=saved.sid,
        name=saved.name,
        title=saved.title,
        name_digest=saved.name_digest,
        parents=saved.parents,
        values=values,
        sensitive=frozenset(saved.sensitive),
        former={path: _content(kind.by_path[path], value, source) for path, value in saved.former.items()},
        lost=tuple(path for path in saved.sensitive if path in kind.by_path and path not in values),
        source=source,
        environment=saved.environment,
    )


def _content(item: Field, value: Json, source: str) -> Content:
    try:
        return typed_content(item, value)
    except TypeError:
        raise _invalid(source, f"a value of {item.path} has the wrong type") from None


def _invalid(source: str, why: str) -> JournalError:
    return JournalError(
        f"{source} is not a journal of this configuration ({why}). An interrupted apply may have saved values there "
        "that the account no longer has: restore the file, or delete it to continue without them"
    )
