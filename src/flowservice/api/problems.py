"""The one place where our errors become HTTP: status, code and the body that each service's clients expect."""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import JSONResponse

from flowservice import errors as e

CATALOGUE: Final[Mapping[type[e.Error], tuple[str, int, int]]] = {
    # (catalogue, number, status); the nearest base wins.
    e.Error: ("FLOW", 1400, 500),
    e.Invalid: ("FLOW", 1455, 400),
    e.EmptyBody: ("FLOW", 1405, 400),
    e.BadField: ("FLOW", 1452, 400),
    e.MissingField: ("CONNECTOR", 1304, 400),
    e.BadQuery: ("FLOW", 1451, 400),
    e.UnknownFilterField: ("FLOW", 1449, 400),
    e.UnknownOperator: ("FLOW", 1450, 400),
    e.UnsupportedOperator: ("FLOW", 1440, 400),
    e.UnfilterableField: ("FLOW", 1448, 400),
    e.EmptyFilterValue: ("FLOW", 1453, 400),
    e.BadFilterValue: ("FLOW", 1452, 400),
    e.BadValueType: ("FLOW", 1454, 400),
    e.Aggregation: ("FLOW", 1438, 400),
    e.LimitWithCount: ("FLOW", 1401, 400),
    e.UnsortableField: ("FLOW", 1433, 400),
    e.BadSortPrefix: ("FLOW", 1432, 400),
    e.SeveralValues: ("FLOW", 1443, 400),
    e.MissingParameter: ("CONNECTOR", 1334, 400),
    e.UnknownObjectType: ("CONNECTOR", 1358, 400),
    e.WrongMethod: ("FLOW", 1451, 405),
    e.MissingIfMatch: ("FLOW", 1403, 400),
    e.PreconditionMissing: ("FLOW", 1403, 428),
    e.Stale: ("FLOW", 1404, 412),
    e.NotFound: ("FLOW", 1439, 404),
    e.RangeUnsatisfiable: ("FLOW", 1455, 416),
    e.Conflict: ("FLOW", 1455, 409),
    e.LabelsExist: ("FLOW", 1455, 403),
    e.Forbidden: ("FLOW", 2118, 403),
    e.SandboxMissing: ("FLOW", 2105, 400),
    e.SandboxNotFound: ("FLOW", 2100, 404),
    e.NoDefaultSandbox: ("FLOW", 2106, 404),
    e.SandboxIdNotAllowed: ("FLOW", 2110, 400),
    e.EverySandbox: ("FLOW", 2111, 403),
    e.UnknownSpec: ("FLOW", 1413, 400),
    e.UnknownAuth: ("FLOW", 1415, 400),
    e.SpecIsFixed: ("FLOW", 1414, 400),
    e.NoConnector: ("FLOW", 1100, 400),
    e.InUse: ("FLOW", 1418, 400),
    e.PatchUnsupported: ("FLOW", 1434, 400),
    e.Referenced: ("FLOW", 1447, 400),
    e.DraftUnsupported: ("CONNECTOR", 1368, 400),
    e.NotPublished: ("FLOW", 1456, 400),
    e.UnknownAction: ("CONNECTOR", 1398, 400),
    e.ProvidersOnly: ("FLOW", 1402, 400),
    e.UnknownSubAction: ("FLOW", 1435, 400),
    e.SubActionNotAllowed: ("FLOW", 1436, 400),
    e.ProgressNotAlone: ("FLOW", 1406, 400),
    e.FailedProgress: ("FLOW", 1407, 400),
    e.BadPercent: ("FLOW", 1408, 400),
    e.BadStatusValue: ("FLOW", 1437, 400),
    e.ExploreThroughSpec: ("CONNECTOR", 1372, 400),
    e.SpecReadOnly: ("FLOW", 1426, 400),
    e.BadSpec: ("FLOW", 1452, 400),
    e.WrongFormat: ("CONNECTOR", 1327, 400),
    e.BadDelimiter: ("CONNECTOR", 1331, 400),
    e.DetectionUnsupported: ("CONNECTOR", 1371, 400),
    e.DetectionMixed: ("CONNECTOR", 1374, 400),
    e.BadFilters: ("CONNECTOR", 1389, 400),
    e.RowFiltersUnsupported: ("CONNECTOR", 1353, 400),
    e.BadRowFilter: ("CONNECTOR", 1349, 400),
    e.MissingOperator: ("CONNECTOR", 1350, 400),
    e.UnknownRowOperator: ("CONNECTOR", 1351, 400),
    e.UnknownFilterType: ("CONNECTOR", 1355, 400),
    e.UnknownFilterFormat: ("CONNECTOR", 1356, 400),
    e.MissingFilterValue: ("CONNECTOR", 1357, 400),
    e.FilterValueType: ("CONNECTOR", 1379, 400),
    e.NotOfSeveral: ("CONNECTOR", 1390, 400),
    e.AuthTypeUnsupported: ("CONNECTOR", 1301, 400),
    e.EmptyDataset: ("CONNECTOR", 1325, 400),
    e.ExploreUnsupported: ("CONNECTOR", 1336, 400),
    e.StateNotAllowed: ("FLOW", 1410, 400),
    e.OneSourceOneTarget: ("CONNECTOR", 1321, 400),
    e.WrongTarget: ("CONNECTOR", 1307, 400),
    e.BadSchedule: ("CONNECTOR", 1397, 400),
    e.IntervalNotAllowed: ("CONNECTOR", 1361, 400),
    e.BadInterval: ("CONNECTOR", 1362, 400),
    e.BackfillNotAllowed: ("CONNECTOR", 1364, 400),
    e.StartInPast: ("CONNECTOR", 1360, 400),
    e.StartHasPassed: ("CONNECTOR", 1366, 400),
    e.CannotBecomeOnce: ("CONNECTOR", 1403, 400),
    e.BackfillIsFixed: ("CONNECTOR", 1404, 400),
    e.MissingMapping: ("CONNECTOR", 1370, 400),
    e.BadMapping: ("FLOW", 1419, 400),
    e.BadMappingVersion: ("FLOW", 1412, 400),
    e.SchemaMismatch: ("FLOW", 1425, 400),
    e.MissingDeltaColumn: ("CONNECTOR", 1367, 400),
    e.DeltaColumnNotAllowed: ("CONNECTOR", 1369, 400),
    e.DeltaColumnHasNoTimes: ("CONNECTOR", 1379, 400),
    e.DeltaColumnDiffers: ("CONNECTOR", 1382, 400),
    e.RunNeedsDeltaColumn: ("CONNECTOR", 1383, 400),
    e.UnknownColumn: ("CONNECTOR", 1378, 400),
    e.UnknownFlow: ("FLOW", 1430, 404),
    e.EmptyFlowId: ("FLOW", 1446, 400),
    e.FlowDisabled: ("CONNECTOR", 1388, 400),
    e.RunNotCreated: ("CONNECTOR", 1380, 400),
    e.BadRunParams: ("CONNECTOR", 1384, 400),
    e.ConnectorRunsNot: ("CONNECTOR", 1385, 400),
    e.NotOnDemand: ("CONNECTOR", 1386, 400),
    e.NotRetriable: ("CONNECTOR", 1387, 400),
    e.NotUndoable: ("FLOW", 1422, 400),
    e.NotReplayable: ("FLOW", 1422, 400),
    e.ColumnsNotAddable: ("FLOW", 1422, 400),
    e.DriftChanged: ("FLOW", 1422, 409),
    e.NotCancellable: ("FLOW", 1422, 400),
    e.UnknownRunAction: ("CONNECTOR", 1333, 400),
    e.RunsAreManaged: ("FLOW", 1427, 400),
    e.BadTransition: ("FLOW", 1422, 400),
    e.BadWindow: ("CONNECTOR", 1381, 400),
    e.SourceError: ("FLOW", 1100, 400),
    e.Throttled: ("FLOW", 1103, 503),
    e.SourceUnavailable: ("FLOW", 1103, 503),
    e.BrokenPage: ("FLOW", 1103, 503),
    e.NoSuchObject: ("FLOW", 1101, 404),
    e.StoreUnavailable: ("FLOW", 1103, 503),
    e.LakeError: ("FLOW", 2200, 500),
    e.LakeUnavailable: ("FLOW", 1103, 503),
}

