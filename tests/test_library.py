"""The package as a library: its public names, the verbs as methods, and the fixtures for pytest."""

from __future__ import annotations

import ast
import asyncio
import importlib
import inspect
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import get_type_hints

import httpx
import pytest

import reconciler
from reconciler.documents.parts import UndoPart
from reconciler.testing import EmulatedAccount
from reconciler.workflow import library
from reconciler.workflow.library import Options, Reconciler, SyncReconciler

DESK = """\
version: 1
services:
  desk:
    roles:
      agent: {type: service, permissions: [addParticipant]}
"""
DESK_WITH_TWO = DESK + "      lead: {type: service, permissions: [joinConversation]}\n"
MAIN = "addresses: {main: {address: '+14155550100', type: sms}}\n"


def services(account: EmulatedAccount) -> dict[str, str]:
    """SIDs by name, without the default service that every account has."""
    return {row["friendly_name"]: row["sid"] for row in account.get("/v1/Services")["services"][1:]}


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    (tmp_path / "reconciler.yaml").write_text(DESK)
    return tmp_path


# --- the public names ------------------------------------------------------------------------------------------------


def test_the_public_names_are_these() -> None:
    assert reconciler.__all__ == [
        "AcceptFile", "ApiError", "ConfigError", "DriftFile", "Emulator", "Export", "GuardRefusal", "Interrupted",
        "JournalError", "LedgerError", "LedgerOptions", "MatchError", "PlanFile", "PlanFileError", "Reconciler",
        "ReconcilerError", "ReportFile", "StalePlan", "SyncReconciler", "UsageError", "ValidationFile", "__version__",
    ]  # fmt: skip


