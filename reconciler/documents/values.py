"""The forms in which contents leave the process, with nothing secret in them.

Takes the changes of a plan or of a comparison; returns parts of a document. A content has one of these forms:

* plain JSON;
* ``{"ref": address, "sid": "RL…"}`` for another resource; the SID is null while the plan itself creates it, and absent
  in a comparison;
* ``{"secret": "NAME", "digest": "…"}`` for a content that comes from secrets: their names, and a keyed digest of the
  content, which is absent if a secret is not set;
* ``{"digest": "…"}`` for other sensitive contents. A comparison, which has no digests, has ``"sensitive": true`` there;
* any of these three with ``"shown": "https://hooks.example.com/in?token=(sensitive)"`` for a URL, of which only the
  secret parts are masked;
* ``{"unknown": reason}`` for a content that is unknown until apply;
* ``{"json": mapping}`` for JSON that is a mapping itself, so that no live value can pose as one of the above.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from reconciler.address import Address
from reconciler.change import FieldChange, Guard, Impact, InnerChange, Since
from reconciler.config.model import Reference, Unknown
from reconciler.documents.parts import (
    FieldPart,
    GuardPart,
    ImpactPart,
    InnerPart,
    SincePart,
    SourcePart,
    TallyPart,
    WarningPart,
)
from reconciler.errors import Place, Problem
from reconciler.json_text import Json
from reconciler.kinds.fields import Content, Field, Shape
from reconciler.lazy_dataclass import dataclass
from reconciler.redaction import FRAGMENT, HIDDEN, Redaction, texts_of
from reconciler.redaction.urls import MASK

SidOf = Callable[[Address], str | None]
"""The SID of a referenced resource; None for one that the plan creates."""


class Mask:
    """Masks secrets of the configuration in texts from the account.

    Args:
        secrets: the secrets.

    Attributes:
        every: masks all of them, in a value or a name.
        long: masks the longer ones. In a sentence or a text of the configuration, a short one is most likely a word.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = frozenset(secrets)
        self.every = Redaction(known)
        self.long = Redaction(secret for secret in known if len(secret) >= FRAGMENT)

    @staticmethod
    def url(shown: str, redact: Redaction) -> str:
        """Mask the remaining secrets in a URL whose secret parts are masked already."""
        return redact(shown).replace(HIDDEN, MASK)


@dataclass(frozen=True, slots=True)
class Digests:
    """Makes keyed digests of sensitive contents, which show only whether two contents are equal.

    Attributes:
        account_sid: the account, which digests are bound to.
        key: known only to those who may know the contents.
    """

    account_sid: str
    key: bytes

    def of(self, content: Json, address: str, path: str) -> str:
        """Return the digest of a content, bound to its place."""
        text = json.dumps([self.account_sid, address, path, content], sort_keys=True, ensure_ascii=True)
        return "hmac-sha256:" + hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class ValueForms:
    """Turns the contents of one change into the forms in which they leave the process.

    Attributes:
        address: the change's address.
        mask: masks secrets of the configuration in live values.
        digests: makes digests of sensitive contents; None in a comparison, in which nothing is approved.
        sid_of: finds the SIDs of referenced resources; None in a comparison, which knows no account.
    """

    address: str
    mask: Mask
    digests: Digests | None = None
    sid_of: SidOf | None = None

    def field(self, item: FieldChange) -> FieldPart:
        """Describe one field."""
        before = self._before(item)
        is_shown = before == {"json": item.before}
        return FieldPart(
            path=item.path,
            before=before,
            after=self.side(item, item.after, item.secrets, self.mask.url(item.after_shown, self.mask.long)),
            before_name="" if item.sensitive else self.mask.every(item.before_name),
            after_name="" if item.sensitive else self.mask.every(item.after_name),
            sensitive=item.sensitive,
            forces_replacement=item.forces_replacement,
            source=source_part(item.source),
            before_source=source_part(item.before_source),
            inside=tuple(map(_inner, item.inside)) if is_shown else (),
            standing=item.standing,
            since=since_part(item.since),
            returns=item.returns,
            adopted=item.adopted,
        )

    def _before(self, item: FieldChange) -> Json:
        """Describe the former content; one that repeats a secret of the configuration is as sensitive."""
        if not item.sensitive and any(self.mask.every(text) != text for text in texts_of(item.before)):
            return self.side(replace(item, sensitive=True), item.before, ())
        return self.side(item, item.before, (), self.mask.url(item.before_shown, self.mask.every))

    def side(
        self, item: FieldChange, content: Content | Reference | Unknown, secrets: tuple[str, ...], shown: str = ""
    ) -> Json:
        """Return the form of one side of a field.

        Args:
            item: the field.
            content: the content of that side.
            secrets: the names of the secrets that the content comes from.
            shown: for a sensitive URL, the URL with its secret parts masked.
        """
        parts: dict[str, Json] = {"shown": shown} if shown else {}
        if isinstance(content, Unknown):
            return {"secret": ", ".join(secrets), **parts} if secrets else {"unknown": content.reason}
        if isinstance(content, Reference):
            address = str(content.address)
            return {"ref": address} if self.sid_of is None else {"ref": address, "sid": self.sid_of(content.address)}
        if not item.sensitive or content is None:
            if isinstance(content, dict):
                return {"json": content}
            return list(content) if isinstance(content, tuple) else content
        if self.digests is None:
            hidden: dict[str, Json] = {"sensitive": True, **parts}
            return {"secret": ", ".join(secrets), **hidden} if secrets else hidden
        digest = self.digests.of(content, self.address, item.path)
        return {"secret": ", ".join(secrets), "digest": digest, **parts} if secrets else {"digest": digest, **parts}


