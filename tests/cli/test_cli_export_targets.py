"""`export --target`: a part of the account, with what it needs, and only the reads for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.export import MARK
from tests.commands import Result

Cli = Callable[..., Result]
EMULATED = ("--emulator", "demo.db")

TWO = """version: 1
services:
  desk:
    friendly_name: Desk
    configuration: {default_conversation_role: night}
    webhooks: {post_webhook_url: https://hooks.example.com/desk}
    roles:
      night: {friendly_name: night shift, type: conversation, permissions: [sendMessage]}
      extra: {friendly_name: extra, type: service, permissions: [addParticipant]}
    users: {ada: {}}
  other: {friendly_name: Other, webhooks: {post_webhook_url: https://hooks.example.com/other}}
addresses:
  "+14155550100": {type: sms, auto_creation: {enabled: true, type: default, service: desk}}
"""

HEAD = f"""{MARK} The next export overwrites this file; remove this line to prevent that.
version: 1
account:
  sid: AC00000000000000000000000000000000
"""

NIGHT = """      night-shift:
        friendly_name: night shift
        type: conversation
        permissions: [sendMessage]
"""


@pytest.fixture
def two(cli: Cli, tmp_path: Path) -> Path:
    (tmp_path / "two.yaml").write_text(TWO)
    assert cli("apply", "two.yaml", *EMULATED, "--yes").code == 0
    return tmp_path


@pytest.mark.parametrize(
    ("target", "rest"),
    [
        # What it refers to comes along, without what is below that.
        ("addresses", ('services:\n  Desk: {}\naddresses:\n  "+14155550100":\n    auto_creation:\n'
         "      enabled: true\n      type: default\n      service: Desk\n")),
        ("services.Desk.configuration", ("services:\n  Desk:\n    configuration:\n"
         f"      default_conversation_creator_role: channel admin\n      default_conversation_role: night-shift\n"
         f"      default_chat_service_role: service user\n    roles:\n{NIGHT}")),
        # By handle, by name, and with its parent's name.
        ("services.Desk.roles.night-shift", f"services:\n  Desk:\n    roles:\n{NIGHT}"),
        ('services.Desk.roles["night shift"]', f"services:\n  Desk:\n    roles:\n{NIGHT}"),
        # Users are included because they are named.
        ("services.Desk.users.ada", "services:\n  Desk:\n    users:\n      ada:\n        role: service user\n"),
        ("services.Other.webhooks", ("services:\n  Other:\n    webhooks:\n"
         "      post_webhook_url: https://hooks.example.com/other\n")),
        ("credentials", ""),
    ],
)  # fmt: skip
def test_a_target_keeps_what_is_below_it_its_parents_and_its_references(
    cli: Cli, two: Path, target: str, rest: str
) -> None:
    exported = cli("export", *EMULATED, "--target", target)
    assert (exported.code, exported.err) == (0, "")
    assert exported.out == HEAD + rest
    (two / "reconciler.yaml").write_text(exported.out)
    assert cli("plan", *EMULATED, "--detailed-exitcode").code == 0


@pytest.mark.usefixtures("two")
def test_a_target_may_be_a_sid(cli: Cli) -> None:
    sids = cli("sids", "two.yaml", *EMULATED, "--format", "json").json["sids"]
    service, role = sids["services.desk"], sids["services.desk.roles.night"]
    by_name = cli("export", *EMULATED, "--target", "services.Desk.roles.night-shift")
    assert cli("export", *EMULATED, "--target", f'services["{service}"].roles["{role}"]') == by_name


@pytest.mark.usefixtures("two")
def test_only_what_a_target_needs_is_read(cli: Cli) -> None:
    logged = cli("export", *EMULATED, "--target", "services.Desk.roles", "--log-level", "debug").err
    read = [word.partition("=")[2] for word in logged.split() if word.startswith("path=")]
    assert [path.strip('"').partition("?")[0].rpartition("/")[2] for path in read] == [
        "Configuration",
        "Services",
        "Roles",
    ]


@pytest.mark.usefixtures("two")
def test_a_target_that_matches_nothing_is_an_error_with_the_near_miss(cli: Cli) -> None:
    refused = cli("export", *EMULATED, "--target", "services.desk.roles.night-shift")
    assert (refused.code, refused.out) == (1, "")
    assert " ".join(refused.err.split()) == (
        "Error: --target services.desk.roles.night-shift: no such live resource. Did you mean this? "
        "--target services.Desk.roles.night-shift"
    )
