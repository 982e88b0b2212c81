"""``reconciler sids``: the live resource of each declared one, for people and programs."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from reconciler.address import Address
from reconciler.documents.sids import variable
from tests.commands import Run as Cli

NUMBER, ADA = 'addresses["+14155550100"]', 'services.support.users["ada@example.com"]'
EMULATED = ("--emulator", "demo.db")
FILES = """\
version: 1
environments: {prod: {}}
services:
  support:
    friendly_name: Customer Support
    roles: {agent: {type: conversation, permissions: [sendMessage]}}
    users: {ada@example.com: {}}
    configuration: {default_conversation_role: agent}
  sales: {}
addresses:
  "+14155550100": {type: sms, auto_creation: {enabled: true, type: default, service: support}}
"""


@pytest.fixture
def account(cli: Cli, tmp_path: Path) -> Path:
    """The configuration, applied."""
    path = tmp_path / "reconciler.yaml"
    path.write_text(FILES)
    assert cli("apply", *EMULATED, "--yes").code == 0
    return path


def test_text_has_a_line_for_each_resource_that_has_a_sid(cli: Cli, account: Path) -> None:
    assert account.exists()
    result = cli("sids", *EMULATED)
    assert (result.code, result.err) == (0, "")
    rows = [re.fullmatch(r"(\S+) +([A-Z]{2})[0-9a-f]{32}", line) for line in result.out.splitlines()]
    assert [row and row.groups() for row in rows] == [
        ('addresses["+14155550100"]', "IG"),
        ("services.sales", "IS"),
        ("services.support", "IS"),
        ("services.support.roles.agent", "RL"),
        ('services.support.users["ada@example.com"]', "US"),
    ]


def test_json_is_a_document_with_what_is_missing(cli: Cli, account: Path) -> None:
    account.write_text(FILES + "  main: {address: '+14155550101', type: sms}\ncredentials: {}\n")
    result = cli("sids", *EMULATED, "--env", "prod", "--format", "json")
    document = result.json
    assert (document["format"], document["format_version"], document["env"]) == ("reconciler.sids", 1, "prod")
    assert document["account_sid"] == "AC" + "0" * 32
    assert document["missing"] == ["addresses.main"]
    assert document["sids"]["services.support"] in cli("sids", *EMULATED).out
    assert (result.code, result.err) == (
        1,
        "Error: not in the account: addresses.main. Apply the configuration first, or exclude them with --exclude.\n",
    )
    assert cli("sids", *EMULATED, "--env", "prod", "--exclude", "addresses.main", "--format", "json").code == 0


def test_variables_are_read_by_a_shell(cli: Cli, account: Path) -> None:
    assert account.exists()
    result = cli("sids", *EMULATED, "--format", "env")
    sids = cli("sids", *EMULATED, "--format", "json").json["sids"]
    script = f'{result.out}echo "$SERVICES__SUPPORT__ROLES__AGENT_SID"'
    said = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[0] == sids["services.support.roles.agent"]
    assert result.out.splitlines() == [
        f"ADDRESSES__14155550100___DCB11C265AC4_SID={sids[NUMBER]}",
        f"SERVICES__SALES_SID={sids['services.sales']}",
        f"SERVICES__SUPPORT_SID={sids['services.support']}",
        f"SERVICES__SUPPORT__ROLES__AGENT_SID={sids['services.support.roles.agent']}",
        f"SERVICES__SUPPORT__USERS__ADA_EXAMPLE_COM___41510E10A078_SID={sids[ADA]}",
    ]


def test_a_target_gives_what_is_below_it_and_reads_no_more_than_it_needs(cli: Cli, account: Path) -> None:
    assert account.exists()
    assert [
        line.split()[0] for line in cli("sids", *EMULATED, "--target", "services.support.roles").out.splitlines()
    ] == ["services.support.roles.agent"]
    excluded = cli("sids", *EMULATED, "--exclude", "services.support").out
    assert [line.split()[0] for line in excluded.splitlines()] == ["services.sales"]
    result = cli("sids", *EMULATED, "--target", "services.suport")
    assert (result.code, result.out) == (1, "")
    assert "Did you mean this? --target services.support" in " ".join(result.err.split())


def test_what_is_not_wanted_has_no_sid(cli: Cli, account: Path) -> None:
    account.write_text(FILES.replace("sales: {}", "sales: {absent: true}"))
    result = cli("sids", *EMULATED)
    assert ("services.sales" in result.out, result.err) == (False, "")


def test_unset_secrets_are_not_needed(cli: Cli, account: Path) -> None:
    account.write_text(
        FILES.replace("sales: {}", "sales: {webhooks: {post_webhook_url: '${secret:URL}', method: POST}}")
    )
    assert cli("sids", *EMULATED).code == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('services["help-desk"]', "services.help_desk"),
        ("services.Desk", "services.desk"),
        ("services.a.roles.b", 'services["a__roles__b"]'),
        ('services["é"]', 'services["è"]'),
        ('services["日本"]', 'services["中国"]'),
        ('services["a b"]', 'services["a-b"]'),
        ('services["_a"]', "services.a"),
    ],
)
def test_no_two_addresses_share_a_variable(one: str, other: str) -> None:
    names = [variable(Address.parse(text)) for text in (one, other)]
    assert names[0] != names[1]
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*_SID", name) for name in names)


def test_names_of_variables_stay_what_they_are() -> None:
    assert {text: variable(Address.parse(text)) for text in ("services.help_desk", "services.help-desk")} == {
        "services.help_desk": "SERVICES__HELP_DESK_SID",
        "services.help-desk": "SERVICES__HELP_DESK___304D7BD74B5B_SID",
    }
