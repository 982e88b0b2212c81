"""SIDs: the meaning of their first two characters."""

from __future__ import annotations

from reconciler.address import looks_like_sid
from reconciler.kinds import KINDS

# Source: Twilio docs, "What is a String Identifier".
_ELSEWHERE = {
    "AC": "an account", "MG": "a messaging service", "FW": "a Studio flow", "IM": "a message", "PN": "a phone number",
    "SK": "an API key", "SM": "an SMS", "MM": "an MMS", "NO": "a notification", "BS": "a binding", "PC": "a proxy",
}  # fmt: skip


@KINDS.derived
def _nouns() -> dict[str, str]:
    return {**_ELSEWHERE, **{kind.sid_prefix: kind.indefinite for kind in KINDS if kind.sid_prefix}}


def prefix_noun(prefix: str) -> str:
    """Return the noun for resources whose SIDs have a prefix: ``a role``."""
    return _nouns().get(prefix, f"a resource whose SID begins with {prefix}")


def sid_noun(text: str) -> str:
    """Return the noun for the resource of a SID: ``a role``; empty if the text is not a SID."""
    return prefix_noun(text[:2]) if looks_like_sid(text) else ""
