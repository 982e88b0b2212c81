"""Labels a change, masks its URLs, and rates its risk with facts from the account.

Takes a `PlanContext` and a change; returns the same change with its name, risk, and consequences. Pure.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.change import Change
from reconciler.config.model import Reference
from reconciler.kinds.markers import OnChange
from reconciler.kinds.relations import chooses_held, holding_below, is_held
from reconciler.planning import risk
from reconciler.planning.context import PlanContext
from reconciler.planning.diff import with_shown_urls
from reconciler.state import Live


def assess(context: PlanContext, change: Change) -> Change:
    """Label a change, mask its URLs, and rate its risk."""
    change = _labelled(context, _with_shown_urls(context, change))
    live = context.state.get(change.sid) if change.sid else _live_singleton(context, change) or change.former
    # Both before and after the plan, so that a partly applied plan has at most the risk of the whole plan.
    service = live.parents[0] if live is not None and is_held(change.kind) else ""
    is_default = live is not None and live.sid in context.default_roles.get(service, ())
    former = context.matching.former.get(change.address)
    judged = risk.judge(change, live, former, is_default=is_default, sid_of=context.sid_of)
    return _with_unknown_holders(context, _with_moved_defaults(context, judged))


def _labelled(context: PlanContext, change: Change) -> Change:
    """Return the change with a name that distinguishes it from others of the same name."""
    if not change.kind.discriminator or not change.kind.natural_key:
        return change
    live = context.state.get(change.sid or "")
    after = {item.path: item.after for item in change.fields}
    contents = {**after, **(live.values if live is not None else {})}
    return replace(change, name=context.naming.label(change.kind, change.parent, change.name, contents))


def _with_shown_urls(context: PlanContext, change: Change) -> Change:
    declared = context.config.resources.get(change.address)
    fields = tuple(with_shown_urls(item, declared, change.kind.by_path[item.path]) for item in change.fields)
    return replace(change, fields=fields)


def _with_moved_defaults(context: PlanContext, change: Change) -> Change:
    """Return the change, with each default of its service that it moves added as a consequence."""
    risks, words = [change.risk], list(change.consequences)
    for step in change.steps:
        if not chooses_held(step.kind) or step.kind == change.kind:
            continue
        service = context.matching.live.get(step.parent) if step.parent is not None else None
        live = None if service is None else context.state.singleton(step.kind, (service.sid,))
        for path, content in step.values.items():
            before = str(live.values.get(path) or "") if live is not None else ""
            name = context.naming.of_sid(before)
            after = content.address if isinstance(content, Reference) else content
            marker = step.kind.by_path[path].marker(OnChange)
            risks.append(marker.risk if marker is not None else "low")
            former = f"{name} ({before})" if name else before
            words.append(f"Moves {step.address}.{path}: {former} → {after}.")
    return replace(change, risk=risk.higher(*risks), consequences=tuple(words))


def _with_unknown_holders(context: PlanContext, change: Change) -> Change:
    """Return the change, with a consequence added if some possible holders of the deleted role were not checked."""
    live = context.state.get(change.sid or "")
    if not is_held(change.kind) or change.action not in {"delete", "replace"} or live is None:
        return change
    found = context.state.participants.get(live.parents[0])
    if found is None or found.is_complete or live.values.get(live.kind.discriminator) != holding_below().ref.of_type:
        return change
    sentence = (
        "Only participants of the most active conversations were checked. If another participant holds the role "
        f"{context.naming.of_sid(live.sid)!r}, Twilio rejects the delete or assigns that participant another role."
    )
    return replace(change, risk="high", consequences=(*change.consequences, sentence))


def _live_singleton(context: PlanContext, change: Change) -> Live | None:
    return context.matching.live.get(change.address) if change.kind.singleton else None
