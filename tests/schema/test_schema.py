"""The schemas and the reference are what the kinds say, are valid, and take and refuse what they should."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from reconciler import schema
from reconciler.emulator import contract
from reconciler.kinds import KINDS
from tests.render import plan_samples

ROOT = Path(__file__).resolve().parents[2]
REGENERATE = "run `python -m reconciler.schema --write` and look at the difference"


def assert_same(committed: str, made: str, name: str) -> None:
    difference = difflib.unified_diff(committed.splitlines(), made.splitlines(), name, "generated", lineterm="", n=2)
    assert committed == made, "\n".join([REGENERATE, *difference])


@pytest.mark.parametrize("name", schema.SCHEMAS)
def test_committed_schemas_are_current(name: str) -> None:
    path = ROOT / "schemas" / f"{name}.schema.json"
    assert_same(path.read_text(encoding="utf-8"), schema.schema_text(name), path.name)


@pytest.mark.parametrize("name", schema.SCHEMAS)
def test_schemas_are_valid_schemas(name: str) -> None:
    Draft202012Validator.check_schema(schema.SCHEMAS[name]())


def test_the_readme_holds_the_current_reference() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    if schema.README_START not in readme:
        pytest.skip("README.md has no place for the reference")
    assert_same(readme, schema.with_reference(readme), "README.md")


def test_the_reference_replaces_only_what_is_between_its_markers() -> None:
    readme = f"before\n{schema.README_START}\nold\n{schema.README_END}\nafter\n"
    made = schema.with_reference(readme)
    assert made == f"before\n{schema.README_START}\n{schema.reference_markdown()}{schema.README_END}\nafter\n"
    assert schema.with_reference(made) == made
    assert schema.with_reference("no markers") == "no markers"


def test_the_reference_tells_every_field_of_every_kind() -> None:
    text = schema.reference_markdown()
    for kind in KINDS:
        _, _, section = text.partition(f"### `{kind.name}`\n")
        section = section.partition("\n### ")[0]
        assert [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")] == [
            entry.path for entry in kind.fields
        ]


# --- the coverage ----------------------------------------------------------------------------------------------------

PATHS = {path: frozenset(operations) for path, operations in contract.load().operations.items()}


def coverage() -> dict[str, tuple[str, str, str]]:
    """The README's rows by path."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.partition(schema.COVERAGE_START)[2].partition(schema.COVERAGE_END)[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if line.startswith("| `")]
    found = {row[0].strip("`"): (row[1], row[2], row[3]) for row in rows}
    assert len(found) == len(rows)
    return found


def test_the_readme_holds_the_current_coverage() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert_same(readme, schema.with_coverage(readme, PATHS), "README.md")


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
            ("GET, POST", "–", "emulated; the same in the default service, managed there: `conversation_webhook`"),
        ),
        ("/v1/Services/{ChatServiceSid}/Bindings/{Sid}", ("GET, DELETE", "–", "emulated")),
    ],
)
def test_what_becomes_of_a_path(path: str, row: tuple[str, str, str]) -> None:
    assert coverage()[path] == row


def test_a_path_that_nobody_knows_yet_is_told_as_such() -> None:
    made = schema.coverage_markdown({"/v1/New": {"POST", "GET"}})
    assert made.splitlines()[-1] == "| `/v1/New` | GET, POST | – | emulated |"


def test_the_coverage_replaces_only_what_is_between_its_markers() -> None:
    readme = f"before\n{schema.COVERAGE_START}\nold\n{schema.COVERAGE_END}\nafter\n"
    made = schema.with_coverage(readme, PATHS)
    assert made.startswith(f"before\n{schema.COVERAGE_START}\n\n| path |")
    assert made.endswith(f"\n\n{schema.COVERAGE_END}\nafter\n")
    assert schema.with_coverage(made, PATHS) == made
    assert schema.with_coverage("no markers", PATHS) == "no markers"


# --- the schema of the files -----------------------------------------------------------------------------------------


def errors(document: Any) -> list[str]:
    validator = Draft202012Validator(schema.config_schema())
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
    definitions = schema.config_schema()["$defs"]
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
    document = yaml.safe_load(plan_samples.PLANS[name].to_json())
    Draft202012Validator(schema.plan_schema()).validate(document)


@pytest.mark.parametrize("name", plan_samples.REPORTS)
def test_reports_fit_their_schema(name: str) -> None:
    document = yaml.safe_load(plan_samples.REPORTS[name].to_json())
    Draft202012Validator(schema.report_schema()).validate(document)
