"""What holds for every input: no exception but ConfigError, and a meaning that the files' layout cannot change."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.config import load
from reconciler.errors import ConfigError
from reconciler.kinds import BY_NAME
from tests.config.memory import MemorySources
from tests.config.strategies import ENV, Written, configs, documents, dumped, in_files, shuffled

KEYS = (
    "version", "include", "account", "services", "addresses", "templates", "variables", "environments", "prune",
    "limits", "approvals", "unmanaged", "sid", "configuration", "webhooks", "roles", "notifications", "new_message",
    "with_media", "friendly_name", "type", "permissions", "absent", "renamed_from", "lifecycle", "sensitive",
    "ignore_changes", "prevent_destroy", "template", "a", "match", "except", "address", "auto_creation", "service",
    "default_service", "account_sid", "overlays", "deletes", "ignore", "action", "filters", "enabled", "x-1",
    "<<",
)  # fmt: skip
SCALARS = (
    "1", "a", "null", "~", "", "true", "${var:a}", "${env:A:-${var:b}}", "${secret:S}", "${file:a}", "$${env:A}", "${",
    "AC0123456789abcdef0123456789abcdef", "IS0123456789abcdef0123456789abcdef", "default", "other.yaml", "*.yaml",
    "PT1H", "conversation", "sendMessage", "services.a", "!unset", "*anchor", "&anchor a", "!!int 5", "'", "|", "[",
    "é",
)  # fmt: skip


def outcome(files: dict[str, Any], **options: Any) -> None:
    """Loading gives a configuration or a ConfigError with problems that point into the files."""
    try:
        problems = load(MemorySources(files, {"A": "1", "S": "hunter2"}), **options).warnings
        expected = {"warning"}
    except ConfigError as error:
        problems, expected = error.problems, {"error", "warning"}
    assert {problem.severity for problem in problems} <= expected
    assert "hunter2" not in str(problems)
    keys = [(problem.code, problem.message, problem.place) for problem in problems]
    assert len(keys) == len(set(keys))


@settings(max_examples=300)
@given(st.binary(max_size=200))
@example(b"\xef\xbb\xbfversion: 1")
@example(b"%YAML 9.9\n---\na: 1")
@example(b'a: "\\UFFFFFFFF"')
@example(b'a: "\\ud800"')
@example(b"? [a]: b\n: c")
@example(b"<<: [[a]]")
@example(b"&a *a")
@example(b"- " * 200)
def test_any_bytes_are_a_configuration_or_a_config_error(data: bytes) -> None:
    outcome({"reconciler.yaml": data})


@settings(max_examples=50)
@given(st.binary(max_size=100))
@example(b'a: "\\UFFFFFFFF"')
@example(b"%YAML 99999999999999999999.1\n---\na: 1")
def test_any_bytes_without_the_c_parser(data: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(yaml, "CBaseLoader", raising=False)
        outcome({"reconciler.yaml": data})


def _trees() -> st.SearchStrategy[str]:
    """Flow mappings and lists of words that mean something, put together without sense."""
    scalars = st.sampled_from(SCALARS)

    def around(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        pairs = st.lists(st.tuples(st.sampled_from(KEYS), inner), max_size=5)
        return st.one_of(
            pairs.map(lambda found: "{" + " , ".join(f"{key}: {value}" for key, value in found) + " }"),
            st.lists(inner, max_size=4).map(lambda found: "[" + " , ".join(found) + " ]"),
        )

    return st.recursive(scalars, around, max_leaves=25)


@settings(max_examples=80)
@given(
    root=st.lists(st.tuples(st.sampled_from(KEYS), _trees()), max_size=6),
    other=st.lists(st.tuples(st.sampled_from(KEYS), _trees()), max_size=4),
    allow_unset=st.booleans(),
)
def test_known_words_in_any_order_are_a_configuration_or_a_config_error(
    root: list[tuple[str, str]], other: list[tuple[str, str]], *, allow_unset: bool
) -> None:
    text = {"reconciler.yaml": root, "other.yaml": other}
    files = {path: "\n".join(f"{key}: {value}" for key, value in pairs) for path, pairs in text.items()}
    outcome(files, environment="a", overlays=["other.yaml"], variables={"b": "1"}, allow_unset=allow_unset)


@settings(max_examples=30)
@given(configs(pins=True))
def test_a_valid_configuration_loads(written: Written) -> None:
    config = load(MemorySources(written.files, written.env))
    services = written.document.get("services", {})
    assert [item.address.parts[1] for item in config.collection(BY_NAME["service"], None)] == sorted(services)
    # What is drawn may be unusual text, which is a warning whatever it is.
    expected = {
        "blank-at-end", "doubtful-length", "invisible-character", "json-spelling", "obsolete-type", "similar-names",
        "unfilled-placeholder", "unnormalized-name", "unusual-address", "unusual-key", "url-structure",
    }  # fmt: skip
    assert [problem for problem in config.warnings if problem.code not in expected] == []


@settings(max_examples=20)
@given(st.data())
def test_order_and_files_do_not_change_what_a_configuration_means(data: st.DataObject) -> None:
    document = data.draw(documents(pins=True))
    one = load(MemorySources({"reconciler.yaml": dumped(document)}, ENV))
    reordered = data.draw(shuffled(document))
    other = load(MemorySources(data.draw(in_files(reordered)), ENV))
    assert other.digest == one.digest
    assert list(other.resources) == list(one.resources)
    for address, declared in one.resources.items():
        contents = {path: value.content for path, value in declared.values.items()}
        assert {path: value.content for path, value in other.resources[address].values.items()} == contents


@settings(max_examples=15)
@given(documents(), st.sampled_from(["services: {added: {}}", "limits: {deletes: 77}", "addresses: {'+1999': {}}"]))
def test_another_meaning_is_another_digest(document: dict[str, Any], addition: str) -> None:
    one = load(MemorySources({"reconciler.yaml": dumped(document)}, ENV))
    other = load(MemorySources({"reconciler.yaml": dumped(document), "o.yaml": addition}, ENV), overlays=["o.yaml"])
    assert other.digest != one.digest
