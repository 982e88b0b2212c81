"""What is offered while somebody types: addresses, environments and profiles, and never a word too much."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cli import candidates, shells
from reconciler.cli.entry import VARIABLE
from reconciler.cli.root import ROOT, VERBS
from tests.cli.conftest import in_process_of_its_own
from tests.commands import Result

Cli = Callable[..., Result]
FILES = """\
version: 1
include: [more.yaml]
services:
  support:
    template: desk
    roles: {agent: {}}
    webhooks: {post_webhook_url: "https://${secret:TOKEN}.example.com"}
    conversations: {news: {timers: {closed: P1D}}}
credentials:
  ios: {private_key: "${secret:KEY}"}
templates:
  desk: {roles: {host: {}}}
environments:
  staging: {overlays: [staging.yaml]}
  prod: {}
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "reconciler.yaml").write_text(FILES)
    (tmp_path / "more.yaml").write_text('addresses: {"+14155550100": {}}\n')
    (tmp_path / "staging.yaml").write_text("services: {extra: {}}\ncredentials: {ios: !unset }\n")
    return tmp_path


@pytest.fixture
def offered(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """What fish is offered at the end of a line."""

    def offer(line: str) -> list[str]:
        *words, current = line.split(" ")
        monkeypatch.setenv(VARIABLE, "fish_complete")
        monkeypatch.setenv("COMP_WORDS", "\n".join(words))
        monkeypatch.setenv("COMP_CURRENT", current)
        result = cli()
        monkeypatch.delenv(VARIABLE)
        assert (result.code, result.err) == (0, "")
        return [row.partition(",")[2] for row in result.out.splitlines() if row]

    return offer


Offered = Callable[[str], list[str]]
EVERYTHING = [
    "services.support", "services.support.webhooks", "services.support.roles.agent", "services.support.roles.host",
    "services.support.conversations.news", 'addresses["+14155550100"]', "credentials.ios",
]  # fmt: skip


@pytest.mark.parametrize("option", ["--target", "--exclude"])
@pytest.mark.parametrize("verb", ["plan", "apply"])
def test_addresses_come_from_all_of_the_files(here: Path, offered: Offered, verb: str, option: str) -> None:
    assert here.exists()
    assert sorted(offered(f"reconciler {verb} {option} ")) == sorted(EVERYTHING)
    assert offered(f"reconciler {verb} {option} services.support.roles.h") == ["services.support.roles.host"]
    assert offered(f"reconciler {verb} {option}=cred") == [f"{option}=credentials.ios"]


def test_what_an_option_is_for_is_what_is_offered(here: Path, offered: Offered) -> None:
    assert here.exists()
    assert offered("reconciler plan --approve ") == ["services.support", "services.support.conversations.news"]
    assert sorted(offered("reconciler plan --rotate ")) == ["credentials.ios", "services.support.conversations.news"]


def test_the_environment_and_the_overlays_of_the_line_count(here: Path, offered: Offered) -> None:
    found = offered("reconciler plan --env staging --target ")
    assert "services.extra" in found
    assert "credentials.ios" not in found
    assert "services.extra" in offered("reconciler plan --overlay staging.yaml --target services.")
    assert "services.extra" not in offered("reconciler plan --env prod --target services.")
    assert offered("reconciler plan --env ") == ["staging", "prod"]
    assert offered("reconciler validate --env p") == ["prod"]
    assert here.exists()


def test_the_path_of_the_line_counts_wherever_it_stands(here: Path, offered: Offered, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    here.joinpath("reconciler.yaml").rename(tmp_path / "elsewhere" / "reconciler.yaml")
    (tmp_path / "elsewhere" / "more.yaml").write_text("")
    assert offered("reconciler plan --target ") == []
    assert "services.support" in offered("reconciler plan elsewhere --target ")
    assert "services.support" in offered("reconciler plan --strict elsewhere/reconciler.yaml --env prod --target ")


@pytest.mark.parametrize(
    ("broken", "left"),
    [
        ("services: {a: {roles: [}}", ['addresses["+14155550100"]', "credentials.ios"]),
        ("services: {a: {nonsense: '${var:x}', roles: 3}}", ["services.a"]),
        ("include: [nowhere.yaml]\nservices: {a: }", ["services.a"]),
        ("services: {'${secret:KEY}': {}, a: {}, \"b\\nc\": {}}", ["services.a"]),
    ],
)  # fmt: skip
def test_what_can_be_read_of_broken_files_is_offered(
    here: Path, offered: Offered, broken: str, left: list[str]
) -> None:
    (here / "more.yaml").write_text(broken + "\n")
    found = offered("reconciler plan --target ")
    assert found
    assert [one for one in found if one.startswith("services.a")] == [one for one in left if "services.a" in one]
    (here / "reconciler.yaml").write_text(": : :")
    assert offered("reconciler plan --target ") == []
    (here / "reconciler.yaml").unlink()
    assert offered("reconciler plan --target ") == []


def test_no_value_and_no_secret_is_ever_offered(here: Path, offered: Offered, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "hunter2")
    monkeypatch.setenv("TOKEN", "hunter2")
    assert here.exists()
    for option in ("--target", "--rotate", "--env", "--profile"):
        assert "hunter2" not in str(offered(f"reconciler plan {option} "))


def test_what_would_control_a_terminal_is_not_offered(
    here: Path, offered: Offered, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "reconciler.yaml").write_text('version: 1\nenvironments: {"\\e[31m": {}, "a\\nb": {}, good: {}}\n')
    assert offered("reconciler plan --env ") == ["good"]
    (here / ".twilio-cli").mkdir()
    (here / ".twilio-cli" / "config.json").write_text('{"profiles": {"\\u001b[31m": {}, "good": {}}}')
    monkeypatch.setenv("HOME", str(here))
    assert offered("reconciler plan --profile ") == ["good"]


def test_profiles_are_offered_by_name_and_by_nothing_else(
    here: Path, offered: Offered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(here))
    assert offered("reconciler plan --profile ") == []
    (here / ".twilio-cli").mkdir()
    config = here / ".twilio-cli" / "config.json"
    config.write_text('{"profiles": {"work": {"apiSecret": "hunter2"}, "home": {}}}')
    assert offered("reconciler plan --profile ") == ["work", "home"]
    for content in ("[]", "{", '{"profiles": 3}', '{"profiles": null}'):
        config.write_text(content)
        assert offered("reconciler plan --profile ") == []


def test_of_too_many_addresses_those_near_the_top_are_offered(tmp_path: Path, offered: Offered) -> None:
    roles = ", ".join(f"r{number}: {{}}" for number in range(candidates.MOST))
    (tmp_path / "reconciler.yaml").write_text(
        f"version: 1\nservices: {{a: {{roles: {{{roles}}}}}, b: {{roles: {{x: }}}}}}\n"
    )
    assert offered("reconciler plan --target ") == ["services.a", "services.b"]
    assert len(offered("reconciler plan --target services.a.roles.r")) == candidates.MOST
    assert offered("reconciler plan --target services.b.") == ["services.b.roles.x"]


def test_files_that_are_too_large_for_a_quick_answer_are_not_searched(
    here: Path, offered: Offered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "MOST_BYTES", len(FILES) + 10)
    (here / "more.yaml").write_text('addresses: {"+14155550100": {}}\n')
    assert "services.support" in offered("reconciler plan --target ")
    assert offered("reconciler plan --target addr") == []
    assert offered("reconciler plan --env ") == ["staging", "prod"]
    monkeypatch.setattr(candidates, "MOST_BYTES", len(FILES) - 1)
    assert offered("reconciler plan --target ") == []


def test_verbs_options_and_choices_are_offered(offered: Offered) -> None:
    assert offered("reconciler dr") == ["drift\tDetect drift in the account (read-only)."]
    assert [one.partition("\t")[0] for one in offered("reconciler ")] == [verb for verb in VERBS if " " not in verb]
    assert [one.partition("\t")[0] for one in offered("reconciler plan --ro")] == ["--rotate"]
    assert offered("reconciler schema o") == ["overlay"]
    assert offered("reconciler nonsense --x ") == []
    assert offered("reconciler completion ") == ["bash", "zsh", "fish"]


def test_files_and_folders_are_left_to_the_shell(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "zsh_complete")
    monkeypatch.setenv("COMP_CURRENT", "x")
    for words, kind in (
        ("validate", "yaml"), ("plan\n--overlay", "yaml"), ("plan\n--out", "file"), ("export\n--out", "dir"),
        ("init", "dir"), ("apply\n--plan", "file"), ("show", "file"), ("plan\n--emulator", "file"),
        ("emulator\nserve\n--db", "file"),
    ):  # fmt: skip
        monkeypatch.setenv("COMP_WORDS", f"reconciler\n{words}")
        assert cli().out == f"{kind}\nx\n_\n", words


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "emulator"])
def test_every_option_that_takes_a_file_or_an_address_completes_it(verb: str) -> None:
    command = ROOT.get_command(click.Context(ROOT), verb)
    assert command is not None
    for parameter in command.params:
        taken = (parameter.metavar or "", parameter.name)
        if taken[0] in {"FILE", "DIR", "ADDRESS"} or taken[1] in {"path", "folder", "env", "profile"}:
            assert parameter._custom_shell_complete is not None, (verb, parameter.name)


