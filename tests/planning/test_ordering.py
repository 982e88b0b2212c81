"""What goes before what, seen in the requests of whole applies."""

from __future__ import annotations

import pytest

from reconciler.config.model import Config
from reconciler.errors import MatchError
from reconciler.planning.plan import Plan
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


def halls(account: World, *names: str) -> dict[str, str]:
    """Conversations of these unique names in a new service; their SIDs."""
    service = account.post("/v1/Services", {"FriendlyName": "club"})["sid"]
    return {
        name: str(account.post(f"/v1/Services/{service}/Conversations", {"UniqueName": name})["sid"]) for name in names
    }


def named(**conversations: tuple[str, str]) -> Config:
    """Conversations by handle, each with its pin (or none) and its unique name."""
    lines = [
        f"      {handle}: {{unique_name: {name}{f', sid: {sid}' if sid else ''}}}\n"
        for handle, (sid, name) in conversations.items()
    ]
    return read("version: 1\nservices:\n  club:\n    conversations:\n" + "".join(lines))


def test_a_name_is_free_before_another_takes_it_over() -> None:
    account = World()
    sids = halls(account, "one", "two", "three")
    files = named(a=(sids["one"], "two"), b=(sids["two"], "three"), c=(sids["three"], "four"), d=("", "one"))
    account.forget_requests()
    account.converge(files)
    base = f"POST /v1/Services/{account.service('club')}/Conversations"
    assert account.writes == [f"{base}/{sids['three']}", f"{base}/{sids['two']}", f"{base}/{sids['one']}", base]


def test_names_that_are_exchanged_are_refused_with_a_way_out() -> None:
    account = World()
    sids = halls(account, "one", "two")
    with pytest.raises(MatchError) as caught:
        account.plan(named(a=(sids["one"], "two"), b=(sids["two"], "one")))
    [problem] = caught.value.problems
    assert (problem.code, str(problem.place), problem.hint) == (
        "swapped-names", "reconciler.yaml:5:24", "Give one of them a temporary name and apply, then apply this.",
    )  # fmt: skip
    assert problem.message == (
        "services.club.conversations.a and services.club.conversations.b exchange names, and two resources cannot have "
        "the same name at the same time"
    )
    account.converge(named(a=(sids["one"], "spare"), b=(sids["two"], "one")))
    account.converge(named(a=(sids["one"], "two"), b=(sids["two"], "one")))


ROLE = {"Type": "service", "Permission": ["joinConversation"]}


def role_creates(**former: str) -> list[tuple[str, tuple[str, ...]]]:
    """The creates of roles of these names, each renamed from another, with the creates that each waits for."""
    account = World()
    service = account.post("/v1/Services", {"FriendlyName": "club"})["sid"]
    for name in former.values():
        account.post(f"/v1/Services/{service}/Roles", {"FriendlyName": name, **ROLE})
    lines = [
        f"      {name}: {{renamed_from: {old}, type: service, permissions: [joinConversation]}}\n"
        for name, old in former.items()
    ]
    made = account.plan(read("version: 1\nservices:\n  club:\n    roles:\n" + "".join(lines)))
    steps = [step for change in made.changes for step in change.steps if step.op == "create"]
    return [(step.address.parts[-1], tuple(need.split(".")[-1] for need in step.needs)) for step in steps]


def test_a_role_takes_a_name_over_after_the_successor_of_the_one_that_has_it() -> None:
    # Roles of one name may exist side by side. After a kill, only the successor shows which of them is the former one.
    assert role_creates(b="a", c="b", d="c") == [
        ("d", ()), ("c", ("d#create",)), ("b", ("c#create",)),
    ]  # fmt: skip


