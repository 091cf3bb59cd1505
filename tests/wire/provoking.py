"""A call for every error of our tree, and for the few that no call alone provokes the reason why."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import quote

import httpx

from demo.azurite import ACCOUNT, KEY
from flowservice import errors as e
from flowservice.domain.draft import MAX_DRAFTS
from tests.connectors.azure_table.table_server import Answer, serving
from tests.live import Client
from tests.wire import resources
from tests.wire.resources import CATALOG, DATASETS, FLOW, LAKE, PREP, REGISTRY, SANDBOXES, UNKNOWN, Dataflow

HTTP_API: Final = "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb"
"""A streaming source, for which this server has no connector."""
EXPORT: Final = "/data/foundation/export"
BATCH_PROVIDER: Final = "0ed90a81-07f4-4586-8190-b40eccef1c5a"
DELTA: Final = {"name": "Copy", "params": {"deltaColumn": {"name": "Timestamp"}}}
ANY: Final = {"If-Match": "*"}
COMPARED: Final = {
    "nodeType": "fnApply",
    "fnName": "=",
    # A column of numbers.
    "params": [{"nodeType": "fieldLookup", "fieldName": "age"}, {"nodeType": "literal", "value": "old"}],
}
FILTER: Final = {"type": "PQL", "format": "pql/json", "value": COMPARED}


def _named(at: "Place") -> dict[str, str]:
    """The id of the request, for a call without the client's other headers."""
    return {"x-request-id": at.client.headers["x-request-id"]}


@dataclass(frozen=True, kw_only=True)
class Place:
    """What the calls are made on."""

    client: Client
    strict: Client
    """Of a server that takes no start in the past and no call without a sandbox, and has room for one sandbox."""
    strict_flow: Dataflow
    dormant: Callable[[], Client]
    """Of an organisation whose default sandbox is being reset from this moment on: the server soon has done it."""
    limited: Client
    """May not manage sources."""
    dataflow: Dataflow
    landed: str
    """Flow that has run once."""
    run: str
    waiting: str
    """Flow that is not due, and whose delta column is `Timestamp`."""
    hourly: str
    """Recurring flow that has started."""
    flagged: str
    """Source with a column of truths, `isOld`."""
    draft: str
    """Connection that is a draft."""
    undraftable: str
    """Flow spec that takes no drafts."""

    def get(self, path: str, **query: str) -> httpx.Response:
        return self.client.get(f"{FLOW}/{path}", params=query or None)

    def post(self, path: str, body: Any = None) -> httpx.Response:
        return self.client.post(f"{FLOW}/{path}", json=body)

    def patch(self, path: str, *steps: Any, **headers: str) -> httpx.Response:
        return self.client.patch(f"{FLOW}/{path}", json=list(steps), headers=headers or ANY)

    def listed(self, query: str) -> httpx.Response:
        return self.client.get(f"{FLOW}/flows?{query}")

    def explored(self, **query: str) -> httpx.Response:
        return self.get(f"connections/{self.dataflow.connection_id}/explore", **query)

    def acted(self, query: str, body: Any = None) -> httpx.Response:
        return self.post(f"flows/{self.waiting}/action?{query}", body)

    def labelled(self) -> str:
        """The labels of a dataset that has some."""
        path = f"{DATASETS}/{self.dataflow.dataset_id}/labels"
        self.client.put(path, json={"labels": []}, headers=ANY)
        return path

    def flow(self, **other: Any) -> httpx.Response:
        return self.post("flows", self.dataflow.body(**other))

    def mapped(self, **params: Any) -> httpx.Response:
        return self.flow(transformations=[{"name": "Mapping", "params": params}])

    def copied(self, schedule: Any, *copy: Any, **other: Any) -> httpx.Response:
        mapping = {"name": "Mapping", "params": {"mappingId": self.dataflow.mapping_id, "mappingVersion": 0}}
        return self.flow(scheduleParams=schedule, transformations=[*copy, mapping], **other)

    def scheduled(self, flow: str, member: str, value: Any) -> httpx.Response:
        return self.patch(f"flows/{flow}", {"op": "add", "path": f"/scheduleParams/{member}", "value": value})

    def source(self, **other: Any) -> httpx.Response:
        return self.post("sourceConnections", resources.source(self.dataflow.connection_id, "people", **other))

    def target(self, **other: Any) -> httpx.Response:
        return self.post("targetConnections", resources.target(self.dataflow.dataset_id, **other))

    def account(self, *, string: str = "", **other: Any) -> httpx.Response:
        return self.post("connections", resources.connection(string, **other))

    def asked(self, flow: str = "", **params: Any) -> httpx.Response:
        return self.post("runs", {"flowId": flow or self.waiting, "params": {"startTime": 1_717_000_000, **params}})


