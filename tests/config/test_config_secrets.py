"""Secrets: nowhere in problems, lines or the digest; and kinds of other shapes: with JSON, nested deeper."""
# ruff: noqa: E501 - files of one line

from __future__ import annotations

from typing import Annotated, Any

import pytest

from reconciler.address import Address
from reconciler.config.layout import Layout
from reconciler.config.loading import load_with
from reconciler.config.model import Config, Reference, Unknown
from reconciler.errors import ConfigError
from reconciler.kinds.base import Kind
from reconciler.kinds.markers import (
    Declaration,
    Length,
    NaturalKey,
    Ref,
    Required,
    Secret,
    Wire,
    WriteOnly,
)
from reconciler.render.problems import problems_text
from tests.config.told import LAYOUT as USUAL
from tests.config.told import Files, problems_of, read, sources, told


class Key(Declaration):
    friendly_name: Annotated[str | None, Wire("FriendlyName"), NaturalKey(), Required()] = None
    private_key: Annotated[str | None, Wire("PrivateKey"), Secret(), WriteOnly(), Length(200)] = None
    certificate: Annotated[str | None, Wire("Certificate"), WriteOnly(), Secret()] = None


class Talk(Declaration):
    unique_name: Annotated[str | None, Wire("UniqueName"), NaturalKey()] = None
    attributes: Annotated[dict[str, Any] | None, Wire("Attributes"), Length(80)] = None


class Member(Declaration):
    identity: Annotated[str | None, Wire("Identity"), NaturalKey()] = None
    role: Annotated[str | None, Wire("RoleSid"), Ref("role", "service", of_type="conversation")] = None


KEY = Kind("key", Key, ("keys",), "/Keys", "A key.", "", sid_prefix="CR", list_key="keys")
TALK = Kind("talk", Talk, ("talks",), "/Talks", "A talk.", "", parent="service", sid_prefix="CH", list_key="talks")
MEMBER = Kind("member", Member, ("members",), "/Members", "A member.", "", parent="talk", sid_prefix="MB", list_key="m")
LAYOUT = Layout.of((*USUAL.kinds.values(), KEY, TALK, MEMBER))
SECRETS = {"PW": "hunter2", "PEM": "-----BEGIN\nhunter2\n"}


def load(files: Files, env: dict[str, str] | None = None, *, allow_unset: bool = False) -> Config:
    return load_with(
        LAYOUT, sources(files, env), environment="", variables={}, overlays=(), strict=False, allow_unset=allow_unset
    )


def values(config: Config) -> dict[str, Any]:
    return {
        f"{item.address}:{path}": value for item in config.resources.values() for path, value in item.values.items()
    }


# --- secrets ---


def test_a_secret_field_takes_a_secret_or_a_file() -> None:
    files = {
        "reconciler.yaml": "version: 1\nkeys: {a: {private_key: '${secret:PEM}', certificate: '${file:cert.pem}'}}",
        "cert.pem": "-----\nABC\n",
    }
    config = load(files, SECRETS)
    key = values(config)["keys.a:private_key"]
    assert (key.content, key.sensitive, key.secrets) == ("-----BEGIN\nhunter2\n", True, ("PEM",))
    assert values(config)["keys.a:certificate"].content == "-----\nABC\n"
    assert config.warnings == ()


def test_an_unset_secret_of_a_field_that_is_never_returned_is_unknown() -> None:
    config = load("keys: {a: {private_key: '${secret:NO}', certificate: 'x${secret:NO}'}}")
    assert {path: (value.content, value.sensitive, value.secrets) for path, value in values(config).items()} == {
        "keys.a:friendly_name": ("a", False, ()),
        "keys.a:private_key": (Unknown("secret NO is not set", "${secret:NO}"), True, ("NO",)),
        "keys.a:certificate": (Unknown("secret NO is not set", "x${secret:NO}"), True, ("NO",)),
    }


def test_an_unset_secret_elsewhere_is_an_error() -> None:
    text = "services: {s: {webhooks: {pre_webhook_url: 'https://a.example/${secret:NO}'}}}"
    assert told(text) == [
        (
            "2:63 unset-secret: secret NO is not set (set the environment variable NO, or check the files without it: "
            "--allow-unset)"
        )
    ]
    for text_of_it, why in (("", "is empty"), (" \n", "contains only whitespace")):
        assert told(text, {"NO": text_of_it}) == [
            (
                f"2:63 unset-secret: secret NO {why}, which counts as not set (set the environment variable NO, or check "
                "the files without it: --allow-unset)"
            )
        ]


