"""The document of the SIDs of managed resources: JSON and environment variables for programs.

Takes addresses and SIDs; returns `SidsFile`. The name of a variable depends only on its address, so that it does not
change if another resource is added. Does no I/O.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Literal

from reconciler.address import Address
from reconciler.documents.base import Part, described
from reconciler.documents.writing import to_content
from reconciler.lazy_dataclass import dataclass
from reconciler.redaction import spelled_out

_PLAIN = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*\Z")
"""Parts of an address whose upper case is a unique part of a variable's name; others need a digest."""
_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class SidsFile(Part):
    """The SID of each managed resource."""

    format: Literal["reconciler.sids"] = "reconciler.sids"
    format_version: Literal[1] = 1
    account_sid: str = field(metadata=described("The account."))
    env: str = field(metadata=described("The environment; empty for none."))
    sids: Mapping[str, str] = field(metadata=described("The SID of each resource by its address, sorted by address."))
    missing: tuple[str, ...] = field(
        metadata=described("The addresses of declared resources that do not exist in the account.")
    )

    def to_json(self) -> str:
        """Render the document as indented ASCII that ends in a newline."""
        return spelled_out(json.dumps(to_content(self), indent=2)) + "\n"

    def to_env(self) -> str:
        """Render a line ``NAME=SID`` for each resource, for a shell, a ``.env`` file, or GITHUB_ENV."""
        return "".join(f"{variable(Address.parse(address))}={sid}\n" for address, sid in self.sids.items())


def sids_document(
    account_sid: str, environment: str, sids: Mapping[Address, str], missing: Sequence[Address]
) -> SidsFile:
    """Turn SIDs into a document.

    Args:
        account_sid: the account.
        environment: the selected environment; empty for none.
        sids: the SIDs of live resources, by address.
        missing: the declared resources that do not exist in the account.
    """
    return SidsFile(
        account_sid=account_sid,
        env=environment,
        sids={str(address): sids[address] for address in sorted(sids)},
        missing=tuple(str(address) for address in sorted(missing)),
    )


def variable(address: Address) -> str:
    """Return the name of the environment variable for a resource's SID: ``SERVICES__SUPPORT__ROLES__AGENT_SID``.

    Upper case, with two underscores between the parts. If a part contains other characters than lower-case letters,
    digits, and single underscores between them, each run of them becomes one underscore, and three underscores and a
    digest of the address follow, since other addresses would have the same name.
    """
    parts = [re.sub(r"[^A-Z0-9]+", "_", part.upper()).strip("_") for part in address.parts]
    name = "__".join(part for part in parts if part)
    if not all(_PLAIN.match(part) for part in address.parts):
        digest = hashlib.sha256(str(address).encode("utf-8", "surrogatepass")).hexdigest()
        name += f"___{digest[:_DIGITS].upper()}"
    return f"{name}_SID"
