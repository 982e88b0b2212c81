"""Drift is written into the file, overlay, template, or variable that declares it, and nothing else changes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from reconciler import config
from reconciler.config.model import Config
from reconciler.errors import ConfigError, UsageError
from reconciler.workflow.acceptance import Acceptance
from tests.accept.drifting import Desk, changed_lines

HEAD = "version: 1\nservices:\n  desk:\n    friendly_name: Desk\n"


def desk(folder: Path, files: str | Mapping[str, str], env: str = "", **variables: str) -> Desk:
    for name, text in ({"reconciler.yaml": files} if isinstance(files, str) else files).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode())
    found = Desk(folder, env, variables)
    found.apply()
    return found


def service(one: Desk, name: str = "Desk") -> str:
    rows = one.account.get("/v1/Services")["services"]
    return next(f"/v1/Services/{row['sid']}" for row in rows if row["friendly_name"] == name)


def role(one: Desk, name: str, of: str = "Desk") -> str:
    rows = one.account.get(f"{service(one, of)}/Roles")["roles"]
    return next(f"{service(one, of)}/Roles/{row['sid']}" for row in rows if row["friendly_name"] == name)


def user(one: Desk, identity: str, of: str = "Desk") -> str:
    rows = one.account.get(f"{service(one, of)}/Users")["users"]
    return next(f"{service(one, of)}/Users/{row['sid']}" for row in rows if row["identity"] == identity)


def diff_of(one: Desk, *names: str, again: bool = True, **options: Any) -> list[str]:
    """Accept, and return the changed lines; the values then match, and a second accept writes nothing."""
    before = one.files()
    found = one.accept(*names, **options)
    assert not found.refused, found.refused
    after = one.files()
    assert not [change for change in one.changes() if any(change.startswith(name) for name in names)]
    if again:
        one.accept(*names, **options)
        assert one.files() == after
    return changed_lines(before, after)


def refused(one: Desk, *names: str, **options: Any) -> list[tuple[str, str]]:
    """Accept, which is refused: nothing is written."""
    before = one.files()
    found: Acceptance = one.accept(*names, **options)
    assert one.files() == before
    return [(item.reason, item.hint) for item in found.refused]


# --- literals --------------------------------------------------------------------------------------------------------


def test_only_the_value_changes_in_its_own_style(tmp_path: Path) -> None:
    text = HEAD + (
        "    configuration: {reachability_enabled: true}   # flow\n"
        "    webhooks:\n"
        "      method: 'POST'   # quoted\n"
        "      post_webhook_url: https://a.example.com/x\t# tab\n"
        "      filters:  # words\n"
        "        - onMessageAdded   # kept\n"
        "        # about the next\n"
        "        - onMessageUpdated\n"
        "        - onMessageRemoved\n"
    )
    one = desk(tmp_path, text)
    one.account.post(f"{service(one)}/Configuration", {"ReachabilityEnabled": "false"})
    one.account.post(
        f"{service(one)}/Configuration/Webhooks",
        {"Method": "GET", "PostWebhookUrl": "", "Filters": ["onMessageRemoved", "onMessageAdded", "onUserAdded"]},
    )
    assert diff_of(one, "services.desk") == [
        "-    configuration: {reachability_enabled: true}   # flow",
        "+    configuration: {reachability_enabled: false}   # flow",
        "-      method: 'POST'   # quoted",
        "-      post_webhook_url: https://a.example.com/x\t# tab",
        "+      method: 'GET'   # quoted",
        "+      post_webhook_url: null\t# tab",
        "-        # about the next",
        "-        - onMessageUpdated",
        "+        - onUserAdded",
    ]


@pytest.mark.parametrize(
    ("live", "line"),
    [
        ("plain", "        friendly_name: plain"),
        ("12", '        friendly_name: "12"'),
        ("no", '        friendly_name: "no"'),
        ("a: b # c", '        friendly_name: "a: b # c"'),
        ("${var:host} ${x}", "        friendly_name: $${var:host} $${x}"),
        ("Zoë 😀", "        friendly_name: Zoë 😀"),
        ("two\nlines", '        friendly_name: "two\\nlines"'),
    ],
)
def test_a_live_text_is_read_back_as_it_is(tmp_path: Path, live: str, line: str) -> None:
    one = desk(tmp_path, HEAD + "    users:\n      ada:\n        friendly_name: Ada\n")
    one.account.post(f"{service(one)}/Users/ada", {"FriendlyName": live})
    assert diff_of(one, "services.desk.users.ada.friendly_name") == ["-        friendly_name: Ada", f"+{line}"]


@pytest.mark.parametrize(
    ("tagged", "lines"),
    [
        ("!!str Ada   # c", ['!!str ""   # c']),
        ("! 'Ada'", ["! ''"]),
        ("&name !!str Ada", ['&name !!str ""']),
        ("!!str |\n          Ada", ['!!str ""']),
        ("!!str\n          Ada", ["!!str", '          ""']),
    ],
)
def test_a_tagged_text_becomes_empty(tmp_path: Path, tagged: str, lines: list[str]) -> None:
    one = desk(tmp_path, HEAD + f"    users:\n      ada:\n        friendly_name: {tagged}\n")
    one.account.post(f"{service(one)}/Users/ada", {"FriendlyName": ""})
    changed = diff_of(one, "services.desk.users.ada.friendly_name")
    assert [line for line in changed if line.startswith("+")][-1].endswith(lines[-1])


def test_a_tag_goes_if_the_new_value_is_of_another_type(tmp_path: Path) -> None:
    text = "    users:\n      ada:\n        attributes: {a: !!str 5, b: !!str x, c: ! y}   # c\n"
    one = desk(tmp_path, HEAD + text)
    one.account.post(f"{service(one)}/Users/ada", {"Attributes": '{"a": 6, "b": "6", "c": null}'})
    assert diff_of(one, "services.desk.users.ada")[1] == '+        attributes: {a: 6, b: !!str "6", c: null}   # c'


@pytest.mark.parametrize(
    ("before", "live", "lines"),
    [
        (
            "{team: blue, level: 3}  # hers",
            '{"team": "green", "level": 3}',
            [
                "-        attributes: {team: blue, level: 3}  # hers",
                "+        attributes: {team: green, level: 3}  # hers",
            ],
        ),
        (
            """'{"team":"blue",  "tags": [1, "a"]}'""",
            '{"team": "blue", "tags": [1, "b"], "x": null}',
            [
                """-        attributes: '{"team":"blue",  "tags": [1, "a"]}'""",
                """+        attributes: '{"team":"blue",  "tags": [1, "b"], "x": null}'""",
            ],
        ),
        (
            "\n          team: blue   # color\n          # level\n          level: 3\n          'phone': \"+1415\"",
            '{"team": "blue", "phone": "+1416", "deep": {"a": [1]}}',
            [
                "-          # level",
                "-          level: 3",
                "-          'phone': \"+1415\"",
                "+          'phone': \"+1416\"",
                "+          deep:",
                "+            a: [1]",
            ],
        ),
        (
            """'{"tags": [1,  {"a":1,"n":3},{"b":2}], "x":null}'""",
            '{"tags": [0, 1, {"a": 2, "n": 3}], "x": null}',
            [
                """-        attributes: '{"tags": [1,  {"a":1,"n":3},{"b":2}], "x":null}'""",
                """+        attributes: '{"tags": [0, 1,  {"a":2,"n":3}], "x":null}'""",
            ],
        ),
        (
            '|\n          {\n            "l": [\n              1,\n              2\n            ]\n          }',
            '{"l": [1, 3, 2, 4], "m": []}',
            [
                "-              2",
                "-            ]",
                "+              3,",
                "+              2,",
                "+              4",
                "+            ],",
                '+            "m": []',
            ],
        ),
        ("{a: 1}", "{}", ["-        attributes: {a: 1}", "+        attributes: {}"]),
    ],
)
def test_in_attributes_only_the_inner_value_changes(tmp_path: Path, before: str, live: str, lines: list[str]) -> None:
    one = desk(tmp_path, HEAD + f"    users:\n      ada:\n        attributes: {before}\n")
    one.account.post(f"{service(one)}/Users/ada", {"Attributes": live})
    assert diff_of(one, "services.desk.users.ada") == lines


def test_line_ends_and_the_mark_of_a_file_stay(tmp_path: Path) -> None:
    text = "\ufeff" + (HEAD + "    configuration:\n      reachability_enabled: true # on\n").replace("\n", "\r\n")
    one = desk(tmp_path, text)
    one.account.post(f"{service(one)}/Configuration", {"ReachabilityEnabled": "false"})
    one.accept("services.desk.configuration")
    assert one.files() == {"reconciler.yaml": text.replace("true", "false")}


def test_references_are_written_by_handle(tmp_path: Path) -> None:
    text = HEAD + (
        "    configuration: {default_conversation_role: one}\n"
        "    roles:\n"
        "      one: {type: conversation, permissions: [sendMessage]}\n"
        "      second: {friendly_name: two, type: conversation, permissions: [sendMessage]}\n"
    )
    one = desk(tmp_path, text)
    path = f"{service(one)}/Configuration"
    one.account.post(path, {"DefaultConversationRoleSid": role(one, "two").rsplit("/", 1)[1]})
    assert diff_of(one, "services.desk.configuration")[1] == "+    configuration: {default_conversation_role: second}"
    one.account.post(path, {"DefaultConversationRoleSid": role(one, "channel user").rsplit("/", 1)[1]})
    changed = diff_of(one, "services.desk.configuration")
    assert changed[1] == "+    configuration: {default_conversation_role: channel user}"


# --- resources -------------------------------------------------------------------------------------------------------

ROLES = HEAD + (
    "    roles:\n"
    "      # Agents answer.\n"
    "      agent: {type: service, permissions: [addParticipant]}  # one line\n"
    "      # Leads decide.\n"
    "      lead:\n"
    "        type: service\n"
    "        permissions: [addParticipant]\n"
    "    # the end\n"
)


def test_a_deleted_resource_is_cut_out_with_its_comments(tmp_path: Path) -> None:
    one = desk(tmp_path, ROLES)
    one.account.delete(role(one, "agent"))
    assert diff_of(one, "services.desk.roles.agent", again=False) == [
        "-      # Agents answer.",
        "-      agent: {type: service, permissions: [addParticipant]}  # one line",
    ]


def test_a_deleted_service_is_cut_out_whole(tmp_path: Path) -> None:
    one = desk(
        tmp_path, ROLES + "  other:\n    friendly_name: Other\n    configuration: {reachability_enabled: true}\n"
    )
    one.account.delete(service(one, "Other"))
    assert diff_of(one, "services.other", again=False) == [
        "-  other:",
        "-    friendly_name: Other",
        "-    configuration: {reachability_enabled: true}",
    ]


def test_what_a_deleted_service_says_of_itself_goes_with_it(tmp_path: Path) -> None:
    one = desk(tmp_path, ROLES + "  other:\n    friendly_name: Other\n    roles: {}\n    prune: [roles]\n")
    one.account.delete(service(one, "Other"))
    assert diff_of(one, "services.other", again=False) == [
        "-  other:",
        "-    friendly_name: Other",
        "-    roles: {}",
        "-    prune: [roles]",
    ]


def test_a_deleted_resource_that_others_refer_to_is_refused(tmp_path: Path) -> None:
    text = HEAD + (
        "    configuration: {default_conversation_role: one}\n"
        "    roles:\n      one: {type: conversation, permissions: [sendMessage]}\n"
    )
    one = desk(tmp_path, text)
    path = f"{service(one)}/Configuration"
    one.account.post(path, {"DefaultConversationRoleSid": role(one, "channel user").rsplit("/", 1)[1]})
    one.account.delete(role(one, "one"))
    ((reason, _),) = refused(one, "services.desk.roles.one")
    assert reason.startswith("the edited files would be wrong: default_conversation_role")
    assert diff_of(one, "services.desk") == [
        "-    configuration: {default_conversation_role: one}",
        "-    roles:",
        "-      one: {type: conversation, permissions: [sendMessage]}",
        "+    configuration: {default_conversation_role: channel user}",
        "+    roles: {}",
    ]


def test_an_unmanaged_resource_goes_to_its_siblings(tmp_path: Path) -> None:
    files = {
        "reconciler.yaml": "version: 1\ninclude: [parts/*.yaml]\n",
        "parts/a.yaml": "services:\n  desk:\n    friendly_name: Desk\n",
        "parts/roles.yaml": (
            "services:\n  desk:\n    roles:\n      agent: {type: service, permissions: [addParticipant]}\n"
        ),
    }
    one = desk(tmp_path, files)
    made = one.account.post(
        f"{service(one)}/Roles", {"FriendlyName": "night shift", "Type": "service", "Permission": ["addParticipant"]}
    )
    address = f'services.desk.roles["{made["sid"]}"]'
    assert diff_of(one, unmanaged=(address,), again=False) == [
        "+      night-shift:",
        "+        friendly_name: night shift",
        "+        type: service",
        "+        permissions: [addParticipant]",
    ]
    assert one.changes() == []
    with pytest.raises(UsageError, match="no such unmanaged resource"):
        one.accept(unmanaged=(address,))


def test_several_unmanaged_resources_of_one_name_are_told_apart_by_their_sids(tmp_path: Path) -> None:
    one = desk(tmp_path, HEAD + "    roles: {agent: {type: service, permissions: [addParticipant]}}\n")
    made = [
        one.account.post(f"{service(one)}/Roles", {"FriendlyName": name, "Type": of_type, "Permission": [permission]})
        for name, of_type, permission in (
            ("night", "service", "addParticipant"), ("night", "conversation", "sendMessage"),
            ("agent", "conversation", "sendMessage"),
        )
    ]  # fmt: skip
    options = "".join(
        f"\n  --unmanaged 'services.desk.roles[\"{sid}\"]'" for sid in sorted(item["sid"] for item in made[:2])
    )
    with pytest.raises(UsageError) as caught:
        one.accept(unmanaged=("services.desk.roles.night",))
    assert str(caught.value) == (
        f"--unmanaged services.desk.roles.night: 2 unmanaged resources have this name. Use one of:{options}"
    )
    # The declared role is not an unmanaged one, although another role has its name.
    with pytest.raises(UsageError, match=r"agent: no such unmanaged resource"):
        one.accept(unmanaged=("services.desk.roles.agent",))


def test_an_unmanaged_user_is_added_to_a_list_in_braces(tmp_path: Path) -> None:
    one = desk(tmp_path, HEAD + "    users: {ada: {}}\n")
    made = one.account.post(f"{service(one)}/Users", {"Identity": "bob@example.com", "FriendlyName": "Bob"})
    assert diff_of(one, unmanaged=(f'services.desk.users["{made["sid"]}"]',), again=False) == [
        "-    users: {ada: {}}",
        "+    users: {ada: {}, bob@example.com: {friendly_name: Bob, role: service user}}",
    ]


def test_unmanaged_resources_of_collections_that_declare_nothing_are_added(tmp_path: Path) -> None:
    one = desk(tmp_path, HEAD + "    conversations: {line: {}}\n")
    made = one.account.get(f"{service(one)}/Conversations")["conversations"][0]
    line = f"{service(one)}/Conversations/{made['sid']}"
    flow = "FW" + "1" * 32
    hook = one.account.post(f"{line}/Webhooks", {"Target": "studio", "Configuration.FlowSid": flow})
    inside = f"{{webhooks: {{studio: {{target: studio, flow_sid: {flow}}}}}, participants: {{ada: {{identity: ada, "
    ada = one.account.post(f"{line}/Participants", {"Identity": "ada"})
    one.account.post(f"{service(one)}/Users", {"Identity": "bob@example.com"})
    unmanaged = (
        f'services.desk.conversations.line.webhooks["{hook["sid"]}"]',
        f'services.desk.conversations.line.participants["{ada["sid"]}"]',
        'services.desk.users["bob@example.com"]',
    )
    assert diff_of(one, unmanaged=unmanaged, again=False) == [
        "-    conversations: {line: {}}",
        f"+    conversations: {{line: {inside}role: channel user}}}}}}}}",
        "+    users:",
        "+      bob@example.com:",
        "+        role: service user",
    ]
    assert one.changes() == []
    with pytest.raises(UsageError, match="no such unmanaged resource"):
        one.accept(unmanaged=('services.desk.users["eve@example.com"]',))


def test_a_reference_to_a_role_that_is_added_too_is_its_handle(tmp_path: Path) -> None:
    one = desk(tmp_path, ROLES + "    configuration: {default_conversation_role: channel user}\n")
    made = one.account.post(
        f"{service(one)}/Roles", {"FriendlyName": "night", "Type": "conversation", "Permission": ["sendMessage"]}
    )
    one.account.post(f"{service(one)}/Configuration", {"DefaultConversationRoleSid": made["sid"]})
    changed = diff_of(
        one, "services.desk.configuration", unmanaged=(f'services.desk.roles["{made["sid"]}"]',), again=False
    )
    assert "+    configuration: {default_conversation_role: night}" in changed
    assert one.changes() == []


def test_an_unmanaged_service_is_added_with_everything_in_it(tmp_path: Path) -> None:
    one = desk(tmp_path, ROLES)
    path = f"/v1/Services/{one.account.post('/v1/Services', {'FriendlyName': 'Night desk'})['sid']}"
    one.account.post(f"{path}/Configuration/Webhooks", {"PreWebhookUrl": "https://hooks.example.com/pre"})
    made = one.account.post(
        f"{path}/Roles", {"FriendlyName": "night", "Type": "conversation", "Permission": ["sendMessage"]}
    )
    one.account.post(f"{path}/Configuration", {"DefaultConversationRoleSid": made["sid"]})
    one.account.post(f"{path}/Users", {"Identity": "ada@example.com"})
    assert diff_of(one, unmanaged=(f'services["{path.rpartition("/")[2]}"]',), again=False) == [
        "+  night-desk:",
        "+    friendly_name: Night desk",
        "+    configuration:",
        "+      default_conversation_creator_role: channel admin",
        "+      default_conversation_role: night",
        "+      default_chat_service_role: service user",
        "+    webhooks:",
        "+      pre_webhook_url: https://hooks.example.com/pre",
        "+    roles:",
        "+      night:",
        "+        type: conversation",
        "+        permissions: [sendMessage]",
    ]
    assert one.changes() == []


def test_an_undeclared_setting_gets_its_section(tmp_path: Path) -> None:
    one = desk(tmp_path, ROLES)
    one.account.post(
        f"{service(one)}/Configuration/Webhooks",
        {"PreWebhookUrl": "https://hooks.example.com/pre", "Filters": ["onMessageAdd"]},
    )
    assert diff_of(one, "services.desk") == []
    assert diff_of(one, "services.desk.webhooks") == [
        "+    webhooks:",
        "+      pre_webhook_url: https://hooks.example.com/pre",
        "+      filters: [onMessageAdd]",
    ]


ROUTED = "version: 1\naddresses:\n  line:\n    address: '+14155550100'\n    auto_creation:\n      enabled: true\n{}"
WEBHOOK = [
    "      type: webhook  # ours",
    "      webhook_url: https://a.example.com/",
    "      webhook_filters: [onMessageAdded]",
]
FLOW = "FW" + "0" * 32


@pytest.mark.parametrize(
    ("lines", "live", "added"),
    [
        (
            WEBHOOK,
            {"Type": "studio", "StudioFlowSid": FLOW},
            ["      type: studio  # ours", f"      studio_flow_sid: {FLOW}", "      studio_retry_count: 0"],
        ),
        (WEBHOOK, {"Type": "default"}, ["      type: default  # ours"]),
        (
            ["      type: studio", f"      studio_flow_sid: {FLOW}"],
            {"Type": "webhook", "WebhookUrl": "https://b.example.com/", "WebhookFilters": ["onMessageAdded"]},
            [
                "      type: webhook",
                "      webhook_url: https://b.example.com/",
                "      webhook_method: POST",
                "      webhook_filters: [onMessageAdded]",
            ],
        ),
    ],
)
@pytest.mark.parametrize("name", ["addresses.line", "addresses.line.auto_creation.type"])
def test_another_type_is_accepted_with_the_values_that_belong_to_it(
    tmp_path: Path, lines: list[str], live: dict[str, Any], added: list[str], name: str
) -> None:
    one = desk(tmp_path, ROUTED.format("\n".join(lines) + "\n"))
    (row,) = one.account.get("/v1/Configuration/Addresses")["address_configurations"]
    form = {f"AutoCreation.{key}": value for key, value in live.items()}
    one.account.post(f"/v1/Configuration/Addresses/{row['sid']}", form)
    assert sorted(diff_of(one, name)) == sorted([*(f"-{line}" for line in lines), *(f"+{line}" for line in added)])
    assert one.changes() == []


def test_values_that_belong_to_a_refused_type_are_refused(tmp_path: Path) -> None:
    text = ROUTED.format("\n".join(WEBHOOK) + "\n")
    one = desk(tmp_path, text.replace("webhook  # ours", "${env:TYPE}"), TYPE="webhook")
    (tmp_path / "baseline").mkdir()
    (tmp_path / "baseline" / "reconciler.yaml").write_text(text)
    (row,) = one.account.get("/v1/Configuration/Addresses")["address_configurations"]
    one.account.post(f"/v1/Configuration/Addresses/{row['sid']}", {"AutoCreation.Type": "default"})
    before = one.files()
    found = one.accept(inputs={"baseline": str(tmp_path / "baseline")})
    assert one.files() == before
    assert [(item.path, item.reason) for item in found.refused] == [
        ("auto_creation.type", "the value comes from environment variable TYPE"),
        ("auto_creation.webhook_url", "auto_creation.type, which belongs to it, is refused"),
        ("auto_creation.webhook_filters", "auto_creation.type, which belongs to it, is refused"),
    ]


def test_a_type_is_no_drift_if_the_configuration_changed_what_belongs_to_it(tmp_path: Path) -> None:
    text = ROUTED.format("\n".join(WEBHOOK) + "\n")
    one = desk(tmp_path, text)
    (tmp_path / "baseline").mkdir()
    (tmp_path / "baseline" / "reconciler.yaml").write_text(text)
    (row,) = one.account.get("/v1/Configuration/Addresses")["address_configurations"]
    one.account.post(f"/v1/Configuration/Addresses/{row['sid']}", {"AutoCreation.Type": "default"})
    (tmp_path / "reconciler.yaml").write_text(text.replace("a.example.com", "c.example.com"))
    found = one.accept(inputs={"baseline": str(tmp_path / "baseline")})
    assert {item.reason for item in found.refused} == {
        "auto_creation.webhook_url, which belongs to it, is not only drift",
        "it changed in the configuration and in the account",
    }
    assert found.accepted == ()


def test_the_last_resource_of_a_section_with_question_marks_is_removed(tmp_path: Path) -> None:
    text = (
        HEAD
        + "    roles:\n     ? lead\n     :\n      type: service\n      permissions: [addParticipant]\n      # of it\n"
    )
    one = desk(tmp_path, text)
    one.account.delete(role(one, "lead"))
    assert diff_of(one, "services.desk.roles.lead", again=False) == [
        "-    roles:",
        "-     ? lead",
        "-     :",
        "-      type: service",
        "-      permissions: [addParticipant]",
        "-      # of it",
        "+    roles: {}",
    ]


# --- templates, overlays, environments --------------------------------------------------------------------------------

TEMPLATE = {
    "reconciler.yaml": (
        "version: 1\n"
        "templates:\n"
        "  base:\n"
        "    configuration: {reachability_enabled: true}\n"
        "services:\n"
        "  desk: {template: base, friendly_name: Desk}\n"
        "  other:\n"
        "    template: base\n"
        "    friendly_name: Other\n"
    )
}


def test_a_value_of_a_template_is_overridden_unless_all_agree(tmp_path: Path) -> None:
    one = desk(tmp_path, TEMPLATE)
    one.account.post(f"{service(one, 'Other')}/Configuration", {"ReachabilityEnabled": "false"})
    start = one.files()
    assert diff_of(one, "services.other") == ["+    configuration:", "+      reachability_enabled: false"]
    (tmp_path / "reconciler.yaml").write_text(start["reconciler.yaml"])
    one.account.post(f"{service(one)}/Configuration", {"ReachabilityEnabled": "false"})
    assert diff_of(one, "services.desk", "services.other") == [
        "-    configuration: {reachability_enabled: true}",
        "+    configuration: {reachability_enabled: false}",
    ]


def test_a_template_is_changed_if_that_is_asked_for(tmp_path: Path) -> None:
    one = desk(tmp_path, TEMPLATE)
    one.account.post(f"{service(one)}/Configuration", {"ReachabilityEnabled": "false"})
    assert diff_of(one, "services.desk", at="template") == [
        "-    configuration: {reachability_enabled: true}",
        "+    configuration: {reachability_enabled: false}",
    ]
    assert one.changes() == ["services.other.configuration.reachability_enabled"]


ROLE_TEMPLATE = {
    "reconciler.yaml": (
        "version: 1\n"
        "templates:\n"
        "  base:\n"
        "    roles:\n"
        "      agent: {type: service, permissions: [addParticipant]}\n"
        "      lead: {type: service, permissions: [addParticipant]}\n"
        "services:\n"
        "  desk: {template: base, friendly_name: Desk}\n"
        "  other:\n"
        "    template: base\n"
        "    friendly_name: Other\n"
    )
}
CUT = ["-      lead: {type: service, permissions: [addParticipant]}"]


def test_a_deleted_resource_of_a_template_is_unset_in_the_service(tmp_path: Path) -> None:
    one = desk(tmp_path, ROLE_TEMPLATE)
    one.account.delete(role(one, "lead"))
    assert diff_of(one, "services.desk.roles.lead", again=False) == [
        "-  desk: {template: base, friendly_name: Desk}",
        "+  desk: {template: base, friendly_name: Desk, roles: {lead: !unset }}",
    ]
    one.account.delete(role(one, "agent", "Other"))
    assert diff_of(one, "services.other.roles.agent", again=False) == ["+    roles:", "+      agent: !unset"]
    assert one.changes() == []


def test_a_resource_that_all_users_of_a_template_lack_is_cut_out_of_it(tmp_path: Path) -> None:
    one = desk(tmp_path, ROLE_TEMPLATE)
    one.account.delete(role(one, "lead"))
    one.account.delete(role(one, "lead", "Other"))
    assert diff_of(one, "services.desk.roles.lead", "services.other.roles.lead", again=False) == CUT
    assert one.changes() == []


def test_a_resource_is_not_cut_out_of_a_template_whose_other_users_still_have_it(tmp_path: Path) -> None:
    one = desk(tmp_path, ROLE_TEMPLATE)
    one.account.delete(role(one, "lead"))
    assert refused(one, "services.desk.roles.lead", at="template") == [
        (
            "template base also writes services.other.roles.lead",
            "accept without --at to remove it from this service only, or cut it out of the template by hand",
        )
    ]
    one.account.delete(role(one, "lead", "Other"))
    assert diff_of(one, "services.desk.roles.lead", "services.other.roles.lead", again=False, at="template") == CUT


def test_a_deleted_resource_that_the_template_and_the_service_write_is_unset(tmp_path: Path) -> None:
    text = ROLE_TEMPLATE["reconciler.yaml"] + "    roles: {lead: {permissions: [addNonChatParticipant]}}\n"
    one = desk(tmp_path, text)
    one.account.delete(role(one, "lead", "Other"))
    start = one.files()
    assert diff_of(one, "services.other.roles.lead", again=False) == [
        "-    roles: {lead: {permissions: [addNonChatParticipant]}}",
        "+    roles: {lead: !unset }",
    ]
    assert one.changes() == []
    (tmp_path / "reconciler.yaml").write_text(start["reconciler.yaml"])
    one.account.delete(role(one, "lead"))
    names = ("services.desk.roles.lead", "services.other.roles.lead")
    assert diff_of(one, *names, again=False) == [
        *CUT,
        "-    roles: {lead: {permissions: [addNonChatParticipant]}}",
        "+    roles: {}",
    ]
    assert one.changes() == []


def test_inner_values_of_a_template_are_overridden_in_the_service(tmp_path: Path) -> None:
    text = TEMPLATE["reconciler.yaml"].replace(
        "    configuration: {reachability_enabled: true}\n",
        "    users: {ada: {attributes: {level: 1, left: true, team: {name: Blue}}}}\n",
    )
    one = desk(tmp_path, text)
    one.account.post(user(one, "ada", "Other"), {"Attributes": '{"level": 2, "team": {"name": "Blue", "size": 3}}'})
    assert diff_of(one, "services.other.users.ada.attributes") == [
        "+    users:",
        "+      ada:",
        "+        attributes:",
        "+          level: 2",
        "+          left: !unset",
        "+          team:",
        "+            size: 3",
    ]
    assert one.changes() == []


def test_what_the_base_and_the_overlay_write_is_unset_in_the_overlay(tmp_path: Path) -> None:
    files = {
        "reconciler.yaml": (
            "version: 1\n"
            "environments: {dev: {overlays: [dev.yaml]}, prod: {}}\n"
            "services:\n"
            "  desk:\n"
            "    friendly_name: Desk\n"
            "    users:\n"
            "      ada: {friendly_name: Ada}\n"
            "      bob: {friendly_name: Bob}\n"
            "      eve: {attributes: {a: 1, b: 2, c: 3, d: 4, e: 5}}\n"
        ),
        "dev.yaml": (
            "services:\n"
            "  desk:\n"
            "    users:\n"
            "      ada: &ada\n"
            "        # the name in dev\n"
            "        friendly_name: Ada of dev\n"
            "      bob: {friendly_name: Bob of dev}   # and Bob\n"
            "      eve:\n"
            "        attributes:\n"
            "          a: !!str 7\n"
            "          b: |\n"
            "            text\n"
            "          c:\n"
            "          d: [1, 2]\n"
        ),
    }
    one = desk(tmp_path, files, "dev")
    one.account.delete(user(one, "ada"))
    one.account.delete(user(one, "bob"))
    one.account.post(user(one, "eve"), {"Attributes": '{"e": 5}'})
    names = ("services.desk.users.ada", "services.desk.users.bob", "services.desk.users.eve.attributes")
    assert diff_of(one, *names, at="overlay", again=False) == [
        "-      ada: &ada",
        "-        # the name in dev",
        "-        friendly_name: Ada of dev",
        "-      bob: {friendly_name: Bob of dev}   # and Bob",
        "+      ada: &ada !unset",
        "+      bob: !unset   # and Bob",
        "-          a: !!str 7",
        "-          b: |",
        "-            text",
        "-          c:",
        "-          d: [1, 2]",
        "+          a: !unset",
        "+          b: !unset",
        "+          c: !unset",
        "+          d: !unset",
    ]
    assert one.changes() == []


ENVIRONMENTS = {
    "reconciler.yaml": (
        "version: 1\n"
        "environments:\n"
        "  prod: {overlays: [prod.yaml], variables: {mode: GET, url: 'https://prod.example.com/'}}\n"
        "  staging: {variables: {mode: GET}}\n"
        "variables:\n"
        "  url: https://all.example.com/\n"
        "services:\n"
        "  desk:\n"
        "    friendly_name: Desk\n"
        "    configuration: {reachability_enabled: true}\n"
        "    webhooks:\n"
        "      method: ${var:mode}\n"
        "      post_webhook_url: ${var:url}\n"
        "      pre_webhook_url: ${var:url}pre\n"
    ),
    "prod.yaml": "services:\n  desk:\n    webhooks:\n      filters: [onMessageAdded]\n",
}


SHARED_TEMPLATE = {
    "reconciler.yaml": (
        "version: 1\n"
        "environments: {prod: {overlays: [prod.yaml]}, staging: {}}\n"
        "templates:\n"
        "  base:\n"
        "    configuration: {reachability_enabled: true}\n"
        "    users: {ada: {attributes: {level: 1, team: Blue}}}\n"
        "    roles:\n"
        "      lead: {type: service, permissions: [addParticipant]}\n"
        "services:\n"
        "  desk: {template: base, friendly_name: Desk}\n"
    ),
    "prod.yaml": "services:\n  desk:\n    webhooks: {method: GET}\n",
}
OTHERS = "other environments use the same value: staging"
CHOICE = "use --at overlay to change it for prod only, or --at base to change it for all"


@pytest.mark.parametrize(
    ("name", "refusal", "in_overlay", "in_base"),
    [
        pytest.param(
            "services.desk.configuration.reachability_enabled",
            (OTHERS, CHOICE),
            ["+    configuration:", "+      reachability_enabled: false"],
            [
                "-    configuration: {reachability_enabled: true}",
                "+    configuration: {reachability_enabled: false}",
            ],
            id="a value",
        ),
        pytest.param(
            "services.desk.users.ada.attributes.level",
            (OTHERS, CHOICE),
            ["+    users:", "+      ada:", "+        attributes:", "+          level: 2"],
            [
                "-    users: {ada: {attributes: {level: 1, team: Blue}}}",
                "+    users: {ada: {attributes: {level: 2, team: Blue}}}",
            ],
            id="a value inside JSON",
        ),
        pytest.param(
            "services.desk.roles.lead",
            (
                "template base also writes services.desk.roles.lead in environment staging",
                "use --at overlay to remove it from this service for prod only, or --at base to remove it from all",
            ),
            ["+    roles:", "+      lead: !unset"],
            ["-    roles:", *CUT, "+    roles: {}"],
            id="a deleted resource",
        ),
    ],
)
def test_a_template_that_environments_share_is_changed_with_at_base_only(
    tmp_path: Path, name: str, refusal: tuple[str, str], in_overlay: list[str], in_base: list[str]
) -> None:
    one = desk(tmp_path, SHARED_TEMPLATE, env="prod")
    one.account.post(f"{service(one)}/Configuration", {"ReachabilityEnabled": "false"})
    one.account.post(user(one, "ada"), {"Attributes": '{"level": 2, "team": "Blue"}'})
    one.account.delete(role(one, "lead"))
    start = one.files()
    assert refused(one, name, at="template") == [refusal]
    assert diff_of(one, name, at="overlay", again=False) == in_overlay
    for path, text in start.items():
        (tmp_path / path).write_text(text)
    assert diff_of(one, name, at="base", again=False) == in_base


def test_a_literal_that_environments_share_is_refused_without_a_choice(tmp_path: Path) -> None:
    one = desk(tmp_path, ENVIRONMENTS, env="prod")
    one.account.post(f"{service(one)}/Configuration", {"ReachabilityEnabled": "false"})
    name = "services.desk.configuration.reachability_enabled"
    assert refused(one, name) == [
        (
            "other environments use the same value: staging",
            "use --at overlay to change it for prod only, or --at base to change it for all",
        )
    ]
    start = one.files()
    assert diff_of(one, name, at="overlay") == ["+    configuration:", "+      reachability_enabled: false"]
    for path, text in start.items():
        (tmp_path / path).write_text(text)
    assert diff_of(one, name, at="base") == [
        "-    configuration: {reachability_enabled: true}",
        "+    configuration: {reachability_enabled: false}",
    ]


ACCOUNTS = "version: 1\nenvironments:\n  prod: {account_sid: %s}\n  dev: {account_sid: %s}\n"
OWN, FOREIGN = "AC" + "0" * 32, "AC" + "1" * 32


def test_a_sid_of_one_account_is_not_written_for_environments_of_others(tmp_path: Path) -> None:
    settings = "account: {configuration: {default_service: desk}}\nservices: {desk: {}}\n"
    one = desk(tmp_path, ACCOUNTS % (OWN, FOREIGN) + settings, env="prod")
    other = one.account.post("/v1/Services", {"FriendlyName": "Other"})["sid"]
    one.account.post("/v1/Configuration", {"DefaultChatServiceSid": other})
    name = "account.configuration.default_service"
    assert refused(one, name, at="base") == [
        (
            f"{other} exists only in this account, and environments of other accounts use the same files: dev",
            "declare the resource and write its handle, or write it in an overlay of environment prod by hand",
        )
    ]
    assert refused(one, name) == [
        ("other environments use the same value: dev", "add an overlay to environment prod to change it there only")
    ]
    # The same account has the same SIDs, and a handle means the own service in each account.
    same = ACCOUNTS % (OWN, OWN) + settings
    (tmp_path / "reconciler.yaml").write_text(same)
    assert diff_of(one, name, at="base")[-1] == f"+account: {{configuration: {{default_service: {other}}}}}"
    by_handle = settings.replace("{}", "{}, other: {friendly_name: Other}")
    (tmp_path / "reconciler.yaml").write_text(ACCOUNTS % (OWN, FOREIGN) + by_handle)
    found = one.accept(name, at="base")
    assert (found.also_changed, one.files()["reconciler.yaml"].splitlines()[-2]) == (
        ("dev",),
        "account: {configuration: {default_service: other}}",
    )


def test_a_setting_with_a_sid_of_one_account_is_not_added_for_environments_of_others(tmp_path: Path) -> None:
    one = desk(tmp_path, ACCOUNTS % (OWN, FOREIGN) + "services: {desk: {}}\n", env="prod")
    name = "account.configuration.default_messaging_service_sid"
    sid = one.account.get("/v1/Configuration")["default_messaging_service_sid"]
    assert refused(one, name, at="base") == [
        (
            f"{sid} exists only in this account, and environments of other accounts use the same files: dev",
            "write it in an overlay of environment prod by hand",
        )
    ]


@pytest.mark.parametrize("text", ["# what differs in dev\n", "", "---\n# nothing yet"])
def test_an_overlay_without_keys_gets_its_first_ones(tmp_path: Path, text: str) -> None:
    root = "version: 1\nenvironments:\n  dev: {overlays: [dev.yaml]}\n  prod: {}\nservices: {desk: {}}\n"
    one = desk(tmp_path, {"reconciler.yaml": root, "dev.yaml": text}, "dev")
    one.account.post(f"{service(one, 'desk')}/Configuration", {"ReachabilityEnabled": "true"})
    one.account.post(f"{service(one, 'desk')}/Configuration/Webhooks", {"Method": "GET"})
    names = ("services.desk.configuration.reachability_enabled", "services.desk.webhooks.method")
    assert diff_of(one, *names, at="overlay") == [
        "+services:",
        "+  desk:",
        "+    configuration:",
        "+      reachability_enabled: true",
        "+    webhooks:",
        "+      method: GET",
    ]


def test_a_value_of_an_overlay_changes_in_the_overlay(tmp_path: Path) -> None:
    one = desk(tmp_path, ENVIRONMENTS, env="prod")
    one.account.post(f"{service(one)}/Configuration/Webhooks", {"Filters": ["onMessageAdded", "onUserAdded"]})
    assert diff_of(one, "services.desk.webhooks.filters") == [
        "-      filters: [onMessageAdded]",
        "+      filters: [onMessageAdded, onUserAdded]",
    ]


@pytest.mark.parametrize(
    ("write", "name", "again"),
    [
        (("Configuration/Webhooks", {"Filters": ["onMessageAdded", "onUserAdded"]}), "webhooks.filters", ["prod"]),
        (("Configuration/Webhooks", {"Method": "POST"}), "webhooks.method", ["prod", "staging"]),
    ],
)
def test_only_environments_that_read_an_edited_file_are_loaded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: tuple[str, dict[str, Any]], name: str, again: list[str]
) -> None:
    one = desk(tmp_path, ENVIRONMENTS, env="prod")
    one.account.post(f"{service(one)}/{write[0]}", write[1])
    loaded: list[str] = []
    load = config.load

    def recording(*sources: Any, environment: str, **options: Any) -> Config:
        loaded.append(environment)
        return load(*sources, environment=environment, **options)

    monkeypatch.setattr(config, "load", recording)
    assert not one.accept(f"services.desk.{name}").refused
    assert loaded == ["prod", "staging", *again]


def test_a_variable_of_one_environment_changes_at_its_definition(tmp_path: Path) -> None:
    one = desk(tmp_path, ENVIRONMENTS, env="prod")
    one.account.post(f"{service(one)}/Configuration/Webhooks", {"Method": "POST"})
    assert diff_of(one, "services.desk.webhooks.method") == [
        "-  prod: {overlays: [prod.yaml], variables: {mode: GET, url: 'https://prod.example.com/'}}",
        "+  prod: {overlays: [prod.yaml], variables: {mode: POST, url: 'https://prod.example.com/'}}",
    ]


def test_a_variable_that_others_use_is_refused(tmp_path: Path) -> None:
    one = desk(tmp_path, ENVIRONMENTS, env="prod")
    path = f"{service(one)}/Configuration/Webhooks"
    one.account.post(path, {"PostWebhookUrl": "https://x.example.com/", "PreWebhookUrl": "https://x.example.com/2"})
    assert refused(one, "services.desk.webhooks") == [
        (
            "the value is a text with interpolations",
            "change '${var:url}pre' by hand, or write the live value in its place",
        ),
        (
            "the value comes from variable url, which services.desk.webhooks.pre_webhook_url uses as well",
            "write the live value in place of ${var:url}, or change the variable by hand",
        ),
    ]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("${env:MODE}", "the value comes from environment variable MODE"),
        ("${file:mode.txt}", "the value comes from file mode.txt"),
        ("${var:mode}", "the value comes from variable mode, which services.other.webhooks.method uses as well"),
        ("*mode", "the value comes through a YAML alias in reconciler.yaml"),
        ("&mode GET", "an alias in reconciler.yaml repeats the value"),
    ],
)
def test_an_origin_elsewhere_is_refused(tmp_path: Path, value: str, reason: str) -> None:
    anchor = "x-mode: &mode GET\n" if value == "*mode" else ""
    other = "*mode" if value == "&mode GET" else "${var:mode}"
    text = (
        f"version: 1\n{anchor}variables: {{mode: GET}}\nservices:\n"
        f"  desk:\n    friendly_name: Desk\n    webhooks:\n      method: {value}\n"
        f"  other:\n    friendly_name: Other\n    webhooks:\n      method: {other}\n"
    )
    one = desk(tmp_path, {"reconciler.yaml": text, "mode.txt": "GET\n"}, MODE="GET")
    one.account.post(f"{service(one)}/Configuration/Webhooks", {"Method": "POST"})
    ((found, _),) = refused(one, "services.desk.webhooks.method")
    assert found == reason


def test_secrets_are_never_written(tmp_path: Path) -> None:
    text = HEAD + "    webhooks:\n      post_webhook_url: https://h.example.com/?token=${secret:TOKEN}\n"
    one = desk(tmp_path, text, TOKEN="a1b2c3d4e5f6")
    path = f"{service(one)}/Configuration/Webhooks"
    one.account.post(path, {"PostWebhookUrl": "https://h.example.com/?token=z9y8x7w6"})
    ((reason, _),) = refused(one, "services.desk.webhooks")
    assert reason == "the value is sensitive"
    one.account.post(f"{service(one)}/Users", {"Identity": "ada", "FriendlyName": "x a1b2c3d4e5f6"})
    (tmp_path / "reconciler.yaml").write_text(text + "    users: {ada: {friendly_name: Ada}}\n")
    assert refused(one, "services.desk.users") == [
        ("the live value contains a secret", "change it by hand; accept never writes it")
    ]


def test_a_value_of_a_command_line_variable_is_refused(tmp_path: Path) -> None:
    text = "version: 1\nvariables: {mode: GET}\n" + HEAD.removeprefix("version: 1\n")
    text += "    webhooks: {method: '${var:mode}'}\n"
    one = desk(tmp_path, text)
    one.account.post(f"{service(one)}/Configuration/Webhooks", {"Method": "POST"})
    assert refused(one, "services.desk.webhooks", inputs={"variables": {"mode": "GET"}}) == [
        ("the value comes from --var mode", "use --var mode with the live value")
    ]


# --- what is accepted ------------------------------------------------------------------------------------------------


def test_without_names_a_baseline_decides(tmp_path: Path) -> None:
    text = HEAD + "    webhooks:\n      method: POST\n      post_webhook_url: https://a.example.com/\n"
    one = desk(tmp_path, text)
    (tmp_path / "baseline").mkdir()
    (tmp_path / "baseline" / "reconciler.yaml").write_text(text)
    with pytest.raises(UsageError, match="requires a baseline"):
        one.accept()
    # The configuration changes the URL, and the console the method.
    (tmp_path / "reconciler.yaml").write_text(text.replace("a.example.com", "b.example.com"))
    one.account.post(f"{service(one)}/Configuration/Webhooks", {"Method": "GET"})
    before = one.files()
    found = one.accept(inputs={"baseline": str(tmp_path / "baseline")})
    assert not found.refused
    assert changed_lines(before, one.files()) == ["-      method: POST", "+      method: GET"]
    assert one.changes() == ["services.desk.webhooks.post_webhook_url"]


def test_without_names_the_rest_is_written(tmp_path: Path) -> None:
    text = HEAD + "    webhooks:\n      method: ${env:MODE}\n      post_webhook_url: https://a.example.com/\n"
    one = desk(tmp_path, text, MODE="POST")
    (tmp_path / "baseline").mkdir()
    (tmp_path / "baseline" / "reconciler.yaml").write_text(text.replace("${env:MODE}", "POST"))
    path = f"{service(one)}/Configuration/Webhooks"
    one.account.post(path, {"Method": "GET", "PostWebhookUrl": "https://b.example.com/"})
    before = one.files()
    found = one.accept(inputs={"baseline": str(tmp_path / "baseline")})
    assert [item.reason for item in found.refused] == ["the value comes from environment variable MODE"]
    assert changed_lines(before, one.files()) == [
        "-      post_webhook_url: https://a.example.com/",
        "+      post_webhook_url: https://b.example.com/",
    ]


@pytest.mark.parametrize("wrong", [{"ann": "zoe"}, {"ann": "yan", "cyd": "zoe"}])
def test_only_the_wrong_ones_of_many_edits_are_refused(tmp_path: Path, wrong: dict[str, str]) -> None:
    text = HEAD + (
        "    configuration: {default_chat_service_role: agent}\n"
        "    roles:\n"
        "      agent: {type: service, permissions: [addParticipant]}\n"
        "    users:\n"
        + "".join(
            f"      {n}:\n        friendly_name: |+\n          N\n      {gone}: {{}}\n" for n, gone in wrong.items()
        )
        + "      bob: {role: agent}\n"
    )
    one = desk(tmp_path, text)
    (tmp_path / "baseline").mkdir()
    (tmp_path / "baseline" / "reconciler.yaml").write_text(text)
    other, path = role(one, "service user").rsplit("/", 1)[1], service(one)
    one.account.post(f"{path}/Configuration", {"DefaultChatServiceRoleSid": other})
    one.account.post(f"{path}/Users/bob", {"RoleSid": other})
    for name, gone in wrong.items():
        one.account.post(f"{path}/Users/{name}", {"RoleSid": other})
        # Without this user, the text above would change, which keeps its line breaks.
        one.account.delete(f"{path}/Users/{gone}")
    one.account.delete(role(one, "agent"))
    before = one.files()
    found = one.accept(inputs={"baseline": str(tmp_path / "baseline")})
    assert [(item.address, item.path) for item in found.refused] == [
        (f"services.desk.users.{gone}", "") for gone in wrong.values()
    ]
    assert changed_lines(before, one.files()) == [
        "-    configuration: {default_chat_service_role: agent}",
        "-    roles:",
        "-      agent: {type: service, permissions: [addParticipant]}",
        "+    configuration: {default_chat_service_role: service user}",
        "+    roles: {}",
        "-      bob: {role: agent}",
        "+      bob: {role: service user}",
    ]


def test_a_name_that_means_nothing_is_an_error(tmp_path: Path) -> None:
    one = desk(tmp_path, ROLES)
    with pytest.raises(UsageError, match=r"services\.desk\.roles\.agnet: no such resource or field\. Did you mean"):
        one.accept("services.desk.roles.agnet")
    assert one.accept("services.desk.roles.agent.permissions").files == {}


def test_every_environment_has_to_be_valid(tmp_path: Path) -> None:
    one = desk(tmp_path, ENVIRONMENTS, env="prod")
    (tmp_path / "reconciler.yaml").write_text(
        ENVIRONMENTS["reconciler.yaml"].replace(
            "staging: {variables: {mode: GET}}", "staging: {variables: {mode: PUT}}"
        )
    )
    with pytest.raises(ConfigError):
        one.accept("services.desk.webhooks.filters")


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs links")
def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "real.yaml").write_text(ROLES)
    (inside / "reconciler.yaml").symlink_to(tmp_path / "real.yaml")
    one = Desk(inside)
    one.apply()
    one.account.delete(role(one, "agent"))
    with pytest.raises(UsageError, match="it leads out of the root file's folder"):
        one.accept("services.desk.roles.agent")
    assert (tmp_path / "real.yaml").read_text() == ROLES


SHARED = {
    "reconciler.yaml": (
        "version: 1\n"
        "environments:\n"
        "  dev: {variables: {team: Blue}, overlays: [dev.yaml]}\n"
        "  prod: {variables: {team: Red}}\n"
        "templates:\n  t: {roles: {agent: {type: conversation, permissions: [sendMessage]}}}\n"
        "services:\n"
        "  desk:\n"
        "    friendly_name: Desk\n"
        "    template: t\n"
        "    users:\n"
        '      ada: {attributes: {team: "${var:team}", level: 1, left: true}}\n'
        "      eve: {}\n"
    ),
    "dev.yaml": "services:\n  desk:\n    webhooks: {method: GET}\n",
}


def test_inner_values_of_json_are_overridden_in_the_overlay(tmp_path: Path) -> None:
    one = desk(tmp_path, SHARED, "dev")
    one.account.post(user(one, "ada"), {"Attributes": '{"team": "Green", "level": 2, "more": 3}'})
    name = "services.desk.users.ada.attributes"
    assert refused(one, name) == [
        ("other environments use the same value: prod", "use --at overlay to change it for dev only")
    ]
    assert diff_of(one, name, at="overlay") == [
        "+    users:",
        "+      ada:",
        "+        attributes:",
        "+          team: Green",
        "+          level: 2",
        "+          left: !unset",
        "+          more: 3",
    ]


def test_what_was_deleted_is_unset_in_the_overlay(tmp_path: Path) -> None:
    one = desk(tmp_path, SHARED, "dev")
    one.account.delete(user(one, "eve"))
    one.account.delete(role(one, "agent"))
    assert refused(one, "services.desk.users.eve") == [
        (
            "other environments declare it: prod",
            "use --at overlay to remove it for dev only, or --at base to remove it from all",
        )
    ]
    assert refused(one, "services.desk.roles.agent") == [
        (
            "other environments would lose it, too: prod",
            "use --at overlay to remove it for dev only, or --at base to remove it for all",
        )
    ]
    names = ("services.desk.users.eve", "services.desk.roles.agent")
    assert diff_of(one, *names, at="overlay", again=False) == [
        "+    users:",
        "+      eve: !unset",
        "+    roles:",
        "+      agent: !unset",
    ]
    assert one.changes() == []


def test_what_cannot_be_edited_in_place_is_to_be_edited_by_hand(tmp_path: Path) -> None:
    text = HEAD + "    users:\n      ?\n        ada\n      : {friendly_name: Ada}\n      bob: {}\n"
    one = desk(tmp_path, text)
    one.account.delete(user(one, "ada"))
    reason = "reconciler.yaml cannot be edited in place: the key is not written in the line of its question mark"
    assert refused(one, "services.desk.users.ada") == [
        (f"the edited files would be wrong: {reason}", "edit it by hand")
    ]
