"""Two configurations side by side: what is told of each difference, and what cannot be known without the account."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.change import Change, FieldChange
from reconciler.config.model import Reference, Unknown
from reconciler.documents.comparison import ComparisonFile, SidePart, comparison_document
from reconciler.planning.comparison import Comparison, compare
from reconciler.render.comparison import comparison_markdown, comparison_text
from reconciler.render.html import comparison_html
from reconciler.render.markdown_text import Repository
from tests.world import read

LEDGER = "ledger: git\n"
DESK = """
version: 1
services:
  desk:
    friendly_name: Help desk
    roles:
      agent: {type: conversation, permissions: [sendMessage, leaveConversation]}
    configuration: {default_conversation_role: agent}
    webhooks: {method: POST, post_webhook_url: "https://a.example/"}
addresses:
  "+14155550100": {friendly_name: Main, auto_creation: {enabled: true, type: default, service: desk}}
"""


def compared(before: str, after: str, env: dict[str, str] | None = None, **options: Any) -> Comparison:
    sides = [read(text, env, by_name=True, **options) for text in (before, after)]
    return compare(sides[0], sides[1])


def edited(*pairs: tuple[str, str], base: str = DESK) -> str:
    for old, new in pairs:
        assert old in base
        base = base.replace(old, new)
    return base


def told(plan: Comparison) -> list[str]:
    return [f"{change.action} {change.address}: {change.reason}" for change in plan.changes]


def fields(change: Change) -> dict[str, tuple[object, object]]:
    return {item.path: (item.before, item.after) for item in change.fields}


def the_field(plan: Comparison) -> FieldChange:
    [change] = plan.changes
    [field] = change.fields
    return field


def seen(before: str, after: str) -> ComparisonFile:
    sides = [SidePart(name=name, config_digest="") for name in ("old", "new")]
    return comparison_document(compared(before, after), sides[0], sides[1], tool_version="0")


def test_what_means_the_same_does_not_differ() -> None:
    other = edited(
        ("method: POST", "method: post"),
        ("[sendMessage, leaveConversation]", "[leaveConversation, sendMessage]"),
        ("  desk:", "  help:"),
        ("service: desk", "service: help"),
        ('  "+14155550100": {', '  main: {address: "+14155550100", '),
    )
    found = compared(DESK, other)
    assert (told(found), found.no_longer_managed, found.unchanged) == ([], (), 5)


def test_a_field_has_both_sides_with_their_places() -> None:
    found = compared(DESK, "# moved down\n" + edited(("https://a.example/", "https://b.example/")))
    field = the_field(found)
    assert (field.before, field.after) == ("https://a.example/", "https://b.example/")
    assert (str(field.before_source), str(field.source)) == ("reconciler.yaml:9:48", "reconciler.yaml:10:48")
    assert found.changes[0].risk == "medium"


def test_what_the_first_does_not_name_is_unknown_before() -> None:
    bare = edited(('    webhooks: {method: POST, post_webhook_url: "https://a.example/"}\n', ""))
    found = compared(bare, DESK)
    assert told(found) == ["update services.desk.webhooks: not declared in the first"]
    assert fields(found.changes[0]) == {
        "method": (Unknown("not declared in the first"), "POST"),
        "post_webhook_url": (Unknown("not declared in the first"), "https://a.example/"),
    }
    # Whether the service had a webhook is not known, so nothing is claimed of the account's.
    assert found.changes[0].consequences == ()


def test_what_the_second_does_not_name_is_left_alone() -> None:
    bare = edited(("method: POST, ", ""), ("    configuration: {default_conversation_role: agent}\n", ""))
    found = compared(DESK, bare)
    assert told(found) == []
    assert [(str(item.address), item.kind.name) for item in found.no_longer_managed] == [
        ("services.desk.configuration", "service_configuration")
    ]
    [warning] = found.warnings
    assert (warning.code, str(warning.place)) == ("no-longer-managed", "reconciler.yaml:9:24")
    assert warning.message == ("method of services.desk.webhooks is no longer managed; the account keeps its value")


def test_with_a_ledger_what_the_second_does_not_name_is_removed() -> None:
    bare = edited(("method: POST, ", ""), ("    configuration: {default_conversation_role: agent}\n", "")) + LEDGER
    found = compared(DESK + LEDGER, bare)
    assert found.removes
    assert [str(item.address) for item in found.no_longer_managed] == ["services.desk.configuration"]
    [warning] = found.warnings
    assert warning.code == "no-longer-managed"
    assert warning.message == (
        "method of services.desk.webhooks is no longer declared; with the ledger, an apply resets or clears what it "
        "had applied"
    )
    assert warning.hint == "to keep a live value, list its field under removed; the plan shows each value"


@pytest.mark.parametrize(
    ("fields", "hint"),
    [
        ("reachability_enabled: true", "to clear a field, set it to null"),
        (
            "default_conversation_role: agent",
            "to change the field, set a value; null cannot clear it",
        ),
        (
            "reachability_enabled: true, default_conversation_role: agent",
            "to change a field, set a value; null clears only reachability_enabled",
        ),
    ],
)
def test_the_hint_for_forgotten_fields_offers_null_only_where_it_is_valid(fields: str, hint: str) -> None:
    roles = "roles: {agent: {type: conversation, permissions: [sendMessage]}}"
    config = "version: 1\nservices: {s: {%s, configuration: {default_conversation_creator_role: agent%s}}}\n"
    found = compared(config % (roles, f", {fields}"), config % (roles, ""))
    assert [problem.hint for problem in found.warnings if problem.code == "no-longer-managed"] == [hint]


def test_whoever_loses_permissions_is_told() -> None:
    [change] = compared(DESK, edited(("[sendMessage, leaveConversation]", "[sendMessage]"))).changes
    assert (change.risk, change.consequences) == (
        "high", ("Everyone with the role 'agent', a default of its service, loses leaveConversation.",),
    )  # fmt: skip


def test_a_replaced_role_takes_its_references_along() -> None:
    other = edited(
        ("type: conversation", "type: service"),
        ("[sendMessage, leaveConversation]", "[joinConversation]"),
        ("default_conversation_role", "default_chat_service_role"),
    )  # fmt: skip
    both = edited(("    configuration", "    users: {ada: {role: seat}}\n    configuration"), base=DESK)
    seat = "      seat: {type: service, permissions: [joinConversation]}\n"
    renamed = "      seat: {type: service, permissions: [joinConversation], friendly_name: chair, renamed_from: seat}\n"
    found = compared(
        edited(("    users", seat + "    users"), base=both), edited(("    users", renamed + "    users"), base=both)
    )
    assert told(found) == ["replace services.desk.roles.seat: differs", "update services.desk.users.ada: differs"]
    role = found.changes[1].fields[0]
    assert isinstance(role.after, Reference)
    assert [change.action for change in compared(DESK, other).changes] == ["update", "replace"]


def test_deletes_are_asked_for_and_everything_else_is_no_longer_managed() -> None:
    gone = DESK.partition("addresses:")[0] + "addresses:\n  {}\n"
    assert told(compared(DESK, gone)) == []
    assert [str(item.address) for item in compared(DESK, gone).no_longer_managed] == ['addresses["+14155550100"]']
    pruned = compared(DESK, gone + "prune: [addresses]\n")
    assert told(pruned) == ['delete addresses["+14155550100"]: pruned']
    assert pruned.no_longer_managed == ()
    assert [warning.message for warning in pruned.warnings] == [
        (
            "addresses is now pruned: live resources that the rule covers and the configuration does not declare are "
            "deleted"
        )
    ]
    absent = compared(DESK, DESK.replace("{friendly_name: Main, auto", "{absent: true, friendly_name: Main, auto"))
    assert told(absent) == ['delete addresses["+14155550100"]: absent: true']
    unseen = compared(gone, gone.replace("  {}", '  "+14155550100": {absent: true}'))
    assert told(unseen) == ['delete addresses["+14155550100"]: absent: true, if the account has it']
    again = gone.replace("  {}", '  "+14155550100": {absent: true}')
    assert told(compared(again, again)) == []


def test_the_former_name_of_what_must_not_exist_is_not_deleted() -> None:
    before = "version: 1\nservices: {desk: {conversations: {new: {}, old: {}}}}\n"
    after = "version: 1\nservices: {desk: {conversations: {new: {absent: true, renamed_from: old}}}}\n"
    assert told(compared(before, after)) == [
        "delete services.desk.conversations.new: absent: true",
    ]


def test_what_goes_takes_along_what_its_rules_would_prune() -> None:
    before = """
