"""Every folder of examples/, for every environment: valid, planned, applied, planned again, changed in one line."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler import workflow
from reconciler.config.model import Config
from tests.commands import Run, forget_surroundings, runner
from tests.pem import certificate_text, key_text

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


@dataclass(frozen=True)
class Edit:
    """A change of one line, and everything that a plan shows of it: address, action, and each field's old and new."""

    file: str
    old: str
    new: str
    shows: dict[tuple[str, str], dict[str, tuple[Any, Any]]]


EDITS = {
    ("community", ""): Edit(
        "channels.yaml",
        "triggers: [looking for, swap]",
        "triggers: [looking for, spare, swap]",
        {
            ("services.garden.conversations.seeds.webhooks.wishes", "update"): {
                "triggers": (["looking for", "swap"], ["looking for", "spare", "swap"])
            }
        },
    ),
    ("quickstart", ""): Edit(
        "reconciler.yaml",
        "friendly_name: Main line",
        "friendly_name: Front door",
        {('addresses["+14155550100"]', "update"): {"friendly_name": ("Main line", "Front door")}},
    ),
    ("support-desk", "staging"): Edit(
        "staging.yaml",
        "sales:\n    notifications: {new_message: {enabled: false}}",
        "sales:\n    notifications: {new_message: {enabled: true}}",
        {("services.sales.notifications", "update"): {"new_message.enabled": (False, True)}},
    ),
    # One line of a template is one change in each of the services that share it.
    ("support-desk", "prod"): Edit(
        "templates.yaml",
        "          - deleteAnyMessage\n",
        "",
        {
            (f"services.{name}.roles.supervisor", "update"): {
                "permissions": (
                    ["addParticipant", "deleteAnyMessage", "editAnyMessage", "editConversationName",
                     "leaveConversation", "removeParticipant", "sendMediaMessage", "sendMessage"],
                    ["addParticipant", "editAnyMessage", "editConversationName", "leaveConversation",
                     "removeParticipant", "sendMediaMessage", "sendMessage"],
                )
            }
            for name in ("sales", "support")
        },
    ),
}  # fmt: skip


def secrets() -> dict[str, str]:
    """What the examples ask of the environment; certificates are judged by today's date."""
    today = datetime.now(UTC)
    return {
        "APN_CERTIFICATE": certificate_text(begins=today - timedelta(days=1), ends=today + timedelta(days=365)),
        "APN_KEY": key_text(),
        "FCM_ACCOUNT": '{"project_id": "garden", "client_email": "fcm@push-1.invalid", "private_key": "made up"}',
    }


WITHOUT_CONFIGURATION = {"github-actions", "gitlab-ci", "ledger"}
"""Folders of workflows, which tests/action runs, and of a story that tests/test_ledger_story.py runs."""


def environments(folder: Path) -> list[str]:
    """The names of a folder's environments; one without a name where it has none."""
    return list(yaml.safe_load((folder / "reconciler.yaml").read_text()).get("environments", {"": None}))


def test_every_example_and_every_environment_is_covered() -> None:
    folders = {folder for folder in EXAMPLES.iterdir() if folder.is_dir()}
    configured = {folder for folder in folders if (folder / "reconciler.yaml").is_file()}
    assert {folder.name for folder in folders - configured} == WITHOUT_CONFIGURATION
    assert set(EDITS) == {(folder.name, name) for folder in configured for name in environments(folder)}


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    forget_surroundings(monkeypatch)
    for name, text in secrets().items():
        monkeypatch.setenv(name, text)
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    return runner(capsys)


@pytest.mark.parametrize(("example", "environment"), EDITS)
def test_an_example_from_its_files_to_a_converged_account_and_back(run: Run, example: str, environment: str) -> None:
    folder = Path("examples") / example
    chosen = [str(folder), *(["--env", environment] if environment else [])]
    emulated = [*chosen, "--emulator", "account.db"]

    valid = run("validate", *chosen, "--strict")
    assert (valid.code, valid.err) == (0, "")

    first = run("plan", *emulated, "--detailed-exitcode", "--format", "json")
    assert first.code == 2
    assert [entry for entry in first.json["warnings"] if "severity" not in entry] == []
    assert first.json["guards"] == []
    assert run("apply", *emulated, "--yes").code == 0
    empty = run("plan", *emulated, "--detailed-exitcode", "--format", "json")
    assert (empty.code, empty.json["changes"]) == (0, [])
    assert run("plan", *emulated).out.startswith("No changes. ")

    edit = EDITS[example, environment]
    file = folder / edit.file
    text = file.read_text()
    assert text.count(edit.old) == 1
    file.write_text(text.replace(edit.old, edit.new))
    changed = run("plan", *emulated, "--detailed-exitcode", "--format", "json")
    assert changed.code == 2
    assert {
        (change["address"], change["action"]): {
            field["path"]: (field["before"], field["after"]) for field in change["fields"]
        }
        for change in changed.json["changes"]
    } == edit.shows
    assert run("apply", *emulated, "--yes").code == 0
    assert run("plan", *emulated, "--detailed-exitcode").code == 0

    # And back: git is the history.
    file.write_text(text)
    assert run("plan", *emulated, "--detailed-exitcode").code == 2
    assert run("apply", *emulated, "--yes").code == 0
    assert run("plan", *emulated, "--detailed-exitcode").code == 0


