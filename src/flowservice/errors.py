"""Every error raised on purpose, one tree.

The type says what to do; nobody parses a message. A message tells what failed and why, `advice` what to do next.
Neither quotes a secret or long input.
"""

from collections.abc import Sequence
from typing import ClassVar


class Error(Exception):
    """Root. `code` is stable and documented; the message is for people and may change."""

    code: ClassVar[str] = "internal"

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


# --- the request -----------------------------------------------------------------------------------------------------


class Invalid(Error):
    """The caller sent something that cannot be accepted; nothing was changed."""

    code = "invalid"


class EmptyBody(Invalid):
    """A body was needed and none came."""

    code = "body-empty"


class BadField(Invalid):
    """A field has a wrong type or value, or is missing."""

    code = "field-invalid"


class MissingField(Invalid):
    """A mandatory field is missing."""

    code = "field-missing"


class BadQuery(Invalid):
    """A query parameter cannot be understood."""

    code = "query-invalid"


class UnknownFilterField(BadQuery):
    """A filter names a field that the resource does not have."""

    code = "filter-field-unknown"


class UnknownOperator(BadQuery):
    """A filter uses an operator that does not exist."""

    code = "filter-operator-unknown"


class UnsupportedOperator(BadQuery):
    """A filter uses an operator that exists but is not available."""

    code = "filter-operator-unsupported"


class UnfilterableField(BadQuery):
    """A filter names a field that the resource has and that cannot be filtered by."""

    code = "filter-field-unsupported"


class UnsupportedForField(UnfilterableField):
    """A filter compares by order what is no number."""

    code = "filter-operator-not-for-field"


class BadFilterValue(BadQuery):
    """A filter's value cannot be one of that field."""

    code = "filter-value-invalid"


class BadValueType(BadQuery):
    """A filter compares by order with something that is no number."""

    code = "filter-value-type"


class FilterTooLarge(BadQuery):
    """A list has more conditions, values, steps or characters than are taken at once."""

    code = "filter-too-large"


class BadToken(BadQuery):
    """A continuation token is malformed, or belongs to another query."""

    code = "token-invalid"


class Aggregation(BadQuery):
    """A search asks to group what it finds."""

    code = "aggregation-unsupported"


class EmptyFilterValue(BadQuery):
    """A filter has no value."""

    code = "filter-value-empty"


class LimitWithCount(BadQuery):
    """`limit` and `count` were given together."""

    code = "limit-with-count"


class UnsortableField(BadQuery):
    """`orderby` names a field that cannot be sorted by."""

    code = "orderby-field-unknown"


class BadSortPrefix(BadQuery):
    """A key of `orderby` begins with something else than a name, `+` or `-`."""

    code = "orderby-prefix-invalid"


class SeveralValues(BadQuery):
    """A filter compares by order with several values at once."""

    code = "filter-values-several"


class MissingParameter(BadQuery):
    """A mandatory query parameter is missing."""

    code = "query-missing"


class UnknownObjectType(BadQuery):
    """`objectType` is not one that this source has."""

    code = "object-type-unknown"


class WrongMethod(Invalid):
    """The path exists but does not take that method."""

    code = "method-wrong"


class MissingIfMatch(Invalid):
    """The call needs an `If-Match` header."""

    code = "if-match-missing"


class PreconditionMissing(MissingIfMatch):
    """The call needs an `If-Match` header, by the rules of the Dataset Service."""

    code = "precondition-missing"


class Stale(Error):
    """Another writer changed the resource since it was read, again and again."""

    code = "overtaken"


class OtherEtag(Stale):
    """`If-Match` does not name the etag that the resource has."""

    code = "stale"


class NotFound(Error):
    """No such resource in this sandbox. `resource_id` is what was asked for, where one resource was."""

    code = "not-found"

    def __init__(self, message: str, *, advice: str = "", resource_id: str = "") -> None:
        super().__init__(message, advice=advice)
        self.resource_id = resource_id


class NothingLanded(NotFound):
    """A dataset has no rows that could be shown."""

    code = "nothing-landed"