def test_a_role_takes_a_name_over_after_the_successor_of_the_one_of_its_own_type() -> None:
    account = World()
    service = account.post("/v1/Services", {"FriendlyName": "club"})["sid"]
    permissions = {"service": "joinConversation", "conversation": "sendMessage"}
    for name, of_type in (("one", "service"), ("one", "conversation"), ("two", "service")):
        form = {"FriendlyName": name, "Type": of_type, "Permission": permissions[of_type]}
        account.post(f"/v1/Services/{service}/Roles", form)
    lines = [
        f"      {name}: {{renamed_from: {former}, type: {of_type}, permissions: [{permissions[of_type]}]}}\n"
        for name, former, of_type in (
            ("first", "one", "service"), ("second", "one", "conversation"), ("one", "two", "service"),
        )
    ]  # fmt: skip
    made = account.plan(read("version: 1\nservices:\n  club:\n    roles:\n" + "".join(lines)))
    assert {step.address.parts[-1]: step.needs for change in made.changes for step in change.steps[:1]} == {
        "first": (), "second": (), "one": ("services.club.roles.first#create",),
    }  # fmt: skip


def needs(files: str, account: World) -> dict[str, tuple[str, ...]]:
    """The dependencies of each step of a plan for the service `club`."""
    plan = account.plan(read(f"version: 1\nservices:\n  club:\n{files}"))

    def shown(step: str) -> str:
        return step.removeprefix("services.club.")

    return {shown(step.id): tuple(map(shown, step.needs)) for change in plan.changes for step in change.steps}


def test_a_role_that_keeps_its_name_and_gets_another_type_waits_for_nothing() -> None:
    account = World()
    service = account.post("/v1/Services", {"FriendlyName": "club"})["sid"]
    account.post(f"/v1/Services/{service}/Roles", {"FriendlyName": "a", **ROLE})
    assert needs("    roles: {a: {type: conversation, permissions: [sendMessage]}}\n", account) == {
        "roles.a#create": (), "roles.a#delete": ("roles.a#create",),
    }  # fmt: skip


def test_an_address_that_gets_another_type_waits_only_for_its_own_delete() -> None:
    account = World()
    account.post("/v1/Configuration/Addresses", {"Address": CUSTOMER, "Type": "sms"})
    made = account.plan(read(f'version: 1\naddresses: {{x: {{address: "{CUSTOMER}", type: whatsapp}}}}\n'))
    assert {step.id: step.needs for change in made.changes for step in change.steps} == {
        "addresses.x#delete": (), "addresses.x#create": ("addresses.x#delete",),
    }  # fmt: skip


def test_a_webhook_has_no_name_that_another_takes_over() -> None:
    account = World()
    room, url = halls(account, "desk")["desk"], "https://1.example.com"
    form = {"Target": "webhook", "Configuration.Url": url, "Configuration.Filters": "onMessageAdded"}
    account.post(f"/v1/Services/{account.service('club')}/Conversations/{room}/Webhooks", form)
    lines = [
        "    conversations:\n      desk:\n        webhooks:\n",
        f"          a: {{renamed_from: 'webhook {url}', target: trigger, url: '{url}', triggers: [help]}}\n",
        "          b: {target: webhook, url: 'https://2.example.com', filters: [onMessageAdded]}\n",
    ]
    hooks = "conversations.desk.webhooks"
    assert needs("".join(lines), account) == {
        f"{hooks}.a#create": (), f"{hooks}.a#delete": (f"{hooks}.a#create",), f"{hooks}.b#create": (),
    }  # fmt: skip


def test_a_role_with_the_name_of_one_that_is_deleted_does_not_wait_for_the_delete() -> None:
    account = World()
    service = account.post("/v1/Services", {"FriendlyName": "club"})["sid"]
    sid = account.post(f"/v1/Services/{service}/Roles", {"FriendlyName": "a", **ROLE})["sid"]
    lines = [
        "    roles:\n",
        "      a: {type: service, permissions: [joinConversation]}\n",
        f"      old: {{sid: {sid}, absent: true}}\n",
        "      z: {renamed_from: y, type: service, permissions: [joinConversation]}\n",
    ]
    account.post(f"/v1/Services/{service}/Roles", {"FriendlyName": "y", **ROLE})
    assert needs("".join(lines), account) == {
        "roles.a#create": (), "roles.old#delete": (), "roles.z#create": (), "roles.z#delete": ("roles.z#create",),
    }  # fmt: skip


