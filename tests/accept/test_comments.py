"""Comments go with the value that they are about, and new values do not come between the two."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.accept.alignment import pairs_of
from reconciler.accept.positions import Mapping, Sequence, parse
from reconciler.accept.splice import Drop, Edit, Items, Put, splice
from tests.accept.commented import Collection, collections
from tests.accept.drifting import changed_lines
from tests.accept.test_accept import HEAD, desk, diff_of, role, service


def accepted_attributes(folder: Path, written: str, live: object) -> list[str]:
    text = HEAD + "    users:\n      ada:\n        attributes:\n" + textwrap.indent(textwrap.dedent(written), " " * 10)
    one = desk(folder, text)
    one.account.post(f"{service(one)}/Users/ada", {"Attributes": json.dumps(live)})
    return diff_of(one, "services.desk.users.ada")


STEPS = """\
    steps:
      # greet first
      - name: hello   # say hello
        wait: 1
      # ask
      - name: ask     # ask
        wait: 2
"""
HELLO, ASK, BYE = {"name": "hello", "wait": 1}, {"name": "ask", "wait": 2}, {"name": "bye", "wait": [1, {"a": 2}]}


@pytest.mark.parametrize(
    ("live", "lines"),
    [
        (
            [HELLO, ASK, BYE],
            ["+            - name: bye", "+              wait:", "+                - 1", "+                - {a: 2}"],
        ),
        ([BYE | {"wait": 0}, HELLO, ASK], ["+            - name: bye", "+              wait: 0"]),
        ([HELLO, 7, ASK], ["+            - 7"]),
        (
            [ASK, BYE | {"wait": 0}],
            [
                "-            # greet first",
                "-            - name: hello   # say hello",
                "-              wait: 1",
                "+            - name: bye",
                "+              wait: 0",
            ],
        ),
        ([HELLO | {"wait": 3}, 7, ASK], ["-              wait: 1", "+              wait: 3", "+            - 7"]),
        ([ASK | {"wait": 9}], [
            "-            # greet first",
            "-            - name: hello   # say hello",
            "-              wait: 1",
            "-              wait: 2",
            "+              wait: 9",
        ]),
    ],
)  # fmt: skip
def test_only_new_items_of_a_list_are_written(tmp_path: Path, live: list[Any], lines: list[str]) -> None:
    found = accepted_attributes(tmp_path, STEPS, {"steps": live})
    assert found == lines


def test_items_in_braces_get_others_in_braces(tmp_path: Path) -> None:
    found = accepted_attributes(tmp_path, "l:\n  - {a: 1}   # one\n  - {a: 2}\n", {"l": [{"a": 1}, {"b": 3}, {"a": 2}]})
    assert found == ["+            - {b: 3}"]


def test_the_first_keys_of_an_item_are_removed_without_the_comments_of_the_next(tmp_path: Path) -> None:
    found = accepted_attributes(tmp_path, "l:\n  - a: 1\n    b: 2   # b\n    # about c\n    c: 3\n", {"l": [{"c": 3}]})
    assert found == ["-            - a: 1", "-              b: 2   # b", "+            -"]


FLOW = (
    HEAD
    + """\
    webhooks:
      filters: [
        onMessageAdd,  # A: 1
        # B: second
        onMessageAdded,  # B: 2
                         # more of B
        onMessageUpdate   # C: 3
      ]
    users: {
      # a: about a
      a: {attributes: {x: 1}},   # a: comment
      b: {attributes: {x: 1}},   # b: comment

      # people of the night
      c: {attributes: {x: 1}}    # c: comment
    }
