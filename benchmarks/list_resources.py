"""How long does a filtered list take with 10,000 flows and 1,000,000 runs in the store?

    python -m benchmarks.list_resources

Calls of a client to `flowservice serve`, one after the other, on SQLite and on PostgreSQL; the time is from sending to
having read the answer, at the median. Filters match much, little or nothing. A list holds up to 100 items.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx

from benchmarks.full_store import FLOWS, RUNS, Scene, created_ms, fill, size_mb
from benchmarks.measuring import claim
from benchmarks.run_flow import serving
from flowservice.app import read_credentials
from flowservice.settings import Settings
from tests import postgres

FIELD_MS: Final = 50.0
"""For a list by a documented field."""
ANY_MS: Final = 2_000.0
"""For a list by any other path, and for a count."""
_REPEATS: Final = {FIELD_MS: 15, ANY_MS: 3}


class Call(NamedTuple):
    """One call to measure."""

    path: str
    properties: tuple[str, ...]
    bound_ms: float
    at_least: int
    """Items, or what is counted."""
    at_most: int
    counts: bool = False


def run() -> list[str]:
    """Print the table; the claims that do not hold."""
    missed: list[str] = []
    with tempfile.TemporaryDirectory() as folder, postgres.running() as server:
        for name, url in (("SQLite", None), ("PostgreSQL", server.new_database())):
            settings = Settings(home=Path(folder) / name, database_url=url)
            began = time.perf_counter()
            scene = fill(settings)
            print(
                f"{name}: {FLOWS} flows and {RUNS} runs, {size_mb(settings):.0f} MB, filled in "
                f"{time.perf_counter() - began:.0f} s\n",
                flush=True,
            )
            missed += _measured(name, settings, scene)
    return missed


def _calls(scene: Scene) -> Iterator[Call]:
    some = scene.flows[4_321]
    base = some.source.base_connection_id
    flow, run = some.id, scene.run_ids[123_456]
    lists: dict[str, dict[tuple[str, ...], tuple[int, int]]] = {
        "runs": {
            (f"id=={run}",): (1, 1),
            (f"id=={run},{scene.run_ids[5]},{flow}",): (2, 2),
            (f"flowId=={flow}",): (100, 100),
            (f"flowId=={run}",): (0, 0),
            (f"flowId=={','.join(one.id for one in scene.flows[:50])}",): (100, 100),
            (f"flowId=={flow}", "state==failed"): (0, 100),
            ("state==success",): (100, 100),
            ("state==FAILED",): (100, 100),
            ("state==inProgress",): (20, 20),
            ("state==scheduled",): (0, 0),
            ("state!=success",): (100, 100),
            ("metrics.statusSummary.status==Success,Partial_Success",): (100, 100),
            ("metrics.statusSummary.status==IN_PROGRESS",): (20, 20),
            ("metrics.statusSummary.status==nothing",): (0, 0),
            (f"metrics.durationSummary.startedAtUTC>{created_ms(1000)}",): (100, 100),
            (f"metrics.durationSummary.startedAtUTC>{created_ms(RUNS - 20)}",): (20, 21),
            (f"metrics.durationSummary.startedAtUTC>{created_ms(RUNS + 20)}",): (0, 0),
            (f"metrics.durationSummary.startedAtUTC<{created_ms(RUNS // 2)}",): (100, 100),
            (f"metrics.durationSummary.startedAtUTC<{created_ms(200_000)}",): (100, 100),
            (f"metrics.durationSummary.startedAtUTC<{created_ms(20)}",): (19, 21),
            (f"metrics.durationSummary.startedAtUTC<{created_ms(-20)}",): (0, 0),
            ("metrics.recordSummary.failedRecordCount>0",): (100, 100),
            ("metrics.recordSummary.failedRecordCount>96",): (100, 100),
            ("metrics.recordSummary.failedRecordCount>97",): (0, 0),
            ("metrics.recordSummary.outputRecordCount==0",): (100, 100),
            ("metrics.recordSummary.outputRecordCount>100000",): (100, 100),
            ("metrics.recordSummary.inputRecordCount<101",): (100, 100),
            ("metrics.recordSummary.inputRecordCount>200000",): (0, 0),
            (f"createdAt>={created_ms(1000)}",): (100, 100),
            (f"createdAt<{created_ms(1000)}",): (100, 100),
            (f"createdAt=={created_ms(1000)}",): (1, 1),
            (f"createdAt>{created_ms(RUNS)}",): (0, 0),
        },
        "flows": {
            (f"id=={flow}",): (1, 1),
            ("name==flow 00042",): (1, 1),
            ("name==nothing",): (0, 0),
            ('description=="brings table 7 to the lake, each day, for department 7"',): (1, 1),
            (f"flowSpec.id=={some.flow_spec.id}",): (100, 100),
            ("state==enabled",): (100, 100),
            ("state==disabled",): (0, 0),
            (f"sourceConnectionIds=={some.source.id}",): (1, 1),
            (f"targetConnectionIds[]=={some.target.id}",): (10, 10),
            ("inheritedAttributes.properties.isSourceFlow==true",): (100, 100),
            ("inheritedAttributes.properties.isDestinationFlow==true",): (0, 0),
            (f"inheritedAttributes.sourceConnections[].connectionSpec.id=={some.source.spec.id}",): (100, 100),
            (f"inheritedAttributes.sourceConnections[].baseConnection.id=={base}",): (
                100,
                100,
            ),
            (f"inheritedAttributes.sourceConnections[].id=={flow}",): (0, 0),
            (f"transformations[].params.mappingId=={some.mapping_id}",): (2, 2),
            ("transformations[].params.mappingId==nothing",): (0, 0),
        },
    }
    for collection, filters in lists.items():
        for texts, (least, most) in filters.items():
            yield Call(f"/{collection}", texts, FIELD_MS, least, most)
    others = {
        ("params.windowStartTime==5",): (0, 0),
        ("providerRefId==" + f"01{4321:024d}",): (1, 1),
        ("metrics.sizeSummary.outputBytes>99999999",): (0, 0),
        ("activities[].sizeSummary.outputBytes<0",): (0, 0),
        ("metrics.recordSummary.failedInfo[].count>96",): (100, 100),
        ("metrics.recordSummary.failedInfo[].code==nothing",): (0, 0),
        (f"activities[].durationSummary.completedAtUTC<{created_ms(50)}",): (40, 60),
        ("activities[].name==success",): (0, 0),
        ("metrics.statusSummary.status==success", "activities[].id==nothing"): (0, 0),
    }
    for texts, (least, most) in others.items():
        yield Call("/runs", texts, ANY_MS, least, most)
    counts: dict[tuple[str, ...], tuple[int, int]] = {
        (): (RUNS, RUNS),
        ("state==success",): (RUNS // 2, RUNS),
        ("state!=success",): (1, RUNS),
        (f"createdAt>{created_ms(10)}",): (RUNS // 2, RUNS),
        ("metrics.recordSummary.failedRecordCount>=0",): (RUNS, RUNS),
        ("activities[].id==copyActivity",): (RUNS, RUNS),
        ("metrics.sizeSummary.inputBytes>=0",): (RUNS, RUNS),
        ("activities[].sizeSummary.inputBytes>99999999",): (0, 0),
    }
    for texts, (least, most) in counts.items():
        yield Call("/runs", texts, ANY_MS, least, most, counts=True)
    yield Call("/flows", ("options.partialIngestionPercent>4",), ANY_MS, FLOWS // 2, FLOWS // 2, counts=True)


def _measured(name: str, settings: Settings, scene: Scene) -> list[str]:
    slowest: dict[float, tuple[float, str]] = {}
    env = {"FLOWSERVICE_DATABASE_URL": settings.resolved_database_url, "FLOWSERVICE_LOG_LEVEL": "warning"}
    print(f"{'':<92}{'found':>8}{'median ms':>11}{'bound':>7}")
    with serving(settings.home, **env) as (url, _), _client(url, settings) as client:
        for call in _calls(scene):
            median_ms, found = _median(client, call)
            texts = " & ".join(text if len(text) < 90 else f"{text[:80]}…" for text in call.properties)
            label = f"{'count ' if call.counts else ''}{call.path} {texts}"
            print(f"{label:<92}{found:>8}{median_ms:>11.1f}{call.bound_ms:>7.0f}", flush=True)
            slowest[call.bound_ms] = max(slowest.get(call.bound_ms, (0.0, "")), (median_ms, label))
    print()
    return [
        missing
        for bound_ms, what in ((FIELD_MS, "a list by a documented field"), (ANY_MS, "a list by any path, and a count"))
        for missing in claim(
            f"{name}: {what} takes at most {bound_ms:.0f} ms at the median",
            f"{slowest[bound_ms][0]:.1f} ms for {slowest[bound_ms][1]}",
            slowest[bound_ms][0] <= bound_ms,
        )
    ]


def _median(client: httpx.Client, call: Call) -> tuple[float, int]:
    taken = []
    for _ in range(_REPEATS[call.bound_ms] + 1):
        began = time.perf_counter()
        answer = client.get(call.path, params=_parameters(call))
        taken.append((time.perf_counter() - began) * 1000)
        if answer.status_code != 200:
            raise RuntimeError(f"{call}: {answer.text}")
    found = answer.json()
    size = found["count"] if "count" in found else len(found["items"])
    if not call.at_least <= size <= call.at_most:
        raise RuntimeError(f"{call} found {size}")
    return statistics.median(taken[1:]), size


def _parameters(call: Call) -> dict[str, str | list[str]]:
    return {"property": list(call.properties), **({"count": "true"} if call.counts else {})}


@contextmanager
def _client(url: str, settings: Settings) -> Iterator[httpx.Client]:
    credentials: Mapping[str, Any] = read_credentials(settings.credentials_path)
    form = {
        "grant_type": "client_credentials",
        "client_id": credentials["clientId"],
        "client_secret": credentials["clientSecret"],
        "scope": credentials["scopes"],
    }
    token = httpx.post(f"{url}/ims/token/v3", data=form).json()["access_token"]
    headers = {
        "Authorization": f"Bearer {token}",
        "x-api-key": credentials["clientId"],
        "x-gw-ims-org-id": credentials["orgId"],
        "x-sandbox-name": "prod",
    }
    with httpx.Client(base_url=f"{url}/data/foundation/flowservice", headers=headers, timeout=120) as client:
        yield client


if __name__ == "__main__":
    sys.exit(1 if run() else 0)
