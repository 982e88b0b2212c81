"""Rates the risk of a change and describes its consequences.

Takes a change and its context; returns its risk and its consequences. Pure. The consequences of a field are defined by
its `OnChange` marker, those of a resource by its kind's `consequences`; this module adds those of the action and those
that depend on the rest of the account.

High: destroys history, moves traffic, or removes permissions of a default role. Medium: deletes anything else, or
changes a hook, a role, or a default. Low: everything else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from reconciler.change import RISKS, Change, FieldChange
from reconciler.config.model import Reference, Unknown
from reconciler.kinds.fields import Shape
from reconciler.kinds.hooks import Consequence, PartialValues
from reconciler.kinds.markers import OnChange, Risk
from reconciler.kinds.relations import is_held
from reconciler.planning.diff import SidOf
from reconciler.planning.subject import Subject
from reconciler.redaction import HIDDEN

OF_A_DEFAULT = ", a default of its service,"
"""Follows a role's name in an effect if the role is a default before or after the plan."""


def higher(*risks: Risk) -> Risk:
    """Return the highest of several risks; low if there are none."""
    return max(risks, key=RISKS.index, default="low")


def judge(
    change: Change,
    subject: Subject | None,
    former: Subject | None = None,
    *,
    is_default: bool = False,
    sid_of: SidOf = lambda _reference: None,
) -> Change:
    """Return a change with its risk and consequences.

    Args:
        change: the change, without a risk; its consequences are kept.
        subject: the resource before the change, if there is one.
        former: a resource that the new one probably renames.
        is_default: whether it is a default role of its service.
        sid_of: resolves references; a reference to the same resource as before changes nothing.
    """
    risks: list[Risk] = ["low"]
    words: list[str] = []
    match change.action:
        case "create":
            _creation(change, former, risks, words)
        case "delete":
            _deletion(change, risks, words)
        case _:
            for item in change.fields:
                target = sid_of(item.after) if isinstance(item.after, Reference) else None
                if target is None or target != item.before:
                    _field(change, item, risks, words)
            if change.action == "replace":
                risks.append(change.kind.replace_risk)
    if is_held(change.kind) and change.action in {"update", "replace"}:
        _permissions(change, is_default, risks, words)
    for consequence in _consequences(change, subject):
        risks.append(consequence.risk)
        words.append(consequence.sentence)
    return replace(change, risk=higher(*risks), consequences=tuple(dict.fromkeys((*change.consequences, *words))))


def _consequences(change: Change, subject: Subject | None) -> Iterable[Consequence]:
    """Yield the consequences of the contents; for a replace under another name, those of its delete and create.

    Each of the two may remain to be done after an interruption, and then has no effect that the replace did not
    state.
    """
    before, after = _contents(change, subject)
    kind = change.kind
    if change.action != "replace" or before is None or after is None:
        return kind.consequences(before, after, change.name)
    # The old resource is deleted first only because both cannot exist at once.
    deletes_first = {*kind.unique_keys(before)} & {*kind.unique_keys(after)}
    gap = kind.interruption(before, after, change.name) if deletes_first else ()
    if kind.name_of(before) == kind.name_of(after):
        return (*kind.consequences(before, after, change.name), *gap)
    item = next((item for item in change.fields if item.path == kind.natural_key), None)
    new = item.after if item is not None and isinstance(item.after, str) and not item.sensitive else HIDDEN
    former_name = change.former_title or change.name
    return (*kind.consequences(before, None, former_name), *kind.consequences(None, after, new), *gap)


def _contents(change: Change, subject: Subject | None) -> tuple[PartialValues | None, PartialValues | None]:
    """Return the contents before and after, as far as they are known."""
    is_new = change.action == "create"
    known = {item.path: item.before for item in change.fields if not (is_new or isinstance(item.before, Unknown))}
    before = {**(subject.values if subject is not None else {}), **known}
    after = {**before, **{item.path: item.after for item in change.fields}}
    # The settings of a new service are updated, although there are none before.
    is_unborn = subject is None and any(isinstance(item.before, Unknown) for item in change.fields)
    return None if (is_new and subject is None) or is_unborn else before, None if change.action == "delete" else after


def _field(change: Change, item: FieldChange, risks: list[Risk], words: list[str]) -> None:
    marker = change.kind.by_path[item.path].marker(OnChange)
    if marker is None or item.before == item.after:
        return
    if isinstance(item.before, Unknown):
        # A setting of a service that does not exist yet affects no running traffic.
        risks.append("low")
        return
    risks.append(marker.risk)
    if sentence := marker.sentence(had=_is_set(item.before), has=_is_set(item.after)):
        words.append(sentence)


def _is_set(content: object) -> bool:
    return content is not None and content != ""


def _creation(change: Change, former: Subject | None, risks: list[Risk], words: list[str]) -> None:
    if former is None:
        return
    name = json.dumps(former.title, ensure_ascii=False)
    # A comparison of two configurations has no SIDs.
    sid = f" ({former.sid})" if former.sid else ""
    pin = f"sid: {former.sid}" if former.sid else "its sid"
    looks = f"Looks like a new name for the live {change.kind.noun} {former.title!r}{sid}."
    if not change.kind.updatable:
        risks.append("high")
        words.append(
            f"{looks} Twilio cannot rename it: this creates a second, empty one. To keep the live one, use its present "
            f"name, or pin it with {pin}."
        )
    elif change.kind.natural_key:
        risks.append("medium")
        words.append(f"{looks} Its holders keep that role. To rename it, add renamed_from: {name}.")
    else:
        risks.append("high")
        words.append(f"{looks} To change that one instead, pin it with {pin}.")


def _deletion(change: Change, risks: list[Risk], words: list[str]) -> None:
    risks.append("medium")
    if change.kind.destroys:
        risks.append("high")
        words.append(f"Destroys {change.kind.destroys} permanently.")


def _permissions(change: Change, is_default: bool, risks: list[Risk], words: list[str]) -> None:  # noqa: FBT001 - a fact about the role, not a mode
    item = next((item for item in change.fields if change.kind.by_path[item.path].shape is Shape.SET), None)
    if item is None or isinstance(item.before, Unknown) or isinstance(item.after, Unknown):
        return
    before, after = _words(item.before), _words(item.after)
    gained, lost = [word for word in after if word not in before], [word for word in before if word not in after]
    if lost:
        risks.append("high" if is_default else "medium")
    if item.sensitive:
        return
    # So that a reviewer does not mistake it for a similar role that few users hold.
    holders = f"Everyone with the {change.kind.noun} {change.name!r}{OF_A_DEFAULT if is_default else ''}"
    if gained:
        words.append(f"{holders} gains {_listed(gained)}.")
    if lost:
        words.append(f"{holders} loses {_listed(lost)}.")


def _words(content: object) -> list[str]:
    return [str(item) for item in content] if isinstance(content, (tuple, list)) else []


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
