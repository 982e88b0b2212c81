"""`export --out` into files that people wrote: a diff, approval, and the rest of the output."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.export import MARK
from tests.commands import Result

Cli = Callable[..., Result]
EMULATED = ("--emulator", "demo.db")
SETTINGS = "unmanaged: {ignore: [account.*, services.Default*, 'services[*]']}\n"

OURS = f"""version: 1
{SETTINGS}services:
  desk: {{friendly_name: Desk}}   # ours
addresses:
  "+14155550100": {{type: sms}}
"""

LIVE = (
    OURS
    + """  "+14155550101": {type: sms, auto_creation: {enabled: true, type: webhook, service: desk,
    webhook_method: POST, webhook_filters: [onMessageAdded], webhook_url: "https://a.example.com/?token=canary-1234"}}
  "+14155550102": {type: sms, auto_creation: {enabled: false}}
"""
)


@pytest.fixture
def ours(cli: Cli, tmp_path: Path) -> Path:
    (tmp_path / "live.yaml").write_text(LIVE)
    assert cli("apply", "live.yaml", *EMULATED, "--yes").code == 0
    (tmp_path / "reconciler.yaml").write_text(OURS)
    return tmp_path


DIFF = """--- reconciler.yaml
+++ reconciler.yaml
@@ -4,3 +4,18 @@
   desk: {friendly_name: Desk}   # ours
 addresses:
   "+14155550100": {type: sms}
