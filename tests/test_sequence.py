"""What goes before what, seen in the requests of whole applies."""

from __future__ import annotations

from tests.world import World, read

CUSTOMER, DESK = "+14155550199", "+14155550100"


def test_a_pair_in_a_conversation_that_goes_is_free_before_another_takes_it() -> None:
    account = World()
    service = account.post("/v1/Services", {"FriendlyName": "club"})["sid"]
    old = account.post(f"/v1/Services/{service}/Conversations", {"UniqueName": "old"})["sid"]
    pair = {"MessagingBinding.Address": CUSTOMER, "MessagingBinding.ProxyAddress": DESK}
    account.post(f"/v1/Services/{service}/Conversations/{old}/Participants", pair)
    files = read(
        "version: 1\nservices:\n  club:\n    conversations:\n      old: {absent: true}\n"
        f'      new: {{participants: {{caller: {{address: "{CUSTOMER}", proxy_address: "{DESK}"}}}}}}\n'
    )
    account.forget_requests()
    account.converge(files, approved=["services.club.conversations.old"])
    writes = account.writes
    delete = writes.index(f"DELETE /v1/Services/{service}/Conversations/{old}")
    assert delete < next(index for index, write in enumerate(writes) if write.endswith("/Participants"))


def test_who_gets_a_default_role_waits_for_the_default_to_be_set() -> None:
    account = World()
    service = account.post("/v1/Services", {"FriendlyName": "club"})["sid"]
    files = read(
        "version: 1\nservices:\n  club:\n"
        "    roles: {member: {type: service, permissions: [joinConversation]}}\n"
        "    configuration: {default_chat_service_role: member}\n"
        "    users: {ada: {}}\n"
    )
    account.converge(files)
    (user,) = account.get(f"/v1/Services/{service}/Users")["users"]
    assert user["role_sid"] == account.role("club", "member")
