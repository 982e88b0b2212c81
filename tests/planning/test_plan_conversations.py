"""Scenarios of conversations and what is in them: files and an account in, changes and requests out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from reconciler.config.model import Unknown
from reconciler.emulator import Rules
from reconciler.errors import ConfigError, MatchError
from tests.scenario import HEAD, club, fields, only, problems, sent, told, writes
from tests.world import read, seen

FLOW = "FW" + "1" * 32
CUSTOMER, DESK = "+14155550199", "+14155550100"


# --- conversations: timers, states -----------------------------------------------------------------------------------

LOUNGE = HEAD + "    conversations: {lounge: {friendly_name: Lounge, timers: {inactive: PT1H, closed: P1D}}}\n"


def test_timers_of_a_new_conversation_come_with_a_state() -> None:
    account, service = club()
    account.converge(read(LOUNGE))
    assert sent(account) == [
        (
            f"POST {service}/Conversations",
            {
                "UniqueName": ["lounge"],
                "FriendlyName": ["Lounge"],
                "State": ["active"],
                "Timers.Inactive": ["PT1H"],
                "Timers.Closed": ["P1D"],
            },
        )
    ]


def test_a_declared_state_goes_before_the_derived_one() -> None:
    account, service = club()
    account.converge(read(LOUNGE.replace("timers:", "state: inactive, timers:")))
    assert writes(account)[0].form["State"] == ["inactive"]
    assert account.get(f"{service}/Conversations/lounge")["state"] == "inactive"


def test_timers_are_never_noise_and_said_to_be_unverified() -> None:
    account, _ = club()
    account.converge(read(LOUNGE))
    other = account.plan(read(LOUNGE.replace("PT1H", "PT2H")))
    assert other.changes == ()
    assert [(str(address), path) for address, path in other.unverified] == [
        ("services.club.conversations.lounge", "timers.inactive"),
        ("services.club.conversations.lounge", "timers.closed"),
    ]
    assert seen(other).unverified


def test_another_name_takes_no_timers_along() -> None:
    account, service = club()
    account.converge(read(LOUNGE))
    account.forget_requests()
    files = read(LOUNGE.replace("Lounge", "The lounge"))
    account.converge(files)
    assert [form for _, form in sent(account)] == [{"FriendlyName": ["The lounge"]}]
    assert account.get(f"{service}/Conversations/lounge")["timers"] != {}


def test_rotating_sends_timers_and_nothing_else() -> None:
    account, _ = club()
    account.converge(read(LOUNGE))
    account.forget_requests()
    files = read(LOUNGE.replace("PT1H", "PT2H"))
    made = account.plan(files, rotate=("services.club.conversations.lounge",))
    changed = fields(only(made))
    assert {path: item.after for path, item in changed.items()} == {"timers.inactive": "PT2H", "timers.closed": "P1D"}
    assert {item.before for item in changed.values()} == {Unknown("never returned by Twilio")}
    assert made.unverified == ()
    assert account.do(made).exit_code == 0
    assert [form for _, form in sent(account)] == [{"Timers.Inactive": ["PT2H"], "Timers.Closed": ["P1D"]}]


def test_inactive_by_timer_is_no_drift() -> None:
    account, service = club()
    files = read(LOUNGE.replace("timers:", "state: active, timers:"))
    account.converge(files)
    account.now += timedelta(hours=2)
    assert account.get(f"{service}/Conversations/lounge")["state"] == "inactive"
    assert account.plan(files).changes == ()


def test_what_is_to_be_inactive_and_is_active_is_drift() -> None:
    account, service = club()
    account.post(f"{service}/Conversations", {"UniqueName": "lounge"})
    files = read(HEAD + "    conversations: {lounge: {state: inactive}}\n")
    assert [(item.before, item.after) for item in only(account.plan(files)).fields] == [("active", "inactive")]
    account.converge(files)


INSIDE = """
    conversations:
      lounge:
        friendly_name: Lounge
        participants: {ada: {identity: ada, attributes: {table: 2}}}
        webhooks: {bot: {target: studio, flow_sid: FW11111111111111111111111111111111}}
