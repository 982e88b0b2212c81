"""Conversations: names, states, timers, limits, the order of their list."""

from __future__ import annotations

import json

import pytest

from tests.emulator.witness import ACCOUNT, STAMP, TWILIO, Api, api, sid

CONVERSATIONS = "/v1/Conversations"


def links_of(url: str) -> dict[str, str]:
    return {name.lower(): f"{url}/{name}" for name in ("Participants", "Messages", "Webhooks", "Export")}


def test_a_conversation_in_both_forms() -> None:
    twilio = Api()
    service = twilio.default_service()
    messaging = twilio.get("/v1/Configuration")["default_messaging_service_sid"]
    made = twilio.create(CONVERSATIONS, FriendlyName="Repair", UniqueName="repair", Attributes='{ "a": 1 }')
    url = f"{TWILIO}{CONVERSATIONS}/{made['sid']}"
    assert made == {
        "account_sid": ACCOUNT,
        "chat_service_sid": service,
        "messaging_service_sid": messaging,
        "sid": made["sid"],
        "friendly_name": "Repair",
        "unique_name": "repair",
        "attributes": '{ "a": 1 }',
        "state": "active",
        "date_created": STAMP,
        "date_updated": STAMP,
        "timers": {},
        "url": url,
        "links": links_of(url),
        "bindings": {},
    }
    assert twilio.get(f"{CONVERSATIONS}/repair") == made
    long = f"{TWILIO}/v1/Services/{service}/Conversations/{made['sid']}"
    in_service_form = {**made, "url": long, "links": links_of(long)}
    assert twilio.get(f"/v1/Services/{service}/Conversations/repair") == in_service_form
    twilio.pass_time(seconds=1)
    after = twilio.update(f"{CONVERSATIONS}/repair", UniqueName="", Attributes="{}", FriendlyName="")
    # The friendly name cannot be emptied, the unique name can.
    assert after == {**made, "unique_name": None, "attributes": "{}", "date_updated": "2026-01-02T03:04:06Z"}
    assert twilio.refusal("GET", f"{CONVERSATIONS}/repair") == (404, 20404)
    twilio.delete(f"{CONVERSATIONS}/{made['sid']}")
    assert twilio.listed(CONVERSATIONS) == []


def test_a_unique_name_in_the_paths_of_parts() -> None:
    taking, refusing = api(conversation_in_paths="sid or unique name"), api(conversation_in_paths="sid only")
    for twilio in (taking, refusing):
        twilio.create(CONVERSATIONS, UniqueName="desk")
        assert twilio.get(f"{CONVERSATIONS}/desk")["unique_name"] == "desk"
    assert taking.listed(f"{CONVERSATIONS}/desk/Participants") == []
    assert refusing.refusal("GET", f"{CONVERSATIONS}/desk/Participants") == (404, 20404)


def test_dates_are_writable() -> None:
    twilio = Api()
    sent = {"DateCreated": "2015-12-16T22:18:37Z", "DateUpdated": "2015-12-17T00:18:38+02:00"}
    made = twilio.create(CONVERSATIONS, **sent)
    assert (made["date_created"], made["date_updated"]) == ("2015-12-16T22:18:37Z", "2015-12-16T22:18:38Z")


def test_email_bindings_come_back_projected() -> None:
    twilio = Api()
    sent = {"Bindings.Email.Address": "desk@example.com", "Bindings.Email.Name": "Desk"}
    made = twilio.create(CONVERSATIONS, **sent)
    email = made["bindings"]["email"]
    assert set(email) == {"name", "projected_address"}
    assert email["name"] == "Desk"
    local, _, domain = email["projected_address"].partition("@")
    assert (local.startswith("desk+"), domain) == (True, "example.com")
    path = f"{CONVERSATIONS}/{made['sid']}"
    assert twilio.update(path, Bindings_Email_Name="Front")["bindings"]["email"] == {**email, "name": "Front"}
    # The same address again is projected as before.
    again = twilio.update(path, Bindings_Email_Address="desk@example.com")["bindings"]["email"]
    assert again["projected_address"] == email["projected_address"]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"FriendlyName": "x" * 257}, 50003),
        ({"UniqueName": "x" * 257}, 50004),
        ({"UniqueName": sid("CH")}, 50306),
        ({"Attributes": "{"}, 50304),
        ({"Attributes": json.dumps("x" * 16383)}, 50303),
        ({"MessagingServiceSid": "MG1"}, 50341),
        ({"State": ""}, 50374),
        ({"State": "open"}, 50378),
        ({"State": "initializing"}, 50386),
        ({"DateCreated": "yesterday"}, 50308),
        ({"DateUpdated": "2026-13-01T00:00:00Z"}, 50309),
        ({"State": "active", "Timers.Inactive": "PT59S"}, 50375),
        ({"State": "active", "Timers.Closed": "PT599S"}, 50376),
        ({"State": "active", "Timers.Inactive": "soon"}, 50379),
        ({"State": "active", "Timers.Closed": "P1H"}, 50380),
        ({"Bindings.Email.Address": "desk"}, 20001),
        ({"Bindings.Email.Name": "Desk"}, 20001),
    ],
)
def test_a_wrong_conversation_is_refused(form: dict[str, str], code: int) -> None:
    twilio = Api()
    path = f"{CONVERSATIONS}/{twilio.create(CONVERSATIONS, FriendlyName='x')['sid']}"
    before = twilio.app.snapshot()
    assert twilio.refusal("POST", CONVERSATIONS, **form) == (400, code)
    assert twilio.refusal("POST", path, **form) == (400, code)
    assert twilio.app.snapshot() == before


