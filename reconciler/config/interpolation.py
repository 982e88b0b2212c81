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

An environment variable or a file that is empty, or contains only whitespace, counts as unset: CI systems pass an
undefined variable as an empty one, and an empty text would clear a live value.

The work is bounded, not only the size of the result: each lookup costs a fixed amount even if its value is empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from reconciler.config.external_values import UNEXPANDED, ExternalValues, token_place
from reconciler.config.findings import Findings, listed, shown
from reconciler.config.interpolation_hints import malformed_hint, namespace_hint
from reconciler.config.interpolation_syntax import (
    Lookup,
    MalformedInterpolationError,
    Piece,
    Unprefixed,
    is_one_lookup,
    split_pieces,
)
from reconciler.config.nodes import ScalarNode
from reconciler.config.resolved_text import (
    RECORD_WORK,
    Missing,
    Part,
    Placeholder,
    ResolvedText,
    Variable,
    parts_of,
    put_together,
    work_of,
    written_form,
)
from reconciler.config.sources import Sources, resolve_path

_TEMPLATE_NAME = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_.]*\}\Z")
_MOST_ACTIVE = 60
"""The maximum number of texts that are unresolved at once: variables of variables, and defaults inside defaults."""
_LONGEST = 1_000_000
MOST_WORK = 50_000_000
"""The maximum work of interpolation in one configuration, in characters read and written; see the two weights below.

Variables of variables multiply, and so do aliases of one scalar.
"""
_PIECE_WORK = 20
"""The cost of each piece of a text, even an empty one, in characters."""
_MOST_CHARACTERS_OF_PARTS = 10_000