def test_a_user_that_takes_an_identity_over_still_waits_for_its_role() -> None:
    account = World()
    service = account.post("/v1/Services", {"FriendlyName": "club"})["sid"]
    for name in ("a", "b"):
        account.post(f"/v1/Services/{service}/Users", {"Identity": name})
    lines = [
        "    roles: {guide: {type: service, permissions: [joinConversation]}}\n",
        "    users: {b: {renamed_from: a, role: guide}, c: {renamed_from: b}}\n",
    ]
    assert needs("".join(lines), account)["users.b#create"] == (
        "roles.guide#create", "users.c#create", "users.c#delete",
    )  # fmt: skip


# --- a conversation that closes frees the pairs in it ----------------------------------------------------------------


@pytest.mark.parametrize("closing", ["a-old", "z-old"])
def test_a_pair_in_a_conversation_that_closes_is_free_before_another_takes_it(closing: str) -> None:
    account = World()
    service = account.post("/v1/Services", {"FriendlyName": "club"})["sid"]
    old = account.post(f"/v1/Services/{service}/Conversations", {"UniqueName": closing})["sid"]
    account.post(f"/v1/Services/{service}/Conversations", {"UniqueName": "new"})
    pair = {"MessagingBinding.Address": CUSTOMER, "MessagingBinding.ProxyAddress": DESK}
    account.post(f"/v1/Services/{service}/Conversations/{old}/Participants", pair)
    files = read(
        f"version: 1\nservices:\n  club:\n    conversations:\n      {closing}: {{state: closed}}\n"
        f'      new: {{participants: {{caller: {{address: "{CUSTOMER}", proxy_address: "{DESK}"}}}}}}\n'
    )
    account.forget_requests()
    account.converge(files)
    base = f"POST /v1/Services/{service}/Conversations"
    assert account.writes[0] == f"{base}/{old}"
    assert len(account.writes) == 2


def test_a_participant_of_a_conversation_that_closes_waits_for_no_close() -> None:
    account = World()
    service = account.post("/v1/Services", {"FriendlyName": "club"})["sid"]
    for name, number in (("one", "+14155550101"), ("two", "+14155550102")):
        sid = account.post(f"/v1/Services/{service}/Conversations", {"UniqueName": name})["sid"]
        pair = {"MessagingBinding.Address": number, "MessagingBinding.ProxyAddress": DESK}
        account.post(f"/v1/Services/{service}/Conversations/{sid}/Participants", pair)
    # Each conversation is to get the pair of the other one, and closes after everything inside it.
    files = read(
        "version: 1\nservices:\n  club:\n    conversations:\n"
        f'      one: {{state: closed, participants: {{x: {{address: "+14155550102", proxy_address: "{DESK}"}}}}}}\n'
        f'      two: {{state: closed, participants: {{x: {{address: "+14155550101", proxy_address: "{DESK}"}}}}}}\n'
    )
    made = account.plan(files)
    needs = {str(change.address): change.steps[0].needs for change in made.changes}
    assert needs["services.club.conversations.one.participants.x"] == ()
    assert needs["services.club.conversations.one"] == ("services.club.conversations.one.participants.x#create",)


def test_only_the_close_of_a_conversation_waits_for_what_is_inside() -> None:
    account = World()
    sids = halls(account, "one", "two")
    account.post(
        f"/v1/Services/{account.service('club')}/Conversations/{sids['one']}/Participants", {"Identity": "ada"}
    )
    files = read(
        "version: 1\nservices:\n  club:\n    conversations:\n"
        "      one: {state: closed, participants: {ada: {identity: ada, absent: true}, bob: {identity: bob}}}\n"
        "      two: {friendly_name: Two, participants: {eve: {identity: eve}}}\n"
        "      new: {state: closed}\n"
    )
    # The delete is sent last. Twilio creates no closed conversation, so the new one is closed in a second step.
    rooms = "services.club.conversations"
    assert {step.id: step.needs for change in account.plan(files).changes for step in change.steps} == {
        f"{rooms}.new#create": (),
        f"{rooms}.new#update": (f"{rooms}.new#create",),
        f"{rooms}.one.participants.bob#create": (),
        f"{rooms}.one.participants.ada#delete": (),
        f"{rooms}.one#update": (f"{rooms}.one.participants.bob#create",),
        f"{rooms}.two.participants.eve#create": (),
        f"{rooms}.two#update": (),
    }
    account.converge(files)


