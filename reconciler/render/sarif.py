"""Problems as SARIF 2.1.0, for code scanning and for editors: one run, one rule for each code, one result for each.

Takes problems, as `validate` finds them, or the error that ended it; gives JSON in ASCII that ends in a newline. Lines
of the files are not part of it, since they may hold secrets; messages never do. Paths are relative to ``SRCROOT``, the
root of the repository.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from posixpath import normpath
from typing import Any
from urllib.parse import quote

from reconciler.errors import Place, Problem, ProblemsError
from reconciler.redaction import spelled_out
from reconciler.render.markdown_text import shortened

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
BASE = "SRCROOT"
MOST_RESULTS = 5_000
"""GitHub keeps no more of one run."""
MESSAGE_LIMIT = 1_000

RULES: dict[str, str] = {
    "absent-and-protected": "A resource is to be absent, and protected from being deleted.",
    "alias-in-itself": "A YAML alias stands within what it refers to.",
    "auto-creation-off": "An address declares the type of its auto-creation without `enabled`.",
    "blank-at-end": "A name or a text begins or ends with a blank or a line break.",
    "contradicting-default": "The default service is pinned, and another one is named as the default.",
    "declared-twice": "Two resources of the files have the same natural key.",
    "doubtful-length": "A text is longer than what Twilio is known to take.",
    "duplicate-item": "A set holds an item twice.",
    "duplicate-key": "A mapping has a key twice.",
    "empty-prune": "A rule for pruning is empty.",
    "empty-value": "A field without a value is cleared.",
    "empty-variable": "A variable of the command line has no value.",
    "exchanged-names": "Resources are renamed from each other.",
    "expired-certificate": "A certificate has expired.",
    "expiring-certificate": "A certificate expires soon.",
    "future-certificate": "A certificate is not valid yet.",
    "guards-nothing": "The account is compared with what it is taken from.",
    "include-cycle": "A file includes itself.",
    "include-nothing": "An include matches no file.",
    "included-twice": "Two includes name the same file.",
    "incomplete-resource": "A declaration lacks what a new resource needs.",
    "interpolated-key": "A key is interpolated, which keys never are.",
    "interpolated-path": "A path of a file is made of variables.",
    "invisible-character": "A name, a URL, or a key contains a character that nobody sees.",
    "json-spelling": "A value in attributes is sent in another spelling than it is written in.",
    "key-mismatch": "A private key does not belong to its certificate.",
    "key-not-text": "A key of a mapping is no text.",
    "legacy-key": "A key is of a kind that is no longer served.",
    "like-built-in": "The name of a role is spelled almost like that of one that Twilio makes.",
    "literal-secret": "A secret is written into the files.",
    "malformed-address": "An address cannot be read.",
    "malformed-certificate": "A certificate cannot be read.",
    "malformed-handle": "A handle cannot be used in addresses.",
    "malformed-interpolation": "An interpolation cannot be read.",
    "malformed-key": "A private key or an API key cannot be read.",
    "malformed-name": "A variable has a name that no expression can use.",
    "malformed-url": "A URL cannot be used.",
    "merge-key": "A YAML merge key does not stand before a mapping.",
    "misplaced-environment": "An environment stands where there is none.",
    "misplaced-event": "A webhook filter is an event that other webhooks have.",
    "misplaced-pin": "A SID is given where nothing can be pinned.",
    "misplaced-secret": "A secret stands where its value would be shown.",
    "missing-key": "A mapping lacks a key that it needs.",
    "missing-namespace": "A `${NAME}` has no namespace.",
    "missing-version": "The root file does not say the version of the format.",
    "nested-template": "A template is made of another template.",
    "non-ascii-host": "The host of a URL has characters that may look like others.",
    "not-clearable": "A field is cleared that Twilio cannot clear.",
    "not-text": "A file holds what is no text.",
    "null-with-value": "A YAML null tag is followed by text.",
    "obsolete-type": "A credential has a type that is no longer served.",
    "out-of-range": "A number or a time is out of its range.",
    "outside-folder": "A file stands outside of the configuration's folder.",
    "pinned-twice": "Two resources of the files are the same live one.",
    "prune-of-nothing": "A collection is pruned that the files do not have.",
    "quoted-value": "A secret is in quotes, which are part of it.",
    "reference-to-absent": "A resource refers to one that is to be absent.",
    "renamed-from-itself": "A resource is renamed from its own name.",
    "second-proxy": "An address takes part in a conversation by two proxy addresses.",
    "secret-default": "A secret has a default value in the files.",
    "set-twice": "Two files set the same value.",
    "several-documents": "A file holds more than one YAML document.",
    "similar-files": "Two included files have names that differ only in case or in Unicode form.",
    "similar-names": "Two resources have names that look alike.",
    "surplus-text": "There is other text around a certificate or a key.",
    "swallowed-text": "YAML reads a part of a value as a comment, an anchor, or a tag.",
    "too-deep": "Something nests too deep.",
    "too-large": "Something is too large.",
    "too-long": "A text is longer than Twilio takes.",
    "too-many": "There is more of something than is allowed.",
    "tool-variable": "A configuration reads a credential or setting of this tool.",
    "unclosed-interpolation": "An interpolation is not closed.",
    "undefined-variable": "A variable is not defined.",
    "unfilled-placeholder": "A placeholder of another tool is sent as it is written.",
    "unknown-alias": "A YAML alias has no anchor.",
    "unknown-choice": "A value is none of those that there are.",
    "unknown-collection": "There is no collection of this name.",
    "unknown-environment": "There is no environment of this name.",
    "unknown-field": "There is no field of this name.",
    "unknown-key": "There is no key of this name here.",
    "unknown-namespace": "An interpolation has a namespace that there is not.",
    "unknown-reference": "A reference leads to nothing in the files.",
    "unknown-tag": "A YAML tag is not known.",
    "unknown-template": "There is no template of this name.",
    "unknown-version": "The files are of another version of the format.",
    "unknown-word": "A word is not in Twilio's vocabulary as far as it is known.",
    "unnormalized-name": "A name is not in Unicode's composed form.",
    "unreadable-file": "A file cannot be read.",
    "unset-environment": "An environment variable is not set.",
    "unset-in-list": "!unset stands in a list.",
    "unset-in-vain": "!unset takes out what is not there.",
    "unset-misplaced": "!unset stands outside of an overlay.",
    "unset-secret": "A secret is not set.",
    "unset-with-value": "!unset has a value.",
    "unused-renamed-from": "A `renamed_from` has no effect.",
    "unused-variable": "A variable is given that nothing uses.",
    "unusual-address": "An address has not the form of its type.",
    "unusual-key": "A key has none of the forms of a key of its service.",
    "url-structure": "An interpolated value changes the structure of its URL.",
    "variable-cycle": "A variable is made of itself.",
    "windows-line-breaks": "A certificate or a key has Windows line breaks.",
    "word-of-other-type": "A permission belongs to roles of another type.",
    "wrong-network": "A push credential is for the other one of Apple's networks.",
    "wrong-role-type": "A role is of a type that cannot be used here.",
    "wrong-sid": "A SID is of the wrong kind, or is none.",
    "wrong-type": "A value is of the wrong type.",
    "yaml-syntax": "A file is no YAML.",
}
"""Every code that `validate` gives, and what it means; a code once given never gets another meaning."""


def sarif(
    problems: Sequence[Problem],
    *,
    tool_version: str,
    exit_code: int,
    folder: str = "",
    error: BaseException | None = None,
) -> str:
    """Problems as SARIF.

    Args:
        problems: what was found; errors come first.
        tool_version: this program's version.
        exit_code: what the process ends with.
        folder: where in the repository the names of files start; empty for its root.
        error: what ended the command, where it is not made of problems.
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
    """Why a command ended without a result, as SARIF."""
    if isinstance(error, ProblemsError):
        return sarif(error.problems, tool_version=tool_version, exit_code=exit_code, folder=folder)
    return sarif((), tool_version=tool_version, exit_code=exit_code, folder=folder, error=error)