def test_what_only_creating_refuses() -> None:
    twilio = Api()
    assert twilio.refusal("POST", CONVERSATIONS, State="closed") == (400, 50384)
    assert twilio.refusal("POST", CONVERSATIONS, Timers_Inactive="PT1M") == (400, 50382)
    assert twilio.listed(CONVERSATIONS) == []


def test_a_unique_name_is_unique_in_its_service() -> None:
    twilio = Api()
    other = twilio.create("/v1/Services", FriendlyName="other")["sid"]
    twilio.create(CONVERSATIONS, UniqueName="desk")
    second = twilio.create(CONVERSATIONS, UniqueName="bureau")["sid"]
    response = twilio.send("POST", CONVERSATIONS, {"UniqueName": "desk"})
    assert response.json() == {
        "code": 50353,
        "message": "Conversation with provided unique name already exists",
        "more_info": "https://www.twilio.com/docs/errors/50353",
        "status": 409,
    }
    assert twilio.refusal("POST", f"{CONVERSATIONS}/{second}", UniqueName="desk") == (409, 50353)
    assert twilio.update(f"{CONVERSATIONS}/{second}", UniqueName="bureau")["unique_name"] == "bureau"
    twilio.create(f"/v1/Services/{other}/Conversations", UniqueName="desk")
    twilio.delete(f"{CONVERSATIONS}/desk")
    assert twilio.update(f"{CONVERSATIONS}/{second}", UniqueName="desk")["unique_name"] == "desk"


def test_closed_is_final() -> None:
    twilio = Api()
    path = f"{CONVERSATIONS}/{twilio.create(CONVERSATIONS, State='inactive')['sid']}"
    assert twilio.update(path, State="Active")["state"] == "active"
    closed = twilio.update(path, State="closed")
    assert closed["state"] == "closed"
    assert twilio.refusal("POST", path, State="active") == (400, 50377)
    assert twilio.refusal("POST", path, FriendlyName="x") == (400, 50377)
    assert twilio.refusal("POST", f"{path}/Participants", Identity="ada") == (400, 50377)
    assert twilio.refusal("POST", f"{path}/Messages", Body="x") == (400, 50377)
    assert twilio.get(path) == closed
    twilio.delete(path)


def test_timers_run_out() -> None:
    twilio = Api()
    made = twilio.create(CONVERSATIONS, State="active", Timers_Inactive="PT1M", Timers_Closed="PT10M")
    path = f"{CONVERSATIONS}/{made['sid']}"
    assert made["timers"] == {"date_inactive": "2026-01-02T03:05:05Z", "date_closed": "2026-01-02T03:14:05Z"}
    twilio.pass_time(seconds=59)
    assert twilio.get(path) == made
    twilio.pass_time(seconds=1)
    inactive = twilio.get(path)
    assert inactive == {**made, "state": "inactive", "date_updated": "2026-01-02T03:05:05Z"}
    twilio.pass_time(minutes=8, seconds=59)
    assert twilio.get(path) == inactive
    twilio.pass_time(seconds=1)
    assert twilio.get(path) == {**made, "state": "closed", "timers": {}, "date_updated": "2026-01-02T03:14:05Z"}


def test_timers_that_ran_out_unobserved_did_so_at_their_time() -> None:
    twilio = Api()
    made = twilio.create(CONVERSATIONS, State="active", Timers_Inactive="PT1M", Timers_Closed="PT10M")
    twilio.pass_time(days=1)
    (listed,) = twilio.listed(CONVERSATIONS)
    assert listed == {**made, "state": "closed", "timers": {}, "date_updated": "2026-01-02T03:14:05Z"}


def test_a_message_wakes_a_conversation_and_winds_its_timers() -> None:
    twilio = Api()
    path = f"{CONVERSATIONS}/{twilio.create(CONVERSATIONS, State='active', Timers_Inactive='PT1M')['sid']}"
    twilio.pass_time(minutes=2)
    assert twilio.get(path)["state"] == "inactive"
    twilio.create(f"{path}/Messages", Body="x")
    after = twilio.get(path)
    assert (after["state"], after["timers"]) == ("active", {"date_inactive": "2026-01-02T03:07:05Z"})