def test_a_close_waits_for_the_delete_inside_that_makes_way() -> None:
    account = World()
    one = halls(account, "one", "two")["one"]
    pair = {"MessagingBinding.Address": CUSTOMER, "MessagingBinding.ProxyAddress": DESK}
    account.post(f"/v1/Services/{account.service('club')}/Conversations/{one}/Participants", pair)
    caller = f'address: "{CUSTOMER}", proxy_address: "{DESK}"'
    lines = [
        "    conversations:\n",
        f"      one: {{state: closed, participants: {{x: {{{caller}, absent: true}}}}}}\n",
        f"      two: {{participants: {{y: {{{caller}}}}}}}\n",
    ]
    # Twilio accepts no delete in a closed conversation.
    assert needs("".join(lines), account) == {
        "conversations.one.participants.x#delete": (),
        "conversations.two.participants.y#create": ("conversations.one.participants.x#delete",),
        "conversations.one#update": ("conversations.one.participants.x#delete",),
    }


def test_a_pair_that_a_participant_keeps_is_not_waited_for() -> None:
    account = World()
    service = account.post("/v1/Services", {"FriendlyName": "club"})["sid"]
    sids = {}
    for name in ("kept", "new"):
        sids[name] = account.post(f"/v1/Services/{service}/Conversations", {"UniqueName": name})["sid"]
    pair = {"MessagingBinding.Address": CUSTOMER, "MessagingBinding.ProxyAddress": DESK}
    caller = account.post(f"/v1/Services/{service}/Conversations/{sids['kept']}/Participants", pair)["sid"]
    made = account.plan(
        read(
            "version: 1\nservices:\n  club:\n    conversations:\n"
            f"      kept: {{participants: {{caller: {{sid: {caller}, attributes: {{a: 1}}}}}}}}\n"
            f'      new: {{participants: {{caller: {{address: "{CUSTOMER}", proxy_address: "{DESK}"}}}}}}\n'
        )
    )
    # Twilio refuses the second participant; that has nothing to do with the update of the first one.
    assert {step.id: step.needs for change in made.changes for step in change.steps} == {
        "services.club.conversations.kept.participants.caller#update": (),
        "services.club.conversations.new.participants.caller#create": (),
    }


def test_a_delete_that_makes_way_waits_for_everything_else_that_the_taker_needs() -> None:
    account = World()
    service = account.post("/v1/Services", {"FriendlyName": "club"})["sid"]
    old = account.post(f"/v1/Services/{service}/Conversations", {"UniqueName": "old"})["sid"]
    pair = {"MessagingBinding.Address": CUSTOMER, "MessagingBinding.ProxyAddress": DESK}
    account.post(f"/v1/Services/{service}/Conversations/{old}/Participants", pair)
    files = read(
        "version: 1\nservices:\n  club:\n"
        "    roles: {guide: {type: conversation, permissions: [sendMessage]}}\n"
        "    conversations:\n      old: {absent: true}\n"
        f'      new: {{participants: {{caller: {{address: "{CUSTOMER}", proxy_address: "{DESK}", role: guide}}}}}}\n'
    )
    made = account.plan(files)
    (delete,) = (step for change in made.changes for step in change.steps if step.op == "delete")
    taker = "services.club.conversations.new.participants.caller#create"
    assert delete.makes_way_for == (taker,)
    # Nothing is deleted while the new conversation or the role may still turn out to be impossible.
    assert {*delete.needs} == {"services.club.conversations.new#create", "services.club.roles.guide#create"}
    assert not delete.last
    assert delete.late
    account.forget_requests()
    account.converge(files, approved=["services.club.conversations.old"])
    assert account.writes.index(f"DELETE /v1/Services/{service}/Conversations/{old}") == 2


