"""A plan names the commit that removed what is no longer declared."""

from __future__ import annotations

from tests.ledger.clones import FILES, Clones, commit, git

LESS = FILES.replace('addresses: {"+14155550100": {type: sms, friendly_name: Main}}\n', "")


def _pushed(clones: Clones, text: str) -> str:
    made = commit({"reconciler.yaml": text}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    return made[:7]


def _reason(clones: Clones) -> str:
    [change] = clones.at("here", "plan", "--format", "json").json["changes"]
    return str(change["reason"])


def test_it_is_not_the_newest_commit_of_the_files(clones: Clones) -> None:
    clones.start()
    removing = _pushed(clones, LESS)
    assert _reason(clones) == f"removed from the configuration (commit {removing})"
    _pushed(clones, f"# A comment\n{LESS}")
    assert _reason(clones) == f"removed from the configuration (commit {removing})"
    _pushed(clones, f"# A comment\n# +14155550100: removed\n{LESS}")
    newest = _pushed(clones, LESS)
    # This commit removed the key from a comment.
    assert _reason(clones) == f"removed from the configuration (by commit {newest} or an earlier one)"


def test_without_a_trace_of_the_key_an_earlier_commit_is_possible(clones: Clones) -> None:
    clones.start()
    text = FILES.replace("addresses:", "x-former:")
    _pushed(clones, text)
    newest = _pushed(clones, f"# A comment\n{text}")
    assert _reason(clones) == f"removed from the configuration (by commit {newest} or an earlier one)"
