"""Notes for the user of an export: secrets to set, values that differ, missing collections. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reconciler.config.model import Config, Unknown, Value
from reconciler.export.attempt import Attempt
from reconciler.export.exclusions import FieldKey
from reconciler.export.merging import texts
from reconciler.export.yaml_writer import scalar
from reconciler.kinds import BY_NAME
from reconciler.planning.dangling import dead_destinations
from reconciler.state import State

_LOOKUP = re.compile(r"(?<!\$)\$\{((?:secret|env|file):[^{}:]+)")
_MOST_LISTED = 3


def secrets(attempt: Attempt) -> set[str]:
    """Return the names of the secrets that the exported files use."""
    values = attempt.writer.values
    kept = {name for _, value in _kept(attempt) for name in value.secrets}
    return {*values.secrets.values(), *values.looked_up, *kept}


def warnings(attempt: Attempt, loaded: Config) -> Iterator[str]:
    """Yield sentences on differences between the exported files and the account."""
    yield from _interpolated(attempt, loaded)
    for collection in sorted(attempt.writer.exclusions.unpruned):
        yield (
            f"{collection}: the prune rule of the existing files is not kept, because it would delete live resources "
            "that the exported files do not contain"
        )
    scope = attempt.writer.scope
    for live, use, sid in dead_destinations(attempt.writer.state):
        if scope is not None and live.sid not in scope:
            continue
        yield f"the {live.kind.noun} {live.title} {use.ref.verb} {sid}, a {use.ref.kind} that does not exist"


def unreadable(state: State) -> Iterator[str]:
    """Yield sentences on collections that the API key may not read; names are written as in YAML, on one line."""
    for collection, refusal in sorted(state.unreadable.items(), key=lambda item: str(item[0])):
        kind, above = BY_NAME[collection.kind], state.get(collection.parents[-1]) if collection.parents else None
        where = f" of {scalar(above.title)}" if above is not None else ""
        yield (
            f"Not exported: the {kind.noun}{'' if kind.singleton else ' list'}{where} could not be read "
            f"({refusal.answer})."
        )


def _interpolated(attempt: Attempt, loaded: Config) -> Iterator[str]:
    """Yield sentences on interpolated fields whose live value differs, or is unknown."""
    addresses = {sid: address for address, sid in attempt.writer.placed.items()}
    for key, value in sorted(_kept(attempt), key=lambda item: (addresses[item[0].sid], item[0].path)):
        address = addresses[key.sid]
        declared = loaded.resources[address]
        held = declared.values.get(key.path)
        if held is None or declared.kind.by_path[key.path].write_only:
            continue
        stays = f"{address}: {key.path} keeps {_listed(value)} from the existing files"
        if isinstance(held.content, Unknown):
            yield f"{stays}; it cannot be compared with the account: {held.content.reason}"
        elif key in attempt.differing:
            yield f"{stays}; the account has a different value, which an apply would overwrite"


def _kept(attempt: Attempt) -> Iterator[tuple[FieldKey, Value]]:
    """Yield the fields that keep interpolations of the existing files."""
    writer = attempt.writer
    placed = set(writer.placed.values())
    for key, value in writer.existing.kept.items():
        if key not in writer.exclusions.left_out and key not in writer.commented_out and key.sid in placed:
            yield key, value


def _listed(value: Value) -> str:
    """Return the interpolations of a value; literal parts, which may be secret, are omitted."""
    found = dict.fromkeys(f"${{{name}}}" for text in texts(value.written) for name in _LOOKUP.findall(text))
    return ", ".join(list(found)[:_MOST_LISTED]) + (", …" if len(found) > _MOST_LISTED else "")
