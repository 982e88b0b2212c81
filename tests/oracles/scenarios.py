# ruff: noqa: E501 - a block of a configuration is one line
"""Accounts and configurations for them, by name: what an apply is asked to do in the tests of single failures.

Each scenario is a function that fills an account by raw HTTP calls and returns a configuration, or several: all but the
last are then applied in peace, before anything is tested.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.oracles.account import Account

Setup = Callable[[Account], str | tuple[str, ...]]


@dataclass(frozen=True)
class Scenario:
    """What an apply is asked to do.

    Attributes:
        name: what happens, in words.
        setup: fills an account, and returns the configurations.
        options: of the command.
        ends: what an undisturbed apply exits with.
        has: parts of lines that the picture of the account has after an undisturbed apply.
        lacks: parts of lines that it does not have.
        environment: environment variables.
        repeats: whether every apply sends something, as one with ``--rotate`` does.
        xfail: why an oracle fails today; empty when it passes.
    """

    name: str
    setup: Setup
    options: tuple[str, ...] = ()
    ends: int = 0
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    repeats: bool = False
    xfail: str = ""

    @property
    def id(self) -> str:
        return self.name.replace(" ", "-")


SCENARIOS: list[Scenario] = []


def scenario(
    name: str,
    *options: str,
    ends: int = 0,
    has: tuple[str, ...] = (),
    lacks: tuple[str, ...] = (),
    environment: Mapping[str, str] | None = None,
    repeats: bool = False,
    xfail: str = "",
) -> Callable[[Setup], Setup]:
    """Add a scenario to the table."""

    def add(setup: Setup) -> Setup:
        SCENARIOS.append(Scenario(name, setup, options, ends, has, lacks, environment or {}, repeats, xfail))
        return setup

    return add


SECRET = {"PUSH_KEY": "AAAA" + "k" * 60, "NEXT_KEY": "BBBB" + "n" * 60, "HOOK_TOKEN": "t0ken-of-the-hook"}
CUSTOMER, PROXY = "+14155550177", "+14155550101"
FLOW = "FW" + "1" * 32
MEMBER = "type: service, permissions: [joinConversation]"
READER = "type: conversation, permissions: [sendMessage]"


def support(*lines: str, then: str = "") -> str:
    """A configuration of one service; the lines are its blocks."""
    inside = "".join(f"    {line}\n" for line in lines)
    return f"version: 1\nservices:\n  support:\n    friendly_name: Support\n{inside}{then}"


def account_wide(*lines: str) -> str:
    return "version: 1\n" + "".join(f"{line}\n" for line in lines)


# --- Creates of each kind -----------------------------------------------------------------------------------------


@scenario("a service is created", has=("/service:Support ",))
def _(_account: Account) -> str:
    return support()


@scenario("a service is created with everything in it", has=("/participant:ada", "/webhook:studio"))
def _(_account: Account) -> str:
    return support(
        "configuration: {default_chat_service_role: member, default_conversation_role: reader}",
        f"roles: {{member: {{{MEMBER}}}, reader: {{{READER}}}}}",
        "users: {ada: {role: member, attributes: {team: 1}}, bob: {}}",
        "notifications: {log_enabled: true}",
        "webhooks: {method: POST, filters: [onMessageAdded], post_webhook_url: https://a.example/post}",
        "conversations:",
        "  room:",
        "    friendly_name: Room",
        f"    participants: {{ada: {{identity: ada, role: reader}}, out: {{address: '{CUSTOMER}', proxy_address: '{PROXY}'}}}}",
        f"    webhooks: {{bot: {{target: studio, flow_sid: {FLOW}}}}}",
    )


@scenario("roles of both types are created")
def _(account: Account) -> str:
    account.service("Support")
    return support(f"roles: {{member: {{{MEMBER}}}, reader: {{{READER}}}}}")


@scenario(
    "a role is created and becomes a default",
    has=('"default_chat_service_role_sid": "→/service:Support/role:service:member',),
)
def _(account: Account) -> str:
    account.service("Support")
    return support(f"roles: {{member: {{{MEMBER}}}}}", "configuration: {default_chat_service_role: member}")


@scenario("users are created with a new role", has=("/user:ada ",))
def _(account: Account) -> str:
    account.service("Support")
    return support(
        f"roles: {{member: {{{MEMBER}}}}}", "users: {ada: {role: member, friendly_name: Ada}, bob: {role: member}}"
    )


@scenario(
    "a user is created while another default is set",
    has=('/user:zoe {"attributes": {}, "friendly_name": null, "role_sid": "→/service:Support/role:service:member"}',),
)
def _(account: Account) -> str:
    account.service("Support")
    return support(
        f"roles: {{member: {{{MEMBER}}}}}", "configuration: {default_chat_service_role: member}", "users: {zoe: {}}"
    )


@scenario("a conversation is created with timers and attributes", has=('"inactive": "PT1H"',))
def _(account: Account) -> str:
    account.service("Support")
    return support(
        "conversations: {room: {friendly_name: Room, state: active, attributes: {a: [1]}, timers: {inactive: PT1H, closed: P1D}}}"
    )


@scenario("a conversation is created and closed", has=('"state": "closed"',))
def _(account: Account) -> str:
    account.service("Support")
    return support("conversations: {room: {friendly_name: Room, state: closed}}")


@scenario("a conversation is created with an email binding")
def _(account: Account) -> str:
    account.service("Support")
    return support("conversations: {room: {bindings: {email: {address: desk@example.com, name: Desk}}}}")


@scenario(
    "participants are created while another default is set",
    has=('"role_sid": "→/service:Support/role:conversation:reader"',),
    lacks=(
        '/participant:zoe {"attributes": {}, "chat_service_sid": "→/service:Support", "last_read_message_index": null, "last_read_timestamp": null, "messaging_binding": null, "notification_level": "default", "role_sid": "→/service:Support/role:conversation:channel user"}',
    ),
)
def _(account: Account) -> str:
    account.conversation(account.service("Support"), "room")
    return support(
        f"roles: {{reader: {{{READER}}}}}",
        "configuration: {default_conversation_role: reader}",
        f"conversations: {{room: {{participants: {{zoe: {{identity: zoe}}, out: {{address: '{CUSTOMER}', proxy_address: '{PROXY}'}}}}}}}}",
    )


@scenario("webhooks of every target are created")
def _(account: Account) -> str:
    account.conversation(account.service("Support"), "room")
    return support(
        "conversations:",
        "  room:",
        "    webhooks:",
        "      crm: {target: webhook, url: https://a.example/1, filters: [onMessageAdded]}",
        "      two: {target: webhook, url: https://a.example/2, filters: [onMessageAdded]}",
        f"      bot: {{target: studio, flow_sid: {FLOW}}}",
        "      words: {target: trigger, url: https://a.example/3, method: POST, triggers: [help]}",
    )


@scenario("addresses are created in a new service", has=('"conversation_service_sid": "→/service:Support"',))
def _(_account: Account) -> str:
    return support(
        then="addresses:\n"
        f"  '{PROXY}': {{friendly_name: Main, auto_creation: {{enabled: true, type: webhook, service: support, "
        "webhook_url: https://a.example/in, webhook_method: POST, webhook_filters: [onMessageAdded]}}\n"
        f"  'whatsapp:{PROXY}': {{auto_creation: {{enabled: true, type: studio, studio_flow_sid: {FLOW}}}}}\n"
    )


@scenario(
    "credentials are created from secrets", environment=SECRET, has=("/credential:fcm:Push", "/credential:gcm:Old push")
)
def _(_account: Account) -> str:
    return account_wide(
        "credentials:",
        "  push: {type: fcm, friendly_name: Push, secret: '${secret:PUSH_KEY}'}",
        "  old: {type: gcm, friendly_name: Old push, api_key: '${secret:NEXT_KEY}'}",
    )


@scenario("a new service becomes the account's default", has=('"default_chat_service_sid": "→/service:Support"',))
def _(_account: Account) -> str:
    return support(then="account: {configuration: {default_service: support}}\n")


@scenario("two services are created that refer to each other's roles by name")
def _(_account: Account) -> str:
    return account_wide(
        "services:",
        f"  one: {{roles: {{member: {{{MEMBER}}}}}, users: {{ada: {{role: member}}}}}}",
        f"  two: {{roles: {{member: {{{MEMBER}}}}}, users: {{ada: {{role: member}}}}}}",
    )


@scenario("a role beside one of the same name and another type")
def _(account: Account) -> str:
    service = account.service("Support")
    account.role(service, "agent", "service")
    account.role(service, "agent", "conversation")
    return support(
        "roles: {one: {friendly_name: agent, type: service, permissions: [joinConversation, createConversation]}, "
        "two: {friendly_name: agent, type: conversation, permissions: [sendMessage, leaveConversation]}}"
    )


# --- Updates of each kind -----------------------------------------------------------------------------------------


@scenario("the account's settings are updated", has=('"default_inactive_timer": "PT15M"',))
def _(_account: Account) -> str:
    return account_wide(
        "account:",
        "  configuration: {default_inactive_timer: PT15M, default_closed_timer: P30D}",
        "  webhooks: {target: webhook, method: POST, filters: [onMessageAdded], post_webhook_url: https://a.example/x}",
    )


@scenario("a service's settings are updated and others stay", has=('"pre_webhook_url": "https://keep.example/pre"',))
def _(account: Account) -> str:
    service = account.service("Support")
    account.post(f"{service}/Configuration/Webhooks", PreWebhookUrl="https://keep.example/pre")
    return support(
        "configuration: {reachability_enabled: true}",
        "notifications: {new_message: {enabled: true, template: Hello, sound: ring}}",
        "webhooks: {method: POST, filters: [onMessageAdded], post_webhook_url: https://a.example/post}",
    )


@scenario("permissions of a role are updated")
def _(account: Account) -> str:
    service = account.service("Support")
    account.user(service, "ada", account.role(service, "member"))
    return support("roles: {member: {type: service, permissions: [joinConversation, editOwnUserInfo]}}")


@scenario(
    "permissions of a built-in role are updated",
    has=('role:service:service user {"friendly_name": "service user", "permissions": ["joinConversation"]',),
)
def _(account: Account) -> str:
    account.service("Support")
    return support("roles: {service user: {type: service, permissions: [joinConversation]}}")


@scenario("permissions of a built-in role of a new service are updated")
def _(_account: Account) -> str:
    return support("roles: {channel user: {type: conversation, permissions: [sendMessage]}}", "users: {ada: {}}")


@scenario(
    "a user's role and name are updated, and its attributes stay",
    has=('/user:ada {"attributes": {"keep": 1}, "friendly_name": "Ada"',),
)
def _(account: Account) -> str:
    service = account.service("Support")
    account.user(service, "ada", Attributes='{"keep": 1}')
    return support(f"roles: {{member: {{{MEMBER}}}}}", "users: {ada: {friendly_name: Ada, role: member}}")


@scenario("a conversation is updated and closed at last", has=('"state": "closed"', '"friendly_name": "New"'))
def _(account: Account) -> str:
    account.conversation(account.service("Support"), "room", FriendlyName="Old", Attributes='{"keep": 1}')
    return support("conversations: {room: {friendly_name: New, state: closed}}")


@scenario("a participant's role and attributes are updated")
def _(account: Account) -> str:
    room = account.conversation(account.service("Support"), "room")
    account.member(room, "ada", Attributes='{"old": 1}')
    account.pair(room, CUSTOMER, PROXY)
    return support(
        f"roles: {{reader: {{{READER}}}}}",
        "conversations:",
        f"  room: {{participants: {{ada: {{identity: ada, role: reader, attributes: {{new: 1}}}}, out: {{address: '{CUSTOMER}', "
        f"proxy_address: '{PROXY}', role: reader}}}}}}",
    )


@scenario("a webhook's filters are updated")
def _(account: Account) -> str:
    account.hook(account.conversation(account.service("Support"), "room"), "https://a.example/1")
    return support(
        "conversations: {room: {webhooks: {crm: {target: webhook, url: https://a.example/1, method: GET, "
        "filters: [onMessageAdded, onMessageUpdated]}}}}"
    )


@scenario(
    "an address is moved to another service",
    has=('"conversation_service_sid": "→/service:Sales"', '"webhook_url": "https://keep.example/in"'),
)
def _(account: Account) -> str:
    service = account.service("Support")
    account.address(
        PROXY,
        FriendlyName="Main",
        AutoCreation__Enabled="true",
        AutoCreation__Type="webhook",
        AutoCreation__WebhookUrl="https://keep.example/in",
        AutoCreation__ConversationServiceSid=service[-34:],
    )
    return support(
        then=f"  sales: {{friendly_name: Sales}}\naddresses: {{'{PROXY}': {{auto_creation: {{service: sales}}}}}}\n"
    )


@scenario("an address changes from a webhook to a Studio flow", has=('"studio_flow_sid"', '"friendly_name": "Main"'))
def _(account: Account) -> str:
    account.address(
        PROXY,
        FriendlyName="Main",
        AutoCreation__Enabled="true",
        AutoCreation__Type="webhook",
        AutoCreation__WebhookUrl="https://a.example/in",
    )
    return account_wide(
        f"addresses: {{'{PROXY}': {{auto_creation: {{enabled: true, type: studio, studio_flow_sid: {FLOW}}}}}}}"
    )


@scenario("a credential is sent again", "--rotate", "credentials.push", environment=SECRET, repeats=True)
def _(account: Account) -> str:
    account.post("/v1/Credentials", Type="fcm", FriendlyName="Push", Secret="old" * 20)
    return account_wide("credentials: {push: {type: fcm, friendly_name: Push, secret: '${secret:PUSH_KEY}'}}")


@scenario("a webhook URL with a secret is updated", environment=SECRET, has=("t0ken-of-the-hook",))
def _(account: Account) -> str:
    account.service("Support")
    return support("webhooks: {post_webhook_url: 'https://a.example/post?token=${secret:HOOK_TOKEN}'}")


@scenario("values are cleared", has=('/user:ada {"attributes": {"keep": 1}',))
def _(account: Account) -> str:
    service = account.service("Support")
    account.user(service, "ada", FriendlyName="Ada", Attributes='{"keep": 1}')
    account.post(f"{service}/Configuration/Webhooks", PostWebhookUrl="https://a.example", Filters=["onMessageAdded"])
    return support("users: {ada: {friendly_name: null}}", "webhooks: {post_webhook_url: null, filters: null}")


# --- Replaces -----------------------------------------------------------------------------------------------------


@scenario("a role changes its type", lacks=("role:service:agent",), has=("role:conversation:agent",))
def _(account: Account) -> str:
    account.role(account.service("Support"), "agent", "service")
    return support(f"roles: {{agent: {{{READER}}}}}")


@scenario(
    "a default role is renamed",
    has=('"default_chat_service_role_sid": "→/service:Support/role:service:member"',),
    lacks=("old-member",),
)
def _(account: Account) -> str:
    service = account.service("Support")
    account.default_roles(service, user=account.role(service, "old-member"))
    return support(f"roles: {{member: {{renamed_from: old-member, {MEMBER}}}}}")


@scenario("a default role is renamed and declared as the default", lacks=("old-member",))
def _(account: Account) -> str:
    service = account.service("Support")
    account.default_roles(service, user=account.role(service, "old-member"))
    return support(
        f"roles: {{member: {{renamed_from: old-member, {MEMBER}}}}}",
        "configuration: {default_chat_service_role: member}",
    )


@scenario("a role that is two defaults is renamed", lacks=("old-reader",))
def _(account: Account) -> str:
    service = account.service("Support")
    role = account.role(service, "old-reader", "conversation")
    account.default_roles(service, member=role, creator=role)
    return support(f"roles: {{reader: {{renamed_from: old-reader, {READER}}}}}")


@scenario(
    "a user without a role is new while the default role is renamed",
    has=('/user:zoe {"attributes": {}, "friendly_name": null, "role_sid": "→/service:Support/role:service:member"}',),
    lacks=("old-member",),
)
def _(account: Account) -> str:
    service = account.service("Support")
    account.default_roles(
        service, user=account.role(service, "old-member", "service", "joinConversation", "deleteConversation")
    )
    return support(f"roles: {{member: {{renamed_from: old-member, {MEMBER}}}}}", "users: {zoe: {}}")


@scenario(
    "a participant without a role is new while the default role is renamed",
    lacks=("old-reader",),
)
def _(account: Account) -> str:
    service = account.service("Support")
    account.default_roles(service, member=account.role(service, "old-reader", "conversation"))
    account.conversation(service, "room")
    return support(
        f"roles: {{reader: {{renamed_from: old-reader, {READER}}}}}",
        f"conversations: {{room: {{participants: {{out: {{address: '{CUSTOMER}', proxy_address: '{PROXY}'}}}}}}}}",
    )


@scenario(
    "a participant that makes its user is new while the default role is renamed",
    lacks=("old-member",),
)
def _(account: Account) -> str:
    service = account.service("Support")
    account.default_roles(service, user=account.role(service, "old-member"))
    account.conversation(service, "room")
    return support(
        f"roles: {{member: {{renamed_from: old-member, {MEMBER}}}}}",
        "conversations: {room: {participants: {zoe: {identity: zoe}}}}",
    )


@scenario(
    "a new user while the default role changes its type",
    has=("/user:zoe",),
)
def _(account: Account) -> str:
    service = account.service("Support")
    account.default_roles(service, user=account.role(service, "agent", "service"))
    return support(
        f"roles: {{agent: {{{READER}}}, member: {{{MEMBER}}}}}",
        "configuration: {default_chat_service_role: member}",
        "users: {zoe: {}}",
    )


@scenario("a renamed role is held by a managed user and participant", lacks=('"old',))
def _(account: Account) -> str:
    service = account.service("Support")
    account.user(service, "ada", account.role(service, "old-member"))
    account.member(account.conversation(service, "room"), "ada", account.role(service, "old-reader", "conversation"))
    return support(
        f"roles: {{member: {{renamed_from: old-member, {MEMBER}}}, reader: {{renamed_from: old-reader, {READER}}}}}",
        "users: {ada: {role: member}}",
        "conversations: {room: {participants: {ada: {identity: ada, role: reader}}}}",
    )


@scenario(
    "a renamed role is held by an unmanaged user",
    ends=5,
    has=("role:service:member", "role:service:old-member", "/user:eve"),
)
def _(account: Account) -> str:
    service = account.service("Support")
    account.user(service, "eve", account.role(service, "old-member"))
    return support(f"roles: {{member: {{renamed_from: old-member, {MEMBER}}}}}")


@scenario(
    "a renamed role is held by a managed user that states no role",
    ends=5,
    has=('/user:ada {"attributes": {}, "friendly_name": "Ada"',),
)
def _(account: Account) -> str:
    service = account.service("Support")
    account.user(service, "ada", account.role(service, "old-member"))
    return support(f"roles: {{member: {{renamed_from: old-member, {MEMBER}}}}}", "users: {ada: {friendly_name: Ada}}")


@scenario("a webhook gives way to one of another target", lacks=("webhook:webhook",), has=("webhook:studio",))
def _(account: Account) -> str:
    account.hook(account.conversation(account.service("Support"), "room"), "https://a.example/1")
    return support(
        "conversations:",
        "  room:",
        "    webhooks:",
        "      crm: {target: webhook, url: https://a.example/1, absent: true}",
        f"      bot: {{target: studio, flow_sid: {FLOW}}}",
    )


@scenario(
    "an address changes its country",
    has=('"address_country": "CA"', '"friendly_name": "Short"', "https://keep.example/in"),
)
def _(account: Account) -> str:
    account.address(
        "55500",
        FriendlyName="Short",
        AddressCountry="US",
        AutoCreation__Enabled="true",
        AutoCreation__Type="webhook",
        AutoCreation__WebhookUrl="https://keep.example/in",
    )
    return account_wide("addresses: {'55500': {type: sms, address_country: CA}}")


@scenario(
    "an address changes its country and moves to a new service",
    has=('"address_country": "CA"', '"friendly_name": "Short"', "https://keep.example/in"),
)
def _(account: Account) -> str:
    account.address(
        "55500",
        FriendlyName="Short",
        AddressCountry="US",
        AutoCreation__Enabled="true",
        AutoCreation__Type="webhook",
        AutoCreation__WebhookUrl="https://keep.example/in",
    )
    return support(then="addresses: {'55500': {type: sms, address_country: CA, auto_creation: {service: support}}}\n")


@scenario("a participant gets another proxy address", has=('"attributes": {"vip": true}',))
def _(account: Account) -> str:
    room = account.conversation(account.service("Support"), "room")
    account.pair(room, CUSTOMER, PROXY, Attributes='{"vip": true}')
    return support(
        f"conversations: {{room: {{participants: {{out: {{renamed_from: '{CUSTOMER} via {PROXY}', address: '{CUSTOMER}', proxy_address: '+14155550102'}}}}}}}}"
    )


@scenario(
    "a conversation's participant is replaced with a role that is new",
    has=('"attributes": {"vip": true}', "role:conversation:reader"),
)
def _(account: Account) -> str:
    room = account.conversation(account.service("Support"), "room")
    account.pair(room, CUSTOMER, PROXY, Attributes='{"vip": true}')
    return support(
        f"roles: {{reader: {{{READER}}}}}",
        f"conversations: {{room: {{participants: {{out: {{renamed_from: '{CUSTOMER} via {PROXY}', address: '{CUSTOMER}', "
        "proxy_address: '+14155550102', role: reader}}}}",
    )


@scenario("a credential of another type beside the old one", environment=SECRET)
def _(account: Account) -> str:
    sid = account.post("/v1/Credentials", Type="gcm", FriendlyName="Push", ApiKey="old" * 20)
    return account_wide(
        f"credentials: {{push: {{sid: {sid}, type: fcm, friendly_name: Push, secret: '${{secret:PUSH_KEY}}'}}}}"
    )


# --- Renames ------------------------------------------------------------------------------------------------------


@scenario(
    "an address is renamed",
    has=('"friendly_name": "Main"', "https://keep.example/in", "address:+14155550122"),
    lacks=("address:+14155550101",),
)
def _(account: Account) -> str:
    account.address(
        PROXY,
        FriendlyName="Main",
        AutoCreation__Enabled="true",
        AutoCreation__Type="webhook",
        AutoCreation__WebhookUrl="https://keep.example/in",
    )
    return account_wide(f"addresses: {{main: {{address: '+14155550122', renamed_from: '{PROXY}'}}}}")


@scenario(
    "an address is renamed into a service that is new",
    has=('"friendly_name": "Main line"', "https://prod.example/in", '"conversation_service_sid": "→/service:Support"'),
)
def _(account: Account) -> str:
    account.address(
        PROXY,
        FriendlyName="Main line",
        AutoCreation__Enabled="true",
        AutoCreation__Type="webhook",
        AutoCreation__WebhookUrl="https://prod.example/in",
    )
    return support(
        then=f"addresses: {{main: {{address: '+14155550122', renamed_from: '{PROXY}', auto_creation: {{service: support}}}}}}\n"
    )


@scenario(
    "two addresses are renamed in a chain",
    has=("address:+14155550103", '"friendly_name": "First"', '"friendly_name": "Second"'),
)
def _(account: Account) -> str:
    account.address(PROXY, FriendlyName="First")
    account.address("+14155550102", FriendlyName="Second")
    return account_wide(
        "addresses:",
        f"  first: {{address: '+14155550102', renamed_from: '{PROXY}'}}",
        "  second: {address: '+14155550103', renamed_from: '+14155550102'}",
    )


@scenario(
    "a user is renamed",
    has=('/user:ada.l {"attributes": {"team": 1}, "friendly_name": "Ada"',),
    lacks=("/user:ada {",),
)
def _(account: Account) -> str:
    service = account.service("Support")
    account.user(service, "ada", account.role(service, "member"), FriendlyName="Ada", Attributes='{"team": 1}')
    return support("users: {ada.l: {renamed_from: ada}}")


@scenario(
    "a user is renamed with a role that is new",
    has=('/user:ada.l {"attributes": {"team": 1}, "friendly_name": "Ada"',),
)
def _(account: Account) -> str:
    service = account.service("Support")
    account.user(service, "ada", FriendlyName="Ada", Attributes='{"team": 1}')
    return support(f"roles: {{member: {{{MEMBER}}}}}", "users: {ada.l: {renamed_from: ada, role: member}}")


@scenario("a user with memberships is renamed together with them")
def _(account: Account) -> str:
    service = account.service("Support")
    account.user(service, "ada", FriendlyName="Ada")
    account.member(account.conversation(service, "room"), "ada", Attributes='{"seat": 1}')
    return support(
        "users: {ada.l: {renamed_from: ada}}",
        "conversations: {room: {participants: {ada.l: {identity: ada.l, renamed_from: ada}}}}",
    )


@scenario("a conversation is renamed in place", has=("conversation:hall", "/message:0"))
def _(account: Account) -> str:
    room = account.conversation(account.service("Support"), "room", FriendlyName="Room")
    account.post(f"{room}/Messages", Body="history")
    return support("conversations: {hall: {renamed_from: room}}")


@scenario("two conversations swap in a chain of renames", has=("conversation:c ", "conversation:b "))
def _(account: Account) -> str:
    service = account.service("Support")
    account.conversation(service, "a", FriendlyName="A")
    account.conversation(service, "b", FriendlyName="B")
    return support("conversations: {b: {renamed_from: a}, c: {renamed_from: b}}")


@scenario(
    "a chain of three conversations",
    has=('"friendly_name": "A"', '"friendly_name": "B"', '"friendly_name": "C"'),
)
def _(account: Account) -> str:
    service = account.service("Support")
    for name in "abc":
        account.conversation(service, name, FriendlyName=name.upper())
    return support("conversations: {b: {renamed_from: a}, c: {renamed_from: b}, d: {renamed_from: c}}")


@scenario("a credential is renamed in place", environment=SECRET, has=("credential:fcm:Droid",), lacks=("fcm:Push",))
def _(account: Account) -> str:
    account.post("/v1/Credentials", Type="fcm", FriendlyName="Push", Secret="old" * 20)
    return account_wide(
        "credentials: {push: {type: fcm, friendly_name: Droid, renamed_from: Push, secret: '${secret:PUSH_KEY}'}}"
    )


@scenario(
    "a participant is renamed",
    has=('"attributes": {"vip": true}', "+14155550178"),
    lacks=(f":{CUSTOMER}>",),
)
def _(account: Account) -> str:
    account.pair(account.conversation(account.service("Support"), "room"), CUSTOMER, PROXY, Attributes='{"vip": true}')
    return support(
        f"conversations: {{room: {{participants: {{out: {{address: '+14155550178', proxy_address: '{PROXY}', "
        f"renamed_from: '{CUSTOMER} via {PROXY}'}}}}}}}}"
    )


@scenario(
    "two roles are renamed in a chain",
    lacks=("role:service:a ",),
    has=("role:service:b ", "role:service:c "),
)
def _(account: Account) -> str:
    service = account.service("Support")
    account.default_roles(service, user=account.role(service, "a", "service", "joinConversation"))
    account.user(service, "ada", account.role(service, "b", "service", "createConversation"))
    return support(
        "roles: {b: {renamed_from: a, type: service, permissions: [joinConversation]}, "
        "c: {renamed_from: b, type: service, permissions: [createConversation]}}",
        "users: {ada: {role: c}}",
    )


@scenario(
    "three roles are renamed in a chain and one of them is held",
    ends=5,
    has=('"friendly_name": "b", "permissions": ["leaveConversation"]',),
)
def _(account: Account) -> str:
    service = account.service("Support")
    account.default_roles(service, member=account.role(service, "a", "conversation", "sendMessage"))
    held = account.role(service, "b", "conversation", "leaveConversation")
    account.role(service, "c", "conversation", "sendMediaMessage")
    account.post(f"{account.conversation(service, 'room')}/Participants", Identity="ada", RoleSid=held)
    return support(
        "roles: {b: {renamed_from: a, type: conversation, permissions: [sendMessage]}, "
        "c: {renamed_from: b, type: conversation, permissions: [leaveConversation]}, "
        "d: {renamed_from: c, type: conversation, permissions: [sendMediaMessage]}}",
        "configuration: {default_conversation_role: b}",
    )


@scenario(
    "four roles are renamed in a chain",
    lacks=("role:service:a ",),
    has=("role:service:b ", "role:service:c ", "role:service:d ", "role:service:e "),
)
def _(account: Account) -> str:
    service = account.service("Support")
    account.default_roles(service, user=account.role(service, "a", "service", "joinConversation"))
    for name, permission in (("b", "createConversation"), ("c", "deleteConversation"), ("d", "editConversationName")):
        account.user(service, f"holder of {name}", account.role(service, name, "service", permission))
    return support(
        "roles: {b: {renamed_from: a, type: service, permissions: [joinConversation]}, "
        "c: {renamed_from: b, type: service, permissions: [createConversation]}, "
        "d: {renamed_from: c, type: service, permissions: [deleteConversation]}, "
        "e: {renamed_from: d, type: service, permissions: [editConversationName]}}",
        "users: {'holder of b': {role: c}, 'holder of c': {role: d}, 'holder of d': {role: e}}",
        "configuration: {default_chat_service_role: b}",
    )


@scenario(
    "a stale former name beside a role of the new name",
    has=("role:service:old-member", "role:service:member"),
)
def _(account: Account) -> str:
    service = account.service("Support")
    account.role(service, "old-member")
    account.role(service, "member")
    return support(f"roles: {{member: {{renamed_from: old-member, {MEMBER}}}}}")


@scenario("a stale former name of a user beside the new one", has=("/user:ada ", "/user:ada.l "))
def _(account: Account) -> str:
    service = account.service("Support")
    account.user(service, "ada")
    account.user(service, "ada.l")
    return support("users: {ada.l: {renamed_from: ada, friendly_name: Ada}}")


@scenario("a role is renamed after it was created by an earlier configuration", lacks=("role:service:agent ",))
def _(account: Account) -> tuple[str, str]:
    account.service("Support")
    users = "users: {ada: {role: agent}}"
    return (
        support(f"roles: {{agent: {{{MEMBER}}}}}", users, "configuration: {default_chat_service_role: agent}"),
        support(
            f"roles: {{agent: {{friendly_name: helper, renamed_from: agent, {MEMBER}}}}}",
            users,
            "configuration: {default_chat_service_role: agent}",
        ),
    )


@scenario(
    "a default role is renamed whose rename is cut short",
    has=('"default_chat_service_role_sid": "→/service:Support/role:service:member"',),
)
def _(account: Account) -> str:
    # What is left when a run ends after the create: both roles, the former one still the default.
    service = account.service("Support")
    account.default_roles(service, user=account.role(service, "old-member"))
    account.role(service, "member")
    return support(
        f"roles: {{member: {{renamed_from: old-member, {MEMBER}}}}}",
        "configuration: {default_chat_service_role: member}",
    )


@scenario(
    "a user that states no role is renamed together with the role that it holds",
    lacks=("old-member", "/user:ada "),
    has=('"friendly_name": "Ada", "role_sid": "→/service:Support/role:service:member"',),
)
def _(account: Account) -> str:
    service = account.service("Support")
    account.user(service, "ada", account.role(service, "old-member"), FriendlyName="Ada")
    return support(f"roles: {{member: {{renamed_from: old-member, {MEMBER}}}}}", "users: {ada.l: {renamed_from: ada}}")


# --- Deletes ------------------------------------------------------------------------------------------------------


@scenario(
    "something of each kind is absent",
    "--approve",
    "services.gone",
    "--approve",
    "services.support.conversations.hall",
    lacks=("/user:eve", "role:service:member", "service:Gone", "conversation:hall", "credential:fcm", "/address:"),
)
def _(account: Account) -> str:
    service = account.service("Support")
    account.role(service, "member")
    account.user(service, "eve")
    account.conversation(service, "hall")
    room = account.conversation(service, "room")
    account.member(room, "ada")
    account.hook(room, "https://a.example/1")
    account.user(account.service("Gone"), "old")
    account.address(PROXY)
    account.post("/v1/Credentials", Type="fcm", FriendlyName="Push", Secret="old" * 20)
    return support(
        "roles: {member: {type: service, absent: true}}",
        "users: {eve: {absent: true}}",
        "conversations:",
        "  hall: {absent: true}",
        "  room:",
        "    participants: {ada: {identity: ada, absent: true}}",
        "    webhooks: {crm: {target: webhook, url: https://a.example/1, absent: true}}",
        then="  gone: {friendly_name: Gone, absent: true}\n"
        f"addresses: {{'{PROXY}': {{absent: true}}}}\n"
        "credentials: {push: {type: fcm, friendly_name: Push, absent: true}}\n",
    )


@scenario(
    "roles are pruned but for exceptions",
    has=("role:service:[vip] agent", "role:service:keep"),
    lacks=("role:service:temp", "role:service:v agent"),
)
def _(account: Account) -> str:
    service = account.service("Support")
    for name in ("temp", "[vip] agent", "v agent", "keep"):
        account.role(service, name)
    return support("roles: {}", "prune: {roles: {except: ['[vip] agent', 'k?ep']}}")


@scenario("users are pruned by a pattern", has=("/user:ada ", "/user:BOT-2"), lacks=("/user:bot-1",))
def _(account: Account) -> str:
    service = account.service("Support")
    for name in ("ada", "bot-1", "BOT-2"):
        account.user(service, name)
    return support("users: {}", "prune: {users: {match: 'bot-*'}}")


@scenario("participants and webhooks are pruned", lacks=("participant:eve", "a.example/old"))
def _(account: Account) -> str:
    room = account.conversation(account.service("Support"), "room")
    account.member(room, "eve")
    account.hook(room, "https://a.example/old", "onMessageRemoved")
    return support(
        "conversations:",
        "  room:",
        "    participants: {ada: {identity: ada}}",
        f"    webhooks: {{bot: {{target: studio, flow_sid: {FLOW}}}}}",
        "    prune: [participants, webhooks]",
    )


@scenario(
    "addresses and credentials are pruned",
    has=("/address:+14155550122",),
    lacks=("/address:+14155550101", "credential:gcm"),
)
def _(account: Account) -> str:
    account.address(PROXY)
    account.address("+14155550122")
    account.post("/v1/Credentials", Type="gcm", FriendlyName="Old", ApiKey="old" * 20)
    return account_wide(
        "addresses: {}",
        "credentials: {}",
        "prune: {addresses: {match: '+1*', except: ['+14155550122']}, credentials: {}}",
    )


@scenario(
    "a conversation is pruned with an approval",
    "--approve",
    'services.support.conversations["room"]',
    ends=4,
    has=("conversation:room",),
)
def _(account: Account) -> str:
    account.conversation(account.service("Support"), "room")
    return support("conversations: {hall: {}}", "prune: [conversations]")


@scenario(
    "a conversation is deleted that only a replace is approved for",
    ends=4,
    has=("conversation:room", "/message:0"),
)
def _(account: Account) -> str:
    room = account.conversation(account.service("Support"), "room")
    account.post(f"{room}/Messages", Body="history")
    return support(
        "conversations: {room: {absent: true}}",
        then="approvals: [{address: services.support.conversations.room, action: replace}]\n",
    )


@scenario(
    "a service is deleted that only a replace is approved for",
    ends=4,
    has=("/service:Old ",),
)
def _(account: Account) -> str:
    account.service("Old")
    return account_wide(
        "services: {old: {friendly_name: Old, absent: true}}", "approvals: [{address: services.old, action: replace}]"
    )


@scenario("more is deleted than the limits allow", ends=4, has=("/user:a ", "/user:b "))
def _(account: Account) -> str:
    service = account.service("Support")
    for name in "ab":
        account.user(service, name)
    return support("users: {a: {absent: true}, b: {absent: true}, c: {}}", then="limits: {deletes: 1}\n")


@scenario("replaces count as deletes", ends=4, has=("role:service:a ", "role:service:b "))
def _(account: Account) -> str:
    service = account.service("Support")
    for name in "ab":
        account.role(service, name)
    return support(f"roles: {{a: {{{READER}}}, b: {{{READER}}}}}", then="limits: {deletes: 1}\n")


@scenario(
    "a role is pruned that users still hold",
    ends=5,
    has=("role:service:held", "/user:eve"),
    lacks=("role:service:free",),
)
def _(account: Account) -> str:
    service = account.service("Support")
    account.user(service, "eve", account.role(service, "held"))
    account.role(service, "free")
    return support("roles: {}", "prune: [roles]")


@scenario("a role is absent whose holder moves to another one", lacks=("role:service:old",))
def _(account: Account) -> str:
    service = account.service("Support")
    account.user(service, "ada", account.role(service, "old"))
    return support(f"roles: {{old: {{type: service, absent: true}}, new: {{{MEMBER}}}}}", "users: {ada: {role: new}}")


@scenario("a role is absent whose holder is absent too", lacks=("role:service:old", "/user:ada"))
def _(account: Account) -> str:
    service = account.service("Support")
    account.user(service, "ada", account.role(service, "old"))
    return support("roles: {old: {type: service, absent: true}}", "users: {ada: {absent: true}}")


@scenario("the default role is absent", ends=5, has=("role:service:member",))
def _(account: Account) -> str:
    service = account.service("Support")
    account.default_roles(service, user=account.role(service, "member"))
    return support("roles: {member: {type: service, absent: true}}")


@scenario("the default moves and the former default is absent", has=("service user",))
def _(account: Account) -> tuple[str, str]:
    service = account.service("Support")
    account.default_roles(service, user=account.role(service, "member"))
    moved = "configuration: {default_chat_service_role: service user}"
    return support(moved), support("roles: {member: {type: service, absent: true}}", moved)


@scenario(
    "the account's default service is absent",
    "--approve",
    "services.main",
    ends=5,
    has=("service:Default Conversations Service ",),
)
def _(_account: Account) -> str:
    return account_wide("services: {main: {friendly_name: Default Conversations Service, absent: true}}")


@scenario(
    "a service that an address uses is absent",
    "--approve",
    "services.old",
    ends=5,
    has=("/service:Old ", '"conversation_service_sid": "→/service:Old"'),
)
def _(account: Account) -> str:
    service = account.service("Old")
    account.address(
        PROXY,
        AutoCreation__Enabled="true",
        AutoCreation__Type="default",
        AutoCreation__ConversationServiceSid=service[-34:],
    )
    return account_wide("services: {old: {friendly_name: Old, absent: true}}")


@scenario(
    "a service goes after its address has moved",
    "--approve",
    "services.old",
    lacks=("/service:Old",),
    has=('"conversation_service_sid": "→/service:Support"',),
)
def _(account: Account) -> str:
    service = account.service("Old")
    account.address(
        PROXY,
        AutoCreation__Enabled="true",
        AutoCreation__Type="default",
        AutoCreation__ConversationServiceSid=service[-34:],
    )
    return support(
        then="  old: {friendly_name: Old, absent: true}\n"
        f"addresses: {{'{PROXY}': {{auto_creation: {{service: support}}}}}}\n"
    )


@scenario("a service goes together with its address", "--approve", "services.old", lacks=("/service:Old", "/address:"))
def _(account: Account) -> str:
    service = account.service("Old")
    account.address(
        PROXY,
        AutoCreation__Enabled="true",
        AutoCreation__Type="default",
        AutoCreation__ConversationServiceSid=service[-34:],
    )
    return account_wide(
        "services: {old: {friendly_name: Old, absent: true}}", f"addresses: {{'{PROXY}': {{absent: true}}}}"
    )


@scenario(
    "a role is absent beside one of its name and another type",
    has=("role:conversation:agent",),
    lacks=("role:service:agent",),
)
def _(account: Account) -> str:
    service = account.service("Support")
    account.role(service, "agent", "service")
    account.role(service, "agent", "conversation")
    return support("roles: {agent: {type: service, absent: true}}")


@scenario(
    "a default role takes the name of a role of another type that is renamed",
    has=('"default_conversation_role_sid": "→/service:Support/role:conversation:b"', "role:service:c"),
    lacks=("role:conversation:a ",),
)
def _(account: Account) -> str:
    service = account.service("Support")
    account.default_roles(service, member=account.role(service, "a", "conversation"))
    account.role(service, "b", "service")
    return support(f"roles: {{b: {{{READER}, renamed_from: a}}, c: {{{MEMBER}, renamed_from: b}}}}")


# --- Pairs and capacity -------------------------------------------------------------------------------------------


@scenario(
    "a pair moves to another conversation", lacks=("conversation:a/participant",), has=("conversation:b/participant",)
)
def _(account: Account) -> str:
    service = account.service("Support")
    account.pair(account.conversation(service, "a"), CUSTOMER, PROXY)
    account.conversation(service, "b")
    pair = f"address: '{CUSTOMER}', proxy_address: '{PROXY}'"
    return support(
        f"conversations: {{a: {{participants: {{out: {{{pair}, absent: true}}}}}}, b: {{participants: {{out: {{{pair}}}}}}}}}"
    )


@scenario(
    "a pair moves from a conversation that prunes to a new one in a new service",
    lacks=("conversation:a/participant",),
    has=("service:Sales/conversation:b/participant",),
)
def _(account: Account) -> str:
    account.pair(account.conversation(account.service("Support"), "a"), CUSTOMER, PROXY)
    return support(
        "conversations: {a: {participants: {}, prune: [participants]}}",
        then=f"  sales: {{friendly_name: Sales, conversations: {{b: {{participants: {{out: {{address: '{CUSTOMER}', proxy_address: '{PROXY}'}}}}}}}}}}\n",
    )


@scenario(
    "a pair moves from a service that goes",
    "--approve",
    "services.old",
    lacks=("/service:Old",),
    has=("service:Support/conversation:room/participant",),
)
def _(account: Account) -> str:
    account.pair(account.conversation(account.service("Old"), "room"), CUSTOMER, PROXY)
    return support(
        f"conversations: {{room: {{participants: {{out: {{address: '{CUSTOMER}', proxy_address: '{PROXY}'}}}}}}}}",
        then="  old: {friendly_name: Old, absent: true}\n",
    )


@scenario(
    "a pair moves from a conversation that goes",
    "--approve",
    "services.support.conversations.a",
    lacks=("conversation:a",),
    has=("conversation:b/participant",),
)
def _(account: Account) -> str:
    service = account.service("Support")
    account.pair(account.conversation(service, "a"), CUSTOMER, PROXY)
    return support(
        f"conversations: {{a: {{absent: true}}, b: {{participants: {{out: {{address: '{CUSTOMER}', proxy_address: '{PROXY}'}}}}}}}}"
    )


@scenario(
    "two pairs change places",
    has=("conversation:a/participant::+14155550178", f"conversation:b/participant::{CUSTOMER}"),
)
def _(account: Account) -> str:
    service = account.service("Support")
    account.pair(account.conversation(service, "a"), CUSTOMER, PROXY)
    account.pair(account.conversation(service, "b"), "+14155550178", PROXY)
    one, two = (f"address: '{number}', proxy_address: '{PROXY}'" for number in (CUSTOMER, "+14155550178"))
    return support(
        f"conversations: {{a: {{participants: {{out: {{{two}}}}}, prune: [participants]}}, "
        f"b: {{participants: {{out: {{{one}}}}}, prune: [participants]}}}}"
    )


@scenario("the sixth webhook takes the place of one that goes", lacks=("a.example/0",), has=("a.example/6",))
def _(account: Account) -> str:
    room = account.conversation(account.service("Support"), "room")
    for number in range(5):
        account.hook(room, f"https://a.example/{number}")
    return support(
        "conversations:",
        "  room:",
        "    webhooks:",
        "      old: {target: webhook, url: https://a.example/0, filters: [onMessageAdded], absent: true}",
        "      new: {target: webhook, url: https://a.example/6, filters: [onMessageAdded]}",
    )


@scenario("five webhooks are pruned for others", lacks=("a.example/4",), has=("webhook:trigger", "webhook:studio"))
def _(account: Account) -> str:
    room = account.conversation(account.service("Support"), "room")
    for number in range(5):
        account.hook(room, f"https://a.example/{number}")
    return support(
        "conversations:",
        "  room:",
        "    prune: [webhooks]",
        "    webhooks:",
        f"      bot: {{target: studio, flow_sid: {FLOW}}}",
        "      words: {target: trigger, url: https://a.example/3, method: POST, triggers: [help]}",
    )


@scenario("a sixth webhook without a free place", ends=5, has=("a.example/4",), lacks=("a.example/6",))
def _(account: Account) -> str:
    room = account.conversation(account.service("Support"), "room", FriendlyName="Old")
    for number in range(5):
        account.hook(room, f"https://a.example/{number}")
    return support(
        "conversations: {room: {friendly_name: New, webhooks: {new: {target: webhook, url: https://a.example/6, filters: [onMessageAdded]}}}}"
    )


@scenario(
    "a full conversation's webhook is renamed",
    lacks=("a.example/0",),
    has=("a.example/9", "a.example/4"),
)
def _(account: Account) -> str:
    room = account.conversation(account.service("Support"), "room")
    for number in range(5):
        account.hook(room, f"https://a.example/{number}")
    return support(
        "conversations: {room: {webhooks: {crm: {renamed_from: 'webhook https://a.example/0', target: webhook, "
        "url: https://a.example/9, filters: [onMessageAdded]}}}}"
    )


@scenario(
    "a target of one role",
    "--target",
    "services.support.roles.member",
    has=("role:service:member",),
    lacks=("/user:ada", "role:service:other"),
)
def _(account: Account) -> str:
    account.service("Support")
    return support(f"roles: {{member: {{{MEMBER}}}, other: {{{MEMBER}}}}}", "users: {ada: {role: member}}")


@scenario(
    "a target of a user brings its role",
    "--target",
    "services.support.users.ada",
    has=("role:service:member", "/user:ada"),
    lacks=("/user:bob",),
)
def _(_account: Account) -> str:
    return support(f"roles: {{member: {{{MEMBER}}}}}", "users: {ada: {role: member}, bob: {}}")


@scenario(
    "an excluded role takes its holder along",
    "--exclude",
    "services.support.roles.member",
    has=("/user:bob",),
    lacks=("role:service:member", "/user:ada"),
)
def _(account: Account) -> str:
    account.service("Support")
    return support(f"roles: {{member: {{{MEMBER}}}}}", "users: {ada: {role: member}, bob: {}}")


@scenario(
    "a renamed default role is a target without the configuration",
    "--target",
    "services.support.roles.member",
    ends=5,
    has=("role:service:old-member",),
)
def _(account: Account) -> str:
    service = account.service("Support")
    account.default_roles(service, user=account.role(service, "old-member"))
    return support(
        f"roles: {{member: {{renamed_from: old-member, {MEMBER}}}}}",
        "configuration: {default_chat_service_role: member}",
    )


@scenario(
    "a default role is renamed while the configuration is excluded",
    "--exclude",
    "services.support.configuration",
    ends=5,
    has=("role:service:old-member",),
)
def _(account: Account) -> str:
    service = account.service("Support")
    account.default_roles(service, user=account.role(service, "old-member"))
    return support(
        f"roles: {{member: {{renamed_from: old-member, {MEMBER}}}}}",
        "configuration: {default_chat_service_role: member}",
    )


@scenario(
    "a default role is renamed while changes of the default are ignored",
    ends=5,
    has=('"default_chat_service_role_sid": "→/service:Support/role:service:old-member"',),
)
def _(account: Account) -> str:
    service = account.service("Support")
    account.default_roles(service, user=account.role(service, "old-member"))
    return support(
        f"roles: {{member: {{renamed_from: old-member, {MEMBER}}}}}",
        "configuration: {default_chat_service_role: service user, lifecycle: {ignore_changes: [default_chat_service_role]}}",
    )


@scenario(
    "a default role changes its type while the configuration is excluded",
    "--exclude",
    "services.support.configuration",
    ends=5,
    has=("role:service:agent",),
)
def _(account: Account) -> str:
    service = account.service("Support")
    account.default_roles(service, user=account.role(service, "agent", "service"))
    return support(
        f"roles: {{agent: {{{READER}}}, member: {{{MEMBER}}}}}", "configuration: {default_chat_service_role: member}"
    )


@scenario(
    "a renamed role is held by a user that is excluded",
    "--exclude",
    "services.support.users",
    ends=5,
    has=("role:service:old-member", "role:service:member"),
)
def _(account: Account) -> str:
    service = account.service("Support")
    account.user(service, "ada", account.role(service, "old-member"))
    return support(f"roles: {{member: {{renamed_from: old-member, {MEMBER}}}}}", "users: {ada: {role: member}}")


@scenario(
    "a role is absent while its holder is excluded",
    "--exclude",
    "services.support.users",
    ends=5,
    has=("role:service:old",),
)
def _(account: Account) -> str:
    service = account.service("Support")
    account.user(service, "ada", account.role(service, "old"))
    return support(f"roles: {{old: {{type: service, absent: true}}, new: {{{MEMBER}}}}}", "users: {ada: {role: new}}")


@scenario(
    "a service is absent while its address is excluded",
    "--exclude",
    f'addresses["{PROXY}"]',
    "--approve",
    "services.old",
    ends=5,
    has=("/service:Old ",),
)
def _(account: Account) -> str:
    service = account.service("Old")
    account.address(
        PROXY,
        AutoCreation__Enabled="true",
        AutoCreation__Type="default",
        AutoCreation__ConversationServiceSid=service[-34:],
    )
    return support(
        then="  old: {friendly_name: Old, absent: true}\n"
        f"addresses: {{'{PROXY}': {{auto_creation: {{service: support}}}}}}\n"
    )


# --- Lifecycle ----------------------------------------------------------------------------------------------------


@scenario("ignored changes are left alone", has=('"friendly_name": "Live"',))
def _(account: Account) -> str:
    service = account.service("Support")
    account.user(service, "ada", FriendlyName="Live")
    return support(
        "users: {ada: {friendly_name: File, attributes: {a: 1}, lifecycle: {ignore_changes: [friendly_name]}}}"
    )


@scenario(
    "ignored changes hold in a rename",
    has=('"friendly_name": "Live"', "address:+14155550122"),
)
def _(account: Account) -> str:
    account.address(PROXY, FriendlyName="Live")
    return account_wide(
        f"addresses: {{main: {{address: '+14155550122', renamed_from: '{PROXY}', friendly_name: File, lifecycle: {{ignore_changes: [friendly_name]}}}}}}"
    )


@scenario(
    "a role's ignored permissions hold in a rename",
    has=('"permissions": ["createConversation", "joinConversation"]',),
)
def _(account: Account) -> str:
    account.role(account.service("Support"), "old-member", "service", "joinConversation", "createConversation")
    return support(
        f"roles: {{member: {{renamed_from: old-member, {MEMBER}, lifecycle: {{ignore_changes: [permissions]}}}}}}"
    )


@scenario(
    "what may not be destroyed is kept",
    "--approve",
    "services.support.conversations.room",
    ends=5,
    has=("role:service:keep", "conversation:room"),
    lacks=("role:service:free",),
)
def _(account: Account) -> str:
    service = account.service("Support")
    account.role(service, "keep")
    account.role(service, "free")
    account.member(account.conversation(service, "room"), "ada")
    return support(
        f"roles: {{keep: {{{READER}, lifecycle: {{prevent_destroy: true}}}}, free: {{type: service, absent: true}}}}",
        "conversations: {room: {absent: true, participants: {ada: {identity: ada, lifecycle: {prevent_destroy: true}}}}}",
    )


@scenario("a rename of what may not be destroyed", ends=5, has=("address:+14155550101",))
def _(account: Account) -> str:
    account.address(PROXY, FriendlyName="Main")
    return account_wide(
        f"addresses: {{main: {{address: '+14155550122', renamed_from: '{PROXY}', lifecycle: {{prevent_destroy: true}}}}}}"
    )


@scenario("what may not be created is left out", ends=5, has=("/user:bob",), lacks=("/user:ada",))
def _(account: Account) -> str:
    account.service("Support")
    return support("users: {ada: {identity: ada, lifecycle: {prevent_create: true}}, bob: {}}")


# --- Pins and references by SID -----------------------------------------------------------------------------------


@scenario("resources are pinned", has=('"friendly_name": "Ada"',))
def _(account: Account) -> str:
    account.service("Support")
    service = account.service("Support")
    ada = account.user(service, "ada")
    room = account.conversation(service, "room")
    return account_wide(
        f"services: {{support: {{sid: {service[-34:]}, users: {{it: {{sid: {ada}, friendly_name: Ada}}}}, "
        f"conversations: {{it: {{sid: {room[-34:]}, friendly_name: Room}}}}}}}}"
    )


@scenario("the default service is managed by its place", has=("service:Default Conversations Service/user:ada",))
def _(_account: Account) -> str:
    return account_wide(
        f"services: {{main: {{sid: default, roles: {{member: {{{MEMBER}}}}}, users: {{ada: {{role: member}}}}}}}}"
    )


@scenario("a pinned conversation is renamed in place", has=("conversation:hall",), lacks=("conversation:room",))
def _(account: Account) -> str:
    room = account.conversation(account.service("Support"), "room")
    return support(f"conversations: {{hall: {{sid: {room[-34:]}, unique_name: hall}}}}")


@scenario(
    "a role is pruned that a user is given by its SID",
    ends=5,
    has=(
        "role:service:old",
        '/user:ada {"attributes": {}, "friendly_name": null, "role_sid": "→/service:Support/role:service:old"}',
    ),
)
def _(account: Account) -> str:
    service = account.service("Support")
    role = account.role(service, "old")
    account.user(service, "ada")
    return support("roles: {}", "prune: [roles]", f"users: {{ada: {{role: {role}}}}}")


@scenario(
    "a role is pruned that a new user is given by its SID",
    ends=5,
    has=("role:service:old", "/user:zoe"),
)
def _(account: Account) -> str:
    role = account.role(account.service("Support"), "old")
    return support("roles: {}", "prune: [roles]", f"users: {{zoe: {{role: {role}}}}}")


@scenario("a role is absent that becomes a default by its SID", ends=5, has=("role:service:old",))
def _(account: Account) -> str:
    role = account.role(account.service("Support"), "old")
    return support(
        "roles: {old: {type: service, absent: true}}", f"configuration: {{default_chat_service_role: {role}}}"
    )


@scenario(
    "a service is absent that an address is given by its SID",
    "--approve",
    "services.old",
    ends=5,
    has=("/service:Old ",),
)
def _(account: Account) -> str:
    service = account.service("Old")
    return account_wide(
        "services: {old: {friendly_name: Old, absent: true}}",
        f"addresses: {{'{PROXY}': {{auto_creation: {{enabled: true, type: default, service: {service[-34:]}}}}}}}",
    )


@scenario(
    "a service is absent that becomes the default by its SID",
    "--approve",
    "services.old",
    ends=5,
    has=("/service:Old ",),
)
def _(account: Account) -> str:
    service = account.service("Old")
    return account_wide(
        f"account: {{configuration: {{default_service: {service[-34:]}}}}}",
        "services: {old: {friendly_name: Old, absent: true}}",
    )


@scenario("the default service changes and its former one stays", has=("service:Default Conversations Service ",))
def _(account: Account) -> str:
    account.service("Support")
    return support(then="account: {configuration: {default_service: support}}\n")


# --- What the first steps of a plan change about its later ones ----------------------------------------------------


@scenario(
    "a role that loses a permission becomes a default",
    has=("/user:bob ", 'role:service:agent {"friendly_name": "agent", "permissions": ["joinConversation"], '),
)
def _(account: Account) -> str:
    account.role(account.service("Support"), "agent", "service", "joinConversation", "deleteAnyMessage")
    return support(
        "roles: {agent: {type: service, permissions: [joinConversation]}}",
        "configuration: {default_chat_service_role: agent}",
        "users: {bob: {friendly_name: Bob}}",
    )


@scenario("a default role is renamed that a participant holds", ends=5, has=("conversation:old ", "/user:bob "))
def _(account: Account) -> str:
    service = account.service("Support")
    old = account.role(service, "old", "conversation")
    account.default_roles(service, member=old)
    account.member(account.conversation(service, "room"), "ada", old)
    return support(f"roles: {{new: {{{READER}, renamed_from: old}}}}", "users: {bob: {friendly_name: Bob}}")


@scenario("two webhooks are created beside an undeclared one", has=("live.example/", "a.example/1", "a.example/2"))
def _(account: Account) -> str:
    account.hook(account.conversation(account.service("Support"), "room"), "https://live.example/")
    return support(_hooks("room"))


@scenario("two webhooks are created and one is pruned", has=("a.example/1", "a.example/2"), lacks=("live.example/",))
def _(account: Account) -> str:
    account.hook(account.conversation(account.service("Support"), "room"), "https://live.example/")
    return support(_hooks("room", prune=True))


@scenario("one webhook is created and two are pruned", has=("a.example/1",), lacks=("live.example/", "old.example/"))
def _(account: Account) -> str:
    room = account.conversation(account.service("Support"), "room")
    account.hook(room, "https://live.example/")
    account.hook(room, "https://old.example/")
    return support(_hooks("room", numbers=(1,), prune=True))


def _hooks(room: str, numbers: tuple[int, ...] = (1, 2), *, prune: bool = False) -> str:
    """Webhooks of one conversation."""
    hooks = ", ".join(
        f"w{number}: {{target: webhook, url: https://a.example/{number}, filters: [onMessageAdded]}}"
        for number in numbers
    )
    return f"conversations: {{{room}: {{webhooks: {{{hooks}}}{', prune: [webhooks]' if prune else ''}}}}}"


@scenario("a new service keeps one of the defaults that Twilio sets", has=("/user:ada ", "/user:bob "))
def _(_account: Account) -> str:
    return support(
        "configuration: {default_chat_service_role: service user, reachability_enabled: true}",
        "users: {ada: {}, bob: {}}",
    )


@scenario("roles of one name and both types are created and held", has=("/user:ada ", "/participant:ada "))
def _(account: Account) -> str:
    account.service("Support")
    return support(
        f"roles: {{agent: {{{MEMBER}}}, second: {{friendly_name: agent, {READER}}}}}",
        "configuration: {default_chat_service_role: agent, default_conversation_role: second}",
        "users: {ada: {role: agent}}",
        "conversations: {room: {participants: {ada: {identity: ada, role: second}}}}",
    )


@scenario("two roles are created that resemble an undeclared one", has=("service:agents ", "service:agent one "))
def _(account: Account) -> str:
    account.role(account.service("Support"), "agents")
    return support(f"roles: {{agent one: {{{MEMBER}}}, agent two: {{{MEMBER}}}}}")
