"""The schemas that editors use: whatever `validate` takes fits, and everything is explained and exemplified."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler import schema
from reconciler.config import load
from reconciler.errors import ConfigError
from reconciler.kinds import KINDS
from reconciler.schema import configuration
from tests.config.memory import MemorySources
from tests.config.strategies import Written, configs
from tests.config.test_config_properties import SCALARS
from tests.editors.core_yaml import read
from tests.properties.strategies import configurations, text

ROOT = Path(__file__).resolve().parents[2]
CONFIG = Draft202012Validator(configuration.config_schema())
OVERLAY = Draft202012Validator(configuration.overlay_schema())
EVERY_FILE = sorted((ROOT / "examples").rglob("*.yaml"))


def errors(document: Any, validator: Draft202012Validator = CONFIG) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


# --- nothing that is right is called wrong ---------------------------------------------------------------------------


@settings(max_examples=30)
@given(configurations())
def test_every_configuration_fits(root: dict[str, Any]) -> None:
    assert errors(read(text(root))) == []


@settings(max_examples=30)
@given(configs(pins=True))
def test_every_file_of_every_configuration_fits(written: Written) -> None:
    load(MemorySources(written.files, written.env))
    for name, content in written.files.items():
        assert errors(read(content)) == [], name


def _paths() -> list[tuple[str, ...]]:
    """Every place where the schema says something of a value, with a handle where one belongs."""
    found = [("version",), ("include",), ("variables", "a"), ("limits", "deletes"), ("prune",), ("approvals",)]
    found += [("unmanaged", "ignore"), ("environments", "a", "account_sid"), ("environments", "a", "overlays")]
    found += [("account", "sid"), ("services", "a", "template"), ("services", "a", "prune"), ("services", "a")]
    sections = {kind.name: kind for kind in KINDS}
    for kind in KINDS:
        above: tuple[str, ...] = ()
        parent = kind
        while True:
            above = (*parent.section, *(() if parent.singleton else ("a",)), *above)
            if parent.parent is None:
                break
            parent = sections[parent.parent]
        found += [(*above, *entry.path.split(".")) for entry in kind.fields]
        found += [(*above, "sensitive"), (*above, "lifecycle", "ignore_changes")]
        if not kind.singleton:
            found += [(*above, key) for key in ("sid", "absent", "renamed_from")]
            found += [(*above, "lifecycle", key) for key in ("prevent_destroy", "prevent_create")]
    return found


WRITTEN = (
    *(scalar for scalar in SCALARS if "unset" not in scalar and "anchor" not in scalar and scalar not in "'|[="),
    "[]", "{}", "[a, 1, yes]", "[1.5]", "yes", "'True'", "ON", "0", "3", "'3'", "+3", "1e3", "2024-01-01", "0x1F", ".5",
    "GET", "post", "studio", "trigger", "service", "sms", "telegram", "' pt90m '", "P1M", "PT5S", "HTTPS://x.example/y",
    "https://x.example/${var:a}", "ftp://x", "[type]", "[roles]", "{addresses: {match: x}}", "[{address: services.a}]",
    '{"a": 1}', "'{\"a\": 1}'", "RL0123456789abcdef0123456789ABCDEF", "FW0123456789abcdef0123456789abcdef",
    "MG0123456789abcdef0123456789abcdef",
)  # fmt: skip


def check_that_it_fits_when_it_is_valid(path: tuple[str, ...], value: str) -> None:
    inside = value
    for key in reversed(path):
        inside = f"{{{key}: {inside} }}"
    if path[0] != "version":
        inside = f"{{version: 1, {inside[1:]}"
    try:
        load(MemorySources({"reconciler.yaml": inside, "a": "text", "other.yaml": "{}"}, {"A": "1", "S": "x"}))
    except ConfigError as error:
        told = {problem.code for problem in error.problems if problem.severity == "error"}
        # What refers to nothing, or lacks something elsewhere, may be right where it stands.
        assume(told <= _ELSEWHERE)
    assert errors(read(inside)) == []
    assert errors(read(inside), OVERLAY) == [] or path[0] == "environments"


@settings(max_examples=200)
@given(st.sampled_from(_paths()), st.sampled_from(WRITTEN))
def test_whatever_stands_anywhere_fits_when_it_is_valid(path: tuple[str, ...], value: str) -> None:
    check_that_it_fits_when_it_is_valid(path, value)


@pytest.mark.slow
@settings(max_examples=5000)
@given(st.sampled_from(_paths()), st.sampled_from(WRITTEN))
def test_whatever_stands_anywhere_fits_when_it_is_valid_thoroughly(path: tuple[str, ...], value: str) -> None:
    check_that_it_fits_when_it_is_valid(path, value)


_ELSEWHERE = {"inconsistent", "unknown-reference", "prune-of-nothing", "unset-secret", "unset-environment"}


@pytest.mark.parametrize("path", EVERY_FILE, ids=lambda path: str(path.relative_to(ROOT / "examples")))
def test_every_example_fits_as_an_editor_reads_it(path: Path) -> None:
    is_overlay = "overlay" in path.read_text(encoding="utf-8").partition("\n")[0]
    assert errors(read(path.read_text(encoding="utf-8")), OVERLAY if is_overlay else CONFIG) == []


# --- overlays --------------------------------------------------------------------------------------------------------

UNSET = """
services:
  a: !unset
  b:
    friendly_name: !unset
    configuration: !unset
    webhooks: {method: !unset , filters: !unset , post_webhook_url: !unset }
    notifications: {new_message: {enabled: !unset , with_media: !unset }}
    roles: {c: !unset , d: {type: !unset , permissions: !unset , lifecycle: {ignore_changes: !unset }}}
    prune: !unset
