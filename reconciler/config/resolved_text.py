"""Resolved texts: a scalar's text after interpolation, with its secrets, sources, placeholders, and missing values.

Plain data, and how several texts make one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Literal, NamedTuple

from reconciler.config.interpolation_syntax import escaped
from reconciler.config.nodes import ScalarNode
from reconciler.errors import Place

_OUTSIDE = frozenset({"env", "file", "secret"})
RECORD_WORK = 25
"""What each variable, secret, or missing value that a text records costs, in characters."""


class Missing(NamedTuple):
    """Something that is not set.

    Attributes:
        code: the problem's code.
        message: what is not set; the reason of an unknown value.
        place: where it is asked for.
        hint: what to do.
        is_secret: whether it is a secret, which some fields can do without until a step has to send it.
    """

    code: str
    message: str
    place: Place
    hint: str
    is_secret: bool


class Placeholder(NamedTuple):
    """A `${…}` that was not replaced.

    Attributes:
        token: how it is written; for a value from outside, how the message names the value.
        place: where it is; None for the command line.
        hint: how to fix it.
        origin: ``written`` for one in the files, ``outside`` for one in a value from outside of them.
        is_name: whether it is `${NAME}`, which Twilio fills in in templates.
    """

    token: str
    place: Place | None
    hint: str
    origin: Literal["written", "outside"]
    is_name: bool


class Part(NamedTuple):
    """A part of a text, as far as its source matters.

    Attributes:
        text: the part.
        source: what it comes from, for messages: ``secret TOKEN``; empty for literal text.
        is_secret: whether it must not be shown.
    """

    text: str
    source: str = ""
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class ResolvedText:
    """A scalar's text once everything is put in.

    Attributes:
        text: the text itself.
        null: whether it means null.
        bare: whether it was written without quotes, so that JSON may read a number in it.
        tag: the scalar's tag.
        via: by which variable it came.
        secrets: the names of the secrets inside, sorted.
        form: the text with secrets, and what is not set, by name; empty when there are none.
        written: the text as a file would write it that has the same outside: environment variables, secrets and files
            by name (the latter seen from the root's folder), variables put in; empty when nothing comes from outside,
            when a variable is not defined, or when a file could not write it (a $ of a variable before a lookup).
        namespaces: where it comes from, but for its literal parts; ``option`` stands for ``--var``.
        literals: scalars of variables whose literal text went into it.
        missing: what is not set; the text is then of no use.
        placeholders: each `${…}` that was not replaced.
        parts: the text in parts, in order, where it has any that are not literal; empty for a very long text.
        failed: whether it could not be made, which has been told.
    """

    text: str
    null: bool = False
    bare: bool = False
    tag: str = ""
    via: str = ""
    secrets: tuple[str, ...] = ()
    form: str = ""
    written: str = ""
    namespaces: frozenset[str] = frozenset()
    literals: tuple[ScalarNode, ...] = ()
    missing: tuple[Missing, ...] = ()
    placeholders: tuple[Placeholder, ...] = ()
    parts: tuple[Part, ...] = ()
    failed: bool = False

    @property
    def is_lost(self) -> bool:
        """Whether something comes from outside, or from a variable that is not defined, and no file can say so."""
        return not self.written and self.is_outside

    @property
    def is_outside(self) -> bool:
        """Whether something comes from outside of the files, or is not set."""
        return bool(self.missing) or not self.namespaces.isdisjoint(_OUTSIDE)


class Variable(NamedTuple):
    """A variable's definition.

    Attributes:
        name: its name.
        scalar: where the files define it; None when the command line does.
        text: what the command line says.
        where: what defines it, in words; empty for the files' own ``variables``.
    """

    name: str
    scalar: ScalarNode | None
    text: str = ""
    where: str = ""

    @property
    def via(self) -> str:
        """By which way a value came that comes from this variable."""
        return f"variable {self.name}" + (f" of {self.where}" if self.where else "")


def work_of(text: ResolvedText) -> int:
    """What it costs to take a text into another, in characters."""
    records = len(text.literals) + len(text.secrets) + len(text.missing) + len(text.placeholders)
    return len(text.text) + len(text.form) + len(text.written) + len(text.via) + records * RECORD_WORK


def parts_of(texts: list[ResolvedText]) -> tuple[Part, ...]:
    """The parts of several texts, without empty ones; none if everything is literal."""
    parts = [part for text in texts for part in (text.parts or (Part(text.text),)) if part.text]
    return tuple(parts) if any(part.source for part in parts) else ()


def written_form(parts: list[ResolvedText]) -> str:
    """What parts say together; see `Text.written`."""
    if not any(part.written and part.is_outside for part in parts) or any(part.is_lost for part in parts):
        return ""
    return put_together([(part.written, part.text) for part in parts])


def put_together(parts: Iterable[tuple[str, str]]) -> str:
    """Parts of a text, each as it is written or else as a literal text; empty where no file can write them so."""
    runs: list[str] = []
    for is_literal, run in groupby(parts, lambda part: not part[0]):
        if is_literal:
            runs.append(escaped("".join(text for _, text in run)))
        else:
            runs += [written for written, _ in run]
    filled = [run for run in runs if run]
    # A $ before a lookup would make it a literal text, and one before a brace a lookup.
    if any(one.endswith("$") and other.startswith(("{", "${")) for one, other in pairwise(filled)):
        return ""
    return "".join(filled)