# --- conversations that are full of webhooks -------------------------------------------------------------------------


def desk(live: int, *declared: str) -> Plan:
    """Plan webhooks of a conversation that has live ones with numbers from 1: `new7` creates, `old1` deletes."""
    account = World()
    service = account.post("/v1/Services", {"FriendlyName": "club"})["sid"]
    path = f"/v1/Services/{service}/Conversations/"
    path += account.post(path[:-1], {"UniqueName": "desk"})["sid"]
    for number in range(1, live + 1):
        form = {"Configuration.Url": f"https://{number}.example.com", "Configuration.Filters": "onMessageAdded"}
        account.post(f"{path}/Webhooks", {"Target": "webhook", **form})
    webhooks = ", ".join(
        f"{name}: {{target: webhook, url: https://{name[-1]}.example.com, filters: [onMessageAdded]"
        f"{', absent: true' if name.startswith('old') else ''}}}"
        for name in declared
    )
    return account.plan(
        read(f"version: 1\nservices: {{club: {{conversations: {{desk: {{webhooks: {{{webhooks}}}}}}}}}}}\n")
    )


@pytest.mark.parametrize(
    ("live", "declared", "expected"),
    [
        (5, ["new6"], ["new6"]),
        (4, ["old1", "new6", "new7"], []),
        (4, ["old1", "new6", "new7", "new8"], ["new8"]),
        (3, ["new6"], []),
        # One that stays is declared, too.
        (5, ["hook2", "old1", "new7", "new8", "new9"], ["new8", "new9"]),
    ],
)
def test_webhooks_that_find_no_room_after_all_deletes_are_withheld(
    live: int, declared: list[str], expected: list[str]
) -> None:
    made = desk(live, *declared)
    withheld = {change.address.parts[-1]: change.guard for change in made.changes if change.guard is not None}
    assert sorted(withheld) == expected
    assert {guard.name for guard in withheld.values()} <= {"no_room"}


def test_the_last_webhooks_wait_for_those_that_go() -> None:
    made = desk(4, "old1", "old2", "new6", "new7")
    needs = {
        change.address.parts[-1]: [need.rpartition(".")[2] for need in change.steps[0].needs] for change in made.changes
    }
    # One finds a free place, so one delete is enough, and the other one comes last.
    assert needs == {"new6": [], "new7": ["old1#delete"], "old1": [], "old2": []}
    assert [change.address.parts[-1] for change in made.changes if change.steps[0].last] == ["old2"]


# --- roles -----------------------------------------------------------------------------------------------------------


def test_the_delete_of_a_role_waits_for_the_users_that_are_deleted() -> None:
    account = World()
    service = account.post("/v1/Services", {"FriendlyName": "club"})["sid"]
    form = {"Type": "service", "Permission": "joinConversation"}
    helper, guide = (
        account.post(f"/v1/Services/{service}/Roles", {**form, "FriendlyName": name})["sid"]
        for name in ("helper", "guide")
    )
    for user, role in (("ada", helper), ("bob", helper), ("zoe", guide)):
        account.post(f"/v1/Services/{service}/Users", {"Identity": user, "RoleSid": role})
    files = read(
        "version: 1\nservices:\n  club:\n"
        "    roles: {helper: {absent: true}, guide: {type: service, permissions: [createConversation]}}\n"
        "    users: {ada: {absent: true}, bob: {role: service user}, zoe: {absent: true}}\n"
    )
    needs = [(step.id, step.needs) for change in account.plan(files).changes for step in change.steps]
    # Updates are sent before every delete that is last, so it does not depend on them, nor they on it.
    assert needs == [
        ("services.club.roles.guide#update", ()),
        ("services.club.users.bob#update", ()),
        ("services.club.users.ada#delete", ()),
        ("services.club.roles.helper#delete", ("services.club.users.ada#delete",)),
        ("services.club.users.zoe#delete", ()),
    ]
    account.converge(files)