_TYPES: Mapping[Shape, type] = {Shape.BOOL: bool, Shape.INT: int, Shape.JSON: dict, Shape.SET: tuple}
"""The Python type of a shape's values; str for every other shape."""


def typed_content(item: Field, value: Json) -> Content:
    """Return a plain JSON value of a saved document as the content of a field.

    Raises:
        TypeError: it has the wrong type for the field.
    """
    if item.shape is Shape.SET and isinstance(value, (list, tuple)) and all(isinstance(word, str) for word in value):
        return tuple(str(word) for word in value)
    if type(value) is not _TYPES.get(item.shape, str):
        raise TypeError(item.path)
    content: Content = value
    return content


def _inner(change: InnerChange) -> InnerPart:
    return InnerPart(path=change.path, kind=change.kind, before=change.before, after=change.after)


def source_part(place: Place | None) -> SourcePart | None:
    """Describe a place in the configuration."""
    if place is None:
        return None
    return SourcePart(file=place.file, line=place.line, column=place.column, via=place.via)


def since_part(since: Since | None) -> SincePart | None:
    """Describe an entry of the ledger."""
    return None if since is None else SincePart(entry=since.entry, at=since.at, commit=since.commit)


def impact_part(impact: Impact, mask: Mask) -> ImpactPart:
    """Describe what a delete destroys or affects."""
    return ImpactPart(
        counts={
            item.name: TallyPart(
                number=item.number,
                at_least=not item.is_exact,
                noun=item.noun,
                why_unknown=mask.long(item.why_unknown),
            )
            for item in impact.tallies
        },
        last_message=impact.latest,
        holders=tuple(map(mask.every, impact.holders)),
        diverted=impact.diverted,
    )


def guard_part(guard: Guard, mask: Mask) -> GuardPart:
    """Describe why a change is refused or withheld."""
    return GuardPart(
        name=guard.name,
        verdict=guard.verdict,
        message=mask.long(guard.message),
        only_delete=guard.only_delete,
        holders=tuple(map(mask.every, guard.holders)),
        fix=mask.long(guard.fix),
        only_fields=guard.only_fields,
    )


def warning_part(problem: Problem, mask: Mask) -> WarningPart:
    """Describe a warning or a notice."""
    return WarningPart(
        code=problem.code,
        severity="notice" if problem.severity == "notice" else "warning",
        message=mask.long(problem.message),
        hint=mask.long(problem.hint),
        fix=mask.long(problem.fix),
        address=problem.address,
        source=source_part(problem.place),
    )
