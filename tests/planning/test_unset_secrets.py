"""Plans without the secrets: what is compared, what is shown, and what an apply needs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from reconciler.config.model import Config, Unknown
from reconciler.config.unknown_values import can_equal, can_equal_text
from reconciler.errors import ConfigError, MatchError
from reconciler.kinds.fields import Content
from tests.commands import Run, forget_surroundings, runner
from tests.scenario import fields, only, told
from tests.world import World
from tests.world import read as read_whole

HOOK = """
version: 1
services:
  desk:
    webhooks: {method: POST, post_webhook_url: "https://hooks.example.com/in?token=${secret:TOKEN}&v=1"}
"""


def read(files: str, env: Mapping[str, str] | None = None) -> Config:
    return read_whole(files, env, secrets_later=True)


@pytest.mark.parametrize(
    ("written", "text", "expected"),
    [
        ("plain", "plain", True),
        ("plain", "other", False),
        ("${secret:A}", "anything", True),
        ("${secret:A}", "", False),
        ("https://a/${secret:A}", "https://a/token", True),
        ("https://a/${secret:A}", "https://a/", False),
        ("https://a/${secret:A}", "https://b/token", False),
        ("a${secret:A}b${secret:B}c", "a1b2c", True),
        ("a${secret:A}b${secret:B}c", "abbbc", True),
        ("a${secret:A}b${secret:B}c", "ab2c", False),
        ("a${secret:A}b${secret:B}c", "a1bc", False),
        ("${secret:A}aa", "aaa", True),
        ("${secret:A}aa", "aa", False),
        ("${secret:A}\n", "x\n", True),
    ],
)
def test_a_text_fits_what_is_known_of_it(written: str, text: str, *, expected: bool) -> None:
    assert can_equal_text(written, text) is expected


def test_many_secrets_in_a_long_text_take_linear_time() -> None:
    assert not can_equal_text("a${secret:S}" * 2000 + "!", "a" * 60_000)


@pytest.mark.parametrize(
    ("written", "before", "expected"),
    [
        ("${secret:A}", None, False),
        ("${secret:A}", True, True),
        ("${secret:A}", {"a": 1}, True),
        ('{"a": "${secret:A}", "b": "x"}', {"a": "1", "b": "x"}, True),
        ('{"a": "${secret:A}", "b": "x"}', {"a": 1, "b": "x"}, True),
        ('{"a": "${secret:A}", "b": "x"}', {"a": "1", "b": "y"}, False),
        ('{"a": "${secret:A}", "b": "x"}', {"a": "1"}, False),
        ('["${secret:A}", "stop"]', ("help", "stop"), True),
        ('["${secret:A}", "stop"]', ("help", "go"), False),
        ('["${secret:A}", "stop"]', ("stop",), False),
        ('["${secret:A}", "stop"]', (), False),
    ],
)
def test_a_live_content_may_be_what_is_known_of_a_value(written: str, before: Content, *, expected: bool) -> None:
    assert can_equal(Unknown("not set", written), before) is expected


def test_a_new_resource_is_planned_without_its_secrets() -> None:
    made = World().plan(read(HOOK))
    assert told(made) == ["create services.desk", "update services.desk.webhooks"]
    assert [problem.message for problem in made.unset] == [
        "post_webhook_url of services.desk.webhooks must be sent, but secret TOKEN is not set"
    ]


def test_a_value_whose_known_parts_are_live_is_not_compared() -> None:
    account = World()
    account.converge(read(HOOK, {"TOKEN": "first"}))
    made = account.plan(read(HOOK))
    assert (told(made), made.unset) == ([], ())
    assert [(problem.code, problem.message) for problem in made.warnings] == [
        (
            "not-compared",
            "TOKEN is not set, so post_webhook_url of services.desk.webhooks was compared only in part",
        )
    ]


def test_a_value_whose_known_parts_differ_is_a_change() -> None:
    account = World()
    account.converge(read(HOOK, {"TOKEN": "first"}))
    made = account.plan(read(HOOK.replace("v=1", "v=2")))
    assert list(fields(only(made))) == ["post_webhook_url"]
    assert len(made.unset) == 1


def test_other_fields_are_planned_and_applied_without_the_secret() -> None:
    account = World()
    account.converge(read(HOOK, {"TOKEN": "first"}))
    account.forget_requests()
    files = read(HOOK.replace("POST", "GET"))
    made = account.plan(files)
    assert (list(fields(only(made))), made.unset) == (["method"], ())
    assert account.do(made).exit_code == 0
    assert [record.form for record in account.emulator.requests if record.method == "POST"] == [{"Method": ["GET"]}]


def test_what_is_not_a_secret_has_to_be_set() -> None:
    with pytest.raises(ConfigError):
        read(HOOK.replace("secret:TOKEN", "env:HOST"))


WHO = """
version: 1
services: {desk: {users: {ada: {identity: "${secret:WHO}"}}}}
"""


def test_a_resource_that_is_recognized_by_an_unset_secret_cannot_be_planned() -> None:
    account = World()
    account.post("/v1/Services", {"FriendlyName": "desk"})
    with pytest.raises(MatchError) as error:
        account.plan(read(WHO))
    assert [problem.message for problem in error.value.problems] == [
        "services.desk.users.ada is matched by its identity, whose value requires WHO, which is not set"
    ]


BOT = """
version: 1
services:
  desk:
    conversations:
      lobby:
        webhooks: {bot: {target: webhook, url: "https://bot.example.com/${secret:BOT}", filters: [onMessageAdded]}}
        prune: [webhooks]
"""


def test_a_conversation_webhook_is_recognized_by_the_known_part_of_its_url() -> None:
    account = World()
    account.converge(read(BOT, {"BOT": "one"}))
    made = account.plan(read(BOT))
    assert (told(made), made.unset) == ([], ())


def test_two_webhooks_that_fit_the_known_part_are_not_told_apart_by_chance() -> None:
    account = World()
    account.converge(read(BOT, {"BOT": "one"}))
    service = account.service("desk")
    account.post(
        f"/v1/Services/{service}/Conversations/lobby/Webhooks",
        {
            "Target": "webhook",
            "Configuration.Url": "https://bot.example.com/two",
            "Configuration.Filters": ["onMessageAdded"],
        },
    )
    with pytest.raises(MatchError) as error:
        account.plan(read(BOT))
    assert [problem.code for problem in error.value.problems] == ["ambiguous-name"]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    forget_surroundings(monkeypatch)
    return runner(capsys)


def test_apply_names_every_missing_secret_before_it_sends_anything(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reconciler.yaml").write_text(HOOK + 'credentials: {push: {type: fcm, secret: "${secret:PUSH}"}}\n')
    connection = ("--emulator", str(tmp_path / "account.db"))
    planned = run("plan", str(tmp_path), *connection)
    assert (planned.code, planned.out.count("set at apply")) == (0, 2)
    applied = run("apply", str(tmp_path), *connection, "--yes")
    assert applied.code == 1
    assert "secret TOKEN is not set" in applied.err
    assert "secret PUSH is not set" in applied.err
    assert run("plan", str(tmp_path), *connection, "--format", "json").json["summary"]["create"] == 2
    monkeypatch.setenv("TOKEN", "abcdefgh")
    assert run("apply", str(tmp_path), *connection, "--yes", "--exclude", "credentials").code == 0