class RangeUnsatisfiable(Invalid):
    """A part of a file is asked for that it has not, or several parts at once. `size_bytes` is how long the file is."""

    code = "range-unsatisfiable"

    def __init__(self, message: str, *, advice: str = "", size_bytes: int = 0) -> None:
        super().__init__(message, advice=advice)
        self.size_bytes = size_bytes


class Conflict(Error):
    """The name is taken."""

    code = "conflict"


class AnswerLost(Conflict):
    """An earlier run of the server may have carried out the call, and its answer was lost."""

    code = "answer-lost"


class LabelsExist(Conflict):
    """The dataset has labels already."""

    code = "labels-exist"


class Forbidden(Error):
    """The credential lacks a permission."""

    code = "forbidden"


class OtherOrigin(Forbidden):
    """A page of another origin made a call with a browser's session."""

    code = "origin-other"


# --- organisations, credentials, sandboxes ---------------------------------------------------------------------------


class LastAdministrator(Invalid):
    """The organisation would be left without a credential that may administer."""

    code = "administrator-last"


class SandboxMissing(Invalid):
    """The call has to name a sandbox (`x-sandbox-name`) and does not."""

    code = "sandbox-missing"


class SandboxNotFound(NotFound):
    """The sandbox that the call names does not exist or is not active."""

    code = "sandbox-not-found"


class NoDefaultSandbox(SandboxNotFound):
    """The call names no sandbox, and the default one is not active."""

    code = "sandbox-default-not-found"


class SandboxIdNotAllowed(Invalid):
    """`x-sandbox-id` was sent and is not the id of the named sandbox."""

    code = "sandbox-id-not-allowed"


class EverySandbox(Forbidden):
    """`x-sandbox-name: *` was sent: calls across sandboxes are restricted."""

    code = "sandbox-all-restricted"


class SandboxLimit(Invalid):
    """The organisation has as many sandboxes as the server allows."""

    code = "sandbox-limit"


class SandboxBusy(Conflict):
    """The sandbox is being made, reset or deleted."""

    code = "sandbox-busy"


class DefaultSandbox(Invalid):
    """The default sandbox cannot be deleted."""

    code = "sandbox-default"


class NotSupported(Invalid):
    """Documented by Adobe, not available in this version."""

    code = "not-supported"


# --- specs and connections -------------------------------------------------------------------------------------------


class UnknownSpec(Invalid):
    """The spec id does not exist."""

    code = "spec-unknown"


class UnknownAuth(Invalid):
    """The spec has no auth of that name."""

    code = "auth-unknown"


class SpecIsFixed(Invalid):
    """The connection spec of a connection cannot be changed."""

    code = "spec-fixed"


class NoConnector(NotSupported):
    """The spec is documented, but this server has no connector for it."""

    code = "connector-missing"


class InUse(Invalid):
    """Other resources still refer to this one."""

    code = "in-use"


class PatchFailed(Invalid):
    """A JSON Patch does not apply, or its result is not valid."""

    code = "patch-failed"


class Referenced(Invalid):
    """A flow still reads from, or writes to, this end."""

    code = "referenced"


class DraftUnsupported(Invalid):
    """The spec does not take drafts."""

    code = "draft-unsupported"


class DraftLimit(Invalid):
    """The sandbox has as many drafts of forms as it may have."""

    code = "draft-limit"


class NotPublished(Invalid):
    """A resource that this one needs is still a draft."""

    code = "not-published"


class UnknownAction(BadQuery):
    """`op` names no action of this resource."""

    code = "action-unknown"


class ProvidersOnly(BadQuery):
    """The action is for providers, not for users."""

    code = "action-for-providers"


class UnknownSubAction(BadQuery):
    """`subOp` is not one that exists."""

    code = "sub-action-unknown"


class SubActionNotAllowed(BadQuery):
    """`subOp` does not go with this `op`."""

    code = "sub-action-not-allowed"


class ProgressNotAlone(BadQuery):
    """`PROGRESS` was combined with other sub-operations."""

    code = "sub-action-progress-combined"


class BadStatusValue(Invalid):
    """A status is not one that exists."""

    code = "status-unknown"


