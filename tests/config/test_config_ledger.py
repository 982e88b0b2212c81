"""The key `ledger`: its forms, its default, and everything that is wrong with it."""

from __future__ import annotations

import pytest

from reconciler.config.model import LedgerSetting
from tests.config.told import problems_of, read


def place(text: str) -> LedgerSetting | None:
    """The setting of a root file, without its place."""
    found = read({"reconciler.yaml": f"version: 1\n{text}\n"}).ledger
    return None if found is None else LedgerSetting(found.prefix, found.remote)


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("", None),
        ("ledger:", None),
        ("ledger: git", LedgerSetting("refs/reconciler")),
        ("ledger: {}", LedgerSetting("refs/reconciler")),
        ("ledger: {remote: origin}", LedgerSetting("refs/reconciler", "origin")),
        (
            "ledger: {git: refs/reconciler/sales.eu, remote: up/stream}",
            LedgerSetting("refs/reconciler/sales.eu", "up/stream"),
        ),
    ],
)
def test_the_forms_of_a_ledger(text: str, setting: LedgerSetting | None) -> None:
    assert place(text) == setting


PREFIX = "ledger.git must be a prefix of refs that git does not use itself, not {}"


@pytest.mark.parametrize(
    ("text", "code", "message", "hint"),
    [
        (
            "ledger: svn",
            "unknown-choice",
            'ledger must be git, or a mapping with git and remote, not "svn"',
            "write ledger: git",
        ),
        ("ledger: [git]", "wrong-type", "ledger must be git, or a mapping with git and remote", "write ledger: git"),
        ("ledger: {gti: x}", "unknown-key", 'ledger has no key "gti"', "did you mean git?"),
        ("ledger: {git: [x]}", "wrong-type", "ledger.git must be text", "write it on one line, or remove it"),
        ("ledger: {git: }", "wrong-type", "ledger.git must be text", "write it on one line, or remove it"),
        (
            'ledger: {git: "refs/${env:X}"}',
            "interpolated-ledger",
            "ledger.git cannot contain ${…}: everyone has to use the same ledger",
            "write out the value",
        ),
        *(
            (
                f"ledger: {{git: {prefix!r}}}",
                "malformed-ref",
                PREFIX.format(f'"{prefix}"'),
                "write refs/reconciler/NAME",
            )
            for prefix in (
                "refs",
                "reconciler",
                "refs/heads/x",
                "refs/tags",
                "refs/remotes/origin",
                "refs/replace/x",
                "refs/worktree/x",
                "refs/a..b",
                "refs/a/../heads",
                "refs/a.lock",
                "refs//a",
                "refs/a/",
                "refs/-a",
                "refs/a b",
                "refs/a~1",
                "refs/a:b",
                "refs/ä",
            )
        ),
        *(
            (
                f"ledger: {{remote: {remote!r}}}",
                "malformed-ref",
                f'ledger.remote must be the name of a remote, not "{remote}"',
                "see `git remote`",
            )
            for remote in ("--upload-pack=touch x", "https://example.com/x.git", "ext::sh", "../x", "a b")
        ),
        (
            "ledger: git\nenvironments: {default: {}}",
            "reserved-name",
            "with a ledger, no environment can be named default, which stands for no environment",
            "rename the environment",
        ),
    ],
)
def test_what_is_wrong_with_a_ledger(text: str, code: str, message: str, hint: str) -> None:
    (problem,) = problems_of({"reconciler.yaml": f"version: 1\n{text}\n"})
    assert (problem.code, problem.message, problem.hint) == (code, message, hint)


@pytest.mark.parametrize("text", ["include: [part.yaml]", "environments: {prod: {overlays: [part.yaml]}}"])
def test_only_the_root_file_has_a_ledger(text: str) -> None:
    files = {"reconciler.yaml": f"version: 1\n{text}\n", "part.yaml": "ledger: git\n"}
    (problem,) = problems_of(files, environment="prod" if "prod" in text else "")
    assert (problem.code, problem.message, problem.hint) == (
        "misplaced-ledger",
        "only the root file can have a ledger, since all environments share its prefix",
        "move it to reconciler.yaml",
    )


def test_without_a_ledger_an_environment_may_be_called_default() -> None:
    assert read({"reconciler.yaml": "version: 1\nenvironments: {default: {}}\n"}, environment="default").ledger is None


def test_the_ledger_is_no_part_of_the_meaning_of_a_configuration() -> None:
    one, other = (read({"reconciler.yaml": f"version: 1\n{text}"}) for text in ("", "ledger: git\n"))
    assert one.digest == other.digest


def test_values_from_outside_are_remembered_by_name() -> None:
    files = {
        "reconciler.yaml": 'version: 1\nservices: {a: {friendly_name: "${env:A} ${env:C:-c} ${file:n.txt}"}}\n'
        'credentials: {k: {type: fcm, friendly_name: K, secret: "${secret:B}"}}\n',
        "n.txt": "name\n",
    }
    assert read(files, {"A": "a", "B": "b" * 20}).external == {"env:A": "a", "file:n.txt": "name", "secret:B": "b" * 20}
