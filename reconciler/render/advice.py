"""What to do about a failure, by its sort: one sentence for a person.

Takes a cause; gives text of our own. The causes stand beside the errors they come from (`reconciler.errors.cause_of`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.errors import Cause

ADVICE: Mapping[Cause, str] = {
    "auth": (
        "The credentials were not taken: check TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN, or TWILIO_API_KEY and "
        "TWILIO_API_SECRET, and the region that they are for (TWILIO_REGION)."
    ),
    "permission": (
        "These credentials may not do that, or the account is suspended or at a limit; Twilio's words say which."
    ),
    "deadline": "The command's time was up: give it more with --timeout.",
    "rate": (
        "The account is over its limit of requests, which everything that uses it shares: wait, or use a lower "
        "--concurrency."
    ),
    "network": "No answer came: check the network, its proxy, and the host of --api-url.",
    "answer": (
        "Something other than Twilio answered: log in to the network if it asks for that, or check the proxy "
        "(HTTPS_PROXY, NO_PROXY) and the host of --api-url."
    ),
    "server": "Twilio had trouble for longer than was waited (https://status.twilio.com): try again later.",
    "validation": "Twilio does not take what was sent: put it right in the files.",
    "conflict": "Something in the account is in the way, or changes the same: `reconciler plan` shows what is there.",
    "missing": "What was there when this was planned is gone: the next run plans afresh.",
}
"""In the order in which a person should look at them."""

_BY_CODE: Mapping[int, str] = {
    # Error dictionary; the status is unverified (401 or 403).
    70051: (
        "The API key lacks a permission that this request needs: give the restricted key access to Conversations in "
        "the Twilio Console, or use a standard key."
    ),
    # Error dictionary: "Failure Threshold Exceeded".
    70005: (
        "Twilio blocks these requests for a while because too many before them were refused: fix what was refused "
        "first, wait some minutes, and use a lower --concurrency."
    ),
    # Error dictionary; Twilio docs, global infrastructure.
    50385: (
        "Twilio does not offer this in that region (in IE1, only the Chat channel): unset TWILIO_REGION and "
        "TWILIO_EDGE to use US1, with US1 credentials."
    ),
    # Error dictionary: a pair is unique in all open conversations of the account, also those that a plan does not read.
    50416: (
        "The address and proxy address are in use in another open conversation, which Twilio's message names: close "
        "that conversation, remove its participant, or use another proxy address; then run the same command again."
    ),
}
"""For codes of Twilio that say more than the sort of a failure does."""


def advice(cause: Cause, code: int | None) -> str:
    """Return what to do about a failure: by Twilio's code if that says more, else by its sort; empty for nothing."""
    return _BY_CODE.get(code or 0) or ADVICE.get(cause, "")


def advice_of(failures: Iterable[tuple[Cause, int | None]]) -> list[str]:
    """Return what to do about several failures, each sentence once, in the order in which to look at them."""
    found = {advice(cause, code) for cause, code in failures}
    return [text for text in (*_BY_CODE.values(), *ADVICE.values()) if text in found]
