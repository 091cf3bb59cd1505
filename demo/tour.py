"""Every operation of the API once, with the things of a shop: what the API's document shows as examples."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from demo.tables import TableAccount, seed

TABLE: Final = "shopcustomers"
RETURNS: Final = "shopreturns"
BASKETS: Final = "shopbaskets"
_AZURE_TABLE: Final = "ecde33f2-c56f-46cc-bdea-ad151c16cd69"
_LAKE: Final = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
_CRM_TO_AEP: Final = "14518937-270c-4525-bdec-c2ba7cce3860"
_BATCH_PROVIDER: Final = "0ed90a81-07f4-4586-8190-b40eccef1c5a"
_PROFILE: Final = "https://ns.adobe.com/xdm/context/profile"
_RECORD: Final = "https://ns.adobe.com/xdm/data/record"
_COMPLETED: Final = {"status": {"value": "COMPLETED"}, "percentCompleted": 100}
_REFUSED: Final = 400
_ENDED: Final = frozenset({"success", "partialSuccess", "failed"})


class Refused(RuntimeError):
    """A call was answered otherwise than the tour expects; the message holds the answer."""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """One call and its answer, as JSON."""

    request: Any
    response: Any
    parameters: Mapping[str, Any]


@dataclass(kw_only=True)
class Tour:
    """Calls by operation id. `http` is signed in; `seen` holds the first call of each operation."""

    http: httpx.Client
    credentials: Mapping[str, str]
    connection_string: str
    sign_in_code: str
    """Behind the `#` of a link that a browser would follow."""
    paths: Mapping[str, tuple[str, str]]
    """Method and path of each operation."""
    seen: dict[str, Taken] = field(default_factory=dict)

    def call(
        self,
        operation: str,
        json: Any = None,
        *,
        form: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        if_match: str = "",
        csrf_token: str = "",
        refused: bool = False,
        of: Mapping[str, str] | None = None,
        **names: str,
    ) -> Any:
        """The answer's JSON; `of` and `names` fill the path. Raises Refused if it failed, or `refused` and did not."""
        method, path = self.paths[operation]
        names |= of or {}
        sent_along = {"If-Match": if_match, "x-csrf-token": csrf_token}
        headers = {name: value for name, value in sent_along.items() if value}
        sent: dict[str, Any] = {"json": json} if json is not None else {"data": form} if form else {}
        answer = self.http.request(method, path.format(**names), params=query, headers=headers, **sent)
        if (answer.status_code >= _REFUSED) is not refused:
            raise Refused(f"{operation}: {answer.status_code} {answer.text[:2_000]}")
        is_json = answer.content and answer.headers.get("content-type", "") == "application/json"
        found = answer.json() if is_json else answer.text
        taken = Taken(request=json or form, response=found, parameters={**names, **(query or {}), **headers})
        self.seen.setdefault(operation, taken)
        return found

    def etag(self, operation: str, **names: str) -> str:
        """The etag of a resource that `operation` reads."""
        return str(self.call(operation, of=names)["items"][0]["etag"])

    def take(self) -> None:
        """The whole tour. What it made stays, but for one of each kind that was made to be deleted."""
        self.operations()
        self.sandboxes()
        self.own_credentials()
        self.browser()
        self.specs()
        self.labels()
        self.marketing_actions()
        self.policies()
        schema_id = self.registry()
        dataset_id = self.datasets(schema_id)
        mapping_id = self.mapping(schema_id)
        flow_id = self.flows(self.connections(), dataset_id, schema_id, mapping_id)
        run_id = self.runs(flow_id)
        self.landed(dataset_id)
        self.call("data-prep-suggested", query={"datasetId": dataset_id})
        self.call("monitoring-history", query={"limit": "3"}, dataset_id=dataset_id)
        self.call("dataset-labels-in-force", query={"dataSet": dataset_id})
        self.call("monitoring-overview", query={"buckets": "2"})
        hourly = {"startTime": 1_893_456_000, "frequency": "hour", "interval": 6}
        self.call("flows-find", query={"q": "shop", "limit": "1"})
        self.call("flows-glance", flow_id=flow_id)
        self.call("flow-versions-listed", query={"limit": "2"}, flow_id=flow_id)
        self.call("flow-versions-read", flow_id=flow_id, number="1")
        self.call("flow-versions-revert", flow_id=flow_id, number="1")
        self.call("flows-preview", {"scheduleParams": hourly}, query={"count": "5"})
        self.evaluations(dataset_id)
        self.drafts()
        self.call("runs-undo", run_id=run_id)
        self.rejected(flow_id, dataset_id)
        self.drifted(flow_id)

    def operations(self) -> None:
        """Sign-in, probes, and what is never done here."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.credentials["clientId"],
            "client_secret": self.credentials["clientSecret"],
            "scope": self.credentials["scopes"],
        }
        self.call("identity-token", form=form, version="v3")
        for name in ("health", "ready", "metrics"):
            self.call(f"operations-{name}")
        for name in ("read-the-landing-zone", "read-the-landing-zone-credentials", "list-encryption-keys"):
            self.call(f"landing-zones-and-encryption-keys-{name}", refused=True)
        for name in ("renew-the-landing-zone-credentials", "create-an-encryption-key"):
            self.call(f"landing-zones-and-encryption-keys-{name}", {"name": "shop"}, refused=True)

    def sandboxes(self) -> None:
        """A sandbox for development, and one that goes again."""
        for name in ("shop-dev", "shop-trial"):
            self.call("sandboxes-create", {"name": name, "title": "The shop, development", "type": "development"})
        for operation in ("listed", "active"):
            self.call(f"sandboxes-{operation}", query={"limit": "2"})
        self.call("sandboxes-types")
        self.call("sandboxes-read", name="shop-dev")
        self.call("sandboxes-rename", {"title": "The shop, next season"}, name="shop-dev")
        self.call("sandboxes-reset", {"action": "reset"}, name="shop-dev")
        self.call("sandboxes-delete", name="shop-trial")

    def own_credentials(self) -> None:
        """A credential for those who watch runs."""
        body = {"name": "shop reports", "permissions": ["view-sources", "view-data"]}
        client_id = self.call("credentials-add", body)["clientId"]
        self.call("credentials-listed")
        self.call("credentials-read", client_id=client_id)
        self.call(
            "credentials-change", {"name": "shop runs", "permissions": ["view-sources", "run"]}, client_id=client_id
        )
        self.call("credentials-rotate", client_id=client_id)
        self.call("credentials-revoke", client_id=self.call("credentials-add", body)["clientId"])

    def browser(self) -> None:
        """What a page does to sign in and out."""
        self.call("session-sign-in", {"code": self.sign_in_code})
        self.call("session-sign-out", csrf_token=self.call("session-read")["csrfToken"])

    def specs(self) -> None:
        """A source of the shop's own."""
        self.call("specs-list-connectionspecs", query={"limit": "1"})
        spec = {
            "name": "shop-reviews",
            "type": "generic-rest",
            "providerId": _BATCH_PROVIDER,
            "version": "1.0",
            "description": "Reviews that customers wrote",
            "authSpec": [
                {
                    "name": "OAuth2 Refresh Code",
                    "type": "OAuth2RefreshCode",
                    "spec": {
                        "type": "object",
                        "properties": {"accessToken": {"type": "string", "format": "password"}},
                        "required": ["accessToken"],
                    },
                }
            ],
            "sourceSpec": {
                "attributes": {
                    "urlParams": {"host": "https://reviews.example.com", "path": "/v2/reviews", "method": "GET"},
                    "contentPath": {"path": "$.reviews"},
                    "paginationParams": {"type": "PAGE", "pageParamName": "page"},
                }
            },
        }
        spec_id = self.call("specs-create-connection-spec", spec)["id"]
        self.call("specs-connection-spec", spec_id=spec_id)
        self.call("specs-replace-connection-spec", {**spec, "description": "Reviews and answers"}, spec_id=spec_id)
        self.call("specs-explore", spec_id=_AZURE_TABLE, refused=True)
        datasets = {"outputType": "activationDatasets", "outputField": "datasets"}
        self.call("specs-configs", query=datasets, spec_id=_LAKE)
        self.call("specs-list-flowspecs", query={"limit": "1"})
        self.call("specs-search-flowspecs", {"queryString": "property=name==CRMToAEP", "limit": 1})
        flow_spec = {
            "name": "shop-reviews-to-lake",
            "providerId": _BATCH_PROVIDER,
            "version": "1.0",
            "sourceConnectionSpecIds": [spec_id],
            "targetConnectionSpecIds": [_LAKE],
        }
        flow_spec_id = self.call("specs-create-flow-spec", flow_spec)["id"]
        self.call("specs-flow-spec", spec_id=flow_spec_id)
        self.call("specs-replace-flow-spec", {**flow_spec, "description": "Every night"}, spec_id=flow_spec_id)

    def labels(self) -> None:
        """A label of the shop's own."""
        body = {
            "name": "SHOP_LOYALTY",
            "category": "Custom",
            "friendlyName": "Loyalty figures",
            "description": "Points and levels of the shop's customers",
        }
        self.call("usage-labels-put-custom", body, name="SHOP_LOYALTY")
        for container, name in (("core", "C2"), ("custom", "SHOP_LOYALTY")):
            self.call(f"usage-labels-list-{container}", query={"limit": "2"})
            self.call(f"usage-labels-read-{container}", name=name)

    def marketing_actions(self) -> None:
        """What the shop may want to do with its data."""
        for name in ("shopNewsletter", "shopTrial"):
            body = {"name": name, "description": "Write to those who bought before"}
            self.call("marketing-actions-put-custom", body, name=name)
        for container, name in (("core", "emailTargeting"), ("custom", "shopNewsletter")):
            self.call(f"marketing-actions-list-{container}", query={"limit": "2"})
            self.call(f"marketing-actions-read-{container}", name=name)
        self.call("marketing-actions-delete-custom", name="shopTrial")

    def policies(self) -> None:
        """What the shop must not do with its data."""
        either = {"operator": "OR", "operands": [{"label": "I1"}, {"label": "I2"}]}
        body = {
            "name": "No letters by loyalty figures",
            "status": "DRAFT",
            "marketingActionRefs": [
                f"{self.http.base_url}/data/foundation/dulepolicy/marketingActions/core/emailTargeting",
                "../marketingActions/custom/shopNewsletter",
            ],
            "description": "As promised to those who collect points",
            "deny": {"operator": "AND", "operands": [{"label": "SHOP_LOYALTY"}, either]},
        }
        policy_id = str(self.call("policies-create", body)["id"])
        self.call("policies-replace", {**body, "status": "ENABLED"}, policy_id=policy_id)
        change = [{"op": "replace", "path": "/description", "value": "As promised"}]
        self.call("policies-change", change, policy_id=policy_id)
        for container, known in (("core", "corepolicy_0003"), ("custom", policy_id)):
            self.call(f"policies-list-{container}", query={"marketingAction": "emailTargeting"})
            self.call(f"policies-read-{container}", policy_id=known)
        self.call("policies-delete", policy_id=str(self.call("policies-create", body)["id"]))
        self.call("policies-enable-core", {"policyIds": ["corepolicy_0003"]})
        self.call("policies-enabled-core")

    def evaluations(self, dataset_id: str) -> None:
        """May the shop do that with its data?"""
        entity = {"entityType": "dataSet", "entityId": dataset_id}
        for container, name in (("core", "emailTargeting"), ("custom", "shopNewsletter")):
            query = {"duleLabels": "C5,I1,SHOP_LOYALTY", "includeDraft": "false"}
            self.call(f"evaluations-labels-{container}", query=query, name=name)
            self.call(f"evaluations-datasets-{container}", [entity], name=name)
        ref = "../marketingActions/core/emailTargeting/constraints"
        jobs = [{"evalRef": ref, "labels": ["C2"]}, {"evalRef": ref, "entityList": [entity], "includeDraft": True}]
        self.call("evaluations-bulk", jobs)

    def registry(self) -> str:
        """A schema for customers: its `$id`."""
        tenant = "_" + str(self.call("schema-registry-stats")["tenantId"])
        rank = {"type": "object", "properties": {"points": {"type": "integer"}, "level": {"type": "string"}}}
        bodies: dict[str, dict[str, Any]] = {
            "datatypes": {"title": "Loyalty of the shop", **rank},
            "classes": {"title": "Stocktaking of the shop", "type": "object", "allOf": [{"$ref": _RECORD}]},
            "fieldgroups": {
                "title": "Customers of the shop",
                "type": "object",
                "meta:intendedToExtend": [_PROFILE],
                "definitions": {
                    "customer": {
                        "properties": {
                            tenant: {
                                "type": "object",
                                "properties": {
                                    "name": {"type": "string", "title": "Name"},
                                    "visits": {"type": "integer", "title": "Visits"},
                                },
                                "required": ["visits"],
                            }
                        }
                    }
                },
                "allOf": [{"$ref": "#/definitions/customer"}],
            },
        }
        made = {}
        for segment, body in bodies.items():
            made[segment] = self.call(f"schema-registry-create-{segment}", body)
        body = {
            "title": "Customer of the shop",
            "type": "object",
            "allOf": [{"$ref": _PROFILE}, {"$ref": made["fieldgroups"]["$id"]}],
        }
        made["schemas"] = self.call("schema-registry-create-schemas", body)
        for segment, document in made.items():
            self.call(f"schema-registry-list-{segment}", query={"limit": "1"}, container="tenant")
            self.call(f"schema-registry-read-{segment}", container="tenant", ref=document["meta:altId"])
        self.call("schema-registry-create-behaviors", {"title": "Behaviour", "type": "object"}, refused=True)
        known = self.call("schema-registry-list-behaviors", query={"limit": "1"}, container="global")["results"]
        self.call("schema-registry-read-behaviors", container="global", ref=known[0]["meta:altId"])
        bodies["schemas"] = body
        for segment, whole in bodies.items():
            self._altered(segment, whole, made[segment]["meta:altId"])
        self._described(made["schemas"], tenant)
        self._united(made["classes"]["$id"])
        for call in ("sample", "export", "audit"):
            self.call(f"schema-registry-{call}", ref=made["schemas"]["meta:altId"])
        carried = self.call("schema-registry-export", ref=made["datatypes"]["meta:altId"])
        self.call("schema-registry-import", carried)
        return str(made["schemas"]["$id"])

    def _altered(self, segment: str, body: Mapping[str, Any], ref: str) -> None:
        """A resource of the registry is changed; another one like it comes and goes."""
        whole = {**body, "description": "What the shop keeps"}
        self.call(f"schema-registry-replace-{segment}", whole, ref=ref)
        steps = [{"op": "replace", "path": "/description", "value": "What the shop keeps of it"}]
        self.call(f"schema-registry-change-{segment}", steps, ref=ref)
        trial = self.call(f"schema-registry-create-{segment}", {**body, "title": f"{body['title']}, trial"})
        self.call(f"schema-registry-delete-{segment}", ref=trial["meta:altId"])

    def _described(self, schema: Mapping[str, Any], tenant: str) -> None:
        """What is said of the schema's fields."""
        body = {
            "@type": "xdm:alternateDisplayInfo",
            "xdm:sourceSchema": schema["$id"],
            "xdm:sourceVersion": 1,
            "xdm:sourceProperty": f"/{tenant}/visits",
            "xdm:title": {"en_us": "Visits to the shop"},
        }
        descriptor = str(self.call("schema-registry-create-descriptor", body)["@id"])
        self.call("schema-registry-list-descriptors")
        self.call("schema-registry-read-descriptor", descriptor_id=descriptor)
        named = {**body, "xdm:title": {"en_us": "Visits"}}
        self.call("schema-registry-replace-descriptor", named, descriptor_id=descriptor)
        self.call("schema-registry-delete-descriptor", descriptor_id=descriptor)

    def _united(self, class_id: str) -> None:
        """The union of a class."""
        body = {
            "title": "Stocktaking in the union",
            "type": "object",
            "allOf": [{"$ref": class_id}],
            "meta:immutableTags": ["union"],
        }
        self.call("schema-registry-create-schemas", body)
        (union, *_) = self.call("schema-registry-list-unions")["results"]
        self.call("schema-registry-read-union", ref=union["meta:altId"])

    def datasets(self, schema_id: str) -> str:
        """A dataset for customers, and one that goes again."""

        def made(name: str) -> str:
            ref = {"id": schema_id, "contentType": "application/vnd.adobe.xed+json;version=1"}
            body = {"name": name, "description": "From the shop's storage account", "schemaRef": ref}
            (reference,) = self.call("catalog-create", body)
            return str(reference).removeprefix("@/dataSets/")

        dataset_id = made("Shop customers")
        self.call("catalog-resources")
        self.call("catalog-listed", query={"limit": "2"})
        whole = self.call("catalog-read", dataset_id=dataset_id)[dataset_id]
        replaced = {name: whole[name] for name in ("name", "schemaRef", "tags")}
        self.call("catalog-replace", {**replaced, "description": "Customers, every night"}, dataset_id=dataset_id)
        self.call("catalog-patch", {"description": "Customers of the shop"}, dataset_id=dataset_id)
        self.call("catalog-merge", {"tags": {"shop/season": ["spring"]}}, dataset_id=dataset_id)
        self._labelled(dataset_id)
        self.call("catalog-delete", dataset_id=made("Shop customers, trial"))
        return dataset_id

    def _labelled(self, dataset_id: str) -> None:
        """What the dataset may be used for; nothing is said of it in the end."""

        def etag() -> str:
            (entity,) = self.call("dataset-labels-read", dataset_id=dataset_id).values()
            return str(entity["_etag"])

        self.call("dataset-labels-create", {"labels": ["C2"]}, dataset_id=dataset_id)
        self.call("dataset-labels-replace", {"labels": ["C2", "C9"]}, if_match=etag(), dataset_id=dataset_id)
        self.call("dataset-labels-delete", if_match=etag(), dataset_id=dataset_id)

    def mapping(self, schema_id: str) -> str:
        """Which column feeds which field."""
        tenant = "_" + str(self.call("schema-registry-stats")["tenantId"])
        columns = {"RowKey": "_id", "name": f"{tenant}.name", "visits": f"{tenant}.visits"}
        body = {
            "version": 0,
            "xdmSchema": schema_id,
            "xdmVersion": "1.0",
            "mappings": [{"sourceAttribute": name, "destinationXdmPath": path} for name, path in columns.items()],
        }
        set_id = str(self.call("data-prep-create", body)["id"])
        self.call("data-prep-listed", query={"limit": "1"})
        self.call("data-prep-read", set_id=set_id)
        self.call("data-prep-replace", {**body, "name": "Customers"}, set_id=set_id)
        (first, *_) = self.call("data-prep-mappings", set_id=set_id)
        self.call("data-prep-mapping", set_id=set_id, mapping_id=first["id"])
        added = self.call("data-prep-add", {"source": "name", "destination": "personID"}, set_id=set_id)
        changed = {"source": "lower(name)", "destination": "personID", "onError": "reject"}
        self.call("data-prep-replace-one", changed, set_id=set_id, mapping_id=added["id"])
        self.call("data-prep-delete-one", set_id=set_id, mapping_id=added["id"])
        greeted = {**body, "mappings": [{"source": 'concat("Dear ", name)', "destination": f"{tenant}.name"}]}
        self.call("data-prep-validate", greeted)
        self.call("data-prep-preview", {"data": [{"name": "Ada"}], "mappingSet": greeted})
        written = self.call("data-prep-write-table", {"mappings": greeted["mappings"]})
        self.call("data-prep-read-table", {"table": written["table"]})
        shown = [{"name": "Customer Name", "type": "string"}, {"name": "num_visits"}, {"name": "checksum"}]
        self.call("data-prep-suggest", {"xdmSchema": schema_id, "columns": shown, "excludeUnmapped": False})
        self.call("data-prep-functions")
        self.call("data-prep-operators")
        self.call("data-prep-validate-expression", {"expression": "upper(name"})
        self.call("data-prep-delete", set_id=self.call("data-prep-create", body)["id"])
        return set_id

    def connections(self) -> str:
        """The shop's storage account."""
        spec = {"id": _AZURE_TABLE, "version": "1.0"}
        params = {"connectionString": self.connection_string}
        body = {
            "name": "Shop storage account",
            "description": "Where the shop keeps its customers",
            "auth": {"specName": "Connection String Based Authentication", "params": params},
            "connectionSpec": spec,
        }
        self.call("connection-checks-attempt", body)
        connection_id = str(self.call("connections-create", body)["id"])
        self.call("connections-list-connections", query={"limit": "1", "orderby": "-createdAt"})
        self.call("connections-search-connections", {"queryString": "state==enabled", "limit": 1})
        self._changed("connections", connection_id=connection_id)
        self.call("connections-test", connection_id=connection_id)
        self.call("connection-checks-check", connection_id=connection_id)
        self.call("connection-checks-health")
        table = {"objectType": "table", "object": TABLE, "preview": "true"}
        self.call("connections-explore", query=table, connection_id=connection_id)
        self.call("connections-configs", query={"object": TABLE}, connection_id=connection_id)
        body_of_schema = {"object": TABLE, "title": "Customers as the table has them", "classFields": {"_id": "RowKey"}}
        self.call("schemas-from-sources-make", body_of_schema, connection_id=connection_id)
        self._drafted("connections", body, "connection_id")
        return connection_id

    def flows(self, connection_id: str, dataset_id: str, schema_id: str, mapping_id: str) -> str:
        """A flow from a table into the dataset, and its two ends."""

        def source(table: str) -> dict[str, Any]:
            return {
                "name": f"Table {table}",
                "baseConnectionId": connection_id,
                "data": {"format": "tabular"},
                "params": {"tableName": table},
                "connectionSpec": {"id": _AZURE_TABLE, "version": "1.0"},
            }

        version = "application/vnd.adobe.xed-full+json;version=1"
        target = {
            "name": "Dataset of the shop's customers",
            "data": {"format": "parquet_xdm", "schema": {"id": schema_id, "version": version}},
            "params": {"dataSetId": dataset_id},
            "connectionSpec": {"id": _LAKE, "version": "1.0"},
        }
        ends = {}
        for kind, body in (("source", source(TABLE)), ("target", target)):
            tag, collection = f"{kind}-connections", f"{kind}Connections"
            ends[kind] = self.call(f"{tag}-create", body)["id"]
            self.call(f"{tag}-list-{collection.lower()}", query={"limit": "1"})
            self._changed(tag, connection_id=ends[kind])
            self._drafted(tag, body, "connection_id")

        def flow(name: str, source_id: str) -> dict[str, Any]:
            return {
                "name": name,
                "description": "Every customer, once",
                "flowSpec": {"id": _CRM_TO_AEP, "version": "1.0"},
                "sourceConnectionIds": [source_id],
                "targetConnectionIds": [ends["target"]],
                "transformations": [{"name": "Mapping", "params": {"mappingId": mapping_id, "mappingVersion": 0}}],
                "scheduleParams": {"startTime": 1_772_442_000, "frequency": "once"},
            }

        body = flow("Shop customers into the lake", ends["source"])
        flow_id = str(self.call("flows-create", body)["id"])
        self._ended(flow_id)
        self.call("flows-list-flows", query={"limit": "1", "property": "state==enabled"})
        self.call("flows-search-flows", {"queryString": "state==enabled", "limit": 1})
        self.call("dry-runs-take", {"rows": 2}, flow_id=flow_id)
        self._changed("flows", flow_id=flow_id)
        self._drafted("flows", body, "flow_id")
        empty = self.call("source-connections-create", source(RETURNS))["id"]
        failing = self.call("flows-create", flow("Shop returns into the lake", empty))["id"]
        self.call("runs-act", _COMPLETED, query={"op": "re-trigger"}, run_id=self._ended(failing))
        return flow_id

    def runs(self, flow_id: str) -> str:
        """One on demand."""
        run_id = str(self.call("runs-create", {"flowId": flow_id})["id"])
        self._ended(flow_id, runs=2)
        self.call("runs-list-runs", query={"property": f"flowId=={flow_id}", "limit": "1"})
        etag = self.etag("runs-read", run_id=run_id)
        self.call("runs-replaced", {"flowId": flow_id}, if_match=etag, run_id=run_id, refused=True)
        later = {"flowId": flow_id, "params": {"startTime": int(time.time()) + 86_400}}
        self.call("runs-cancel", run_id=str(self.call("runs-create", later)["id"]))
        return run_id

    def drafts(self) -> None:
        """A dataflow that is filled in later."""
        draft = {"name": "Returns into the lake", "kind": "dataflow", "step": "select", "body": {"table": RETURNS}}
        made = self.call("drafts-create", draft)
        self.call("drafts-list")
        self.call("drafts-read", draft_id=made["id"])
        further = {**draft, "step": "details", "body": {"table": RETURNS, "columns": ["Reason"]}}
        changed = self.call("drafts-replace", further, if_match=made["etag"], draft_id=made["id"])
        self.call("drafts-delete", if_match=changed["etag"], draft_id=made["id"])

    def landed(self, dataset_id: str) -> None:
        """What the runs left behind."""
        batches = self.call("catalog-batches", query={"dataSet": dataset_id, "limit": "1"})
        self.call("catalog-last", query={"dataSetId": dataset_id, "limit": "1"})
        batch_id = next(iter(batches))
        self.call("catalog-batch", batch_id=batch_id)
        (file, *_) = self.call("data-access-batch-files", batch_id=batch_id)["data"]
        self.call("data-access-file", file_id=file["dataSetFileId"])
        self.call("data-access-preview", dataset_id=dataset_id)
        view_id = next(iter(self.call("catalog-views", dataset_id=dataset_id)))
        self.call("catalog-view", dataset_id=dataset_id, view_id=view_id)
        self.call("catalog-view-files", query={"limit": "1"}, dataset_id=dataset_id, view_id=view_id)
        self.call("catalog-files", query={"dataSet": dataset_id, "limit": "1"})

    def rejected(self, flow_id: str, dataset_id: str) -> None:
        """Rows that a run could not land, and what becomes of them."""
        known = self.http.get(self.paths["flows-read"][1].format(flow_id=flow_id)).json()["items"][0]
        end = known["inheritedAttributes"]["sourceConnections"][0]["baseConnection"]["id"]
        source = {
            "name": f"Table {RETURNS}, tolerated",
            "baseConnectionId": end,
            "data": {"format": "tabular"},
            "params": {"tableName": RETURNS},
            "connectionSpec": {"id": _AZURE_TABLE, "version": "1.0"},
        }
        body = {
            "name": "Shop returns, those that fit",
            "flowSpec": known["flowSpec"],
            "sourceConnectionIds": [self.call("source-connections-create", source)["id"]],
            "targetConnectionIds": known["targetConnectionIds"],
            "transformations": known["transformations"],
            "scheduleParams": {"startTime": 1_772_442_000, "frequency": "once"},
            "options": {"partialIngestionPercent": 100, "maxRejectedRecords": 10},
        }
        run_id = self._ended(str(self.call("flows-create", body)["id"]))
        batch_id = self.call("runs-read", run_id=run_id)["items"][0]["providerRefId"]
        self.call("data-access-meta", query={"path": "row_errors"}, batch_id=batch_id)
        self.call("data-access-failed", batch_id=batch_id)
        self.call("rejected-rows-of-run", query={"limit": "1"}, run_id=run_id)
        self.call("rejected-rows-of-dataset", query={"limit": "1"}, dataset_id=dataset_id)
        self.call("rejected-rows-replay", {"codes": ["INGEST-1404-400", "INGEST-1555-400"]}, run_id=run_id)

    def drifted(self, flow_id: str) -> None:
        """A source whose columns change while a flow holds such changes."""
        known = self.http.get(self.paths["flows-read"][1].format(flow_id=flow_id)).json()["items"][0]
        end = known["inheritedAttributes"]["sourceConnections"][0]["baseConnection"]["id"]
        source = {
            "name": f"Table {BASKETS}",
            "baseConnectionId": end,
            "data": {"format": "tabular"},
            "params": {"tableName": BASKETS},
            "connectionSpec": {"id": _AZURE_TABLE, "version": "1.0"},
        }
        (step,) = known["transformations"]
        newest = self.http.get(self.paths["data-prep-read"][1].format(set_id=step["params"]["mappingId"])).json()
        params = {**step["params"], "mappingVersion": newest["version"]}
        body = {
            "name": "Shop baskets",
            "flowSpec": known["flowSpec"],
            "sourceConnectionIds": [self.call("source-connections-create", source)["id"]],
            "targetConnectionIds": known["targetConnectionIds"],
            "transformations": [{**step, "params": params}],
            "scheduleParams": {"startTime": 1_772_442_000, "frequency": "once"},
            "options": {"schemaDrift": {"newColumns": "hold", "removedColumns": "hold", "typeChanges": "hold"}},
        }
        flow_id = str(self.call("flows-create", body)["id"])
        self._ended(flow_id)
        for runs, (column, decision) in enumerate((("coupon", "accept"), ("gift", "ignore")), start=2):
            self._seed_basket(runs, column)
            self.call("runs-run-now", flow_id=flow_id)
            self._ended(flow_id, runs=runs)
            held = self.call("schema-drift-read", flow_id=flow_id)["held"]
            self.call(f"schema-drift-{decision}", {"id": held["id"]}, flow_id=flow_id)

    def _seed_basket(self, number: int, column: str) -> None:
        """A further basket, with a column that none had before."""
        parts = (part.partition("=") for part in self.connection_string.split(";"))
        endpoint = next(value for name, _, value in parts if name == "TableEndpoint")
        basket = {"PartitionKey": "DE", "RowKey": f"B-{number:04d}", "name": "A basket", "visits": 1, column: "SPRING"}
        seed(TableAccount(endpoint=endpoint), BASKETS, iter((basket,)))

    def _changed(self, tag: str, **names: str) -> None:
        etag = self.etag(f"{tag}-read", **names)
        change = [{"op": "add", "path": "/description", "value": "Of the shop"}]
        self.call(f"{tag}-patch", change, if_match=etag, of=names)

    def _drafted(self, tag: str, body: Mapping[str, Any], name: str) -> None:
        """A draft that is published, and one that is deleted."""
        drafts = [self._draft(tag, body) for _ in range(2)]
        self.call(f"{tag}-act", _COMPLETED, query={"op": "publish"}, of={name: drafts[0]})
        self.call(f"{tag}-delete", of={name: drafts[1]})

    def _draft(self, tag: str, body: Mapping[str, Any]) -> str:
        never = {"startTime": int(time.time()) + 86_400, "frequency": "once"}
        later = {"scheduleParams": never} if "scheduleParams" in body else {}
        return str(self.call(f"{tag}-create", {**body, **later}, query={"mode": "draft"})["id"])

    def _ended(self, flow_id: str, *, runs: int = 1, within_s: float = 120) -> str:
        """The newest run of the flow, once there are so many and all have ended. Raises Refused."""
        path = self.paths["runs-list-runs"][1]
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            found = self.http.get(path, params={"property": f"flowId=={flow_id}"}).json()["items"]
            if len(found) >= runs and all(run["metrics"]["statusSummary"]["status"] in _ENDED for run in found):
                return str(found[0]["id"])
            time.sleep(0.1)
        raise Refused(f"the runs of flow {flow_id} did not end within {within_s:.0f} s")


def paths_of(document: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Method and path by operation id."""
    return {call["operationId"]: (method, path) for path, method, call in _calls(document)}


def _calls(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, item in document["paths"].items():
        for method, call in item.items():
            if "operationId" in call:
                yield path, method.upper(), call


def seed_shop(endpoint: str) -> None:
    """The tables that the tour reads."""
    names = ("Anna Müller", "Chloé Dubois", "Liam O'Brien")
    rows = [
        {"PartitionKey": "DE", "RowKey": f"C-{number:04d}", "name": name, "visits": number * 3}
        for number, name in enumerate(names, start=1)
    ]
    seed(TableAccount(endpoint=endpoint), TABLE, iter(rows))
    # Its one row does not fit the schema: the run over it fails, and can be repeated.
    unfit = {"PartitionKey": "DE", "RowKey": "R-0001", "name": "Anna Müller", "visits": "unknown"}
    seed(TableAccount(endpoint=endpoint), RETURNS, iter((unfit,)))
    basket = {"PartitionKey": "DE", "RowKey": "B-0001", "name": "A basket", "visits": 1}
    seed(TableAccount(endpoint=endpoint), BASKETS, iter((basket,)))