class Interpolation:
    """Resolves scalars.

    Args:
        sources: The files and environment variables.
        findings: Collects the problems.
        lines: The lines of the files, to point at the part of a line that is wrong.
        variables: The variables by name.
        elsewhere: For each variable, the other environments that define it.
        environment: The selected environment; empty without one.
        complete: Whether every file was read. If not, undefined variables are not reported.
        by_name: Whether environment variables and secrets count as unset, so that only their names matter.
        unknown: Values from outside, as ``env:NAME``, ``secret:NAME``, ``file:PATH``, or ``var:NAME``, that are not
            known.

    Attributes:
        lines: The lines of the files.
        used: The names of all variables used so far.
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
        unknown: frozenset[str] = frozenset(),
    ) -> None:
        self._unknown = unknown
        self.used: set[str] = set()
        self._external = ExternalValues(sources, findings, lines, by_name=by_name, unknown=unknown)
        self._findings = findings
        self.lines = lines
        self._variables = variables
        self._elsewhere = elsewhere
        self._environment = environment
        self._complete = complete
        self._resolved: dict[str, ResolvedText] = {}
        self._resolving: list[str] = []
        self._work = 0
        self._active = 0
        self._unfilled: dict[int, tuple[Placeholder, ...]] = {}
        self._in_templates: set[int] = set()

    @property
    def secrets(self) -> set[str]:
        """The texts of all secrets read so far."""
        return self._external.secrets

    @property
    def external(self) -> Mapping[str, str]:
        """The text of every value from outside read so far; see `ExternalValues.used`."""
        return self._external.used

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
            pieces = split_pieces(scalar.text, 0, 0)
        except MalformedInterpolationError as error:
            place = token_place(self.lines, scalar, error.token, 0)
            self._findings.error(error.code, error.message, place, malformed_hint(error, self._findings))
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
        return found if found.written and found.is_outside else found._replace(written="")

    def _spend(self, work: int, scalar: ScalarNode) -> bool:
        """Account for work. Returns False, and reports one error, once the limit is exceeded."""
        if self._work > MOST_WORK:
            return False
        self._work += work
        if self._work <= MOST_WORK:
            return True
        message = f"interpolation makes more than {MOST_WORK} characters in all"
        self._findings.error("too-large", message, scalar.place, "use fewer variables of variables, and fewer lookups")
        return False

    def check_variables(self) -> None:
        """Report problems of the variables themselves, used or not: cycles, unknown namespaces."""
        for name in self._variables:
            self._variable(name)

    def check_placeholders(self) -> None:
        """Report each `${NAME}` in a variable that no notification template uses. Call it after all fields are read."""
        for key, placeholders in self._unfilled.items():
            if key not in self._in_templates:
                self.report_placeholders(placeholders)

    def allow_placeholders(self, text: ResolvedText) -> None:
        """Record that a text is a notification template, and report expressions that Twilio does not fill in."""
        self._in_templates.update(map(id, text.literals))
        self.report_placeholders([item for item in text.placeholders if not item.is_name])

    def report_placeholders(self, placeholders: Iterable[Placeholder]) -> None:
        """Report `${…}` expressions that would be sent as written."""
        for item in placeholders:
            if item.origin == "written":
                message = f"{shown(item.token)} has no namespace, so it is not interpolated"
                self._findings.error("missing-namespace", message, item.place, item.hint)
            else:
                message = f"{item.token} contains a ${{…}} that is not interpolated"
                self._findings.warning("unfilled-placeholder", message, item.place, item.hint)

    def _joined(self, pieces: list[Piece], scalar: ScalarNode) -> ResolvedText:
        if not self._spend(len(pieces) * _PIECE_WORK, scalar):
            return ResolvedText("", failed=True)
        self._active += 1
        if self._active > _MOST_ACTIVE:
            message = f"more than {_MOST_ACTIVE} variables or defaults refer to each other in a chain"
            self._findings.error("too-deep", message, scalar.place, "shorten the chain")
            parts = [ResolvedText("", failed=True)]
        else:
            parts = [self._piece(piece, scalar) for piece in pieces]
        self._active -= 1
        if len(parts) == 1:
            return parts[0]
        # Counted before the texts are joined.
        if not self._spend(sum(map(work_of, parts)), scalar):
            return ResolvedText("", failed=True)
        secrets = sorted({name for part in parts for name in part.secrets})
        text = "".join(part.text for part in parts)
        return ResolvedText(
            text,
            via=", ".join(dict.fromkeys(part.via for part in parts if part.via)),
            secrets=tuple(secrets),
            form="".join(part.form or part.text for part in parts) if any(part.form for part in parts) else "",
            written=written_form(parts),
            namespaces=frozenset().union(*(part.namespaces for part in parts)),
            literals=tuple({id(literal): literal for part in parts for literal in part.literals}.values()),
            missing=tuple(dict.fromkeys(missing for part in parts for missing in part.missing)),
            placeholders=tuple(dict.fromkeys(item for part in parts for item in part.placeholders)),
            parts=parts_of(parts) if len(text) <= _MOST_CHARACTERS_OF_PARTS else (),
            failed=any(part.failed for part in parts),
        )

    def _piece(self, piece: Piece, scalar: ScalarNode) -> ResolvedText:
        match piece:
            case str():
                return ResolvedText(piece)
            case Unprefixed():
                place = token_place(self.lines, scalar, piece.token, piece.offset)
                hint = namespace_hint(piece.token, self._variables)
                is_name = _TEMPLATE_NAME.match(piece.token) is not None
                placeholder = Placeholder(piece.token, place, hint, "written", is_name)
                # Where it is allowed, it is its own written form.
                return ResolvedText(piece.token, written=piece.token, placeholders=(placeholder,))
            case _:
                return self._looked_up(piece, scalar)

    def _looked_up(self, lookup: Lookup, scalar: ScalarNode) -> ResolvedText:
        if lookup.namespace == "var":
            return self._variable_used(lookup, scalar)
        text = self._external.read(lookup, scalar)
        if text is None:
            text = self._default(lookup, scalar)
        return text._replace(written=lookup.token if lookup.namespace == "secret" else self._token(lookup, scalar))

    def _token(self, lookup: Lookup, scalar: ScalarNode) -> str:
        """Return a lookup as a file would write it to get the same value; see `ResolvedText.written`. Reads nothing."""
        name = lookup.name
        if lookup.namespace == "file":
            name = resolve_path(scalar.origin.path, name) or name
        if lookup.default is None:
            return f"${{{lookup.namespace}:{name}}}"
        parts: list[tuple[str, str]] = []
        for piece in split_pieces(lookup.default, 0, 0):
            if isinstance(piece, str):
                parts.append(("", piece))
            elif isinstance(piece, Unprefixed):
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
        default = put_together(parts)
        token = f"${{{lookup.namespace}:{name}:-{default}}}"
        return token if (default or not any(map(any, parts))) and is_one_lookup(token, default) else ""

    def _default(self, lookup: Lookup, scalar: ScalarNode) -> ResolvedText:
        assert lookup.default is not None
        # The whole text was parsed before, so no default is malformed here.
        offset = lookup.offset + len(lookup.token) - len(lookup.default) - 1
        text = self._joined(split_pieces(lookup.default, 0, offset), scalar)
        # Another run may find a value, so the text depends on its namespace.
        return text if lookup.namespace == "var" else text._replace(namespaces=text.namespaces | {lookup.namespace})

    def _variable_used(self, lookup: Lookup, scalar: ScalarNode) -> ResolvedText:
        self.used.add(lookup.name)
        if f"var:{lookup.name}" in self._unknown:
            place = token_place(self.lines, scalar, lookup.token, lookup.offset)
            missing = Missing("undefined-variable", f"variable {lookup.name} is not known", place, "", is_secret=False)
            return ResolvedText("", form=lookup.token, missing=(missing,))
        if lookup.name not in self._variables:
            if lookup.default is not None:
                return self._default(lookup, scalar)
            if not self._complete:
                return ResolvedText("", failed=True)
            message = f"variable {lookup.name} is not defined"
            hint = self._where_to_define(lookup.name)
            place = token_place(self.lines, scalar, lookup.token, lookup.offset)
            missing = Missing("undefined-variable", message, place, hint, is_secret=False)
            return ResolvedText("", form=lookup.token, missing=(missing,))
        found = self._variable(lookup.name)
        self._spend(work_of(found), scalar)
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
        return f"did you mean {meant}?" if meant else f"define it under variables, or pass --var {name}=…"

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
            # If the variable is part of a cycle, it has a result already.
            text = self._resolved.get(name) or self._defined(variable, variable.scalar, text)
        self._resolved[name] = text
        return text

    def _option(self, variable: Variable) -> ResolvedText:
        if not variable.text.strip():
            return ResolvedText("", failed=True)  # an error by itself, whatever uses it
        placeholders: tuple[Placeholder, ...] = ()
        if UNEXPANDED.search(variable.text) is not None:
            hint = "let the shell expand it, or define the variable in the files"
            token = f"the value of --var {variable.name}"
            placeholders = (Placeholder(token, None, hint, "outside", is_name=False),)
        return ResolvedText(
            variable.text, via=variable.via, namespaces=frozenset({"option"}), placeholders=placeholders,
            parts=(Part(variable.text, f"variable {variable.name}"),),
        )  # fmt: skip

    def _defined(self, variable: Variable, scalar: ScalarNode, text: ResolvedText) -> ResolvedText:
        """Return the text of a variable, given the resolved text of its scalar."""
        literals = tuple({id(literal): literal for literal in (*text.literals, scalar)}.values())
        if not self._spend(len(literals) * RECORD_WORK, scalar):
            return ResolvedText("", failed=True)
        if text.placeholders:
            self._unfilled[id(scalar)] = text.placeholders
        parts = text.parts or ((Part(text.text),) if text.text else ())
        source = f"variable {variable.name}"
        named = tuple(part if part.source else Part(part.text, source) for part in parts)
        return text._replace(via=variable.via, literals=literals, parts=named)

    def _circle(self, name: str) -> ResolvedText:
        """Report a cycle of variables, once, in the same order wherever it was entered."""
        cycle = self._resolving[self._resolving.index(name) :]
        first = cycle.index(min(cycle))
        cycle = [*cycle[first:], *cycle[:first]]
        for item in cycle:
            self._resolved[item] = ResolvedText("", failed=True)
        start = self._variables[cycle[0]].scalar
        message = f"variable cycle: {' → '.join([*cycle, cycle[0]])}"
        hint = "give one of them a literal value"
        self._findings.error("variable-cycle", message, start.place if start is not None else None, hint)
        return self._resolved[name]
