"""Arbitrary configurations and arbitrary live states that have something to do with each other.

Names come from small pools, so that what the files name is often there already, under the same name or another one's.
A configuration is valid by construction; a live state is a list of calls that somebody else made.

Strategies of the same parts are the same object: hypothesis examines each new one before it draws from it.
"""

from __future__ import annotations

import functools
import json
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from reconciler.emulator import Rules

SERVICES = ("Customer Support", "Sales", "Default Conversations Service", "Zürich «desk»")
ROLES = ("agent", "supervisor", "guest")
IDENTITIES = ("ada", "bob@example.com", "Zoë")
CONVERSATIONS = ("announcements", "lounge", "desk 1/2")
WEBHOOKS: dict[str, dict[str, Any]] = {
    "crm": {"target": "webhook", "url": "https://crm.example.com/", "filters": ["onMessageAdded"]},
    "crm2": {"target": "webhook", "url": "https://crm.example.com/2", "filters": ["onMessageAdded"], "method": "GET"},
    "bot": {"target": "studio", "flow_sid": "FW" + "2" * 32},
    "bot2": {"target": "studio", "flow_sid": "FW" + "3" * 32, "filters": ["onMessageAdded"]},
    "words": {"target": "trigger", "url": "https://kw.example.com/", "triggers": ["help", "stop"], "method": "POST"},
}
BUILT_IN = {
    "service admin": "service",
    "service user": "service",
    "channel admin": "conversation",
    "channel user": "conversation",
}
PERMISSIONS = {
    "conversation": ("sendMessage", "sendMediaMessage", "leaveConversation", "editOwnMessage", "addParticipant"),
    "service": ("joinConversation", "createConversation", "editOwnUserInfo", "addParticipant"),
}
ADDRESSES = ("+14155550100", "+14155550101", "whatsapp:+14155550100", "messenger:shop", "desk@example.com")
URLS = ("https://hooks.example.com/a", "https://hooks.example.com/b?x=1&y=%20", "http://10.0.0.1:8080/ü")
FLOWS = ("FW" + "0" * 32, "FW" + "1" * 32)
TEMPLATES = ("ring", "${PARTICIPANT}: ${MESSAGE}", "a & b = c + d", "日本", " padded ")
# Outside of templates, a placeholder of Twilio's has to be written as literal text.
TEXTS = tuple(text.replace("${", "$${") for text in TEMPLATES)
POST_FILTERS = ("onMessageAdded", "onConversationUpdated", "onParticipantAdded", "onDeliveryUpdated")
PRE_FILTERS = ("onMessageAdd", "onConversationAdd")

rules: SearchStrategy[Rules] = st.builds(
    Rules, **{name: st.sampled_from(readings) for name, readings in Rules.fields().items()}
)


@functools.cache
def _some(**fields: SearchStrategy[Any]) -> SearchStrategy[dict[str, Any]]:
    """Any of the fields, none of them needed."""
    return st.fixed_dictionaries({}, optional=fields)


