"""Whatever is called, the answer is one that the API's document tells of: no 5xx, no other status, type or shape."""

import json
import re
import resource
import time
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any, Final

import pytest
from schemathesis import Case

from demo.azurite import Azurite
from demo.tour import seed_shop
from docs.record_examples import invented, replaced, toured
from tests.fuzz.campaign import SEED, Campaign, Outcome
from tests.live import Client, Server

SAMPLE: Final = 600
MANY: Final = 20_000
NOBODY: Final = "0" * 32
_NAMED: Final = re.compile(r"[\w.-]{20,}", re.ASCII)
"""An id that an answer told, as far as one can see."""
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
            document = client.get("/v1/openapi.json").json()
            yield Campaign(
                document=document,
                url=server.url,
                headers={name: client.headers[name] for name in _SENT},
                aim=aiming(client, document, {invention: real for real, invention in shown.items()}),
            )
    finally:
        assert server.stop() == 0
        assert "Traceback" not in server.log.read_text()


def aiming(client: Client, document: Mapping[str, Any], real: Mapping[str, str]) -> Callable[[Case[Any]], None]:
    """Lets the examples of the document mean real things, and puts them into half of the calls, for of ids that are
    drawn at random none is anybody's.

    Two things are protected, for the campaign would end with them: the credential that calls, and the sandbox `prod`,
    where it works. Everything else, other sandboxes too, may be changed, revoked, reset and deleted.
    """
    own = client.headers["x-api-key"]
    chance = Random(SEED)
    operations = {(path, method): call for path, item in document["paths"].items() for method, call in item.items()}

    def aim(case: Case[Any]) -> None:
        method = case.method.lower()
        call = operations[case.path, method]
        for parameter in call.get("parameters", ()):
            name = parameter["name"]
            drawn = str(case.path_parameters.get(name, ""))
            if parameter["in"] == "path" and not _NAMED.fullmatch(drawn) and chance.random() < 1 / 2:
                case.path_parameters[name] = parameter["example"]
        if "requestBody" in call and case.media_type == "application/json" and chance.random() < 1 / 2:
            case.body = call["requestBody"]["content"]["application/json"]["example"]
        for parameters in (case.path_parameters, case.query, case.headers):
            for name, value in list((parameters or {}).items()):
                if isinstance(value, str):
                    parameters[name] = replaced(value, real)
        if isinstance(case.body, dict | list):
            case.body = json.loads(replaced(json.dumps(case.body), real))
        if method in {"delete", "patch", "put"}:
            for name, spared in (("client_id", own), ("name", "prod")):
                if case.path_parameters.get(name) == spared:
                    case.path_parameters[name] = NOBODY

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
    assert outcome.followed > 0
    assert outcome.statuses[200] > calls // 20


def _statuses(outcome: Outcome) -> str:
    return ", ".join(f"{count} answered {status}" for status, count in sorted(outcome.statuses.items()))