def test_a_literal_in_a_secret_field_is_a_warning_whose_line_is_hidden() -> None:
    text = "keys:\n  a:\n    private_key: |\n      hunter2\n      hunter2\n    certificate: ${var:c}\nvariables: {c: hunter2}"
    config = load(text)
    assert [(str(item.place), item.code, item.conceals) for item in config.warnings] == [
        ("reconciler.yaml:4:18", "literal-secret", True),
        ("reconciler.yaml:7:18", "literal-secret", False),
    ]
    assert config.lines["reconciler.yaml"][:8] == (
        "version: 1", "keys:", "  a:", "", "", "", "    certificate: ${var:c}", "",
    )  # fmt: skip


HOSTILE = {
    "typing": f"keys: {{a: {{private_key: '{'hunter2' * 40}'}}}}",
    "list": "keys: {a: {private_key: [hunter2]}}",
    "misspelt": "keys: {a: {private_kye: hunter2}}",
    "duplicate": "keys: {a: {private_key: x,\n  private_key: hunter2}}",
    "broken": "keys:\n  a:\n    private_key: |\n      hunter2\n    b",
    "broken block": "keys:\n  a:\n    private_key: |\n      hunter2\n     hunter2\n",
    "broken quotes": 'keys:\n  a:\n    private_key: "hunter2\n',
    "url": "services: {s: {webhooks: {pre_webhook_url: 'https://me:hunter2@a b/'}}}",
    "marked": "services: "
    "{s: {sensitive: [notifications], notifications: {sensitive: [log_enabled], log_enabled: hunter2}}}",
    "secret url": "services: {s: {webhooks: {pre_webhook_url: 'ftp://${secret:PW}'}}}",
    "secret choice": "account: {webhooks: {method: '${secret:PW}'}}",
    "secret list": "account: {webhooks: {filters: ['${secret:PW}', '${secret:PW}']}}",
    "secret reference": "account: {configuration: {default_service: '${secret:PW}'}}",
    "secret pin": "services: {s: {sid: '${secret:PW}', absent: '${secret:PW}', renamed_from: '${secret:PW}'}}",
    "secret name": "services: {s: {friendly_name: '${secret:PW}'}, t: {friendly_name: '${secret:PW}'}}",
    "secret account": "account: {sid: '${secret:PW}'}",
    "secret limit": "limits: {deletes: '${secret:PW}'}\napprovals: [{address: '${secret:PW}'}]\nprune: "
    "{services: {match: '${secret:PW}'}}",
    "variable": "variables: {p: '${secret:PW}'}\naccount: {webhooks: {method: '${var:p}', target: '${var:p}'}}",
    "variable literal": "variables: {p: hunter2}\nkeys: "
    "{a: {private_key: ['${var:p}']}, b: {sensitive: [friendly_name], friendly_name: '${var:p}'}}",
    "json": "services: {s: {talks: {t: {attributes: '${secret:PW}'}, u: {attributes: {a: '${secret:PW}', b: .inf}}}}}",
    "sid line": "keys: {a: {sid: x, private_key: hunter2}}",
}  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_secret_is_in_any_problem_or_line_that_is_shown(text: str) -> None:
    try:
        config = load(text, SECRETS)
    except ConfigError as error:
        problems, lines = error.problems, error.lines
    else:
        problems, lines = config.warnings, config.lines
    assert "hunter2" not in str([(item.message, item.hint, item.related) for item in problems])
    shown = problems_text(problems, lines, colour=False)
    literal = text.startswith("variables: {p: hunter2}")
    assert "hunter2" not in (shown.replace("variables: {p: hunter2}", "") if literal else shown)


def test_a_url_with_a_password_is_sensitive() -> None:
    config = read("services: {s: {webhooks: {pre_webhook_url: 'https://me:pw@a.example/'}}}")
    value = values(config)["services.s.webhooks:pre_webhook_url"]
    assert (value.sensitive, config.lines["reconciler.yaml"]) == (True, ("version: 1", ""))


def test_fields_that_the_files_call_sensitive_are() -> None:
    config = read(
        "services: "
        "{s: {notifications: {sensitive: [new_message], new_message: {sound: a, enabled: on}, log_enabled: on}}}"
    )
    assert {path.split(":")[1]: value.sensitive for path, value in values(config).items()} == {
        "friendly_name": False, "log_enabled": False, "new_message.enabled": True, "new_message.sound": True,
    }  # fmt: skip


def test_the_digest_knows_secrets_by_name_only() -> None:
    text = "services: {s: {webhooks: {pre_webhook_url: 'https://a.example/${secret:PW}'}}}"
    one = read(text, {"PW": "a"}).digest
    assert read(text, {"PW": "b"}).digest == one
    assert read(text.replace("PW", "PX"), {"PX": "a"}).digest != one
    assert read(text.replace("a.example", "b.example"), {"PW": "a"}).digest != one


def test_the_digest_holds_no_sensitive_literal() -> None:
    one = load("keys: {a: {private_key: hunter2}}").digest
    assert load("keys: {a: {private_key: hunter3}}").digest == one
    assert load("keys: {a: {}}").digest != one