@functools.cache
def _or_null(values: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """Mostly a value, sometimes null, which clears."""
    return st.one_of(values, values, values, st.none())


@functools.cache
def _or_none(values: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.one_of(st.none(), values)


@functools.cache
def _set(words: tuple[str, ...], least: int = 0) -> SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(words), min_size=least, max_size=len(words), unique=True)


urls = _or_null(st.sampled_from(URLS))
texts = _or_null(st.sampled_from(TEXTS))
templates = _or_null(st.sampled_from(TEMPLATES))
mailboxes = st.sampled_from(("desk@example.com", "help@example.com"))
bindings = st.fixed_dictionaries(
    {"email": st.fixed_dictionaries({"address": mailboxes, "name": st.sampled_from(("Desk", "Help"))})}
)
booleans: SearchStrategy[bool] = st.booleans()
nullable_booleans = _or_null(booleans)
methods = st.sampled_from(("GET", "POST", "post"))


@st.composite
def guarded(draw: DrawFn, body: dict[str, Any], *fields: str, is_singleton: bool = False) -> dict[str, Any]:
    """A resource, now and then with a lifecycle; one that must not exist has none that would keep it."""
    if draw(st.integers(0, 5)):
        return body
    lifecycle: dict[str, Any] = draw(_some(ignore_changes=_set(fields)))
    if not is_singleton and not body.get("absent"):
        lifecycle |= draw(_some(prevent_destroy=booleans, prevent_create=booleans))
    return body | {"lifecycle": lifecycle}


@st.composite
def renamed(draw: DrawFn, found: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The resources of one collection, now and then one of them with a former name that no other one has."""
    if found and draw(st.integers(0, 3)) == 0:
        former = draw(st.sampled_from([name for name in names if name not in found]))
        found[draw(st.sampled_from(sorted(found)))]["renamed_from"] = former
    return found


@functools.cache
@st.composite
def roles(draw: DrawFn) -> dict[str, Any]:
    """The roles of one service: by name, of one type each, and Twilio's own under their names."""
    found: dict[str, Any] = {}
    for name in draw(_set(ROLES)):
        kind = draw(st.sampled_from(("conversation", "service")))
        found[name] = {"type": kind, "permissions": draw(_set(PERMISSIONS[kind], least=1))}
        found[name] |= draw(_some(absent=booleans))
        found[name] = draw(guarded(found[name], "permissions", "type"))
    found = draw(renamed(found, (*ROLES, "old hand")))
    for name in draw(_set(tuple(BUILT_IN))):
        kind = BUILT_IN[name]
        found[name] = draw(_some(type=st.just(kind), permissions=_set(PERMISSIONS[kind], least=1)))
    return found


def _united(prune: Any, sections: list[str]) -> Any:
    """A prune of further sections, in the form that it has already."""
    if isinstance(prune, dict):
        return prune | {section: {} for section in sections}
    return [*prune, *sections]


@functools.cache
@st.composite
def services(draw: DrawFn, name: str) -> dict[str, Any]:
    """One service with any of its settings."""
    service: dict[str, Any] = {"friendly_name": name}
    own = draw(_or_none(roles()))
    if own is not None:
        service["roles"] = own
        if draw(booleans):
            service["prune"] = draw(
                st.sampled_from([["roles"], {"roles": {"match": "a*"}}, {"roles": {"except": "s*"}}])
            )
    present = {role: body for role, body in (own or {}).items() if not body.get("absent")}

    def role_of(kind: str) -> SearchStrategy[str]:
        fitting = [role for role, body in present.items() if body.get("type", BUILT_IN.get(role)) == kind]
        return st.sampled_from((*fitting, *(role for role, of in BUILT_IN.items() if of == kind)))

    if draw(booleans):
        service["users"] = draw(users(role_of("service")))
    if draw(booleans):
        service["conversations"] = draw(conversations(role_of("conversation"), name))
    more = [section for section in ("users", "conversations") if section in service]
    if bool(more) and draw(booleans):
        service["prune"] = _united(service.get("prune", []), draw(_set(tuple(more), least=1)))
    if draw(st.integers(0, 3)) == 0:
        service["sealed"] = True
    service |= draw(
        _some(
            configuration=_some(
                default_conversation_creator_role=role_of("conversation"),
                default_conversation_role=role_of("conversation"),
                default_chat_service_role=role_of("service"),
                reachability_enabled=nullable_booleans,
            ),
            notifications=_some(
                log_enabled=nullable_booleans,
                new_message=_some(
                    enabled=booleans,
                    template=templates,
                    sound=texts,
                    badge_count_enabled=booleans,
                    with_media=_some(enabled=booleans, template=templates),
                ),
                added_to_conversation=_some(enabled=booleans, template=templates, sound=texts),
                removed_from_conversation=_some(enabled=nullable_booleans, template=templates, sound=texts),
            ),
            webhooks=_some(
                method=methods,
                filters=_or_null(_set(POST_FILTERS + PRE_FILTERS)),
                pre_webhook_url=urls,
                post_webhook_url=urls,
            ),
        )
    )
    return service


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(TEXTS),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(("a", "b c", "ü")), inner, max_size=2),
    max_leaves=4,
)
attributes = st.dictionaries(st.sampled_from(("team", "vip", "ü")), json_values, max_size=2)