version: 1
services:
  desk:
    conversations:
      hall:
        participants: {ada: {identity: ada}}
        webhooks: {bot: {target: studio, flow_sid: FW00000000000000000000000000000000}}
"""
    hall = "hall: {absent: true, participants: {}, webhooks: {}, prune: [participants, webhooks]}"
    absent = before.partition("      hall")[0] + f"      {hall}\n"
    found = compared(before, absent)
    assert told(found) == ["delete services.desk.conversations.hall: absent: true"]
    assert (found.no_longer_managed, found.warnings) == ((), ())
    # Neither is a rule no longer there that goes with what it is of, nor one that would come along with nothing.
    assert compared(absent.replace("absent: true, ", ""), absent).warnings == ()
    desk = "\nversion: 1\nservices:\n  desk: {absent: true, conversations: {}, prune: [conversations]}\n"
    found = compared(before, desk)
    assert told(found) == ["delete services.desk: absent: true"]
    assert (found.no_longer_managed, found.warnings) == ((), ())


def test_destroying_history_needs_approval_and_says_by_which_address() -> None:
    absent = edited(
        ("    friendly_name: Help desk", "    friendly_name: Help desk\n    absent: true"),
        ("service: desk", "service: IS" + "0" * 32),
    )
    [_, deletion] = compared(DESK, absent).changes
    assert deletion.guard is not None
    assert (deletion.guard.name, deletion.guard.verdict) == ("approval", "refused")
    approvals = "approvals: [{address: services.desk, action: delete}]\n"
    agreed = compared(DESK, absent + approvals)
    assert agreed.changes[1].guard is None
    assert [warning.message for warning in agreed.warnings] == ["the delete of services.desk is now approved"]
    # The files do not name it, so a plan will call it by its SID.
    pruned = compared(DESK, "version: 1\nservices: {}\nprune: [services]\n")
    guard = pruned.changes[0].guard
    assert guard is not None
    assert guard.name == "approval_by_sid"
    assert "under the address that the plan shows" in guard.message


def test_guards_that_differ_are_told() -> None:
    before = DESK + "limits: {deletes: 3}\n"
    after = edited(
        (
            "permissions: [sendMessage, leaveConversation]",
            "permissions: [sendMessage, leaveConversation], lifecycle: {}",
        )
    )
    before = before.replace("leaveConversation]}", "leaveConversation], lifecycle: {prevent_destroy: true}}")
    found = compared(before, after + "limits: {deletes: 300, updates: 7}\n")
    assert told(found) == []
    assert [warning.message for warning in found.warnings] == [
        "limits.deletes changes from 3 to 300",
        "limits.updates changes from no limit to 7",
        "lifecycle.prevent_destroy of services.desk.roles.agent is no longer set",
    ]


def test_secrets_and_the_environment_are_compared_by_name() -> None:
    url = "https://a.example/?token=${secret:HOOK}"
    before = edited(("https://a.example/", url))
    env = {"HOOK": "hunter2", "HOST": "elsewhere.example"}
    assert told(compared(before, before, env)) == []
    other = before.replace("a.example", "evil.example")
    field = the_field(compared(before, other, env))
    assert (field.before, field.after, field.sensitive) == (url, url.replace("a.example", "evil.example"), False)
    assert the_field(compared(before, before.replace("HOOK", "HOOK_2"), env)).after == url.replace("HOOK", "HOOK_2")
    assert the_field(compared(DESK, edited(("https://a.example/", "https://${env:HOST}/")), env)).after == (
        "https://${env:HOST}/"
    )
    shown = seen(before, other)
    assert "hunter2" not in shown.to_json()


def test_what_is_sensitive_is_not_shown_unless_it_is_only_a_name() -> None:
    push = "version: 1\ncredentials:\n  ios: {type: fcm, secret: '%s'}\n"
    literal = seen(push % "one", push % "two")
    [field] = literal.changes[0].fields
    assert (field.before, field.after, field.sensitive) == ({"sensitive": True}, {"sensitive": True}, True)
    assert "one" not in literal.to_json().replace("one_account", "")
    named = the_field(compared(push % "${secret:OLD}", push % "${secret:NEW}"))
    assert (named.before, named.after, named.sensitive) == (
        Unknown("${secret:OLD}", "${secret:OLD}"), Unknown("${secret:NEW}", "${secret:NEW}"), False,
    ) or (named.before, named.after, named.sensitive) == ("${secret:OLD}", "${secret:NEW}", False)  # fmt: skip
    [warning] = compared(push % "${secret:OLD}", push % "${secret:NEW}").warnings
    assert (warning.code, warning.hint) == ("not-sent", "send it with --rotate 'credentials.ios'")
    listed = edited(("method: POST,", "method: POST, sensitive: [post_webhook_url],"))
    assert the_field(compared(listed, listed.replace("a.example", "b.example"))).sensitive
    sensitive = edited(("friendly_name: Main,", "friendly_name: Main, sensitive: [address],"))
    gone = seen(sensitive, DESK.partition("addresses:")[0] + "addresses: {}\n")
    assert [entry.name for entry in gone.no_longer_managed] == ["(sensitive value)"]
    token = edited(("https://a.example/", "https://a.example/?token=x${secret:HOOK}"))
    assert the_field(compared(DESK, token)).sensitive
    password = edited(("https://a.example/", "https://me:${secret:PW}x@a.example/"))
    assert the_field(compared(DESK, password)).sensitive


def test_what_is_written_around_a_name_is_as_sensitive_as_the_field() -> None:
    desk = """
