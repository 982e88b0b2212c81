"""The workflows of examples/github-actions, run step by step: what is reviewed is what is applied, or nothing is."""

from __future__ import annotations

from tests.action.conftest import FILES, World

PATH = "conversations/reconciler.yaml"
MORE = FILES.replace("[sendMessage]", "[sendMessage, leaveConversation]")


def test_a_change_from_its_pull_request_into_the_account(world: World) -> None:
    pull = world.open("more", {PATH: MORE})
    first = world.planned(pull)
    assert first.results == {"plan": "success", "offline": "skipped"}, first.log
    (body,) = world.github.bodies(pull.number)
    sha = world.merge(pull)
    applied = world.pushed(sha)
    assert applied.results == {"reviewed": "success", "apply": "success"}
    assert world.roles() == {"agent": ["leaveConversation", "sendMessage"]}
