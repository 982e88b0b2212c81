"""Emulators served on a loopback port for as long as tests need them."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import uvicorn

from reconciler.emulator import Emulator
from reconciler.emulator.app import Receive, Scope, Send
from reconciler.emulator.server import listen


class Host:
    """A server whose emulator can be replaced by another: starting and stopping one takes long."""

    def __init__(self, app: Emulator) -> None:
        self.app: Callable[[Scope, Receive, Send], Awaitable[None]] = app
        self.url = app.base_url

    def show(self, app: Emulator) -> None:
        app.base_url = self.url
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@contextmanager
def served(app: Emulator) -> Iterator[Host]:
    """Serves in a thread of this process, so that the test can look into the account meanwhile."""
    with listen(app) as listener:
        host = Host(app)
        server = uvicorn.Server(uvicorn.Config(host, log_level="warning", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield host
        finally:
            server.should_exit = True
            thread.join(30)
            assert not thread.is_alive()