version: 1
services:
  desk:
    users:
      ada: {attributes: '{"pin": "canary-%s", "at": "${env:AT}"}', sensitive: [attributes]}
      bob: {attributes: {pin: "canary-%s${env:AT}"}, sensitive: [attributes]}
    webhooks: {filters: [onMessageAdded, "canary-%s${env:AT}"], sensitive: [filters]}
"""
    found = seen(desk.replace("%s", "1"), desk.replace("%s", "2"))
    assert [change.address for change in found.changes] == [
        "services.desk.users.ada", "services.desk.users.bob", "services.desk.webhooks",
    ]  # fmt: skip
    assert "canary" not in found.to_json()


def test_unknown_values_of_every_shape_are_compared_as_they_are_written() -> None:
    text = edited(
        ("enabled: true", 'enabled: "${env:ON}"'),
        ("[sendMessage, leaveConversation]", '["${env:A}", sendMessage]'),
        ("friendly_name: Help desk", "friendly_name: '${env:NAME}'"),
    )
    assert told(compared(text, text.replace('["${env:A}", sendMessage]', '[sendMessage, "${env:A}"]'))) == []
    other = text.replace("env:ON", "env:OFF").replace('"${env:A}", ', '"${env:B}", ')
    assert [list(fields(change).values()) for change in compared(text, other).changes] == [
        [(Unknown("${env:ON}", "${env:ON}"), Unknown("${env:OFF}", "${env:OFF}"))],
        [
            (
                Unknown('["${env:A}", "sendMessage"]', '["${env:A}", "sendMessage"]'),
                Unknown('["${env:B}", "sendMessage"]', '["${env:B}", "sendMessage"]'),
            )
        ],
    ]


def test_pins_recognise_and_say_nothing_more() -> None:
    sid = "IS" + "1" * 32
    pinned = edited(("    friendly_name: Help desk", f"    sid: {sid}"))
    both = edited(("    friendly_name: Help desk", f"    friendly_name: Help desk\n    sid: {sid}"))
    for before, after in ((DESK, both), (both, DESK), (pinned, pinned), (pinned, DESK), (DESK, pinned)):
        assert [line for line in told(compared(before, after)) if "friendly_name" in line or "create" in line] == []
    other = pinned.replace("1" * 32, "2" * 32)
    found = compared(pinned, other)
    assert told(found)[-1].startswith("update services.desk.webhooks")
    assert str(found.no_longer_managed[0].address) == "services.desk"
    # Instead of the SID of what is pinned, a handle may stand, and the other way about.
    by_sid = both.replace("service: desk", f"service: {sid}")
    assert told(compared(by_sid, both)) == told(compared(both, by_sid)) == []


def test_a_service_under_another_name_is_a_second_one() -> None:
    found = compared(DESK, edited(("friendly_name: Help desk", "friendly_name: Help desk 2")))
    assert told(found)[0].startswith("update addresses")
    assert "create services.desk: not declared in the first" in told(found)
    created = next(change for change in found.changes if change.action == "create" and change.kind.name == "service")
    assert created.risk == "high"
    assert created.consequences[0].startswith("Looks like a new name for the live service 'Help desk'. Twilio cannot")


def test_a_role_under_another_handle_looks_like_a_rename_as_in_a_plan() -> None:
    found = compared(DESK, edited(("agent", "operator")))
    created = next(change for change in found.changes if change.action == "create")
    assert (str(created.address), created.risk) == ("services.desk.roles.operator", "medium")
    assert created.consequences[0].startswith("Looks like a new name for the live role 'agent'.")
    assert created.consequences[0].endswith('add renamed_from: "agent".')
    assert "(" not in created.consequences[0]  # no SID is known


def test_two_environments_are_compared_by_address() -> None:
    text = """
