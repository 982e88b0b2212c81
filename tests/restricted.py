"""A key that may not ask everything: the API in front of which some requests are refused."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

CODES = {401: 20003, 403: 70051, 404: 20404}
"""Twilio's error code for each status."""


class Restricted:
    """An ASGI application that refuses what a key lacks the permission for.

    Args:
        app: the API.
        forbidden: patterns of ``METHOD path``, each with the status of the answer.
    """

    def __init__(self, app: Any, forbidden: Mapping[str, int]) -> None:
        self.app = app
        self.forbidden = forbidden

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        asked = f"{scope['method']} {scope['path']}"
        for pattern, status in self.forbidden.items():
            if re.fullmatch(pattern, asked):
                body = {"code": CODES[status], "message": "refused", "more_info": "", "status": status}
                headers = [(b"content-type", b"application/json")]
                await send({"type": "http.response.start", "status": status, "headers": headers})
                await send({"type": "http.response.body", "body": json.dumps(body).encode()})
                return
        await self.app(scope, receive, send)
