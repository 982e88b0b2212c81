"""With a ledger, `accept` without addresses takes what drifted since the last apply, and nothing else."""

from __future__ import annotations

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
    assert (clones.here / "reconciler.yaml").read_text() == merged.replace("sendMessage", "leaveConversation")
