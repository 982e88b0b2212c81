"""Scalars -> text: replaces `${env:…}`, `${var:…}`, `${file:…}`, and `${secret:…}` with their values.

Takes a scalar, the variables, and `Sources`; returns a `ResolvedText`, which records its parts: secrets by name,
variables, placeholders that were left alone, and what is not set. The caller, which knows the field, decides what a
missing value means (an error, or unknown) and where a placeholder is allowed. No problem contains a secret's value.

    in the file             result
    ${env:NAME}             the environment variable; sensitive if its name suggests a secret
    ${env:NAME:-text}       the text if the variable is unset (not for secrets); the text may interpolate too
    ${var:NAME}             the variable, from --var, the overlays, the environment, or the files, in this order
    ${file:PATH}            the file's text, relative to this file; a single line loses its line break
    ${secret:NAME}          the environment variable, sensitive from here on
    $${…}                   ${…}, literally
    ${PARTICIPANT}          unchanged; an error outside of notification templates, which Twilio fills in
    ${evn:NAME}             an error everywhere

An environment variable or a file that is empty, or holds only whitespace, counts as unset: CI systems pass an undefined
variable as an empty one, and an empty text would clear a live value.

The work is bounded, not only the size of the result: each lookup costs a fixed amount even if its value is empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby, pairwise
from typing import Literal, NamedTuple, TypeAlias

from reconciler.config.files import lines_of
from reconciler.config.findings import Findings, listed, shown
from reconciler.config.nodes import ScalarNode
from reconciler.config.sources import SourceError, Sources, beside
from reconciler.errors import Place
from reconciler.redaction import TOOL_SECRETS, is_of_the_tool, may_be_secret

NAMESPACES = ("env", "var", "file", "secret")
_OUTSIDE = frozenset({"env", "file", "secret"})
# A colon that begins a default (`${NAME:-text}`, as shells write it) does not end a namespace.
_OPEN = re.compile(r"(?P<escape>\$)?\$\{(?:(?P<namespace>[A-Za-z][A-Za-z0-9_-]*):(?!-))?")
_UNPREFIXED = re.compile(r"\$\{(?:\{[^{}\n]{0,200}\}\}|[^{}\n]{0,200}\})")
_TEMPLATE_NAME = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_.]*\}\Z")
_HELD = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_.:-]*\}")
"""What a value from outside holds if whoever set it expected the shell or the CI system to fill it in."""
_BRACE = re.compile(r"\$\{|\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
_TEMPLATE_NAME_HERE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_.]*\}")
_TIGHT_COMMENT = re.compile(r"[ \t]#[^\s#]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_LONGEST_TOKEN_SHOWN = 60
# The namespace that was meant, by what other tools write for it: ${var.host}, ${{ secrets.TOKEN }}, ${ENV:HOST}.
_MEANT = {
    "env": "env", "environ": "env", "environment": "env", "var": "var", "vars": "var", "variable": "var",
    "variables": "var", "secret": "secret", "secrets": "secret", "file": "file", "files": "file",
}  # fmt: skip
_MEANT_LOOKUP = re.compile(
    r"\s*(?:(?P<prefix>env|environ|environment|vars?|variables?|secrets?|files?)\s*[.:/]\s*)?"
    r"(?P<name>[A-Za-z_][A-Za-z0-9_.-]*?)\s*(?P<default>:-.*)?",
    re.IGNORECASE,
)
_MOST_NESTED = 20
_MOST_ACTIVE = 60
"""How many texts may be in the making at once: variables of variables, and defaults inside of defaults."""
_MOST_PIECES = 2000
_SHORTEST_TOOL_SECRET = 16
_LONGEST = 1_000_000
MOST_WORK = 50_000_000
"""The work that interpolation may do in one configuration, in characters read and written; see the two weights below.
Variables of variables multiply, and so do aliases of one scalar."""
_PIECE_WORK = 20
"""What each piece of a text costs, an empty one too, in characters."""
_RECORD_WORK = 25
"""What each variable, secret, or missing value that a text records costs, in characters."""
_MOST_CHARACTERS_OF_PARTS = 10_000
_NEARBY = 2_000


def is_variable_name(text: str) -> bool:
    """Whether a `${var:…}` can name a variable so."""
    return _NAME.match(text) is not None


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


class _Lookup(NamedTuple):
    namespace: str
    name: str
    default: str | None
    token: str
    offset: int


class _Unprefixed(NamedTuple):
    token: str
    offset: int


_Piece: TypeAlias = "str | _Lookup | _Unprefixed"


class _MalformedError(Exception):
    def __init__(self, code: str, message: str, token: str, hint: str) -> None:
        self.code, self.message, self.token, self.hint = code, message, token, hint
        super().__init__(message)


class Interpolation:
    """Replaces what scalars look up.

    Args:
        sources: files and environment variables.
        findings: takes every problem.
        lines: the lines of the files, to point at the part of a line that is wrong.
        variables: the variables by name.
        elsewhere: the environments, other than the one picked, that define a variable.
        environment: the environment that was picked; empty without one.
        complete: whether every file was read; when not, an undefined variable is no news.
        by_name: whether environment variables and secrets count as not set, defaults or not, so that only their names
            matter.

    Attributes:
        used: the names of the variables that anything asked for.
    """

    def __init__(
        self,
        sources: Sources,
        findings: Findings,
        lines: Mapping[str, tuple[str, ...]],
        *,
        variables: Mapping[str, Variable],
        elsewhere: Mapping[str, tuple[str, ...]],
        environment: str,
        complete: bool,
        by_name: bool = False,
    ) -> None:
        self._by_name = by_name
        self.used: set[str] = set()
        self.secrets: set[str] = set()
        self._sources = sources
        self._findings = findings
        self._lines = lines
        self._variables = variables
        self._elsewhere = elsewhere
        self._environment = environment
        self._complete = complete
        self._resolved: dict[str, ResolvedText] = {}
        self._resolving: list[str] = []
        self._files: dict[str, str | SourceError] = {}
        self._environment_texts: dict[str, str | None] = {}
        self._work = 0
        self._active = 0
        self._unfilled: dict[int, tuple[Placeholder, ...]] = {}
        self._in_templates: set[int] = set()

    @property
    def work(self) -> int:
        """The work done so far, in the unit of `MOST_WORK`."""
        return self._work

    def text(self, scalar: ScalarNode) -> ResolvedText:
        """Resolve a scalar."""
        if "${" not in scalar.text:
            return ResolvedText(scalar.text, scalar.is_null, scalar.plain, scalar.tag)
        if not self._spend(len(scalar.text), scalar):
            return ResolvedText("", failed=True)
        try:
            pieces = _pieces(scalar.text, 0, 0)
        except _MalformedError as error:
            place = self._place(scalar, error.token, 0)
            self._findings.error(error.code, error.message, place, self._way_out(error))
            return ResolvedText("", failed=True)
        if len(pieces) == 1 and isinstance(pieces[0], str):
            return ResolvedText(pieces[0], bare=scalar.plain, tag=scalar.tag)
        found = self._joined(pieces, scalar)
        if len(found.text) > _LONGEST:
            message = f"interpolation makes this text longer than {_LONGEST} characters"
            self._findings.error("too-large", message, scalar.place, "use fewer variables of variables")
            return ResolvedText("", failed=True)
        if not self._spend(len(found.text), scalar):
            return ResolvedText("", failed=True)
        return found if found.written and found.is_outside else replace(found, written="")

    def place_before_comment(self, text: ResolvedText, scalar: ScalarNode) -> Place | None:
        """Find a value that YAML probably ended too early: ``Sales #1``.

        A comment is written after two spaces, or with a space after the ``#``, so any other one may have been meant as
        text.

        Args:
            text: the value.
            scalar: the scalar that it was read from; those of its variables are checked as well.

        Returns:
            The place of the value; None if no comment follows it in this way.
        """
        return next((item.place for item in (scalar, *text.literals) if self._is_before_comment(item)), None)

    def _is_before_comment(self, scalar: ScalarNode) -> bool:
        if not scalar.plain or not scalar.text or scalar.line != scalar.end_line:
            return False
        begin = scalar.column - 1
        line = lines_of(self._lines, scalar.place)
        return line.startswith(scalar.text, begin) and _TIGHT_COMMENT.match(line, begin + len(scalar.text)) is not None

    def _spend(self, work: int, scalar: ScalarNode) -> bool:
        """Account for work; False, and one error, once there is too much of it."""
        if self._work > MOST_WORK:
            return False
        self._work += work
        if self._work <= MOST_WORK:
            return True
        message = f"interpolation makes more than {MOST_WORK} characters in all"
        self._findings.error("too-large", message, scalar.place, "use fewer variables of variables, and fewer lookups")
        return False

    def check_variables(self) -> None:
        """Report what is wrong with the variables themselves, used or not: cycles, unknown namespaces."""
        for name in self._variables:
            self._variable(name)

    def check_placeholders(self) -> None:
        """Report each `${NAME}` in a variable that no notification template uses; call after every field is read."""
        for key, placeholders in self._unfilled.items():
            if key not in self._in_templates:
                self.report_placeholders(placeholders)

    def allow_placeholders(self, text: ResolvedText) -> None:
        """Take note that a text is a notification template, and report what Twilio would not fill in."""
        self._in_templates.update(map(id, text.literals))
        self.report_placeholders([item for item in text.placeholders if not item.is_name])

    def report_placeholders(self, placeholders: Iterable[Placeholder]) -> None:
        """Report `${…}` that would be sent as it is written."""
        for item in placeholders:
            if item.origin == "written":
                message = f"{shown(item.token)} has no namespace, so it is not interpolated"
                self._findings.error("missing-namespace", message, item.place, item.hint)
            else:
                message = f"{item.token} holds a ${{…}} that nothing fills in"
                self._findings.warning("unfilled-placeholder", message, item.place, item.hint)

    def _way_out(self, error: _MalformedError) -> str:
        if error.code != "unknown-namespace":
            return error.hint
        meant = _MEANT.get(error.hint.lower()) or self._findings.closest(error.hint, NAMESPACES)
        literal = "write $${ for a literal ${"
        return f"did you mean ${{{meant}:…}}? or {literal}" if meant else f"known are {listed(NAMESPACES)}; {literal}"

    def _place(self, scalar: ScalarNode, token: str, offset: int) -> Place:
        """The place of a token in the scalar, or else of the scalar.

        Args:
            scalar: what holds it.
            token: the token.
            offset: its position in the scalar's text, or a position before it.
        """
        if scalar.line == scalar.end_line:
            line = lines_of(self._lines, scalar.place)
            # Quotes and escapes only move it to the right. The window keeps hostile lines from costing much.
            begin = scalar.column - 1 + offset
            column = line.find(token, begin, begin + len(token) + _NEARBY)
            if column >= 0:
                return Place(scalar.origin.file, scalar.line, column + 1, scalar.origin.via)
        return scalar.place

    def _joined(self, pieces: list[_Piece], scalar: ScalarNode) -> ResolvedText:
        if not self._spend(len(pieces) * _PIECE_WORK, scalar):
            return ResolvedText("", failed=True)
        self._active += 1
        if self._active > _MOST_ACTIVE:
            message = f"more than {_MOST_ACTIVE} variables or defaults refer to each other in a row"
            self._findings.error("too-deep", message, scalar.place, "make the row shorter")
            parts = [ResolvedText("", failed=True)]
        else:
            parts = [self._piece(piece, scalar) for piece in pieces]
        self._active -= 1
        if len(parts) == 1:
            return parts[0]
        # Accounted for before anything is put together.
        if not self._spend(sum(map(_work_of, parts)), scalar):
            return ResolvedText("", failed=True)
        secrets = sorted({name for part in parts for name in part.secrets})
        text = "".join(part.text for part in parts)
        return ResolvedText(
            text,
            via=", ".join(dict.fromkeys(part.via for part in parts if part.via)),
            secrets=tuple(secrets),
            form="".join(part.form or part.text for part in parts) if any(part.form for part in parts) else "",
            written=_written(parts),
            namespaces=frozenset().union(*(part.namespaces for part in parts)),
            literals=tuple({id(literal): literal for part in parts for literal in part.literals}.values()),
            missing=tuple(dict.fromkeys(missing for part in parts for missing in part.missing)),
            placeholders=tuple(dict.fromkeys(item for part in parts for item in part.placeholders)),
            parts=_parts_of(parts) if len(text) <= _MOST_CHARACTERS_OF_PARTS else (),
            failed=any(part.failed for part in parts),
        )

    def _piece(self, piece: _Piece, scalar: ScalarNode) -> ResolvedText:
        match piece:
            case str():
                return ResolvedText(piece)
            case _Unprefixed():
                place = self._place(scalar, piece.token, piece.offset)
                hint = self._namespace_hint(piece.token)
                is_name = _TEMPLATE_NAME.match(piece.token) is not None
                placeholder = Placeholder(piece.token, place, hint, "written", is_name)
                # Where it is allowed, it is written as it is.
                return ResolvedText(piece.token, written=piece.token, placeholders=(placeholder,))
            case _:
                return self._looked_up(piece, scalar)

    def _namespace_hint(self, token: str) -> str:
        """How to write what was probably meant by a `${…}` without a namespace."""
        literal = f"write ${token} for the literal text" if len(token) <= _LONGEST_TOKEN_SHOWN else "write $${ for ${"
        if token.startswith("${{"):
            return (
                "CI expressions are not filled in here: pass the value as an environment variable, and write "
                f"${{env:NAME}} or ${{secret:NAME}}; {literal}"
            )
        found = _MEANT_LOOKUP.fullmatch(token[2:-1])
        if found is None:
            return literal
        name, default = found["name"], found["default"] or ""
        namespace = _MEANT.get((found["prefix"] or "").lower(), "")
        if namespace:
            return f"did you mean ${{{namespace}:{name}}}? {literal}"
        if name in self._variables:
            return f"did you mean ${{var:{name}{default}}}? {literal}"
        ways = [f"${{env:{name}{default}}}", f"${{secret:{name}}}"]
        if may_be_secret(name):
            ways.reverse()
        return f"write {' or '.join(ways)}; {literal}"

    def _looked_up(self, lookup: _Lookup, scalar: ScalarNode) -> ResolvedText:
        match lookup.namespace:
            case "env":
                return replace(self._environment_variable(lookup, scalar), written=self._token(lookup, scalar))
            case "var":
                return self._variable_used(lookup, scalar)
            case "file":
                return replace(self._file(lookup, scalar), written=self._token(lookup, scalar))
            case _:
                return replace(self._secret(lookup, scalar), written=lookup.token)

    def _token(self, lookup: _Lookup, scalar: ScalarNode) -> str:
        """A lookup as a file would write it that has the same outside; see `Text.written`. Looks nothing up."""
        name = lookup.name
        if lookup.namespace == "file":
            name = beside(scalar.origin.path, name) or name
        if lookup.default is None:
            return f"${{{lookup.namespace}:{name}}}"
        parts: list[tuple[str, str]] = []
        for piece in _pieces(lookup.default, 0, 0):
            if isinstance(piece, str):
                parts.append(("", piece))
            elif isinstance(piece, _Unprefixed):
                return ""
            elif piece.namespace != "var":
                inner = self._token(piece, scalar)
                if not inner:
                    return ""
                parts.append((inner, ""))
            else:
                variable = self._resolved.get(piece.name)
                if variable is None or variable.is_lost:
                    return ""
                parts.append((variable.written, variable.text))
        if not self._spend(sum(len(written) + len(text) for written, text in parts), scalar):
            return ""
        default = _put_together(parts)
        token = f"${{{lookup.namespace}:{name}:-{default}}}"
        return token if (default or not any(map(any, parts))) and _is_one_lookup(token, default) else ""

    def _default(self, lookup: _Lookup, scalar: ScalarNode) -> ResolvedText:
        assert lookup.default is not None
        # Parsed once before, as part of the whole text, so that no malformed default gets here.
        offset = lookup.offset + len(lookup.token) - len(lookup.default) - 1
        text = self._joined(_pieces(lookup.default, 0, offset), scalar)
        # Another run may find what this one did not, so the text depends on where it was looked for.
        return text if lookup.namespace == "var" else replace(text, namespaces=text.namespaces | {lookup.namespace})

    def _read_environment(self, lookup: _Lookup, scalar: ScalarNode) -> tuple[str | None, bool]:
        """The environment variable, and whether it is fit for use; an unfit one has been reported."""
        if is_of_the_tool(lookup.name):
            place = self._place(scalar, lookup.token, lookup.offset)
            message = f"the environment variable {lookup.name} configures this tool or its CI service"
            hint = "a value that a configuration reads is shown or sent; give it a variable of its own"
            self._findings.error("tool-variable", message, place, hint)
            return None, False
        if self._by_name:
            return None, True
        if lookup.name not in self._environment_texts:
            self._environment_texts[lookup.name] = self._sources.environment(lookup.name)
        text = self._environment_texts[lookup.name]
        if text is not None and ("\0" in text or _SURROGATES.search(text)):
            place = self._place(scalar, lookup.token, lookup.offset)
            message = f"the environment variable {lookup.name} is not text"
            self._findings.error("not-text", message, place, "set it to text")
            return None, False
        if text is not None and lookup.namespace == "env" and self._is_of_the_tool(text, lookup, scalar):
            return None, False
        return text, True

    def _is_of_the_tool(self, text: str, lookup: _Lookup, scalar: ScalarNode) -> bool:
        """Report a text that holds a credential of this tool under another name, which a plan would show."""
        held = next((name for name, secret in self._tool_secrets.items() if secret in text), "")
        if held:
            message = f"{lookup.namespace} {lookup.name} holds the value of {held}, a credential of this tool"
            hint = "a value that a configuration reads is shown or sent; use another value"
            self._findings.error("tool-variable", message, self._place(scalar, lookup.token, lookup.offset), hint)
        return bool(held)

    @cached_property
    def _tool_secrets(self) -> dict[str, str]:
        """The values of this tool's credentials, by variable; short ones may be part of anything."""
        found = {name: self._sources.environment(name) or "" for name in TOOL_SECRETS}
        return {name: value for name, value in found.items() if len(value) >= _SHORTEST_TOOL_SECRET}

    def _outside(self, text: str, lookup: _Lookup, scalar: ScalarNode, name: str) -> tuple[Placeholder, ...]:
        """The warning for a value from outside that holds a `${…}`, if it does."""
        if "${" not in text or _HELD.search(text) is None:
            return ()
        place = self._place(scalar, lookup.token, lookup.offset)
        hint = "values are not interpolated a second time: set it to the final text"
        return (Placeholder(f"the value of {name}", place, hint, "outside", is_name=False),)

    def _environment_variable(self, lookup: _Lookup, scalar: ScalarNode) -> ResolvedText:
        text, is_fit = self._read_environment(lookup, scalar)
        if not is_fit:
            return ResolvedText("", failed=True)
        name = f"environment variable {lookup.name}"
        if text is None or not text.strip():
            if lookup.default is not None and not self._by_name:
                return self._default(lookup, scalar)
            place = self._place(scalar, lookup.token, lookup.offset)
            hint = f"set it, or give a default: ${{env:{lookup.name}:-…}}"
            missing = Missing("unset-environment", f"{name} {_unset(text)}", place, hint, is_secret=False)
            return ResolvedText("", form=lookup.token, missing=(missing,))
        placeholders = self._outside(text, lookup, scalar, name)
        if may_be_secret(lookup.name):
            # In a pull request anybody may write this line, and the plan of it is shown to everybody.
            self.secrets.add(text)
            return ResolvedText(
                text, secrets=(lookup.name,), form=f"${{env:{lookup.name}}}", namespaces=frozenset({"env", "secret"}),
                placeholders=placeholders, parts=(Part(text, name, is_secret=True),),
            )  # fmt: skip
        return ResolvedText(text, namespaces=frozenset({"env"}), placeholders=placeholders, parts=(Part(text, name),))

    def _secret(self, lookup: _Lookup, scalar: ScalarNode) -> ResolvedText:
        text, is_fit = self._read_environment(lookup, scalar)
        if not is_fit:
            return ResolvedText("", failed=True)
        form, name = f"${{secret:{lookup.name}}}", f"secret {lookup.name}"
        if text is None or not text.strip():
            place = self._place(scalar, lookup.token, lookup.offset)
            hint = f"set the environment variable {lookup.name}"
            missing = Missing("unset-secret", f"{name} {_unset(text)}", place, hint, is_secret=True)
            return ResolvedText(
                "", secrets=(lookup.name,), form=form, namespaces=frozenset({"secret"}), missing=(missing,)
            )  # fmt: skip
        self.secrets.add(text)
        return ResolvedText(
            text, secrets=(lookup.name,), form=form, namespaces=frozenset({"secret"}),
            placeholders=self._outside(text, lookup, scalar, name), parts=(Part(text, name, is_secret=True),),
        )  # fmt: skip

    def _file(self, lookup: _Lookup, scalar: ScalarNode) -> ResolvedText:
        path = beside(scalar.origin.path, lookup.name)
        if path is None:
            message = f"{shown(lookup.name)} lies outside of the root file's folder"
            place = self._place(scalar, lookup.token, lookup.offset)
            self._findings.error("outside-folder", message, place, "name a file in that folder or below")
            return ResolvedText("", failed=True)
        found = self._file_text(path)
        if isinstance(found, SourceError):
            if found.missing and lookup.default is not None:
                return self._default(lookup, scalar)
            place = self._place(scalar, lookup.token, lookup.offset)
            self._findings.error("unreadable-file", found.message, place, found.hint)
            return ResolvedText("", failed=True)
        if self._is_of_the_tool(found, lookup, scalar):
            return ResolvedText("", failed=True)
        return ResolvedText(found, namespaces=frozenset({"file"}), parts=(Part(found, f"file {shown(path)}"),))

    def _file_text(self, path: str) -> str | SourceError:
        if path not in self._files:
            data = b""
            try:
                data = self._sources.read(path)
                text = data.decode("utf-8-sig")
                if "\0" in text:
                    self._files[path] = SourceError(f"{path} is not text: it holds a NUL character")
                elif not text.strip():
                    hint = 'write its text, or write "" in its place to clear a value'
                    self._files[path] = SourceError(f"{path} is empty, which counts as missing", hint, missing=True)
                else:
                    self._files[path] = _without_only_line_break(text)
            except SourceError as error:
                self._files[path] = error
            except UnicodeDecodeError:
                self._files[path] = _not_text(path, data)
        return self._files[path]

    def _variable_used(self, lookup: _Lookup, scalar: ScalarNode) -> ResolvedText:
        self.used.add(lookup.name)
        if lookup.name not in self._variables:
            if lookup.default is not None:
                return self._default(lookup, scalar)
            if not self._complete:
                return ResolvedText("", failed=True)
            message = f"variable {lookup.name} is not defined"
            hint = self._where_to_define(lookup.name)
            place = self._place(scalar, lookup.token, lookup.offset)
            missing = Missing("undefined-variable", message, place, hint, is_secret=False)
            return ResolvedText("", form=lookup.token, missing=(missing,))
        found = self._variable(lookup.name)
        self._spend(_work_of(found), scalar)
        if lookup.default is not None and not found.failed and not found.missing and (found.null or not found.text):
            return self._default(lookup, scalar)
        return found

    def _where_to_define(self, name: str) -> str:
        defining = self._elsewhere.get(name, ())
        if defining and not self._environment:
            return f"choose an environment that defines it: --env {'|'.join(defining)}"
        if defining:
            return f"environment {listed(defining)} defines it; define it for {self._environment} as well"
        meant = self._findings.closest(name, tuple(self._variables))
        return f"did you mean {meant}?" if meant else f"define it under variables, or say --var {name}=…"

    def _variable(self, name: str) -> ResolvedText:
        if name in self._resolved:
            return self._resolved[name]
        variable = self._variables[name]
        if variable.scalar is None:
            text = self._option(variable)
        elif name in self._resolving:
            return self._circle(name)
        else:
            self._resolving.append(name)
            text = self.text(variable.scalar)
            self._resolving.pop()
            # A cycle that led through this variable has given it a result already.
            text = self._resolved.get(name) or self._defined(variable, variable.scalar, text)
        self._resolved[name] = text
        return text

    def _option(self, variable: Variable) -> ResolvedText:
        if not variable.text.strip():
            return ResolvedText("", failed=True)  # an error by itself, whatever uses it
        placeholders: tuple[Placeholder, ...] = ()
        if _HELD.search(variable.text) is not None:
            hint = "let the shell fill it in, or define the variable in the files"
            token = f"the value of --var {variable.name}"
            placeholders = (Placeholder(token, None, hint, "outside", is_name=False),)
        return ResolvedText(
            variable.text, via=variable.via, namespaces=frozenset({"option"}), placeholders=placeholders,
            parts=(Part(variable.text, f"variable {variable.name}"),),
        )  # fmt: skip

    def _defined(self, variable: Variable, scalar: ScalarNode, text: ResolvedText) -> ResolvedText:
        """What a variable of the files stands for, given the text of its scalar."""
        literals = tuple({id(literal): literal for literal in (*text.literals, scalar)}.values())
        if not self._spend(len(literals) * _RECORD_WORK, scalar):
            return ResolvedText("", failed=True)
        if text.placeholders:
            self._unfilled[id(scalar)] = text.placeholders
        parts = text.parts or ((Part(text.text),) if text.text else ())
        source = f"variable {variable.name}"
        named = tuple(part if part.source else Part(part.text, source) for part in parts)
        return replace(text, via=variable.via, literals=literals, parts=named)

    def _circle(self, name: str) -> ResolvedText:
        """Tell a circle of variables, once and the same whichever of them was met first."""
        cycle = self._resolving[self._resolving.index(name) :]
        first = cycle.index(min(cycle))
        cycle = [*cycle[first:], *cycle[:first]]
        for item in cycle:
            self._resolved[item] = ResolvedText("", failed=True)
        start = self._variables[cycle[0]].scalar
        message = f"variables refer to each other in a circle: {' → '.join([*cycle, cycle[0]])}"
        hint = "give one of them a value of its own"
        self._findings.error("variable-cycle", message, start.place if start is not None else None, hint)
        return self._resolved[name]


