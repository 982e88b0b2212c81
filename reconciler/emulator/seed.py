"""Fills an account with traffic, for demonstrations and tests.

Takes an emulator and the amounts; adds services with roles, users, conversations and their contents, devices,
addresses, and credentials. Everything, including SIDs and dates, is determined by one number: the same number on an
equal account produces an equal account. Everything uses the same behavior as a request, so nothing exists that the API
would have refused; only HTTP and one transaction for each request are skipped.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta

from reconciler.emulator import contract
from reconciler.emulator.app import Emulator
from reconciler.emulator.arguments import judge
from reconciler.emulator.behavior import TABLE, bindings, participants, vocabulary
from reconciler.emulator.behavior.context import Body, Context, Surroundings, write_date
from reconciler.emulator.errors import EmulatorError
from reconciler.emulator.store import Row

# The default end of the traffic. Fixed, because dates follow from the number as well.
UNTIL = datetime(2026, 1, 1, tzinfo=UTC)
SPAN = timedelta(days=90)

MOST_WEBHOOKS = 5
# In a conversation with users; without users, there may be as many as the API accepts.
USUAL_OUTSIDE_CHAT = 3

_GIVEN = (
    "Ada", "Amir", "Bea", "Chen", "Dana", "Emre", "Farah", "Goran", "Hana", "Ines", "Jonas", "Kofi", "Lena", "Maya",
    "Nils", "Olga", "Priya", "Quentin", "Rosa", "Samir", "Tariq", "Uma", "Vera", "Wei", "Yara", "Zoë",
)  # fmt: skip
_FAMILY = (
    "Abebe", "Berg", "Costa", "Diaz", "Endo", "Fischer", "Garcia", "Haddad", "Ito", "Jensen", "Kaya", "Lindqvist",
    "Mbeki", "Novak", "Okafor", "Petrov", "Rossi", "Singh", "Tanaka", "Weber",
)  # fmt: skip
_DEPARTMENTS = ("Support", "Sales", "Deliveries", "Returns", "Billing", "Clinic", "Concierge", "Fleet")
_DUTIES = ("agent", "supervisor", "auditor", "observer", "trainee", "coach")
_TOPICS = ("Order", "Refund", "Delivery", "Invoice", "Booking", "Repair", "Password", "Complaint")
_SENTENCES = (
    "Hello, is somebody there?",
    "My order has not come yet.",
    "Could you give me the number, please?",
    "Of course, it is in the mail you got from us.",
    "Thank you, I have found it.",
    "I am looking into it now.",
    "That was quick, thanks!",
    "When will it be here?",
    "Tomorrow before noon, if the weather allows it.",
    "It is still broken, I am afraid.",
    "I have sent you a photo of it.",
    "Is there anything else I can do for you?",
)
_EVENTS = ("onMessageAdded", "onMessageRemoved", "onConversationUpdated", "onParticipantAdded", "onParticipantRemoved")


@dataclass(frozen=True, slots=True)
class Traffic:
    """The amounts to add, over all services together.

    Attributes:
        services: Services besides the default one, which also gets traffic.
        roles: Roles besides the built-in ones.
        users: Users.
        conversations: Conversations; at the end, some are inactive and some are closed.
        participants: Participants, some of them outside chat.
        webhooks: Webhooks of conversations, at most five in each.
        messages: Messages.
        bindings: Devices that get push notifications.
        addresses: Address configurations.
        credentials: Push credentials.
    """

    services: int = 2
    roles: int = 6
    users: int = 60
    conversations: int = 40
    participants: int = 120
    webhooks: int = 20
    messages: int = 300
    bindings: int = 30
    addresses: int = 6
    credentials: int = 3


def seed(app: Emulator, traffic: Traffic = Traffic(), *, number: int = 0, until: datetime = UNTIL) -> None:
    """Fill an account with traffic: all of it, or nothing if something is wrong.

    Args:
        app: The emulator; the existing contents of its account are kept.
        traffic: The amounts.
        number: The random seed.
        until: The end of the traffic; it begins 90 days earlier.

    Raises:
        EmulatorError: The amounts are impossible, such as messages without a conversation.
    """
    amounts = asdict(traffic)
    if any(amount < 0 for amount in amounts.values()):
        raise EmulatorError("Amounts cannot be negative.")
    for part in ("participants", "webhooks", "messages"):
        if amounts[part] and not traffic.conversations:
            raise EmulatorError(f"Conversations are needed for {part} to be in.")
    if traffic.bindings and not traffic.users:
        raise EmulatorError("Users are needed for bindings.")
    if traffic.webhooks > MOST_WEBHOOKS * traffic.conversations:
        raise EmulatorError(f"A conversation has {MOST_WEBHOOKS} webhooks at most; add more conversations.")
    with app.store.transaction(write=True):
        _Seeder(app, random.Random(number), until - SPAN, SPAN / (sum(amounts.values()) + 1)).run(traffic)  # noqa: S311


@dataclass(slots=True)
class _Service:
    sid: str
    users: list[str] = field(default_factory=list)
    service_roles: list[str] = field(default_factory=list)
    conversation_roles: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Conversation:
    service: _Service
    sid: str
    # The authors of messages: identities and addresses.
    authors: list[str] = field(default_factory=list)
    inside: set[str] = field(default_factory=set)
    outside: int = 0
    webhooks: int = 0


class _Seeder:
    """An account that is being filled.

    Args:
        app: The emulator.
        dice: The source of all random choices.
        begin: The moment before the first addition.
        step: The time between two additions.
    """

    def __init__(self, app: Emulator, dice: random.Random, begin: datetime, step: timedelta) -> None:
        self._base_url = app.base_url
        self._around = Surroundings(app.store, app.rules, dice)
        self._store = app.store
        self._dice = dice
        self._now = begin
        self._step = step
        self._services: list[_Service] = []
        self._conversations: list[_Conversation] = []
        self._lines: list[str] = []
        self._credentials: list[tuple[bindings.BindingType, str]] = []

    def run(self, traffic: Traffic) -> None:
        default = self._account().facts["configuration"]["default_chat_service_sid"]
        self._services = [_Service(default)] if default is not None else []
        for _ in range(traffic.services):
            self._add_service()
        if not self._services:
            raise EmulatorError("The account has no service; add at least one.")
        adders: tuple[tuple[int, Callable[[], None]], ...] = (
            (traffic.roles, self._add_role),
            (traffic.credentials, self._add_credential),
            (traffic.addresses, self._add_address),
            (traffic.users, self._add_user),
            (traffic.conversations, self._add_conversation),
            (traffic.participants, self._add_participant),
            (traffic.webhooks, self._add_webhook),
            (traffic.messages, self._add_message),
            (traffic.bindings, self._add_binding),
        )
        for amount, add in adders:
            for _ in range(amount):
                self._now += self._step
                add()
        self._end_traffic()

    def _account(self) -> Row:
        account = self._store.get("account", self._store.account_sid)
        assert account is not None
        return account

    def _post(self, template: str, values: Mapping[str, str], form: Mapping[str, str | Sequence[str]]) -> Body:
        """Process a request without a transaction of its own; return the response's body."""
        operation, behavior = contract.load().operations[template]["POST"], TABLE["POST", template]
        sent = {name: [value] if isinstance(value, str) else value for name, value in form.items()}
        reply = behavior.run(
            Context(
                self._around,
                now=self._now,
                base_url=self._base_url,
                operation=operation,
                path=template,
                values=values,
                arguments=judge(operation, behavior.faults, {}, sent, {}, refuse_unknown=True),
            )
        )
        assert reply.body is not None
        return reply.body

    def _in_service(self, service: _Service, path: str, form: Mapping[str, str | Sequence[str]]) -> str:
        template = contract.SERVICE_PREFIX + path
        return str(self._post(template, {"ChatServiceSid": service.sid}, form)["sid"])

    def _inside(self, conversation: _Conversation, path: str, form: Mapping[str, str | Sequence[str]]) -> None:
        template = f"{contract.SERVICE_PREFIX}Conversations/{{ConversationSid}}/{path}"
        values = {"ChatServiceSid": conversation.service.sid, "ConversationSid": conversation.sid}
        self._post(template, values, form)

    def _unlike(self, kind: str, parent: str, draw: Callable[[], str]) -> str:
        """Return a name that no resource of the kind has in the parent."""
        while self._store.named(kind, parent, name := draw()):
            pass
        return name

    def _numbered(self, words: Sequence[str]) -> str:
        return f"{self._dice.choice(words)} {self._dice.randrange(100_000)}"

    def _some(self, amount: int) -> int:
        """Draw a number below an amount, low ones more often, because traffic is never even."""
        return int(amount * self._dice.random() ** 2)

    def _service(self) -> _Service:
        return self._services[self._some(len(self._services))]

    def _add_service(self) -> None:
        self._now += self._step
        name = self._unlike("service", self._store.account_sid, lambda: self._numbered(_DEPARTMENTS))
        self._services.append(_Service(str(self._post("/v1/Services", {}, {"FriendlyName": name})["sid"])))

    def _add_role(self) -> None:
        service = self._service()
        kind: vocabulary.RoleType = self._dice.choice(("service", "conversation"))
        known = sorted(vocabulary.PERMISSIONS[kind])
        sid = self._in_service(
            service,
            "Roles",
            {
                "FriendlyName": self._unlike("role", service.sid, lambda: self._numbered(_DUTIES)),
                "Type": kind,
                "Permission": self._dice.sample(known, self._dice.randint(1, len(known) // 2)),
            },
        )
        (service.service_roles if kind == "service" else service.conversation_roles).append(sid)

    def _add_credential(self) -> None:
        kinds: tuple[tuple[bindings.BindingType, dict[str, str]], ...] = (
            ("fcm", {"Secret": self._token()}),
            ("apn", {"Certificate": self._token(), "PrivateKey": self._token(), "Sandbox": "false"}),
            ("gcm", {"ApiKey": self._token()}),
        )
        kind, secrets = kinds[len(self._credentials) % len(kinds)]
        name = f"{self._dice.choice(_DEPARTMENTS)} phones"
        credential = self._post("/v1/Credentials", {}, {"FriendlyName": name, "Type": kind, **secrets})
        self._credentials.append((kind, str(credential["sid"])))

    def _token(self) -> str:
        return f"{self._dice.getrandbits(128):032x}"

    def _number(self) -> str:
        # Fictitious phone numbers.
        return f"+1{self._dice.randint(200, 999)}555{self._dice.randint(0, 9999):04}"

    def _add_address(self) -> None:
        number = self._unlike("address", self._store.account_sid, self._number)
        service = self._service()
        how: tuple[dict[str, str | Sequence[str]], ...] = (
            {"AutoCreation.Type": "default"},
            {
                "AutoCreation.Type": "webhook",
                "AutoCreation.WebhookUrl": "https://example.com/inbound",
                "AutoCreation.WebhookMethod": "POST",
                "AutoCreation.WebhookFilters": ["onMessageAdded", "onConversationStateUpdated"],
                "AutoCreation.ConversationServiceSid": service.sid,
            },
            {
                "AutoCreation.Type": "studio",
                "AutoCreation.StudioFlowSid": f"FW{self._token()}",
                "AutoCreation.ConversationServiceSid": service.sid,
            },
        )
        form = {"Type": "sms", "Address": number, "FriendlyName": f"{self._dice.choice(_DEPARTMENTS)} line"}
        chosen = how[len(self._lines) % len(how)]
        self._post("/v1/Configuration/Addresses", {}, {**form, "AutoCreation.Enabled": "true", **chosen})
        self._lines.append(number)

    def _add_user(self) -> None:
        service = self._service()
        given, family = self._dice.choice(_GIVEN), self._dice.choice(_FAMILY)
        name = f"{given}.{family}".lower()
        identity = self._unlike("user", service.sid, lambda: f"{name}.{self._dice.randrange(10**6)}")
        form = {"Identity": identity, "FriendlyName": f"{given} {family}"}
        if self._dice.random() < 0.5:
            form["Attributes"] = json.dumps({"language": self._dice.choice(("de", "en", "fr", "pt")), "vip": False})
        if service.service_roles and self._dice.random() < 0.2:
            form["RoleSid"] = self._dice.choice(service.service_roles)
        self._in_service(service, "Users", form)
        service.users.append(identity)

    def _add_conversation(self) -> None:
        service = self._service()
        form = {"FriendlyName": self._numbered(_TOPICS)}
        if self._dice.random() < 0.3:
            form["UniqueName"] = self._unlike(
                "conversation", service.sid, lambda: f"case-{self._dice.randrange(10**7)}"
            )
        if self._dice.random() < 0.5:
            form["Attributes"] = json.dumps({"priority": self._dice.randint(1, 5), "tags": [self._token()[:6]]})
        self._conversations.append(_Conversation(service, self._in_service(service, "Conversations", form)))

    def _conversation(self) -> _Conversation:
        return self._conversations[self._some(len(self._conversations))]

    def _add_participant(self) -> None:
        first = self._some(len(self._conversations))
        # The next one with a free place.
        most_inside = self._around.rules.participant_limit - participants.MOST_OUTSIDE_CHAT
        for conversation in (*self._conversations[first:], *self._conversations[:first]):
            others = len(conversation.service.users) - len(conversation.inside)
            chat = others > 0 and len(conversation.authors) < most_inside
            guest = conversation.outside < USUAL_OUTSIDE_CHAT and self._dice.random() < 0.25
            outside = guest or (not chat and conversation.outside < participants.MOST_OUTSIDE_CHAT)
            if outside and self._can_reach(conversation):
                self._add_outsider(conversation)
                return
            if chat:
                self._add_insider(conversation)
                return
        raise EmulatorError("There is no place for that many participants; add more users or conversations.")

    def _can_reach(self, conversation: _Conversation) -> bool:
        """Return whether a conversation has the messaging service that participants outside chat need."""
        row = self._store.get("conversation", conversation.sid)
        return row is not None and row.facts["messaging_service_sid"] is not None

    def _add_outsider(self, conversation: _Conversation) -> None:
        proxy = self._dice.choice(self._lines) if self._lines else "+14155550100"
        while self._store.addressed(number := self._number()) or number == proxy:
            pass
        form = {"MessagingBinding.Address": number, "MessagingBinding.ProxyAddress": proxy}
        self._inside(conversation, "Participants", form)
        conversation.authors.append(number)
        conversation.outside += 1

    def _add_insider(self, conversation: _Conversation) -> None:
        users = conversation.service.users
        at = self._dice.randrange(len(users))
        while users[at] in conversation.inside:
            at = (at + 1) % len(users)
        form = {"Identity": users[at]}
        if conversation.service.conversation_roles and self._dice.random() < 0.3:
            form["RoleSid"] = self._dice.choice(conversation.service.conversation_roles)
        self._inside(conversation, "Participants", form)
        conversation.authors.append(users[at])
        conversation.inside.add(users[at])

    def _add_webhook(self) -> None:
        first = self._some(len(self._conversations))
        conversation = next(
            one for one in (*self._conversations[first:], *self._conversations[:first]) if one.webhooks < MOST_WEBHOOKS
        )
        conversation.webhooks += 1
        called = {"Configuration.Url": "https://example.com/hooks", "Configuration.Method": "POST"}
        kinds: tuple[dict[str, str | Sequence[str]], ...] = (
            {"Target": "webhook", **called, "Configuration.Filters": self._dice.sample(_EVENTS, 2)},
            {"Target": "trigger", **called, "Configuration.Triggers": ["human", "help"]},
            {"Target": "studio", "Configuration.FlowSid": f"FW{self._token()}"},
        )
        self._inside(conversation, "Webhooks", self._dice.choice(kinds))

    def _add_message(self) -> None:
        conversation = self._conversation()
        form = {"Body": self._dice.choice(_SENTENCES)}
        if conversation.authors:
            form["Author"] = self._dice.choice(conversation.authors)
        self._inside(conversation, "Messages", form)

    def _add_binding(self) -> None:
        service = self._dice.choice([one for one in self._services if one.users])
        drawn = self._dice.choice(self._credentials) if self._credentials else None
        facts = bindings.facts(
            stamp=write_date(self._now),
            identity=self._dice.choice(service.users),
            binding_type=drawn[0] if drawn else "fcm",
            endpoint=self._token(),
            credential_sid=drawn[1] if drawn else None,
        )
        self._store.add("binding", self._around.new_sid("BS"), service.sid, facts)

    def _end_traffic(self) -> None:
        """End the traffic: some conversations become inactive, some are closed permanently."""
        template = contract.SERVICE_PREFIX + "Conversations/{Sid}"
        for conversation in self._conversations:
            drawn = self._dice.random()
            if drawn < 0.4:
                values = {"ChatServiceSid": conversation.service.sid, "Sid": conversation.sid}
                self._post(template, values, {"State": "closed" if drawn < 0.15 else "inactive"})
