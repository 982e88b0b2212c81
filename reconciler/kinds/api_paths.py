"""URL paths of the API: their words, and which of Twilio's write limits a request counts against."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from reconciler.kinds import BY_NAME, KINDS
from reconciler.kinds.base import Kind

# Parts of paths that no kind has: of traffic, which the emulator's requests mention.
_OTHER_WORDS = ("Bindings", "Messages", "ParticipantConversations")


@KINDS.derived
def path_words() -> frozenset[str]:
    """Return every fixed part of the API's paths; anything else in a path is an identifier."""
    parts = {part for kind in KINDS for part in kind.path.split("/") if part and not part.startswith("{")}
    return frozenset({*parts, *_OTHER_WORDS})


class WriteScope(NamedTuple):
    """What Twilio counts a write against, by the SIDs or names in its path.

    Attributes:
        container: the service; empty in a path that omits it.
        resource: the conversation; empty if the write counts against the service.
    """

    container: str
    resource: str = ""


def write_scope(method: str, path: str) -> WriteScope | None:
    """Return what a request counts against; None if no limit is published.

    Args:
        method: The HTTP method.
        path: The path from ``/v1``.
    """
    if method == "GET":
        return None
    for pattern, limit in _limits():
        match = pattern.match(path)
        if match is not None:
            container, resource, is_inside = match.groups(default="")
            counts_for_resource = limit == "resource" and resource and (is_inside or method != "DELETE")
            return WriteScope(container, resource if counts_for_resource else "")
    return None


@KINDS.derived
def _limits() -> tuple[tuple[re.Pattern[str], Literal["container", "resource"]], ...]:
    """Build a pattern for the paths of each kind with a limit, and of everything inside it."""
    return tuple((_pattern(kind), kind.write_limit) for kind in KINDS if kind.parent is not None and kind.write_limit)


def _pattern(kind: Kind) -> re.Pattern[str]:
    assert kind.parent is not None
    above = re.escape(BY_NAME[kind.parent].path.removeprefix("/v1/"))
    collection = re.escape(kind.path.rsplit("/", 1)[-1])
    # A path without the container means the account's default one.
    return re.compile(rf"/v1/(?:{above}/([^/?]+)/)?{collection}\b(?:/([^/?]+))?(/)?")
