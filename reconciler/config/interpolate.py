"""Scalars -> text: ``${env:…}``, ``${var:…}``, ``${file:…}`` and ``${secret:…}`` replaced by what they stand for.

Takes a scalar, the variables and `Sources`; gives its `Text`, which remembers what went into it: secrets by name, the
variables it came by, what is not set. What a missing value means (an error, an unknown) is decided where the field is
known. Never puts a secret's value into a problem.

    written                 becomes
    ${env:NAME}             the environment variable; sensitive when its name tells of a secret
    ${env:NAME:-text}       the text, when the variable is not set or empty (not for secrets); it may interpolate in
    turn ${var:NAME}             the variable, of --var, the overlays, the environment or the files, in this order
    ${file:PATH}            the file's text, relative to this file; a file of one line without its line break
    ${secret:NAME}          the environment variable, sensitive from here on; an empty one counts as not set
    $${env:NAME}            ${env:NAME}, literally
    ${PARTICIPANT}          itself: Twilio's own templates use it
    ${evn:NAME}             an error: nobody means that
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import NamedTuple, TypeAlias

from reconciler.config.documents import lines_of
from reconciler.config.findings import Findings, listed, shown
from reconciler.config.nodes import Scalar
from reconciler.config.sources import SourceError, Sources, beside
from reconciler.errors import Place
from reconciler.redaction import may_be_secret

NAMESPACES = ("env", "var", "file", "secret")
_OUTSIDE = frozenset({"env", "file", "secret"})
_OPEN = re.compile(r"(?P<escape>\$)?\$\{(?P<namespace>[a-z][a-z0-9_-]*):")
_LOOKS_UP = re.compile(r"\$\{(?=[a-z][a-z0-9_-]*:)")
_BRACE = re.compile(r"\$\{|\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
_MOST_NESTED = 20
_MOST_ACTIVE = 60
"""How many texts may be in the making at once: variables of variables, and defaults inside of defaults."""
_MOST_PIECES = 2000
_LONGEST = 1_000_000
_LONGEST_SUM = 50_000_000
"""What interpolation may make in one configuration, in characters: variables of variables grow fast."""


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


@dataclass(frozen=True, slots=True)
class Text:
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
    literals: tuple[Scalar, ...] = ()
    missing: tuple[Missing, ...] = ()
    failed: bool = False

    @property
    def is_lost(self) -> bool:
        """Whether something comes from outside, or from a variable that is not defined, and no file can say so."""
        return not self.written and (bool(self.missing) or not self.namespaces.isdisjoint(_OUTSIDE))


class Variable(NamedTuple):
    """A variable's definition.

    Attributes:
        name: its name.
        scalar: where the files define it; None when the command line does.
        text: what the command line says.
        where: what defines it, in words; empty for the files' own ``variables``.
    """

    name: str
    scalar: Scalar | None
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


_Piece: TypeAlias = "str | _Lookup"


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
        self._sources = sources
        self._findings = findings
        self._lines = lines
        self._variables = variables
        self._elsewhere = elsewhere
        self._environment = environment
        self._complete = complete
        self._resolved: dict[str, Text] = {}
        self._resolving: list[str] = []
        self._files: dict[str, str | SourceError] = {}
        self._sum = 0
        self._active = 0

    def text(self, scalar: Scalar) -> Text:
        """What a scalar says."""
        if "${" not in scalar.text:
            return Text(scalar.text, scalar.is_null, scalar.plain, scalar.tag)
        try:
            pieces = _pieces(scalar.text, 0)
        except _MalformedError as error:
            self._findings.error(error.code, error.message, self._place(scalar, error.token), self._way_out(error))
            return Text("", failed=True)
        if len(pieces) == 1 and isinstance(pieces[0], str):
            return Text(pieces[0], bare=scalar.plain, tag=scalar.tag)
        found = self._joined(pieces, scalar)
        if len(found.text) > _LONGEST:
            message = f"interpolation makes this text longer than {_LONGEST} characters"
            self._findings.error("too-large", message, scalar.place, "use fewer variables of variables")
            return Text("", failed=True)
        return found

    def check_variables(self) -> None:
        """Find what is wrong with the variables themselves, used or not: cycles, unknown namespaces."""
        for name in self._variables:
            self._variable(name)

    def _way_out(self, error: _MalformedError) -> str:
        if error.code != "unknown-namespace":
            return error.hint
        meant = self._findings.closest(error.hint, NAMESPACES)
        literal = "write $${ for a literal ${"
        return f"did you mean ${{{meant}:…}}? or {literal}" if meant else f"known are {listed(NAMESPACES)}; {literal}"

    def _place(self, scalar: Scalar, token: str) -> Place:
        """Where in the scalar a token stands, as far as that can be told from its line."""
        if scalar.line == scalar.end_line:
            column = lines_of(self._lines, scalar.place).find(token, scalar.column - 1)
            if column >= 0:
                return Place(scalar.origin.file, scalar.line, column + 1, scalar.origin.via)
        return scalar.place

    def _joined(self, pieces: list[_Piece], scalar: Scalar) -> Text:
        self._active += 1
        if self._active > _MOST_ACTIVE:
            message = f"more than {_MOST_ACTIVE} variables or defaults refer to each other in a row"
            self._findings.error("too-deep", message, scalar.place, "make the row shorter")
            parts = [Text("", failed=True)]
        else:
            parts = [Text(piece) if isinstance(piece, str) else self._looked_up(piece, scalar) for piece in pieces]
        self._active -= 1
        if len(parts) == 1:
            return parts[0]
        self._sum += sum(len(part.text) for part in parts)
        if self._sum > _LONGEST_SUM:
            message = f"interpolation makes more than {_LONGEST_SUM} characters in all"
            self._findings.error("too-large", message, scalar.place, "use fewer variables of variables")
            return Text("", failed=True)
        secrets = sorted({name for part in parts for name in part.secrets})
        return Text(
            "".join(part.text for part in parts),
            via=", ".join(dict.fromkeys(part.via for part in parts if part.via)),
            secrets=tuple(secrets),
            form="".join(part.form or part.text for part in parts) if any(part.form for part in parts) else "",
            written=_written(parts),
            namespaces=frozenset().union(*(part.namespaces for part in parts)),
            literals=tuple(literal for part in parts for literal in part.literals),
            missing=tuple(missing for part in parts for missing in part.missing),
            failed=any(part.failed for part in parts),
        )

    def _looked_up(self, lookup: _Lookup, scalar: Scalar) -> Text:
        match lookup.namespace:
            case "env":
                return replace(self._environment_variable(lookup, scalar), written=self._token(lookup, scalar))
            case "var":
                return self._variable_used(lookup, scalar)
            case "file":
                return replace(self._file(lookup, scalar), written=self._token(lookup, scalar))
            case _:
                return replace(self._secret(lookup, scalar), written=lookup.token)

    def _token(self, lookup: _Lookup, scalar: Scalar) -> str:
        """A lookup as a file would write it that has the same outside; see `Text.written`. Looks nothing up."""
        name = lookup.name
        if lookup.namespace == "file":
            name = beside(scalar.origin.path, name) or name
        if lookup.default is None:
            return f"${{{lookup.namespace}:{name}}}"
        parts: list[tuple[str, str]] = []
        for piece in _pieces(lookup.default, 0):
            if isinstance(piece, str):
                parts.append(("", piece))
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
        default = _put_together(parts)
        token = f"${{{lookup.namespace}:{name}:-{default}}}"
        return token if (default or not any(map(any, parts))) and _is_one_lookup(token, default) else ""

    def _default(self, lookup: _Lookup, scalar: Scalar) -> Text:
        assert lookup.default is not None
        # Parsed once before, as part of the whole text, so that no malformed default gets here.
        text = self._joined(_pieces(lookup.default, 0), scalar)
        # Another run may find what this one did not, so the text depends on where it was looked for.
        return text if lookup.namespace == "var" else replace(text, namespaces=text.namespaces | {lookup.namespace})

    def _read_environment(self, name: str, place: Place) -> tuple[str | None, bool]:
        """The environment variable, and whether it is fit for use; an unfit one has been told."""
        text = None if self._by_name else self._sources.environment(name)
        if text is not None and ("\0" in text or any("\ud800" <= char <= "\udfff" for char in text)):
            self._findings.error("not-text", f"the environment variable {name} is not text", place, "set it to text")
            return None, False
        return text, True

    def _environment_variable(self, lookup: _Lookup, scalar: Scalar) -> Text:
        place = self._place(scalar, lookup.token)
        text, is_fit = self._read_environment(lookup.name, place)
        if not is_fit:
            return Text("", failed=True)
        if not text and lookup.default is not None and not self._by_name:
            return self._default(lookup, scalar)
        if text is None:
            hint = f"set it, or give a default: ${{env:{lookup.name}:-…}}"
            message = f"environment variable {lookup.name} is not set"
            missing = Missing("unset-environment", message, place, hint, is_secret=False)
            return Text("", form=lookup.token, missing=(missing,))
        if may_be_secret(lookup.name):
            # In a pull request anybody may write this line, and the plan of it is shown to everybody.
            form = f"${{env:{lookup.name}}}"
            return Text(text, secrets=(lookup.name,), form=form, namespaces=frozenset({"env", "secret"}))
        return Text(text, namespaces=frozenset({"env"}))

    def _secret(self, lookup: _Lookup, scalar: Scalar) -> Text:
        place = self._place(scalar, lookup.token)
        text, is_fit = self._read_environment(lookup.name, place)
        if not is_fit:
            return Text("", failed=True)
        form = f"${{secret:{lookup.name}}}"
        known = Text(text or "", secrets=(lookup.name,), form=form, namespaces=frozenset({"secret"}))
        if not text:
            message = f"secret {lookup.name} is not set"
            hint = f"set the environment variable {lookup.name}"
            return replace(known, missing=(Missing("unset-secret", message, place, hint, is_secret=True),))
        return known

    def _file(self, lookup: _Lookup, scalar: Scalar) -> Text:
        place = self._place(scalar, lookup.token)
        path = beside(scalar.origin.path, lookup.name)
        if path is None:
            message = f"{shown(lookup.name)} lies outside of the root file's folder"
            self._findings.error("outside-folder", message, place, "name a file in that folder or below")
            return Text("", failed=True)
        found = self._file_text(path)
        if isinstance(found, SourceError):
            if found.missing and lookup.default is not None:
                return self._default(lookup, scalar)
            self._findings.error("unreadable-file", found.message, place, found.hint)
            return Text("", failed=True)
        return Text(found, namespaces=frozenset({"file"}))

    def _file_text(self, path: str) -> str | SourceError:
        if path not in self._files:
            try:
                text = self._sources.read(path).decode("utf-8-sig")
                if "\0" in text:
                    self._files[path] = SourceError(f"{path} is not text: it holds a NUL character")
                else:
                    self._files[path] = _without_only_line_break(text)
            except SourceError as error:
                self._files[path] = error
            except UnicodeDecodeError:
                self._files[path] = SourceError(f"{path} is not UTF-8 text", "save it as UTF-8 text")
        return self._files[path]

    def _variable_used(self, lookup: _Lookup, scalar: Scalar) -> Text:
        place = self._place(scalar, lookup.token)
        self.used.add(lookup.name)
        if lookup.name not in self._variables:
            if lookup.default is not None:
                return self._default(lookup, scalar)
            if not self._complete:
                return Text("", failed=True)
            message = f"variable {lookup.name} is not defined"
            hint = self._where_to_define(lookup.name)
            missing = Missing("undefined-variable", message, place, hint, is_secret=False)
            return Text("", form=lookup.token, missing=(missing,))
        found = self._variable(lookup.name)
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

    def _variable(self, name: str) -> Text:
        if name in self._resolved:
            return self._resolved[name]
        variable = self._variables[name]
        if variable.scalar is None:
            text = Text(variable.text, via=variable.via, namespaces=frozenset({"option"}))
        elif name in self._resolving:
            return self._circle(name)
        else:
            self._resolving.append(name)
            text = self.text(variable.scalar)
            self._resolving.pop()
            # A cycle that led through this variable has given it a result already.
            text = self._resolved.get(name) or replace(
                text, via=variable.via, literals=(*text.literals, variable.scalar)
            )
        self._resolved[name] = text
        return text

    def _circle(self, name: str) -> Text:
        """Tell a circle of variables, once and the same whichever of them was met first."""
        cycle = self._resolving[self._resolving.index(name) :]
        first = cycle.index(min(cycle))
        cycle = [*cycle[first:], *cycle[:first]]
        for item in cycle:
            self._resolved[item] = Text("", failed=True)
        start = self._variables[cycle[0]].scalar
        message = f"variables refer to each other in a circle: {' → '.join([*cycle, cycle[0]])}"
        hint = "give one of them a value of its own"
        self._findings.error("variable-cycle", message, start.place if start is not None else None, hint)
        return self._resolved[name]


def _written(parts: list[Text]) -> str:
    """What parts say together; see `Text.written`."""
    if not any(part.written for part in parts) or any(part.is_lost for part in parts):
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


def escaped(text: str) -> str:
    """A text as a file has to write it, so that nothing in it is looked up."""
    return _LOOKS_UP.sub("$${", text)


def _pieces(text: str, depth: int) -> list[_Piece]:
    """The literal parts and lookups of a text, with defaults checked as well."""
    pieces: list[_Piece] = []
    literal: list[str] = []
    position = 0
    while (found := _OPEN.search(text, position)) is not None:
        if len(pieces) > _MOST_PIECES:
            message = f"more than {_MOST_PIECES} things are looked up in one text"
            raise _MalformedError("too-large", message, found[0], "make it shorter")
        literal.append(text[position : found.start()])
        if found["escape"]:
            literal.append(found[0][1:])
            position = found.end()
            continue
        end = _closing(text, found, depth)
        lookup = _lookup(text[found.end() : end], found["namespace"], text[found.start() : end + 1])
        if lookup.default is not None:
            _pieces(lookup.default, depth + 1)
        if any(literal):
            pieces.append("".join(literal))
        literal = []
        pieces.append(lookup)
        position = end + 1
    literal.append(text[position:])
    if any(literal) or not pieces:
        pieces.append("".join(literal))
    return pieces


def _is_one_lookup(text: str, default: str) -> bool:
    """Whether a text is one lookup with this default, and nothing else: a brace of a variable may have ended it."""
    try:
        pieces = _pieces(text, 0)
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


def _lookup(body: str, namespace: str, token: str) -> _Lookup:
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
    return _Lookup(namespace, name, default if separator else None, token)


def _without_only_line_break(text: str) -> str:
    line = text.removesuffix("\n").removesuffix("\r")
    return text if "\n" in line or "\r" in line else line