def proxy_of(service: str, conversation: str) -> str:
    """The proxy address of a conversation's callers; each has its own, since a pair can be in one of them only."""
    return f"+141555502{SERVICES.index(service)}{CONVERSATIONS.index(conversation)}"


@functools.cache
@st.composite
def users(draw: DrawFn, service_roles: SearchStrategy[str]) -> dict[str, Any]:
    """The users of one service."""
    fields = _some(friendly_name=texts, role=service_roles, attributes=_or_null(attributes), absent=booleans)
    found = {
        identity: draw(guarded(draw(fields), "friendly_name", "role", "attributes"))
        for identity in draw(_set(IDENTITIES))
    }
    return draw(renamed(found, (*IDENTITIES, "ada@example.com")))


@functools.cache
@st.composite
def conversations(draw: DrawFn, conversation_roles: SearchStrategy[str], service: str) -> dict[str, Any]:
    """The conversations of one service, with what is in them."""
    found: dict[str, Any] = {}
    for name in draw(_set(CONVERSATIONS)):
        body = draw(
            _some(
                friendly_name=st.sampled_from(TEXTS),
                state=st.sampled_from(("active", "active", "inactive", "closed")),
                attributes=_or_null(attributes),
                messaging_service_sid=st.sampled_from(("MG" + "b" * 32, "MG" + "c" * 32)),
                bindings=bindings,
                absent=st.booleans(),
            )
        )
        body = draw(guarded(body, "friendly_name", "state", "attributes"))
        if body.get("state") != "closed":
            body |= draw(
                _some(timers=_some(inactive=st.sampled_from(("PT1H", "PT2H")), closed=st.sampled_from(("P1D", "P2D"))))
            )
        who = _some(role=conversation_roles, attributes=_or_null(attributes))
        inside = {identity: {"identity": identity, **draw(who)} for identity in draw(_set(IDENTITIES))}
        if draw(booleans):
            proxy = proxy_of(service, name)
            inside["caller"] = {"address": "+14155550199", "proxy_address": proxy, **draw(who)}
        hooks = {hook: dict(WEBHOOKS[hook]) for hook in draw(_set(tuple(WEBHOOKS)))}
        for hook in hooks.values():
            if "url" in hook and draw(booleans):
                hook["method"] = draw(methods)
            if "filters" in hook and draw(booleans):
                hook["filters"] = draw(_set(POST_FILTERS, least=1))
        if inside:
            body["participants"] = inside
        if hooks:
            body["webhooks"] = hooks
        prunable = [section for section in ("participants", "webhooks") if section in body]
        if bool(prunable) and draw(booleans):
            body["prune"] = prunable
        found[name] = body
    return draw(renamed(found, (*CONVERSATIONS, "other")))


@functools.cache
def credentials() -> SearchStrategy[dict[str, Any]]:
    """Credentials whose secrets are literals, so that they can be created."""
    return _some(
        android=st.fixed_dictionaries({"type": st.just("fcm"), "secret": st.just("s3")}),
        old=st.fixed_dictionaries({"type": st.just("gcm"), "api_key": st.just("k3y")}, optional={"absent": booleans}),
    )


