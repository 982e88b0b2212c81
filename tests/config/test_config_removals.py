"""The keys `on_removal` and `removed`, and approvals of updates."""

from __future__ import annotations

import pytest

from reconciler.errors import ConfigError
from tests.world import read


def told(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(f"version: 1\n{text}")
    return [f"{problem.place} {problem.code}: {problem.message}" for problem in caught.value.problems]


def test_what_becomes_of_what_is_removed() -> None:
    config = read(
        "version: 1\n"
        "on_removal: {roles: delete, users: forget, webhooks: forget}\n"
        "removed:\n"
        "- {address: services.support, action: forget}\n"
        "- {address: services.desk.webhooks.pre_webhook_url, action: forget}\n"
        "- {address: services.desk.notifications.new_message, action: forget}\n"
        "approvals: [{address: account.webhooks, action: update}]\n"
    )
    assert config.on_removal == {"conversation_webhook": "forget", "role": "delete", "user": "forget"}
    assert [str(item.address) for item in config.removed] == [
        "services.support",
        "services.desk.webhooks.pre_webhook_url",
        "services.desk.notifications.new_message",
    ]
    assert [str(item) for item in config.approvals] == ["update:account.webhooks"]


def test_both_are_part_of_the_digest_only_if_they_are_set() -> None:
    plain = read("version: 1\n").digest
    assert read("version: 1\non_removal: {}\nremoved: []\n").digest == plain
    assert read("version: 1\non_removal: {users: forget}\n").digest != plain
    assert read("version: 1\nremoved: [{address: services.s, action: forget}]\n").digest != plain


def test_lists_of_removed_are_concatenated() -> None:
    config = read(
        {
            "reconciler.yaml": ("version: 1\ninclude: [a.yaml]\nremoved: [{address: services.a, action: forget}]\n"),
            "a.yaml": "removed: [{address: services.b, action: forget}]\n",
        }
    )
    assert {str(item.address) for item in config.removed} == {"services.a", "services.b"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("on_removal: {rolls: delete}", '2:14 unknown-key: on_removal has no key "rolls"'),
        ("on_removal: {roles: keep}", '2:21 unknown-choice: on_removal.roles must be delete or forget, not "keep"'),
        ("removed: services.a", "2:10 wrong-type: removed must be a list"),
        ("removed: [{address: services.a}]", "2:11 missing-key: an item of removed has no action"),
        (
            "removed: [{address: services.a, action: delete}]",
            '2:41 unknown-choice: the action of an item of removed must be forget, not "delete"',
        ),
        (
            "removed: [{address: services.a.webhooks.pre, action: forget}]",
            '2:21 malformed-address: no resource or field can have the address "services.a.webhooks.pre"',
        ),
    ],
)
def test_what_is_wrong_with_them(text: str, message: str) -> None:
    assert told(text) == [f"reconciler.yaml:{message}"]
