"""What a network and a service in trouble make of answers: faults for a `front.Front`, by name.

`passing` ones end by themselves, and the run has to land exactly; the others go on until the run gives up, which has to
say why in its error's code and publish nothing.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from tests.connectors.azure_table.table_server import Answer, Request
from tests.faults.front import Fault

_TOKEN: Final = "x-ms-continuation-nextpartitionkey"
_LATER: Final = range(3, 10**9)
"""After some pages have come, for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A fault, and the codes of the error with which a run may give up; none: it must not."""

    name: str
    fault: Fault
    codes: frozenset[str] = frozenset()

    @property
    def passes(self) -> bool:
        """Whether the run has to land."""
        return not self.codes


def _refused(status: int, code: str, **headers: str) -> Answer:
    body = json.dumps({"odata.error": {"code": code, "message": {"lang": "en", "value": "no"}}}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, body=body, headers={"Content-Type": "application/json", **named})


def _instead(answer: Answer, numbers: Collection[int]) -> Fault:
    return lambda number, request, given: answer if number in numbers else given


def _mangled(how: str, numbers: Collection[int]) -> Fault:
    def fault(number: int, request: Request, given: Answer) -> Answer:
        return _MANGLED[how](given) if number in numbers and given.status == 200 else given

    return fault


def _cut(given: Answer) -> Answer:
    return replace(given, cut_at=len(given.body) // 2)


def _half(given: Answer) -> Answer:
    """All that was promised, but no whole document."""
    return replace(given, body=given.body[: len(given.body) // 2])


def _garbage(given: Answer) -> Answer:
    return replace(given, body=b'{"value":[{"PartitionKey":]}' + given.body[:20])


def _page_of_a_proxy(given: Answer) -> Answer:
    return Answer(body=b"<html><body>Please sign in</body></html>", headers={"Content-Type": "text/html"})


def _dripping(given: Answer) -> Answer:
    return replace(given, byte_every_s=1.0)


def _slow(given: Answer) -> Answer:
    return replace(given, byte_every_s=0.0002)


def _keyless(given: Answer) -> Answer:
    return replace(given, body=given.body.replace(b"PartitionKey", b"Partition"))


_MANGLED: Final = {
    "cut": _cut,
    "half": _half,
    "garbage": _garbage,
    "a page of a proxy": _page_of_a_proxy,
    "dripping": _dripping,
    "slow": _slow,
    "keyless": _keyless,
}


class _Repeated:
    """Names the page after the first one again and again."""

    def __init__(self) -> None:
        self._headers: dict[str, str] | None = None

    def __call__(self, number: int, request: Request, given: Answer) -> Answer:
        tokens = {name: value for name, value in given.headers.items() if name.lower().startswith("x-ms-continuation")}
        if not tokens:
            return given
        if self._headers is None:
            self._headers = tokens
        return replace(given, headers={**given.headers, **self._headers})


def troubles() -> list[Trouble]:
    """All of them, anew: some remember what they did."""
    busy, failed, reset = _refused(503, "ServerBusy"), _refused(500, "InternalError"), Answer(reset=True)
    patient = _refused(429, "TooManyRequests", Retry_After="1")
    source = frozenset({"source-throttled", "source-unavailable", "source-unreachable", "source-page-broken"})
    return [
        Trouble(name="a storm of 503", fault=_instead(busy, {2, 3, 4, 6, 7, 9})),
        Trouble(name="429 with Retry-After", fault=_instead(patient, {3})),
        Trouble(name="500 now and then", fault=_instead(failed, {1, 3, 5, 7, 9})),
        Trouble(name="connections reset", fault=_instead(reset, {1, 2, 4, 6, 9})),
        Trouble(name="pages cut", fault=_mangled("cut", {2, 4, 5})),
        Trouble(name="half pages of full length", fault=_mangled("half", {2, 3, 6})),
        Trouble(name="garbage JSON", fault=_mangled("garbage", {1, 4, 5})),
        Trouble(name="a proxy's page", fault=_mangled("a page of a proxy", {3, 4})),
        Trouble(name="a page at 1 byte/s", fault=_mangled("dripping", {4})),
        Trouble(name="slow pages", fault=_mangled("slow", range(1, 5))),
        Trouble(name="503 for good", fault=_instead(busy, _LATER), codes=source),
        Trouble(name="connections reset for good", fault=_instead(reset, _LATER), codes=source),
        Trouble(name="pages cut for good", fault=_mangled("cut", _LATER), codes=source),
        Trouble(name="garbage JSON for good", fault=_mangled("garbage", _LATER), codes=source),
        Trouble(name="keys missing for good", fault=_mangled("keyless", _LATER), codes=source),
        # Rows are in order: what was read is known by its keys.
        Trouble(name="a token repeated for good", fault=_Repeated()),
        Trouble(
            name="403 for good",
            fault=_instead(_refused(403, "AuthenticationFailed"), _LATER),
            codes=frozenset({"source-credentials"}),
        ),
        Trouble(
            name="404 for good",
            fault=_instead(_refused(404, "TableNotFound"), _LATER),
            codes=frozenset({"source-object-unknown"}),
        ),
        Trouble(
            name="400 for good", fault=_instead(_refused(400, "InvalidInput"), _LATER), codes=frozenset({"source"})
        ),
    ]