def test_type_checkers_see_the_same_names_from_the_same_places() -> None:
    stub = ast.parse(Path(reconciler.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    imported = {
        alias.name: node.module for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert sorted([*imported, "__version__"]) == sorted(reconciler.__all__)
    assert {name: getattr(reconciler, name) for name in imported} == {
        name: getattr(importlib.import_module(str(module)), name) for name, module in imported.items()
    }


def test_every_public_name_is_there_and_documented() -> None:
    for name in reconciler.__all__:
        value = getattr(reconciler, name)
        assert name == "__version__" or inspect.getdoc(value), name
    assert set(reconciler.__all__) <= set(dir(reconciler))
    with pytest.raises(AttributeError, match=r"^module 'reconciler' has no attribute 'Terraform'$"):
        _ = reconciler.Terraform  # type: ignore[attr-defined]


def test_every_error_that_can_be_raised_is_public_or_below_a_public_one() -> None:
    from reconciler import errors

    raised = {value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, Exception)}
    public = tuple(getattr(reconciler, name) for name in reconciler.__all__ if name != "__version__")
    assert [error for error in raised if not issubclass(error, public)] == []


def test_importing_the_package_alone_imports_nothing_else() -> None:
    code = (
        "import sys; before = set(sys.modules); import reconciler; reconciler.__version__;"
        "print(sorted(set(sys.modules) - before))"
    )
    ended = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "['reconciler']"


# --- accepting drift -------------------------------------------------------------------------------------------------


def test_drift_is_accepted(desk: Path) -> None:
    account = EmulatedAccount()
    account.apply(desk)
    (desk / "reconciler.yaml").write_text(DESK.replace("addParticipant", "joinConversation"))
    account.apply(desk)
    (desk / "reconciler.yaml").write_text(DESK)
    one = account.reconciler(desk)
    name = "services.desk.roles.agent.permissions"
    found = one.accept(name, write=False)
    assert (found.written, len(found.files), found.refused) == (False, 1, ())
    assert (desk / "reconciler.yaml").read_text() == DESK
    assert one.accept(name).written
    assert (desk / "reconciler.yaml").read_text() == DESK.replace("addParticipant", "joinConversation")
    account.close()


def test_what_is_missing_is_added(desk: Path) -> None:
    account = EmulatedAccount()
    (desk / "reconciler.yaml").write_text(DESK_WITH_TWO)
    account.apply(desk)
    (desk / "reconciler.yaml").write_text(DESK)
    one = account.reconciler(desk, targets=["services.desk.roles.lead"])
    found = one.add_missing(write=False)
    assert (found.written, [item.address for item in found.accepted]) == (False, ["services.desk.roles.lead"])
    assert (desk / "reconciler.yaml").read_text() == DESK
    assert one.add_missing().written
    added = "      lead:\n        type: service\n        permissions: [joinConversation]\n"
    assert (desk / "reconciler.yaml").read_text() == DESK + added
    assert one.add_missing().files == ()
    # In memory, a target narrows an export, too.
    assert one.export().files["reconciler.yaml"].endswith(f"services:\n  desk:\n    roles:\n{added}")
    account.close()


# --- the verbs -------------------------------------------------------------------------------------------------------


def test_a_configuration_is_validated_planned_applied_and_compared(desk: Path, tmp_path: Path) -> None:
    async def run() -> None:
        desired = Reconciler(desk, emulator=tmp_path / "account.db", environ={})
        checked = await desired.validate()
        assert (checked.resources, checked.problems) == (2, ())
        plan = await desired.plan()
        assert [(change.action, change.address) for change in plan.changes] == [
            ("create", "services.desk"),
            ("create", "services.desk.roles.agent"),
        ]
        report = await desired.apply(plan)
        assert (report.exit_code, report.summary.create) == (0, 2)
        drift = await desired.drift()
        assert drift.differences == ()
        exported = await desired.export()
        assert "agent:" in exported.files["reconciler.yaml"]
        again = await desired.apply()
        assert (again.exit_code, again.changes, again.writes) == (0, (), 0)

    asyncio.run(run())


def test_drift_searches_for_unmanaged_resources_on_request(desk: Path, emulated_account: EmulatedAccount) -> None:
    emulated_account.assert_converges(desk)
    emulated_account.post("/v1/Configuration/Addresses", {"Address": "+14155550100", "Type": "sms"})
    desired = emulated_account.reconciler(desk)
    assert {item.kind for item in desired.drift().unmanaged} == {"service"}
    assert {item.kind for item in desired.drift(search_unmanaged=True).unmanaged} == {
        "service",
        "address_configuration",
    }


def test_a_plan_is_an_approval(desk: Path, emulated_account: EmulatedAccount) -> None:
    desired = emulated_account.reconciler(desk)
    plan = desired.plan()
    (desk / "reconciler.yaml").write_text(DESK_WITH_TWO)
    with pytest.raises(reconciler.StalePlan) as caught:
        desired.apply(plan)
    assert caught.value.exit_code == 3
    assert emulated_account.writes == []


def test_a_guard_refuses_and_an_approval_is_given(desk: Path, emulated_account: EmulatedAccount) -> None:
    emulated_account.apply(desk)
    (desk / "reconciler.yaml").write_text("version: 1\nservices: {desk: {absent: true}}\n")
    desired = emulated_account.reconciler(desk)
    with pytest.raises(reconciler.GuardRefusal):
        desired.apply()
    assert desired.apply(approve=["services.desk"]).exit_code == 0
    assert services(emulated_account) == {}


def test_the_options_reach_the_configuration(tmp_path: Path, emulated_account: EmulatedAccount) -> None:
    (tmp_path / "reconciler.yaml").write_text(
        'version: 1\nservices: {desk: {friendly_name: "${var:name} ${env:PLACE}"}}\n'
        "environments: {prod: {variables: {name: Prod}}, test: {variables: {name: Test}}}\n"
        "addresses: {main: {address: '+14155550100', type: sms}}\n"
    )
    plan = emulated_account.plan(
        tmp_path, env="prod", environ={"PLACE": "Berlin"}, targets=["services.desk"], concurrency=2
    )
    assert [(change.address, change.name) for change in plan.changes] == [("services.desk", "Prod Berlin")]
    changed = emulated_account.plan(tmp_path, env="prod", variables={"name": "Other"}, environ={"PLACE": "Berlin"})
    assert [change.name for change in changed.changes] == ["Other Berlin", "+14155550100"]


def test_every_problem_of_a_configuration_is_in_the_error(tmp_path: Path) -> None:
    (tmp_path / "reconciler.yaml").write_text("version: 1\nservicse: {}\nservices: {desk: {rolse: {}}}\n")
    with pytest.raises(reconciler.ConfigError) as caught:
        SyncReconciler(tmp_path, environ={}).validate()
    assert [problem.code for problem in caught.value.problems] == ["unknown-key", "unknown-key"]


def test_the_synchronous_twin_has_the_same_methods_and_options() -> None:
    def public(of: type) -> dict[str, list[str]]:
        return {
            name: list(inspect.signature(method).parameters)
            for name, method in vars(of).items()
            if not name.startswith("_")
        }

    assert public(SyncReconciler) == public(Reconciler)
    parameters = inspect.signature(Reconciler.__init__).parameters
    assert [name for name in parameters if name not in {"self", "path"}] == list(Options.__annotations__)
    assert get_type_hints(library.Options, localns=_names()).keys() == Options.__annotations__.keys()


def _names() -> dict[str, object]:
    from reconciler.report import Progress

    return {"Emulator": reconciler.Emulator, "Progress": Progress}


def test_an_apply_is_undone_by_its_report(desk: Path, emulated_account: EmulatedAccount, tmp_path: Path) -> None:
    reconciler_of_desk = emulated_account.reconciler(desk)
    before = emulated_account.snapshot()
    report = tmp_path / "report.json"
    reconciler_of_desk.apply(report=report)
    undone = reconciler_of_desk.undo(report, report_to=tmp_path / "undone.json")
    assert (undone.exit_code, undone.summary.delete) == (0, 1)
    assert emulated_account.snapshot() == before
    again = reconciler_of_desk.undo(tmp_path / "undone.json")
    assert (again.exit_code, again.summary.create) == (0, 1)


def test_a_plan_is_applied_only_by_the_method_that_made_it(
    desk: Path, emulated_account: EmulatedAccount, tmp_path: Path
) -> None:
    reconciler_of_desk = emulated_account.reconciler(desk)
    plan = reconciler_of_desk.plan()
    report = tmp_path / "report.json"
    reconciler_of_desk.apply(report=report)
    with pytest.raises(reconciler.PlanFileError, match="the plan does not undo"):
        reconciler_of_desk.undo(report, plan)
    undo = replace(plan, options=replace(plan.options, undo=UndoPart(report="report.json", digest="sha256:0")))
    with pytest.raises(reconciler.UsageError, match="the plan undoes an apply"):
        reconciler_of_desk.apply(undo)


# --- the fixtures ----------------------------------------------------------------------------------------------------


def test_an_account_that_is_broken_on_purpose_converges(
    desk: Path, emulated_account: EmulatedAccount, assert_converges: Callable[..., reconciler.ReportFile]
) -> None:
    emulated_account.faults = "503=0.2,reset-after=0.2"
    report = assert_converges(desk)
    assert report.resent > 0
    assert sum(emulated_account.app.faulty.injected.values()) > 0


def test_what_does_not_converge_is_told(desk: Path, emulated_account: EmulatedAccount) -> None:
    emulated_account.faults = "500=1"
    with pytest.raises(reconciler.ApiError):
        emulated_account.assert_converges(desk)


def test_somebody_else_changes_the_account(desk: Path, emulated_account: EmulatedAccount) -> None:
    emulated_account.assert_converges(desk)
    service = services(emulated_account)["desk"]
    role = next(
        role
        for role in emulated_account.get(f"/v1/Services/{service}/Roles")["roles"]
        if role["friendly_name"] == "agent"
    )
    emulated_account.post(f"/v1/Services/{service}/Roles/{role['sid']}", {"Permission": ["joinConversation"]})
    drift = emulated_account.drift(desk)
    assert [found.address for found in drift.differences] == ["services.desk.roles.agent"]
    emulated_account.delete(f"/v1/Services/{service}/Roles/{role['sid']}")
    assert [change.action for change in emulated_account.plan(desk).changes] == ["create"]
    with pytest.raises(AssertionError):
        emulated_account.get(f"/v1/Services/{service}/Roles/{role['sid']}")


def test_time_passes_when_it_is_told_to(emulated_account: EmulatedAccount) -> None:
    service = emulated_account.post("/v1/Services", {"FriendlyName": "desk"})["sid"]
    path = f"/v1/Services/{service}/Conversations"
    sid = emulated_account.post(path, {"FriendlyName": "chat", "State": "active", "Timers.Closed": "PT10M"})["sid"]
    emulated_account.now += timedelta(minutes=9)
    assert emulated_account.get(f"{path}/{sid}")["state"] == "active"
    emulated_account.now += timedelta(minutes=2)
    assert emulated_account.get(f"{path}/{sid}")["state"] == "closed"


def test_the_account_is_served(desk: Path, emulated_account: EmulatedAccount, served_account: str) -> None:
    environ = {"TWILIO_ACCOUNT_SID": emulated_account.account_sid, "TWILIO_AUTH_TOKEN": "emulator"}
    report = SyncReconciler(desk, api_url=served_account, environ=environ).apply()
    assert report.exit_code == 0
    names = [row["friendly_name"] for row in httpx.get(f"{served_account}/v1/Services").json()["services"]]
    assert names[1:] == ["desk"]


def test_an_account_is_the_same_in_each_run() -> None:
    first, second = EmulatedAccount(), EmulatedAccount()
    assert first.snapshot() == second.snapshot()
    first.close()
    second.close()
