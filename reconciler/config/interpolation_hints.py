"""Hints for interpolations in the syntax of other tools.

Takes an expression; returns its spelling in this configuration.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from reconciler.config.findings import Findings, listed
from reconciler.config.interpolation_syntax import NAMESPACES, MalformedInterpolationError
from reconciler.redaction import may_be_secret

_LONGEST_TOKEN_SHOWN = 60
# The namespace that corresponds to other tools' spellings: ${var.host}, ${{ secrets.TOKEN }}, ${ENV:HOST}.
_MEANT = {
    "env": "env", "environ": "env", "environment": "env", "var": "var", "vars": "var", "variable": "var",
    "variables": "var", "secret": "secret", "secrets": "secret", "file": "file", "files": "file",
}  # fmt: skip
_MEANT_LOOKUP = re.compile(
    r"\s*(?:(?P<prefix>env|environ|environment|vars?|variables?|secrets?|files?)\s*[.:/]\s*)?"
    r"(?P<name>[A-Za-z_][A-Za-z0-9_.-]*?)\s*(?P<default>:-.*)?",
    re.IGNORECASE,
)


def namespace_hint(token: str, variables: Collection[str]) -> str:
    """Return the probably intended spelling of a `${…}` without a namespace."""
    literal = f"write ${token} for the literal text" if len(token) <= _LONGEST_TOKEN_SHOWN else "write $${ for ${"
    if token.startswith("${{"):
        return (
            "CI expressions are not evaluated here; pass the value as an environment variable and write "
            f"${{env:NAME}} or ${{secret:NAME}}; {literal}"
        )
    found = _MEANT_LOOKUP.fullmatch(token[2:-1])
    if found is None:
        return literal
    name, default = found["name"], found["default"] or ""
    namespace = _MEANT.get((found["prefix"] or "").lower(), "")
    if namespace:
        return f"did you mean ${{{namespace}:{name}}}? {literal}"
    if name in variables:
        return f"did you mean ${{var:{name}{default}}}? {literal}"
    ways = [f"${{env:{name}{default}}}", f"${{secret:{name}}}"]
    if may_be_secret(name):
        ways.reverse()
    return f"write {' or '.join(ways)}; {literal}"


def malformed_hint(error: MalformedInterpolationError, findings: Findings) -> str:
    """Return the hint for a malformed interpolation."""
    if error.code != "unknown-namespace":
        return error.hint
    meant = _MEANT.get(error.hint.lower()) or findings.closest(error.hint, NAMESPACES)
    literal = "write $${ for a literal ${"
    return f"did you mean ${{{meant}:…}}? or {literal}" if meant else f"use one of {listed(NAMESPACES)}; {literal}"