def _string(endpoint: str, key: str = KEY) -> str:
    return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={key};TableEndpoint={endpoint}"


def _schema_of_nothing(at: Place) -> httpx.Response:
    with serving(lambda _: Answer()) as server:
        account = at.account(string=_string(server.account.endpoint)).json()["id"]
        answer = at.client.post(f"/v1/connections/{account}/schema", json={"object": "empty", "title": "empty"})
        at.client.delete(f"{FLOW}/connections/{account}")
    return answer


def _dataset(at: Place) -> str:
    (reference,) = at.client.made(f"{CATALOG}/dataSets", resources.dataset(at.dataflow.schema_id))
    return str(reference).rpartition("/")[2]


def _ranged(at: Place, wanted: str) -> httpx.Response:
    batch = at.client.one(f"{FLOW}/runs/{at.run}")["providerRefId"]
    (file, *_) = at.client.get(f"{EXPORT}/batches/{batch}/files").json()["data"]
    (entry,) = at.client.get(file["_links"]["self"]["href"]).json()["data"]
    return at.client.get(entry["_links"]["self"]["href"], headers={"Range": wanted})


def _more_drafts_than_fit(at: Place) -> httpx.Response:
    made = [at.client.made("/v1/drafts", resources.draft())["id"] for _ in range(_room_for_drafts(at))]
    answer = at.client.post("/v1/drafts", json=resources.draft())
    for draft_id in made:
        at.client.delete(f"/v1/drafts/{draft_id}")
    return answer


def _room_for_drafts(at: Place) -> int:
    return MAX_DRAFTS - len(at.client.get("/v1/drafts").json()["items"])


def _disabled(at: Place) -> httpx.Response:
    flow = at.dataflow.started(scheduleParams=resources.never())
    at.post(f"flows/{flow}/action?op=disable")
    answer = at.post("runs", {"flowId": flow})
    at.client.delete(f"{FLOW}/flows/{flow}")
    return answer


def _undone_before_it_began(at: Place) -> httpx.Response:
    flow = at.dataflow.started(scheduleParams=resources.never())
    later = {"startTime": resources.never()["startTime"]}
    run = at.client.made(f"{FLOW}/runs", {"flowId": flow, "params": later})["id"]
    answer = at.client.post(f"/v1/runs/{run}/undo")
    at.client.delete(f"{FLOW}/flows/{flow}")
    return answer


def _filtered(at: Place, *, filters: Any) -> httpx.Response:
    return at.source(params={"tableName": "people", "filters": filters})


def _unmapped_column(at: Place) -> httpx.Response:
    rules = resources.mapping_set(at.dataflow.schema_id, {"RowKey": "_id", "nothing": f"{at.dataflow.tenant}.name"})
    return at.mapped(mappingId=at.client.made(f"{PREP}/mappingSets", rules, status=200)["id"], mappingVersion=0)


def _answering(answer: Answer, *, explored: bool = False) -> Callable[[Place], httpx.Response]:
    """A source that answers so to a new connection; or sound first, and so when it is explored."""

    def call(at: Place) -> httpx.Response:
        with serving(lambda _: Answer() if explored else answer) as server:
            made = at.account(string=_string(server.account.endpoint))
            if not explored:
                return made
            server.answer = lambda _: answer
            path = f"connections/{made.json()['id']}"
            told = at.get(f"{path}/explore", objectType="root")
            at.client.delete(f"{FLOW}/{path}")
            return told

    return call


