"""The SIDs of managed resources, for programs: as JSON and as environment variables.

Takes addresses with the SIDs of their live resources; gives `SidsFile`. A variable's name follows from its address
alone, so that it never changes because another resource is added. Does no I/O.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field

from reconciler.address import Address
from reconciler.documents.entries import Part
from reconciler.redaction import spelled_out

_PLAIN = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*\Z")
"""Parts of an address that upper case alone makes a part of a variable's name: what else there is needs a digest."""
_DIGITS = 12


class SidsFile(Part):
    """The SID of each managed resource."""

    format: Literal["reconciler.sids"] = "reconciler.sids"
    format_version: Literal[1] = 1
    account_sid: str = Field(description="The account.")
    env: str = Field(description="The environment; empty without one.")
    sids: Mapping[str, str] = Field(description="The SID of each resource by its address, sorted by address.")
    missing: tuple[str, ...] = Field(description="The addresses of declared resources that the account does not have.")

    def to_json(self) -> str:
        """The text of the document: indented, in ASCII, ending in a newline."""
        return spelled_out(json.dumps(self.model_dump(), indent=2)) + "\n"

    def to_env(self) -> str:
        """A line ``NAME=SID`` for each resource, for a shell, a ``.env`` file, or GITHUB_ENV."""
        return "".join(f"{variable(Address.parse(address))}={sid}\n" for address, sid in self.sids.items())


def sids_document(
    account_sid: str, environment: str, sids: Mapping[Address, str], missing: Sequence[Address]
) -> SidsFile:
    """SIDs as a document.

    Args:
        account_sid: the account.
        environment: the environment that was selected; empty for none.
        sids: the live resources by address.
        missing: what the account does not have.
    """
    return SidsFile(
        account_sid=account_sid,
        env=environment,
        sids={str(address): sids[address] for address in sorted(sids)},
        missing=tuple(str(address) for address in sorted(missing)),
    )


def variable(address: Address) -> str:
    """The name of the environment variable for a resource's SID: ``SERVICES__SUPPORT__ROLES__AGENT_SID``.

    Upper case, with two underscores between the parts. If a part has anything but lower-case letters, digits, and
    single underscores between them, each run of other characters is one underscore, and three underscores and a digest
    of the address follow, since other addresses would have the same name.
    """
    parts = [re.sub(r"[^A-Z0-9]+", "_", part.upper()).strip("_") for part in address.parts]
    name = "__".join(part for part in parts if part)
    if not all(_PLAIN.match(part) for part in address.parts):
        digest = hashlib.sha256(str(address).encode("utf-8", "surrogatepass")).hexdigest()
        name += f"___{digest[:_DIGITS].upper()}"
    return f"{name}_SID"
