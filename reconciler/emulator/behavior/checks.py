"""Judgements that several families share: lengths, attributes, URLs, dates, filters, and what an empty value does.

Each takes the value with the error code of the family that asks, and gives the value to keep or raises ``ApiError``.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Literal
from urllib.parse import urlsplit

from reconciler.emulator.behavior.context import Context, read_date, write_date
from reconciler.emulator.errors import UNKNOWN_PARAMETER, ApiError, refused
from reconciler.emulator.store import Facts, Row

# Error dictionary.
ATTRIBUTES_TOO_LONG = 50303
ATTRIBUTES_NOT_JSON = 50304
NAME_TOO_LONG = 50003
BAD_DATE_CREATED = 50308
BAD_DATE_UPDATED = 50309


def text_of_length(text: str, name: str, most: int, code: int) -> str:
    """A text of at most so many characters."""
    if len(text) > most:
        raise refused(code, f"{name} is longer than {most} characters")
    return text


def friendly_name(text: str, most: int) -> str:
    """A friendly name of at most so many characters (error dictionary: 50003)."""
    return text_of_length(text, "FriendlyName", most, NAME_TOO_LONG)


def attributes(text: str, most: int) -> str:
    """Attributes: JSON, kept as the text that was sent (docs, limits; error dictionary: 50303, 50304).

    Any JSON value is taken, and an empty text is none (unverified: our decision; the docs ask for valid JSON only).
    """
    if len(text.encode()) > most:
        raise refused(ATTRIBUTES_TOO_LONG, f"Attributes are longer than {most} bytes")
    try:
        # NaN and Infinity are Python's own, no JSON.
        json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise refused(ATTRIBUTES_NOT_JSON, "Attributes are not valid JSON") from error
    return text


def _no_constant(name: str) -> None:
    raise ValueError(name)


def web_url(text: str, name: str, code: int, most: int | None = None) -> str:
    """An absolute http or https URL."""
    try:
        parts = urlsplit(text)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and not any(c.isspace() for c in text)
    except ValueError:
        good = False
    if not good:
        raise refused(code, f"{name} is not an absolute URL")
    return text if most is None else text_of_length(text, name, most, code)


def method(text: str, name: str, code: int) -> str:
    """GET or POST in any case, kept as sent."""
    if text.upper() not in {"GET", "POST"}:
        raise refused(code, f"{name} is neither GET nor POST: {text}")
    return text


def shown_method(context: Context, text: str | None) -> str | None:
    """A method in the spelling the rule asks for."""
    if text is None or context.rules.method_case == "as sent":
        return text
    return text.upper() if context.rules.method_case == "upper" else text.lower()


def shown_set(context: Context, values: Sequence[str]) -> list[str]:
    """Permissions or filters in the order the rule asks for."""
    match context.rules.set_order:
        case "as sent":
            return list(values)
        case "sorted":
            return sorted(values)
        case "reversed":
            return list(reversed(values))


def shown_text(context: Context, text: str | None) -> str | None:
    """A text that may have been cleared (then kept as ""), as the rule asks for."""
    return None if text == "" and context.rules.cleared_text == "null" else text


def filters(context: Context, values: Sequence[str], known: Collection[str], code: int) -> list[str]:
    """Webhook filters, each once, and each known at this place or taken as it is, by the rule."""
    unknown = [value for value in values if value not in known]
    if unknown and context.rules.unknown_filter == "refused":
        raise refused(code, f"Unknown webhook filters: {', '.join(unknown)}")
    return list(dict.fromkeys(values))


def set_dates(context: Context, facts: Facts) -> None:
    """Takes over DateCreated and DateUpdated, which are writable where this is called (OpenAPI)."""
    for name, key, code in (
        ("DateCreated", "date_created", BAD_DATE_CREATED),
        ("DateUpdated", "date_updated", BAD_DATE_UPDATED),
    ):
        text = context.args.text(name)
        if text is not None:
            try:
                facts[key] = write_date(read_date(text))
            except (ValueError, OverflowError) as error:
                raise refused(code, f"{name} is not an ISO 8601 date") from error


def emptied(reading: Literal["clears", "ignored", "refused"], refusal: ApiError) -> bool:
    """What an empty value does by a rule: whether it clears; False when it is ignored.

    Raises:
        ApiError: ``refusal``, when the rule refuses.
    """
    if reading == "refused":
        raise refusal
    return reading == "clears"


def role(context: Context, service: Row, name: str, kind: Literal["service", "conversation"], code: int) -> str | None:
    """The SID of a role that a parameter names; None when it was not sent.

    It must be a role of the service and of the right type, else 400 with the code that names what is missing (error
    dictionary: 50101, 50102, 50106; that they are the codes for a wrong type too is our decision).
    """
    sid = context.args.text(name)
    if sid is None:
        return None
    row = context.store.get("role", sid, service.sid)
    if row is None or row.facts["type"] != kind:
        raise refused(code, f"{name} is no {kind} role of the service {service.sid}: {sid}")
    return row.sid


def service_sid(context: Context, sid: str, name: str) -> str:
    """The SID of a service that a parameter names (error dictionary: 50050; the status is our decision)."""
    if context.store.get("service", sid) is None:
        raise refused(50050, f"{name} is no service of this account: {sid}")
    return sid


def refuse_inapplicable(context: Context, names: Collection[str], what: str) -> None:
    """Refuses, where the rule does so, parameters that are of no use for what the resource is."""
    useless = [name for name in names if name in context.args]
    if useless and context.rules.inapplicable == "refused":
        raise refused(UNKNOWN_PARAMETER, f"Parameters without use for {what}: {', '.join(useless)}")