DAILY: Final = {"startTime": "4070908800", "frequency": "day", "interval": 1}
PAST: Final = {"startTime": 1_717_000_000, "frequency": "once"}

PROVOKED: Final[Mapping[type[e.Error], tuple[str, Callable[[Place], httpx.Response]]]] = {
    # --- the request
    e.EmptyBody: ("FLOW-1405-400", lambda at: at.client.post(f"{FLOW}/flows")),
    e.BadField: ("FLOW-1452-400", lambda at: at.flow(name=7)),
    e.MissingField: ("CONNECTOR-1304-400", lambda at: at.flow(name="")),
    e.BadQuery: ("FLOW-1451-400", lambda at: at.listed("limit=0")),
    e.UnknownFilterField: ("FLOW-1449-400", lambda at: at.listed("property=nothing==x")),
    e.UnknownOperator: ("FLOW-1450-400", lambda at: at.listed("property=name!>x")),
    e.UnsupportedOperator: ("FLOW-1440-400", lambda at: at.listed("property=name~x")),
    e.UnfilterableField: (
        "FLOW-1448-400",
        lambda at: at.get("connections", property="auth.params.connectionString==x"),
    ),
    e.UnsupportedForField: ("FLOW-1448-400", lambda at: at.listed("property=state>5")),
    e.BadFilterValue: ("FLOW-1452-400", lambda at: at.listed("property=createdAt==abc")),
    e.BadValueType: ("FLOW-1454-400", lambda at: at.listed("property=createdAt>abc")),
    e.FilterTooLarge: ("FLOW-1451-400", lambda at: at.listed("&".join(["property=id==x"] * 21))),
    e.BadToken: ("FLOW-1451-400", lambda at: at.listed("continuationToken=nonsense")),
    e.Aggregation: ("FLOW-1438-400", lambda at: at.post("flows/search", {"groupByProperty": "state"})),
    e.EmptyFilterValue: ("FLOW-1453-400", lambda at: at.listed("property=name==")),
    e.LimitWithCount: ("FLOW-1401-400", lambda at: at.listed("limit=1&count=true")),
    e.UnsortableField: ("FLOW-1433-400", lambda at: at.listed("orderby=nothing")),
    e.BadSortPrefix: ("FLOW-1432-400", lambda at: at.listed("orderby=*name")),
    e.SeveralValues: ("FLOW-1443-400", lambda at: at.listed("property=createdAt>1,2")),
    e.MissingParameter: ("CONNECTOR-1334-400", lambda at: at.explored()),
    e.UnknownObjectType: ("CONNECTOR-1358-400", lambda at: at.explored(objectType="nonsense")),
    e.WrongMethod: ("FLOW-1451-405", lambda at: at.client.delete(f"{FLOW}/flows")),
    e.MissingIfMatch: (
        "FLOW-1403-400",
        lambda at: at.client.patch(f"{FLOW}/flows/{at.waiting}", json=[{"op": "remove", "path": "/description"}]),
    ),
    e.OtherEtag: (
        "FLOW-1404-412",
        lambda at: at.patch(f"flows/{at.waiting}", {"op": "remove", "path": "/labels"}, **{"If-Match": '"0f01aa"'}),
    ),
    e.NotFound: ("FLOW-1439-404", lambda at: at.get(f"flows/{UNKNOWN}")),
    e.NothingLanded: (
        "/placeholder/type/uri",
        lambda at: at.client.get(f"{EXPORT}/datasets/{_dataset(at)}/preview"),
    ),
    e.RangeUnsatisfiable: ("/placeholder/type/uri", lambda at: _ranged(at, "bytes=9-8")),
    e.Conflict: (
        "SMS-2009-409",
        lambda at: at.client.post(f"{SANDBOXES}/sandboxes", json={"name": "prod", "title": "x", "type": "development"}),
    ),
    e.Forbidden: ("FLOW-2118-403", lambda at: at.limited.post(f"{FLOW}/flows", json={})),
    e.OtherOrigin: (
        "/placeholder/type/uri",
        lambda at: httpx.get(
            f"{at.client.base_url}/v1/connections/health",
            headers={"x-csrf-token": "x", "Origin": "https://other.example", **_named(at)},
        ),
    ),
    # --- organisations, credentials, sandboxes
    e.LastAdministrator: (
        "/placeholder/type/uri",
        lambda at: at.strict.delete(f"/v1/credentials/{at.strict.headers['x-api-key']}"),
    ),
    e.SandboxMissing: ("FLOW-2105-400", lambda at: at.strict.get(f"{FLOW}/flows", headers={"x-sandbox-name": ""})),
    e.SandboxNotFound: (
        "FLOW-2100-404",
        lambda at: at.client.get(f"{FLOW}/flows", headers={"x-sandbox-name": "nowhere"}),
    ),
    e.NoDefaultSandbox: ("FLOW-2106-404", lambda at: at.dormant().get(f"{FLOW}/flows", headers={"x-sandbox-name": ""})),
    e.SandboxIdNotAllowed: ("FLOW-2110-400", lambda at: at.client.get(f"{FLOW}/flows", headers={"x-sandbox-id": "x"})),
    e.EverySandbox: ("FLOW-2111-403", lambda at: at.client.get(f"{FLOW}/flows", headers={"x-sandbox-name": "*"})),
    e.SandboxLimit: (
        "SMS-2000-400",
        lambda at: at.strict.post(
            f"{SANDBOXES}/sandboxes", json={"name": "one-more", "title": "x", "type": "development"}
        ),
    ),
    e.DraftLimit: ("/placeholder/type/uri", _more_drafts_than_fit),
    e.SandboxBusy: ("SMS-2009-409", lambda at: at.dormant().patch(f"{SANDBOXES}/sandboxes/prod", json={"title": "x"})),
    e.DefaultSandbox: ("SMS-2000-400", lambda at: at.client.delete(f"{SANDBOXES}/sandboxes/prod")),
    e.NotSupported: (
        "/placeholder/type/uri",
        lambda at: at.client.get("/data/foundation/connectors/landingzone?type=user_drop_zone"),
    ),
    # --- specs and connections
    e.UnknownSpec: ("FLOW-1413-400", lambda at: at.account(connectionSpec={"id": UNKNOWN})),
    e.UnknownAuth: ("FLOW-1415-400", lambda at: at.account(auth={"specName": "Nothing", "params": {}})),
    e.SpecIsFixed: (
        "FLOW-1414-400",
        lambda at: at.patch(
            f"connections/{at.dataflow.connection_id}", {"op": "replace", "path": "/connectionSpec/id", "value": LAKE}
        ),
    ),
    e.NoConnector: ("FLOW-1100-400", lambda at: at.account(connectionSpec={"id": HTTP_API})),
    e.InUse: ("FLOW-1418-400", lambda at: at.client.delete(f"{FLOW}/connections/{at.dataflow.connection_id}")),
    e.PatchFailed: (
        "FLOW-1455-400",
        lambda at: at.patch(f"flows/{at.waiting}", {"op": "replace", "path": "/state", "value": "disabled"}),
    ),
    e.Referenced: ("FLOW-1447-400", lambda at: at.client.delete(f"{FLOW}/sourceConnections/{at.dataflow.source_id}")),
    e.DraftUnsupported: (
        "CONNECTOR-1368-400",
        lambda at: at.post("flows?mode=draft", at.dataflow.body(flowSpec={"id": at.undraftable})),
    ),
    e.NotPublished: ("FLOW-1456-400", lambda at: at.source(baseConnectionId=at.draft)),
    e.UnknownAction: ("CONNECTOR-1398-400", lambda at: at.acted("op=explode")),
    e.ProvidersOnly: ("FLOW-1402-400", lambda at: at.acted("op=FINALIZE")),
    e.UnknownSubAction: ("FLOW-1435-400", lambda at: at.acted("op=enable&subOp=SKIP")),
    e.SubActionNotAllowed: ("FLOW-1436-400", lambda at: at.acted("op=enable&subOp=ROLLBACK")),
    e.ProgressNotAlone: ("FLOW-1406-400", lambda at: at.acted("op=FINALIZE&subOp=PROGRESS,APPLY")),
    e.BadStatusValue: ("FLOW-1437-400", lambda at: at.acted("op=enable", {"status": {"value": "DONE"}})),
    e.BadPercent: (
        "FLOW-1408-400",
        lambda at: at.acted("op=enable", {"status": {"value": "COMPLETED"}, "percentCompleted": 5}),
    ),
    e.FailedProgress: (
        "FLOW-1407-400",
        lambda at: at.acted("op=FINALIZE&subOp=PROGRESS", {"status": {"value": "FAILED"}}),
    ),
    e.PatchUnsupported: (
        "FLOW-1434-400",
        lambda at: at.patch(f"flows/{at.waiting}", {"op": "move", "from": "/name", "path": "/description"}),
    ),
    e.ExploreUnsupported: ("CONNECTOR-1336-400", lambda at: at.explored(objectType="folder", object="/")),
    e.ExploreThroughSpec: (
        "CONNECTOR-1372-400",
        lambda at: at.get(f"connectionSpecs/{resources.AZURE_TABLE}/explore", objectType="root"),
    ),
    e.SpecReadOnly: (
        "FLOW-1426-400",
        lambda at: at.client.put(
            f"{FLOW}/connectionSpecs/{LAKE}", json={"name": "x", "type": "generic-rest", "providerId": BATCH_PROVIDER}
        ),
    ),
    e.BadSpec: (
        "FLOW-1452-400",
        lambda at: at.client.put(
            f"{FLOW}/flowSpecs/{at.undraftable}", json={"id": UNKNOWN, "name": "x", "providerId": BATCH_PROVIDER}
        ),
    ),
    e.BadDelimiter: ("CONNECTOR-1331-400", lambda at: at.explored(objectType="root", columnDelimiter="ab")),
    e.DetectionUnsupported: (
        "CONNECTOR-1371-400",
        lambda at: at.explored(objectType="table", object="people", determineProperties="true"),
    ),
    e.DetectionMixed: (
        "CONNECTOR-1374-400",
        lambda at: at.explored(objectType="table", object="people", determineProperties="true", fileType="json"),
    ),
    **{
        kind: (f"CONNECTOR-{number}-400", partial(_filtered, filters=filters))
        for kind, number, filters in (
            (e.BadRowFilter, 1349, {**FILTER, "value": {"nodeType": "literal"}}),
            (e.MissingOperator, 1350, {**FILTER, "value": {"nodeType": "fnApply", "params": []}}),
            (e.UnknownRowOperator, 1351, {**FILTER, "value": {**COMPARED, "fnName": "soundsLike"}}),
            (e.UnknownFilterType, 1355, {**FILTER, "type": "SQL"}),
            (e.UnknownFilterFormat, 1356, {**FILTER, "format": "sql"}),
            (e.MissingFilterValue, 1357, {**FILTER, "value": None}),
            (e.FilterValueType, 1379, {**FILTER, "value": COMPARED}),
            (e.NotOfSeveral, 1390, {**FILTER, "value": {**COMPARED, "fnName": "not"}}),
        )
    },
    e.BadFilters: ("CONNECTOR-1389-400", lambda at: at.explored(objectType="table", object="people", filters="%")),
    e.RowFiltersUnsupported: (
        "CONNECTOR-1353-400",
        lambda at: at.explored(objectType="root", filters=base64.b64encode(json.dumps(FILTER).encode()).decode()),
    ),
    e.AuthTypeUnsupported: (
        "CONNECTOR-1301-400",
        lambda at: at.get(f"connectionSpecs/{LAKE}/configs", authType="IamBasedAuthentication"),
    ),
    e.WrongFormat: ("CONNECTOR-1327-400", lambda at: at.source(data={"format": "json"})),
    # --- flows and runs
    e.StateNotAllowed: ("FLOW-1410-400", lambda at: at.flow(state="enabled")),
    e.EmptyDataset: ("CONNECTOR-1325-400", lambda at: at.target(params={"dataSetId": ""})),
    e.OneSourceOneTarget: ("CONNECTOR-1321-400", lambda at: at.flow(sourceConnectionIds=[])),
    e.WrongTarget: (
        "CONNECTOR-1307-400",
        lambda at: at.flow(flowSpec={"id": "9753525b-82c7-4dce-8a9b-5ccfce2b9876"}),
    ),
    e.BadSchedule: ("CONNECTOR-1397-400", lambda at: at.copied({**DAILY, "frequency": "monthly"}, DELTA)),
    e.BadInterval: ("CONNECTOR-1362-400", lambda at: at.copied({**DAILY, "frequency": "minute", "interval": 1}, DELTA)),
    e.IntervalNotAllowed: ("CONNECTOR-1361-400", lambda at: at.copied({**PAST, "interval": 15})),
    e.BackfillNotAllowed: ("CONNECTOR-1364-400", lambda at: at.copied({**PAST, "backfill": True})),
    e.StartInPast: (
        "CONNECTOR-1360-400",
        lambda at: at.strict.post(f"{FLOW}/flows", json=at.strict_flow.body(scheduleParams=PAST)),
    ),
    e.StartHasPassed: ("CONNECTOR-1366-400", lambda at: at.scheduled(at.hourly, "startTime", "4070908800")),
    e.CannotBecomeOnce: (
        "CONNECTOR-1403-400",
        lambda at: at.patch(
            f"flows/{at.hourly}",
            {"op": "remove", "path": "/scheduleParams/interval"},
            {"op": "remove", "path": "/transformations/0"},
            {"op": "replace", "path": "/scheduleParams/frequency", "value": "once"},
        ),
    ),
    e.BackfillIsFixed: ("CONNECTOR-1404-400", lambda at: at.scheduled(at.hourly, "backfill", False)),
    e.MissingMapping: ("CONNECTOR-1370-400", lambda at: at.flow(transformations=[])),
    e.BadMapping: ("FLOW-1419-400", _unmapped_column),
    e.BadExpression: (
        "/placeholder/type/uri",
        lambda at: at.client.post(
            f"{PREP}/mappingSets", json=resources.mapping_set(at.dataflow.schema_id, {"upper(name": "_id"})
        ),
    ),
    e.BadMappingVersion: ("FLOW-1412-400", lambda at: at.mapped(mappingId=at.dataflow.mapping_id, mappingVersion=7)),
    e.SchemaMismatch: ("FLOW-1425-400", lambda at: at.target(data={"schema": {"id": resources.PROFILE}})),
    e.MissingDeltaColumn: ("CONNECTOR-1367-400", lambda at: at.copied(DAILY)),
    e.DeltaColumnNotAllowed: ("CONNECTOR-1369-400", lambda at: at.copied(PAST, DELTA)),
    e.DeltaColumnDiffers: (
        "CONNECTOR-1382-400",
        lambda at: at.asked(windowStartTime=1, windowEndTime=2, deltaColumn={"name": "age"}),
    ),
    e.RunNeedsDeltaColumn: ("CONNECTOR-1383-400", lambda at: at.asked(at.landed, windowStartTime=1, windowEndTime=2)),
    e.DeltaColumnHasNoTimes: (
        "CONNECTOR-1379-400",
        lambda at: at.copied(
            DAILY, {"name": "Copy", "params": {"deltaColumn": {"name": "isOld"}}}, sourceConnectionIds=[at.flagged]
        ),
    ),
    e.NoColumns: ("/placeholder/type/uri", _schema_of_nothing),
    e.UnknownColumn: (
        "CONNECTOR-1378-400",
        lambda at: at.source(params={"tableName": "people", "columns": [{"name": "nothing"}]}),
    ),
    e.UnknownFlow: ("FLOW-1430-404", lambda at: at.post("runs", {"flowId": UNKNOWN})),
    e.EmptyFlowId: ("FLOW-1446-400", lambda at: at.post("runs", {"flowId": ""})),
    e.FlowDisabled: ("CONNECTOR-1388-400", _disabled),
    e.BadRunParams: ("CONNECTOR-1384-400", lambda at: at.asked(startTime="soon")),
    e.NotOnDemand: ("CONNECTOR-1386-400", lambda at: at.asked(at.hourly)),
    e.NotRetriable: ("CONNECTOR-1387-400", lambda at: at.post(f"runs/{at.run}/action?op=re-trigger")),
    e.NotUndoable: ("/placeholder/type/uri", _undone_before_it_began),
    e.NotReplayable: ("/placeholder/type/uri", lambda at: at.client.post(f"/v1/runs/{at.run}/replay")),
    e.DriftChanged: (
        "/placeholder/type/uri",
        lambda at: at.client.post(f"/v1/flows/{at.landed}/drift/accept", json={"id": "x"}),
    ),
    e.NotCancellable: ("/placeholder/type/uri", lambda at: at.client.post(f"/v1/runs/{at.run}/cancel")),
    e.UnknownRunAction: ("CONNECTOR-1333-400", lambda at: at.post(f"runs/{at.run}/action?op=cancel")),
    e.RunsAreManaged: (
        "FLOW-1427-400",
        lambda at: at.client.put(f"{FLOW}/runs/{at.run}", json={"flowId": at.landed}, headers=ANY),
    ),
    e.BadTransition: (
        "FLOW-1422-400",
        lambda at: at.post(f"connections/{at.dataflow.connection_id}/action?op=publish"),
    ),
    e.BadWindow: ("CONNECTOR-1381-400", lambda at: at.asked(windowStartTime=5, windowEndTime=4)),
    e.BadSchema: (
        "XDM-1010-400",
        lambda at: at.client.post(
            f"{REGISTRY}/tenant/schemas", json=resources.schema("https://ns.adobe.com/xdm/context/nothing")
        ),
    ),
    e.BreakingChange: (
        "XDM-1010-400",
        lambda at: at.client.put(
            f"{REGISTRY}/tenant/schemas/{quote(at.dataflow.schema_id, safe='')}",
            json=resources.schema(resources.PROFILE),
        ),
    ),
    e.BadDescriptor: ("XDM-1010-400", lambda at: at.client.post(f"{REGISTRY}/tenant/descriptors", json={"@type": "x"})),
    # --- labels of datasets
    e.PreconditionMissing: ("PES-428", lambda at: at.client.put(at.labelled(), json={"labels": []})),
    e.AnswerLost: (
        "/placeholder/type/uri",
        lambda at: at.client.post(
            "/v1/drafts",
            json=resources.draft(),
            headers={"idempotency-key": "k", "x-server-run": "another run of the server"},
        ),
    ),
    e.LabelsExist: ("PES-403", lambda at: at.client.post(at.labelled(), json={"labels": []})),
    e.ImportFailed: ("XDM-3005-400", lambda at: at.client.post(f"{REGISTRY}/rpc/import", json=[{"title": "x"}])),
    # --- the foreign system
    e.BadCredentials: (
        "FLOW-1100-400",
        _answering(Answer(status=403, headers={"x-ms-error-code": "AuthenticationFailed"})),
    ),
    e.DestinationRefused: ("FLOW-1100-400", lambda at: at.account(string=_string("http://169.254.169.254/x"))),
    e.Unreachable: ("FLOW-1100-400", lambda at: at.account(string=_string("http://127.0.0.1:9/x"))),
    e.Throttled: ("FLOW-1103-503", _answering(Answer(status=429, headers={"Retry-After": "60"}))),
    e.SourceUnavailable: ("FLOW-1103-503", _answering(Answer(status=500))),
    e.NoSuchObject: ("FLOW-1101-404", lambda at: at.explored(objectType="table", object="doesNotExist")),
    e.BrokenPage: ("FLOW-1103-503", _answering(Answer(body=b'{"value":[{}]}'), explored=True)),
    e.Denied: (
        "FLOW-1100-400",
        _answering(
            Answer(status=403, headers={"x-ms-error-code": "AuthorizationPermissionMismatch"}),
        ),
    ),
}

