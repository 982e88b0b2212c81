"""The API's contract: paths, methods, parameters, success codes and response keys.

Takes ``contract.json`` (distilled from Twilio's OpenAPI description), gives typed, frozen values and finds the
operation of a path. Facts of the description only: where Twilio behaves otherwise, that is behavior's business.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Literal
from urllib.parse import unquote

Place = Literal["path", "query", "header", "form"]
Method = Literal["GET", "POST", "DELETE"]

SERVICE_PREFIX = "/v1/Services/{ChatServiceSid}/"


@dataclass(frozen=True, slots=True)
class Fact:
    """What is known of one value: its type and what it must match."""

    type: str | None
    array: bool = False
    format: str | None = None
    enum: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None
    max_length: int | None = None
    minimum: int | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an operation and the place it is sent in."""

    name: str
    place: Place
    required: bool
    fact: Fact


@dataclass(frozen=True)
class Operation:
    """One method of one path.

    Attributes:
        path: the path with its placeholders, as the description writes it.
        method: the HTTP method.
        parameters: by place, by name.
        success: the success codes, the ordinary one first.
        response: the keys a response (or an item of a list) may have; None where there is no body.
        envelope: the key of a list's items; None where the operation gives no list.
    """

    path: str
    method: Method
    parameters: Mapping[Place, Mapping[str, Parameter]]
    success: tuple[int, ...]
    response: Mapping[str, Fact] | None
    envelope: str | None

    @property
    def is_update(self) -> bool:
        """Whether it changes what is there already (a POST that answers 200)."""
        return self.method == "POST" and self.success[0] == 200


@dataclass
class _Node:
    """One segment of the paths: what may follow it, and the path that ends here."""

    literals: dict[str, _Node] = field(default_factory=dict)
    placeholder: _Node | None = None
    path: str | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """A path that exists, its placeholders' values (decoded) and its operations."""

    path: str
    values: Mapping[str, str]
    operations: Mapping[str, Operation]


class Contract:
    """Every operation of the API.

    Args:
        document: the parsed ``contract.json``.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        schemas = {
            name: {key: _fact(value) for key, value in properties.items()}
            for name, properties in document["schemas"].items()
        }
        self.operations: dict[str, dict[str, Operation]] = {
            path: {method: _operation(path, method, told, schemas) for method, told in methods.items()}
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
        """The operations of a requested path; None when there is no such path.

        Args:
            raw_path: the path as sent, still percent-encoded (an identity may hold an encoded slash).
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


def _operation(path: str, method: Any, told: Mapping[str, Any], schemas: Mapping[str, Mapping[str, Fact]]) -> Operation:
    parameters: dict[Place, dict[str, Parameter]] = {"path": {}, "query": {}, "header": {}, "form": {}}
    for item in told["parameters"]:
        place: Place = item["in"]
        parameters[place][item["name"]] = Parameter(item["name"], place, item["required"], _fact(item))
    response = told["response"]
    return Operation(
        path=path,
        method=method,
        parameters=parameters,
        success=tuple(response["success"]),
        response=schemas[response["schema"]] if response["schema"] else None,
        envelope=response["envelope"],
    )


def _fact(told: Mapping[str, Any]) -> Fact:
    pattern = told.get("pattern")
    return Fact(
        type=told.get("type"),
        array=told.get("array", False),
        format=told.get("format"),
        enum=tuple(told.get("enum", ())),
        # `$` would let a line break at the end pass.
        pattern=re.compile(pattern.removesuffix("$") + r"\Z") if pattern else None,
        max_length=told.get("maxLength"),
        minimum=told.get("minimum"),
    )


@cache
def load() -> Contract:
    """The contract that comes with the package, read once."""
    text = resources.files(__package__).joinpath("contract.json").read_text(encoding="utf-8")
    return Contract(json.loads(text))