class BadPercent(Invalid):
    """`percentCompleted` must be 100 for what is completed or failed."""

    code = "status-percent"


class FailedProgress(Invalid):
    """A failed status cannot accompany `PROGRESS`."""

    code = "status-failed-progress"


class PatchUnsupported(Invalid):
    """A JSON Patch operation other than add, replace and remove."""

    code = "patch-unsupported"


class ExploreUnsupported(Invalid):
    """The source cannot be explored in that way."""

    code = "explore-unsupported"


class ExploreThroughSpec(Invalid):
    """The spec's sources are explored through a connection."""

    code = "explore-needs-connection"


class SpecReadOnly(Invalid):
    """A spec that came with the server cannot be replaced."""

    code = "spec-read-only"


class BadSpec(Invalid):
    """A customer's own spec is malformed."""

    code = "spec-invalid"


class BadDelimiter(BadQuery):
    """A column delimiter is longer than one character."""

    code = "delimiter-too-long"


class DetectionUnsupported(BadQuery):
    """The source has no files whose properties could be determined."""

    code = "detection-unsupported"


class DetectionMixed(BadQuery):
    """A file's properties were both given and to be determined."""

    code = "detection-mixed"


class BadFilters(BadQuery):
    """`filters` is not the base64 of a JSON object."""

    code = "row-filters-invalid"


class RowFiltersUnsupported(NotSupported):
    """Rows of the source cannot be filtered."""

    code = "row-filters-unsupported"


class BadRowFilter(Invalid):
    """A row filter is malformed, or larger than is taken at once."""

    code = "row-filter-malformed"


class MissingOperator(BadRowFilter):
    """A function of a row filter has no name."""

    code = "row-filter-operator-missing"


class UnknownRowOperator(BadRowFilter):
    """A row filter uses an operator that is not supported."""

    code = "row-filter-operator-unsupported"


class UnknownFilterType(BadRowFilter):
    """The `type` of a row filter is not PQL."""

    code = "row-filter-type-unknown"


class UnknownFilterFormat(BadRowFilter):
    """The `format` of a row filter is not pql/json."""

    code = "row-filter-format-unknown"


class MissingFilterValue(BadRowFilter):
    """A row filter, or one of its conditions, has no value."""

    code = "row-filter-value-missing"


class FilterValueType(BadRowFilter):
    """A value of a row filter is not of the type of its column, or of one that its operator compares."""

    code = "row-filter-value-type"


class NotOfSeveral(BadRowFilter):
    """`not` takes one function."""

    code = "row-filter-not-of-several"


class AuthTypeUnsupported(NotSupported):
    """The spec has no sign-in of that type that this server could tell about."""

    code = "auth-type-unsupported"


class WrongFormat(Invalid):
    """The source does not hand over that format."""

    code = "format-unsupported"


# --- flows and runs --------------------------------------------------------------------------------------------------


class StateNotAllowed(Invalid):
    """`state` may not be sent when creating."""

    code = "state-not-allowed"


class EmptyDataset(Invalid):
    """A target names no dataset."""

    code = "dataset-missing"


class OneSourceOneTarget(Invalid):
    """A flow has exactly one source and one target connection."""

    code = "one-source-one-target"


class WrongTarget(Invalid):
    """The flow spec does not accept that target, or that source."""

    code = "target-wrong"


class BadSchedule(Invalid):
    """The schedule cannot be understood or is not allowed."""

    code = "schedule-invalid"


class BadInterval(BadSchedule):
    """`interval` is shorter than this server allows."""

    code = "schedule-interval-too-short"


class IntervalNotAllowed(BadSchedule):
    """`interval` does not go with frequency `once`."""

    code = "schedule-interval-with-once"


class BackfillNotAllowed(BadSchedule):
    """`backfill` does not go with frequency `once`."""

    code = "schedule-backfill-with-once"


class StartInPast(BadSchedule):
    """`startTime` lies in the past, and this server is strict about that."""

    code = "schedule-start-in-past"


