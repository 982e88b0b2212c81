"""An export into files that people wrote: adds what they lack, where the siblings are, and changes nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import UsageError
from tests.accept.drifting import Desk, changed_lines
from tests.accept.test_accept import desk, service

MINE = {
    "reconciler.yaml": "version: 1\r\ninclude: [parts/*.yaml]   # everything\r\n",
    "parts/desk.yaml": (
        "services:\n"
        "  desk:   # ours\n"
        "      friendly_name: Desk\n"
        "      roles:\n"
        "          agent: {type: service, permissions: [addParticipant]}\n"
        "\n"
        "      # customers\n"
        "      users: {ada: {}}\n"
    ),
    "parts/lines.yaml": "addresses:\n  '+14155550100': {type: sms}   # main\n",
}


def address(one: Desk, number: str, **more: str) -> None:
    one.account.post("/v1/Configuration/Addresses", {"Address": number, "Type": "sms", **more})


def added_lines(one: Desk, **options: Any) -> list[str]:
    """Add what is missing, and return the changed lines; a second time, nothing is added."""
    before = one.files()
    found = one.add(**options)
    assert not found.acceptance.refused, found.acceptance.refused
    after = one.files()
    assert one.changes() == []
    assert not one.add(**options).acceptance.files
    return changed_lines(before, {path: after[path] for path in before})


QUIET: dict[str, Any] = {"inputs": {"targets": ("services.desk", "addresses", "credentials")}}
"""Options that leave out what Twilio creates in every account."""


def test_three_addresses_of_the_console_are_added_beside_their_siblings(tmp_path: Path) -> None:
    one = desk(tmp_path, MINE)
    for number in ("+14155550101", "+14155550102", "+14155550103"):
        address(one, number, **{"AutoCreation.Enabled": "false"})
    assert added_lines(one, **QUIET) == [
        line
        for number in ("+14155550101", "+14155550102", "+14155550103")
        for line in (f'+  "{number}":', "+    auto_creation:", "+      enabled: false", "+      type: default")
    ]


def test_everything_that_a_drift_lists_is_added(tmp_path: Path) -> None:
    one = desk(tmp_path, MINE)
    base = service(one)
    one.account.post(f"{base}/Roles", {"FriendlyName": "Night", "Type": "service", "Permission": ["addParticipant"]})
    one.account.post(f"{base}/Users", {"Identity": "bob"})
    one.account.post(f"{base}/Configuration/Webhooks", {"PreWebhookUrl": "https://h.example.com/?token=canary-123"})
    # Users are many: they are added only on request.
    assert added_lines(one, **QUIET) == [
        "+          Night:",
        "+              type: service",
        "+              permissions: [addParticipant]",
        "+      webhooks:",
        (
            "+          pre_webhook_url: "
            "https://h.example.com/?token=${secret:SERVICES_DESK_WEBHOOKS_PRE_WEBHOOK_URL_TOKEN}"
        ),
    ]
    assert added_lines(one, include=("users",), **QUIET) == [
        "-      users: {ada: {}}",
        "+      users: {ada: {}, bob: {role: service user}}",
    ]


def test_a_new_service_is_added_with_everything_in_it(tmp_path: Path) -> None:
    one = desk(tmp_path, MINE)
    sid = one.account.post("/v1/Services", {"FriendlyName": "Night Desk"})["sid"]
    one.account.post(
        f"/v1/Services/{sid}/Roles", {"FriendlyName": "Boss", "Type": "service", "Permission": ["addParticipant"]}
    )
    one.account.post(f"/v1/Services/{sid}/Users", {"Identity": "bob"})
    one.account.post(f"/v1/Services/{sid}/Configuration", {"DefaultChatServiceRoleSid": role_of(one, sid, "Boss")})
    address(one, "+14155550104", **{"AutoCreation.Type": "default", "AutoCreation.ConversationServiceSid": sid})
    targets = {"inputs": {"targets": ('addresses["+14155550104"]', f'services["{sid}"]')}}
    before = one.files()
    found = one.add(**targets)
    after = one.files()
    assert [str(item.address) for item in found.acceptance.accepted] == [
        'addresses["+14155550104"]',
        "services.night-desk",
    ]
    assert changed_lines(before, after) == [
        '+  "+14155550104":',
        "+    auto_creation:",
        "+      enabled: false",
        "+      type: default",
        "+      service: night-desk",
    ]
    # Each service has a file of its own, so that the new one gets one, too. Users are not included.
    assert after["parts/night-desk.yaml"] == (
        "services:\n"
        "  night-desk:\n"
        "    friendly_name: Night Desk\n"
        "    configuration:\n"
        "      default_conversation_creator_role: channel admin\n"
        "      default_conversation_role: channel user\n"
        "      default_chat_service_role: Boss\n"
        "    roles:\n"
        "      Boss:\n"
        "        type: service\n"
        "        permissions: [addParticipant]\n"
    )
    assert one.changes() == []
    assert not one.add(**targets).acceptance.files


def role_of(one: Desk, sid: str, name: str) -> str:
    roles = one.account.get(f"/v1/Services/{sid}/Roles")["roles"]
    return next(str(row["sid"]) for row in roles if row["friendly_name"] == name)


# --- environments -----------------------------------------------------------------------------------------------------

ENVIRONMENTS = {
    "reconciler.yaml": (
        "version: 1\n"
        "environments:\n"
        "  prod: {account_sid: AC00000000000000000000000000000000, overlays: [prod.yaml]}\n"
        "  staging: {account_sid: AC11111111111111111111111111111111, overlays: [staging.yaml]}\n"
        "services:\n"
        "  desk:\n"
        "    friendly_name: Desk\n"
        "    roles:\n"
        "      agent: {type: service, permissions: [addParticipant]}\n"
    ),
    "prod.yaml": "addresses:\n  '+14155550100': {type: sms}   # main\n",
    "staging.yaml": "addresses:\n  '+14155550111': {type: sms}\n",
}


def night(one: Desk) -> None:
    made = {"FriendlyName": "Night", "Type": "service", "Permission": ["addParticipant"]}
    one.account.post(f"{service(one)}/Roles", made)


def test_siblings_in_the_overlay_of_the_environment_decide(tmp_path: Path) -> None:
    one = desk(tmp_path, ENVIRONMENTS, env="prod")
    address(one, "+14155550101", **{"AutoCreation.Enabled": "false"})
    assert added_lines(one, **QUIET) == [
        '+  "+14155550101":',
        "+    auto_creation:",
        "+      enabled: false",
        "+      type: default",
    ]
    assert '"+14155550101"' in one.files()["prod.yaml"]


@pytest.mark.parametrize(
    ("at", "file", "lines"),
    [
        ("base", "reconciler.yaml", [
            "+      Night:",
            "+        type: service",
            "+        permissions: [addParticipant]",
        ]),
        ("overlay", "prod.yaml", [
            "+services:",
            "+  desk:",
            "+    roles:",
            "+      Night:",
            "+        type: service",
            "+        permissions: [addParticipant]",
        ]),
    ],
)  # fmt: skip
def test_what_other_environments_would_get_requires_a_choice(
    tmp_path: Path, at: str, file: str, lines: list[str]
) -> None:
    one = desk(tmp_path, ENVIRONMENTS, env="prod")
    night(one)
    address(one, "+14155550101", **{"AutoCreation.Enabled": "false"})
    before = one.files()
    found = one.add(**QUIET)
    # The rest is written.
    assert [(item.address, item.reason, item.hint) for item in found.acceptance.refused] == [
        (
            "services.desk.roles.Night",
            "other environments would get it, too: staging",
            "use --at overlay to add it for prod only, or --at base to add it for all",
        )
    ]
    assert len(changed_lines(before, one.files())) == 4
    start = one.files()
    assert added_lines(one, at=at, **QUIET) == lines
    assert {path for path, text in one.files().items() if text != start[path]} == {file}


def test_an_environment_has_to_be_selected(tmp_path: Path) -> None:
    one = desk(tmp_path, ENVIRONMENTS, env="prod")
    with pytest.raises(UsageError, match="Use --env NAME to add to the one of this account"):
        one.add(inputs={"environment": ""})


def test_what_is_ignored_is_added_only_by_name(tmp_path: Path) -> None:
    text = MINE["parts/desk.yaml"]
    one = desk(
        tmp_path,
        MINE | {"parts/desk.yaml": f"{text}unmanaged: {{ignore: [services.*.roles.*, services.*.webhooks.*]}}\n"},
    )
    night(one)
    one.account.post(f"{service(one)}/Configuration/Webhooks", {"PreWebhookUrl": "https://h.example.com/"})
    assert added_lines(one, **QUIET) == []
    assert added_lines(one, inputs={"targets": ("services.desk.roles.Night",)}) == [
        "+          Night:",
        "+              type: service",
        "+              permissions: [addParticipant]",
    ]


def test_handles_of_resources_that_are_not_live_stay_free(tmp_path: Path) -> None:
    one = desk(tmp_path, MINE)
    night(one)
    text = one.files()["parts/desk.yaml"]
    more = "          Night: {friendly_name: Other night, type: service, permissions: [addParticipant]}\n"
    (tmp_path / "parts" / "desk.yaml").write_text(text.replace("\n\n", f"\n{more}\n"))
    found = one.add(**QUIET)
    assert [str(item.address) for item in found.acceptance.accepted] == ["services.desk.roles.Night-2"]


def test_what_was_removed_from_the_configuration_is_not_added_again(tmp_path: Path) -> None:
    one = desk(tmp_path / "now", MINE)
    night(one)
    agent = "          agent: {type: service, permissions: [addParticipant]}\n"
    files = one.files()
    for path, text in files.items():
        (tmp_path / "then" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "then" / path).write_text(text)
    (tmp_path / "now" / "parts" / "desk.yaml").write_text(files["parts/desk.yaml"].replace(agent, ""))
    found = one.add(inputs={**QUIET["inputs"], "baseline": str(tmp_path / "then")})
    assert [str(item.address) for item in found.acceptance.accepted] == ["services.desk.roles.Night"]
    again = one.add(inputs={**QUIET["inputs"], "baseline": "none"})
    assert [str(item.address) for item in again.acceptance.accepted] == ["services.desk.roles.agent"]


def test_keys_that_end_at_one_line_are_added_from_the_inside_out(tmp_path: Path) -> None:
    text = (
        "version: 1\nservices:\n desk:\n  friendly_name: Desk\n  webhooks:\n   filters:\n   - onMessageAdded\n"
        "  roles:\n   agent:\n    type: service\n    permissions:\n    - addParticipant"
    )
    one = desk(tmp_path, text)
    night(one)
    one.account.post("/v1/Services", {"FriendlyName": "Another"})
    one.account.post(f"{service(one)}/Configuration", {"ReachabilityEnabled": "true"})
    found = one.add(inputs={"targets": ("services.desk", "services.Another")})
    assert not found.acceptance.refused
    assert one.files()["reconciler.yaml"] == text + (
        "\n   Night:\n    type: service\n    permissions: [addParticipant]\n"
        "  configuration:\n   reachability_enabled: true\n"
        " Another:\n  configuration:\n   default_conversation_creator_role: channel admin\n"
        "   default_conversation_role: channel user\n   default_chat_service_role: service user"
    )


# --- files of services -----------------------------------------------------------------------------------------------

SALES, SUPPORT = "services:\n  sales: {}\n", "services:\n  support: {}\n"
ROLES = "services:\n  sales:\n    roles: {r: {type: service, permissions: [joinConversation]}}\n"


@pytest.mark.parametrize(
    ("include", "others", "place"),
    [
        (
            "services/*.yaml",
            {"services/sales.yaml": SALES, "services/support.yaml": SUPPORT},
            "services/billing-1.yaml",
        ),
        ("*/*.yaml", {"a/sales.main.yaml": SALES}, "a/billing-1.main.yaml"),
        ("services/*/service.yaml", {"services/sales/service.yaml": SALES}, "services/billing-1/service.yaml"),
        (
            "services/*/*.yaml",
            {
                "services/sales/roles.yaml": ROLES,
                "services/sales/service.yaml": SALES,
                "services/support/service.yaml": SUPPORT,
            },
            "services/billing-1/service.yaml",
        ),
        ("**/*.yaml", {"x/sales/sales.yaml": SALES}, "x/billing-1/billing-1.yaml"),
        # Not named like its service, but each has one.
        ("parts/*.yaml", {"parts/a.yaml": SALES, "parts/b.yaml": SUPPORT}, "parts/billing-1.yaml"),
        # No pattern would include a new file.
        ("sales.yaml", {"sales.yaml": SALES}, "reconciler.yaml"),
        ("[st]*.yaml", {"sales.yaml": SALES, "support.yaml": SUPPORT}, "reconciler.yaml"),
        # Some share a file.
        ("*s.yaml", {"rests.yaml": "services:\n  a: {}\n  b: {}\n", "as.yaml": SALES}, "rests.yaml"),
        ("parts/*.yaml", {"parts/all.yaml": SALES}, "parts/all.yaml"),
    ],
)
def test_a_new_service_never_goes_to_the_file_of_another_one(
    tmp_path: Path, include: str, others: dict[str, str], place: str
) -> None:
    one = desk(tmp_path, {"reconciler.yaml": f"version: 1\ninclude: ['{include}']\n", **others})
    one.account.post("/v1/Services", {"FriendlyName": "billing 1"})
    before = one.files()
    found = one.add(inputs={"targets": ('services["billing 1"]',)})
    assert [str(item.address) for item in found.acceptance.accepted] == ["services.billing-1"]
    after = one.files()
    assert [path for path, text in after.items() if before.get(path) != text] == [place]
    assert one.changes() == []


def test_two_new_services_get_a_file_each(tmp_path: Path) -> None:
    one = desk(
        tmp_path,
        {
            "reconciler.yaml": "version: 1\ninclude: ['services/*/service.yaml']\n",
            "services/sales/service.yaml": SALES,
        },
    )
    for name in ("x/y", "x:y"):
        one.account.post("/v1/Services", {"FriendlyName": name})
    found = one.add(inputs={"targets": ('services["x/y"]', 'services["x:y"]')})
    assert len(found.acceptance.accepted) == 2
    assert sorted(one.files()) == [
        "reconciler.yaml",
        "services/sales/service.yaml",
        "services/x-y-2/service.yaml",
        "services/x-y/service.yaml",
    ]
