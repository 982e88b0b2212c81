"""Counts of the resources that a delete destroys or affects: data of a kind, with the lists of the API to read."""

from __future__ import annotations

from reconciler.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Count:
    """A number to show before a resource is deleted.

    Attributes:
        name: Its identifier in JSON and in bounded approvals: ``active_conversations``.
        noun: What it counts, in the singular: ``active conversation``.
        path: The path of the list, below the resource's own: ``Conversations``.
        list_key: The key of the array in the response.
        query: The parameters of the list: its filter, or an order in which the newest comes first.
        newest: The key of the time of the first resource in the list, if that is the newest; empty if it is not shown.
    """

    name: str
    noun: str
    path: str
    list_key: str
    query: tuple[tuple[str, str], ...] = ()
    newest: str = ""
