"""Renders accepted drift as text for a terminal, and as Markdown for a pull request, within the limit of its body.

Takes an `AcceptFile`. Foreign text is escaped: it is in a code span, in a fence, or plain words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

from reconciler.address import Address, AddressError
from reconciler.documents.acceptance import AcceptedPart, AcceptFile, AffectedPart, RefusedPart
from reconciler.kinds import kind_noun
from reconciler.render.markdown_text import Room, cell, code, fence, prose, size
from reconciler.render.terminal import Paint, Style, escape
from reconciler.render.wording import count

BUDGET = 55_000
"""Characters; the rest of a body is for what its author adds."""
_MARKER_PART = 100
_STYLES: Mapping[str, Style] = {"+": "green", "-": "red", "@": "cyan"}
_ACTIONS = {"set": "`~` takes the live value", "remove": "`-` removed from the files", "add": "`+` added to the files"}
_RISK = {"high": "🔴 high", "medium": "🟠 medium", "low": "low"}


def acceptance_text(document: AcceptFile, *, colour: bool) -> str:
    """Render the edits as a unified diff, and count them."""
    shown = diff_text((file.diff for file in document.files), colour=colour)
    if not shown and not document.refused:
        shown = _nothing_text(document)
    number = len(document.accepted)
    return shown + (f"These edits accept {count(number, 'difference')}.{_also_changed(document)}\n" if number else "")


def _also_changed(document: AcceptFile) -> str:
    """Name the other environments that the edits change."""
    names = [escape(name) or "the configuration without --env" for name in document.also_changed]
    return f" They also change {', '.join(names)}, which uses the same files." if names else ""


def _nothing_text(document: AcceptFile) -> str:
    """Say why there is nothing to accept."""
    if document.named_only:
        names = "".join(f"  {escape(name)}\n" for name in document.named_only)
        return f"Nothing to accept. These values differ, and are accepted only by their own names:\n{names}"
    if document.not_compared:
        return f"Nothing to accept. Twilio does not return {escape(', '.join(document.not_compared))}.\n"
    return "Nothing to accept. The values match the account.\n"


def addition_text(document: AcceptFile, *, colour: bool) -> str:
    """Render edits that add what a configuration lacks as a unified diff, and count them."""
    shown = diff_text((file.diff for file in document.files), colour=colour)
    if not shown and not document.refused:
        shown = "Nothing to add. The configuration has every resource and setting that it does not ignore.\n"
    resources = sum(1 for item in document.accepted if not item.field)
    counts = ((resources, "resource"), (len(document.accepted) - resources, "setting"))
    counted = " and ".join(count(number, noun) for number, noun in counts if number)
    return shown + (f"{counted} added by these edits.\n" if counted else "")


def diff_text(diffs: Iterable[Iterable[str]], *, colour: bool) -> str:
    """Render unified diffs, with an empty line at the end; empty if there are none."""
    paint = Paint(colour)
    lines = [_painted(paint, escape(line)) for diff in diffs for line in diff]
    return "\n".join(lines) + "\n\n" if lines else ""


def refused_text(document: AcceptFile, *, is_named: bool) -> str:
    """Render the refused differences with the ways to accept them nevertheless.

    Args:
        document: The edits.
        is_named: Whether the differences were named, so that nothing is written.
    """
    named = "Error: nothing was written, because a named value cannot be accepted:"
    return _refused(document, named if is_named else "Not accepted:")


def not_added_text(document: AcceptFile) -> str:
    """Render what could not be added with the ways to add it nevertheless."""
    return _refused(document, "Not added:")


def _refused(document: AcceptFile, head: str) -> str:
    lines = [f"{head}\n"]
    for item in document.refused:
        lines += [f"  {escape(_name(item))}: {escape(item.reason)}\n", f"    = {escape(item.hint)}\n"]
    return "".join(lines)


def acceptance_markdown(document: AcceptFile) -> str:
    """Render the edits as Markdown: the differences, what an apply would do instead, and the refused ones."""
    room = Room(BUDGET)
    affected = {part.address: part for part in document.affected}
    head = [_marker(document), f"### {_headline(document)}", _where(document)]
    room.left -= sum(size(block) + 2 for block in head)
    effects = [(part, text) for part in document.affected for text in part.effects]
    blocks = [
        *head,
        *_table(document, affected, room),
        *room.titled(
            "**Without these edits, the next apply reverts the differences. Its effects:**",
            (f"- {_RISK[part.risk]} · {code(part.address)}: {prose(text)}" for part, text in effects),
            len(effects),
            at_most=9_000,
        ),
        *room.titled(
            "**Not accepted**, so still different:",
            (
                f"- {code(_name(item))}: {prose(item.reason)}. To accept it: {prose(item.hint)}."
                for item in document.refused
            ),
            len(document.refused),
            at_most=12_000,
        ),
        *_diffs(document, room),
    ]
    return "\n\n".join(blocks) + "\n"


def _painted(paint: Paint, line: str) -> str:
    style = _STYLES.get(line[:1])
    return paint(line, style) if style is not None else line


def _name(item: AcceptedPart | RefusedPart) -> str:
    try:
        return str(Address.parse(item.address).child(*item.field.split("."))) if item.field else item.address
    except AddressError:  # in a saved document that was edited
        return f"{item.address}.{item.field}"


def _marker(document: AcceptFile) -> str:
    parts = [quote(text[:_MARKER_PART], safe="", errors="replace") for text in (document.account_sid, document.env)]
    return f"<!-- {' '.join(['reconciler:accept', *(part.replace('-', '%2D') for part in parts if part)])} -->"


def _headline(document: AcceptFile) -> str:
    refused = f"; {len(document.refused):,} not accepted" if document.refused else ""
    if not document.accepted:
        return f"Nothing to accept{refused}"
    return f"Accept {count(len(document.accepted), 'difference')}{refused}"


def _where(document: AcceptFile) -> str:
    environment = f", environment {code(document.env)}" if document.env else ""
    names = ", ".join(code(name) if name else "the configuration without --env" for name in document.also_changed)
    also = f" They also change {names}, which uses the same files." if names else ""
    return f"These edits make the configuration match account {code(document.account_sid)}{environment}.{also}"


def _table(document: AcceptFile, affected: Mapping[str, AffectedPart], room: Room) -> list[str]:
    if not document.accepted:
        return []
    head = ["| Edit | Difference | Resource | Service | Owners |", "|---|---|---|---|---|"]
    rows = room.take((_row(item, affected.get(item.address)) for item in document.accepted), at_most=20_000)
    missing = len(document.accepted) - len(rows)
    rows += [f"| … | {missing:,} more, not listed | | | |"] if missing else []
    return ["\n".join([*head, *rows])]


def _row(item: AcceptedPart, part: AffectedPart | None) -> str:
    kind = kind_noun(part.kind) if part is not None else "–"
    service = code(part.service, 60) if part is not None and part.service else "–"
    # In code, so that a mention notifies no owner.
    owners = " ".join(code(owner, 60) for owner in part.owners[:5]) if part is not None and part.owners else "–"
    return f"| {' | '.join(map(cell, (_ACTIONS[item.action], code(_name(item)), kind, service, owners)))} |"


def _diffs(document: AcceptFile, room: Room) -> Iterator[str]:
    lines = [escape(line) for file in document.files for line in file.diff]
    if not lines:
        return
    taken = room.take(lines, at_most=room.left, spare=300)
    # A line of the diff may be longer in a fence of the renderer's own form, never shorter.
    yield fence("diff", taken)
    if len(taken) < len(lines):
        yield f"… {len(lines) - len(taken):,} more lines; the changed files show them."
