"""Answers to writes that have a key, kept for a while: a call whose answer was lost is sent again, and is done once.

They are kept in this process. A call says of which run of the server it was first sent to, so that another run, which
cannot know what became of it, does not do it again.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flowservice.errors import AnswerLost, BadField

KEY_HEADER: Final = "idempotency-key"
RUN_HEADER: Final = "x-server-run"
"""Names the run of a server: told by every answer, and by a call that no other run is to carry out."""
_KEPT_S: Final = 15 * 60
_MOST_BYTES: Final = 16 << 20
_MOST_BYTES_EACH: Final = 256 << 10


@dataclass(slots=True, kw_only=True)
class _Call:
    """A write that was carried out, or is."""

    body: bytes
    """Its hash: a key is of one content."""
    began_at: float
    answer: list[Message] = field(default_factory=list)
    size: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Repeats:
    """The writes of the last quarter of an hour that had a key, by whose and which they were."""

    def __init__(self) -> None:
        self.run: Final = uuid4().hex[:16]
        self._calls: OrderedDict[Hashable, _Call] = OrderedDict()
        self._bytes = 0

    def check_run(self, named: str) -> None:
        """Return if a call may be carried out by this run of the server. Raises AnswerLost."""
        if named not in {"", self.run}:
            raise AnswerLost(
                "the server was started again since this call was first sent, and may have carried it out before",
                advice="Look whether it was done, and repeat it if not.",
            )

    async def serve(
        self, app: ASGIApp, scope: Scope, receive: Receive, send: Send, *, key: Hashable, body: bytes
    ) -> None:
        """Have `app` answer a call, or answer as it did when the call came before.

        Raises BadField if the key was that of another call.
        """
        known = self._calls.get(key)
        while known is not None:
            if known.body != sha256(body).digest():
                raise BadField(
                    f"{KEY_HEADER} was that of a call with another body", advice="Take a new key for each call."
                )
            await known.ended.wait()
            if known.answer:
                for message in known.answer:
                    await send({**message})
                return
            # It failed on our side, or was too large to keep; another repeat may have come first.
            known = self._calls.get(key)
        self._forget_old()
        call = self._calls[key] = _Call(body=sha256(body).digest(), began_at=time.monotonic())

        async def send_kept(message: Message) -> None:
            call.answer.append(message)
            call.size += len(message.get("body", b""))
            await send(message)

        try:
            await app(scope, receive, send_kept)
        finally:
            self._end(key, call)

    def _end(self, key: Hashable, call: _Call) -> None:
        last = call.answer[-1] if call.answer else {"type": ""}
        is_whole = last["type"] == "http.response.body" and not last.get("more_body")
        if not is_whole or call.answer[0]["status"] >= 500 or call.size > _MOST_BYTES_EACH:
            call.answer = []
            with suppress(KeyError):
                del self._calls[key]
        else:
            self._bytes += call.size
        call.ended.set()

    def _forget_old(self) -> None:
        oldest_at = time.monotonic() - _KEPT_S
        for key, call in list(self._calls.items()):
            if call.began_at > oldest_at and self._bytes <= _MOST_BYTES:
                return
            if call.ended.is_set():
                del self._calls[key]
                self._bytes -= call.size