def test_the_files_of_one_environment_can_follow_those_of_another(run: Run) -> None:
    emulated = ["examples/support-desk", "--emulator", "account.db", "--yes", "--env"]
    for environment in ("staging", "prod", "staging"):
        assert run("apply", *emulated, environment).code == 0


# --- what the examples are there to show -----------------------------------------------------------------------------


def read(example: str, environment: str = "") -> Config:
    return workflow.validate(workflow.Inputs(str(EXAMPLES / example), environment=environment), {})


def kinds(config: Config) -> dict[str, int]:
    counted: dict[str, int] = {}
    for declared in config.resources.values():
        counted[declared.kind.name] = counted.get(declared.kind.name, 0) + 1
    return counted


def values(config: Config, kind: str, path: str) -> set[object]:
    return {
        declared.values[path].content for declared in config.resources.values()
        if declared.kind.name == kind and path in declared.values
    }  # fmt: skip


def test_quickstart_is_short_and_has_one_of_each() -> None:
    assert len((EXAMPLES / "quickstart" / "reconciler.yaml").read_text().splitlines()) < 40
    assert kinds(read("quickstart")) == {
        "service": 1, "service_configuration": 1, "service_webhook": 1, "role": 1, "address_configuration": 1,
    }  # fmt: skip


def test_support_desk_shows_what_a_real_account_needs() -> None:
    prod, staging = read("support-desk", "prod"), read("support-desk", "staging")
    assert len(list((EXAMPLES / "support-desk").rglob("*.yaml"))) >= 5
    assert kinds(prod)["service"] == 2
    assert {"role", "service_notification", "service_webhook", "account_webhook"} <= set(kinds(prod))
    shared = {
        declared.address.parts[1] for declared in prod.resources.values()
        if any(value.place.via == "template desk" for value in declared.values.values())
    }  # fmt: skip
    assert shared == {"sales", "support"}
    assert values(prod, "address_configuration", "auto_creation.type") == {"webhook", "studio", "default"}
    numbers = [values(config, "address_configuration", "address") for config in (prod, staging)]
    assert numbers[0]
    assert numbers[1]
    assert numbers[0].isdisjoint(numbers[1])


def test_community_shows_people_and_standing_channels() -> None:
    community = read("community")
    assert kinds(community) == {
        "service": 1, "service_configuration": 1, "service_notification": 1, "role": 3, "user": 3, "conversation": 4,
        "conversation_webhook": 3, "participant": 5 + 1, "credential": 2,
    }  # fmt: skip
    assert values(community, "conversation_webhook", "target") == {"webhook", "trigger", "studio"}
    assert values(community, "participant", "address") == {"+14155550199"}
    assert values(community, "credential", "type") == {"apn", "fcm"}
    assert [str(prune.collection) for prune in community.prune.values()] == ["services.garden.users"]


def test_a_converged_community_is_planned_without_its_secrets(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    emulated = ["examples/community", "--emulator", "account.db"]
    assert run("apply", *emulated, "--yes").code == 0
    for name in secrets():
        monkeypatch.delenv(name)
    assert run("plan", *emulated, "--detailed-exitcode").code == 0
    rotate = ["--rotate", "credentials.android"]
    assert "set at apply" in run("plan", *emulated, *rotate).out
    applied = run("apply", *emulated, "--yes", *rotate)
    assert applied.code == 1
    assert "FCM_ACCOUNT" in applied.err


def test_a_moderator_who_leaves_the_community_is_no_user_any_more(run: Run) -> None:
    emulated = ["examples/community", "--emulator", "account.db"]
    assert run("apply", *emulated, "--yes").code == 0
    for name, start, end in (
        ("people.yaml", "      ben@garden", "      librarian-bot"),
        ("channels.yaml", "          ben: ", "        webhooks:"),
        ("channels.yaml", "        participants:\n          ben: ", ""),
    ):
        file = Path("examples/community") / name
        before, _, rest = file.read_text().partition(start)
        file.write_text(before + (end + rest.partition(end)[2] if end else ""))
    planned = run("plan", *emulated, "--format", "json").json["changes"]
    assert [(change["action"], change["kind"], change["name"]) for change in planned] == [
        ("delete", "user", "ben@garden.example.com")
    ]
    assert run("apply", *emulated, "--yes").code == 0
    assert run("plan", *emulated, "--detailed-exitcode").code == 0
