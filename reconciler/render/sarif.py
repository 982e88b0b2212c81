"""Renders problems as SARIF 2.1.0, for code scanning and editors: one run, a rule per code, a result per problem.

Takes problems, as `validate` finds them, or the error that ended it; returns JSON in ASCII that ends in a newline.
Lines of the files are not included, because they may contain secrets; messages never do. Paths are relative to
``SRCROOT``, the root of the repository.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from posixpath import normpath
from typing import Any
from urllib.parse import quote

from reconciler.documents.problem_codes import PROBLEM_CODES, ProblemCode
from reconciler.errors import Place, Problem, ProblemsError
from reconciler.redaction import spelled_out
from reconciler.render.markdown_text import shortened

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
BASE = "SRCROOT"
MOST_RESULTS = 5_000
"""The maximum number of results that GitHub keeps of one run."""
MESSAGE_LIMIT = 1_000


def sarif(
    problems: Sequence[Problem],
    *,
    tool_version: str,
    exit_code: int,
    folder: str = "",
    error: BaseException | None = None,
) -> str:
    """Render problems as SARIF.

    Args:
        problems: the problems; errors come first.
        tool_version: this program's version.
        exit_code: the exit code of the process.
        folder: the folder in the repository that file names are relative to; empty for its root.
        error: the error that ended the command, if it does not consist of problems.
    """
    ranked = sorted(problems, key=lambda problem: problem.severity != "error")[:MOST_RESULTS]
    codes = sorted({problem.code for problem in ranked})
    levels = {problem.code: problem.severity for problem in reversed(ranked)}
    invocation: dict[str, Any] = {"executionSuccessful": error is None, "exitCode": exit_code}
    notes = [] if error is None else [str(error)]
    if len(ranked) < len(problems):
        notes.append(f"{len(problems) - len(ranked):,} more problems are not listed")
    if notes:
        level = "warning" if error is None else "error"
        invocation["toolExecutionNotifications"] = [{"level": level, "message": _message(note)} for note in notes]
    run = {
        "tool": {
            "driver": {
                "name": "reconciler",
                "version": tool_version,
                "semanticVersion": tool_version,
                "rules": [_rule(code, levels[code]) for code in codes],
            }
        },
        "invocations": [invocation],
        "originalUriBaseIds": {BASE: {"description": {"text": "The root of the repository."}}},
        "columnKind": "unicodeCodePoints",
        "results": _results(ranked, codes, folder),
    }
    return spelled_out(json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)) + "\n"


def of_error(error: BaseException, *, tool_version: str, exit_code: int, folder: str = "") -> str:
    """Render the error that ended a command without a result as SARIF."""
    if isinstance(error, ProblemsError):
        return sarif(error.problems, tool_version=tool_version, exit_code=exit_code, folder=folder)
    return sarif((), tool_version=tool_version, exit_code=exit_code, folder=folder, error=error)


def _rule(code: str, severity: str) -> dict[str, Any]:
    meaning = PROBLEM_CODES.get(code) or ProblemCode(f"{code.replace('-', ' ').capitalize()}.", "")
    return {
        "id": code,
        "name": "".join(part.capitalize() for part in code.split("-")),
        "shortDescription": {"text": meaning.cause},
        "help": {"text": f"{meaning.cause} {meaning.fix}".rstrip()},
        "defaultConfiguration": {"level": severity},
        "properties": {"tags": ["configuration"], "problem.severity": severity},
    }


def _results(problems: Sequence[Problem], codes: Sequence[str], folder: str) -> list[dict[str, Any]]:
    seen: Counter[tuple[str, str, str]] = Counter()
    found = []
    for problem in problems:
        # Without the line, so that a result stays the same when lines above it are added or removed.
        likeness = (problem.code, "" if problem.place is None else problem.place.file, problem.message)
        identity = json.dumps([*likeness, seen[likeness]])
        seen[likeness] += 1
        hint = " ".join(filter(None, (problem.hint, problem.fix)))
        result: dict[str, Any] = {
            "ruleId": problem.code,
            "ruleIndex": codes.index(problem.code),
            "level": problem.severity,
            "message": _message(f"{problem.message}{f' ({hint})' if hint else ''}"),
            "locations": _locations(problem, folder),
            "partialFingerprints": {"problem/v1": hashlib.sha256(identity.encode()).hexdigest()},
        }
        related = [_related(place, words, folder) for place, words in problem.related]
        result |= {"relatedLocations": related} if related else {}
        found.append(result)
    return found


def _locations(problem: Problem, folder: str) -> list[dict[str, Any]]:
    location: dict[str, Any] = {}
    if problem.place is not None:
        location["physicalLocation"] = _physical(problem.place, folder)
    if problem.address:
        location["logicalLocations"] = [
            {"fullyQualifiedName": shortened(problem.address, MESSAGE_LIMIT), "kind": "resource"}
        ]
    return [location] if location else []


def _related(place: Place, words: str, folder: str) -> dict[str, Any]:
    return {"physicalLocation": _physical(place, folder), "message": _message(words)}


def _physical(place: Place, folder: str) -> dict[str, Any]:
    path = normpath(f"{folder}/{place.file}" if folder and not place.file.startswith("/") else place.file)
    artifact = {"uri": quote(path, safe="/", errors="replace")}
    if path.startswith("/"):
        artifact["uri"] = f"file://{artifact['uri']}"
    else:
        artifact["uriBaseId"] = BASE
    if not place.line:
        return {"artifactLocation": artifact}
    region = {"startLine": place.line} | ({"startColumn": place.column} if place.column else {})
    return {"artifactLocation": artifact, "region": region}


def _message(text: str) -> dict[str, str]:
    # A bracket before a parenthesis would be a link to any target in the text.
    return {"text": shortened(text, MESSAGE_LIMIT).replace("](", "] (")}