def _not_text(path: str, data: bytes) -> SourceError:
    """What to say of a file that is not UTF-8; certificates and keys are often binary."""
    stem, _, ending = path.rpartition(".")
    ending = ending.lower()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return SourceError(f"{path} is UTF-16, not UTF-8", "save it as UTF-8 text")
    if data[:1] == b"\x30" and data[1:2] in {b"\x80", b"\x81", b"\x82", b"\x83"}:
        # The beginning of an ASN.1 sequence that is longer than 127 bytes.
        if ending in {"p12", "pfx"}:
            hint = f"convert it: openssl pkcs12 -in {path} -nodes -clcerts, and take the certificate and the key out"
            return SourceError(f"{path} is a PKCS #12 bundle, not PEM text", hint)
        command = "pkey" if "key" in path.lower() else "x509"
        hint = f"convert it: openssl {command} -inform der -in {path} -out {stem or path}.pem"
        return SourceError(f"{path} is binary (DER), not PEM text", hint)
    return SourceError(f"{path} is not UTF-8 text", "save it as UTF-8 text")


def _unset(text: str | None) -> str:
    """Why an environment variable counts as unset, as the end of a sentence."""
    if text is None:
        return "is not set"
    return "is empty, which counts as not set" if not text else "holds only whitespace, which counts as not set"


