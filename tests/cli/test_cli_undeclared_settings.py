"""Undeclared settings, from the console's change to every format of `drift`; and `sealed`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.emulator import Emulator, Store
from tests.cli.conftest import FILES
from tests.commands import Run

EMULATED = ("--emulator", "demo.db")
TOKEN = "4f5e6d7c8b9a0f1e2d3c"
ACCOUNT_DEFAULTS = "unmanaged: {ignore: [account.configuration.*, 'services[*']}\n"


@pytest.fixture
def console(cli: Run, files: Path) -> Path:
    """An account in which somebody set webhooks in the console."""
    files.write_text(FILES + ACCOUNT_DEFAULTS)
    assert cli("apply", *EMULATED, "--yes").code == 0
    store = Store.open("demo.db")
    emulator = Emulator(store)
    services = emulator.call("GET", "/v1/Services", {}).body
    assert isinstance(services, dict)
    [service] = [item["sid"] for item in services["services"] if item["friendly_name"] == "Customer Support"]
    for path, form in (
        ("/v1/Configuration/Webhooks", {"PreWebhookUrl": f"https://pre.example.com/in?token={TOKEN}"}),
        (f"/v1/Services/{service}/Configuration/Webhooks", {"PostWebhookUrl": "https://post.example.com/@everyone"}),
        (f"/v1/Services/{service}/Configuration/Notifications", {"LogEnabled": "true"}),
    ):
        assert emulator.call("POST", path, form).status == 200
    store.close()
    return files


@pytest.mark.usefixtures("console")
def test_text_names_each_value_the_gravest_first(cli: Run) -> None:
    result = cli("drift", *EMULATED)
    assert result.code == 0
    assert result.out.split("\n\n")[1] == (
        "Undeclared settings: 3 live settings that the configuration does not declare.\n"
        "  account.webhooks.pre_webhook_url (high risk):\n"
        '    "https://pre.example.com/in?token=(sensitive)"\n'
        "    Called before an event; its response can change or reject the event.\n"
        "  services.support.webhooks.post_webhook_url:\n"
        "    https://post.example.com/@everyone\n"
        "  services.support.notifications.log_enabled:\n"
        "    true\n"
        "  Declare a value to keep it. Set `sealed: true` on the service or on `account` to clear what is not\n"
        "  declared. To hide a value, list it under `unmanaged.ignore`.\n"
        "  For example, for one of them:\n"
        "    by hand: pre_webhook_url: the value is sensitive\n"
        "    revert: account: {webhooks: {pre_webhook_url: null}}\n"
        "    ignore: unmanaged: {ignore: ['account.webhooks.pre_webhook_url']}"
    )
    assert " ".join(result.out.split()).startswith(
        "No drift, but 1 high-risk undeclared setting: 0 different, 0 missing, 0 to be deleted, 0 unmanaged, 3 "
        "undeclared settings (1 high-risk). "
    )


def test_the_defaults_of_the_account_are_no_noise(cli: Run, files: Path) -> None:
    assert cli("apply", *EMULATED, "--yes").code == 0
    told, verbose = cli("drift", *EMULATED).out, cli("drift", *EMULATED, "--verbose").out
    assert "`sealed: true`" not in told, "it clears neither default"
    assert "Declare a value to keep it. To hide a value, list it under `unmanaged.ignore`." in told
    short = "Unmanaged: only the account's default service (--verbose shows the options).\n"
    assert short in told
    assert short in cli("plan", *EMULATED).out
    assert short not in verbose
    assert "    accept: reconciler accept --unmanaged 'services[" in verbose
    assert "absent: true" not in verbose, "the default service is never deleted"
    assert files.exists()


@pytest.mark.usefixtures("console")
def test_every_other_format_names_them_without_the_secret(cli: Run) -> None:
    markdown = cli("drift", *EMULATED, "--format", "markdown").out
    assert (
        "**3 live settings that the configuration does not declare**\n\n"
        '- 🔴 high `account.webhooks.pre_webhook_url`: `"https://pre.example.com/in?token=(sensitive)"` '
        "Called before an event; its response can change or reject the event.\n"
        "- 🟠 medium `services.support.webhooks.post_webhook_url`: `https://post.example.com/@everyone`\n"
        "- low `services.support.notifications.log_enabled`: `true`\n"
    ) in markdown
    found = cli("drift", *EMULATED, "--format", "html")
    assert found.err == ""
    html = found.out
    assert '<span class="risk high">high risk</span> <code>account.webhooks.pre_webhook_url</code>' in html
    assert "No drift, but 3 undeclared settings" in html
    annotated = cli("drift", *EMULATED, "--format", "github").out
    assert "::warning title=Not declared%3A account.webhooks.pre_webhook_url (high risk)::live: " in annotated
    assert (
        "::notice title=2 live settings that the configuration does not declare::"
        "services.support.webhooks.post_webhook_url%0Aservices.support.notifications.log_enabled"
    ) in annotated
    chat = cli("drift", *EMULATED, "--format", "chat").out
    assert "• account.webhooks.pre_webhook_url is live and not declared (high risk)" in chat
    told = cli("drift", *EMULATED, "--format", "json")
    first = told.json["undeclared_settings"][0]
    assert (first["address"], first["field"], first["risk"]) == ("account.webhooks", "pre_webhook_url", "high")
    assert (first["account"]["shown"], first["sensitive"], first["clearable"]) == (
        "https://pre.example.com/in?token=(sensitive)",
        True,
        True,
    )
    assert told.json["summary"]["undeclared_settings"] == 3
    for text in (markdown, html, annotated, chat, told.out):
        assert TOKEN not in text


def test_a_saved_drift_shows_them_again(cli: Run, console: Path) -> None:
    saved = console.with_name("drift.json")
    saved.write_text(cli("drift", *EMULATED, "--format", "json").out)
    assert "services.support.notifications.log_enabled:" in cli("show", str(saved)).out


def test_they_count_as_unmanaged_and_can_be_ignored(cli: Run, console: Path) -> None:
    assert cli("drift", *EMULATED, "--fail-on", "unmanaged").code == 2
    ignored = ACCOUNT_DEFAULTS.replace("ignore: [", "ignore: [account.webhooks.*, services.*.webhooks.*, '*enabled', ")
    console.write_text(FILES + ignored)
    result = cli("drift", *EMULATED, "--fail-on", "unmanaged", "--format", "json")
    assert (result.code, result.json["undeclared_settings"], result.json["warnings"]) == (0, [], [])


def test_sealed_clears_them_after_a_plan_that_says_why(cli: Run, console: Path) -> None:
    sealed = (
        FILES.replace("    roles:", "    sealed: true\n    roles:") + "account: {sealed: true}\n" + ACCOUNT_DEFAULTS
    )
    console.write_text(sealed)
    drift = cli("drift", *EMULATED)
    assert drift.code == 2
    assert "pre_webhook_url:  # reconciler.yaml:9 (sealed)" in drift.out
    plan = cli("plan", *EMULATED)
    assert "not declared, and services.support is sealed" in " ".join(plan.out.split())
    assert cli("apply", *EMULATED, "--yes").code == 0
    after = cli("drift", *EMULATED, "--fail-on", "differences,unmanaged", "--format", "json")
    assert (after.code, after.json["undeclared_settings"]) == (0, [])


def test_an_export_is_sealed_so_that_drift_reports_nothing(cli: Run, console: Path) -> None:
    folder = console.parent / "exported"
    assert cli("export", *EMULATED, "--out", str(folder)).code == 0
    written = "".join(path.read_text() for path in sorted(folder.rglob("*.yaml")))
    assert written.count("sealed: true") == 3  # the account, and both of its services
    found = json.loads(cli("drift", str(folder), *EMULATED, "--format", "json").out)
    assert (found["differences"], found["undeclared_settings"]) == ([], [])


def test_sealed_takes_true_and_false_only_and_belongs_to_what_has_settings(cli: Run, files: Path) -> None:
    files.write_text("version: 1\naccount: {sealed: maybe}\nservices: {a: {sealed: [1], roles: {b: {sealed: true}}}}\n")
    result = cli("validate", "--format", "json")
    assert [problem["message"] for problem in result.json["problems"]] == [
        'account.sealed must be true or false, not "maybe"',
        "sealed must be a single value",
        'a role has no key "sealed"',
    ]
