"""With a ledger, `accept` without addresses takes what drifted since the last apply, and nothing else."""

from __future__ import annotations

import shlex

from tests.commands import Result
from tests.ledger.clones import FILES, Clones, commit, git


def test_what_drifted_since_the_last_apply_is_accepted(clones: Clones) -> None:
    clones.start()
    # The console changes a permission: another configuration of the same account, without the ledger.
    other = FILES.replace("sendMessage", "leaveConversation")
    other = other.replace("ledger: {git: refs/reconciler, remote: origin}\n", "")
    (clones.folder / "console.yaml").write_text(other)
    assert clones.apply("../console.yaml").code == 0
    # A commit that is not applied yet changes a name.
    merged = FILES.replace("Main", "Other")
    commit({"reconciler.yaml": merged}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    result = clones.at("here", "accept", "--yes", "--at", "base")
    assert result.code == 0, result.err
    assert result.out.endswith(
        "These edits accept 1 difference. They also change staging, which uses the same files.\nWrote 1 file.\n"
    )
    assert (clones.here / "reconciler.yaml").read_text() == merged.replace("sendMessage", "leaveConversation")


def test_a_conflict_has_to_be_named(clones: Clones) -> None:
    clones.start()
    other = FILES.replace("friendly_name: Main", "friendly_name: Console")
    other = other.replace("ledger: {git: refs/reconciler, remote: origin}\n", "")
    (clones.folder / "console.yaml").write_text(other)
    assert clones.apply("../console.yaml").code == 0
    merged = FILES.replace("friendly_name: Main", "friendly_name: Merged")
    commit({"reconciler.yaml": merged}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    name = "'addresses[\"+14155550100\"].friendly_name'"
    assert clones.at("here", "accept", "--yes", "--at", "base") == Result(
        5,
        "",
        f"""\
Not accepted:
  {name[1:-1]}: it changed in the configuration and in the account
    = name it: `reconciler accept` then takes the account's value
To accept the account's values:
  reconciler accept {name} --at base --env prod --emulator {clones.account}
""",
    )
    assert (clones.here / "reconciler.yaml").read_text() == merged
    accepted = clones.at("here", "accept", name[1:-1], "--yes", "--at", "base")
    assert (accepted.code, (clones.here / "reconciler.yaml").read_text()) == (0, FILES.replace("Main", "Console"))


def test_what_is_merged_and_not_applied_does_not_match_the_account(clones: Clones) -> None:
    clones.start()
    commit({"reconciler.yaml": FILES.replace("friendly_name: Main", "friendly_name: Merged")}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    assert clones.at("here", "accept", "--yes") == Result(
        0,
        """\
Nothing to accept. These values differ, and are accepted only by their own names:
  addresses["+14155550100"].friendly_name
""",
        "",
    )


def test_the_commands_that_revert_a_conflict_work_as_printed(clones: Clones) -> None:
    clones.start()
    console = FILES.replace("friendly_name: Main", "friendly_name: Console").replace(
        "[sendMessage]", "[leaveConversation]"
    )
    console = console.replace("ledger: {git: refs/reconciler, remote: origin}\n", "")
    (clones.folder / "console.yaml").write_text(console)
    assert clones.apply("../console.yaml").code == 0
    commit({"reconciler.yaml": FILES.replace("friendly_name: Main", "friendly_name: Merged")}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    lines = clones.at("here", "drift").out.splitlines()
    name = "'addresses[\"+14155550100\"]'"
    end = f"--env prod --emulator {clones.account}"
    reverting = [line.removeprefix("  revert: ") for line in lines if line.startswith("  revert: ")]
    assert reverting == [
        f"reconciler apply --target services.support.roles.agent {end}",
        f"reconciler apply --target {name} --approve {name[0]}update:{name[1:]} {end}",
    ]
    assert lines[-2:] == [
        "To revert all of the drift, apply the configuration:",
        f"  reconciler apply --approve {name[0]}update:{name[1:]} {end}",
    ]
    for command in (*reverting, lines[-1]):
        assert clones.run(*shlex.split(command)[1:], "--yes").code == 0
    assert clones.at("here", "drift").code == 0