def _work_of(text: ResolvedText) -> int:
    """What it costs to take a text into another, in characters."""
    records = len(text.literals) + len(text.secrets) + len(text.missing) + len(text.placeholders)
    return len(text.text) + len(text.form) + len(text.written) + len(text.via) + records * _RECORD_WORK


def _parts_of(texts: list[ResolvedText]) -> tuple[Part, ...]:
    """The parts of several texts, without empty ones; none if everything is literal."""
    parts = [part for text in texts for part in (text.parts or (Part(text.text),)) if part.text]
    return tuple(parts) if any(part.source for part in parts) else ()


def _written(parts: list[ResolvedText]) -> str:
    """What parts say together; see `Text.written`."""
    if not any(part.written and part.is_outside for part in parts) or any(part.is_lost for part in parts):
        return ""
    return _put_together([(part.written, part.text) for part in parts])


def _put_together(parts: Iterable[tuple[str, str]]) -> str:
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


def escaped(text: str, *, is_template: bool = False) -> str:
    """A text as a file has to write it to be read back unchanged.

    Args:
        text: any text.
        is_template: whether the field is a notification template, in which `${NAME}` is literal.
    """
    if "${" not in text:
        return text
    pieces: list[str] = []
    position = 0
    while (begin := text.find("${", position)) >= 0:
        pieces.append(text[position:begin])
        is_name = is_template and _TEMPLATE_NAME_HERE.match(text, begin) and not text.startswith("$", begin - 1)
        pieces.append("${" if is_name else "$${")
        position = begin + 2
    return "".join(pieces) + text[position:]


