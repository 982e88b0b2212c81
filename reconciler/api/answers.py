"""The meaning of an answer: a body, a refusal, or an interceptor such as a proxy or captive portal.

Takes an answer that was read to its end; returns JSON, a `Refusal`, or a description of the interceptor. Sends nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from reconciler.errors import ApiError, Malformed, Refusal, Refused
from reconciler.json_text import Json
from reconciler.lazy_dataclass import dataclass
from reconciler.redaction import Redaction

FIRST_ERROR, _FIRST_SERVER_ERROR = 400, 500
TOO_MANY_REQUESTS = 429
_PROXY_LOGIN, _NETWORK_LOGIN = 407, 511
"""Source: RFC 9110 and RFC 6585: only a proxy or a network's gateway answers with these."""
_NO_CONTENT, _NOT_FOUND = 204, 404
_MOST_CODES = 10**9
LONGEST_MESSAGE = 2000
"""The number of characters kept of an error message from the API or a library."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, read to its end.

    Attributes:
        status: the HTTP status.
        reason: the reason phrase.
        headers: by name, which is looked up without regard to case.
        body: its bytes, decompressed.
    """

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def request_id(self) -> str:
        """Twilio's ID of the request; empty if the answer has none."""
        return self.headers.get("Twilio-Request-Id", "")

    @property
    def concurrent_requests(self) -> int:
        """The number of the account's requests that were in progress; 0 if unknown."""
        text = self.headers.get("Twilio-Concurrent-Requests", "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def parse_body(answer: Answer) -> Json:
    """Parse the JSON of a successful answer; None if it has no content.

    Raises:
        Malformed: the body is not JSON.
    """
    if answer.status == _NO_CONTENT:
        return None
    try:
        body: Json = json.loads(answer.body, parse_constant=_reject_constant)
    except (ValueError, RecursionError):
        what = "an HTML page, which Twilio never sends" if _is_html(answer) else "not JSON"
        raise Malformed(f"the answer is {what} (HTTP {answer.status})") from None
    return body


def describe_interceptor(answer: Answer) -> str:
    """Describe who answered in place of the API; empty if it may have been the API.

    Twilio's API answers no request with a redirect, and refuses none with an HTML page. A server error or a 429 with
    such a page may come from its own load balancers, and a success is judged by `parse_body`.
    """
    subject = "a proxy or captive portal answered instead of Twilio"
    if 300 <= answer.status < FIRST_ERROR:
        return f"{subject}, with a redirect (HTTP {answer.status}){_target(answer.headers.get('Location', ''))}"
    if answer.status == _PROXY_LOGIN:
        return "the proxy requires a user name and password (HTTP 407); set them in HTTPS_PROXY"
    if answer.status == _NETWORK_LOGIN:
        return "the network requires a login (HTTP 511); open any page in a browser to log in"
    if FIRST_ERROR <= answer.status < _FIRST_SERVER_ERROR and answer.status != TOO_MANY_REQUESTS and _is_html(answer):
        return f"{subject}, with an HTML page (HTTP {answer.status})"
    return ""


def refusal_of(method: str, path: str, answer: Answer, redact: Redaction) -> Refusal:
    """Read the API's refusal.

    Args:
        method: the HTTP verb of the request.
        path: its path and query.
        answer: the answer, with an error status; its body may be anything.
        redact: removes secrets, because the API may repeat what it was sent.
    """
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        body = None
    fields: dict[str, Any] = body if isinstance(body, dict) else {}
    code = fields.get("code")

    def text(value: object) -> str:
        return redact(value[:LONGEST_MESSAGE]) if isinstance(value, str) else ""

    return Refusal(
        method=method,
        path=redact(path),
        status=answer.status,
        code=code if type(code) is int and 0 <= code < _MOST_CODES else answer.status,
        message=text(fields.get("message")) or text(answer.reason) or "no message",
        more_info=text(fields.get("more_info")),
        request_id=text(answer.request_id),
    )


def is_not_found(error: ApiError) -> bool:
    """Return whether the API answered that the resource does not exist (404)."""
    return isinstance(error, Refused) and error.refusal.status == _NOT_FOUND


def _target(location: str) -> str:
    """Describe the target of a redirect: only scheme and host, since the rest may contain secrets."""
    try:
        parts = urlsplit(location.strip())
        host = parts.hostname or ""
    except ValueError:
        return ""
    if not host:
        return ""
    return f" to {parts.scheme + '://' if parts.scheme else '//'}{host}"


def _is_html(answer: Answer) -> bool:
    media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return media_type in {"text/html", "application/xhtml+xml"} or answer.body.lstrip()[:1] == b"<"


def _reject_constant(word: str) -> Json:
    """Reject NaN and Infinity, which Python accepts and JSON does not have."""
    raise ValueError(word)