version: 1
services:
  desk:
    friendly_name: "Desk ${var:where}"
    sid: "${var:sid}"
    roles: {a: {type: conversation, permissions: ["${var:may}"]}}
addresses: {main: {address: "${var:number}", type: sms}}
environments:
  staging:
    account_sid: AC00000000000000000000000000000001
    variables: {where: S, sid: IS00000000000000000000000000000001, number: "+14155550111", may: sendMessage}
  prod:
    account_sid: AC00000000000000000000000000000002
    variables: {where: P, sid: IS00000000000000000000000000000002, number: "+14155550100", may: leaveConversation}
"""
    sides = [read(text, by_name=True, environment=name) for name in ("staging", "prod")]
    found = compare(sides[0], sides[1])
    assert told(found) == [
        "update addresses.main: differs",
        "update services.desk: differs",
        "update services.desk.roles.a: differs",
    ]
    assert [(change.risk, change.consequences, change.guard) for change in found.changes] == [("low", (), None)] * 3
    assert not any(item.forces_replacement for change in found.changes for item in change.fields)


def test_a_comparison_is_read_back_as_it_was() -> None:
    shown = seen(DESK, edited(("friendly_name: Main", "friendly_name: Front"), ("method: POST, ", "")))
    assert ComparisonFile.from_json(shown.to_json()) == shown
    assert shown.differs
    assert not seen(DESK, DESK).differs
    # Fields and guards count, though no change comes of them.
    assert seen(DESK, edited(("method: POST, ", ""))).differs


def test_text_and_markdown_say_what_it_is_about() -> None:
    shown = seen(DESK, edited(("friendly_name: Main", "friendly_name: Front")))
    assert comparison_text(shown, colour=False, width=100) == (
        "From old to new. Changes as if the account matched the first configuration; values that only the\n"
        "account has are unknown.\n"
        "\n"
        '  ~ addresses["+14155550100"]\n'
        '      address "+14155550100" · differs · reconciler.yaml:11\n'
        "      ~ friendly_name: Main → Front  # line 11\n"
        "\n"
        "Diff: 0 to create, 1 to update, 0 to replace, 0 to delete; 4 unchanged, 0 no longer managed.\n"
    )
    assert comparison_text(seen(DESK, DESK), colour=False, width=100) == (
        "No differences: from old to new (5 resources compared).\n"
    )
    markdown = comparison_markdown(shown)
    assert markdown.startswith(
        "<!-- reconciler:diff -->\n\n### 0 to create, 1 to update, 0 to replace, 0 to delete; 4 unchanged, 0 no longer "
        "managed\n\nFrom `old` to `new`. Changes as if the account matched the first configuration; "
    )
    assert "-   friendly_name: Main\n+   friendly_name: Front  # reconciler.yaml:11\n" in markdown


def test_a_page_has_both_sides_and_promises_nothing_of_an_account() -> None:
    moved = "# moved down\n" + edited(("friendly_name: Main", "friendly_name: Front"), ("method: POST, ", ""))
    page = comparison_html(seen(DESK, moved))
    for told in (
        "First configuration",
        "Second configuration",
        "Main",
        "Front",
        "Diff: two configurations side by side",
        "was <code>",
    ):
        assert told in page
    for wrong in ("Live now", "Live", "After the apply", "live resource"):
        assert wrong not in page
    assert "No differences" in comparison_html(seen(DESK, DESK))


def test_places_at_another_commit_are_not_linked() -> None:
    repository = Repository.of("https://github.com", "acme/desk", "0" * 40)
    assert repository is not None
    assert repository.link("main:./reconciler.yaml", 3) == ""
