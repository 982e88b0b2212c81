"""Where traffic goes is shown in every format, and the secret parts of a webhook's URL in none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.config.model import Config
from reconciler.documents.approval import not_approved
from reconciler.documents.plan import PlanFile, parse_plan, plan_document
from reconciler.planning.plan import Plan
from reconciler.render.html.plan_page import plan_html
from reconciler.render.markdown import plan_markdown
from reconciler.render.text import plan_text
from tests.render.plan_samples import change, field, plan
from tests.world import World, read

CANARY = "canary7XkQ83hdk29dkEl2"
OTHER = "canaryPqW5tz71mmRu4bVs"
SECRETS = {"HOOK_TOKEN": CANARY}


def webhooks(url: str, more: str = "") -> str:
    return f'version: 1\nservices: {{s: {{webhooks: {{post_webhook_url: "{url}"{more}}}}}}}\n'


HOOK = webhooks("https://hooks.example.com/in?token=${secret:HOOK_TOKEN}&v=1")


def saved(made: Plan, files: Config) -> PlanFile:
    return plan_document(made, key=b"k", tool_version="0", created_at="2026-01-02T12:00:00Z", hidden=files.secrets)


def planned(account: World, text: str, env: Mapping[str, str] | None = None) -> PlanFile:
    files = read(text, SECRETS if env is None else env, secrets_later=True)
    return saved(account.plan(files), files)


def url_sides(file: PlanFile) -> tuple[Any, Any]:
    (item,) = (item for entry in file.changes for item in entry.fields if item.path.endswith("url"))
    return item.before, item.after


@pytest.fixture
def account() -> World:
    account = World()
    account.converge(read("version: 1\nservices: {s: {}}\n"))
    return account


def live(account: World, url: str) -> None:
    account.post(f"/v1/Services/{account.service('s')}/Configuration/Webhooks", {"PostWebhookUrl": url})


# --- the plan file ---------------------------------------------------------------------------------------------------


def test_a_url_keeps_its_digest_and_gains_its_masked_text(account: World) -> None:
    live(account, f"https://old.example.com/in?token={OTHER}&v=1&w=2")
    before, after = url_sides(planned(account, HOOK))
    assert (list(before), list(after)) == (["digest", "shown"], ["secret", "digest", "shown"])
    assert before["shown"] == "https://old.example.com/in?token=(sensitive)&v=1&w=(sensitive)"
    assert after["shown"] == "https://hooks.example.com/in?token=(sensitive)&v=1"


def test_a_url_whose_secret_is_not_set_is_shown_too(account: World) -> None:
    _, after = url_sides(planned(account, HOOK, {}))
    assert after == {"secret": "HOOK_TOKEN", "shown": "https://hooks.example.com/in?token=(sensitive)&v=1"}


@pytest.mark.parametrize(
    ("url", "more"),
    [
        ("${secret:HOOK_TOKEN}", ""),
        ("${env:HOOK_TOKEN}", ""),
        ("https://hooks.example.com/in?token=${secret:HOOK_TOKEN}", ", sensitive: [post_webhook_url]"),
        ("https://hooks.example.com/in", ", sensitive: [post_webhook_url]"),
    ],
)
def test_what_is_hidden_as_a_whole_stays_so(account: World, url: str, more: str) -> None:
    live(account, f"https://old.example.com/in?token={OTHER}")
    file = planned(account, webhooks(url, more), {"HOOK_TOKEN": f"https://hooks.example.com/{CANARY}"})
    before, after = url_sides(file)
    assert "shown" not in before
    assert "shown" not in after


def test_a_host_that_comes_from_a_secret_is_masked_on_both_sides(account: World) -> None:
    live(account, f"https://{OTHER}.example.com/in?x=1")
    before, after = url_sides(planned(account, webhooks("https://${secret:HOOK_TOKEN}.example.com/in")))
    assert list(before) == ["digest"]
    assert after["shown"] == "https://(sensitive).example.com/in"


def test_a_literal_password_is_masked_and_the_rest_is_shown(account: World) -> None:
    before, after = url_sides(planned(account, webhooks(f"https://ada:{CANARY}@hooks.example.com/in?sig={CANARY}")))
    assert before is None
    assert after["shown"] == "https://(sensitive)@hooks.example.com/in?sig=(sensitive)"


def test_a_random_segment_of_a_live_url_is_masked_though_the_configuration_has_no_secret(account: World) -> None:
    live(account, f"https://hooks.slack.example/services/{OTHER}")
    file = planned(account, webhooks("https://hooks.example.com/in"))
    before, after = url_sides(file)
    assert before["shown"] == "https://hooks.slack.example/services/(sensitive)"
    assert after["shown"] == "https://hooks.example.com/in"
    assert OTHER not in file.to_json()


@pytest.mark.parametrize(
    ("token", "parts"),
    [
        ("Q2xhc3NpY0tleQ1234567890abcdefghij%3D%3D", ["Q2xhc3NpY0tleQ1234567890abcdefghij"]),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx.dozjgNryP4J3jVmNHl0w5N", ["eyJhbGci", "eyJzdWIi", "dozjgNry"]),
        ("Q2xhc3NpY0tl/Q1234567890abcdefghij==", ["Q2xhc3NpY0tl", "Q1234567890"]),
        ("Ab3dE9xZ+q7Rt2LmN5/0pWsKv8==", ["Ab3dE9xZ", "q7Rt2LmN5", "0pWsKv8"]),
    ],
)
def test_no_part_of_a_token_of_a_live_url_is_in_a_plan(account: World, token: str, parts: list[str]) -> None:
    live(account, f"https://fn.azurewebsites.example/api/hook?code={token}")
    file = planned(account, webhooks("https://hooks.example.com/in"))
    before, _ = url_sides(file)
    assert before["shown"] == "https://fn.azurewebsites.example/api/hook?code=(sensitive)"
    assert not any(part in file.to_json() for part in parts)


def test_another_secret_of_the_run_is_masked_in_the_live_url(account: World) -> None:
    live(account, "https://old.example.com/plainword/in?token=x")
    roles = "roles: {agent: {type: conversation, permissions: ['${secret:WORD}']}}"
    text = HOOK.replace("{s: {", f"{{s: {{{roles}, ")
    file = planned(account, text, {**SECRETS, "WORD": "plainword"})
    before = next(item.before for entry in file.changes for item in entry.fields if item.path == "post_webhook_url")
    assert isinstance(before, dict)
    assert before["shown"] == "https://old.example.com/(sensitive)/in?token=(sensitive)"


# --- approval --------------------------------------------------------------------------------------------------------


def test_a_redirected_url_is_not_approved_and_the_difference_shows_where_it_goes(account: World) -> None:
    elsewhere = HOOK.replace("hooks.example.com", "evil.example.net")
    (told,) = not_approved(planned(account, HOOK), planned(account, elsewhere), {})
    assert told == (
        'services.s.webhooks: post_webhook_url would become "https://evil.example.net/in?token=(sensitive)&v=1"; '
        '"https://hooks.example.com/in?token=(sensitive)&v=1" was approved (or the plan was made with different '
        "credentials; use RECONCILER_PLAN_KEY)"
    )


def test_another_token_is_not_approved_though_it_is_shown_alike(account: World) -> None:
    (told,) = not_approved(planned(account, HOOK), planned(account, HOOK, {"HOOK_TOKEN": OTHER}), {})
    assert told.startswith(
        "services.s.webhooks: post_webhook_url would become another value of the secret HOOK_TOKEN; another value"
    )


@pytest.mark.parametrize("env", [SECRETS, {}], ids=["set", "unset"])
@pytest.mark.parametrize(
    "shown",
    ["https://nice.example.com/in?token=(sensitive)&v=1", "(sensitive)x", "", None, 1, ["https://hooks.example.com/"]],
)
def test_an_edited_masked_text_is_not_approved(account: World, env: Mapping[str, str], shown: Any) -> None:
    content = json.loads(planned(account, HOOK, env).to_json())
    side = content["changes"][0]["fields"][0]["after"]
    if shown is None:
        del side["shown"]
    else:
        side["shown"] = shown
    edited = parse_plan(json.dumps(content), "plan.json")
    assert len(not_approved(edited, planned(account, HOOK), {})) == 1


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("https://hooks.example.com/services/${secret:HOOK_TOKEN}", "T00/B00/abc"),
        ("https://hooks.example.com${secret:HOOK_TOKEN}", "/services/x?a=b"),
        ("https://hooks.example.com/${secret:HOOK_TOKEN}", "in?a=b&token=x#y"),
        ("https://${secret:HOOK_TOKEN}/in", "hooks.example.com/x"),
        ("https://ada:${secret:HOOK_TOKEN}@hooks.example.com/", "pass"),
        ("${secret:HOOK_TOKEN}", "https://hooks.example.com/"),
        ("https://hooks.example.com/in?a=${secret:HOOK_TOKEN}&b=${secret:HOOK_TOKEN}", "(sensitive)"),
    ],
)
def test_a_plan_with_an_unset_secret_approves_whatever_it_holds(account: World, url: str, secret: str) -> None:
    approved = planned(account, webhooks(url), {})
    assert not_approved(approved, planned(account, webhooks(url), {"HOOK_TOKEN": secret}), {}) == ()


# --- other values that repeat a secret -------------------------------------------------------------------------------


def test_a_secret_in_what_the_account_has_is_masked_everywhere(account: World) -> None:
    base = f"/v1/Services/{account.service('s')}"
    role = {"FriendlyName": f"role {CANARY}", "Type": "conversation", "Permission": ["sendMessage"]}
    sid = account.post(f"{base}/Roles", role)["sid"]
    account.post(f"{base}/Configuration", {"DefaultConversationRoleSid": sid})
    account.post(f"{base}/Users", {"Identity": "ada", "FriendlyName": CANARY, "Attributes": json.dumps({CANARY: 1})})
    text = """