account: {configuration: {default_closed_timer: !unset , default_messaging_service_sid: !unset }}
variables: {x: !unset }
limits: {deletes: !unset }
"""


def test_an_overlay_may_take_anything_out_and_other_files_may_not() -> None:
    assert errors(read(UNSET), OVERLAY) == []
    found = errors(read(UNSET))
    assert "$.services.a: '' is not of type 'object', 'null'" in found
    assert len(found) == 15


def test_what_is_wrong_is_wrong_in_an_overlay_too() -> None:
    found = errors(read("{services: {a: {roles: {b: {type: other}}, webhook: {}}}}"), OVERLAY)
    assert [error.partition(":")[0] for error in found] == ["$.services.a.roles.b.type", "$.services.a"]


# --- everything is explained -----------------------------------------------------------------------------------------


def properties(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every property of a schema, however deep it stands, with where it is."""
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from properties(item, f"{path}/{index}")
    elif isinstance(node, dict):
        for key, value in node.get("properties", {}).items():
            yield f"{path}/{key}", value
        for key, value in node.items():
            if key not in {"examples", "defaultSnippets", "enum"}:
                yield from properties(value, f"{path}/{key}")


@pytest.mark.parametrize("name", ["config", "overlay"])
def test_every_property_has_a_description_and_every_value_an_example(name: str) -> None:
    made = schema.SCHEMAS[name]()
    seen = 0
    for path, node in properties(made):
        seen += 1
        inner = node["anyOf"][0] if name == "overlay" and "anyOf" in node else node
        told = node | (made["$defs"][inner["$ref"].rsplit("/", 1)[-1]] if "$ref" in inner else inner)
        assert told.get("description", "").endswith((".", "-resource", "`")), path
        is_mapping = "properties" in told or "additionalProperties" in told
        assert is_mapping or told.get("examples"), path
    assert seen > 150


def test_every_example_in_the_schema_is_right() -> None:
    made = configuration.config_schema()
    for path, node in properties(made):
        for example in node.get("examples", ()):
            inner = {"$defs": made["$defs"], **node}
            assert Draft202012Validator(inner).is_valid(example), f"{path}: {example!r}"


def test_every_snippet_is_right_once_it_is_filled_in() -> None:
    made = configuration.config_schema()
    snippets = [
        (where, snippet, made["$defs"])
        for where, node in properties(made)
        for snippet in node.get("defaultSnippets", ())
    ]
    assert {snippet["label"] for _, snippet, _ in snippets} == {
        "new template", "new environment", "new service", "new role", "new user", "new conversation",
        "new participant", "new conversation webhook", "new address", "new credential",
    }  # fmt: skip
    for where, snippet, definitions in snippets:
        node = next(node for path, node in properties(made) if path == where)
        inner = {"$defs": definitions, **node}
        assert Draft202012Validator(inner).is_valid(filled(snippet["body"])), snippet


def filled(body: Any) -> Any:
    """A snippet as it stands when nobody types anything: the first choice, or the text that is to be written over."""
    if isinstance(body, dict):
        return {filled(key): filled(value) for key, value in body.items()}
    if isinstance(body, list):
        return [filled(item) for item in body]
    if isinstance(body, str) and body.startswith("${"):
        inner = body[3:-1]
        return (inner[1:].split(",")[0].rstrip("|") if inner[0] == "|" else inner[1:]).replace("\\", "")
    return body
