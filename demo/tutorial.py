"""Adobe's tutorial for table sources, call by call over HTTP: from an account to rows in the lake."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

AZURE_TABLE_STORAGE: Final = "ecde33f2-c56f-46cc-bdea-ad151c16cd69"
DATA_LAKE: Final = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
CRM_TO_AEP: Final = "14518937-270c-4525-bdec-c2ba7cce3860"

_FLOW: Final = "/data/foundation/flowservice"
_ENDED: Final = frozenset({"success", "partialSuccess", "failed"})
_FULL_SCHEMA: Final = "application/vnd.adobe.xed-full+json;version=1"


class Refused(RuntimeError):
    """A call of the tutorial was refused; the message holds the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a table becomes: classes and field groups, own fields, and which column feeds which field."""

    title: str
    extends: tuple[str, ...]
    own_fields: Mapping[str, Mapping[str, Any]]
    mapping: Mapping[str, str]
    """XDM path by column; `{tenant}` stands for the tenant's namespace."""


CUSTOMERS: Final = Target(
    title="Customers",
    extends=(
        "https://ns.adobe.com/xdm/context/profile",
        "https://ns.adobe.com/xdm/context/profile-person-details",
        "https://ns.adobe.com/xdm/context/profile-personal-details",
    ),
    own_fields={
        "loyaltyPoints": {
            "type": "integer",
            "title": "Loyalty points",
            "minimum": -9223372036854775808,
            "maximum": 9223372036854775807,
        },
        "balance": {"type": "number", "title": "Balance"},
        "visits": {"type": "integer", "title": "Visits"},
        "isActive": {"type": "boolean", "title": "Active"},
        "score": {"type": "number", "title": "Score"},
        "note": {"type": "string", "title": "Note"},
        "avatar": {"type": "string", "title": "Avatar (base64)"},
    },
    mapping={
        "customerId": "_id",
        "firstName": "person.name.firstName",
        "lastName": "person.name.lastName",
        "birthDate": "person.birthDate",
        "email": "personalEmail.address",
        "phone": "mobilePhone.number",
        "PartitionKey": "homeAddress.countryCode",
        "createdAt": "_repo.createDate",
        "loyaltyPoints": "{tenant}.loyaltyPoints",
        "balance": "{tenant}.balance",
        "visits": "{tenant}.visits",
        "isActive": "{tenant}.isActive",
        "score": "{tenant}.score",
        "note": "{tenant}.note",
        "avatar": "{tenant}.avatar",
    },
)


