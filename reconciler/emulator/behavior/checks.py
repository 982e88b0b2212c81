"""Checks that several families share: lengths, attributes, URLs, dates, filters, and empty values.

Each takes the value and the family's error code, and returns the value to store or raises ``ApiError``.
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
    """Check the length of a text in characters."""
    if len(text) > most:
        raise refused(code, f"{name} is longer than {most} characters")
    return text


def friendly_name(text: str, most: int) -> str:
    """Check the length of a friendly name in characters (error dictionary: 50003)."""
    return text_of_length(text, "FriendlyName", most, NAME_TOO_LONG)


def attributes(text: str, most: int) -> str:
    """Check attributes: JSON, stored as the text that was sent (docs, limits; error dictionary: 50303, 50304).

    Any JSON value is accepted, but not an empty text (unverified: our decision; the docs require valid JSON only).
    """
    if len(text.encode()) > most:
        raise refused(ATTRIBUTES_TOO_LONG, f"Attributes are longer than {most} bytes")
    try:
        # NaN and Infinity are Python's, not JSON.
        json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise refused(ATTRIBUTES_NOT_JSON, "Attributes are not valid JSON") from error
    return text


def _no_constant(name: str) -> None:
    raise ValueError(name)


def web_url(text: str, name: str, code: int, most: int | None = None) -> str:
    """Check that a value is an absolute http or https URL."""
    try:
        parts = urlsplit(text)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and not any(c.isspace() for c in text)
    except ValueError:
        good = False
    if not good:
        raise refused(code, f"{name} is not an absolute URL")
    return text if most is None else text_of_length(text, name, most, code)


def method(text: str, name: str, code: int) -> str:
    """Check that a method is GET or POST in any case; it is stored as sent."""
    if text.upper() not in {"GET", "POST"}:
        raise refused(code, f"{name} is neither GET nor POST: {text}")
    return text


def shown_method(context: Context, text: str | None) -> str | None:
    """Return a method in the spelling of the rule."""
    if text is None or context.rules.method_case == "as sent":
        return text
    return text.upper() if context.rules.method_case == "upper" else text.lower()


def shown_set(context: Context, values: Sequence[str]) -> list[str]:
    """Return permissions or filters in the order of the rule."""
    match context.rules.set_order:
        case "as sent":
            return list(values)
        case "sorted":
            return sorted(values)
        case "reversed":
            return list(reversed(values))


def shown_text(context: Context, text: str | None) -> str | None:
    """Return a text that may have been cleared (then stored as "") as the rule says."""
    return None if text == "" and context.rules.cleared_text == "null" else text


def filters(context: Context, values: Sequence[str], known: Collection[str], code: int) -> list[str]:
    """Check webhook filters: without duplicates, and known at this place unless the rule accepts others."""
    unknown = [value for value in values if value not in known]
    if unknown and context.rules.unknown_filter == "refused":
        raise refused(code, f"Unknown webhook filters: {', '.join(unknown)}")
    return list(dict.fromkeys(values))


def set_dates(context: Context, facts: Facts) -> None:
    """Apply DateCreated and DateUpdated, which are writable where this is called (OpenAPI)."""
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
    """Return whether an empty value clears by a rule; False if it is ignored.

    Raises:
        ApiError: ``refusal``, if the rule refuses it.
    """
    if reading == "refused":
        raise refusal
    return reading == "clears"


def role(context: Context, service: Row, name: str, kind: Literal["service", "conversation"], code: int) -> str | None:
    """Return the SID of the role in a parameter; None if it was not sent.

    It must be a role of the service and of the required type, else 400 with the code for the missing role (error
    dictionary: 50101, 50102, 50106; that a wrong type has the same codes is our decision).
    """
    sid = context.args.text(name)
    if sid is None:
        return None
    row = context.store.get("role", sid, service.sid)
    if row is None or row.facts["type"] != kind:
        raise refused(code, f"{name} is not a {kind} role of the service {service.sid}: {sid}")
    return row.sid


def service_sid(context: Context, sid: str, name: str) -> str:
    """Return the SID of the service in a parameter (error dictionary: 50050; the status is our decision)."""
    if context.store.get("service", sid) is None:
        raise refused(50050, f"{name} is not a service of this account: {sid}")
    return sid


def refuse_inapplicable(context: Context, names: Collection[str], what: str) -> None:
    """Refuse parameters that the resource does not use, if the rule says so."""
    useless = [name for name in names if name in context.args]
    if useless and context.rules.inapplicable == "refused":
        raise refused(UNKNOWN_PARAMETER, f"Parameters that are not used for {what}: {', '.join(useless)}")
