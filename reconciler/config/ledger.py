"""The key `ledger`: where the tool keeps, in git, what was applied last.

Takes the merged tree; returns a `LedgerSetting` and reports problems. Its values are literal, so that everyone who
plans and applies this configuration uses the same refs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from reconciler.config.environments import Environment
from reconciler.config.findings import Findings, shown
from reconciler.config.model import LedgerSetting
from reconciler.config.nodes import KeyValue, MapNode, ScalarNode, is_null
from reconciler.errors import Place

DEFAULT_PREFIX = "refs/reconciler"
DEFAULT = "default"
"""The last part of the ref of a configuration without an environment; no environment may have this name."""

_KEYS = ("git", "remote")
_TAKEN = ("heads", "tags", "remotes", "notes", "stash", "replace", "bisect", "rewritten", "worktree", "original")
"""What git itself, or a program beside it, stores below ``refs``. Source: gitglossary(7), git-worktree(1)."""
_PREFIX = re.compile(r"refs(?:/[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*)+\Z")
_REMOTE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*\Z")
_LONGEST = 200


def read_ledger(
    tree: MapNode, root: str, environments: Mapping[str, Environment], findings: Findings
) -> LedgerSetting | None:
    """Read the setting.

    Args:
        tree: The merged tree.
        root: The path of the root file, which alone may have it.
        environments: Every environment by name.
        findings: Collects the problems.
    """
    pair = tree.by_key.get("ledger")
    if pair is None or is_null(pair.value):
        return None
    if pair.key.origin.path != root or pair.key.origin.via:
        message = "only the root file can have a ledger, since all environments share its prefix"
        findings.error("misplaced-ledger", message, pair.key.place, f"move it to {root}")
        return None
    _check_environments(environments.values(), findings)
    place = pair.key.place
    if isinstance(pair.value, ScalarNode):
        if pair.value.text != "git":
            message = f"ledger must be git, or a mapping with git and remote, not {shown(pair.value.text)}"
            findings.error("unknown-choice", message, pair.value.place, "write ledger: git")
        return LedgerSetting(DEFAULT_PREFIX, place=place)
    if not isinstance(pair.value, MapNode):
        message = "ledger must be git, or a mapping with git and remote"
        findings.error("wrong-type", message, pair.value.place, "write ledger: git")
        return None
    for key, inner in pair.value.by_key.items():
        if key not in _KEYS:
            hint = findings.instead(key, _KEYS)
            findings.error("unknown-key", f"ledger has no key {shown(key)}", inner.key.place, hint)
    prefix = _text(pair.value.by_key.get("git"), "git", findings) or DEFAULT_PREFIX
    remote = _text(pair.value.by_key.get("remote"), "remote", findings)
    if not _is_prefix(prefix):
        message = f"ledger.git must be a prefix of refs that git does not use itself, not {shown(prefix)}"
        findings.error("malformed-ref", message, _place_of(pair.value, "git"), "write refs/reconciler/NAME")
    if remote and not _REMOTE.match(remote):
        message = f"ledger.remote must be the name of a remote, not {shown(remote)}"
        findings.error("malformed-ref", message, _place_of(pair.value, "remote"), "see `git remote`")
    return LedgerSetting(prefix, remote, place)


def _check_environments(environments: Iterable[Environment], findings: Findings) -> None:
    for environment in environments:
        if environment.name == DEFAULT:
            message = f"with a ledger, no environment can be named {DEFAULT}, which stands for no environment"
            findings.error("reserved-name", message, environment.place, "rename the environment")


def _is_prefix(text: str) -> bool:
    parts = text.split("/")
    return (
        _PREFIX.match(text) is not None
        and parts[1] not in _TAKEN
        and not any(part.endswith(".lock") for part in parts)
        and len(text) <= _LONGEST
    )


def _text(pair: KeyValue | None, name: str, findings: Findings) -> str:
    if pair is None:
        return ""
    node = pair.value
    if not isinstance(node, ScalarNode) or node.is_null or not node.text:
        findings.error("wrong-type", f"ledger.{name} must be text", node.place, "write it on one line, or remove it")
        return ""
    if "${" in node.text:
        message = f"ledger.{name} cannot contain ${{…}}: everyone has to use the same ledger"
        findings.error("interpolated-ledger", message, node.place, "write out the value")
        return ""
    return node.text


def _place_of(node: MapNode, key: str) -> Place:
    return node.by_key[key].value.place
