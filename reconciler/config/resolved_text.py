"""Resolved texts: text after interpolation, with its secrets, sources, placeholders, and missing values.

Plain data, and the rules for joining several texts.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby, pairwise
from typing import Literal, NamedTuple

from reconciler.config.interpolation_syntax import escape
from reconciler.config.nodes import ScalarNode
from reconciler.errors import Place

_OUTSIDE = frozenset({"env", "file", "secret"})
RECORD_WORK = 25
"""The cost of each variable, secret, or missing value that a text records, in characters."""


class Missing(NamedTuple):
    """A value that is not set.

    Attributes:
        code: The problem's code.
        message: What is not set; also the reason of an unknown value.
        place: The place that needs it.
        hint: How to fix it.
        is_secret: Whether it is a secret, which some fields do not need until a step sends it.
    """

    code: str
    message: str
    place: Place
    hint: str
    is_secret: bool


class Placeholder(NamedTuple):
    """A `${…}` that was not replaced.

    Attributes:
        token: The expression; for a value from outside, the name of the value for messages.
        place: Its place; None for the command line.
        hint: How to fix it.
        origin: ``written`` in a file, ``outside`` in a value from outside.
        is_name: Whether it is `${NAME}`, which Twilio fills in in notification templates.
    """

    token: str
    place: Place | None
    hint: str
    origin: Literal["written", "outside"]
    is_name: bool


class Part(NamedTuple):
    """A part of a text and its source.

    Attributes:
        text: The part.
        source: Its source, for messages: ``secret TOKEN``; empty for literal text.
        is_secret: Whether it must not be shown.
    """

    text: str
    source: str = ""
    is_secret: bool = False


class ResolvedText(NamedTuple):
    """A scalar's text after interpolation.

    A named tuple, since each scalar of a configuration becomes one, and a dataclass takes four times as long to create.

    Attributes:
        text: The text.
        null: Whether it means null.
        bare: Whether it is unquoted, so that JSON may read a number in it.
        tag: The scalar's tag.
        via: The variables that it came through.
        secrets: The names of its secrets, sorted.
        form: The text with secrets and missing values by name; empty if there are none.
        written: The text as a file would write it to get the same value: environment variables, secrets, and files by
            name (paths relative to the root file's folder), variables replaced. Empty if nothing comes from outside, if
            a variable is undefined, or if no file could write it (a $ of a variable before a lookup).
        namespaces: The namespaces of its lookups; ``option`` stands for ``--var``.
        literals: The scalars of variables whose literal text it contains.
        missing: The missing values. With any, the text is incomplete.
        placeholders: Each `${…}` that was not replaced.
        parts: Its parts in order, if any is not literal; empty for a very long text.
        failed: Whether it is invalid, which has been reported.
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
        """Whether it has a value from outside, or of an undefined variable, that no file can express."""
        return not self.written and self.is_outside

    @property
    def is_outside(self) -> bool:
        """Whether it has a value from outside of the files, or a missing one."""
        return bool(self.missing) or not self.namespaces.isdisjoint(_OUTSIDE)


class Variable(NamedTuple):
    """The definition of a variable.

    Attributes:
        name: Its name.
        scalar: Its scalar in the files; None for the command line.
        text: Its text on the command line.
        where: What defines it, for messages; empty for the top-level ``variables``.
    """

    name: str
    scalar: ScalarNode | None
    text: str = ""
    where: str = ""

    @property
    def via(self) -> str:
        """How places name a value that came through this variable."""
        return f"variable {self.name}" + (f" of {self.where}" if self.where else "")


def work_of(text: ResolvedText) -> int:
    """Return the cost of joining a text, in characters."""
    records = len(text.literals) + len(text.secrets) + len(text.missing) + len(text.placeholders)
    return len(text.text) + len(text.form) + len(text.written) + len(text.via) + records * RECORD_WORK


def parts_of(texts: list[ResolvedText]) -> tuple[Part, ...]:
    """Return the parts of several texts, without empty ones; none if everything is literal."""
    parts = [part for text in texts for part in (text.parts or (Part(text.text),)) if part.text]
    return tuple(parts) if any(part.source for part in parts) else ()


def written_form(parts: list[ResolvedText]) -> str:
    """Return the joined form of texts; see `ResolvedText.written`."""
    if not any(part.written and part.is_outside for part in parts) or any(part.is_lost for part in parts):
        return ""
    return put_together([(part.written, part.text) for part in parts])


def put_together(parts: Iterable[tuple[str, str]]) -> str:
    """Join parts of a text, each with its written form or as a literal; empty if no file can write the result."""
    runs: list[str] = []
    for is_literal, run in groupby(parts, lambda part: not part[0]):
        if is_literal:
            runs.append(escape("".join(text for _, text in run)))
        else:
            runs += [written for written, _ in run]
    filled = [run for run in runs if run]
    # A $ before a lookup would make it literal, and one before a brace would start a lookup.
    if any(one.endswith("$") and other.startswith(("{", "${")) for one, other in pairwise(filled)):
        return ""
    return "".join(filled)