"""


def test_nothing_in_a_closed_conversation_changes_and_everything_else_does() -> None:
    account, service = club()
    path = f"{service}/Conversations/lounge"
    account.post(f"{service}/Conversations", {"UniqueName": "lounge", "FriendlyName": "Old"})
    account.post(f"{path}/Participants", {"Identity": "ada", "Attributes": '{"table": 1}'})
    account.post(path, {"State": "closed"})
    account.forget_requests()
    files = read(HEAD + INSIDE + "    roles: {host: {type: conversation, permissions: [sendMessage]}}\n")
    made = account.plan(files)
    held = {str(change.address): change.guard for change in made.changes}
    assert {address: guard and (guard.name, guard.verdict) for address, guard in held.items()} == {
        "services.club.conversations.lounge": ("final", "withheld"),
        "services.club.conversations.lounge.participants.ada": ("final", "withheld"),
        "services.club.conversations.lounge.webhooks.bot": ("final", "withheld"),
        "services.club.roles.host": None,
    }
    guard = held["services.club.conversations.lounge"]
    assert guard is not None
    assert guard.message == (
        "services.club.conversations.lounge cannot be changed: it is closed, which is permanent; to recreate it, "
        "delete it (absent: true), then declare it again"
    )
    assert made.blocking() == ()
    report = account.do(made)
    assert report.exit_code == 5
    assert account.writes == [f"POST {service}/Roles"]


def test_what_is_closed_by_its_timer_is_not_opened_again() -> None:
    account, _ = club()
    files = read(LOUNGE.replace("timers:", "state: active, timers:"))
    account.converge(files)
    account.now += timedelta(days=2)
    made = account.plan(files)
    change = only(made)
    assert [(item.path, item.before, item.after) for item in change.fields] == [("state", "closed", "active")]
    assert change.guard is not None
    assert change.guard.name == "final"


def test_a_closed_conversation_that_is_to_be_closed_is_no_difference() -> None:
    account, service = club()
    account.post(f"{service}/Conversations", {"UniqueName": "lounge"})
    account.post(f"{service}/Conversations/lounge", {"State": "closed"})
    assert account.plan(read(HEAD + "    conversations: {lounge: {state: closed}}\n")).changes == ()


def test_a_closed_conversation_can_be_deleted_with_approval() -> None:
    account, service = club()
    account.post(f"{service}/Conversations", {"UniqueName": "lounge"})
    account.post(f"{service}/Conversations/lounge", {"State": "closed"})
    files = read(HEAD + "    conversations: {lounge: {absent: true}}\n")
    assert len(account.plan(files).blocking()) == 1
    account.converge(files, approved=("services.club.conversations.lounge",))
    assert account.get(f"{service}/Conversations")["conversations"] == []


@pytest.mark.parametrize("there", [False, True], ids=["new", "live"])
def test_what_is_closed_is_closed_last(*, there: bool) -> None:
    account, service = club()
    if there:
        account.post(f"{service}/Conversations", {"UniqueName": "lounge", "FriendlyName": "Lounge"})
    account.converge(
        read(HEAD + INSIDE.replace("friendly_name: Lounge", "friendly_name: Lounge\n        state: closed"))
    )
    forms = [form for _, form in sent(account)]
    assert forms[-1] == {"State": ["closed"]}
    assert len(forms) == (3 if there else 4)
    assert account.get(f"{service}/Conversations/lounge")["state"] == "closed"


def test_messages_that_nobody_declared_are_told_before_their_conversation_goes() -> None:
    account, service = club()
    sid = account.post(f"{service}/Conversations", {"UniqueName": "lounge"})["sid"]
    files = read(HEAD + "    conversations: {}\n    prune: [conversations]\n")
    made = account.plan(files)
    address = f'services.club.conversations["{sid}"]'
    assert told(made) == [f"delete {address}"]
    (refusal,) = made.blocking()
    assert refusal == (
        f"deleting {address} destroys every message and participant in it; approve it with --approve '{address}', or "
        "under `approvals` in the configuration"
    )


def test_an_email_binding_is_compared_by_its_name_only() -> None:
    account, _ = club()
    text = HEAD + "    conversations: {lounge: {bindings: {email: {address: desk@example.com, name: Desk}}}}\n"
    account.converge(read(text))
    assert account.plan(read(text.replace("desk@", "front@"))).changes == ()
    account.forget_requests()
    account.converge(read(text.replace("Desk", "Front desk")))
    # The name alone would be refused where nothing is bound yet, so the address goes along.
    assert [form for _, form in sent(account)] == [
        {"Bindings.Email.Address": ["desk@example.com"], "Bindings.Email.Name": ["Front desk"]}
    ]


# --- attributes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("live", ['{"b": [1, 2], "a": 1.0}', '{ "a":1,"b":[1,2] }'])
def test_attributes_are_compared_parsed(live: str) -> None:
    account, service = club()
    account.post(f"{service}/Users", {"Identity": "ada", "Attributes": live})
    account.post(f"{service}/Conversations", {"UniqueName": "lounge", "Attributes": live})
    account.post(f"{service}/Conversations/lounge/Participants", {"Identity": "ada", "Attributes": live})
    files = read(
        HEAD
        + """
    users: {ada: {attributes: {a: 1, b: [1, 2]}}}
    conversations:
      lounge: {attributes: {a: 1, b: [1, 2]}, participants: {ada: {identity: ada, attributes: {a: 1, b: [1, 2]}}}}