class StartHasPassed(BadSchedule):
    """The start time has passed: it cannot be changed any more."""

    code = "schedule-start-passed"


class CannotBecomeOnce(BadSchedule):
    """A recurring flow cannot become one that runs once."""

    code = "schedule-cannot-become-once"


class BackfillIsFixed(BadSchedule):
    """`backfill` cannot be changed after the start."""

    code = "schedule-backfill-fixed"


class MissingMapping(Invalid):
    """The flow needs a mapping."""

    code = "mapping-missing"


class BadMapping(Invalid):
    """A mapping set is not valid against its schema or source."""

    code = "mapping-invalid"


class BadExpression(BadMapping):
    """An expression of a mapping cannot be parsed, or uses what does not exist.

    `at` is the place in the expression's text that the message tells (characters, from 0), if it is known.
    """

    code = "expression-invalid"

    def __init__(self, message: str, *, advice: str = "", at: int | None = None) -> None:
        super().__init__(message if at is None else f"character {at + 1}: {message}", advice=advice)
        self.at = at


class BadMappingVersion(Invalid):
    """The mapping set has no such version."""

    code = "mapping-version-unknown"


class SchemaMismatch(Invalid):
    """The mapping's schema is not the dataset's."""

    code = "schema-mismatch"


class MissingDeltaColumn(Invalid):
    """A recurring flow over a table needs a delta column."""

    code = "delta-column-missing"


class DeltaColumnNotAllowed(Invalid):
    """A delta column does not go with frequency `once`."""

    code = "delta-column-with-once"


class DeltaColumnDiffers(Invalid):
    """The delta column is not that of the flow's Copy transformation."""

    code = "delta-column-differs"


class RunNeedsDeltaColumn(Invalid):
    """The first run over a window has to name the delta column."""

    code = "run-delta-column-missing"


class DeltaColumnHasNoTimes(Invalid):
    """The delta column is of a type that holds no times."""

    code = "delta-column-type"


class NoColumns(Invalid):
    """A schema is to be made of a table of which no column is known."""

    code = "no-columns"


class UnknownColumn(Invalid):
    """A column is named that the source does not have."""

    code = "column-unknown"


class UnknownFlow(NotFound):
    """A run was asked for a flow that does not exist."""

    code = "flow-unknown"


class EmptyFlowId(Invalid):
    """A run was asked for without a flow id."""

    code = "flow-id-empty"


class FlowDisabled(Invalid):
    """The flow must be enabled."""

    code = "flow-disabled"


class RunNotCreated(Invalid):
    """A run could not be created: something that the flow needs is gone or changes all the time."""

    code = "run-not-created"


class BadRunParams(Invalid):
    """The params of a run cannot be understood."""

    code = "run-params-invalid"


class ConnectorRunsNot(Invalid):
    """Runs cannot be asked for: this server has no connector for the flow's source."""

    code = "run-connector-unsupported"


class NotOnDemand(Invalid):
    """A flow whose frequency is not `once` does not run on demand."""

    code = "run-flow-recurring"


class NotRetriable(Invalid):
    """The run is not in a state for a re-trigger."""

    code = "run-not-retriable"


class NotUndoable(Invalid):
    """The run cannot be taken back: it is not over, landed nothing, is undone already, or is an undo itself."""

    code = "run-not-undoable"


class NotReplayable(Invalid):
    """Rejected rows of the run cannot be replayed: it published nothing, is undone, or rejected none."""

    code = "run-not-replayable"


class NotCancellable(Invalid):
    """The run has ended."""

    code = "run-not-cancellable"


class ChangedSince(NotUndoable):
    """Rows of an upsert were changed after it, and may not give way to what was there before it. Nothing was undone."""

    code = "rows-changed-since"


class EarlierRowsGone(NotUndoable):
    """The lake no longer has the rows that an upsert replaced. Nothing was undone."""

    code = "earlier-rows-gone"


class DriftChanged(Conflict):
    """The changes of the source's columns that were decided about are not, or not any more, those that are held."""

    code = "drift-changed"


class ColumnsNotAddable(Invalid):
    """New columns of a source cannot be added to the dataset by the service itself."""

    code = "columns-not-addable"


