"""SIDs that lead nowhere, and a second proxy for one person."""

from __future__ import annotations

from reconciler.export import export
from reconciler.state import Collection
from tests.builders import live, sid, state
from tests.scenario import HEAD, club
from tests.world import World, read

NUMBER = "+14155550100"


def found(account: World, text: str) -> list[tuple[str, str]]:
    made = account.plan(read(text))
    return [(problem.code, problem.message) for problem in made.warnings if problem.severity == "warning"]


def test_sids_that_the_account_lacks_are_reported() -> None:
    account, _ = club()
    role, service = sid("RL"), sid("IS")
    text = HEAD + (
        f"    configuration: {{default_chat_service_role: {role}}}\n    users: {{ada: {{role: {role}}}}}\n"
        f"addresses: {{'{NUMBER}': {{auto_creation: {{enabled: true, type: default, service: {service}}}}}}}\n"
        f"account: {{configuration: {{default_service: {service}}}}}\n"
    )
    assert found(account, text) == [
        (
            "unknown-sid",
            f"default_service of account.configuration is {service}, but there is no such service in the account",
        ),
        (
            "unknown-sid",
            f'auto_creation.service of addresses["{NUMBER}"] is {service}, but there is no such service in the account',
        ),
        (
            "unknown-sid",
            f"default_chat_service_role of services.club.configuration is {role}, but there is no such role in club",
        ),
        ("unknown-sid", f"role of services.club.users.ada is {role}, but there is no such role in club"),
    ]


def test_sids_that_the_account_has_are_not_reported() -> None:
    account, service = club()
    role = account.role("Members' club", "service admin")
    text = HEAD + (
        f"    configuration: {{default_chat_service_role: {role}}}\n    users: {{ada: {{role: {role}}}}}\n"
        f"addresses: {{'{NUMBER}': {{auto_creation: {{enabled: true, type: default, service: {service[-34:]}}}}}}}\n"
    )
    assert found(account, text) == []
    account.converge(read(text))


def test_a_role_of_another_service_is_reported() -> None:
    account, _ = club()
    account.post("/v1/Services", {"FriendlyName": "Other"})
    role = account.role("Other", "service admin")
    text = HEAD + f"    users: {{ada: {{role: {role}}}}}\n"
    message = f"role of services.club.users.ada is {role}, but there is no such role in club"
    assert found(account, text) == [("unknown-sid", message)]


def test_a_live_address_of_a_deleted_service_is_reported() -> None:
    account, _ = club()
    old = account.post("/v1/Services", {"FriendlyName": "Old"})["sid"]
    form = {
        "Type": "sms",
        "Address": NUMBER,
        "AutoCreation.Type": "default",
        "AutoCreation.ConversationServiceSid": old,
    }
    account.post("/v1/Configuration/Addresses", form)
    account.delete(f"/v1/Services/{old}")
    text = HEAD + f"addresses: {{'{NUMBER}': {{friendly_name: Main}}}}\n"
    message = f"the address {NUMBER} starts conversations in {old}, a service that does not exist"
    assert found(account, text) == [("dead-service", message)]
    assert found(account, text.replace("friendly_name: Main", "auto_creation: {service: club}")) == []


def test_an_export_reports_a_live_address_of_a_deleted_service() -> None:
    line = live("address_configuration", 1, {"address": NUMBER, "type": "sms", "auto_creation.service": sid("IS", 9)})
    kept = live("service", 1, {"friendly_name": "Desk"})
    written = export(state(line, kept, complete=[Collection("service"), Collection("address_configuration")]))
    message = f"the address {NUMBER} starts conversations in {sid('IS', 9)}, a service that does not exist"
    assert written.warnings == (message,)


def test_a_second_proxy_of_somebody_who_takes_part_is_reported() -> None:
    account, service = club()
    account.post(f"{service}/Conversations", {"UniqueName": "desk"})
    form = {"MessagingBinding.Address": "+14155550199", "MessagingBinding.ProxyAddress": NUMBER}
    there = account.post(f"{service}/Conversations/desk/Participants", form)["sid"]
    text = HEAD + (
        "    conversations: {desk: {participants: {ada: {address: '+14155550199', proxy_address: '+14155550101'}}}}\n"
    )
    message = (
        "services.club.conversations.desk.participants.ada adds a second proxy address for an existing participant "
        f"({there})"
    )
    assert found(account, text) == [("second-proxy", message)]


def test_two_declared_proxies_of_one_person_are_reported_offline() -> None:
    files = read(
        HEAD
        + "    conversations: {desk: {participants: {a: {address: '+14155550199', proxy_address: '+14155550101'},\n"
        "      b: {address: '+14155550199', proxy_address: '+14155550102'}}}}\n"
    )
    assert [problem.code for problem in files.warnings] == ["second-proxy"]
