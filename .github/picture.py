"""Draw .github/plan.svg, the picture in the README: a real plan of a real configuration, in its real colors.

    .venv/bin/python .github/picture.py

The account is emulated and seeded, so the same code draws the same picture; tests/docs/test_readme.py compares them.
"""  # noqa: INP001 - a script, in a folder that is not a package

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / ".github" / "plan.svg"

BEFORE = """\
version: 1
services:
  support:
    friendly_name: Customer Support
    roles:
      agent: {type: conversation, permissions: [sendMessage, editOwnMessage, leaveConversation]}
      trainee: {type: conversation, permissions: [sendMessage]}
    configuration: {default_conversation_role: agent}
    webhooks: {method: POST, filters: [onMessageAdded], post_webhook_url: https://hooks.example.com/support}
"""
AFTER = """\
version: 1
services:
  support:
    friendly_name: Customer Support
    roles:
      agent: {type: conversation, permissions: [sendMessage, sendMediaMessage, leaveConversation]}
      supervisor: {type: conversation, permissions: [sendMessage, editAnyMessage, removeParticipant]}
    configuration: {default_conversation_role: agent, default_conversation_creator_role: supervisor}
    webhooks: {method: POST, filters: [onMessageAdded], post_webhook_url: "https://hooks.example.com/${secret:HOOK_KEY}"}
    prune: [roles]
unmanaged: {ignore: [services*]}
"""

COLUMNS = 100
CHARACTER, LINE, SIZE, MARGIN, BAR = 8.4, 20, 14, 22, 38
COLOURS = {"31": "#ff7b72", "32": "#7ee787", "33": "#e3b341", "2": "#8b949e"}
PLAIN, GROUND, FRAME = "#e6edf3", "#0d1117", "#30363d"
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def plan() -> str:
    """The plan, with a terminal's colours in it."""
    sys.path.insert(0, str(ROOT))
    from reconciler.render.text import plan_text  # noqa: PLC0415 - the path is only now right
    from tests.world import World, read, seen  # noqa: PLC0415

    world = World(seed=7)
    world.converge(read(BEFORE))
    made = world.plan(read(AFTER, {"HOOK_KEY": "a-secret-that-no-picture-may-show"}))
    return plan_text(seen(made), colour=True, width=COLUMNS)


def _pieces(line: str) -> Iterator[tuple[int, str, str]]:
    """What stands on a line: the column, the text, and its style."""
    column, codes = 0, ""
    for piece in re.split(r"(\x1b\[[\d;]*m)", line):
        if piece.startswith("\x1b"):
            codes = "" if piece == "\x1b[0m" else piece[2:-1]
            continue
        # Runs of spaces are places to jump over: browsers draw them as one space, and stretch the rest to fit.
        for part in re.finditer(r"\S+(?: \S+)*", piece):
            yield column + part.start(), part[0], codes
        column += len(piece)


def _text(x: float, y: float, text: str, codes: str = "") -> str:
    chosen = codes.split(";")
    fill = next((COLOURS[code] for code in chosen if code in COLOURS), PLAIN)
    weight = ' font-weight="600"' if "1" in chosen else ""
    # An explicit length keeps columns aligned in every font.
    length = len(text) * CHARACTER
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}"{weight} textLength="{length:.1f}" '
        f'lengthAdjust="spacingAndGlyphs">{escape(text, quote=False)}</text>'
    )


def svg(text: str, title: str) -> str:
    """A terminal's text as a picture of that terminal."""
    lines = text.rstrip("\n").split("\n")
    width = 2 * MARGIN + COLUMNS * CHARACTER
    height = BAR + 2 * MARGIN + (len(lines) - 1) * LINE
    drawn = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="{FONTS}" font-size="{SIZE}">'
        ),
        (
            f'<rect x="0.5" y="0.5" width="{width - 1:.0f}" height="{height - 1:.0f}" rx="10" fill="{GROUND}" '
            f'stroke="{FRAME}"/>'
        ),
        f'<path d="M1 {BAR}H{width - 1:.0f}" stroke="{FRAME}"/>',
        *(f'<circle cx="{MARGIN + 20 * place}" cy="{BAR / 2:.0f}" r="6" fill="{FRAME}"/>' for place in range(3)),
        _text((width - len(title) * CHARACTER) / 2, BAR / 2 + 5, title, "2"),
    ]
    for number, line in enumerate(lines):
        y = BAR + MARGIN + number * LINE + 4
        drawn += [_text(MARGIN + column * CHARACTER, y, piece, codes) for column, piece, codes in _pieces(line)]
    return "\n".join([*drawn, "</svg>"]) + "\n"


def picture() -> str:
    """The whole picture."""
    return svg(plan(), "reconciler plan")


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
