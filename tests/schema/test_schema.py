"""The schemas and the reference are what the kinds say, are valid, and take and refuse what they should."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from reconciler import schema
from reconciler.config.layout import COMMON_KEYS, TOP_KEYS
from reconciler.emulator import contract
from reconciler.kinds import KINDS
from reconciler.schema import configuration, documents, reference, write
from tests.render import plan_samples

ROOT = Path(__file__).resolve().parents[2]
REGENERATE = "run `python -m reconciler.schema --write` and look at the difference"


def assert_same(committed: str, made: str, name: str) -> None:
    difference = difflib.unified_diff(committed.splitlines(), made.splitlines(), name, "generated", lineterm="", n=2)
    assert committed == made, "\n".join([REGENERATE, *difference])


GENERATED = write.generate(ROOT)
PATHS = {path: frozenset(operations) for path, operations in contract.load().operations.items()}


@pytest.mark.parametrize("path", GENERATED)
def test_committed_files_are_current(path: str) -> None:
    assert_same((ROOT / path).read_text(encoding="utf-8"), GENERATED[path], path)


def test_every_schema_and_page_is_generated() -> None:
    assert GENERATED.keys() == {
        *(f"schemas/{path.name}" for path in (ROOT / "schemas").iterdir()),
        "reconciler/docs/api-coverage.md",
        "reconciler/docs/troubleshooting.md",
    }


def test_generated_files_are_written_where_they_belong(tmp_path: Path) -> None:
    contract, page = Path("reconciler/emulator/contract.json"), Path("reconciler/docs/troubleshooting.md")
    for path in (contract, page):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_bytes((ROOT / path).read_bytes())
    write.write(tmp_path)
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {*GENERATED, str(contract)}
    assert (tmp_path / "schemas/README.md").read_text(encoding="utf-8") == GENERATED["schemas/README.md"]


@pytest.mark.parametrize("name", schema.SCHEMAS)
def test_schemas_are_valid_schemas(name: str) -> None:
    Draft202012Validator.check_schema(schema.SCHEMAS[name]())


# --- the reference ---------------------------------------------------------------------------------------------------


def rows(section: str) -> list[list[str]]:
    """The rows of the tables in a piece of Markdown, without their heads."""
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.replace("\\|", "¦").split("|")[1:-1]] for line in lines]


def test_the_reference_has_every_field_of_every_kind() -> None:
    text = reference.reference_markdown()
    for kind in KINDS:
        _, _, section = text.partition(f"### `{kind.name}`\n")
        section = section.partition("\n### ")[0]
        assert [row[0].strip("`") for row in rows(section)] == [entry.path for entry in kind.fields]


def test_the_table_of_kinds_has_every_kind_and_its_natural_key() -> None:
    text = reference.kinds_markdown()
    for kind in KINDS:
        assert f"| [`{kind.name}`](#{kind.name}) | " in text
    assert "| `services.HANDLE.roles.HANDLE` | `friendly_name`, then `type` |" in text
    assert "`services.HANDLE.conversations.HANDLE.participants.HANDLE` | `identity`, or `address` and" in text


def test_the_table_of_keys_has_every_top_level_key_and_what_is_inside() -> None:
    keys = [row[0].strip("`") for row in rows(reference.top_keys_markdown())]
    assert {key.split(".")[0].removesuffix("[]") for key in keys} == {*TOP_KEYS, "x-…"}
    inside = {"account.sid", "environments.NAME.account_sid", "limits.deletes", "approvals[].action"}
    assert inside <= set(keys)
    assert not [key for key in keys if key.startswith(("account.webhooks", "templates.NAME"))]


def test_the_table_of_common_keys_has_every_key_beside_fields() -> None:
    keys = [row[0].strip("`") for row in rows(reference.common_keys_markdown())]
    assert {key for key in keys if "." not in key} == {*COMMON_KEYS, "sealed", "prune", "template"}
    assert {key for key in keys if "." in key} == {
        "lifecycle.prevent_destroy", "lifecycle.prevent_create", "lifecycle.ignore_changes",
    }  # fmt: skip


# --- the coverage ----------------------------------------------------------------------------------------------------


def coverage() -> dict[str, tuple[str, str, str]]:
    """The rows of the page by path."""
    table = rows(GENERATED["reconciler/docs/api-coverage.md"])
    found = {row[0].strip("`"): (row[1], row[2], row[3]) for row in table}
    assert len(found) == len(table)
    return found


def test_every_path_of_the_api_is_in_the_coverage_and_no_other() -> None:
    assert len(PATHS) == 49
    assert {path: set(methods.split(", ")) for path, (methods, _, _) in coverage().items()} == PATHS


def test_what_is_managed_is_every_kind_and_is_sent_only_what_the_api_has() -> None:
    managed = {how.split("`")[1] for _, _, how in coverage().values() if how.startswith("managed: ")}
    assert managed == {kind.name for kind in KINDS}
    for path, (methods, sent, how) in coverage().items():
        assert (sent == "–") == how.startswith("emulated"), path
        assert sent == "–" or set(sent.split(", ")) <= set(methods.split(", ")), path


@pytest.mark.parametrize(
    ("path", "row"),
    [
        ("/v1/Services", ("GET, POST", "GET, POST", "managed: `service`")),
        ("/v1/Services/{Sid}", ("GET, DELETE", "DELETE", "managed: `service`")),
        ("/v1/Services/{ChatServiceSid}/Users/{Sid}", ("GET, POST, DELETE", "GET, POST, DELETE", "managed: `user`")),
        (
            "/v1/Conversations/{ConversationSid}/Webhooks",
            ("GET, POST", "–", "emulated; alias in the default service of `conversation_webhook`"),
        ),
        ("/v1/Services/{ChatServiceSid}/Bindings/{Sid}", ("GET, DELETE", "–", "emulated")),
    ],
)
def test_the_coverage_of_a_path(path: str, row: tuple[str, str, str]) -> None:
    assert coverage()[path] == row


def test_an_unknown_path_is_listed_as_emulated() -> None:
    table = reference.coverage_markdown({"/v1/New": {"POST", "GET"}})
    assert table.splitlines()[-1] == "| `/v1/New` | GET, POST | – | emulated |"


# --- the schema of the files -----------------------------------------------------------------------------------------


def errors(document: Any) -> list[str]:
    validator = Draft202012Validator(configuration.config_schema())
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


class Loader(yaml.SafeLoader):
    """Reads YAML as an editor does, with the tool's own tag."""


