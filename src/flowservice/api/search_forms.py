"""What lists filter and sort by: of each kind of resource the document that clients see."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from flowservice.api import run_document, wire
from flowservice.domain.connection import Connection, SourceConnection, TargetConnection
from flowservice.domain.flow import Flow
from flowservice.domain.identity import Scope
from flowservice.domain.run import Run
from flowservice.domain.search import Column, SearchForm

_STAMPED: Final = (
    "updatedAt",
    "createdBy",
    "updatedBy",
    "createdClient",
    "updatedClient",
    "name",
    "description",
    "etag",
    "state",
)
_PLACED: Final[Mapping[str, Callable[[Scope], str]]] = {
    "sandboxId": lambda scope: scope.sandbox_id,
    "sandboxName": lambda scope: scope.sandbox_name,
    "imsOrgId": lambda scope: scope.org_id,
}
_ALIASES: Final = {"version": "etag"}
_REF: Final = ("connectionSpec.id", "connectionSpec.version")


def _connection(item: Connection) -> dict[str, Any]:
    # Of how it signs in the name alone: a filter on a parameter would tell a secret, guess by guess.
    return wire.connection(item, {"specName": item.auth.spec_name} if item.auth is not None else None)


def _end_form(*codes: str) -> SearchForm[Any]:
    """The form of source or target connections; they differ in the paths that most of them have."""
    return SearchForm(
        number=2,
        placed=_PLACED,
        aliases=_ALIASES,
        shown=wire.end_connection,
        words=frozenset({"state"}),
        codes=(*_STAMPED, *_REF, *codes),
    )


@dataclass(frozen=True, slots=True)
class SearchForms:
    """The form of every collection that filters in the database."""

    connections: SearchForm[Connection] = field(
        default=SearchForm(
            number=2,
            placed=_PLACED,
            aliases=_ALIASES,
            shown=_connection,
            words=frozenset({"state"}),
            codes=(*_STAMPED, *_REF, "auth.specName"),
        )
    )
    source_connections: SearchForm[SourceConnection] = field(
        default=_end_form("baseConnectionId", "data.format", "params.tableName")
    )
    target_connections: SearchForm[TargetConnection] = field(default=_end_form("data.format", "params.dataSetId"))
    flows: SearchForm[Flow] = field(
        default=SearchForm(
            number=2,
            placed=_PLACED,
            aliases=_ALIASES,
            shown=wire.flow,
            words=frozenset({"state", "lastRunDetails.state", "lastOperation.operation"}),
            codes=(
                *_STAMPED,
                "flowSpec.id",
                "flowSpec.version",
                "sourceConnectionIds",
                "targetConnectionIds",
                "inheritedAttributes.properties.isSourceFlow",
                "inheritedAttributes.sourceConnections.id",
                "inheritedAttributes.sourceConnections.connectionSpec.id",
                "inheritedAttributes.sourceConnections.connectionSpec.version",
                "inheritedAttributes.sourceConnections.baseConnection.id",
                "inheritedAttributes.sourceConnections.baseConnection.connectionSpec.id",
                "inheritedAttributes.sourceConnections.baseConnection.connectionSpec.version",
                "inheritedAttributes.targetConnections.id",
                "inheritedAttributes.targetConnections.connectionSpec.id",
                "inheritedAttributes.targetConnections.connectionSpec.version",
                "scheduleParams.frequency",
                "scheduleParams.startTime",
                "transformations.name",
                "transformations.params.mappingId",
                "transformations.params.mappingVersion",
                "runs",
                "lastOperation.started",
                "lastOperation.updated",
                "lastOperation.operation",
                "lastRunDetails.id",
                "lastRunDetails.state",
                "lastRunDetails.startedAtUTC",
                "lastRunDetails.completedAtUTC",
                "options.partialIngestionPercent",
                "options.errorDiagnosticsEnabled",
            ),
        )
    )
    runs: SearchForm[Run] = field(
        default=SearchForm(
            number=3,
            placed=_PLACED,
            aliases=_ALIASES,
            shown=run_document.run,
            words=frozenset({"state", "metrics.statusSummary.status", "activities.statusSummary.status"}),
            columns={
                "flowId": Column(name="flow_id"),
                "state": Column(name="state"),
                "metrics.statusSummary.status": Column(name="state"),
                "metrics.durationSummary.startedAtUTC": Column(
                    name="started_at_ms", is_number=True, follows_creation=True
                ),
                "metrics.recordSummary.inputRecordCount": Column(name="records_read", is_number=True),
                "metrics.recordSummary.outputRecordCount": Column(name="records_written", is_number=True),
                "metrics.recordSummary.failedRecordCount": Column(name="records_rejected", is_number=True),
            },
            codes=(
                *_STAMPED,
                "flowSpec.id",
                "flowSpec.version",
                "providerRefId",
                "recordTypes",
                "metrics.durationSummary.completedAtUTC",
                "metrics.sizeSummary.inputBytes",
                "metrics.sizeSummary.outputBytes",
                "metrics.recordSummary.createdRecordCount",
                "metrics.recordSummary.updatedRecordCount",
                "metrics.recordSummary.skippedRecordCount",
                "metrics.recordSummary.deletedRecordCount",
                "metrics.recordSummary.warningRecordCount",
                "metrics.fileSummary.outputFileCount",
                "metrics.fileSummary.activityRefs",
                "metrics.statusSummary.activityRefs",
                "metrics.statusSummary.extensions.type",
                "activities.id",
                "activities.name",
                "activities.updatedAtUTC",
                "activities.durationSummary.startedAtUTC",
                "activities.durationSummary.completedAtUTC",
                "activities.sizeSummary.inputBytes",
                "activities.sizeSummary.outputBytes",
                "activities.recordSummary.inputRecordCount",
                "activities.recordSummary.outputRecordCount",
                "activities.statusSummary.status",
                "activities.statusSummary.extensions.type",
                "activities.sourceInfo.id",
                "activities.sourceInfo.type",
                "activities.targetInfo.id",
                "activities.targetInfo.type",
                "activities.targetInfo.reference.type",
                "activities.targetInfo.reference.ids",
                "parentFlowRunId",
                "metrics.fileSummary.inputFileCount",
                "metrics.fileSummary.skippedFileCount",
                "metrics.fileSummary.failedFileCount",
                "metrics.recordSummary.failedInfo.code",
                "metrics.recordSummary.failedInfo.count",
                "metrics.recordSummary.failedInfo.field",
                "metrics.recordSummary.failedInfo.message",
                "metrics.statusSummary.errors.code",
                "metrics.statusSummary.errors.message",
                "metrics.statusSummary.errors.advice",
                "activities.fileSummary.inputFileCount",
                "activities.fileSummary.outputFileCount",
                "activities.fileSummary.activityRefs",
                "activities.sourceInfo.reference.type",
                "activities.sourceInfo.reference.ids",
            ),
        )
    )


FORMS: Final = SearchForms()