class UnknownRunAction(Invalid):
    """The action does not exist for runs."""

    code = "run-action-unknown"


class RunsAreManaged(Invalid):
    """A user's token may not write runs: the service does."""

    code = "run-managed-by-service"


class BadTransition(Invalid):
    """The action does not apply in the current state."""

    code = "transition-invalid"


class BadWindow(Invalid):
    """A window ends before it starts."""

    code = "window-invalid"


class BadSchema(Invalid):
    """An XDM schema is malformed or refers to what does not exist."""

    code = "schema-invalid"


class BreakingChange(Invalid):
    """A schema whose dataset holds data, or that is in the union, would lose a field or take fewer values."""

    code = "schema-change-breaking"


class BadDescriptor(Invalid):
    """A descriptor is malformed, or says of a schema what cannot be."""

    code = "descriptor-invalid"


class ImportFailed(Invalid):
    """Schema resources could not be imported; none of them was. `causes` says why, one for each that failed."""

    code = "import-failed"

    def __init__(self, message: str, *, advice: str = "", causes: Sequence[Error] = ()) -> None:
        super().__init__(message, advice=advice)
        self.causes = tuple(causes)


# --- what a run finds ------------------------------------------------------------------------------------------------


class TooManyRejected(Error):
    """More rows were rejected than the flow tolerates; nothing was published."""

    code = "rejected-above-threshold"


class SchemaDriftHeld(Error):
    """The source's columns changed, and the flow holds such changes until somebody has decided; nothing was read."""

    code = "schema-drift-held"


class Unbalanced(Error):
    """The counts of a run do not add up: our bug, and the run fails rather than hide it."""

    code = "counts-unbalanced"


class Cancelled(Error):
    """The run was told to stop."""

    code = "cancelled"


class RunTimedOut(Error):
    """The run took longer than runs may."""

    code = "run-timeout"


# --- the foreign system ----------------------------------------------------------------------------------------------


class SourceError(Error):
    """The foreign system said no. Repeated only if it is also `Transient`."""

    code = "source"


class Transient(Error):
    """The same call may work later with nothing changed: the engine waits and repeats it."""

    code = "transient"


class BadCredentials(SourceError):
    """The source does not accept the key, signature or token."""

    code = "source-credentials"


class Denied(SourceError):
    """The source knows the caller and refuses this very thing."""

    code = "source-denied"


class DestinationRefused(SourceError):
    """The policy of this server does not let it connect there."""

    code = "destination-refused"


class Unreachable(SourceError, Transient):
    """No connection to the host: unknown name, refused, or no answer in time."""

    code = "source-unreachable"


class Throttled(SourceError, Transient):
    """The source asked for a pause of `retry_after_s` seconds (None: it did not say how long)."""

    code = "source-throttled"

    def __init__(self, message: str, *, advice: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message, advice=advice)
        self.retry_after_s = retry_after_s


class SourceUnavailable(SourceError, Transient):
    """The source failed on its own side (5xx, time-out)."""

    code = "source-unavailable"


class NoSuchObject(SourceError):
    """The table, file or folder does not exist at the source."""

    code = "source-object-unknown"


class BrokenPage(SourceError, Transient):
    """An answer was cut or garbled in transit; nothing of it was used."""

    code = "source-page-broken"


class Drifted(SourceError):
    """A value does not fit what was declared for its column."""

    code = "source-drifted"


# --- the control store -----------------------------------------------------------------------------------------------


class StoreUnavailable(Transient):
    """The control store did not take the call: locked, out of room, or the connection lost. Nothing was changed."""

    code = "store-unavailable"


# --- the lake --------------------------------------------------------------------------------------------------------


class LakeError(Error):
    """The lake refused."""

    code = "lake"


class LakeUnavailable(LakeError, Transient):
    """The lake could not be reached or written (full disk, read-only, network)."""

    code = "lake-unavailable"


class OutcomeUnknown(LakeError):
    """A commit was sent and its answer lost. Look at the table before any repeat."""

    code = "outcome-unknown"