_TITLES: Final[Mapping[int, str]] = {
    403: "Forbidden",
    404: "Resource not found",
    405: "Method not allowed",
    409: "Conflict",
    412: "Version not matching",
    416: "Range not satisfiable",
    500: "Internal error",
    503: "Service Unavailable",
}

# Titles that the documentation gives to single codes.
_OWN_TITLES: Final[Mapping[type[e.Error], str]] = {
    e.MissingIfMatch: "Header is missing",
    e.SandboxNotFound: "Sandbox not found",
}

_ANEW: Final = "Nothing was changed. Correct that and send it again; /v1/docs describes each call."
"""Advice where the message itself says what is asked for."""

_MAX_ID: Final = 100
"""Characters of an unknown id that an answer repeats."""

_REGISTRY_NUMBERS: Final[Mapping[int, int]] = {404: 1012, 409: 1521, 403: 1030, 412: 1060}
_IMPORT_NUMBER: Final = 3005


def status_of(error: e.Error) -> int:
    """The HTTP status of an error."""
    return _entry(type(error))[2]


def documented(kind: type[e.Error]) -> tuple[str, int]:
    """The `type` number and the status that errors of this kind answer with, for the documentation."""
    catalogue, number, status = _entry(kind)
    return f"{catalogue}-{number}-{status}", status


def problem(error: e.Error, *, path: str, request_id: str) -> JSONResponse:
    """`error` as the service at `path` would answer it."""
    body = problem_body(error, path=path, request_id=request_id)
    headers = {"x-request-id": request_id}
    if isinstance(error, e.Throttled) and error.retry_after_s is not None:
        headers["Retry-After"] = str(round(error.retry_after_s))
    if isinstance(error, e.RangeUnsatisfiable):
        headers["Content-Range"] = f"bytes */{error.size_bytes}"
    return JSONResponse(body, status_code=status_of(error), headers=headers)


