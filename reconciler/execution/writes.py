"""Single writes: the form of a create, update, or delete is sent, and its answer compared with it.

Takes a kind, a path, and values; gives the decoded answer. An update whose answer was lost is looked up before it
counts as failed.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.api import wire
from reconciler.api.client import Client
from reconciler.api.wire import Decoded
from reconciler.errors import Refused
from reconciler.execution.answer_check import check_answer
from reconciler.json_text import Json
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content

_NOT_FOUND = 404


class Writes:
    """The writes of one apply.

    Args:
        client: sends them.
        trigger_webhooks: whether writes fire the account's webhooks where the API allows to choose.
    """

    def __init__(self, client: Client, *, trigger_webhooks: bool) -> None:
        self._client = client
        self._trigger_webhooks = trigger_webhooks

    async def create(self, kind: Kind, path: str, values: Mapping[str, Content], attempt: int) -> Decoded:
        """Send a create once; the caller handles lost answers.

        Args:
            kind: the kind of the new resource.
            path: the path of the collection.
            values: the values to send.
            attempt: the number of this attempt, from 1.
        """
        return wire.decode(kind, await self._post(kind, path, values, idempotent=False, attempt=attempt))

    async def update(
        self, kind: Kind, path: str, values: Mapping[str, Content], expects: Mapping[str, object] | None = None
    ) -> Decoded:
        """Send an update, and check that it took effect.

        Args:
            kind: the kind of the resource.
            path: its path.
            values: the values to send.
            expects: further values that it must have afterwards.

        Raises:
            StepFailed: the API kept its own value of a field.
            ApiError: the update failed.
        """
        answer = wire.decode(kind, await self._post(kind, path, values, idempotent=True))
        check_answer(kind, {**(expects or {}), **values}, answer)
        return answer

    async def delete(self, kind: Kind, path: str) -> bool:
        """Delete a resource; return False if it did not exist."""
        try:
            await self._client.delete(path, webhooks=self._trigger_webhooks and kind.webhook_header)
        except Refused as error:
            if error.refusal.status != _NOT_FOUND:
                raise
            return False
        return True

    async def _post(
        self, kind: Kind, path: str, values: Mapping[str, Content], *, idempotent: bool, attempt: int = 1
    ) -> Json:
        form = wire.encode(kind, values, lambda content: content)
        webhooks = self._trigger_webhooks and kind.webhook_header
        return await self._client.post(path, form, idempotent=idempotent, webhooks=webhooks, attempt=attempt)
