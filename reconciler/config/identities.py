"""Identity conflicts between declarations: duplicates, contradicting pins, and renames.

Takes the drafts, with references resolved; reports problems and changes nothing. Matching with the live account is not
done here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

from reconciler.address import Address
from reconciler.config.drafts import Draft
from reconciler.config.findings import Findings, shown
from reconciler.config.lint import skeleton
from reconciler.config.model import Reference
from reconciler.errors import Place
from reconciler.kinds.relations import account_defaults


def check_identities(drafts: Sequence[Draft], findings: Findings) -> None:
    """Report duplicate keys, collisions of unique fields, exceeded capacities, and conflicting pins and renames."""
    named = [(draft, name) for draft in drafts if (name := draft.natural_key)]
    _check_natural_keys(named, findings)
    _check_similar_names(named, findings)
    _check_shared(drafts, findings)
    _check_capacities(drafts, findings)
    _check_pins(drafts, findings)
    _check_former_names(drafts, findings)
    _check_second_proxies(drafts, findings)


def _key_place(draft: Draft) -> Place:
    value = draft.values.get(draft.kind.natural_key)
    return value.place if value is not None else draft.key.place


def _comparable(draft: Draft, name: str) -> Hashable:
    """Return the natural key in a form that is equal for equal resources."""
    field = draft.kind.by_path.get(draft.kind.natural_key)
    return name if field is None else field.comparable(name)


def _check_natural_keys(named: Sequence[tuple[Draft, str]], findings: Findings) -> None:
    first_of: dict[tuple[str, Draft | None, Hashable], Draft] = {}
    groups: dict[Draft, list[Draft]] = {}
    for draft, name in named:
        first = first_of.setdefault((draft.kind.name, draft.parent, _comparable(draft, name)), draft)
        if first is not draft:
            groups.setdefault(first, [first]).append(draft)
    if groups:
        for first in first_of.values():
            if first in groups:
                _check_same_key(groups[first], findings)


def _check_same_key(same: Sequence[Draft], findings: Findings) -> None:
    """Report the duplicates among several resources with one natural key. Pins tell resources apart.

    So does the kind's discriminator; a resource without it may be any of them. If the kind has no name of its own, any
    difference does. Runs in linear time.
    """
    first_of: dict[Hashable, Draft] = {}
    any_first: Draft | None = None
    for draft in same:
        apart = _distinguishing_key(draft)
        if draft.pin is not None or apart is _UNCLEAR:
            continue
        first = any_first if apart is None else first_of.get(apart) or first_of.get(None)
        if first is not None:
            _report_duplicate(first, draft, findings)
        first_of.setdefault(apart, draft)
        any_first = any_first or draft


_UNCLEAR = object()
"""The field that identifies a resource could not be read."""


def _distinguishing_key(draft: Draft) -> Hashable:
    """Return what distinguishes a resource from others with its natural key; None if nothing does."""
    if draft.kind.match_by_content:
        return _UNCLEAR if draft.broken else tuple(
            (path, repr(value.content)) for path, value in sorted(draft.values.items())
        )  # fmt: skip
    path = draft.kind.discriminator
    if not path:
        return None
    if path in draft.broken:
        return _UNCLEAR
    value = draft.values.get(path)
    return None if value is None else repr(value.content)


def _check_similar_names(named: Sequence[tuple[Draft, str]], findings: Findings) -> None:
    """Warn about names in one place that look alike: case, spaces, Unicode form, invisible characters.

    To Twilio they are two resources, and a service cannot be renamed.
    """
    first_of: dict[tuple[str, Draft | None, str], tuple[Draft, str]] = {}
    for item in named:
        draft, name = item
        if draft.is_absent or draft.kind.match_by_content:
            continue
        first, first_name = first_of.setdefault((draft.kind.name, draft.parent, skeleton(name)), item)
        if first_name == name:
            continue
        findings.warning(
            "similar-names",
            f"{draft.address} and {first.address} have names that look alike but differ",
            _key_place(draft),
            "spell them identically to declare one resource, or make them visibly different",
            related=[(_key_place(first), "the other name is here")],
            address=str(draft.address),
        )


def _report_duplicate(first: Draft, second: Draft, findings: Findings) -> None:
    path = second.kind.natural_key or "name"
    is_sensitive = any(value.sensitive for value in second.values.values())
    key_text = f"the same {path}" if is_sensitive else f"the {path} {shown(second.natural_key)}"
    findings.error(
        "declared-twice",
        f"{second.address} and {first.address} are the same resource: both have {key_text}",
        _key_place(second),
        "remove one of them, or give them different names",
        related=[(_key_place(first), f"{first.address} has it here")],
        address=str(second.address),
    )


def _check_shared(drafts: Sequence[Draft], findings: Findings) -> None:
    """Report values that must be unique in the whole account."""
    taken: dict[tuple[Hashable, ...], Draft] = {}
    for draft in drafts:
        if not draft.kind.unique:
            continue
        above = draft.parent.values.get("state") if draft.parent is not None else None
        if draft.is_absent or (above is not None and above.content == "closed"):
            continue
        for paths, scope in draft.kind.unique:
            values = tuple(value.content if (value := draft.values.get(path)) else None for path in paths)
            if scope != "account" or not all(isinstance(value, str) and value for value in values):
                continue
            first = taken.setdefault((draft.kind.name, paths, *values), draft)
            if first is draft or (first.parent is draft.parent and first.natural_key == draft.natural_key):
                continue  # reported already as a duplicate in its parent
            place = draft.values[paths[-1]].place
            findings.error(
                "declared-twice",
                f"{draft.address} and {first.address} share their {' and '.join(paths)}, which must be unique",
                place,
                "remove one of them, or change its value",
                related=[(first.values[paths[-1]].place, f"{first.address} has it here")],
                address=str(draft.address),
            )


def _check_capacities(drafts: Sequence[Draft], findings: Findings) -> None:
    """Report resources that exceed what their parent can hold."""
    held: Counter[tuple[str, Address]] = Counter()
    for draft in drafts:
        most = draft.kind.max_per_parent
        if not most or draft.is_absent or draft.parent is None:
            continue
        key = (draft.kind.name, draft.parent.address)
        held[key] += 1
        if held[key] == most + 1:
            findings.error(
                "too-many",
                f"{draft.parent.address} can hold {most} {draft.kind.section[-1]}, and this exceeds the limit",
                draft.key.place,
                "remove one of them",
                address=str(draft.address),
            )


def _check_pins(drafts: Sequence[Draft], findings: Findings) -> None:
    pinned: dict[str, Draft] = {}
    for draft in drafts:
        if draft.pin is None or draft.pin_place is None:
            continue
        first = pinned.setdefault(draft.pin.lower(), draft)
        if first is not draft and first.pin_place is not None:
            message = f"{draft.address} and {first.address} are pinned to the same resource: {draft.pin}"
            related = [(first.pin_place, f"{first.address} is pinned here")]
            findings.error(
                "pinned-twice",
                message,
                draft.pin_place,
                "keep one of the two pins",
                related=related,
                address=str(draft.address),
            )
    default = pinned.get("default")
    if default is not None and default.pin_place is not None:
        _check_default(default, default.pin_place, drafts, findings)


def _check_default(default: Draft, place: Place, drafts: Sequence[Draft], findings: Findings) -> None:
    """Report a service pinned as the account's default if the account's configuration names another one."""
    for draft in drafts:
        path = next((path for name, path in account_defaults() if name == draft.kind.name), "")
        value = draft.values.get(path)
        if value is None or not isinstance(value.content, Reference) or value.content.address == default.address:
            continue
        message = f"{default.address} is pinned as the default service, but default_service is {value.content.address}"
        findings.error(
            "contradicting-default", message, place, "pin it by its SID, or set it as default_service",
            related=[(value.place, "the default service is set here")], address=str(default.address),
        )  # fmt: skip


def _check_former_names(drafts: Sequence[Draft], findings: Findings) -> None:
    _check_exchanged_names(drafts, findings)
    for draft in drafts:
        if not draft.renamed_from:
            continue
        _check_former_name_has_effect(draft, findings)
        value = draft.values.get(draft.kind.natural_key)
        if draft.renamed_from_place is None or value is None:
            continue
        if value.content == draft.renamed_from:
            message = f"renamed_from equals the current {draft.kind.natural_key}"
            findings.error(
                "renamed-from-itself",
                message,
                draft.renamed_from_place,
                "remove the line once the rename is done",
                address=draft.problem_address,
            )


def _check_former_name_has_effect(draft: Draft, findings: Findings) -> None:
    """Report a `renamed_from` that the planner ignores."""
    if draft.renamed_from_place is None:
        return
    why = ""
    if draft.absent:
        why = "together with absent, which deletes only the resource with the current name"
    elif draft.pin is not None:
        why = "together with sid, which identifies the resource"
    if why:
        findings.warning(
            "unused-renamed-from",
            f"renamed_from has no effect {why}",
            draft.renamed_from_place,
            "Remove renamed_from.",
            address=draft.problem_address,
        )


def _check_exchanged_names(drafts: Sequence[Draft], findings: Findings) -> None:
    """Report resources that exchange names: nothing would show that the exchange has been applied."""
    renamed = {
        (draft.kind.name, draft.parent.address if draft.parent is not None else None, draft.natural_key): draft
        for draft in drafts
        if draft.renamed_from and draft.natural_key and not draft.absent and draft.pin is None
    }
    reported: set[Address] = set()
    for (kind, parent, _), first in renamed.items():
        circle = [first]
        while (following := renamed.get((kind, parent, circle[-1].renamed_from))) is not None:
            if following in circle:
                break
            circle.append(following)
        if following is not first or len(circle) == 1 or first.address in reported:
            continue
        reported.update(draft.address for draft in circle)
        names = " and ".join(str(draft.address) for draft in circle)
        findings.error(
            "exchanged-names",
            f"{names} are renamed from each other",
            first.renamed_from_place,
            "Rename one of them to a third name first, and apply that.",
            related=[
                (draft.renamed_from_place, "and here") for draft in circle[1:] if draft.renamed_from_place is not None
            ],
            address=first.problem_address,
        )


def _check_second_proxies(drafts: Sequence[Draft], findings: Findings) -> None:
    """Report an address that takes part in a conversation through two proxy addresses."""
    taken: dict[tuple[Address, str], Draft] = {}
    for draft in drafts:
        if not draft.kind.exclusive_pair:
            continue
        value, proxy = (draft.values.get(path) for path in draft.kind.exclusive_pair)
        if draft.is_absent or draft.parent is None or value is None or proxy is None:
            continue
        if not isinstance(value.content, str):
            continue
        first = taken.setdefault((draft.parent.address, value.content), draft)
        other = first.values.get(draft.kind.exclusive_pair[1])
        if first is draft or other is None or other.content == proxy.content:
            continue
        findings.warning(
            "second-proxy",
            f"{draft.address} and {first.address} are one address with two proxy addresses, in one conversation",
            proxy.place,
            "Remove one of them: everything would be sent to this address twice.",
            related=[(other.place, f"{first.address} has its proxy address here")],
            address=draft.problem_address,
        )
