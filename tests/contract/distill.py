"""Distils Twilio's OpenAPI description of Conversations v1 into the emulator's contract.

Takes the description (YAML), gives ``contract.json``: paths, methods, parameters, success codes and response keys, as
facts. Sentences (descriptions, examples, titles) are never taken over, so nothing of the text is copied. Deterministic:
the same description gives the same bytes.

Run from the repository's root: ``python tests/contract/distill.py [DESCRIPTION.yaml]``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

import yaml

ROOT = Path(__file__).resolve().parents[2]
DESCRIPTION = ROOT.parent / "shared" / "openapi" / "twilio_conversations_v1.yaml"
CONTRACT = ROOT / "reconciler" / "emulator" / "contract.json"

METHODS = ("get", "post", "delete")
FORM = "application/x-www-form-urlencoded"
# What a schema says about a value that a machine can check. `nullable` is left out: the description says it of nearly
# every response key, so it tells nothing.
FACTS = ("type", "format", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum")

# A parsed YAML document has no static shape.
Node: TypeAlias = dict[str, Any]


def resolve(document: Node, schema: Node) -> Node:
    """The schema with what it refers to; its own keys win."""
    if "$ref" not in schema:
        return schema
    name = schema["$ref"].removeprefix("#/components/schemas/")
    return {**document["components"]["schemas"][name], **schema}


def facts(document: Node, schema: Node) -> Node:
    """The checkable facts of one value; of a list, those of its items and ``array``."""
    schema = resolve(document, schema)
    if schema.get("type") == "array":
        return {**facts(document, schema["items"]), "array": True}
    return {key: schema[key] for key in FACTS if key in schema}


def parameters(document: Node, operation: Node) -> list[Node]:
    """Every parameter of an operation, form fields included, sorted by place and name."""
    found = [
        {
            "name": item["name"],
            "in": item["in"],
            "required": bool(item.get("required")),
            **facts(document, item["schema"]),
        }
        for item in operation.get("parameters", ())
    ]
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"][FORM]["schema"]
        required = schema.get("required", ())
        found += [
            {"name": name, "in": "form", "required": name in required, **facts(document, value)}
            for name, value in schema["properties"].items()
        ]
    return sorted(found, key=lambda item: (item["in"], item["name"]))


def response(operation: Node) -> Node:
    """The success codes of an operation, its response schema's name, and the envelope key of a list."""
    codes = [int(code) for code in operation["responses"]]
    told: Node = {"success": codes, "schema": None, "envelope": None}
    for answer in operation["responses"].values():
        if "content" not in answer:
            continue
        schema = answer["content"]["application/json"]["schema"]
        if "$ref" not in schema:
            (told["envelope"],) = (key for key in schema["properties"] if key != "meta")
            schema = schema["properties"][told["envelope"]]["items"]
        told["schema"] = schema["$ref"].removeprefix("#/components/schemas/")
    return told


def distill(document: Node) -> Node:
    """The contract of a parsed description."""
    paths: Node = {}
    schemas: Node = {}
    for path, item in sorted(document["paths"].items()):
        for method in METHODS:
            if method not in item:
                continue
            told = response(item[method])
            name = told["schema"]
            if name is not None:
                properties = document["components"]["schemas"][name]["properties"]
                schemas[name] = {key: facts(document, value) for key, value in sorted(properties.items())}
            operation = {"parameters": parameters(document, item[method]), **told}
            paths.setdefault(path, {})[method.upper()] = operation
    return {"paths": paths, "schemas": dict(sorted(schemas.items()))}


def serialise(contract: Node) -> str:
    """The contract as the bytes that are committed: one line for each parameter and each response key."""
    lines = ["{", ' "paths": {']
    for path_at, (path, methods) in enumerate(contract["paths"].items()):
        lines.append(f"  {json.dumps(path)}: {{")
        for method_at, (method, operation) in enumerate(methods.items()):
            rest = {key: operation[key] for key in ("success", "schema", "envelope")}
            lines.append(f'   {json.dumps(method)}: {{"response": {json.dumps(rest)}, "parameters": [')
            lines += _separated(json.dumps(item) for item in operation["parameters"])
            lines.append("   ]}" + "," * (method_at + 1 < len(methods)))
        lines.append("  }" + "," * (path_at + 1 < len(contract["paths"])))
    lines += [" },", ' "schemas": {']
    for schema_at, (name, properties) in enumerate(contract["schemas"].items()):
        lines.append(f"  {json.dumps(name)}: {{")
        lines += _separated(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in properties.items())
        lines.append("  }" + "," * (schema_at + 1 < len(contract["schemas"])))
    return "\n".join([*lines, " }", "}", ""])


def _separated(items: Iterable[str]) -> list[str]:
    texts = [f"    {text}" for text in items]
    return [text + "," for text in texts[:-1]] + texts[-1:]


def read(path: Path) -> Node:
    """A description, parsed."""
    with path.open(encoding="utf-8") as stream:
        document: Node = yaml.load(stream, Loader=yaml.CSafeLoader)
    return document


if __name__ == "__main__":
    CONTRACT.write_text(
        serialise(distill(read(Path(sys.argv[1]) if len(sys.argv) > 1 else DESCRIPTION))), encoding="utf-8"
    )
    print(f"wrote {CONTRACT}")