# --- kinds of other shapes ---


def test_kinds_nest_at_any_depth() -> None:
    text = """
services:
  s:
    roles: {agent: {type: conversation}}
    talks:
      one:
        members: {ada: {role: agent}, bob: {role: channel user}}
        prune: [members]
    prune: [talks]
approvals: [{address: services.s.talks.one.members.ada, action: replace}]
"""
    config = load(text)
    ada = config.resources[Address(("services", "s", "talks", "one", "members", "ada"))]
    assert ada.parent == Address(("services", "s", "talks", "one"))
    assert ada.values["role"].content == Reference(Address(("services", "s", "roles", "agent")), "role")
    assert [str(collection) for collection in config.prune] == ["services.s.talks", "services.s.talks.one.members"]


def test_names_are_unique_in_their_parent_only() -> None:
    assert load(
        "services: {s: {talks: {a: {members: {x: {identity: i}}}, b: {members: {x: {identity: i}}}}}}"
    ).resources


def test_attributes_are_json() -> None:
    text = """
services:
  s:
    talks:
      a: {attributes: {n: 1, t: "1", f: 1.5, b: yes, z: null, l: [true, ~], d: {k: "${env:A}", v: "${var:v}"}}}
      b: {attributes: "${file:b.json}"}
      c: {attributes: null}
      d: {attributes: '{"a": [1]}'}
      e: {attributes: {}}
variables: {v: 7}
"""
    files = {"reconciler.yaml": f"version: 1\n{text}", "b.json": '{"x": {"y": null}}\n'}
    contents = {path: value.content for path, value in values(load(files, {"A": "5"})).items() if "attributes" in path}
    assert contents == {
        "services.s.talks.a:attributes": {
            "n": 1, "t": "1", "f": 1.5, "b": "yes", "z": None, "l": [True, None], "d": {"k": "5", "v": 7},
        },
        "services.s.talks.b:attributes": {"x": {"y": None}},
        "services.s.talks.c:attributes": None,
        "services.s.talks.d:attributes": {"a": [1]},
        "services.s.talks.e:attributes": {},
    }  # fmt: skip


def test_attributes_of_an_overlay_merge_and_clear() -> None:
    files = {
        "reconciler.yaml": "version: 1\nservices: "
        "{s: {talks: {a: {attributes: {x: 1, y: 2}}, b: {attributes: {x: 1}}}}}",
        "o.yaml": "services: {s: {talks: {a: {attributes: {y: 3, x: !unset }}, b: {attributes: ~}}}}",
    }
    config = load_with(
        LAYOUT, sources(files), environment="", variables={}, overlays=["o.yaml"], strict=False, allow_unset=False
    )
    assert values(config)["services.s.talks.a:attributes"].content == {"y": 3}
    assert values(config)["services.s.talks.b:attributes"].content is None


def test_attributes_that_are_wrong() -> None:
    text = """
services:
  s:
    talks:
      a: {attributes: [1]}
      b: {attributes: text}
      c: {attributes: {a: .nan}}
      d: {attributes: "[[[["}
      e: {attributes: {a: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}}
"""
    assert [(str(item.place), item.message) for item in problems_of(text, layout=LAYOUT)] == [
        ("reconciler.yaml:6:23", "attributes must be a mapping"),
        ("reconciler.yaml:7:23", "this text is not valid JSON"),
        ("reconciler.yaml:8:27", "JSON has no such number"),
        ("reconciler.yaml:9:23", "this text is not valid JSON"),
        ("reconciler.yaml:10:11", "attributes has 88 bytes as JSON, over its limit of 80 bytes"),
    ]


def test_deep_json_text_is_refused() -> None:
    for levels, message in ((60, "attributes is nested more than 60 deep"), (500, "this JSON is nested too deep")):
        text = "services: {s: {talks: {a: {attributes: '" + '{"a":' * levels + "1" + "}" * levels + "'}}}}"
        assert [(item.code, item.message) for item in problems_of(text, layout=LAYOUT)] == [("too-deep", message)]


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ('{"a": 1e999}', "this text is not valid JSON: a number is too large"),
        ('{"a": NaN}', "this text is not valid JSON: JSON has no NaN"),
        ('{"a": 1, "a": 2}', "this text is not valid JSON: an object has a duplicate key"),
        ('{"a": "\\ud800"}', "this text is not valid JSON: it contains half of a surrogate pair"),
    ],
)
def test_json_text_that_no_api_takes_is_refused(attributes: str, message: str) -> None:
    text = f"services: {{s: {{talks: {{a: {{attributes: '{attributes}'}}}}}}}}"
    assert [item.message for item in problems_of(text, layout=LAYOUT)] == [message]
