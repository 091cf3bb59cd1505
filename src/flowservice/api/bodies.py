"""Bodies of requests, read whole before anyone takes them apart."""

from starlette.types import Message, Receive


async def whole_body(receive: Receive, limit: int) -> bytes | None:
    """The whole body; None if it is larger than `limit`."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            return None
        if not message.get("more_body"):
            return b"".join(chunks)


def replayed(body: bytes) -> Receive:
    """What hands over a body that was read already."""
    sent = False

    async def receive() -> Message:
        nonlocal sent
        if sent:
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
