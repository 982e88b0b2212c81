"""A local, independent emulator of Twilio Conversations v1.

Takes HTTP requests (as an ASGI application, or served on a port), responds as Twilio is known to, and keeps the account
in SQLite. It imports nothing from the rest of the package, so it does not share a wrong assumption. Unverified facts
about Twilio are switches in ``Rules``.

    store = Store.open(":memory:")
    app = Emulator(store, rules=Rules(role_in_use="allowed"))
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://conversations.twilio.com")
"""

from __future__ import annotations

from reconciler.emulator.app import Emulator, RequestRecord
from reconciler.emulator.behavior.context import Reply
from reconciler.emulator.errors import EmulatorError, OtherAccountError
from reconciler.emulator.rules import Rules
from reconciler.emulator.server import serve
from reconciler.emulator.store import DEFAULT_ACCOUNT_SID, Row, Store

__all__ = [
    "DEFAULT_ACCOUNT_SID",
    "Emulator",
    "EmulatorError",
    "OtherAccountError",
    "Reply",
    "RequestRecord",
    "Row",
    "Rules",
    "Store",
    "serve",
]
