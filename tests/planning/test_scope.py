"""What has to be read: exactly, and in rounds."""

from __future__ import annotations

import pytest

from reconciler.address import Address
from reconciler.config.model import Config
from reconciler.config.selection import Selection
from reconciler.planning import scope
from reconciler.planning.match import match
from reconciler.planning.scope import Read
from reconciler.state import Live
from tests.builders import configuration, declared, live, prune, reference, sid, state

SUPPORT, SALES = sid("IS", 1), sid("IS", 2)
ACCOUNT = ("account_configuration", ())


def told(reads: tuple[Read, ...]) -> list[tuple[str, tuple[str, ...]]]:
    return [(read.kind.name, read.parents) for read in reads]


def first(config: Config) -> list[tuple[str, tuple[str, ...]]]:
    return told(scope.first_round(config))


def second(config: Config, *services: Live) -> list[tuple[str, tuple[str, ...]]]:
    """The second round, in an account that has these services."""
    return told(scope.next_round(config, match(config, state(*services)).live))


def service(handle: str, number: int) -> Live:
    return live("service", number, {"friendly_name": handle})


BOTH = (service("support", 1), service("sales", 2))

# --- the first round -------------------------------------------------------------------------------------------------


def test_the_accounts_configuration_is_always_read() -> None:
    assert first(configuration()) == [ACCOUNT]


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("account.webhooks", "account_webhook"),
        ("services.support", "service"),
        ("addresses.main", "address_configuration"),
    ],
)
def test_what_the_files_name_at_the_top_is_read_in_the_first_round(address: str, kind: str) -> None:
    # A live address may start conversations in a service that does not exist.
    beside = [("service", ())] if kind == "address_configuration" else []
    assert first(configuration(declared(address))) == sorted([ACCOUNT, (kind, ()), *beside])


def test_the_accounts_configuration_is_read_once() -> None:
    assert first(configuration(declared("account.configuration"))) == [ACCOUNT]


def test_what_the_files_prune_at_the_top_is_read_in_the_first_round() -> None:
    assert first(configuration(pruned=[prune("addresses")])) == [
        ACCOUNT,
        ("address_configuration", ()),
        ("service", ()),
    ]


@pytest.mark.parametrize(
    "config", [configuration(pruned=[prune("services")]), configuration(declared("services.support", absent=True))]
)
def test_a_service_may_only_go_when_it_is_known_which_addresses_point_to_it(config: Config) -> None:
    assert first(config) == [ACCOUNT, ("address_configuration", ()), ("service", ())]


def test_what_must_not_exist_is_read_to_be_found() -> None:
    assert first(configuration(declared("addresses.main", absent=True))) == [
        ACCOUNT,
        ("address_configuration", ()),
        ("service", ()),
    ]


def test_what_stands_in_services_waits_for_the_second_round() -> None:
    config = configuration(
        declared("services.support"),
        declared("services.support.roles.agent"),
        declared("services.support.webhooks"),
        pruned=[prune("services.support.users")],
    )
    assert first(config) == [ACCOUNT, ("service", ())]


def test_deletes_of_roles_ask_whether_the_account_is_one_of_flex() -> None:
    pruned = configuration(declared("services.support"), pruned=[prune("services.support.roles")])
    absent = configuration(declared("services.support"), declared("services.support.roles.agent", absent=True))
    for config in (pruned, absent):
        assert first(config) == [ACCOUNT, ("account_webhook", ()), ("service", ())]


# --- the second round ------------------------------------------------------------------------------------------------


def test_a_service_by_itself_needs_nothing_more() -> None:
    assert second(configuration(declared("services.support")), *BOTH) == []


@pytest.mark.parametrize(
    ("section", "kind"),
    [
        ("configuration", "service_configuration"),
        ("notifications", "service_notification"),
        ("webhooks", "service_webhook"),
    ],
)
def test_a_singleton_that_the_files_name_is_read(section: str, kind: str) -> None:
    config = configuration(declared("services.support"), declared(f"services.support.{section}"))
    assert second(config, *BOTH) == [(kind, (SUPPORT,))]


