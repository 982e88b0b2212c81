"""Whether a pattern of `unmanaged.ignore` matches a resource, or one of its fields. Pure."""

from __future__ import annotations

from reconciler.address import Address
from reconciler.config import globs


def is_ignored(pattern: str, address: Address) -> bool:
    """Return whether a pattern matches an address, with its SIDs in brackets or after a dot.

    ``services.*.roles.*`` matches ``services.support.roles["RL…"]``.
    """
    return globs.matches(pattern, str(address)) or globs.matches(pattern, ".".join(address.parts))


def ignores_field(pattern: str, address: Address, path: str) -> bool:
    """Return whether a pattern matches a field: ``services.support.webhooks.post_webhook_url``."""
    return globs.matches(pattern, f"{address}.{path}") or globs.matches(pattern, ".".join((*address.parts, path)))