def problem_body(error: e.Error, *, path: str, request_id: str) -> dict[str, Any]:
    """The body of that answer. Each also says `code` and, where known, `advice`."""
    status = status_of(error)
    body: dict[str, Any] = _SHAPES.get(_service(path), _plain)(error, status, path, request_id)
    # The Dataset Service has a `code` of its own.
    body["errorCode" if "code" in body else "code"] = error.code
    advice = error.advice or (_ANEW if isinstance(error, e.Invalid) else "")
    if advice:
        body["advice"] = advice
    return body


def sandbox_problem(error: e.Error, *, path: str, request_id: str) -> JSONResponse:
    """What is wrong with the sandbox that a call names, before a resource is looked for: in the Flow Service's shape on
    its own paths, else in that of the Sandbox API."""
    if _service(path) != "flowservice":
        path = "/data/foundation/sandbox-management"
    return problem(error, path=path, request_id=request_id)


def _entry(kind: type[e.Error]) -> tuple[str, int, int]:
    return next(CATALOGUE[base] for base in kind.__mro__ if base in CATALOGUE)


def _service(path: str) -> str:
    parts = path.split("/")
    return parts[3] if path.startswith("/data/foundation/") and len(parts) > 3 else ""


def _flow(error: e.Error, status: int, path: str, request_id: str) -> dict[str, Any]:
    catalogue, number, _ = _entry(type(error))
    invalid = "Bad Request" if catalogue == "CONNECTOR" else "Invalid request"
    own = next((_OWN_TITLES[base] for base in type(error).__mro__ if base in _OWN_TITLES), None)
    title = own or _TITLES.get(status, invalid)
    parts = path.split("/")
    body = _flow_body(
        f"{catalogue}-{number}-{status}", title, status, error, parts[4] if len(parts) > 4 else "", request_id
    )
    if isinstance(error, e.NotFound) and error.resource_id:
        body["report"]["id"] = error.resource_id[:_MAX_ID]
    if isinstance(error, e.UnknownSpec):
        body["message"] = "Please provide a valid spec id"
    return body


def _flow_body(code: str, title: str, status: int, error: e.Error, kind: str, request_id: str) -> dict[str, Any]:
    return {
        "type": f"https://ns.adobe.com/aep/errors/{code}",
        "title": title,
        "status": status,
        "report": {"detailed-message": error.message, "type": kind, "request-id": request_id},
        # Readers of the older shape find the same text here.
        "errorMessage": error.message,
        "errorDetails": error.message,
    }


def _registry(error: e.Error, status: int, _path: str, request_id: str) -> dict[str, Any]:
    number = _IMPORT_NUMBER if isinstance(error, e.ImportFailed) else _REGISTRY_NUMBERS.get(status, 1010)
    causes = error.causes if isinstance(error, e.ImportFailed) else ()
    return {
        "type": f"http://ns.adobe.com/aep/errors/XDM-{number}-{status}",
        "title": _TITLES.get(status, "Invalid request"),
        "status": status,
        "report": {
            "registryRequestId": request_id,
            "timestamp": datetime.now(UTC).strftime("%m-%d-%Y %H:%M:%S"),
            "detailed-message": error.message,
            "sub-errors": [_registry(cause, status_of(cause), _path, request_id) for cause in causes],
        },
        "detail": error.message,
    }


def _sandbox(error: e.Error, status: int, _path: str, request_id: str) -> dict[str, Any]:
    return {
        "type": f"http://ns.adobe.com/aep/errors/SMS-{2000 + status % 100}-{status}",
        "title": error.message,
        "status": status,
        "report": {"request-id": request_id},
    }


def _plain(error: e.Error, status: int, _path: str, request_id: str) -> dict[str, Any]:
    return {
        "type": "/placeholder/type/uri",
        "title": _TITLES.get(status, "BadRequestError"),
        "status": status,
        "detail": error.message,
        "report": {"request-id": request_id},
    }


def _dataset(error: e.Error, status: int, path: str, request_id: str) -> dict[str, Any]:
    parts = path.split("/")
    return {
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "status": HTTPStatus(status).name,
        "code": f"PES-{status}",
        "message": error.message,
        "path": f"/entities/AEP:dataset:{parts[5][:_MAX_ID] if len(parts) > 5 else ''}",
        "report": {"request-id": request_id},
    }


def _policy(error: e.Error, status: int, path: str, request_id: str) -> dict[str, Any]:
    return _plain(error, status, path, request_id) | {"title": _POLICY_TITLES.get(status, "BadRequest")}


_POLICY_TITLES: Final[Mapping[int, str]] = {
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    500: "InternalServerError",
    503: "ServiceUnavailable",
}
_SHAPES: Final = {
    "flowservice": _flow,
    "schemaregistry": _registry,
    "sandbox-management": _sandbox,
    "dataset": _dataset,
    "dulepolicy": _policy,
    # So a published client spells it, see `dulepolicy.evaluation`.
    "dulepolicymarketingActions": _policy,
}