def test_roles_are_read_with_the_configuration_that_says_which_are_defaults() -> None:
    config = configuration(declared("services.support"), declared("services.support.roles.agent"))
    assert second(config, *BOTH) == [("role", (SUPPORT,)), ("service_configuration", (SUPPORT,))]


def test_pruned_roles_are_read_with_the_configuration_that_says_which_are_defaults() -> None:
    config = configuration(declared("services.support"), pruned=[prune("services.support.roles")])
    assert second(config, *BOTH) == [("role", (SUPPORT,)), ("service_configuration", (SUPPORT,))]


def test_a_reference_to_a_role_needs_the_roles() -> None:
    own = reference('services.support.roles["channel admin"]', built_in="channel admin")
    config = configuration(
        declared("services.support"),
        declared("services.support.configuration", {"default_conversation_creator_role": own}),
    )
    assert second(config, *BOTH) == [("role", (SUPPORT,)), ("service_configuration", (SUPPORT,))]


def test_a_role_by_its_sid_is_looked_for() -> None:
    config = configuration(
        declared("services.support"),
        declared("services.support.configuration", {"default_conversation_role": sid("RL")}),
    )
    assert second(config, *BOTH) == [("role", (SUPPORT,)), ("service_configuration", (SUPPORT,))]


def test_a_reference_to_a_service_needs_nothing_more() -> None:
    config = configuration(
        declared("services.support"),
        declared("account.configuration", {"default_service": reference("services.support")}),
        declared("addresses.main", {"auto_creation.service": reference("services.support")}),
    )
    assert first(config) == [ACCOUNT, ("address_configuration", ()), ("service", ())]
    assert second(config, *BOTH) == []


def test_a_service_that_is_yet_to_be_needs_nothing() -> None:
    config = configuration(
        declared("services.support"),
        declared("services.support.roles.agent"),
        declared("services.support.webhooks"),
        pruned=[prune("services.support.roles")],
    )
    assert second(config, service("sales", 2)) == []


def test_a_service_that_must_not_exist_needs_nothing() -> None:
    config = configuration(
        declared("services.support", absent=True),
        declared("services.support.roles.agent"),
        declared("services.support.webhooks"),
        pruned=[prune("services.support.roles")],
    )
    assert second(config, *BOTH) == []


def test_a_role_that_must_not_exist_is_looked_for() -> None:
    config = configuration(declared("services.support"), declared("services.support.roles.agent", absent=True))
    assert second(config, *BOTH) == [("role", (SUPPORT,)), ("service_configuration", (SUPPORT,))]


def test_a_pinned_service_is_read_by_its_sid() -> None:
    config = configuration(declared("services.x", pin=SALES), declared("services.x.webhooks"))
    assert second(config, *BOTH) == [("service_webhook", (SALES,))]


def test_every_service_is_read_by_itself_and_every_list_once() -> None:
    config = configuration(
        declared("services.support"),
        declared("services.support.roles.a"),
        declared("services.support.roles.b"),
        declared(
            "services.support.configuration", {"default_conversation_role": reference("services.support.roles.a")}
        ),
        declared("services.sales"),
        declared("services.sales.roles.a"),
        declared("services.sales.webhooks"),
        pruned=[prune("services.support.roles")],
    )
    assert second(config, *BOTH) == [
        ("role", (SUPPORT,)),
        ("role", (SALES,)),
        ("service_configuration", (SUPPORT,)),
        ("service_configuration", (SALES,)),
        ("service_webhook", (SALES,)),
    ]


def test_an_unmanaged_service_is_never_read() -> None:
    config = configuration(
        declared("services.support"), declared("services.support.webhooks"), pruned=[prune("services")]
    )
    assert second(config, *BOTH) == [("service_webhook", (SUPPORT,))]


def test_without_a_live_parent_nothing_is_read() -> None:
    config = configuration(declared("services.support"), declared("services.support.webhooks"))
    other = {Address.of("services", "sales"): service("sales", 2)}
    assert scope.next_round(config, other) == ()