"""
    )
    assert account.plan(files).changes == ()


@pytest.mark.parametrize("declared", ["{a: true}", "{a: [2, 1]}", '{a: "1"}', "{}", "null"])
def test_attributes_that_mean_something_else_differ(declared: str) -> None:
    account, service = club()
    account.post(f"{service}/Users", {"Identity": "ada", "Attributes": '{"a": 1}'})
    files = read(HEAD + f"    users: {{ada: {{attributes: {declared}}}}}\n")
    assert [item.path for item in only(account.plan(files)).fields] == ["attributes"]
    account.converge(files)


# --- what must stay unique -------------------------------------------------------------------------------------------


def pair(conversation: str, *, more: str = "") -> str:
    return f"      {conversation}: {{participants: {{caller: {{address: {CUSTOMER}, proxy_address: {DESK}}}{more}}}}}\n"


def test_a_pair_that_moves_leaves_one_conversation_before_it_enters_the_other() -> None:
    account, service = club()
    account.converge(
        read(
            HEAD
            + "    conversations:\n"
            + pair("desk", more=", ben: {identity: ben}")
            + "      lounge: {participants: {}}\n"
        )
    )
    account.forget_requests()
    files = read(
        HEAD
        + "    conversations:\n      desk: {participants: {}, prune: [participants]}\n"
        + pair("lounge", more=", cy: {identity: cy}")
    )
    made = account.plan(files)
    leaving = [change for change in made.changes if change.action == "delete"]
    assert {change.name: [step.last for step in change.steps] for change in leaving} == {
        "ben": [True],
        f"{CUSTOMER} via {DESK}": [False],
    }
    account.converge(files)
    order = [
        record for record in writes(account) if record.method == "DELETE" or "MessagingBinding.Address" in record.form
    ]
    assert [record.method for record in order] == ["DELETE", "POST", "DELETE"]
    held = account.get(f"{service}/Conversations/lounge/Participants")["participants"]
    assert sorted(str(item["identity"]) for item in held) == ["None", "cy"]


def test_a_pair_that_moves_by_its_declaration_goes_first_too() -> None:
    account, _ = club()
    account.converge(read(HEAD + "    conversations:\n" + pair("desk") + "      lounge: {}\n"))
    account.converge(
        read(
            HEAD
            + "    conversations:\n      desk: {participants: {caller: {address: +14155550199, proxy_address: "
            + "+14155550100, absent: true}}}\n"
            + pair("lounge")
        )
    )


def test_a_pair_is_shared_across_services() -> None:
    account, _ = club()
    two = HEAD + "    conversations:\n{club}  shop:\n    friendly_name: Shop\n    conversations:\n{shop}"
    empty = "      desk: {participants: {}, prune: [participants]}\n"
    account.converge(read(two.format(club=pair("desk"), shop="      desk: {}\n")))
    account.converge(read(two.format(club=empty, shop=pair("desk"))))


def test_the_address_of_a_participant_changes_by_replacing_it() -> None:
    account, _ = club()
    account.converge(read(HEAD + "    conversations:\n" + pair("desk")))
    account.forget_requests()
    files = read(HEAD + "    conversations:\n" + pair("desk").replace("199", "198"))
    # Recognised by address and proxy, another address is another participant; without prune the old one stays.
    assert told(account.plan(files)) == ["create services.club.conversations.desk.participants.caller"]
    former = f'{DESK}, renamed_from: "{CUSTOMER} via {DESK}"'
    renamed = read(HEAD + "    conversations:\n" + pair("desk").replace("199", "198").replace(DESK, former))
    change = only(account.plan(renamed))
    assert (change.action, [step.op for step in change.steps]) == ("replace", ["create", "delete"])
    account.converge(renamed)


def two_callers(desk: str, lounge: str, *, former: tuple[str, str] = ("", "")) -> str:
    """Two conversations with one participant each, of these numbers; of which a replace may be asked for."""
    return (
        HEAD
        + "    conversations:\n"
        + "".join(
            pair(name).replace(CUSTOMER, f"{number}{f', renamed_from: {was} via {DESK}' if was else ''}")
            for name, number, was in (("desk", desk, former[0]), ("lounge", lounge, former[1]))
        )
    )


def test_a_pair_that_a_replace_lets_go_of_is_taken_after_that() -> None:
    account, service = club()
    account.converge(read(HEAD + "    conversations:\n" + pair("desk") + "      lounge: {}\n"))
    files = read(two_callers("+14155550198", CUSTOMER, former=(CUSTOMER, "")))
    needs = {step.id: step.needs for change in account.plan(files).changes for step in change.steps}
    caller = "services.club.conversations.{}.participants.caller#{}"
    assert needs == {
        caller.format("desk", "create"): (),
        caller.format("desk", "delete"): (caller.format("desk", "create"),),
        caller.format("lounge", "create"): (caller.format("desk", "delete"),),
    }
    account.converge(files)
    held = account.get(f"{service}/Conversations/lounge/Participants")["participants"]
    assert [item["messaging_binding"]["address"] for item in held] == [CUSTOMER]


def test_a_pair_is_not_taken_when_the_replace_that_would_let_go_of_it_is_withheld() -> None:
    account, _ = club()
    account.converge(read(HEAD + "    conversations:\n" + pair("desk") + "      lounge: {}\n"))
    kept = f"{CUSTOMER} via {DESK}, lifecycle: {{prevent_destroy: true}}"
    files = two_callers("+14155550198", CUSTOMER, former=(CUSTOMER, "")).replace(f"{CUSTOMER} via {DESK}", kept)
    guards = {str(change.address): change.guard and change.guard.name for change in account.plan(read(files)).changes}
    assert guards == {
        "services.club.conversations.desk.participants.caller": "prevent_destroy",
        "services.club.conversations.lounge.participants.caller": "needs",
    }


def test_pairs_that_two_replaces_would_exchange_are_refused_with_a_way_out() -> None:
    account, _ = club()
    other = "+14155550198"
    account.converge(read(two_callers(CUSTOMER, other)))
    with pytest.raises(MatchError) as caught:
        account.plan(read(two_callers(other, CUSTOMER, former=(CUSTOMER, other))))
    assert [problem.code for problem in caught.value.problems] == ["swapped-names"]


def hooks(*urls: str, more: str = "") -> str:
    lines = "".join(
        f"          h{number}: {{target: webhook, url: '{url}', method: POST, filters: [onMessageAdded]}}\n"
        for number, url in enumerate(urls)
    )
    return f"    conversations:\n      desk:\n{more}        webhooks:\n{lines}"


def urls(*numbers: int) -> list[str]:
    return [f"https://{number}.example.com/hook" for number in numbers]


def test_the_sixth_webhook_waits_for_one_that_goes_and_only_for_that_one() -> None:
    account, service = club()
    account.converge(read(HEAD + hooks(*urls(1, 2, 3, 4, 5))))
    account.forget_requests()
    bot = f"          bot: {{target: studio, flow_sid: {FLOW}}}\n"
    files = read(HEAD + hooks(*urls(1, 2, 3), more="        prune: [webhooks]\n") + bot)
    made = account.plan(files)
    assert sorted((change.action, [step.last for step in change.steps]) for change in made.changes) == [
        ("create", [False]),
        ("delete", [False]),
        ("delete", [True]),
    ]
    account.converge(files)
    assert [record.method for record in writes(account)] == ["DELETE", "POST", "DELETE"]
    live = account.get(f"{service}/Conversations/desk/Webhooks")["webhooks"]
    assert sorted(item["target"] for item in live) == ["studio", "webhook", "webhook", "webhook"]


def test_six_webhooks_are_refused_before_anything_is_read() -> None:
    five = hooks(*urls(1, 2, 3, 4, 5))
    gone = "          old: {target: webhook, url: https://6.example.com/hook, absent: true}\n"
    read(HEAD + five + gone)
    with pytest.raises(ConfigError) as error:
        read(HEAD + hooks(*urls(1, 2, 3, 4, 5, 6)))
    assert [(problem.code, problem.message) for problem in error.value.problems] == [
        ("too-many", "services.club.conversations.desk can hold 5 webhooks, and this exceeds the limit")
    ]


def test_what_goes_with_its_conversation_is_not_one_too_many() -> None:
    files = read(HEAD + hooks(*urls(1, 2, 3, 4, 5, 6), more="        absent: true\n"))
    assert len(files.resources) == 8


def test_a_unique_name_is_free_before_another_conversation_takes_it() -> None:
    account, service = club()
    old, new = (account.post(f"{service}/Conversations", {"UniqueName": name})["sid"] for name in ("desk", "front"))
    account.forget_requests()
    files = read(
        HEAD + f"    conversations: {{old: {{sid: {old}, absent: true}}, desk: {{sid: {new}, unique_name: desk}}}}\n"
    )
    account.converge(files, approved=("services.club.conversations.old",))
    assert [record.method for record in writes(account)] == ["DELETE", "POST"]


def test_a_conversation_that_goes_takes_along_what_its_rules_would_prune() -> None:
    account, _ = club()
    who = '{address: "+14155550199", proxy_address: "+14155550100"}'
    account.converge(
        read(HEAD + f"    conversations: {{old: {{participants: {{ada: {{identity: ada}}, caller: {who}}}}}}}\n")
    )
    account.forget_requests()
    files = read(
        HEAD + "    conversations:\n"
        f"      old: {{absent: true, participants: {{caller: {who}}}, prune: [participants]}}\n"
        f"      new: {{participants: {{caller: {who}}}}}\n"
    )
    made = account.plan(files, approved=("services.club.conversations.old",))
    assert [(change.action, str(change.address)) for change in made.changes] == [
        ("create", "services.club.conversations.new"),
        ("delete", "services.club.conversations.old"),
        ("create", "services.club.conversations.new.participants.caller"),
    ]
    assert [item.live.kind.name for item in made.unmanaged] == ["service"]
    account.converge(files, approved=("services.club.conversations.old",))
    # The conversations' own two requests have no order; the address is free before it is taken.
    assert sorted(record.method for record in writes(account)[:2]) == ["DELETE", "POST"]
    assert [record.path.rpartition("/")[2] for record in writes(account)[2:]] == ["Participants"]


def test_a_webhook_that_finds_room_waits_for_nobody() -> None:
    account, _ = club()
    account.converge(read(HEAD + hooks(*urls(1, 2, 3, 4))))
    account.forget_requests()
    bot = f"          bot: {{target: studio, flow_sid: {FLOW}}}\n"
    account.converge(read(HEAD + hooks(*urls(1, 2), more="        prune: [webhooks]\n") + bot))
    assert [record.method for record in writes(account)] == ["POST", "DELETE", "DELETE"]


# --- which webhook is which ------------------------------------------------------------------------------------------


def test_the_exact_webhooks_are_found_first() -> None:
    account, service = club()
    conversation = account.post(f"{service}/Conversations", {"UniqueName": "desk"})["sid"]
    path = f"{service}/Conversations/{conversation}/Webhooks"
    form = {"Target": "webhook", "Configuration.Url": "https://a.example.com", "Configuration.Method": "POST"}
    for event in ("onMessageRemoved", "onMessageAdded"):
        account.post(path, {**form, "Configuration.Filters": [event]})
    files = read(
        HEAD
        + """
    conversations:
      desk:
        webhooks:
          a: {target: webhook, url: https://a.example.com, method: GET, filters: [onMessageRemoved]}
          b: {target: webhook, url: https://a.example.com, method: POST, filters: [onMessageAdded]}
"""
    )
    made = account.plan(files)
    assert told(made) == ["update services.club.conversations.desk.webhooks.a"]
    assert [(item.path, item.before, item.after) for item in only(made).fields] == [("method", "POST", "GET")]
    account.converge(files)


@pytest.mark.parametrize(
    ("prune", "changes"),
    [
        ("        prune: [webhooks]\n", ["update services.club.conversations.desk.webhooks.h0"]),
        ("", ["create services.club.conversations.desk.webhooks.h0"]),
    ],
    ids=["pruned", "kept"],
)
def test_a_lone_leftover_is_meant_only_where_it_would_go(prune: str, changes: list[str]) -> None:
    account, _ = club()
    account.converge(read(HEAD + hooks(*urls(1, 2))))
    moved = read(HEAD + hooks(urls(3)[0], urls(2)[0], more=prune))
    made = account.plan(moved)
    assert told(made) == changes
    unmanaged = [item for item in made.unmanaged if item.live.kind.name == "conversation_webhook"]
    assert len(unmanaged) == (0 if prune else 1)
    if not prune:
        (hint,) = [text for text in only(made).consequences if "sid:" in text]
        assert unmanaged[0].live.sid in hint
    account.converge(moved)


def test_two_leftovers_are_not_guessed_at() -> None:
    account, _ = club()
    account.converge(read(HEAD + hooks(*urls(1, 2))))
    made = account.plan(read(HEAD + hooks(*urls(3, 4), more="        prune: [webhooks]\n")))
    assert sorted(change.action for change in made.changes) == ["create", "create", "delete", "delete"]


def test_two_webhooks_that_fit_one_declaration_are_told() -> None:
    account, service = club()
    account.post(f"{service}/Conversations", {"UniqueName": "desk"})
    form = {"Target": "webhook", "Configuration.Url": "https://a.example.com", "Configuration.Method": "POST"}
    for event in ("onMessageRemoved", "onMessageAdded"):
        account.post(f"{service}/Conversations/desk/Webhooks", {**form, "Configuration.Filters": [event]})
    files = read(HEAD + "    conversations: {desk: {webhooks: {a: {target: webhook, url: https://a.example.com,"
                 " filters: [onParticipantAdded]}}}}\n")  # fmt: skip
    with pytest.raises(MatchError) as error:
        account.plan(files)
    assert problems(error) == ["ambiguous-name"]


def test_a_webhook_of_another_target_is_another_webhook() -> None:
    account, _ = club()
    account.converge(read(HEAD + hooks(*urls(1))))
    target = f"{{target: studio, flow_sid: {FLOW}}}"
    bot = HEAD + f"    conversations: {{desk: {{webhooks: {{h0: {target}}}, prune: [webhooks]}}}}\n"
    made = account.plan(read(bot))
    assert sorted(change.action for change in made.changes) == ["create", "delete"]
    account.converge(read(bot))


@pytest.mark.parametrize("where", ["triggers", "filters"])
def test_keywords_are_found_wherever_they_come_back(where: Any) -> None:
    account, _ = club(Rules(trigger_keywords=where))
    text = HEAD + (
        "    conversations: {desk: {webhooks: {words: {target: trigger, url: https://a.example.com, method: POST, "
        "triggers: [help, stop]}}}}\n"
    )
    account.converge(read(text))
    account.converge(read(text.replace("stop", "halt")))


@pytest.mark.parametrize("shown", ["shown", "hidden"])
def test_where_to_replay_from_counts_on_a_create_only(shown: Any) -> None:
    account, _ = club(Rules(replay_after=shown))
    text = HEAD + hooks(*urls(1)).replace("method: POST", "method: POST, replay_after: 0")
    account.converge(read(text))
    assert writes(account)[-1].form["Configuration.ReplayAfter"] == ["0"]
    assert account.plan(read(text.replace("replay_after: 0", "replay_after: 4"))).changes == ()


# --- participants -----------------------------------------------------------------------------------------------------


def test_participants_are_found_by_identity_and_by_address() -> None:
    account, service = club()
    account.post(f"{service}/Conversations", {"UniqueName": "desk"})
    path = f"{service}/Conversations/desk/Participants"
    account.post(path, {"Identity": "ada"})
    account.post(path, {"MessagingBinding.Address": CUSTOMER, "MessagingBinding.ProxyAddress": DESK})
    text = HEAD + (
        "    conversations: {desk: {participants: {first: {identity: ada, attributes: {a: 1}}, second: {address: "
        f"{CUSTOMER}, proxy_address: {DESK}, attributes: {{b: 2}}}}}}}}}}\n"
    )
    files = read(text)
    assert told(account.plan(files)) == [
        "update services.club.conversations.desk.participants.first",
        "update services.club.conversations.desk.participants.second",
    ]
    account.converge(files)


@pytest.mark.parametrize("implicit", ["created", "absent"])
def test_a_participant_waits_for_its_user(implicit: Any) -> None:
    account, service = club(Rules(implicit_user=implicit))
    files = read(
        HEAD
        + """
    users: {ada: {friendly_name: Ada, role: service admin}}
    conversations: {desk: {participants: {host: {identity: ada}, guest: {identity: ben}}}}
"""
    )
    made = account.plan(files)
    step = next(step for change in made.changes for step in change.steps if str(change.address).endswith("host"))
    assert step.needs == ("services.club.users.ada#create", "services.club.conversations.desk#create")
    account.converge(files)
    assert account.get(f"{service}/Users/ada")["role_sid"] == account.role("Members' club", "service admin")


@pytest.mark.parametrize(
    ("users", "code", "message"),
    [
        pytest.param(
            "{ada: {absent: true}}",
            "absent-but-needed",
            "services.club.users.ada is declared absent, but a declared participant has its identity",
            id="it must not exist",
        ),
        pytest.param(
            "{zoe: {renamed_from: ada}}",
            "renamed-but-needed",
            "services.club.users.zoe is renamed, but a declared participant has its former identity",
            id="it has another name",
        ),
    ],
)
def test_who_takes_part_is_nobody_that_goes(users: str, code: str, message: str) -> None:
    account, _ = club()
    files = read(
        HEAD + f"    users: {users}\n    conversations: {{desk: {{participants: {{host: {{identity: ada}}}}}}}}\n"
    )
    with pytest.raises(MatchError) as error:
        account.plan(files)
    assert [(problem.code, problem.message) for problem in error.value.problems] == [(code, message)]


def test_a_former_name_may_be_somebody_elses_by_now() -> None:
    account, _ = club()
    account.converge(
        read(
            HEAD + "    users: {ada: {}, zoe: {renamed_from: ada}}\n"
            "    conversations: {desk: {participants: {host: {identity: ada}}}}\n"
        )
    )


def test_a_participant_that_is_pinned_waits_for_nobody() -> None:
    account, service = club()
    account.post(f"{service}/Conversations", {"UniqueName": "desk"})
    sid = account.post(f"{service}/Conversations/desk/Participants", {"Identity": "ada"})["sid"]
    files = read(
        HEAD + f"    conversations: {{desk: {{participants: {{host: {{sid: {sid}, attributes: {{a: 1}}}}}}}}}}\n"
    )
    assert told(account.plan(files)) == ["update services.club.conversations.desk.participants.host"]
    account.converge(files)
