"""An account as files: one whole account looked at by eye, and each decision by itself."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.address import Address
from reconciler.export import MARK, export
from reconciler.export.existing import collect_existing
from reconciler.export.handles import handles, is_handle
from reconciler.kinds import BY_NAME
from reconciler.kinds.fields import Content
from reconciler.state import Live
from tests.builders import live, sid, state
from tests.properties.test_export import exported
from tests.world import NOON, World, read

GOLDEN = Path(__file__).parents[1] / "golden" / "export"


def lines(*given: Any, **options: Any) -> list[str]:
    """The lines of an export of a state, stripped, without the first."""
    made = export(state(*given, **options))
    return [line.strip() for line in made.files["reconciler.yaml"].splitlines()[1:]]


def service(number: int = 1, name: str = "Desk", **options: Any) -> Any:
    return live("service", number, {"friendly_name": name}, **options)


# --- the whole -------------------------------------------------------------------------------------------------------


def desk() -> World:
    """An account with something of everything."""
    world = World()
    base = f"/v1/Services/{world.post('/v1/Services', {'FriendlyName': 'Customer Support'})['sid']}"
    world.now = NOON + timedelta(hours=1)
    role = {"FriendlyName": "Senior Agent", "Type": "conversation", "Permission": ["sendMessage", "leaveConversation"]}
    agent = world.post(f"{base}/Roles", role)["sid"]
    own = {role["friendly_name"]: role["sid"] for role in world.get(f"{base}/Roles")["roles"]}
    world.post(f"{base}/Roles/{own['channel user']}", {"Permission": ["sendMessage", "editOwnMessage"]})
    world.post(f"{base}/Configuration", {"DefaultConversationRoleSid": agent, "ReachabilityEnabled": "true"})
    template = {"NewMessage.Enabled": "true", "NewMessage.Template": "${PARTICIPANT}: ${MESSAGE}"}
    world.post(f"{base}/Configuration/Notifications", template)
    hooks = {"Method": "POST", "Filters": ["onMessageAdded"], "PostWebhookUrl": "https://hooks.example.com/post?a=1"}
    world.post(f"{base}/Configuration/Webhooks", hooks)
    world.post("/v1/Configuration/Webhooks", {"PreWebhookUrl": "https://me:pass@hooks.example.com/", "Target": "flex"})
    world.post(f"{base}/Users", {"Identity": "ada@example.com", "FriendlyName": "Ada", "Attributes": '{"team": "1"}'})
    talk = world.post(f"{base}/Conversations", {"UniqueName": "lobby", "FriendlyName": "NO", "State": "inactive"})[
        "sid"
    ]
    world.post(f"{base}/Conversations/{talk}/Participants", {"Identity": "ada@example.com"})
    pair = {"MessagingBinding.Address": "+14155550199", "MessagingBinding.ProxyAddress": "+14155550100"}
    world.post(f"{base}/Conversations/{talk}/Participants", pair)
    flow = {"Target": "studio", "Configuration.FlowSid": "FW" + "1" * 32}
    world.post(f"{base}/Conversations/{talk}/Webhooks", flow)
    world.post(f"{base}/Conversations", {"FriendlyName": "Walk-in: ${evn:X}"})
    closed = world.post(f"{base}/Conversations", {"UniqueName": "old"})["sid"]
    world.post(f"{base}/Conversations/{closed}", {"State": "closed"})
    for name in ("Twins", "Twins"):
        world.post("/v1/Services", {"FriendlyName": name})
    address = {
        "Address": "+14155550100",
        "Type": "sms",
        "AutoCreation.Type": "default",
        "AutoCreation.Enabled": "false",
    }
    world.post(
        "/v1/Configuration/Addresses", address | {"AutoCreation.ConversationServiceSid": base.rpartition("/")[2]}
    )
    world.post("/v1/Credentials", {"Type": "apn", "FriendlyName": "iOS push", "Certificate": "c", "PrivateKey": "k"})
    return world


def test_a_whole_account(request: pytest.FixtureRequest) -> None:
    # `pytest --update-golden` writes it anew, for a person to read.
    made = exported(desk(), in_one_file=False)
    if request.config.getoption("--update-golden"):
        for path, text in made.files.items():
            (GOLDEN / path).parent.mkdir(parents=True, exist_ok=True)
            (GOLDEN / path).write_text(text, encoding="utf-8")
    kept = {
        file.relative_to(GOLDEN).as_posix(): file.read_text(encoding="utf-8") for file in sorted(GOLDEN.rglob("*.yaml"))
    }
    assert dict(made.files) == kept
    assert made.secrets == (
        "ACCOUNT_WEBHOOKS_PRE_WEBHOOK_URL_PASSWORD",
        "ACCOUNT_WEBHOOKS_PRE_WEBHOOK_URL_USER",
        "CREDENTIALS_IOS_PUSH_CERTIFICATE",
        "CREDENTIALS_IOS_PUSH_PRIVATE_KEY",
    )
    assert made.left_out == 0
    assert [str(address) for address in made.pinned] == [
        "services.Twins",
        "services.Twins-2",
        "services.customer-support.conversations.walk-in-evn-x",
    ]
    assert made.warnings == ()


def test_the_whole_account_plans_as_empty_from_files_and_from_one_file() -> None:
    account = desk()
    account.forget_requests()
    for in_one_file in (True, False):
        made = exported(account, in_one_file=in_one_file)
        secrets = ("ACCOUNT_WEBHOOKS_PRE_WEBHOOK_URL_PASSWORD", "ACCOUNT_WEBHOOKS_PRE_WEBHOOK_URL_USER")
        assert made.secrets[:2] == secrets
        env = dict(zip(secrets, ("pass", "me"), strict=True))
        assert account.plan(read(dict(made.files), env)).changes == ()
    assert account.writes == []


def test_what_is_long_is_not_read_unless_it_is_asked_for() -> None:
    import asyncio

    from reconciler.api.client import ReadClient
    from reconciler.api.transport import in_process
    from reconciler.export.account import read_account
    from reconciler.report import Silent
    from tests.world import _ANYONE

    account = desk()

    async def run(*include: str) -> set[str]:
        async with ReadClient("https://a.example.com", _ANYONE, transport=in_process(account.emulator)) as client:
            return {item.kind.name for item in await read_account(client, Silent(), include)}

    long = {"user", "conversation", "participant", "conversation_webhook"}
    assert not asyncio.run(run()) & long
    assert asyncio.run(run("users")) & long == {"user"}
    assert asyncio.run(run("conversations")) & long == long - {"user"}


# --- what is left out -------------------------------------------------------------------------------------------------


def role(number: int, name: str, permissions: tuple[str, ...] = ("sendMessage",), **options: Any) -> Any:
    contents: dict[str, Content] = {"friendly_name": name, "type": "conversation", "permissions": permissions}
    return live("role", number, contents, parents=options.pop("parents", (sid("IS"),)), **options)


def test_twilios_own_roles_that_never_changed_are_left_out_and_referred_to_by_name() -> None:
    configuration = live(
        "service_configuration", contents={"default_conversation_role": sid("RL")}, parents=(sid("IS"),)
    )
    found = lines(service(), role(1, "channel user", created="a", updated="a"), configuration)
    assert "default_conversation_role: channel user" in found
    assert "roles:" not in found


@pytest.mark.parametrize(
    "roles",
    [
        pytest.param([role(1, "channel user", created="a", updated="b")], id="changed since"),
        pytest.param(
            [
                role(1, "channel user", created="a", updated="a"),
                role(2, "channel user", ("editOwnMessage",), created="a", updated="a", parents=(sid("IS", 2),)),
            ],
            id="another one may do something else",
        ),
        pytest.param([role(1, "guest", created="a", updated="a")], id="only Flex makes it"),
        pytest.param([role(1, "Channel User", created="a", updated="a")], id="by another name"),
    ],
)
def test_other_roles_are_written(roles: list[Any]) -> None:
    assert "permissions: [sendMessage]" in lines(service(), service(2, "Other"), *roles)


def test_webhooks_that_say_nothing_are_left_out() -> None:
    above = (sid("IS"),)
    assert "webhooks:" not in lines(service(), live("service_webhook", contents={"method": "POST"}, parents=above))
    assert "webhooks:" in lines(service(), live("service_webhook", contents={"method": "GET"}, parents=above))
    assert "webhooks:" not in lines(live("account_webhook", contents={"method": "POST", "target": "webhook"}))
    assert "webhooks:" in lines(live("account_webhook", contents={"target": "flex"}))


@pytest.mark.parametrize(
    ("kind", "contents", "told"),
    [
        ("account_webhook", {"post_webhook_url": "ftp://x\n- evil: 1"}, r"(live: ftp://x\n- evil: 1)"),
        ("account_webhook", {"method": "PUT"}, "method is left out: method cannot be"),
        ("account_webhook", {"pre_webhook_url": "me:pass@x.example.com"}, "pre_webhook_url is left out: it contains a"),
        ("account_configuration", {"default_closed_timer": "PT1S"}, "default_closed_timer is left out"),
        ("account_configuration", {"default_messaging_service_sid": "no SID"}, "(live: no SID)"),
    ],
)
def test_what_files_cannot_hold_is_told_in_a_comment(kind: str, contents: dict[str, Content], told: str) -> None:
    found = lines(live(kind, contents=contents))
    assert told in " ".join(found).replace(" # ", " ")
    assert not any(line.startswith("- evil") for line in found)
    assert not any("pass@" in line for line in found)


def test_an_address_of_a_service_that_is_gone_keeps_its_sid() -> None:
    contents = {"address": "+14155550100", "type": "sms", "auto_creation.service": sid("IS", 9)}
    found = lines(live("address_configuration", contents=contents))
    assert found[found.index(f"service: {sid('IS', 9)}") - 1] == "# the SID of a service that is not in these files"
    assert '"+14155550100":' in found
    assert "type: sms" not in found  # the address's form tells it


# --- who is who -------------------------------------------------------------------------------------------------------


def test_two_of_one_name_are_pinned() -> None:
    found = lines(service(1, "Desk", created="b"), service(2, "Desk", created="a"))
    assert found.count("# pinned: 2 live resources have its name") == 2
    assert found.index(f"sid: {sid('IS', 2)}") < found.index("Desk-2:") < found.index(f"sid: {sid('IS', 1)}")


def test_roles_of_one_name_and_two_types_need_no_pin() -> None:
    other = live(
        "role", 2, {"friendly_name": "a", "type": "service", "permissions": ("joinConversation",)}, parents=(sid("IS"),)
    )
    found = lines(service(), role(1, "a"), other)
    assert not any(line.startswith("sid: RL") for line in found)
    assert "a-2:" in found


@pytest.mark.parametrize(
    ("kind", "name", "handle"),
    [
        ("service", "Desk", "Desk"),
        ("service", "Customer Support", "customer-support"),
        ("service", "Zürich «desk»", "zurich-desk"),
        ("service", "日本", "日本"),
        ("service", "24/7", "service-24-7"),
        ("service", "«»", "«»"),
        ("service", "\x07", "service"),
        ("service", "IS" + "0" * 32, "is" + "0" * 32),
        ("user", "ada@example.com", "ada@example.com"),
        ("user", "${env:HOME}", "env-home"),
        ("address_configuration", "whatsapp:+14155550100", "whatsapp:+14155550100"),
        ("role", "Channel User", "channel-user"),
        ("role", "service admin", "service admin"),
    ],
)
def test_handles_are_readable(kind: str, name: str, handle: str) -> None:
    path = {"user": "identity", "address_configuration": "address"}.get(kind, "friendly_name")
    one = live(kind, 1, {path: name})
    assert handles([one], {}) == {one.sid: handle}
    assert is_handle(handle)


def test_handles_are_kept_and_names_of_secrets_too() -> None:
    given = (service(1, "Desk"), live("credential", 1, {"friendly_name": "Push", "type": "fcm"}))
    former = read(
        "version: 1\n"
        "services: {front: {friendly_name: Desk}}\n"
        "credentials: {android: {friendly_name: Push, type: fcm, secret: '${secret:MINE}'}}",
        {"MINE": "x"},
    )
    made = export(state(*given), existing=collect_existing(former, state(*given)))
    assert set(made.config.resources) == {Address.of("services", "front"), Address.of("credentials", "android")}
    assert made.secrets == ("MINE",)


def test_a_handle_is_not_kept_that_would_stand_for_one_of_twilios_own_roles() -> None:
    former = read("version: 1\nservices: {Desk: {roles: {channel admin: {friendly_name: agent}}}}")
    account = state(service(), role(1, "agent"))
    made = export(account, existing=collect_existing(former, account))
    assert Address.of("services", "Desk", "roles", "agent") in made.config.resources


def test_webhooks_of_a_conversation_that_are_alike_are_pinned() -> None:
    parents = (sid("IS"), sid("CH"))
    talk = live("conversation", 1, {"unique_name": "x", "state": "active"}, parents=(sid("IS"),))
    hook = BY_NAME["conversation_webhook"]
    hooks = [
        Live(hook, sid("WH", number), parents, {"target": "studio", "flow_sid": "FW" + flow * 32})
        for number, flow in ((1, "1"), (2, "1"), (3, "2"))
    ]
    found = lines(service(), talk, *hooks)
    assert f"sid: {sid('WH', 1)}" in found
    assert f"sid: {sid('WH', 2)}" in found
    assert f"sid: {sid('WH', 3)}" not in found


def test_files_have_names_that_every_system_takes() -> None:
    names = ["Desk", "desk", "aux", "../../etc/passwd", "日本", "a" * 300]
    made = export(state(*(service(number, name) for number, name in enumerate(names, 1))), in_one_file=False)
    assert sorted(made.files) == sorted(
        ["reconciler.yaml", *(f"services/{name}.yaml" for name in (
            "desk", "desk-2", "aux-service", "etc-passwd", "service", "a" * 48
        ))]
    )  # fmt: skip
    assert all(text.startswith(MARK) for text in made.files.values())


def test_a_service_too_large_for_one_file_gets_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.export.files.MOST_IN_FILE", 100)
    users = [
        live("user", number, {"identity": f"user-{number}", "friendly_name": "x" * 40}, parents=(sid("IS"),))
        for number in range(1, 4)
    ]
    made = export(state(service(), *users), in_one_file=False)
    assert list(made.files) == [
        "reconciler.yaml", "services/desk.yaml", "services/desk.2.yaml", "services/desk.3.yaml"
    ]  # fmt: skip
    assert [text.count("user-") for text in made.files.values()] == [0, 1, 1, 1]
    assert sum(item.kind.name == "user" for item in made.config.resources.values()) == 3


# --- sealed ----------------------------------------------------------------------------------------------------------


def test_sealed_is_written_where_every_setting_is_read_and_none_is_left_out() -> None:
    world = World()
    world.post("/v1/Services", {"FriendlyName": "Desk"})
    assert exported(world).files["reconciler.yaml"].count("sealed: true") == 3
    world.forbidden[f"GET /v1/Services/{world.service('Desk')}/Configuration/Notifications"] = 403
    text = exported(world).files["reconciler.yaml"]
    [desk] = [part for part in text.split("\n  ") if part.startswith("Desk:")]
    assert "sealed" not in desk
    assert text.count("sealed: true") == 2


@pytest.mark.parametrize(("url", "sealed"), [("https://hooks.example.com/post", True), ("hooks.example.com", False)])
def test_a_service_with_a_setting_that_is_left_out_is_not_sealed(url: str, sealed: bool) -> None:  # noqa: FBT001
    above = (sid("IS"),)
    singletons = [
        live("service_configuration", parents=above),
        live("service_notification", parents=above),
        live("service_webhook", contents={"post_webhook_url": url}, parents=above),
    ]
    written = lines(service(), *singletons)
    assert ("sealed: true" in written, any("is left out" in line for line in written)) == (sealed, not sealed)
    assert "sealed: true" not in lines(service(), *singletons[:2])