@functools.cache
@st.composite
def addresses(draw: DrawFn, service_handles: tuple[str, ...]) -> dict[str, Any]:
    """One address with any of its settings, complete enough to be created."""
    address: dict[str, Any] = draw(guarded(draw(_some(friendly_name=texts)), "friendly_name", "auto_creation.enabled"))
    chosen = draw(st.sampled_from((None, "default", "webhook", "studio")))
    if chosen is None:
        return address
    creation: dict[str, Any] = {"type": chosen} | draw(_some(enabled=nullable_booleans))
    if bool(service_handles) and draw(booleans):
        creation["service"] = draw(st.sampled_from(service_handles))
    if chosen == "webhook":
        creation["webhook_url"] = draw(st.sampled_from(URLS))
        creation |= draw(_some(webhook_method=methods, webhook_filters=_or_null(_set(POST_FILTERS))))
    if chosen == "studio":
        creation["studio_flow_sid"] = draw(st.sampled_from(FLOWS))
        creation |= draw(_some(studio_retry_count=st.integers(0, 3)))
    address["auto_creation"] = creation
    return address


@st.composite
def configurations(draw: DrawFn) -> dict[str, Any]:
    """A whole configuration, valid by construction."""
    root: dict[str, Any] = {"version": 1, "limits": {"deletes": 1000}}
    names = draw(_set(SERVICES))
    if names:
        root["services"] = {f"s{SERVICES.index(name)}": draw(services(name)) for name in names}
        if SERVICES[2] in names and draw(booleans):
            root["services"]["s2"]["sid"] = "default"
    handles = tuple(root.get("services", ()))
    account = draw(
        _some(
            sealed=booleans,
            configuration=_some(
                default_messaging_service_sid=st.sampled_from(("MG" + "a" * 32, "MG" + "c" * 32)),
                default_inactive_timer=st.sampled_from(("PT1M", "PT60M", "PT1H", "P1D")),
                default_closed_timer=st.sampled_from(("PT10M", "P1M", "P1Y2M3DT4H5M6S")),
            ),
            webhooks=_some(
                target=st.sampled_from(("webhook", "flex")),
                method=methods,
                filters=_or_null(_set(POST_FILTERS + PRE_FILTERS)),
                pre_webhook_url=urls,
                post_webhook_url=urls,
            ),
        )
    )
    if bool(handles) and draw(booleans):
        default = [handle for handle in handles if root["services"][handle].get("sid") == "default"] or handles
        account.setdefault("configuration", {})["default_service"] = draw(st.sampled_from(default))
    if "webhooks" in account:
        account["webhooks"] = draw(guarded(account["webhooks"], "filters", "method", is_singleton=True))
    if account:
        root["account"] = account
    used = draw(_set(ADDRESSES))
    if used:
        root["addresses"] = {address: draw(addresses(handles)) for address in used}
    if draw(booleans):
        root["credentials"] = draw(credentials())
    prunable = [section for section in ("services", "addresses", "credentials") if section in root]
    if bool(prunable) and draw(booleans):
        root["prune"] = draw(_set(tuple(prunable), least=1))
    return root


def text(root: dict[str, Any]) -> str:
    """A configuration as a file; JSON is YAML."""
    return json.dumps(root, ensure_ascii=False, indent=1)


# --- what somebody else did ------------------------------------------------------------------------------------------

Call = tuple[str, dict[str, Any]]
"""A path, with the names of services and conversations in angle brackets in the place of their SIDs, and a form."""


@functools.cache
@st.composite
def live_conversations(draw: DrawFn, base: str, name: str) -> list[Call]:
    """What somebody made of one conversation; by its unique name, which its path takes under any rules."""
    form = {"UniqueName": name, "FriendlyName": "somebody's", "Attributes": '{"team": 1}'}
    calls: list[Call] = [(f"{base}/Conversations", form)]
    inside = f"{base}/Conversations/<{name}>"
    calls += [(f"{inside}/Participants", {"Identity": identity}) for identity in draw(_set(IDENTITIES))]
    if draw(booleans) and name in CONVERSATIONS:
        pair = {
            "MessagingBinding.Address": draw(st.sampled_from(("+14155550199", "+14155550198"))),
            "MessagingBinding.ProxyAddress": proxy_of(base.partition("<")[2].rstrip(">"), name),
        }
        calls.append((f"{inside}/Participants", pair))
    for number in range(draw(st.integers(0, 5))):
        url = f"https://crm.example.com/{number or ''}"
        hook = {"Target": "webhook", "Configuration.Url": url, "Configuration.Filters": "onMessageAdded"}
        calls.append((f"{inside}/Webhooks", hook))
    if draw(st.integers(0, 5)) == 0:
        calls.append((inside, {"State": "closed"}))
    return calls


