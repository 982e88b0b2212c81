"""Advice for each cause of a failure.

Takes a cause (`reconciler.errors.cause_of`); returns a sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.errors import Cause

ADVICE: Mapping[Cause, str] = {
    "auth": (
        "Twilio rejected the credentials. Check TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN, or TWILIO_API_KEY and "
        "TWILIO_API_SECRET, and their region (TWILIO_REGION)."
    ),
    "permission": (
        "The credentials lack a permission, or the account is suspended or at a limit. See Twilio's message."
    ),
    "deadline": "The deadline passed. Set a longer one with --timeout.",
    "rate": (
        "The account exceeded its rate limit, which all of its clients share. Wait, or use a lower --concurrency."
    ),
    "network": "No response. Check the network, the proxy, and the host of --api-url.",
    "answer": (
        "Something other than Twilio answered. Log in to the network if it requires that, or check the proxy "
        "(HTTPS_PROXY, NO_PROXY) and the host of --api-url."
    ),
    "server": "Twilio kept failing until the retries were exhausted (https://status.twilio.com). Try again later.",
    "validation": "Twilio rejected the request. Fix the configuration.",
    "conflict": "Another resource conflicts, or another client is changing the same resource. Run `reconciler plan`.",
    "missing": "A planned resource no longer exists. Run the command again to make a new plan.",
}
"""In the order in which to check them."""

_BY_CODE: Mapping[int, str] = {
    # Error dictionary; the status is unverified (401 or 403).
    70051: (
        "The API key lacks a permission for this request. Give the restricted key access to Conversations in "
        "the Twilio Console, or use a standard key."
    ),
    # Error dictionary: "Failure Threshold Exceeded".
    70005: (
        "Twilio blocks these requests for a while because it rejected too many. Fix the rejected ones "
        "first, wait "
        "a few minutes, and use a lower --concurrency."
    ),
    # Error dictionary; Twilio docs, global infrastructure.
    50385: (
        "This is not available in the region (IE1 has only the Chat channel). Unset TWILIO_REGION and "
        "TWILIO_EDGE to use US1, with US1 credentials."
    ),
    # Error dictionary: a pair is unique in all open conversations of the account, including those that a plan does not
    # read.
    50416: (
        "The address and proxy address are in use in another open conversation, which Twilio's message names: close "
        "that conversation, remove its participant, or use another proxy address; then run the same command again."
    ),
}
"""Advice for Twilio error codes that are more specific than the cause."""


def advice(cause: Cause, code: int | None) -> str:
    """Return the advice for a failure, by Twilio's code or otherwise by its cause; empty if there is none."""
    return _BY_CODE.get(code or 0) or ADVICE.get(cause, "")


def advice_of(failures: Iterable[tuple[Cause, int | None]]) -> list[str]:
    """Return the advice for several failures, each sentence once, in the order in which to check them."""
    found = {advice(cause, code) for cause, code in failures}
    return [text for text in (*_BY_CODE.values(), *ADVICE.values()) if text in found]
