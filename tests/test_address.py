"""Addresses: text and parts, both ways, without loss."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.address import Address, AddressError, looks_like_sid

SID = "IS0123456789abcdef0123456789abcdef"

plain = st.text(string.ascii_letters + "_", min_size=1, max_size=3)
handles = st.one_of(plain, st.text(max_size=8), st.just(SID), st.sampled_from(["", '"', "\\", "a.b", "]", "[", "\x00"]))
addresses = st.builds(lambda first, rest: Address((first, *rest)), plain, st.lists(handles, max_size=5))


@given(addresses)
def test_text_reads_back_as_the_same_parts(address: Address) -> None:
    assert Address.parse(str(address)) == address


@given(addresses, addresses)
def test_two_addresses_never_share_their_text(one: Address, other: Address) -> None:
    assert (str(one) == str(other)) == (one == other)


@given(st.text(max_size=20))
def test_any_text_is_an_address_or_told_to_be_none(text: str) -> None:
    try:
        address = Address.parse(text)
    except AddressError:
        return
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (("account", "webhooks"), "account.webhooks"),
        (("services", "support", "roles", "agent"), "services.support.roles.agent"),
        (("services", "a-b_c9"), "services.a-b_c9"),
        (("services", "support", "users", "ada@example.com"), 'services.support.users["ada@example.com"]'),
        (("addresses", "+14155550100"), 'addresses["+14155550100"]'),
        (("services", SID, "roles", "agent"), f'services["{SID}"].roles.agent'),
        (("services", "9lives"), 'services["9lives"]'),
        (("services", "-dash"), 'services["-dash"]'),
        (("services", ""), 'services[""]'),
        (("services", 'say "hi"'), 'services["say \\"hi\\""]'),
        (("services", "back\\slash"), 'services["back\\\\slash"]'),
        (("services", "two\nlines"), 'services["two\\nlines"]'),
        (("services", "dotted.name"), 'services["dotted.name"]'),
        (("services", "Zürich «desk»"), 'services["Zürich «desk»"]'),
        (("services", "日本"), 'services["日本"]'),
        (("services", "agent\n"), 'services["agent\\n"]'),
    ],
)
def test_is_written_so(parts: tuple[str, ...], text: str) -> None:
    assert str(Address(parts)) == text
    assert Address.parse(text) == Address(parts)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('services["support"]', ("services", "support")),
        (f"services.{SID}", ("services", SID)),
        ('services["\\u0041"]', ("services", "A")),
        ('a["b"]["c"].d', ("a", "b", "c", "d")),
    ],
)
def test_other_spellings_of_a_part_are_read_too(text: str, parts: tuple[str, ...]) -> None:
    assert Address.parse(text) == Address(parts)


@pytest.mark.parametrize(
    "text",
    [
        "", ".", ".a", "a.", "a..b", "a b", " a", "a ", "a.b c", "9a", "a.9", "ä", "a.ä", '["a"]', '"a"', "a[b]",
        "a['b']", 'a["b"', 'a["b]', 'a["b"]c', 'a.["b"]', 'a["\\x"]', 'a["\\u12"]', 'a["line\nbreak"]', "a[]",
        "a.b\n", "a/b", "a[0]",
    ],
)  # fmt: skip
def test_rejects_what_is_no_address(text: str) -> None:
    with pytest.raises(AddressError):
        Address.parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "an address is empty"),
        ("services..roles", "invalid address 'services..roles': unexpected '..roles'"),
        ("services.support roles", "invalid address 'services.support roles': unexpected ' roles'"),
        ('services["\\q"]', 'invalid address \'services["\\\\q"]\': "\\q" is not a quoted string'),
    ],
)
def test_says_where_it_goes_wrong(text: str, message: str) -> None:
    with pytest.raises(AddressError) as raised:
        Address.parse(text)
    assert str(raised.value) == message


@given(addresses, st.lists(handles, min_size=1, max_size=3))
def test_a_parent_sorts_before_everything_in_it(parent: Address, below: list[str]) -> None:
    assert parent < parent.child(*below)


def test_sorts_by_parts_and_not_by_text() -> None:
    texts = ["services.ab", "services.a.roles.z", "services.a", "account.webhooks", 'services["+1"]']
    assert [str(address) for address in sorted(Address.parse(text) for text in texts)] == [
        "account.webhooks",
        'services["+1"]',
        "services.a",
        "services.a.roles.z",
        "services.ab",
    ]


@given(addresses, st.lists(handles, max_size=3))
def test_everything_is_within_itself_and_what_is_above_it(above: Address, below: list[str]) -> None:
    assert above.child(*below).is_within(above)


@pytest.mark.parametrize(
    ("inner", "outer", "expected"),
    [
        ("services.support.roles.agent", "services.support", True),
        ("services.support", "services.support", True),
        ("services.support", "services.support.roles", False),
        ("services.supportive", "services.support", False),
        ("services.support.roles", "services.sales", False),
    ],
)
def test_is_within_compares_whole_parts(inner: str, outer: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
    assert Address.parse(inner).is_within(Address.parse(outer)) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SID, True),
        ("RL" + "F" * 32, True),
        (SID[:-1], False),
        (SID + "0", False),
        (SID + "\n", False),
        ("is" + "0" * 32, False),
        ("IS" + "g" * 32, False),
        ("", False),
    ],
)
def test_tells_the_form_of_a_sid(text: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
    assert looks_like_sid(text) is expected


def test_a_very_long_handle_survives() -> None:
    address = Address.of("services", '"' * 100_000)
    assert str(address) == "services[" + json.dumps('"' * 100_000) + "]"
    assert Address.parse(str(address)) == address


def test_of_and_child_make_addresses_of_parts() -> None:
    assert Address.of("services", "a").child("roles", "b") == Address(("services", "a", "roles", "b"))