@functools.cache
@st.composite
def live_services(draw: DrawFn, name: str) -> list[Call]:
    """What somebody made of one service."""
    base = f"/v1/Services/<{name}>"
    calls: list[Call] = [] if name == SERVICES[2] else [("/v1/Services", {"FriendlyName": name})]
    for role in draw(_set((*ROLES, "old hand"))):
        kind = draw(st.sampled_from(("conversation", "service")))
        form = {"FriendlyName": role, "Type": kind, "Permission": draw(_set(PERMISSIONS[kind], least=1))}
        calls.append((f"{base}/Roles", form))
    if draw(booleans):
        webhooks = {"Method": "GET", "Filters": list(POST_FILTERS), "PostWebhookUrl": URLS[0], "PreWebhookUrl": URLS[1]}
        calls.append((f"{base}/Configuration/Webhooks", webhooks))
    if draw(booleans):
        notifications = {"NewMessage.Enabled": "true", "NewMessage.Template": "x", "AddedToConversation.Sound": "y"}
        calls.append((f"{base}/Configuration/Notifications", notifications))
    if draw(booleans):
        calls.append((f"{base}/Configuration", {"ReachabilityEnabled": "true"}))
    if draw(booleans):
        calls.append((f"{base}/Users", {"Identity": "ada", "RoleSid": f"<{name}/agent>"}))
    for conversation in draw(_set((*CONVERSATIONS, "other"))):
        calls += draw(live_conversations(base, conversation))
    if draw(booleans):
        calls.append((f"{base}/Configuration", {"DefaultConversationRoleSid": f"<{name}/agent>"}))
    return calls


@st.composite
def accounts(draw: DrawFn) -> list[Call]:
    """What somebody made of the account before."""
    calls: list[Call] = []
    names = draw(_set(SERVICES))
    for name in names:
        calls += draw(live_services(name))
    for address in draw(_set(ADDRESSES)):
        form: dict[str, Any] = {"Address": address, "Type": _channel(address), "FriendlyName": "somebody's"}
        match draw(st.sampled_from(("none", "webhook", "studio", "default"))):
            case "webhook":
                form |= {"AutoCreation.Type": "webhook", "AutoCreation.WebhookUrl": URLS[0]}
                form |= {"AutoCreation.WebhookFilters": list(POST_FILTERS[:2]), "AutoCreation.Enabled": "false"}
            case "studio":
                form |= {"AutoCreation.Type": "studio", "AutoCreation.StudioFlowSid": FLOWS[0]}
            case "default":
                form |= {"AutoCreation.Type": "default"}
        if names and "AutoCreation.Type" in form and draw(booleans):
            form["AutoCreation.ConversationServiceSid"] = f"<{draw(st.sampled_from(names))}>"
        calls.append(("/v1/Configuration/Addresses", form))
    if draw(booleans):
        webhooks = {"Method": "POST", "Filters": list(PRE_FILTERS), "PreWebhookUrl": URLS[2], "Target": "flex"}
        calls.append(("/v1/Configuration/Webhooks", webhooks))
    if draw(booleans):
        calls.append(("/v1/Configuration", {"DefaultInactiveTimer": "PT5M"}))
    if draw(booleans):
        calls.append(("/v1/Credentials", {"Type": "fcm", "FriendlyName": "android", "Secret": "x"}))
        calls.append(("/v1/Credentials", {"Type": "apn", "FriendlyName": "old", "Certificate": "c", "PrivateKey": "k"}))
    return calls


def _channel(address: str) -> str:
    if ":" in address:
        return address.partition(":")[0]
    return "email" if "@" in address else "sms"