# --- long lists, and what is deeper ----------------------------------------------------------------------------------

LOBBY = "services.support.conversations.lobby"


def named(config: Config, *items: Live, depth: int = 1) -> dict[tuple[str, tuple[str, ...]], frozenset[str] | None]:
    """What a further round reads, each with the names that are wanted."""
    reads = scope.next_round(config, match(config, state(*items)).live, depth)
    return {(read.kind.name, read.parents): read.names for read in reads}


def test_of_a_long_list_only_what_is_named_is_wanted() -> None:
    config = configuration(
        declared("services.support"),
        declared("services.support.users.ada"),
        declared("services.support.users.bob", {"identity": "bob@example.com"}, renamed_from="bobby"),
        declared("services.support.users.eve", pin=sid("US", 7)),
        declared("services.support.users.zoe", absent=True),
    )
    assert named(config, *BOTH) == {
        ("user", (SUPPORT,)): frozenset({"ada", "bob@example.com", "bobby", sid("US", 7), "zoe"})
    }


def test_of_a_long_list_that_is_pruned_all_is_wanted() -> None:
    config = configuration(
        declared("services.support"),
        declared("services.support.users.ada"),
        pruned=[prune("services.support.users")],
    )
    assert named(config, *BOTH) == {("user", (SUPPORT,)): None}


def test_lists_that_cannot_be_read_by_name_are_wanted_whole() -> None:
    config = configuration(declared("services.support"), declared("services.support.roles.agent"))
    assert named(config, *BOTH)["role", (SUPPORT,)] is None


def test_what_stands_in_conversations_waits_for_the_third_round() -> None:
    config = configuration(
        declared("services.support"), declared(LOBBY), declared(f"{LOBBY}.participants.ada", {"identity": "ada"})
    )
    lobby = live("conversation", 1, {"unique_name": "lobby"}, parents=(SUPPORT,))
    assert named(config, *BOTH, lobby) == {("conversation", (SUPPORT,)): frozenset({"lobby"})}
    assert named(config, *BOTH, lobby, depth=2) == {("participant", (SUPPORT, lobby.sid)): None}
    assert list(scope.depths()) == [1, 2]


@pytest.mark.parametrize("gone", ["services.support", LOBBY])
def test_nothing_is_read_in_what_must_not_exist_however_deep(gone: str) -> None:
    config = configuration(
        declared("services.support", absent=gone == "services.support"),
        declared(LOBBY, absent=gone == LOBBY),
        declared(f"{LOBBY}.participants.ada", {"identity": "ada"}),
    )
    lobby = live("conversation", 1, {"unique_name": "lobby"}, parents=(SUPPORT,))
    there = {Address.parse("services.support"): BOTH[0], Address.parse(LOBBY): lobby}
    assert scope.next_round(config, there, 2) == ()


def test_who_points_to_a_service_matters_to_nothing_else_that_goes() -> None:
    assert first(configuration(declared("credentials.ios", {"type": "apn"}, absent=True))) == [
        ACCOUNT,
        ("credential", ()),
    ]


# --- searching for unmanaged resources -------------------------------------------------------------------------------

SEARCHING = Selection(searches=True)


def test_a_search_reads_every_list_that_operators_fill() -> None:
    config = configuration(declared("services.support"))
    top = ["account_configuration", "account_webhook", "address_configuration", "credential", "service"]
    assert told(scope.first_round(config, SEARCHING)) == [(kind, ()) for kind in top]
    found = match(config, state(*BOTH)).live
    # Nothing in services that are not declared, and no users, conversations, or participants.
    assert told(scope.next_round(config, found, selection=SEARCHING)) == [("role", (SUPPORT,))]
    assert told(scope.next_round(config, found, depth=2, selection=SEARCHING)) == []


def test_a_search_leaves_out_what_the_selection_leaves_out() -> None:
    narrowed = Selection(excludes=(Address.parse("credentials"), Address.parse("services")), searches=True)
    kinds = [kind for kind, _ in told(scope.first_round(configuration(), narrowed))]
    assert "credential" not in kinds
    assert "address_configuration" in kinds