def test_the_old_role_of_a_replace_waits_for_its_successor_and_for_the_users_that_are_deleted() -> None:
    account = World()
    service = account.post("/v1/Services", {"FriendlyName": "club"})["sid"]
    form = {"FriendlyName": "helper", "Type": "service", "Permission": "joinConversation"}
    role = account.post(f"/v1/Services/{service}/Roles", form)["sid"]
    account.post(f"/v1/Services/{service}/Users", {"Identity": "ada", "RoleSid": role})
    files = read(
        "version: 1\nservices:\n  club:\n    users: {ada: {absent: true}}\n"
        "    roles: {guide: {renamed_from: helper, type: service, permissions: [joinConversation]}}\n"
    )
    needs = {step.id: step.needs for change in account.plan(files).changes for step in change.steps}
    assert needs == {
        "services.club.roles.guide#create": (),
        "services.club.users.ada#delete": (),
        "services.club.roles.guide#delete": ("services.club.roles.guide#create", "services.club.users.ada#delete"),
    }
    account.converge(files)


def test_the_role_of_a_replaced_participant_is_created_first() -> None:
    account = World()
    [lounge] = halls(account, "lounge").values()
    account.post(f"/v1/Services/{account.service('club')}/Conversations/{lounge}/Participants", {"Identity": "ada"})
    files = read(
        "version: 1\nservices:\n  club:\n"
        "    conversations: {lounge: {participants: {eve: {renamed_from: ada, identity: eve, role: guide}}}}\n"
        "    roles: {guide: {type: conversation, permissions: [sendMessage]}}\n"
    )
    assert [f"{change.action} {change.address}" for change in account.plan(files).changes] == [
        "create services.club.roles.guide",
        "replace services.club.conversations.lounge.participants.eve",
    ]
    account.converge(files)


# --- a whole plan ----------------------------------------------------------------------------------------------------


def test_a_plan_has_dependencies_first_and_deletes_last_unless_something_takes_their_place() -> None:
    account = World()
    service = f"/v1/Services/{account.post('/v1/Services', {'FriendlyName': 'club'})['sid']}"
    old = account.post(f"{service}/Conversations", {"UniqueName": "y-old"})["sid"]
    pair = {"MessagingBinding.Address": CUSTOMER, "MessagingBinding.ProxyAddress": DESK}
    account.post(f"{service}/Conversations/{old}/Participants", pair)
    for user in ("ada", "eve"):
        account.post(f"{service}/Users", {"Identity": user})
    account.post(f"{service}/Roles", {"FriendlyName": "spare", "Type": "service", "Permission": "joinConversation"})
    account.post("/v1/Credentials", {"Type": "fcm", "FriendlyName": "Push", "Secret": "secret"})
    made = account.plan(
        read(
            "version: 1\n"
            "account: {configuration: {default_inactive_timer: P1D}, webhooks: {method: GET}}\n"
            'addresses: {"+14155550111": {type: sms}}\n'
            "credentials: {push: {type: fcm, friendly_name: Push, absent: true}}\n"
            "services:\n"
            "  other: {}\n"
            "  club:\n"
            "    users: {bob: {}, ada: {absent: true}, cid: {renamed_from: eve}}\n"
            "    roles: {guide: {type: service, permissions: [joinConversation]}, spare: {absent: true}}\n"
            "    conversations:\n"
            "      y-old: {absent: true}\n"
            "      a-first: {}\n"
            f'      z-new: {{participants: {{caller: {{address: "{CUSTOMER}", proxy_address: "{DESK}"}}}}}}\n'
        )
    )
    assert [f"{change.action} {change.address}" for change in made.changes] == [
        "update account.configuration",
        "create services.club.conversations.a-first",
        "create services.club.conversations.z-new",
        "delete services.club.conversations.y-old",
        "create services.club.conversations.z-new.participants.caller",
        "create services.club.roles.guide",
        "create services.club.users.bob",
        "replace services.club.users.cid",
        "update account.webhooks",
        "create services.other",
        'create addresses["+14155550111"]',
        "delete services.club.roles.spare",
        "delete services.club.users.ada",
        "delete credentials.push",
    ]