version: 1
services:
  s:
    configuration: {default_conversation_role: agent}
    roles: {agent: {type: conversation, permissions: [sendMessage]}}
    users: {ada: {friendly_name: Ada, attributes: {team: 1}}}
    webhooks: {post_webhook_url: "https://hooks.example.com/in?token=${secret:HOOK_TOKEN}"}
"""
    pruned = text + "    prune: {roles: {except: [x]}}\n"
    for told in (text, pruned):
        file = planned(account, told)
        assert CANARY not in file.to_json()
        before = {item.path: item.before for entry in file.changes for item in entry.fields if entry.kind == "user"}
        assert {path: list(value) for path, value in before.items() if isinstance(value, dict)} == {
            "friendly_name": ["digest"],
            "attributes": ["digest"],
        }
    approved = planned(account, pruned)
    assert '"before_name": "role (sensitive value)"' in approved.to_json()
    assert [entry.name for entry in approved.changes if entry.action == "delete"] == ["role (sensitive value)"]
    account.post(f"{base}/Users/ada", {"FriendlyName": OTHER + CANARY})
    assert not_approved(approved, planned(account, pruned), {}), "what is masked is compared all the same"


# --- words ----------------------------------------------------------------------------------------------------------

HOSTILE = "https://h.example/\x1b[31m\u202e`<script>alert(1)</script>@everyone|[x](y)?token=(sensitive)"


@pytest.mark.parametrize("layout", ["text", "markdown", "html"])
def test_a_hostile_masked_text_is_escaped_for_its_medium(layout: str) -> None:
    side = {"digest": "k:1", "shown": HOSTILE}
    file = plan(change("account.webhooks", "account_webhook", "update", field("post_webhook_url", side, side)))
    renderers: dict[str, Any] = {
        "text": lambda: plan_text(file, colour=False, width=100, verbose=True),
        "markdown": lambda: plan_markdown(file),
        "html": lambda: plan_html(file),
    }
    told = renderers[layout]()
    assert "\x1b" not in told
    assert "\u202e" not in told
    assert "<script>alert(1)" not in told or layout != "html"


@pytest.mark.parametrize("layout", ["text", "markdown"])
def test_what_is_said_beside_a_masked_url(layout: str) -> None:
    same = "https://h.example/?token=(sensitive)"
    file = plan(
        change(
            "account.webhooks",
            "account_webhook",
            "update",
            field("pre_webhook_url", {"digest": "1", "shown": same}, {"secret": "T", "digest": "2", "shown": same}),
            field("post_webhook_url", None, {"secret": "T", "shown": same}),
        )
    )
    told = plan_text(file, colour=False, width=200) if layout == "text" else plan_markdown(file)
    assert "(secret T, sensitive parts differ)" in told
    assert "(secret T, set at apply)" in told
