"""Completion inside of the real shells: keys are typed into bash, zsh and fish, and what the line says then is read.

Each shell runs on a terminal of its own. A key of the shell's own writes the line to a file, and the shell itself says
what the words of that line are.
"""

from __future__ import annotations

import contextlib
import os
import pty
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
PATIENCE = 60.0
FILES = """\
version: 1
services:
  support:
    friendly_name: Customer Support
    configuration: {default_conversation_role: agent}
    roles:
      agent: {type: conversation, permissions: [sendMessage]}
      o'hara: {type: conversation, permissions: [sendMessage]}
    users:
      ada@example.com: {friendly_name: Ada}
      $HOME `x` \\: {}
addresses:
  +14155550100: {friendly_name: Main line}
  whatsapp:+14155550100: {friendly_name: Main line}
credentials:
  ios: {type: apn, certificate: "${secret:APN}", private_key: "${secret:APN_KEY}"}
environments:
  staging: {variables: {x: y}}
  production: {}
"""
# Each ends with a key that writes the line as it stands to the file SHOWN, and its words to the file WORDS.
STARTS = {
    "bash": """
PS1='$ '; bind 'set enable-bracketed-paste off'; bind 'set bell-style none'; bind 'set completion-query-items 0'
bind 'set page-completions off'
eval "$(reconciler completion bash)"
__show() {
    eval "set -- $READLINE_LINE" 2>"$ERRORS"; printf '%s\\n' "$@" >"$WORDS"; printf '%s' "$READLINE_LINE" >"$SHOWN"
}
bind -x '"\\C-x\\C-p": __show'
""",
    "zsh": """
PS1='$ '; unsetopt beep; zstyle ':completion:*' list-prompt ''; LISTMAX=10000
autoload -Uz compinit; compinit -u -D
eval "$(reconciler completion zsh)"
__show() { print -rl -- "${(@Q)${(z)BUFFER}}" >$WORDS; print -rn -- "$BUFFER" >$SHOWN; }
zle -N __show; bindkey '^X^P' __show; bindkey '^I' complete-word
""",
    "fish": """
function fish_prompt; echo '$ '; end; function fish_greeting; end
reconciler completion fish | source
function __show
    eval "printf '%s\\\\n' "(commandline -b | string collect) >$WORDS; commandline -b | string collect >$SHOWN
end
bind \\cx\\cp __show
""",
}
COMMANDS = {"bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i"], "fish": ["fish", "-i", "-N"]}