@dataclass(slots=True, kw_only=True)
class Tutorial:
    """Every step is one call. `said` is told what each step did, in a sentence."""

    url: str
    credentials: Mapping[str, str]
    said: Callable[[str, str], None] = lambda _call, _text: None
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=self.url, timeout=60)

    def close(self) -> None:
        """Release the connections."""
        self.http.close()

    def sign_in(self) -> None:
        """A token, as for Adobe's identity service."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.credentials["clientId"],
            "client_secret": self.credentials["clientSecret"],
            "scope": self.credentials["scopes"],
        }
        token = self._checked(self.http.post("/ims/token/v3", data=form))["access_token"]
        self.http.headers.update(
            {
                "Authorization": f"Bearer {token}",
                "x-api-key": self.credentials["clientId"],
                "x-gw-ims-org-id": self.credentials["orgId"],
                "x-sandbox-name": "prod",
            }
        )
        self.said("POST /ims/token/v3", "signed in")

    def connect(self, connection_string: str) -> str:
        """The account, tested before it is stored."""
        connection = self._post(
            f"{_FLOW}/connections",
            {
                "name": "Azure Table Storage connection",
                "description": "The storage account of the shop",
                "auth": {
                    "specName": "Connection String Based Authentication",
                    "params": {"connectionString": connection_string},
                },
                "connectionSpec": {"id": AZURE_TABLE_STORAGE, "version": "1.0"},
            },
        )
        self.said("POST /connections", f"account connected and tested: {connection['id']}")
        return str(connection["id"])

    def explore(self, connection_id: str, table: str) -> list[str]:
        """The tables of the account, and the columns of one."""
        listing = self._get(f"{_FLOW}/connections/{connection_id}/explore", objectType="root")
        self.said("GET /connections/…/explore", f"tables: {', '.join(node['name'] for node in listing)}")
        found = self._get(
            f"{_FLOW}/connections/{connection_id}/explore", objectType="table", object=table, preview="true"
        )
        columns = found["schema"]["columns"]
        mixed = [column["name"] for column in columns if "mixedTypes" in column]
        note = f"; mixed types in {', '.join(mixed)}" if mixed else ""
        self.said("GET /connections/…/explore", f"{table}: {len(columns)} columns{note}")
        return [column["name"] for column in columns]

    def source(self, connection_id: str, table: str) -> str:
        """What to read."""
        made = self._post(
            f"{_FLOW}/sourceConnections",
            {
                "name": f"{table} of the shop",
                "baseConnectionId": connection_id,
                "data": {"format": "tabular"},
                "params": {"tableName": table},
                "connectionSpec": {"id": AZURE_TABLE_STORAGE, "version": "1.0"},
            },
        )
        self.said("POST /sourceConnections", f"source connection {made['id']}")
        return str(made["id"])

    def schema(self, target: Target) -> tuple[str, str]:
        """A schema from standard field groups and one of our own: its `$id`, and the tenant's namespace."""
        registry = "/data/foundation/schemaregistry"
        tenant = "_" + str(self._get(f"{registry}/stats")["tenantId"])
        group = self._post(
            f"{registry}/tenant/fieldgroups",
            {
                "type": "object",
                "title": f"{target.title} details",
                "meta:intendedToExtend": [target.extends[0]],
                "definitions": {
                    "details": {"properties": {tenant: {"type": "object", "properties": dict(target.own_fields)}}}
                },
                "allOf": [{"$ref": "#/definitions/details"}],
            },
        )
        schema = self._post(
            f"{registry}/tenant/schemas",
            {
                "type": "object",
                "title": f"{target.title} {group['$id'][-6:]}",
                "description": f"{target.title} of the shop",
                "allOf": [{"$ref": ref} for ref in (*target.extends, group["$id"])],
            },
        )
        self.said("POST /schemaregistry/tenant/schemas", f"schema {schema['$id']}")
        return str(schema["$id"]), tenant

    def dataset(self, name: str, schema_id: str) -> str:
        """A dataset for the rows."""
        (reference,) = self._post(
            "/data/foundation/catalog/dataSets",
            {"name": name, "schemaRef": {"id": schema_id, "contentType": "application/vnd.adobe.xed+json;version=1"}},
        )
        dataset_id = str(reference).removeprefix("@/dataSets/")
        self.said("POST /catalog/dataSets", f"dataset {dataset_id}")
        return dataset_id

    def target(self, dataset_id: str, schema_id: str) -> str:
        """Where to write."""
        made = self._post(
            f"{_FLOW}/targetConnections",
            {
                "name": "Lake",
                "data": {"format": "parquet_xdm", "schema": {"id": schema_id, "version": _FULL_SCHEMA}},
                "params": {"dataSetId": dataset_id},
                "connectionSpec": {"id": DATA_LAKE, "version": "1.0"},
            },
        )
        self.said("POST /targetConnections", f"target connection {made['id']}")
        return str(made["id"])

    def mapping(self, target: Target, schema_id: str, tenant: str) -> str:
        """Which column feeds which field, in the tutorial's own form."""
        made = self._post(
            "/data/foundation/conversion/mappingSets",
            {
                "version": 0,
                "xdmSchema": schema_id,
                "xdmVersion": "1.0",
                "id": None,
                "mappings": [
                    {
                        "destinationXdmPath": path.replace("{tenant}", tenant),
                        "sourceAttribute": column,
                        "identity": False,
                        "identityGroup": None,
                        "namespaceCode": None,
                        "version": 0,
                    }
                    for column, path in target.mapping.items()
                ],
            },
        )
        self.said("POST /conversion/mappingSets", f"{len(target.mapping)} fields mapped: {made['id']}")
        return str(made["id"])

    def flow(self, name: str, source_id: str, target_id: str, mapping_id: str) -> str:
        """The dataflow; it starts at once."""
        made = self._post(
            f"{_FLOW}/flows",
            {
                "name": name,
                "flowSpec": {"id": CRM_TO_AEP, "version": "1.0"},
                "sourceConnectionIds": [source_id],
                "targetConnectionIds": [target_id],
                "transformations": [{"name": "Mapping", "params": {"mappingId": mapping_id, "mappingVersion": 0}}],
                "scheduleParams": {"startTime": int(time.time()), "frequency": "once"},
            },
        )
        self.said("POST /flows", f"dataflow {made['id']}, due at once")
        return str(made["id"])

    def ended_run(self, flow_id: str, *, within_s: float = 600, seen: Callable[[str], None] = lambda _: None) -> Any:
        """The newest run of the flow, once it has ended. `seen` is told its state while it goes on."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            runs = self._get(f"{_FLOW}/runs", property=f"flowId=={flow_id}")["items"]
            state = runs[0]["metrics"]["statusSummary"]["status"] if runs else "due"
            seen(state)
            if state in _ENDED:
                return runs[0]
            time.sleep(0.1)
        raise Refused(f"the run of flow {flow_id} did not end within {within_s:.0f} s")

    def land(self, connection_string: str, table: str, target: Target, *, name: str) -> tuple[str, str, str]:
        """The whole tutorial up to the flow: ids of dataset and flow, and the tenant's namespace."""
        self.sign_in()
        connection_id = self.connect(connection_string)
        self.explore(connection_id, table)
        source_id = self.source(connection_id, table)
        schema_id, tenant = self.schema(target)
        dataset_id = self.dataset(name, schema_id)
        target_id = self.target(dataset_id, schema_id)
        mapping_id = self.mapping(target, schema_id, tenant)
        return dataset_id, self.flow(f"{name} from Azure", source_id, target_id, mapping_id), tenant

    def _get(self, path: str, **query: str) -> Any:
        return self._checked(self.http.get(path, params=query))

    def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._checked(self.http.post(path, json=body))

    @staticmethod
    def _checked(answer: httpx.Response) -> Any:
        if answer.status_code >= 300:
            raise Refused(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}")
        return answer.json()
