"""Parameters of a request, checked against the contract of its operation.

Takes query and form as they were sent; returns typed values by parameter name, or the error that Twilio would respond
with. Only the contract is checked here; the resource's behavior checks what a value means.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from reconciler.emulator.contract import Operation, Parameter
from reconciler.emulator.errors import UNKNOWN_PARAMETER, ApiError, refused

Sent = Mapping[str, Sequence[str]]
Value = str | bool | int | list[str]

# OpenAPI (securitySchemes aside, the only body any operation takes).
FORM_TYPE = "application/x-www-form-urlencoded"
# Unverified, our decision: far above the largest documented value (16 KB of attributes).
MAXIMUM_BODY_BYTES = 1024 * 1024

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}\Z")


@dataclass(frozen=True, slots=True)
class Faults:
    """The errors of a family for parameters that violate the contract.

    Attributes:
        missing: Code for a missing required parameter; 20001 if the family has no code of its own.
        invalid: Code for a malformed value; 20001 likewise.
        may_be_empty: Parameters whose empty value is accepted although the contract's form does not allow it.
        own: Parameters whose values the family checks itself, because the contract's enum is too narrow.
        as_sent: Enums that keep the spelling that was sent.
    """

    missing: Mapping[str, int] = field(default_factory=dict)
    invalid: Mapping[str, int] = field(default_factory=dict)
    may_be_empty: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    as_sent: frozenset[str] = frozenset()


class Arguments:
    """Typed values of a request, by parameter name.

    Args:
        values: The parameters that were sent.
    """

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __bool__(self) -> bool:
        return bool(self._values)

    def text(self, name: str) -> str | None:
        """Return a text as sent, or an enum in the contract's spelling; None if it was not sent."""
        value = self._values.get(name)
        assert value is None or isinstance(value, str)
        return value

    def flag(self, name: str) -> bool | None:
        """Return a boolean; None if it was not sent."""
        value = self._values.get(name)
        assert value is None or isinstance(value, bool)
        return value

    def number(self, name: str) -> int | None:
        """Return an integer; None if it was not sent."""
        value = self._values.get(name)
        assert value is None or (isinstance(value, int) and not isinstance(value, bool))
        return value

    def texts(self, name: str) -> list[str] | None:
        """Return the non-empty values of a repeated key; None if the key was not sent."""
        value = self._values.get(name)
        assert value is None or isinstance(value, list)
        return value


def read_pairs(text: str) -> dict[str, list[str]]:
    """Parse a query or form into keys with their values, in the order sent.

    Raises:
        ApiError: The decoded text is not UTF-8.
    """
    pairs: dict[str, list[str]] = {}
    try:
        for name, value in parse_qsl(text, keep_blank_values=True, errors="strict"):
            pairs.setdefault(name, []).append(value)
    except UnicodeDecodeError as error:
        raise refused(UNKNOWN_PARAMETER, "The parameters are not UTF-8.") from error
    return pairs


def read_form(content_type: str | None, body: bytes) -> dict[str, list[str]]:
    """Parse a request's body into keys and values.

    Raises:
        ApiError: The body is too large, is not a form, or has another content type.
    """
    if len(body) > MAXIMUM_BODY_BYTES:
        raise ApiError(413, UNKNOWN_PARAMETER, f"The body is larger than {MAXIMUM_BODY_BYTES} bytes.")
    if not body:
        return {}
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type != FORM_TYPE:
        raise ApiError(415, UNKNOWN_PARAMETER, f"The body must be {FORM_TYPE}, not {media_type or 'of unknown type'}.")
    try:
        return read_pairs(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise refused(UNKNOWN_PARAMETER, "The body is not UTF-8.") from error


def judge(
    operation: Operation,
    faults: Faults,
    query: Sent,
    form: Sent,
    headers: Mapping[str, str],
    *,
    refuse_unknown: bool = False,
) -> Arguments:
    """Check a request's parameters and return them with their types.

    Only the first wrong parameter is reported, unknown ones before all others, as Twilio does.

    Args:
        operation: The requested operation.
        faults: The errors of its family.
        query: Keys and values of the query.
        form: Keys and values of the body.
        headers: Headers of the request, names in lower case.
        refuse_unknown: Whether an unknown parameter is an error; otherwise it is ignored.

    Raises:
        ApiError: A parameter is missing or malformed, or is unknown and such parameters are refused.
    """
    known = {**operation.parameters["query"], **operation.parameters["form"]}
    if refuse_unknown:
        _refuse_unknown(operation, query, form)
    values: dict[str, Value] = {}
    for parameters, sent_there in ((operation.parameters["query"], query), (operation.parameters["form"], form)):
        for name, sent in sent_there.items():
            if name in parameters:
                values[name] = _value(parameters[name], sent, faults)
    for name, parameter in known.items():
        # An empty value of a required parameter counts as missing.
        if parameter.required and not values.get(name):
            code = faults.missing.get(name, UNKNOWN_PARAMETER)
            raise refused(code, f"Missing required parameter {name} in the post body")
    for name, parameter in operation.parameters["header"].items():
        sent_header = headers.get(name.lower())
        if sent_header is not None and sent_header.lower() not in parameter.fact.enum:
            raise refused(UNKNOWN_PARAMETER, f"Invalid value of the header {name}: {sent_header}")
    return Arguments(values)


def _refuse_unknown(operation: Operation, query: Sent, form: Sent) -> None:
    unknown = [name for name in query if name not in operation.parameters["query"]]
    unknown += [name for name in form if name not in operation.parameters["form"]]
    if unknown:
        raise refused(UNKNOWN_PARAMETER, f"Unknown parameters: {', '.join(unknown)}")


def _value(parameter: Parameter, sent: Sequence[str], faults: Faults) -> Value:
    fact = parameter.fact
    if fact.array:
        # Unverified, our decision: empty values of a repeated key are ignored, so a single one is an empty list.
        return [_text(parameter, text, faults) for text in sent if text]
    # Unverified, our decision: the last value of a duplicate key wins.
    text = sent[-1]
    if fact.type == "boolean":
        if text.lower() not in {"true", "false"}:
            raise _invalid(parameter, text, faults)
        return text.lower() == "true"
    if fact.type == "integer":
        return _integer(parameter, text, faults)
    return _text(parameter, text, faults)


def _integer(parameter: Parameter, text: str, faults: Faults) -> int:
    if not _INTEGER.match(text):
        raise _invalid(parameter, text, faults)
    value = int(text)
    # The description's maximum of PageSize (1000) is not the lists' own; see paging.
    if parameter.fact.minimum is not None and value < parameter.fact.minimum:
        raise _invalid(parameter, text, faults)
    return value


def _text(parameter: Parameter, text: str, faults: Faults) -> str:
    fact = parameter.fact
    if parameter.name in faults.own:
        return text
    if not text and (parameter.name in faults.may_be_empty or parameter.required):
        return text
    if fact.enum:
        spelling = {item.lower(): item for item in fact.enum}
        # Enums are accepted in any case (the 2026 description's examples).
        if text.lower() not in spelling:
            raise _invalid(parameter, text, faults)
        return text if parameter.name in faults.as_sent else spelling[text.lower()]
    if fact.pattern is not None and not fact.pattern.match(text):
        raise _invalid(parameter, text, faults)
    return text


def _invalid(parameter: Parameter, text: str, faults: Faults) -> ApiError:
    code = faults.invalid.get(parameter.name, UNKNOWN_PARAMETER)
    return refused(code, f"Invalid value of {parameter.name}: {text}")
