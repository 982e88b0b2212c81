"""What SIDs and paths of the API stand for."""

from __future__ import annotations

import pytest

from reconciler.kinds import KINDS
from reconciler.kinds.api_paths import path_words
from reconciler.kinds.sids import prefix_noun, sid_noun


@pytest.mark.parametrize(
    ("prefix", "noun"),
    [
        ("IS", "a service"), ("RL", "a role"), ("US", "a user"), ("CH", "a conversation"), ("MB", "a participant"),
        ("WH", "a conversation webhook"), ("IG", "an address"), ("CR", "a credential"), ("AC", "an account"),
        ("MG", "a messaging service"), ("XX", "a resource whose SID begins with XX"),
    ],
)  # fmt: skip
def test_the_noun_of_a_prefix(prefix: str, noun: str) -> None:
    assert prefix_noun(prefix) == noun
    assert sid_noun(prefix + "0" * 32) == noun


def test_a_text_that_is_no_sid_has_no_noun() -> None:
    assert sid_noun("RL123") == ""


def test_every_fixed_part_of_a_path_is_a_word_of_the_api() -> None:
    assert path_words() == {
        "v1", "Addresses", "Bindings", "Configuration", "Conversations", "Credentials", "Messages", "Notifications",
        "ParticipantConversations", "Participants", "Roles", "Services", "Users", "Webhooks",
    }  # fmt: skip
    with KINDS.extended():
        assert "Roles" in path_words()