def unescaped(text: str) -> tuple[str, bool]:
    """A text that is never interpolated, with each ``$${`` as ``${``; and whether it has a ``${`` besides."""
    if "${" not in text:
        return text, False
    pieces = text.split("$${")
    return "${".join(pieces), any("${" in piece for piece in pieces)


def _pieces(text: str, depth: int, offset: int) -> list[_Piece]:
    """The literal parts and lookups of a text; defaults are checked as well.

    Args:
        text: the text.
        depth: how many lookups are around it.
        offset: its position in the scalar.
    """
    pieces: list[_Piece] = []
    literal: list[str] = []
    position = 0
    while (found := _OPEN.search(text, position)) is not None:
        if len(pieces) > _MOST_PIECES:
            message = f"more than {_MOST_PIECES} things are looked up in one text"
            raise _MalformedError("too-large", message, found[0], "make it shorter")
        literal.append(text[position : found.start()])
        position = found.end()
        piece: _Piece
        if found["escape"]:
            literal.append(found[0][1:])
            continue
        if found["namespace"] is None:
            token = _UNPREFIXED.match(text, found.start())
            piece = _Unprefixed(token[0] if token is not None else found[0], offset + found.start())
            position = found.start() + len(piece.token)
        else:
            end = _closing(text, found, depth)
            token_text = text[found.start() : end + 1]
            piece = _lookup(text[found.end() : end], found["namespace"], token_text, offset + found.start())
            if piece.default is not None:
                _pieces(piece.default, depth + 1, 0)
            position = end + 1
        if any(literal):
            pieces.append("".join(literal))
        literal = []
        pieces.append(piece)
    literal.append(text[position:])
    if any(literal) or not pieces:
        pieces.append("".join(literal))
    return pieces


