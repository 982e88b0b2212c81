"""Descriptions of the API that a machine can test against: our contract as OpenAPI, and Twilio's own with errors.

Twilio's description tells no error response, so both get ours: every 4xx has the body of an error. Ours is the stricter
of the two: a response has all of the contract's keys and no others.
"""

from __future__ import annotations

from typing import Any

from tests.contract import distill
from tests.contract.distill import FACTS, FORM, Node

ERROR: Node = {
    "type": "object",
    "required": ["code", "message", "more_info", "status"],
    "additionalProperties": False,
    "properties": {
        "code": {"type": "integer", "minimum": 20000, "maximum": 59999},
        "message": {"type": "string", "minLength": 1},
        "more_info": {"type": "string", "pattern": r"^https://www\.twilio\.com/docs/errors/[0-9]{5}$"},
        "status": {"type": "integer", "minimum": 400, "maximum": 499},
    },
}
_PAGE: Node = {
    "type": "object",
    "additionalProperties": False,
    "required": ["page", "page_size", "first_page_url", "previous_page_url", "url", "next_page_url", "key"],
    "properties": {
        "page": {"type": "integer", "minimum": 0},
        "page_size": {"type": "integer", "minimum": 1, "maximum": 100},
        "key": {"type": "string"},
        "first_page_url": {"type": "string"},
        "url": {"type": "string"},
        "previous_page_url": {"type": "string", "nullable": True},
        "next_page_url": {"type": "string", "nullable": True},
    },
}


def with_errors(document: Node) -> Node:
    """A description whose operations may also answer with an error; the one given is changed."""
    document["components"].setdefault("schemas", {})["error"] = ERROR
    for item in document["paths"].values():
        for method, operation in item.items():
            if method in distill.METHODS:
                operation["responses"]["4XX"] = _answer("an error", {"$ref": "#/components/schemas/error"})
    return document


def from_contract(contract: Node) -> Node:
    """The committed contract as an OpenAPI document."""
    schemas = {
        name: {
            "type": "object",
            "required": list(properties),
            "additionalProperties": False,
            "properties": {key: {**_schema(fact), "nullable": True} for key, fact in properties.items()},
        }
        for name, properties in contract["schemas"].items()
    }
    paths = {
        path: {method.lower(): _operation(told) for method, told in methods.items()}
        for path, methods in contract["paths"].items()
    }
    return with_errors(
        {
            "openapi": "3.0.3",
            "info": {"title": "contract", "version": "1"},
            "paths": paths,
            "components": {"schemas": schemas},
        }
    )


def _operation(told: Node) -> Node:
    parameters = told["parameters"]
    form = [item for item in parameters if item["in"] == "form"]
    operation: Node = {
        "parameters": [
            {
                "name": item["name"],
                "in": item["in"],
                "required": item["required"],
                "schema": _schema(item),
                # A list in a query is its key repeated.
                **({"style": "form", "explode": True} if item["in"] == "query" else {}),
            }
            for item in parameters
            if item["in"] != "form"
        ],
        "responses": _responses(told["response"]),
    }
    if form:
        schema = {
            "type": "object",
            "required": [item["name"] for item in form if item["required"]],
            "properties": {item["name"]: _schema(item) for item in form},
        }
        operation["requestBody"] = {"content": {FORM: {"schema": schema}}}
    return operation


def _responses(told: Node) -> Node:
    if told["schema"] is None:
        return {str(status): {"description": "done"} for status in told["success"]}
    schema: Node = {"$ref": f"#/components/schemas/{told['schema']}"}
    if told["envelope"] is not None:
        schema = {
            "type": "object",
            "required": ["meta", told["envelope"]],
            "additionalProperties": False,
            "properties": {"meta": _PAGE, told["envelope"]: {"type": "array", "items": schema}},
        }
    return {str(status): _answer("done", schema) for status in told["success"]}


def _answer(description: str, schema: Node) -> Node:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _schema(fact: Node) -> Node:
    schema: dict[str, Any] = {key: fact[key] for key in FACTS if key in fact}
    return {"type": "array", "items": schema} if fact.get("array") else schema
