"""YAML's syntax errors, explained for users.

Takes the parser's error; reports it in this tool's words, and hides lines that may contain secrets.
"""

from __future__ import annotations

import re

import yaml

from reconciler.config.findings import Findings
from reconciler.config.nodes import Origin
from reconciler.errors import Place
from reconciler.redaction import line_holds_secret

_CONFLICT = re.compile(r"(?:<{7}|>{7}) ")
# libyaml's messages, what they mean for a user, and hints.
EXPLAINED = (
    (
        "mapping values are not allowed",
        "unexpected colon",
        'quote text that contains ": ", or check the indentation',
    ),
    (
        "could not find expected ':'",
        "a line is neither a key with a colon nor part of the text above",
        "check the indentation, and put text of several lines in quotes",
    ),
    (
        "did not find expected key",
        "this does not continue the mapping above",
        "check the indentation and the quotes of the lines before",
    ),
    (
        "did not find expected '-' indicator",
        "this does not continue the list above",
        "check the indentation of the lines before",
    ),
    ("did not find expected ',' or ']'", "a list in brackets is not closed here", "add a comma or a ]"),
    (
        "did not find expected ',' or '}'",
        "a mapping in braces is not closed here",
        "add a comma or a }; quote text that contains ${…} here",
    ),
    ("found unexpected end of stream", "these quotes are not closed", "close them"),
    (
        "found character that cannot start any token",
        "this character cannot begin a value",
        "put the value in quotes",
    ),
    (
        "did not find expected whitespace or line break",
        "a tag such as !unset has no space after it",
        "put a space after it, even before a comma or a brace",
    ),
    ("did not find expected node content", "a value is missing here", "write a value, or {} or [] for an empty one"),
    (
        "did not find expected alphabetic or numeric character",
        "* begins an alias and & an anchor, but no name follows",
        'put text that begins with one of them in quotes, for instance "*.yaml"',
    ),
    ("mapping keys are not allowed", "? begins a key of several lines", 'put text that begins with "? " in quotes'),
    ("found duplicate anchor", "this anchor is already defined", "give it another name"),
    ("block sequence entries are not allowed", "a list item is not allowed here", "start the list on its own line"),
)


def report_syntax_error(
    error: yaml.MarkedYAMLError, origin: Origin, lines: tuple[str, ...], findings: Findings
) -> None:
    """Report a syntax error in the tool's own words, with its line unless that may contain a secret."""
    mark = error.problem_mark or error.context_mark
    problem = error.problem or error.context or "it is malformed"
    if "unexpected end of stream" in problem:
        # Point to the opening quotes, not to the end of the file.
        mark = error.context_mark or mark
    place = Place(origin.file) if mark is None else Place(origin.file, mark.line + 1, mark.column + 1)
    message, hint = f"the YAML is malformed: {problem}", ""
    for theirs, ours, way_out in EXPLAINED:
        if theirs in problem:
            message, hint = f"the YAML is malformed: {ours}", way_out
            break
    conflict = next((number for number, line in enumerate(lines, 1) if _CONFLICT.match(line)), 0)
    if conflict:
        place = Place(origin.file, conflict, 1)
        message, hint = "this file contains git conflict markers", "resolve the conflict, and remove the markers"
    elif mark is not None and lines[mark.line : mark.line + 1] and lines[mark.line][mark.column :].startswith("\t"):
        message, hint = "the YAML is malformed: a tab cannot indent", "indent with spaces"
    related = []
    context = error.context_mark
    if not conflict and context is not None and mark is not None and context.line != mark.line:
        related.append(
            (Place(origin.file, context.line + 1, context.column + 1), "the block that it belongs to begins here")
        )
    findings.error("yaml-syntax", message, place, hint, related=related)
    if 0 < place.line <= len(lines) and lines[place.line - 1] and not harmless_lines(lines)[place.line - 1]:
        findings.conceal(place.file, place.line, place.line)


def harmless_lines(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return the lines of a broken file without those that may contain secrets."""
    concealed = False
    harmless = []
    for line in lines:
        key = re.match(r"\s*(?:-\s+)?[\"']?([\w-]+)[\"']?\s*:", line)
        if key is not None or not line.strip():
            concealed = False
        if line_holds_secret(line):
            concealed = True
        harmless.append("" if concealed else line)
    return tuple(harmless)