Loader.add_constructor("!unset", lambda _loader, _node: None)


@pytest.mark.parametrize("path", sorted((ROOT / "examples").rglob("*.yaml")), ids=lambda path: str(path.name))
def test_the_examples_fit(path: Path) -> None:
    assert errors(yaml.load(path.read_text(encoding="utf-8"), Loader)) == []


WHOLE = """
version: 1
include: [services/*.yaml, addresses.yaml]
account:
  sid: AC0123456789abcdef0123456789abcdef
  configuration:
    default_service: support
    default_messaging_service_sid: MG0123456789abcdef0123456789abcdef
    default_inactive_timer: PT15M
    default_closed_timer: P30D
  webhooks:
    target: webhook
    method: post
    filters: [onMessageAdded, onSomethingThatTwilioAddsLater]
    pre_webhook_url: null
    post_webhook_url: https://${var:host}/post?token=${secret:HOOK_TOKEN}
services:
  support:
    friendly_name: Customer Support
    template: standard
    configuration:
      default_conversation_creator_role: channel admin
      reachability_enabled: yes
      lifecycle: {ignore_changes: [reachability_enabled]}
    notifications:
      log_enabled: "${env:LOG:-true}"
      new_message: {enabled: true, template: "${PARTICIPANT}: ${MESSAGE}", with_media: {enabled: null}}
      added_to_conversation:
    webhooks: {method: POST, filters: []}
    roles:
      agent: {type: conversation, permissions: [sendMessage]}
      old: {absent: true}
      pinned: {sid: RL0123456789abcdef0123456789abcdef, sensitive: [permissions]}
    prune: [roles]
    lifecycle: {prevent_destroy: true}
  main: {sid: default}
addresses:
  main:
    address: "${var:main_number}"
    type: sms
    auto_creation: {enabled: true, type: studio, studio_flow_sid: FW0123456789abcdef0123456789abcdef,
                    studio_retry_count: 3}
  bare: {address: +14155550100}
  channel: {type: carrier-pigeon}
templates:
  standard: {roles: {agent: {type: conversation, permissions: [sendMessage]}}, notifications: {log_enabled: true}}
variables: {host: hooks.example.com, number: 5, flag: no}
environments:
  staging: {account_sid: AC0123456789abcdef0123456789abcdef, variables: {host: x}, overlays: [staging.yaml]}
prune: {addresses: {match: "+1*", except: ["+14155550122"]}}
limits: {deletes: 5, updates: 200}
approvals: [{address: 'services["IS0123456789abcdef0123456789abcdef"]', action: delete}]
unmanaged: {ignore: ["services.support.roles*"]}
x-anything: {ignored: true}
"""