def test_candidates_cost_no_more_than_they_need(here: Path) -> None:
    """Options need neither models nor YAML; addresses need no HTTP."""
    for words, current, without in (
        ("reconciler", "p", {"pydantic", "yaml", "httpx", "asyncio", "sqlite3"}),
        ("reconciler\nplan", "--t", {"pydantic", "yaml", "httpx", "asyncio", "sqlite3"}),
        ("reconciler\nplan\n--profile", "", {"pydantic", "yaml", "httpx", "asyncio", "sqlite3"}),
        ("reconciler\nplan\n--target", "", {"httpx", "asyncio", "sqlite3"}),
    ):
        program = (
            "import os, sys\n"
            f"os.environ.update({{{VARIABLE!r}: 'zsh_complete', 'COMP_WORDS': {words!r}}}, COMP_CURRENT={current!r})\n"
            "import reconciler.cli\n"
            "code = reconciler.cli.main([])\n"
            f"print('imported:', sorted({without!r} & set(sys.modules)), code)"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=here)
        assert done.stdout.splitlines()[-1] == "imported: [] 0", (words, done.stderr)
        assert len(done.stdout.splitlines()) > 1 or "profile" in words


# --- words and quotes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "value", "quote"),
    [
        ("plain", "plain", ""),
        ("'a b'c", "a bc", ""),
        ("'a \"b", 'a "b', "'"),
        ('"a \\"b\\$ \\n', 'a "b$ \\n', '"'),
        ("a\\ b\\", "a b", ""),
        ("--x='y z", "--x=y z", "'"),
    ],
)
def test_a_word_is_read_as_a_shell_reads_it(raw: str, value: str, quote: str) -> None:
    word = shells.Typed(raw)
    assert (word.value, word.quote) == (value, quote)
    assert len(word.lengths) == len(raw) + 1
    assert word.lengths[-1] == len(value)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("reconciler plan ", ["reconciler", "plan", ""]),
        ("a; b && reconciler  plan x", ["reconciler", "plan", "x"]),
        ("reconciler 'a; b' \"c d\" e\\ f g", ["reconciler", "a; b", "c d", "e f", "g"]),
        ("echo $(reconciler plan --t", ["reconciler", "plan", "--t"]),
        ("reconciler 'it''s' \\", ["reconciler", "its", ""]),
    ],
)
def test_a_line_is_split_as_a_shell_splits_it(line: str, words: list[str]) -> None:
    assert [word.value for word in shells.words_of(line)] == words


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00\n"), max_size=12), min_size=1, max_size=4)
)
def test_any_quoted_words_are_read_back(values: list[str]) -> None:
    import shlex

    found = shells.words_of("reconciler " + " ".join(map(shlex.quote, values)))
    assert [word.value for word in found[1:]] == values


# --- the scripts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", list(shells.SHELLS))
def test_the_script_is_printed_for_every_shell(cli: Cli, shell: str) -> None:
    result = cli("completion", shell)
    assert (result.code, result.err) == (0, "")
    assert f"{VARIABLE}={shell}_complete" in result.out
    # What click would print of itself is the same.
    own = in_process_of_its_own(environment={VARIABLE: f"{shell}_source"})
    assert own.stdout.rstrip() == result.out.rstrip()


def test_the_script_of_bash_is_right_for_bash(cli: Cli) -> None:
    script = cli("completion", "bash").out
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_the_shell_is_that_of_the_environment_when_none_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    assert cli("completion") == cli("completion", "fish")
    monkeypatch.setenv("SHELL", "/bin/dash")
    result = cli("completion")
    assert result.code == 1
    assert "Use one of bash, zsh, fish." in result.err


def test_another_shell_is_told_what_there_is(cli: Cli) -> None:
    result = cli("completion", "tcsh")
    assert result.code == 1
    assert "bash" in result.err
