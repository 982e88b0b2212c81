"""The command that runs the benchmarks: every goal has its line, measured or not. Nothing here is timed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.benchmarks import terraform
from tests.benchmarks.goals import Goal
from tests.benchmarks.measuring import Row, reconciler, usage_of_process
from tests.benchmarks.table import json_text, table, with_every_goal
from tests.benchmarks.terraform_files import ours, terraform_blocks, terraform_for_each
from tests.benchmarks.twilio_host import twilio_host
from tests.builders import ACCOUNT
from tests.world import read

LOAD = "load 10,000 resources"


def test_the_table_lists_every_goal_with_its_limit() -> None:
    lines = table(with_every_goal([])).splitlines()[1:]
    found = [re.fullmatch(r"(.*?) +– +((?:≥ )?[\d.,]+ \w+) +not measured", line) for line in lines]
    assert [match and match.groups() for match in found] == [
        ('--version : python -c "import click"', "1.15 x"),
        ('validate examples/quickstart : python -c "import click, yaml, pydantic"', "1.80 x"),
        (
            'plan examples/quickstart --emulator : python -c "import click, yaml, pydantic, httpx, sqlite3"',
            "1.50 x",
        ),
        ('completion of an address on Tab : python -c "import click"', "2.50 x"),
        ("load 10,000 resources : C parse of the same text", "3.00 x"),
        ("plan of 10,000 without changes, without load and emulator : json.loads of the state", "12.00 x"),
        ("plan of 10,000 without changes : plan of 1,000", "11.00 x"),
        ("client's share of a request over loopback", "0.90 ms"),
        ("client's share of a request over loopback : raw aiohttp", "6.00 x"),
        (
            "wall time: empty plan, medium account, 50 ms : sequential rounds x latency + interpreter with imports",
            "1.25 x",
        ),
        (
            "wall time: create of the medium account, 50 ms : requests / concurrency x latency + interpreter with imports",  # noqa: E501
            "1.35 x",
        ),
        ('peak memory: empty plan, medium account : python -c "import click, yaml, pydantic, httpx"', "1.60 x"),
        ("peak memory: plan of 10,000", "180 MB"),
        ("accept one value in a file of 10,000 resources", "3.00 s"),
        ("accept 1,000 values in a file of 10,000 resources", "6.00 s"),
        ("answers of the emulator in a second of its CPU time", "≥ 1,500 requests"),
        ("speed: create of the medium account, 50 ms : Terraform's", "≥ 2.50 x"),
        ("speed: empty plan of the medium account, 50 ms : Terraform's", "≥ 2.50 x"),
        ("speed: create with 1,000 addresses, 50 ms : Terraform's", "≥ 6.00 x"),
        ("speed: empty plan with 1,000 addresses, 50 ms : Terraform's", "≥ 6.00 x"),
        ("speed: create with 100 services, 50 ms : Terraform's", "≥ 6.00 x"),
        ("speed: empty plan with 100 services, 50 ms : Terraform's", "≥ 6.00 x"),
    ]


def test_a_measured_row_takes_the_place_of_its_goal() -> None:
    measured = Goal.LOAD.ratio(0.9, 0.3)
    other = Row("requests", "", "of", 3.0)
    rows = with_every_goal([other, measured])
    assert [row.measurement for row in rows] == [*(goal.value[0] for goal in Goal), "requests"]
    assert [row.figure for row in rows if row.measurement == LOAD] == [0.9 / 0.3]
    assert json.loads(json_text([measured])) == [
        {
            "measurement": LOAD, "reference": "C parse of the same text", "unit": "x", "figure": 0.9 / 0.3, "goal": 3.0,
            "detail": "900 ms : 300 ms", "at_least": False,
        }
    ]  # fmt: skip


def test_the_table_says_whether_a_goal_is_reached() -> None:
    rows = [
        Goal.LOAD.row(3.0), Goal.LOAD.row(3.01), Row("requests", "", "of", 3.0),
        Goal.TERRAFORM_MEDIUM_PLAN.row(2.49), Goal.TERRAFORM_MEDIUM_PLAN.row(2.5),
    ]  # fmt: skip
    lines = table(rows).splitlines()
    assert [line.split("  ")[-1].strip() for line in lines] == ["reached", "yes", "no", "3.00 of", "no", "yes"]


def test_the_comparison_with_terraform_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    reason = "not measured: terraform and terraform-provider-twilio not on PATH; see tests/benchmarks/README.md"
    assert list(terraform.rows()) == [Row("comparison with Terraform", "", "", None, detail=reason)]
    (tmp_path / "terraform").touch(mode=0o755)
    assert [row.detail for row in terraform.rows()] == [reason.replace("terraform and ", "")]


def test_the_configurations_of_the_comparison_declare_the_same_resources() -> None:
    assert len(read(ours(10, 100)).resources) == 182
    blocks = json.loads(terraform_blocks(10, 100))["resource"]
    assert {kind: len(of_kind) for kind, of_kind in blocks.items()} == {
        "twilio_conversations_configuration": 1, "twilio_conversations_webhook": 1,
        "twilio_conversations_service": 10, "twilio_conversations_service_configuration": 10,
        "twilio_conversations_service_notification": 10, "twilio_conversations_role": 50,
        "twilio_conversations_address_configuration_default": 100,
    }  # fmt: skip
    for_each = json.loads(terraform_for_each(10, 100))["resource"]
    counts = {kind: len(of_kind["all"].get("for_each", [""])) for kind, of_kind in for_each.items()}
    assert counts == {kind: len(of_kind) for kind, of_kind in blocks.items()}


@pytest.mark.slow
def test_the_host_of_twilio_is_served_to_programs_whose_url_cannot_be_changed(tmp_path: Path) -> None:
    (tmp_path / "reconciler.yaml").write_text(f"version: 1\naccount: {{sid: {ACCOUNT}}}\nservices: {{desk: {{}}}}\n")
    credentials = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": "emulator"}
    with twilio_host(tmp_path, latency=0, writes_per_second=30) as host, host.counted() as served:
        environment = {**credentials, **host.environment}
        usage = usage_of_process(reconciler("apply", "--yes", folder=tmp_path, environment=environment))
    assert (served[0].requests, served[0].refused) == (4, 0)
    assert min(usage) > 0
