"""An emulator served on a loopback port for as long as a test needs it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from reconciler.emulator import Emulator
from reconciler.emulator.server import listen


@contextmanager
def served(app: Emulator) -> Iterator[str]:
    """Serves in a thread of this process, so that the test can look into the account meanwhile; gives the URL."""
    with listen(app) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield app.base_url
        finally:
            server.should_exit = True
            thread.join(30)
            assert not thread.is_alive()
