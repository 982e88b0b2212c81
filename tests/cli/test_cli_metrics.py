"""``drift --metrics``: the text format of Prometheus, from the command line and for hostile names."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.documents.drift import drift_document
from reconciler.documents.findings import Finding, findings
from reconciler.render.metrics import RunFacts, drift_metrics, last_success_in
from tests.cli.conftest import FILES
from tests.commands import Result
from tests.render import plan_samples as samples

Cli = Callable[..., Result]
EMULATED = ("--emulator", "demo.db")
METRICS = (*EMULATED, "--metrics", "m.prom")
LAST = "reconciler_drift_last_success_timestamp_seconds"


@pytest.fixture
def drifted(cli: Cli, files: Path) -> Path:
    assert cli("apply", *EMULATED, "--yes").code == 0
    files.write_text(FILES.replace("[sendMessage]", "[leaveConversation]"))
    return files


def test_metrics_count_findings_by_kind_and_class(cli: Cli, drifted: Path) -> None:
    assert drifted.exists()
    assert cli("drift", *METRICS).code == 2
    lines = Path("m.prom").read_text().splitlines()
    assert 'reconciler_drift_findings{environment="",kind="role",class="differs"} 1' in lines
    assert 'reconciler_drift_findings{environment="",kind="service",class="unmanaged"} 1' in lines
    assert 'reconciler_drift_success{environment=""} 1' in lines
    requests = next(line for line in lines if line.startswith("reconciler_drift_requests"))
    assert int(requests.rpartition(" ")[2]) == cli("drift", *EMULATED, "--format", "json").json["requests"] > 0
    sample = re.compile(r'[a-z_]+\{([a-z]+="[^"\\]*",?)+\} [0-9]+(\.[0-9]{3})?')
    assert all(line.startswith("# ") or sample.fullmatch(line) for line in lines)
    assert Path("m.prom").stat().st_mode & 0o777 == 0o644


def test_a_failed_run_keeps_the_last_success(cli: Cli, drifted: Path) -> None:
    assert cli("drift", *METRICS).code == 2
    success = last_success_in(Path("m.prom").read_text(), "")
    assert success is not None
    drifted.write_text("version: 1\nservices: 5\n")
    assert cli("drift", *METRICS).code == 1
    text = Path("m.prom").read_text()
    assert 'reconciler_drift_success{environment=""} 0\n' in text
    assert last_success_in(text, "") == success
    assert "reconciler_drift_findings{" not in text


def test_another_file_is_not_replaced(cli: Cli, drifted: Path) -> None:
    before = drifted.read_text()
    result = cli("drift", *EMULATED, "--metrics", "reconciler.yaml")
    assert result.code == 1
    assert "has no metrics of drift. Use another file" in result.err
    assert drifted.read_text() == before


def test_findings_name_each_field_once_and_no_values() -> None:
    assert findings(drift_document(samples.GOLDEN_PLANS["baseline"])) == (
        Finding("services.support.webhooks", "filters", "service_webhook", "drifted"),
        Finding("services.support.roles.agent", "permissions", "role", "conflict"),
        Finding("services.support.roles.lead", "", "role", "drifted"),
        Finding("addresses.sales", "", "address_configuration", "removed_conflict"),
        Finding("services.support.webhooks", "pre_webhook_url", "service_webhook", "removed"),
        Finding("services.support.webhooks", "method", "service_webhook", "removed"),
        Finding("services.support.configuration", "reachability_enabled", "service_configuration", "pending"),
        Finding("addresses.overflow", "", "address_configuration", "removed"),
    )


def test_labels_are_escaped_and_read_again() -> None:
    environment = 'a"b\\c\nd'
    text = drift_metrics(None, RunFacts(environment, 1_000.0, 2.5, 900.25))
    assert f'{LAST}{{environment="a\\"b\\\\c\\nd"}} 900.250\n' in text
    assert last_success_in(text, environment) == 900.25
    assert last_success_in(text, "other") is None
