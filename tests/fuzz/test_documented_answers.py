"""Whatever is called, the answer is one that the API's document tells of: no 5xx, no other status, type or shape."""

import json
import resource
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import pytest
from schemathesis import Case

from demo.azurite import Azurite
from demo.tour import seed_shop
from docs.record_examples import invented, replaced, toured
from tests.fuzz.campaign import Campaign, Outcome
from tests.live import Client, Server

SAMPLE: Final = 1_000
MANY: Final = 20_000
NOBODY: Final = "0" * 32
_SENT: Final = ("Authorization", "x-api-key", "x-gw-ims-org-id", "x-sandbox-name")


@pytest.fixture
def campaign(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    """Calls against a server and an organisation of their own, in which the document's examples are true: what they
    name was made there, and their ids and connection string are exchanged for those."""
    seed_shop(azurite.endpoint)
    server = Server(tmp_path_factory.mktemp("fuzz") / "home").start()
    try:
        with server.client() as client:
            tour = toured(server, client, azurite.connection_string)
            shown = invented(tour.seen, url=server.url, connection_string=azurite.connection_string)
            yield Campaign(
                document=client.get("/v1/openapi.json").json(),
                url=server.url,
                headers={name: client.headers[name] for name in _SENT},
                aim=aiming(client, {invention: real for real, invention in shown.items()}),
            )
    finally:
        assert server.stop() == 0
        assert "Traceback" not in server.log.read_text()


def aiming(client: Client, real: Mapping[str, str]) -> Callable[[Case[Any]], None]:
    """Lets the examples of the document mean real things, and the credential that calls stay.

    It alone is protected, for a revoked credential would end the campaign. Sandboxes, `prod` too, are reset and
    deleted, and everything in them.
    """
    own = client.headers["x-api-key"]

    def aim(case: Case[Any]) -> None:
        for parameters in (case.path_parameters, case.query, case.headers):
            for name, value in list((parameters or {}).items()):
                if isinstance(value, str):
                    parameters[name] = replaced(value, real)
        if isinstance(case.body, dict | list):
            case.body = json.loads(replaced(json.dumps(case.body, ensure_ascii=False), real))
        if case.method.upper() in {"DELETE", "PATCH"} and case.path_parameters.get("client_id") == own:
            case.path_parameters["client_id"] = NOBODY

    return aim


def test_every_answer_is_as_documented(campaign: Campaign, figure: Callable[[str], None]) -> None:
    proven(campaign, figure, calls=SAMPLE)


@pytest.mark.fuzz
def test_every_answer_to_twenty_thousand_calls_is_as_documented(
    campaign: Campaign, figure: Callable[[str], None]
) -> None:
    proven(campaign, figure, calls=MANY, thorough=True)


def proven(campaign: Campaign, figure: Callable[[str], None], *, calls: int, thorough: bool = False) -> None:
    """Call, tell the figures, and look at what came of it."""
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
    outcome = campaign.run(calls, thorough=thorough)
    after = resource.getrusage(resource.RUSAGE_SELF)
    figure(
        f"fuzz: {outcome.total} calls of {len(outcome.calls)} operations in {time.monotonic() - started:.0f} s "
        f"({after.ru_utime - before.ru_utime:.0f} s of CPU), {outcome.followed} by links; {_statuses(outcome)}"
    )
    assert not outcome.problems, "\n\n".join(f"{what}\n{how}" for what, how in outcome.problems.items())
    assert set(outcome.calls) == campaign.operations()
    assert outcome.total >= calls
    assert outcome.followed > calls // 20
    assert outcome.statuses[200] > calls // 20


def _statuses(outcome: Outcome) -> str:
    return ", ".join(f"{count} answered {status}" for status, count in sorted(outcome.statuses.items()))
