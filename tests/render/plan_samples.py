"""Plans and reports to lay out, made by hand: one for each thing that a renderer has to get right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from reconciler.documents.parts import (
    ChangePart,
    FieldPart,
    GuardPart,
    InnerPart,
    IrreversiblePart,
    OptionsPart,
    SincePart,
    SourcePart,
    StepPart,
    SummaryPart,
    UndoPart,
    UnmanagedPart,
    WarningPart,
)
from reconciler.documents.plan import PlanFile
from reconciler.documents.report import OutcomePart, RefusalPart, ReportFile, ReportSummaryPart, ResultPart

ACCOUNT = "AC0123456789abcdef0123456789abcdef"


def sid(prefix: str, number: int) -> str:
    return f"{prefix}{number:032x}"


def source(line: int, file: str = "support.yaml", via: str = "") -> SourcePart:
    return SourcePart(file=file, line=line, column=3, via=via)


def field(path: str, before: Any, after: Any, **more: Any) -> FieldPart:
    return FieldPart(
        **{
            "path": path,
            "before": before,
            "after": after,
            "sensitive": False,
            "forces_replacement": False,
            "source": None,
            **more,
        }
    )


def change(address: str, kind: str, action: Any, *fields: FieldPart, **more: Any) -> ChangePart:
    steps: tuple[Any, ...] = {"replace": ("create", "delete")}.get(action, (action,))
    return ChangePart(
        **{
            "address": address,
            "kind": kind,
            "action": action,
            "sid": None,
            "name": "",
            "parents": (),
            "fields": fields,
            "steps": tuple(StepPart(id=f"{address}#{op}", op=op, needs=()) for op in steps),
            "reason": {"create": "not in the account", "delete": "pruned"}.get(action, "differs"),
            "risk": "low",
            "guard": None,
            **more,
        }
    )


def plan(*changes: ChangePart, no_op: int = 20, **more: Any) -> PlanFile:
    def doing(action: str) -> int:
        held = [entry for entry in changes if entry.guard and entry.guard.verdict == "withheld"]
        return sum(1 for entry in changes if entry.action == action and entry not in held)

    summary = SummaryPart(
        create=doing("create"),
        update=doing("update"),
        replace=doing("replace"),
        delete=doing("delete"),
        no_op=no_op,
        unmanaged=len(more.get("unmanaged", ())),
        withheld=sum(1 for entry in changes if entry.guard and entry.guard.verdict == "withheld"),
    )
    return PlanFile(
        **{
            "tool_version": "0.1.0",
            "account_sid": ACCOUNT,
            "created_at": "2026-01-02T03:04:05Z",
            "config_digest": "sha256:" + "0" * 64,
            "options": OptionsPart(env=""),
            "summary": summary,
            "changes": changes,
            "unmanaged": (),
            "warnings": (),
            **more,
        }
    )


SUPPORT = "Customer Support"
AGENT = change(
    "services.support.roles.agent",
    "role",
    "update",
    field(
        "permissions",
        ["deleteOwnMessage", "leaveConversation", "sendMessage"],
        ["leaveConversation", "sendMediaMessage", "sendMessage"],
        source=source(12),
    ),
    sid=sid("RL", 1),
    name="agent",
    service=SUPPORT,
    risk="medium",
    consequences=(
        "Everyone with the role 'agent' gains sendMediaMessage.",
        "Everyone with the role 'agent' loses deleteOwnMessage.",
    ),
    source=source(11),
)
DEFAULT_ROLE = change(
    "services.support.configuration",
    "service_configuration",
    "update",
    field(
        "default_conversation_role",
        sid("RL", 7),
        {"ref": "services.support.roles.lead"},
        before_name="channel user",
        source=source(4, via="template standard"),
    ),
    field("reachability_enabled", False, True, source=source(5)),
    service=SUPPORT,
    risk="medium",
    consequences=("New participants get a different role.",),
    source=source(3),
)
NEW_ADDRESS = change(
    "addresses.main",
    "address_configuration",
    "create",
    field("address", None, "+14155550100", source=source(3, "addresses.yaml", "variable main_number")),
    field("type", None, "sms", source=source(2, "addresses.yaml")),
    field("friendly_name", None, "Main line", source=source(4, "addresses.yaml")),
    field("auto_creation.enabled", None, True, source=source(5, "addresses.yaml")),
    field("auto_creation.type", None, "webhook", source=source(6, "addresses.yaml")),
    field("auto_creation.service", None, {"ref": "services.support"}, source=source(7, "addresses.yaml")),
    field(
        "auto_creation.webhook_filters",
        None,
        ["onConversationRemoved", "onMessageAdded", "onMessageUpdated", "onParticipantAdded", "onParticipantRemoved"],
        source=source(8, "addresses.yaml"),
    ),
    name="+14155550100",
    risk="medium",
    consequences=("Messages to +14155550100 that belong to no conversation start one.",),
    source=source(2, "addresses.yaml"),
)
REPLACED = change(
    "services.support.roles.lead",
    "role",
    "replace",
    field("type", "conversation", "service", forces_replacement=True, source=source(20)),
    field(
        "permissions",
        ["addParticipant", "sendMessage"],
        ["addParticipant", "createConversation"],
        source=source(21, via="overlay prod.yaml"),
    ),
    sid=sid("RL", 2),
    name="lead",
    service=SUPPORT,
    risk="high",
    consequences=("Everyone with the role gets a different one.",),
    source=source(19),
)
DELETED_ROLE = change(
    "services.support.roles.old",
    "role",
    "delete",
    sid=sid("RL", 3),
    name="old",
    service=SUPPORT,
    risk="medium",
    reason="absent: true",
    source=source(30),
)
HOOKS = change(
    "account.webhooks",
    "account_webhook",
    "update",
    field(
        "pre_webhook_url",
        "https://hooks.example.com/pre",
        "https://hooks-of-another-company.example.net/conversations/v1/pre?region=ie1&tenant=support",
        source=source(8, "reconciler.yaml"),
    ),
    field(
        "post_webhook_url",
        {"digest": "k1:5a1b", "shown": "https://hooks.example.com/post?token=(sensitive)"},
        {
            "secret": "HOOK_TOKEN",
            "digest": "k1:77aa",
            "shown": "https://hooks.another-company.example.net/post?token=(sensitive)&v=1",
        },
        sensitive=True,
        source=source(9, "reconciler.yaml"),
    ),
    field("method", "GET", "POST", source=source(7, "reconciler.yaml")),
    field("filters", ["onMessageAdded"], None, source=source(6, "reconciler.yaml")),
    risk="high",
    consequences=("A different server can change or reject messages and other requests.",),
    source=source(5, "reconciler.yaml"),
)
LOST_SERVICE = change(
    f'services["{sid("IS", 9)}"]',
    "service",
    "delete",
    sid=sid("IS", 9),
    name="Old Support",
    service="Old Support",
    risk="high",
    consequences=("Destroys every conversation, message, user, and role in it permanently.",),
    guard=GuardPart(
        name="approval",
        verdict="refused",
        message=f'deleting services["{sid("IS", 9)}"] destroys every conversation, message, user, and role in it; '
        f"approve it with --approve 'services[\"{sid('IS', 9)}\"]', or under `approvals` in the configuration",
    ),
)
WITHHELD = change(
    f'services.support.roles["{sid("RL", 5)}"]',
    "role",
    "delete",
    sid=sid("RL", 5),
    name="supervisor",
    service=SUPPORT,
    risk="medium",
    guard=GuardPart(
        name="role_in_use",
        verdict="withheld",
        message="3 users still hold the role 'supervisor'; assign another role first",
    ),
)
HALF_HELD = change(
    "services.support.roles.clerk",
    "role",
    "replace",
    field("type", "service", "conversation", forces_replacement=True, source=source(40)),
    sid=sid("RL", 6),
    name="clerk",
    service=SUPPORT,
    risk="high",
    guard=GuardPart(
        name="role_in_use",
        verdict="withheld",
        message="1 user still holds the role 'clerk'; assign another role first",
        only_delete=True,
    ),
)

EMPTY = plan(options=OptionsPart(env="prod"))
SMALL = plan(AGENT, options=OptionsPart(env="prod"))
EVERY_ACTION = plan(
    NEW_ADDRESS,
    AGENT,
    REPLACED,
    DEFAULT_ROLE,
    HOOKS,
    DELETED_ROLE,
    unmanaged=(
        UnmanagedPart(
            address=f'services.support.roles["{sid("RL", 8)}"]', kind="role", sid=sid("RL", 8), name="by hand"
        ),
        UnmanagedPart(address=f'services["{sid("IS", 4)}"]', kind="service", sid=sid("IS", 4), name="Playground"),
    ),
    warnings=(
        WarningPart(
            code="unknown-word",
            message='filters: "onMesageAdded" is not known to this release',
            hint="did you mean onMessageAdded?",
            source=source(6, "reconciler.yaml"),
        ),
        WarningPart(code="doubt", message="the account has two roles named 'agent'", address="services.support"),
    ),
)
GUARDS = plan(
    LOST_SERVICE,
    WITHHELD,
    HALF_HELD,
    no_op=3,
    guards=(
        GuardPart(
            name="limit",
            verdict="refused",
            message="11 deletes (replaces included), but limits.deletes allows 10; raise limits.deletes in the "
            "files if all of them are meant",
        ),
    ),
)
SECRETS = plan(
    HOOKS,
    change(
        "services.support.notifications",
        "service_notification",
        "update",
        field("new_message.template", {"digest": "k1:1"}, {"digest": "k1:2"}, sensitive=True, source=source(3)),
        field("added_to_conversation.sound", None, {"unknown": "secret SOUND is not set"}, sensitive=True),
        field("log_enabled", "a sensitive value that was not redacted", "nor was this", sensitive=True),
        service=SUPPORT,
    ),
)
_UNBORN = {"unknown": "the service does not exist yet"}
NEW_SERVICE = plan(
    change(
        "services.support",
        "service",
        "create",
        field("friendly_name", None, SUPPORT, source=source(2)),
        name=SUPPORT,
        service=SUPPORT,
        source=source(2),
    ),
    change(
        "services.support.roles.agent",
        "role",
        "create",
        field("friendly_name", None, "agent", source=source(6)),
        field("type", None, "conversation", source=source(6)),
        field("permissions", None, ["leaveConversation", "sendMessage"], source=source(6)),
        name="agent",
        service=SUPPORT,
        source=source(6),
    ),
    change(
        "services.support.configuration",
        "service_configuration",
        "update",
        field("default_conversation_role", _UNBORN, {"ref": "services.support.roles.agent"}, source=source(4)),
        field("default_chat_service_role", _UNBORN, {"ref": 'services.support.roles["service user"]'}),
        field("reachability_enabled", _UNBORN, True, source=source(5)),
        service=SUPPORT,
        source=source(3),
    ),
    change(
        "services.support.webhooks",
        "service_webhook",
        "update",
        field("filters", _UNBORN, ["onMessageAdded"], source=source(8)),
        field("post_webhook_url", {"unknown": "another reason"}, "https://hooks.example.com/support/post"),
        service=SUPPORT,
        consequences=("The account's webhooks do not receive this service's events.",),
    ),
    no_op=0,
)
_LONG = "Lorem ipsum dolor sit amet, consectetur adipiscing elit. " * 12
_TEXT = "\n".join(f"line {number}" for number in range(60))
HOSTILE = plan(
    change(
        'services["evil\\u001b[2J"].roles.x',
        "role",
        "update",
        field(
            "friendly_name", "\x1b[31mred\x1b[0m", "\u202egnp.exe\u202c", source=source(1, "a\x1b]0;t\x07.yaml", "\r\n")
        ),
        field("spaces", " a ", "a\u00a0b"),
        field("bell\x07path", "\x07", "\ufffd lone"),
        field("zero", "a\u200bb", "a\ufe0fb\U000e0041"),
        field("lines", "one\ntwo\rthree", "one\ntwo\n\x1b[Athree"),
        field("types", "10", 10),
        field("words", "true", True),
        field("quotes", 'say "hi" \\n', "(none)"),
        field("wide", "日本語のサービス名前" * 3, "日本語のサービス" * 9),
        field("items", ["a, b", "c\n"], ["a", "b", "\x00"]),
        sid="RL\x1b[1m",
        name="\x9b31m",
        service="two\nlines",
        reason="because\x00",
        risk="high",
        consequences=("gains \x1b[1mbold\u2028power",),
        guard=GuardPart(name="approval", verdict="refused", message="quote ' and \x1b[0m"),
    ),
    change(
        'services.x.conversations["' + "very-long-handle-" * 12 + '"]',
        "conversation",
        "create",
        field("unique_name", None, _LONG),
        field("attributes", None, {"team": 1, "nested": {"list": [1, 2.5, None, True, "x\u202e"]}}),
        name="very-long-handle-" * 12,
    ),
    change(
        "services.x.conversations.y",
        "conversation",
        "update",
        field("friendly_name", _LONG, _LONG[:350] + "CHANGED" + _LONG[350:]),
        field("template", _TEXT, _TEXT.replace("line 30", "line thirty").replace("line 59", "the end")),
        field("attributes", {"a": 1, "b": [1, 2, 3], "c": "same"}, {"a": 2, "b": [1, 3], "c": "same"}),
        field("a.path.that.is.much.longer.than.any.label.should.ever.be", 1, 2, source=source(77)),
        sid=sid("CH", 1),
    ),
    unmanaged=(UnmanagedPart(address="a\x1b", kind="ro\nle", sid="RL\x00", name="\u202e"),),
    warnings=(WarningPart(code="x", message="\x1b[31m", hint="\n\n", address="\x00"),),
    left_out=("left\x1bout",),
)


def _many_unmanaged(roles: int) -> PlanFile:
    return plan(
        unmanaged=tuple(
            UnmanagedPart(address=f'services["{sid("IS", n)}"]', kind="service", sid=sid("IS", n), name=f"Service {n}")
            for n in range(2)
        )
        + tuple(
            UnmanagedPart(
                address=f'services.support.roles["{sid("RL", n)}"]', kind="role", sid=sid("RL", n), name=f"role {n}"
            )
            for n in range(roles)
        ),
        options=OptionsPart(env="staging", target=("services.support",)),
        left_out=tuple(f"addresses.line{n}" for n in range(8)),
    )


def _moved(number_of: int) -> Iterator[ChangePart]:
    return (
        change(
            f"addresses.line{number}",
            "address_configuration",
            "update",
            field(
                "auto_creation.service",
                sid("IS", 1),
                {"ref": "services.support"},
                before_name="Old",
                source=source(number),
            ),
            sid=sid("IG", number),
            name=f"+1415555{number:04}",
            risk="high",
            consequences=("Messages to this address start conversations in another service.",),
            source=source(number),
        )
        for number in range(1, number_of + 1)
    )


def _gaining(number_of: int) -> Iterator[ChangePart]:
    return (
        change(
            f"services.s{number % 12}.roles.r{number}",
            "role",
            "update",
            field("permissions", ["sendMessage"], ["sendMessage", f"permission{number}"], source=source(number)),
            sid=sid("RL", number),
            name=f"r{number}",
            service=f"Service {number % 12}",
            risk="medium",
            consequences=(f"Everyone with the role 'r{number}' gains permission{number}.",),
            source=source(number, f"s{number % 12}.yaml"),
        )
        for number in range(number_of)
    )


def _hired(number_of: int) -> Iterator[ChangePart]:
    return (
        change(
            f"services.s1.users.u{number}",
            "user",
            "create",
            field("identity", None, f"u{number}", source=source(number, "s1.yaml")),
            field("role", None, {"ref": "services.s1.roles.r1"}, source=source(number, "s1.yaml")),
            name=f"u{number}",
            service="Service 1",
            source=source(number, "s1.yaml"),
        )
        for number in range(number_of)
    )


def _lost(number_of: int) -> Iterator[ChangePart]:
    return (
        change(
            f'services.s2.conversations["{sid("CH", number)}"]',
            "conversation",
            "delete",
            sid=sid("CH", number),
            name=f"old-{number}",
            service="Service 2",
            risk="high",
            consequences=("Destroys every message and participant in it permanently.",),
        )
        for number in range(number_of)
    )


def _many_changes(*, moved: int, gaining: int, hired: int, lost: int) -> PlanFile:
    return plan(*_moved(moved), *_gaining(gaining), *_hired(hired), *_lost(lost), no_op=1200)


MANY_UNMANAGED = _many_unmanaged(1200)
LARGE = _many_changes(moved=700, gaining=240, hired=40, lost=20)
EVERY_KIND = plan(
    change(
        "account.configuration",
        "account_configuration",
        "update",
        field("default_service", sid("IS", 2), {"ref": "services.support"}, before_name="Old", source=source(4)),
        field("default_messaging_service_sid", None, sid("MG", 1), source=source(5)),
        field("default_inactive_timer", "PT5M", "PT15M", source=source(6)),
        field("default_closed_timer", "P7D", None, source=source(7)),
        risk="high",
        consequences=("Whatever names no service belongs to 'Customer Support' from now on.",),
        source=source(3),
    ),
    HOOKS,
    change(
        "services.emea",
        "service",
        "create",
        field("friendly_name", None, "EMEA", source=source(2, "emea.yaml")),
        name="EMEA",
        service="EMEA",
        source=source(2, "emea.yaml"),
    ),
    DEFAULT_ROLE,
    change(
        "services.support.notifications",
        "service_notification",
        "update",
        field("log_enabled", False, True, source=source(20)),
        field("new_message.badge_count_enabled", True, False, source=source(21)),
        field("new_message.template", None, "${PARTICIPANT}: ${MESSAGE}", source=source(22)),
        field("new_message.with_media.template", "${PARTICIPANT}\nsent a file", "${PARTICIPANT}\nsent ${MEDIA}"),
        field("removed_from_conversation.sound", "ring", "", source=source(24)),
        service=SUPPORT,
        source=source(19),
    ),
    change(
        "services.support.webhooks",
        "service_webhook",
        "update",
        field("method", "GET", "POST", source=source(31)),
        field("filters", ["onMessageAdded"], ["onMessageAdd", "onMessageAdded"], source=source(32)),
        field("pre_webhook_url", None, "https://hooks.example.com/support/pre", source=source(33)),
        service=SUPPORT,
        risk="high",
        consequences=("This server can now change or reject messages and other requests.",),
        source=source(30),
    ),
    AGENT,
    change(
        'services.support.users["ada@example.com"]',
        "user",
        "update",
        field("friendly_name", "Ada", "Ada Lovelace", source=source(41)),
        field("role", sid("RL", 7), {"ref": "services.support.roles.lead"}, before_name="channel user"),
        field(
            "attributes",
            {"json": {"languages": ["en"], "team": 1}},
            {"json": {"languages": ["en", "fr"], "team": 2}},
            source=source(42),
            inside=(
                InnerPart(path="languages[1]", kind="added", after="fr"),
                InnerPart(path="team", kind="changed", before=1, after=2),
            ),
        ),
        sid=sid("US", 1),
        name="ada@example.com",
        service=SUPPORT,
        risk="medium",
        source=source(40),
    ),
    change(
        "services.support.conversations.announcements",
        "conversation",
        "update",
        field("friendly_name", "News", "Announcements", source=source(51)),
        field("state", "inactive", "active", source=source(52)),
        field("timers.inactive", "PT30M", "PT1H", source=source(53)),
        field("attributes", {"json": {"pinned": False}}, None, source=source(54)),
        field("bindings.email.address", None, "desk@example.com", source=source(55)),
        sid=sid("CH", 1),
        name="announcements",
        service=SUPPORT,
        source=source(50),
    ),
    change(
        "services.support.conversations.announcements.webhooks.crm",
        "conversation_webhook",
        "create",
        field("target", None, "webhook", source=source(61)),
        field("url", None, "https://crm.example.com/hook", source=source(61)),
        field("method", None, "POST", source=source(61)),
        field("filters", None, ["onMessageAdded"], source=source(61)),
        name="webhook https://crm.example.com/hook",
        service=SUPPORT,
        source=source(61),
    ),
    change(
        "services.support.conversations.announcements.webhooks.bot",
        "conversation_webhook",
        "replace",
        field("flow_sid", sid("FW", 1), sid("FW", 2), source=source(62)),
        field("target", "trigger", "studio", forces_replacement=True, source=source(62)),
        field("replay_after", 3, None, source=source(62)),
        sid=sid("WH", 1),
        name=f"studio {sid('FW', 2)}",
        service=SUPPORT,
        risk="medium",
        source=source(62),
    ),
    change(
        "services.support.conversations.announcements.participants.customer",
        "participant",
        "create",
        field("address", None, "+14155550199", source=source(71)),
        field("proxy_address", None, "+14155550100", source=source(71)),
        field("role", None, {"ref": "services.support.roles.agent"}, source=source(71)),
        name="+14155550199 by +14155550100",
        service=SUPPORT,
        source=source(71),
    ),
    NEW_ADDRESS,
    change(
        "credentials.ios",
        "credential",
        "update",
        field("certificate", {"unknown": "Twilio never returns it"}, {"secret": "APN_CERTIFICATE", "digest": "k1:0a"},
              sensitive=True, source=source(81)),
        field("private_key", {"unknown": "Twilio never returns it"}, {"secret": "APN_KEY", "digest": "k1:0b"},
              sensitive=True, source=source(82)),
        field("sandbox", True, False, source=source(83)),
        sid=sid("CR", 1),
        name="iOS push",
        risk="medium",
        reason="rotated",
        source=source(80),
    ),
    options=OptionsPart(env="prod", rotate=("credentials.ios",)),
    unverified=("services.support.conversations.announcements.webhooks.bot: replay_after",),
)  # fmt: skip


def result(entry: ChangePart, status: Any, *outcomes: OutcomePart) -> ResultPart:
    return ResultPart(
        address=entry.address,
        kind=entry.kind,
        action=entry.action,
        name=entry.name,
        service=entry.service,
        status=status,
        outcomes=outcomes,
    )


def outcome(entry: ChangePart, op: Any, status: Any, **more: Any) -> OutcomePart:
    return OutcomePart(step=f"{entry.address}#{op}", op=op, status=status, **more)


def report(*results: ResultPart, exit_code: int = 0, **more: Any) -> ReportFile:
    def done(action: str) -> int:
        return sum(1 for entry in results if entry.action == action and entry.status == "done")

    def ended(status: str) -> int:
        return sum(1 for entry in results if entry.status == status)

    return ReportFile(
        **{
            "tool_version": "0.1.0",
            "account_sid": ACCOUNT,
            "planned_at": "2026-01-02T03:04:05Z",
            "config_digest": "sha256:" + "0" * 64,
            "options": OptionsPart(env=""),
            "exit_code": exit_code,
            "interrupted": False,
            "seconds": 3.2,
            "requests": 42,
            "writes": 5,
            "summary": ReportSummaryPart(
                create=done("create"),
                update=done("update"),
                replace=done("replace"),
                delete=done("delete"),
                partly=ended("partly"),
                failed=ended("failed"),
                skipped=ended("skipped"),
                withheld=ended("withheld"),
                interrupted=ended("interrupted"),
            ),
            "changes": results,
            **more,
        }
    )


REFUSED = RefusalPart(
    method="POST",
    path=f"/v1/Services/{sid('IS', 1)}/Roles/{sid('RL', 1)}",
    status=400,
    code=50301,
    message="Invalid permission 'sendEverything'",
    more_info="https://www.twilio.com/docs/errors/50301",
    request_id="RQ0123456789abcdef0123456789abcdef",
)
KEPT = "Twilio reported success, but kept its own value of post_webhook_url"

ALL_DONE = report(
    result(NEW_ADDRESS, "done", outcome(NEW_ADDRESS, "create", "done", sid=sid("IG", 1))),
    result(AGENT, "done", outcome(AGENT, "update", "done", sid=sid("RL", 1))),
)
DELETED = report(
    result(
        REPLACED,
        "done",
        outcome(REPLACED, "create", "done", sid=sid("RL", 11)),
        outcome(REPLACED, "delete", "done", sid=sid("RL", 2), name="old lead"),
    ),
    result(DELETED_ROLE, "done", outcome(DELETED_ROLE, "delete", "done", sid=sid("RL", 3), name=DELETED_ROLE.name)),
    result(LOST_SERVICE, "done", outcome(LOST_SERVICE, "delete", "done", sid=sid("IS", 9), name=LOST_SERVICE.name)),
)
NOTHING_DONE = report(seconds=0.4, requests=3, writes=0)
ALL_STATUSES = report(
    result(NEW_ADDRESS, "done", outcome(NEW_ADDRESS, "create", "done", sid=sid("IG", 1))),
    result(AGENT, "failed", outcome(AGENT, "update", "failed", sid=sid("RL", 1), refusal=REFUSED, cause="validation")),
    result(HOOKS, "failed", outcome(HOOKS, "update", "failed", message=KEPT, cause="other")),
    result(
        REPLACED,
        "partly",
        outcome(REPLACED, "create", "done", sid=sid("RL", 11)),
        outcome(
            REPLACED,
            "delete",
            "skipped",
            name="supervisor",
            sid=sid("RL", 2),
            because=f"{AGENT.address}#update",
            message="deletes run only after everything before them succeeded",
        ),
    ),
    result(DEFAULT_ROLE, "skipped", outcome(DEFAULT_ROLE, "update", "skipped", because=f"{AGENT.address}#update")),
    result(DELETED_ROLE, "interrupted", outcome(DELETED_ROLE, "delete", "interrupted", sid=sid("RL", 3))),
    result(
        WITHHELD,
        "withheld",
        outcome(WITHHELD, "delete", "withheld", message="3 users still hold the role 'supervisor'"),
    ),
    result(
        HALF_HELD,
        "done",
        outcome(HALF_HELD, "create", "done", sid=sid("RL", 12), message="its answer was lost, so it was sent again"),
        outcome(HALF_HELD, "delete", "withheld", sid=sid("RL", 6), message="1 user still holds the role 'clerk'"),
    ),
    exit_code=1,
)
ONLY_WITHHELD = report(
    result(AGENT, "done", outcome(AGENT, "update", "unchanged", sid=sid("RL", 1))),
    result(WITHHELD, "withheld", outcome(WITHHELD, "delete", "withheld", message="3 users still hold it")),
    exit_code=5,
)
INTERRUPTED = report(
    result(AGENT, "interrupted", outcome(AGENT, "update", "interrupted", sid=sid("RL", 1))),
    result(
        DEFAULT_ROLE,
        "skipped",
        outcome(
            DEFAULT_ROLE, "update", "skipped", message="the run was interrupted before this step", cause="interrupted"
        ),
    ),
    interrupted=True,
    exit_code=130,
)
OUT_OF_TIME = report(
    result(NEW_ADDRESS, "done", outcome(NEW_ADDRESS, "create", "done", sid=sid("IG", 1))),
    result(
        HOOKS,
        "failed",
        outcome(HOOKS, "update", "failed", message="no answer from https://x in time", cause="network"),
    ),
    *(
        result(
            entry,
            "skipped",
            outcome(
                entry,
                "create",
                "skipped",
                message="the command's deadline passed before this step (--timeout)",
                cause="deadline",
            ),
        )
        for entry in LARGE.changes[:23]
    ),
    resent=7,
    exit_code=1,
)
EVERY_CAUSE = report(
    *(
        result(
            AGENT,
            "failed",
            outcome(
                AGENT,
                "update",
                "failed",
                refusal=replace(REFUSED, status=status, code=code, message=message),
                cause=cause,
            ),
        )
        for status, code, message, cause in (
            (401, 20003, "Authenticate", "auth"),
            (403, 20403, "Account suspended", "permission"),
            (404, 20404, "The requested resource was not found", "missing"),
            (409, 50353, "Conversation with provided unique name already exists", "conflict"),
            (429, 20429, "Too many requests", "rate"),
            (503, 20503, "Service unavailable", "server"),
        )
    ),
    result(
        HOOKS,
        "failed",
        outcome(HOOKS, "update", "failed", message="POST /v1/x: the answer is not JSON (HTTP 200)", cause="answer"),
    ),
    exit_code=1,
)
HOSTILE_REPORT = report(
    result(
        AGENT,
        "failed",
        outcome(
            AGENT,
            "update",
            "failed",
            message="\x1b[2J\n",
            refusal=replace(REFUSED, message="\x1b[31mno\u202e" + "x" * 5000, more_info="\r", request_id="\x07"),
        ),
    ),
    exit_code=1,
)

SINCE = SincePart(entry=41, at="2026-11-18T09:30:00Z", commit="9d0e11f" + "0" * 33)
REMOVED = SincePart(entry=41, at="2026-11-18T09:30:00Z", commit="77ab01c" + "0" * 33)
WITH_BASELINE = plan(
    change(
        "services.support.webhooks",
        "service_webhook",
        "update",
        field(
            "pre_webhook_url", "https://hooks.example.com/pre", None, standing="removed", since=REMOVED, returns=True
        ),
        field("method", "POST", "GET", standing="removed", since=REMOVED, returns=True, adopted=True),
        field(
            "filters",
            ["onMessageAdd"],
            ["onMessageAdd", "onMessageAdded"],
            standing="drifted",
            since=SINCE,
            source=source(31),
        ),
        service=SUPPORT,
        source=source(30),
    ),
    change(
        "services.support.configuration",
        "service_configuration",
        "update",
        field("reachability_enabled", False, True, standing="pending", since=SINCE, source=source(21)),
        service=SUPPORT,
        source=source(20),
    ),
    change(
        "services.support.roles.agent",
        "role",
        "update",
        field(
            "permissions", ["sendMessage"], ["leaveConversation"], standing="conflict", since=SINCE, source=source(12)
        ),
        name="agent",
        service=SUPPORT,
        source=source(11),
        guard=GuardPart(
            name="conflict",
            verdict="refused",
            message="permissions changed in the configuration and in the account",
        ),
    ),
    change(
        "services.support.roles.lead",
        "role",
        "create",
        field("permissions", None, ["sendMessage"], source=source(14)),
        name="lead",
        service=SUPPORT,
        source=source(13),
        standing="drifted",
        since=SINCE,
    ),
    change(
        "addresses.overflow",
        "address_configuration",
        "delete",
        name="+14155550100",
        reason="removed from the configuration (commit 77ab01c)",
        standing="removed",
        since=REMOVED,
    ),
    change(
        "addresses.sales",
        "address_configuration",
        "delete",
        name="+14155550101",
        reason="removed from the configuration (commit 77ab01c)",
        standing="removed_conflict",
        since=REMOVED,
        guard=GuardPart(name="changed", verdict="withheld", message="it was changed in the account"),
    ),
    baseline=SINCE,
)

UNDO_OPTIONS = OptionsPart(env="prod", undo=UndoPart(report="reports/report.json", digest="sha256:" + "0" * 64))
CHANGED_SINCE = change(
    "services.support.users.ada",
    "user",
    "update",
    sid=sid("US", 7),
    name="ada",
    service=SUPPORT,
    reason="changed by the apply that is undone",
    guard=GuardPart(
        name="changed_since",
        verdict="withheld",
        message="friendly_name changed since the apply; see `reconciler drift`",
    ),
)
UNDO = plan(
    AGENT,
    CHANGED_SINCE,
    options=UNDO_OPTIONS,
    irreversible=(
        IrreversiblePart(
            address="account.configuration",
            message="default_inactive_timer stays as it is: Twilio can overwrite a timer but not clear it",
        ),
        IrreversiblePart(
            address='services.support.conversations["<b>@everyone\u202e\x1b[1m"]',
            message="created again with a new SID; every message and participant in it cannot be restored",
        ),
    ),
)
UNDONE = report(
    result(AGENT, "done", outcome(AGENT, "update", "done", sid=sid("RL", 1))),
    result(
        CHANGED_SINCE,
        "withheld",
        outcome(CHANGED_SINCE, "update", "withheld", message="friendly_name changed since the apply"),
    ),
    exit_code=5,
    options=UNDO_OPTIONS,
    follow_up=(
        "git revert 3f9c2ab3f9c2ab3f9c2ab3f9c2ab3f9c2ab3f9c2",
        "git revert -m 1 9d0e11f9d0e11f9d0e11f9d0e11f9d0e11f9d0e1",
    ),
)

PLANS = {
    "empty": EMPTY,
    "small": SMALL,
    "every_action": EVERY_ACTION,
    "every_kind": EVERY_KIND,
    "secrets": SECRETS,
    "hostile": HOSTILE,
    "guards": GUARDS,
    "many_unmanaged": MANY_UNMANAGED,
    "new_service": NEW_SERVICE,
    "undo": UNDO,
    "thousand": LARGE,
}
"""Plans for every renderer and every property."""

GOLDEN_PLANS = {
    **{name: found for name, found in PLANS.items() if name != "thousand"},
    "baseline": WITH_BASELINE,
    "many_unmanaged": _many_unmanaged(12),
    "many_changes": _many_changes(moved=5, gaining=8, hired=4, lost=2),
}
"""Those that every format has golden files of: small ones stand in for large ones, so that a person can read them."""

REPORTS = {
    "all_done": ALL_DONE,
    "deleted": DELETED,
    "nothing_done": NOTHING_DONE,
    "all_statuses": ALL_STATUSES,
    "only_withheld": ONLY_WITHHELD,
    "interrupted": INTERRUPTED,
    "hostile": HOSTILE_REPORT,
    "out_of_time": OUT_OF_TIME,
    "every_cause": EVERY_CAUSE,
    "undone": UNDONE,
}

DRIFTS = ("baseline", "every_action", "every_kind", "hostile", "empty", "secrets", "many_unmanaged", "many_changes")
"""Those of them that every format has golden files of as drifts too."""