NOT_BY_A_CALL: Final[Mapping[type[e.Error], tuple[str, str]]] = {
    # Why, and the test that provokes it another way.
    e.Error: (
        "a defect of ours",
        "tests/engine/test_execution.py::test_a_defect_fails_the_run_without_telling_its_text",
    ),
    e.Invalid: (
        "its kinds are answered; itself only commands raise it",
        "tests/wire/test_error_catalogue.py::test_every_row_of_the_table_is_provoked_or_says_why_not",
    ),
    e.Transient: (
        "says only that a repeat may help; its kinds are answered",
        "tests/wire/test_error_catalogue.py::test_every_row_of_the_table_is_provoked_or_says_why_not",
    ),
    e.Stale: (
        "takes a writer who comes in between five times in a row",
        "tests/service/test_flows.py::test_a_flow_that_changes_all_the_time_is_not_deleted_and_says_so",
    ),
    e.SourceError: (
        "its kinds are answered",
        "tests/wire/test_error_catalogue.py::test_every_row_of_the_table_is_provoked_or_says_why_not",
    ),
    e.RunNotCreated: (
        "others must change the flow between all of our tries",
        "tests/service/test_runs.py::test_a_flow_that_changes_all_the_time_gets_no_run_and_an_error_that_says_so",
    ),
    e.ConnectorRunsNot: (
        "the server must have lost the connector that it made the flow with",
        "tests/service/test_runs.py::test_what_cannot_run_on_demand_is_refused",
    ),
    e.ChangedSince: (
        "only runs report it",
        "tests/engine/test_undo.py::test_an_upsert_whose_keys_a_later_run_touched_stays_until_that_one_is_undone",
    ),
    e.EarlierRowsGone: (
        "only runs report it",
        "tests/engine/test_undo.py::test_without_the_rows_of_before_nothing_is_undone",
    ),
    e.TooManyRejected: (
        "only runs report it",
        "tests/engine/test_execution.py::test_above_the_threshold_nothing_is_published_and_the_rejects_are_kept",
    ),
    e.SchemaDriftHeld: (
        "only runs report it",
        "tests/engine/test_drift.py::test_a_run_that_meets_a_held_change_reads_nothing_and_says_what_to_do",
    ),
    e.ColumnsNotAddable: (
        "a run must have met new columns before",
        "tests/engine/test_drift_added.py::test_what_the_service_may_not_or_cannot_add_is_held_and_nothing_changes",
    ),
    e.Unbalanced: (
        "only runs report it",
        "tests/engine/test_execution.py::test_a_lost_row_fails_the_run_rather_than_be_hidden",
    ),
    e.Cancelled: (
        "only runs report it",
        "tests/engine/test_standing.py::test_a_long_pause_is_left_when_the_sandbox_closes",
    ),
    e.RunTimedOut: (
        "only runs report it",
        "tests/engine/test_standing.py::test_a_run_that_reads_for_too_long_fails_and_the_next_one_takes_its_rows",
    ),
    e.Drifted: (
        "only runs report it",
        "tests/connectors/azure_table/test_decoder.py::test_a_value_that_is_not_what_it_says_is_named_but_not_quoted",
    ),
    e.StoreUnavailable: ("the control store must be away", "tests/contracts/test_store_outages.py::test_a_locked_file"),
    e.LakeError: ("only runs report it", "tests/contracts/test_lake.py::test_a_part_that_is_gone_is_refused"),
    e.LakeUnavailable: (
        "only runs report it",
        "tests/contracts/test_lake.py::test_a_lake_that_cannot_be_written_says_so",
    ),
    e.OutcomeUnknown: (
        "only runs report it",
        "tests/engine/test_resumption.py::test_a_commit_whose_answer_is_lost_is_looked_up_and_not_repeated",
    ),
}