def _rule(code: str, severity: str) -> dict[str, Any]:
    meaning = RULES.get(code, f"{code.replace('-', ' ').capitalize()}.")
    return {
        "id": code,
        "name": "".join(part.capitalize() for part in code.split("-")),
        "shortDescription": {"text": meaning},
        "help": {"text": f"{meaning} The result says where, and what to do about it."},
        "defaultConfiguration": {"level": severity},
        "properties": {"tags": ["configuration"], "problem.severity": severity},
    }


def _results(problems: Sequence[Problem], codes: Sequence[str], folder: str) -> list[dict[str, Any]]:
    seen: Counter[tuple[str, str, str]] = Counter()
    found = []
    for problem in problems:
        # Without the line: a result is the same one when lines come or go above it.
        likeness = (problem.code, "" if problem.place is None else problem.place.file, problem.message)
        identity = json.dumps([*likeness, seen[likeness]])
        seen[likeness] += 1
        result: dict[str, Any] = {
            "ruleId": problem.code,
            "ruleIndex": codes.index(problem.code),
            "level": problem.severity,
            "message": _message(f"{problem.message}{f' ({problem.hint})' if problem.hint else ''}"),
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
    # A bracket before a parenthesis would be a link, to wherever the text says.
    return {"text": shortened(text, MESSAGE_LIMIT).replace("](", "] (")}