def _is_one_lookup(text: str, default: str) -> bool:
    """Whether a text is one lookup with this default, and nothing else: a brace of a variable may have ended it."""
    try:
        pieces = _pieces(text, 0, 0)
    except _MalformedError:
        return False
    return len(pieces) == 1 and isinstance(pieces[0], _Lookup) and pieces[0].default == default


def _closing(text: str, opened: re.Match[str], depth: int) -> int:
    """Where the brace is that closes a lookup."""
    nested = depth + 1
    for brace in _BRACE.finditer(text, opened.end()):
        nested += 1 if brace[0] != "}" else -1
        if nested == depth:
            return brace.start()
        if nested > _MOST_NESTED:
            message = f"interpolations are nested more than {_MOST_NESTED} deep"
            raise _MalformedError("too-deep", message, opened[0], "make it simpler")
    message = f"{opened[0]} has no closing brace"
    raise _MalformedError(
        "unclosed-interpolation", message, opened[0], "close it with }, or write $${ for a literal ${"
    )


def _lookup(body: str, namespace: str, token: str, offset: int) -> _Lookup:
    if namespace not in NAMESPACES:
        # The hint is worked out by whoever has suggestions; here it is the word itself.
        message = f"{shown('${' + namespace + ':…}')} looks something up in an unknown place"
        raise _MalformedError("unknown-namespace", message, token, namespace)
    name, separator, default = body.partition(":-")
    if not name or (namespace != "file" and _NAME.match(name) is None):
        message = (
            f"{shown('${' + namespace + ':' + name + '}')} names nothing" if not name else f"{shown(name)} is no name"
        )
        hint = "names have letters, digits, dots, dashes and underscores, and begin with a letter"
        raise _MalformedError("malformed-interpolation", message, token, hint if namespace != "file" else "name a file")
    if separator and namespace == "secret":
        raise _MalformedError(
            "secret-default",
            f"secret {name} has a default, which would be no secret",
            token,
            "take the default out, or use ${env:…} for what is no secret",
        )
    return _Lookup(namespace, name, default if separator else None, token, offset)


def _without_only_line_break(text: str) -> str:
    line = text.removesuffix("\n").removesuffix("\r")
    return text if "\n" in line or "\r" in line else line