def test_everything_that_the_files_may_say_fits() -> None:
    assert errors(yaml.load(WHOLE, Loader)) == []


TIMERS = "$.account.configuration"
AUTO = "$.addresses.a.auto_creation"


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ("{servces: {}}", "$"),
        ("{version: 2}", "$.version"),
        ("{services: {a: {friendly_nam: x}}}", "$.services.a"),
        ("{services: {a: {friendly_name: null}}}", "$.services.a.friendly_name"),
        ("{services: {a: {friendly_name: [x]}}}", "$.services.a.friendly_name"),
        ("{services: {a: {sid: RL0123456789abcdef0123456789abcdef}}}", "$.services.a.sid"),
        ("{services: {a: {roles: {b: {type: other}}}}}", "$.services.a.roles.b.type"),
        ("{services: {a: {roles: {b: {permissions: sendMessage}}}}}", "$.services.a.roles.b.permissions"),
        ("{services: {a: {roles: {b: {permissions: []}}}}}", "$.services.a.roles.b.permissions"),
        ("{services: {a: {roles: {b: {permissions: null}}}}}", "$.services.a.roles.b.permissions"),
        ("{services: {a: {configuration: {sid: IS0}}}}", "$.services.a.configuration"),
        ("{services: {a: {notifications: {log_enabled: 3}}}}", "$.services.a.notifications.log_enabled"),
        ("{services: {a: {prune: [services]}}}", "$.services.a.prune"),
        ("{services: {a: {lifecycle: {ignore_changes: [typo]}}}}", "$.services.a.lifecycle.ignore_changes[0]"),
        ("{account: {configuration: {default_closed_timer: 10 m}}}", f"{TIMERS}.default_closed_timer"),
        ("{account: {configuration: {default_closed_timer: null}}}", f"{TIMERS}.default_closed_timer"),
        ("{account: {webhooks: {pre_webhook_url: ftp://x}}}", "$.account.webhooks.pre_webhook_url"),
        ("{account: {webhooks: {absent: true}}}", "$.account.webhooks"),
        ("{addresses: {a: {auto_creation: {type: flow}}}}", "$.addresses.a.auto_creation.type"),
        ("{addresses: {a: {auto_creation: {studio_retry_count: 4}}}}", f"{AUTO}.studio_retry_count"),
        ("{templates: {t: {sid: default}}}", "$.templates.t"),
        ("{approvals: [{action: delete}]}", "$.approvals[0]"),
        ("{limits: {deletes: many}}", "$.limits.deletes"),
        ("{prune: {addresses: {match: []}}}", "$.prune"),
    ],
)  # fmt: skip
def test_what_is_wrong_does_not_fit(document: str, where: str) -> None:
    found = errors(yaml.load(document, Loader))
    assert [error.partition(":")[0] for error in found] == [where]


def test_a_long_name_is_only_allowed_when_it_is_interpolated() -> None:
    too_long = "x" * 257
    assert errors({"services": {"a": {"friendly_name": too_long}}})
    assert not errors({"services": {"a": {"friendly_name": f"${{var:{too_long}}}"}}})


def test_every_field_is_explained() -> None:
    definitions = configuration.config_schema()["$defs"]
    for kind in KINDS:
        for entry in kind.fields:
            node = definitions[kind.name]
            for key in entry.path.split("."):
                node = node["properties"][key]
            assert node["description"].startswith(entry.description), entry.path
            assert entry.description, f"{kind.name}.{entry.path} has no description"


# --- the schemas of plans and reports --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in plan_samples.PLANS if name != "hostile"])
def test_plans_fit_their_schema(name: str) -> None:
    document = json.loads(plan_samples.PLANS[name].to_json())
    Draft202012Validator(documents.plan_schema()).validate(document)


@pytest.mark.parametrize("name", plan_samples.REPORTS)
def test_reports_fit_their_schema(name: str) -> None:
    document = json.loads(plan_samples.REPORTS[name].to_json())
    Draft202012Validator(documents.report_schema()).validate(document)
