"""What to do about a failure, by its sort: one sentence for a person.

Takes a cause; gives text of our own. The causes stand beside the errors they come from (`reconciler.errors.cause_of`).
"""

from __future__ import annotations

from collections.abc import Mapping

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
    "answer": "Something answered that is no Twilio: check the network's proxy and the host of --api-url.",
    "server": "Twilio had trouble for longer than was waited (https://status.twilio.com): try again later.",
    "validation": "Twilio does not take what was sent: put it right in the files.",
    "conflict": "Something in the account is in the way, or changes the same: `reconciler plan` shows what is there.",
    "missing": "What was there when this was planned is gone: the next run plans afresh.",
}
"""In the order in which a person should look at them."""