"""


def test_a_diff_is_shown_and_written_with_what_to_do_next(cli: Cli, ours: Path) -> None:
    shown = cli("export", *EMULATED, "--out", ".", "--dry-run")
    assert shown.code == 0
    assert (ours / "reconciler.yaml").read_text() == OURS
    added = cli("export", *EMULATED, "--out", ".", "--yes")
    assert added.code == 0
    assert added.out == f"{shown.out}Wrote 1 file.\n"
    assert added.out.endswith("2 resources added by these edits.\nWrote 1 file.\n")
    assert "canary" not in added.out + added.err + (ours / "reconciler.yaml").read_text()
    name = "ADDRESSES_ADDRESS_AUTO_CREATION_WEBHOOK_URL_TOKEN"
    assert added.err == (
        "Set these secrets before you validate, plan, or apply:\n"
        f"  export {name}='…'\n"
        "Next: reconciler plan --emulator demo.db\n"
    )
    assert (ours / "reconciler.yaml").read_text() == OURS + (
        '  "+14155550102":\n'
        "    auto_creation:\n"
        "      enabled: false\n"
        "      type: default\n"
        "  address:\n"
        '    address: "+14155550101"\n'
        "    auto_creation:\n"
        "      enabled: true\n"
        "      type: webhook\n"
        "      service: desk\n"
        "      # set this environment variable before you plan: it is part of the live URL\n"
        f"      webhook_url: https://a.example.com/?token=${{secret:{name}}}\n"
        "      webhook_method: POST\n"
        "      webhook_filters: [onMessageAdded]\n"
    )
    assert cli("plan", *EMULATED, "--detailed-exitcode").code == 0
    again = cli("export", *EMULATED, "--out", ".")
    assert again == Result(
        0, "Nothing to add. The configuration has every resource and setting that it does not ignore.\n", ""
    )


def test_without_a_terminal_files_are_written_only_with_yes(cli: Cli, ours: Path) -> None:
    refused = cli("export", *EMULATED, "--out", ".")
    assert refused.code == 1
    assert refused.err == ("Error: no terminal to ask for approval, so no file was changed. Use --yes, or --dry-run\n")
    assert (ours / "reconciler.yaml").read_text() == OURS


def test_refused_resources_are_listed_and_the_rest_is_written(cli: Cli, ours: Path) -> None:
    (ours / "reconciler.yaml").write_text(
        OURS.replace('addresses:\n  "+14155550100": {type: sms}\n', "")
        + "environments: {prod: {overlays: [prod.yaml]}, test: {}}\n"
    )
    (ours / "prod.yaml").write_text('addresses:\n  "+14155550100": {type: sms}\n')
    text = (ours / "live.yaml").read_text()
    role = "{friendly_name: Desk, roles: {boss: {type: service, permissions: [addParticipant]}}}"
    (ours / "live.yaml").write_text(text.replace("{friendly_name: Desk}", role))
    assert cli("apply", "live.yaml", *EMULATED, "--yes").code == 0
    added = cli("export", *EMULATED, "--out", ".", "--env", "prod", "--yes")
    assert added.code == 5
    assert added.out.endswith("2 resources added by these edits.\nWrote 1 file.\n")
    assert added.err.startswith(
        "Not added:\n"
        "  services.desk.roles.boss: other environments would get it, too: test\n"
        "    = use --at overlay to add it for prod only, or --at base to add it for all\n"
    )
    assert added.err.endswith("Next: reconciler plan --env prod --emulator demo.db\n")
    assert cli("export", *EMULATED, "--out", ".", "--env", "prod", "--at", "base", "--yes").code == 0
    assert "boss:" in (ours / "reconciler.yaml").read_text()


def test_a_root_file_and_a_target_are_edited_in_place(cli: Cli, ours: Path) -> None:
    (ours / "reconciler.yaml").rename(ours / "ours.yaml")
    added = cli("export", *EMULATED, "--out", "ours.yaml", "--target", 'addresses["+14155550102"]', "--yes")
    assert (added.code, added.err) == (0, "Next: reconciler plan ours.yaml --emulator demo.db\n")
    assert (ours / "ours.yaml").read_text() == OURS + (
        '  "+14155550102":\n    auto_creation:\n      enabled: false\n      type: default\n'
    )
    # A target never removes the rest of an earlier export.
    assert cli("export", *EMULATED, "--out", "made").code == 0
    before = (ours / "made" / "reconciler.yaml").read_text()
    again = cli("export", *EMULATED, "--out", "made", "--target", "addresses")
    assert (again.code, again.out.partition(".")[0]) == (0, "Nothing to add")
    assert (ours / "made" / "reconciler.yaml").read_text() == before


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (("--dry-run",), "--dry-run shows what would be written to --out. Add --out, or omit --dry-run"),
        (("--env", "prod"), "--env is for a configuration to add to, but there is no --out"),
        (("--out", "empty", "--var", "a=b"),
         "--var is for a configuration to add to, but empty contains no reconciler.yaml"),
        (("--out", ".", "--force", "--target", "addresses"),
         "--force with --target would remove everything else. Use another folder, or omit --force"),
        (("--out", ".", "--target", "addresses.x"), "--target addresses.x: no such live resource"),
        (("--out", ".", "--env", "prod"), "the existing configuration is invalid"),
    ],
)  # fmt: skip
def test_options_that_do_not_fit_are_errors(cli: Cli, ours: Path, options: tuple[str, ...], error: str) -> None:
    refused = cli("export", *EMULATED, *options)
    assert refused.code == 1
    assert " ".join(refused.err.split()).removeprefix("Error: ").startswith(error)
    assert (ours / "reconciler.yaml").read_text() == OURS
    assert not (ours / "empty").exists()


def test_a_dry_run_of_a_new_export_writes_nothing(cli: Cli, ours: Path) -> None:
    shown = cli("export", *EMULATED, "--out", "new", "--dry-run")
    assert shown.code == 0
    assert shown.out.startswith("--- new/reconciler.yaml\n+++ new/reconciler.yaml\n@@ -1,0 +1,")
    assert f"+{MARK}" in shown.out
    assert shown.out.endswith(" would be written to new.\n")
    assert not (ours / "new").exists()


def test_what_no_file_can_contain_is_a_note(cli: Cli, ours: Path) -> None:
    bot = "{target: studio, flow_sid: FW0123456789abcdef0123456789abcdef, replay_after: 3}"
    talk = f"{{lobby: {{webhooks: {{bot: {bot}}}}}}}"
    (ours / "talk.yaml").write_text(f"version: 1\nservices: {{desk: {{friendly_name: Desk, conversations: {talk}}}}}\n")
    assert cli("apply", "talk.yaml", *EMULATED, "--yes").code == 0
    added = cli("export", *EMULATED, "--out", ".", "--target", "services.desk.conversations.lobby", "--yes")
    assert added.code == 0
    assert added.err.splitlines()[0] == (
        "note: services.desk.conversations.lobby.webhooks: Twilio does not return `replay_after`: add it where a "
        "conversation webhook has it."
    )