"""
)


def test_comments_of_items_in_brackets_go_with_them(tmp_path: Path) -> None:
    one = desk(tmp_path, FLOW)
    before = one.files()
    base = service(one)
    one.account.delete(f"{base}/Users/a")
    one.account.delete(f"{base}/Users/c")
    one.account.post(f"{base}/Configuration/Webhooks", {"Filters": ["onMessageAdded", "onMessageUpdated"]})
    (tmp_path / "then").mkdir()
    (tmp_path / "then" / "reconciler.yaml").write_text(FLOW)
    assert not one.accept(inputs={"baseline": str(tmp_path / "then")}).refused
    assert one.changes() == []
    after = {"reconciler.yaml": one.files()["reconciler.yaml"]}
    assert changed_lines(before, after) == [
        "-        onMessageAdd,  # A: 1",
        "-        onMessageUpdate   # C: 3",
        "+        onMessageUpdated",
        "-      # a: about a",
        "-      a: {attributes: {x: 1}},   # a: comment",
        "-      b: {attributes: {x: 1}},   # b: comment",
        "+      b: {attributes: {x: 1}}   # b: comment",
        "-      # people of the night",
        "-      c: {attributes: {x: 1}}    # c: comment",
    ]


def test_a_list_in_block_form_stays_one_if_every_item_is_replaced(tmp_path: Path) -> None:
    text = HEAD + (
        "    roles:\n      agent:\n        type: service\n        permissions:\n          # what agents may do\n"
        "          - joinConversation   # j\n          - createConversation\n"
    )
    one = desk(tmp_path, text)
    one.account.post(role(one, "agent"), {"Permission": ["deleteAnyMessage", "editAnyMessage"]})
    assert diff_of(one, "services.desk.roles.agent") == [
        "-          - joinConversation   # j",
        "-          - createConversation",
        "+          - deleteAnyMessage",
        "+          - editAnyMessage",
    ]


ENDS = (
    HEAD
    + """\
    users:
      # about ada
      ada: {friendly_name: Ada}
    # add webhooks here when the server is ready

  # more services
addresses: {}
"""
)


def test_what_is_added_comes_after_the_comments_at_the_end_of_the_last_sibling(tmp_path: Path) -> None:
    one = desk(tmp_path, ENDS)
    one.account.post("/v1/Services", {"FriendlyName": "Night"})
    found = one.add(inputs={"targets": ("services.Night",)})
    assert [str(item.address) for item in found.acceptance.accepted] == ["services.Night"]
    head, tail = ENDS.split("\n\n")
    assert one.files()["reconciler.yaml"] == (
        f"{head}\n  Night:\n    configuration:\n      default_conversation_creator_role: channel admin\n"
        f"      default_conversation_role: channel user\n      default_chat_service_role: service user\n\n{tail}"
    )


def test_the_only_resource_is_cut_out_with_its_comments(tmp_path: Path) -> None:
    one = desk(tmp_path, ENDS)
    one.account.delete(f"{service(one)}/Users/ada")
    assert diff_of(one, "services.desk.users.ada", again=False) == [
        "-    users:",
        "-      # about ada",
        "-      ada: {friendly_name: Ada}",
        "+    users: {}",
    ]


# --- in any form -----------------------------------------------------------------------------------------------------


@settings(max_examples=100)
@given(made=collections(), data=st.data())
def test_every_comment_goes_with_its_members(made: Collection, data: st.DataObject) -> None:
    check(made, data)


@pytest.mark.slow
@settings(max_examples=5_000)
@given(made=collections(), data=st.data())
def test_every_comment_goes_with_its_members_often(made: Collection, data: st.DataObject) -> None:
    check(made, data)


def check(made: Collection, data: st.DataObject) -> None:
    count = len(made.members)
    removed = data.draw(st.frozensets(st.sampled_from(range(count)))) if count else frozenset()
    places = st.integers(0, count) if made.is_list else st.just(count)
    places_added = sorted(data.draw(st.lists(places, max_size=2)))
    document = parse(made.text)
    assert isinstance(document.root, Mapping)
    node = document.root.get("top")
    edits: list[Edit]
    if made.is_list:
        assert isinstance(node, Sequence)
        added = tuple((place, f"n{number}") for number, place in enumerate(places_added))
        edits = [Items(node, removed, added)]
    else:
        assert isinstance(node, Mapping)
        edits = [Drop(node, f"m{number}") for number in removed]
        edits += [Put(node, f"n{number}", 0) for number in range(len(places_added))]
    text = splice(document, edits)
    expected = []
    for number in range(count + 1):
        expected += [f"n{index}" for index, place in enumerate(places_added) if place == number]
        expected += [f"m{number}"] if number < count and number not in removed else []
    made.check(text, expected)


def test_many_equal_items_are_paired_by_position() -> None:
    # Of so many, the search for the longest equal parts takes seconds for one value.
    assert list(pairs_of([0, 1] * 1_000, [1, 0] * 1_000)) == list(zip(range(2_000), range(2_000), strict=True))
    assert list(pairs_of([0, 1] * 3, [1, 0] * 3)) == [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]