def test_other_updates_leave_timers_running() -> None:
    twilio = Api()
    made = twilio.create(CONVERSATIONS, State="active", Timers_Inactive="PT1M")
    path = f"{CONVERSATIONS}/{made['sid']}"
    twilio.pass_time(seconds=30)
    assert twilio.update(path, FriendlyName="x")["timers"] == made["timers"]
    assert twilio.update(path, Timers_Closed="PT10M")["timers"] == {
        "date_inactive": "2026-01-02T03:05:35Z",
        "date_closed": "2026-01-02T03:14:35Z",
    }


def test_the_accounts_timers_are_those_of_conversations_without_their_own() -> None:
    twilio = Api()
    before = twilio.create(CONVERSATIONS)
    twilio.update("/v1/Configuration", DefaultInactiveTimer="PT5M", DefaultClosedTimer="P1W")
    assert twilio.get(f"{CONVERSATIONS}/{before['sid']}")["timers"] == {}
    assert twilio.create(CONVERSATIONS)["timers"] == {
        "date_inactive": "2026-01-02T03:09:05Z",
        "date_closed": "2026-01-09T03:04:05Z",
    }
    own = twilio.create(CONVERSATIONS, State="active", Timers_Inactive="PT1M")
    assert own["timers"]["date_inactive"] == "2026-01-02T03:05:05Z"


def test_a_timer_longer_than_time_never_runs_out() -> None:
    twilio = Api()
    assert twilio.create(CONVERSATIONS, State="active", Timers_Closed="P99999Y")["timers"] == {}


def test_an_empty_timer() -> None:
    for reading in ("clears", "ignored", "refused"):
        twilio = api(empty_conversation_timer=reading)
        made = twilio.create(CONVERSATIONS, State="active", Timers_Inactive="PT1M")
        path = f"{CONVERSATIONS}/{made['sid']}"
        if reading == "refused":
            assert twilio.refusal("POST", path, Timers_Inactive="") == (400, 50379)
        else:
            assert twilio.update(path, Timers_Inactive="")["timers"] == ({} if reading == "clears" else made["timers"])


def test_a_timer_of_no_time() -> None:
    refusing, clearing = api(zero_timer="refused"), api(zero_timer="clears")
    for twilio in (refusing, clearing):
        twilio.create(CONVERSATIONS, State="active", Timers_Inactive="PT1M", UniqueName="desk")
    assert refusing.refusal("POST", f"{CONVERSATIONS}/desk", Timers_Inactive="PT0S") == (400, 50375)
    assert clearing.update(f"{CONVERSATIONS}/desk", Timers_Inactive="PT0S")["timers"] == {}


def test_an_empty_messaging_service_resets_to_the_accounts() -> None:
    for reading in ("clears", "ignored", "refused"):
        twilio = api(empty_messaging_service=reading)
        usual = twilio.get("/v1/Configuration")["default_messaging_service_sid"]
        path = f"{CONVERSATIONS}/{twilio.create(CONVERSATIONS, MessagingServiceSid=sid('MG'))['sid']}"
        if reading == "refused":
            assert twilio.refusal("POST", path, MessagingServiceSid="") == (400, 50341)
        else:
            after = twilio.update(path, MessagingServiceSid="")["messaging_service_sid"]
            assert after == (usual if reading == "clears" else sid("MG"))


@pytest.mark.parametrize(("reading", "after"), [("null", None), ("empty", "")])
def test_how_a_cleared_unique_name_comes_back(reading: str, after: str | None) -> None:
    twilio = api(cleared_text=reading)
    path = f"{CONVERSATIONS}/{twilio.create(CONVERSATIONS, UniqueName='desk')['sid']}"
    assert twilio.update(path, UniqueName="")["unique_name"] == after
    twilio.create(CONVERSATIONS, UniqueName="desk")


def test_the_list_is_by_recent_activity_and_can_be_filtered() -> None:
    twilio = Api()
    for name in "abc":
        twilio.create(CONVERSATIONS, UniqueName=name)
        twilio.pass_time(days=1)
    twilio.create(f"{CONVERSATIONS}/a/Messages", Body="x")
    twilio.create(CONVERSATIONS, UniqueName="d", State="inactive")
    twilio.create(f"{CONVERSATIONS}/b/Messages", Body="x")

    def names(query: str) -> list[str]:
        return [item["unique_name"] for item in twilio.listed(f"{CONVERSATIONS}?{query}")]

    assert names("") == ["b", "d", "a", "c"]
    assert names("PageSize=1") == ["b", "d", "a", "c"]
    assert names("State=ACTIVE&PageSize=2") == ["b", "a", "c"]
    assert names("StartDate=2026-01-03T00:00:00Z&PageSize=1") == ["d", "c", "b"]
    assert names("EndDate=2026-01-03") == ["b", "a"]
    assert names("StartDate=2026-01-03&EndDate=2026-01-04&State=active") == ["c", "b"]
    path = f"{CONVERSATIONS}?StartDate=2026-01-04&EndDate=2026-01-03"
    assert twilio.refusal("GET", path) == (400, 50396)
    for wrong in ("StartDate=today", "EndDate=2026-02-30"):
        assert twilio.refusal("GET", f"{CONVERSATIONS}?{wrong}") == (400, 20001)
    assert len(names("EndDate=9999-12-31")) == 4