class Shell:
    """An interactive shell on a terminal.

    Args:
        name: which.
        folder: where it starts, with the files; its own files go there too.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.said = b""
        self._shown, self._words = folder / ".shown", folder / ".words"
        programs = folder / ".programs"
        programs.mkdir()
        (programs / "reconciler").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m reconciler "$@"\n')
        (programs / "reconciler").chmod(0o755)
        environment = {
            "PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(folder), "TERM": "dumb", "LC_ALL": "C.UTF-8",
            "SHOWN": str(self._shown), "WORDS": str(self._words), "ERRORS": str(folder / ".errors"),
            "PYTHONPATH": os.pathsep.join(sys.path),
        }  # fmt: skip
        self._controller, terminal = pty.openpty()
        self._process = subprocess.Popen(
            ["setsid", "-c", *COMMANDS[name]], stdin=terminal, stdout=terminal, stderr=terminal, cwd=folder,
            env=environment,
        )  # fmt: skip
        os.close(terminal)
        threading.Thread(target=self._read, daemon=True).start()
        (folder / ".start").write_text(STARTS[name])
        self._type(f". {folder}/.start\n")

    def line(self, keys: str) -> tuple[str, list[str]]:
        """What the line says after these keys were typed, and its words as the shell reads them; then it is cleared."""
        self._shown.unlink(missing_ok=True)
        self._type(keys + "\x18\x10")
        limit = time.monotonic() + PATIENCE
        while not self._shown.exists() or not self._words.exists():
            assert time.monotonic() < limit, self.said.decode(errors="replace")
            time.sleep(0.02)
        time.sleep(0.05)
        line, words = self._shown.read_text(), self._words.read_text().splitlines()
        self._type("\x15")
        return line.rstrip("\n"), words

    def end(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        os.close(self._controller)

    def _type(self, keys: str) -> None:
        os.write(self._controller, keys.encode())

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while data := os.read(self._controller, 65536):
                self.said += data


@pytest.fixture(scope="module", params=list(COMMANDS))
def shell(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    name: str = request.param
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    folder = tmp_path_factory.mktemp(name)
    (folder / "reconciler.yaml").write_text(FILES)
    (folder / "other.txt").write_text("")
    (folder / "more").mkdir()
    (folder / "more" / "reconciler.yaml").write_text("version: 1\nservices: {elsewhere: }\n")
    (folder / ".twilio-cli").mkdir()
    (folder / ".twilio-cli" / "config.json").write_text('{"profiles": {"work": {"apiKey": "SK", "apiSecret": "s3"}}}')
    running = Shell(name, folder)
    yield running
    running.end()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("reconciler vali", ["validate"]),
        ("reconciler plan --targ", ["plan", "--target"]),
        ("reconciler emulator ser", ["emulator", "serve"]),
        ("reconciler plan --format mark", ["plan", "--format", "markdown"]),
        ("reconciler plan --env stag", ["plan", "--env", "staging"]),
        ("reconciler plan --env=prod", ["plan", "--env=production"]),
        ("reconciler drift --profile w", ["drift", "--profile", "work"]),
        ("reconciler plan --target services.support.conf", ["plan", "--target", "services.support.configuration"]),
        ("reconciler plan --rotate cred", ["plan", "--rotate", "credentials.ios"]),
        ("reconciler plan more --target serv", ["plan", "more", "--target", "services.elsewhere"]),
        ("reconciler validate mor", ["validate", "more/"]),
        ("reconciler validate recon", ["validate", "reconciler.yaml"]),
    ],
)  # fmt: skip
def test_a_word_is_completed(shell: Shell, typed: str, words: list[str]) -> None:
    _, found = shell.line(typed + "\t")
    assert found[found.index("reconciler") + 1 :] == words


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("'addresses[\"+", 'addresses["+14155550100"]'),
        ('"addresses[\\"wh', 'addresses["whatsapp:+14155550100"]'),
        ("'addresses[\"whatsapp:", 'addresses["whatsapp:+14155550100"]'),
        ('addresses\\[\\"whatsapp:', 'addresses["whatsapp:+14155550100"]'),
        ("services.support.users", None),
        ("'services.support.users[\"ada", 'services.support.users["ada@example.com"]'),
        ("'services.support.users[\"ada@ex", 'services.support.users["ada@example.com"]'),
        ('services.support.users\\[\\"ada@ex', 'services.support.users["ada@example.com"]'),
        ("services.support.roles\\[", "services.support.roles[\"o'hara\"]"),
        ("'services.support.roles[", "services.support.roles[\"o'hara\"]"),
        ('"services.support.roles[', "services.support.roles[\"o'hara\"]"),
        ("'services.support.users[\"$", 'services.support.users["$HOME `x` \\\\"]'),
        ('"services.support.users[\\"\\$', 'services.support.users["$HOME `x` \\\\"]'),
    ],
)  # fmt: skip
@pytest.mark.parametrize("option", ["--target ", "--exclude="])
def test_an_address_is_quoted_so_that_the_shell_reads_it_back(
    shell: Shell, typed: str, address: str | None, option: str
) -> None:
    line, found = shell.line(f"reconciler plan {option}{typed}\t")
    if address is None:
        # Both users are left; what they have in common is there, whichever quotes it came with.
        assert "services.support.users" in line
        return
    assert found[-1] == (f"{option}{address}" if option.endswith("=") else address), line


def test_an_address_is_completed_from_nothing_step_by_step(shell: Shell) -> None:
    line, _ = shell.line("reconciler plan --target addr\t")
    assert "addresses" in line
    _, found = shell.line("reconciler plan --target addr\twh\t")
    if found[-1] == 'addresses["whatsapp:+14155550100"]':
        return
    # A shell that inserts what is common only where it needs no quotes waits for the next letters.
    assert found[-1].startswith("addr")


def test_only_the_command_that_is_typed_counts(shell: Shell) -> None:
    line, _ = shell.line("true --env x; reconciler plan --rotate cred\t")
    assert line == "true --env x; reconciler plan --rotate credentials.ios "


def test_nothing_is_offered_where_nothing_fits_and_nothing_is_said(shell: Shell) -> None:
    before = len(shell.said)
    line, _ = shell.line("reconciler plan --target nonsense\t")
    assert line == "reconciler plan --target nonsense"
    line, _ = shell.line("reconciler nonsense --target x\t")
    assert line == "reconciler nonsense --target x"
    assert b"rror" not in shell.said[before:]
