"""The API's contract: paths, methods, parameters, success codes, and response keys.

Takes ``contract.json`` (distilled from Twilio's OpenAPI description); returns typed, frozen values and finds the
operation of a path. It has only facts of the description; where Twilio behaves differently, `behavior` does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pkgutil import get_data
from typing import Any, Literal, NamedTuple
from urllib.parse import unquote

Place = Literal["path", "query", "header", "form"]
Method = Literal["GET", "POST", "DELETE"]

SERVICE_PREFIX = "/v1/Services/{ChatServiceSid}/"


class Fact(NamedTuple):
    """The type of one value, and what it must match."""

    type: str | None
    array: bool = False
    format: str | None = None
    enum: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None
    max_length: int | None = None
    minimum: int | None = None


class Parameter(NamedTuple):
    """A parameter of an operation, and where it is sent."""

    name: str
    place: Place
    required: bool
    fact: Fact


class Operation(NamedTuple):
    """An operation: one method of one path.

    Attributes:
        path: The path with its placeholders, as in the description.
        method: The HTTP method.
        parameters: Parameters by place and name.
        success: The success codes, the usual one first.
        response: The keys that a response (or an item of a list) may have; None without a body.
        envelope: The key of a list's items; None if the operation does not return a list.
    """

    path: str
    method: Method
    parameters: Mapping[Place, Mapping[str, Parameter]]
    success: tuple[int, ...]
    response: Mapping[str, Fact] | None
    envelope: str | None

    @property
    def is_update(self) -> bool:
        """Whether the operation updates an existing resource (a POST with status 200)."""
        return self.method == "POST" and self.success[0] == 200


@dataclass
class _Node:
    """A node of the path tree: the segments that may follow, and the path that ends here."""

    literals: dict[str, _Node] = field(default_factory=dict)
    placeholder: _Node | None = None
    path: str | None = None
    names: tuple[str, ...] = ()


class Match(NamedTuple):
    """An existing path with the decoded values of its placeholders and its operations."""

    path: str
    values: Mapping[str, str]
    operations: Mapping[str, Operation]


class Contract:
    """Every operation of the API.

    Args:
        document: The parsed ``contract.json``.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        schemas = {
            name: {key: _fact(value) for key, value in properties.items()}
            for name, properties in document["schemas"].items()
        }
        self.operations: dict[str, dict[str, Operation]] = {
            path: {method: _operation(path, method, operation, schemas) for method, operation in methods.items()}
            for path, methods in document["paths"].items()
        }
        self._root = _Node()
        for path in self.operations:
            self._plant(path)

    def _plant(self, path: str) -> None:
        node, names = self._root, []
        for segment in path.strip("/").split("/"):
            if segment.startswith("{"):
                names.append(segment[1:-1])
                node.placeholder = node = node.placeholder or _Node()
            else:
                node = node.literals.setdefault(segment, _Node())
        node.path, node.names = path, tuple(names)

    def match(self, raw_path: str) -> Match | None:
        """Find the operations of a requested path; None if there is no such path.

        Args:
            raw_path: The path as sent, percent-encoded, because an identity may contain an encoded slash.
        """
        node, values = self._root, []
        for segment in raw_path.removeprefix("/").split("/"):
            text = unquote(segment)
            if text in node.literals:
                node = node.literals[text]
            elif node.placeholder is not None and text:
                values.append(text)
                node = node.placeholder
            else:
                return None
        if node.path is None:
            return None
        return Match(node.path, dict(zip(node.names, values, strict=True)), self.operations[node.path])


def _operation(
    path: str, method: Any, description: Mapping[str, Any], schemas: Mapping[str, Mapping[str, Fact]]
) -> Operation:
    parameters: dict[Place, dict[str, Parameter]] = {"path": {}, "query": {}, "header": {}, "form": {}}
    for item in description["parameters"]:
        place: Place = item["in"]
        parameters[place][item["name"]] = Parameter(item["name"], place, item["required"], _fact(item))
    response = description["response"]
    return Operation(
        path=path,
        method=method,
        parameters=parameters,
        success=tuple(response["success"]),
        response=schemas[response["schema"]] if response["schema"] else None,
        envelope=response["envelope"],
    )


def _fact(description: Mapping[str, Any]) -> Fact:
    pattern = description.get("pattern")
    return Fact(
        type=description.get("type"),
        array=description.get("array", False),
        format=description.get("format"),
        enum=tuple(description.get("enum", ())),
        # `$` would accept a line break at the end.
        pattern=re.compile(pattern.removesuffix("$") + r"\Z") if pattern else None,
        max_length=description.get("maxLength"),
        minimum=description.get("minimum"),
    )


@cache
def load() -> Contract:
    """Return the contract in the package, which is read once."""
    text = get_data(__package__, "contract.json")
    assert text is not None
    return Contract(json.loads(text))
