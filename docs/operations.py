"""The page of operations and differences. `tests/wire/test_operations.py` makes every call and sees that it is answered
as the page says; a difference names the test that shows it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_DATA: Final = Path(__file__).with_name("operations.json")
_FLOW: Final = "/data/foundation/flowservice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A documented call, and how it is answered here."""

    name: str
    method: str
    path: str
    status: int
    code: str
    """Of a call that is refused: the last part of `type`, or else `code`. Empty where it works."""
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Where this server answers otherwise than Adobe's, or decides what the documentation leaves open."""

    what: str
    why: str
    test: str
    """`file::function`; empty where there is nothing to be seen over HTTP."""


def operations() -> list[Operation]:
    """Every documented call, in the order of the documentation."""
    return [Operation(**found) for found in json.loads(_DATA.read_text(encoding="utf-8"))]


_W: Final = "tests/wire"
DIFFERENCES: Final = (
    Difference(
        what="A new connection, source, target or flow is `enabled` at once; `initializing` and `delete-finalizing` "
        "never show, and an update or delete is done when it is answered.",
        why="Each change is one transaction here; nobody has to wait for a provider.",
        test=f"{_W}/test_connections.py::test_a_connection_reads_as_documented",
    ),
    Difference(
        what="Secrets of `auth.params` are shown as `********`; sent back so, they stay as they are.",
        why="No answer may hold a secret, and a whole document may be sent back.",
        test=f"{_W}/test_connections.py::test_a_masked_secret_sent_back_keeps_the_secret",
    ),
    Difference(
        what="A connection is created, and its credentials are changed, only if they work; `GET …/test` of one that "
        "does not work is 400 with the source's reason.",
        why="No answer `false` is documented.",
        test=f"{_W}/test_connections.py::test_new_credentials_are_tested_before_they_are_kept",
    ),
    Difference(
        what="`PUT /runs/{id}` is always FLOW-1427-400.",
        why="Runs are written by the service alone; there are no tokens of providers.",
        test=f"{_W}/test_schedules.py::test_a_users_token_may_not_write_a_run",
    ),
    Difference(
        what="`op=FINALIZE` and `op=FINALIZE_UPDATE` are FLOW-1402-400.",
        why="They are for providers.",
        test=f"{_W}/test_actions.py::test_an_action_that_makes_no_sense_is_refused",
    ),
    Difference(
        what="Streaming inlets, landing zones and encryption keys are listed as specs and refused with 400.",
        why="This version reads tables in batches.",
        test=f"{_W}/test_custom_specs.py::test_a_landing_zone_is_a_clear_refusal",
    ),
    Difference(
        what="A connection to a documented source without a connector here is FLOW-1100-400; its spec says "
        "`attributes.isSupported: false`.",
        why="All documented specs are listed, so that clients find what they look up.",
        test=f"{_W}/test_specs.py::test_no_connection_is_made_on_a_spec_without_a_connector",
    ),
    Difference(
        what="One connection spec is listed that nobody documents: `sample-data`, after all others. The flow spec "
        "`CRMToAEP` reads from it, too; what is documented stands before it in both lists.",
        why="Whoever tries the service needs no account elsewhere ([sample data](sample-data.md)).",
        test=f"{_W}/test_specs.py::test_the_flow_spec_of_tables_reads_what_is_documented_and_then_ours",
    ),
    Difference(
        what="Customers' own connection specs and flow specs are stored and checked; no connection can be made from "
        "them.",
        why="Running them comes later.",
        test=f"{_W}/test_custom_specs.py::test_running_a_customer_s_own_source_is_a_clear_refusal",
    ),
    Difference(
        what="`PUT` of a documented flow spec makes a form of it that this sandbox alone sees; `PUT` of a documented "
        "connection spec is FLOW-1426-400.",
        why="A new source has to be added to a flow spec that exists; nobody else may notice.",
        test=f"{_W}/test_custom_specs.py::test_a_new_source_is_added_to_a_documented_flow_spec",
    ),
    Difference(
        what="Exploring through a spec is CONNECTOR-1372-400.",
        why="Every source that this server reads needs a connection.",
        test=f"{_W}/test_custom_specs.py::test_sources_with_accounts_are_not_explored_through_their_spec",
    ),
    Difference(
        what="Row filters are offered on every source, whether or not it can filter by itself; what passes is told in "
        "[Row filters](row-filters.md).",
        why="The server applies what a source cannot.",
        test=f"{_W}/test_row_filters.py::test_a_flow_lands_exactly_the_rows_that_pass",
    ),
    Difference(
        what="A malformed row filter is CONNECTOR-1349-400 where no number of its own is documented; `filters` beside "
        "`objectType=root` is CONNECTOR-1353-400.",
        why="1349, 1352 and 1354 are documented by number alone; a list of tables has no rows.",
        test=f"{_W}/test_exploring.py::test_what_cannot_be_explored_says_why",
    ),
    Difference(
        what="A column shown by explore also has `coverage`, `mixedTypes` where several types were seen, and a table "
        "`sampledRowCount` and, where its source has keys of its own, `keyColumns`.",
        why="Tables of Azure have no schema: it is inferred from a sample.",
        test=f"{_W}/test_exploring.py::test_a_table_shows_its_columns_with_their_types",
    ),
    Difference(
        what="A `startTime` in the past means now; CONNECTOR-1360 only with `strict_start_time`.",
        why="Many published bodies have old dates.",
        test=f"{_W}/test_schedules.py::test_a_strict_server_refuses_a_start_in_the_past",
    ),
    Difference(
        what="Without `x-sandbox-name` the organisation's default sandbox is meant; FLOW-2105 only with "
        "`strict_sandbox_header`.",
        why="Published sources disagree, and curl tutorials leave it out.",
        test=f"{_W}/test_gateway.py::test_without_a_sandbox_header_the_default_one_is_meant",
    ),
    Difference(
        what="The content type plays no part: a body is read as JSON.",
        why="Published clients send JSON under form types and under none.",
        test=f"{_W}/test_bodies.py::test_json_is_read_whatever_the_content_type_says",
    ),
    Difference(
        what="Trailing slashes change nothing, and `if-match` may come as a query parameter, without quotes.",
        why="A published Postman collection and the aepp client do so.",
        test=f"{_W}/test_changes.py::test_if_match_may_come_as_a_parameter_and_without_quotes",
    ),
    Difference(
        what="A flow without `scheduleParams` runs once and now.",
        why="Published clients leave it out.",
        test="tests/domain/test_schedule.py::test_a_start_that_is_past_or_missing_is_now",
    ),
    Difference(
        what="A window of a delta column ends 120 s before now (`window_lag_s`).",
        why="Rows that were written with a time and committed a little later must not be missed.",
        test="",
    ),
    Difference(
        what="One run stands for all slots that a stopped server missed.",
        why="Its window takes all of their rows.",
        test="tests/domain/test_schedule.py::test_slots_do_not_drift_however_late_each_run_starts",
    ),
    Difference(
        what="Rows without a value in the delta column are in no window; the run counts them in `skippedInfo`.",
        why="They have no time to be placed by.",
        test=f"{_W}/test_schedules.py::test_rows_without_a_time_are_told_of",
    ),
    Difference(
        what="A run that was undone (`POST /v1/runs/{id}/undo`, an addition) keeps its state, says `undoneBy` in "
        "`statusSummary.extensions`, and may be run again (`op=re-trigger`) like one that failed.",
        why="Its rows are out of the dataset, where they may be wanted once more.",
        test=f"{_W}/test_undo.py::test_a_run_is_undone_and_run_again",
    ),
    Difference(
        what="`options.maxRejectedRecords` of a flow (an addition) is a number of rejected rows beyond which a run "
        "fails; named without `partialIngestionPercent`, it alone is the limit.",
        why="A share is known only when all is read, and of a large table even a small one is many rows.",
        test=f"{_W}/test_quarantine.py::test_a_run_with_more_rejects_than_the_flow_takes_fails_and_keeps_them",
    ),
    Difference(
        what="`options.schemaDrift` of a flow (an addition) says what becomes of columns that are new, gone or of "
        "other types: see [schema drift](schema-drift.md). A run tells what it met in `statusSummary.extensions`.",
        why="Tables of Azure have no schema; nothing may land, or be lost, unnoticed.",
        test=f"{_W}/test_schema_drift.py::test_a_new_column_is_held_accepted_and_lands",
    ),
    Difference(
        what="Rejected rows are replayed by a run of their own (`POST /v1/runs/{id}/replay`, an addition), which says "
        "`replays` in `statusSummary.extensions`; what it landed is in a batch of its own.",
        why="A corrected mapping shall land what waits without reading all again.",
        test=f"{_W}/test_quarantine.py::test_rows_are_tried_again_and_replayed_once",
    ),
    Difference(
        what="Row errors of a batch are kept and shown whether or not the flow asks for diagnostics; they are all in "
        "`validation_errors_N.json`, with the field (`column`) beside code and message.",
        why="Nothing is dropped silently. Sources hand over values, not texts that could fail to parse.",
        test=f"{_W}/test_quarantine.py::test_the_run_and_its_batch_lead_to_the_rows",
    ),
    Difference(
        what="`GET /batches/{id}/files` of Data Access lists the rows of the batch as the dataset has them now: none "
        "of a batch that failed or was undone. Rows that share files with others' are put into a file of their own. "
        "Ids are those of the batch with 16 digits, and a file is never a folder.",
        why="Compactions and upserts move rows; whoever downloads a batch wants its rows, all of them and no others.",
        test=f"{_W}/test_data_access.py::test_rows_that_an_upsert_replaced_are_those_of_its_batch_until_it_is_undone",
    ),
    Difference(
        what="`POST /v1/connections/{id}/schema` (an addition) makes a schema, and a mapping set, of the columns of a "
        "table: see [schemas](schemas.md).",
        why="Tables of Azure have no schema, and names that no field may have.",
        test=f"{_W}/test_source_schemas.py::test_columns_become_a_schema_whose_changed_names_are_told_and_land",
    ),
    Difference(
        what="A `Range` that holds several ranges, or none, is 416 (`range-unsatisfiable`), as one beyond the end is.",
        why="Only single ranges are documented.",
        test=f"{_W}/test_data_access.py::test_what_is_no_range_of_the_file_is_refused",
    ),
    Difference(
        what="A preview of a dataset without rows is 404 (`nothing-landed`).",
        why="No answer is documented; an empty list would not tell why.",
        test=f"{_W}/test_data_access.py::test_a_dataset_without_rows_says_so",
    ),
    Difference(
        what="A recurring flow runs out of its turn by `POST /v1/flows/{id}/run` (an addition): see "
        "[schedules](schedules.md#runs-on-demand). `POST /runs` refuses it as documented (CONNECTOR-1386).",
        why="After a fix nobody wants to wait for the next slot, and windows follow each other whoever starts a run.",
        test=f"{_W}/test_running_now.py::test_a_recurring_flow_runs_now_and_keeps_its_slots_and_windows",
    ),
    Difference(
        what="A run can be cancelled (`POST /v1/runs/{id}/cancel`, an addition). It ends as `failed` with the error "
        "`cancelled`, and says `cancelledBy` in `statusSummary.extensions`.",
        why="The documented states have none for it, and clients know those alone.",
        test=f"{_W}/test_cancel.py::test_a_run_that_waits_for_its_time_is_cancelled",
    ),
    Difference(
        what="`POST /runs` answers the union of the three documented shapes: `id`, `etag` and `items`.",
        why="Published clients read different ones.",
        test=f"{_W}/test_runs.py::test_a_flow_runs_again_on_demand",
    ),
    Difference(
        what="`PATCH /flows` also answers `name`, `version` and `state`.",
        why="aepp's `FlowManager` reads them.",
        test=f"{_W}/test_changes.py::test_a_patch_answers_the_new_etag",
    ),
    Difference(
        what="A flow keeps what its source and target said when it was made; later changes of them do not reach it.",
        why="Runs of one flow must read the same thing until somebody changes the flow.",
        test=f"{_W}/test_changes.py::test_a_changed_source_does_not_reach_flows_made_from_it",
    ),
    Difference(
        what="Enabling what is enabled, and disabling what is disabled, is 200 and changes nothing.",
        why="A repeated call must do no harm.",
        test=f"{_W}/test_actions.py::test_enabling_what_is_enabled_changes_nothing",
    ),
    Difference(
        what="`DELETE` answers 204, though one document says 202.",
        why="What is answered is done.",
        test=f"{_W}/test_connections.py::test_what_is_deleted_is_gone",
    ),
    Difference(
        what="A source or target that a flow uses (FLOW-1447), and a dataset that a flow uses, cannot be deleted.",
        why="A flow must be able to run.",
        test=f"{_W}/test_catalog.py::test_a_dataset_goes_with_its_rows_once_no_flow_needs_it",
    ),
    Difference(
        what="`groupByProperty` is FLOW-1438-400, and the operator `~` FLOW-1440-400.",
        why="Their results are documented nowhere.",
        test=f"{_W}/test_lists.py::test_a_search_that_cannot_be_understood_is_refused",
    ),
    Difference(
        what="A continuation token carries its query: another filter, order or projection beside it is FLOW-1451-400.",
        why="A page of one query is no page of another.",
        test=f"{_W}/test_lists.py::test_a_token_belongs_to_its_query",
    ),
    Difference(
        what="Any path that a resource shows can be filtered by, but those of `auth.params`.",
        why="The documentation names a few; a filter must not tell a secret.",
        test=f"{_W}/test_lists.py::test_a_secret_cannot_be_filtered_or_sorted_by",
    ),
    Difference(
        what="A source or control store that does not answer is FLOW-1103-503; a source that refuses is FLOW-1100-400.",
        why="The one may be tried again as it is, the other not. There is no 500 and no 504 for either.",
        test=f"{_W}/test_error_catalogue.py::test_an_error_is_answered_as_documented",
    ),
    Difference(
        what="A method that a path does not take is 405, FLOW-1451-405, with `Allow`.",
        why="No code is documented for it.",
        test=f"{_W}/test_gateway.py::test_a_method_that_a_path_does_not_take_is_refused",
    ),
    Difference(
        what="Every error of a service also has a stable `code` and `advice`.",
        why="Numbers are shared by several causes; people want to know what to do.",
        test=f"{_W}/test_error_catalogue.py::test_an_error_is_answered_as_documented",
    ),
    Difference(
        what="A request id that is longer than 100 characters or not visible ASCII is replaced by one of ours.",
        why="It goes into logs, bodies and a header.",
        test=f"{_W}/test_error_catalogue.py::test_a_hostile_request_id_is_replaced",
    ),
    Difference(
        what="The token in `authorization` must be that of the client in `x-api-key`.",
        why="There are no other applications here that a key could belong to.",
        test=f"{_W}/test_gateway.py::test_a_token_is_of_use_in_its_own_organisation_only",
    ),
    Difference(
        what="Sources may be at public addresses only, unless the operator allows others (`egress_…`).",
        why="The service must not be a way into the network that it runs in.",
        test="tests/egress/test_destinations.py::test_nothing_is_dialled_that_may_not_be",
    ),
    Difference(
        what="`POST /connectionSpecs` answers `{\"items\": [spec]}` with `id` beside it.",
        why="Published sources disagree on the two shapes.",
        test=f"{_W}/test_custom_specs.py::test_a_spec_reads_as_it_was_written",
    ),
    Difference(
        what="A change of a schema resource that would take a field, a type or a value from a schema in use is "
        "refused, whichever resource it is made in: see [schemas](schemas.md).",
        why="Rows that landed must stay in their columns.",
        test="tests/service/test_schema_changes.py::test_a_schema_whose_dataset_holds_data_only_gains_fields",
    ),
    Difference(
        what="`POST /rpc/import` of the schema registry makes new ids, and takes descriptors along.",
        why="Two sandboxes of one organisation are on one server; an id is of one of them.",
        test=f"{_W}/test_schema_registry.py::test_an_export_is_imported_in_another_sandbox",
    ),
    Difference(
        what="The registry takes `validationOnly=true` and `If-Match` with `PUT` and `PATCH`.",
        why="Who edits a schema wants to know beforehand whether it may be changed so, and overwrite nobody.",
        test=f"{_W}/test_schema_registry.py::test_a_change_may_be_checked_without_being_made",
    ),
    Difference(
        what="The registry reads `Accept` leniently: a version may be missing, unknown flags change nothing, and `xdm` "
        "means the same as `xed`.",
        why="Adobe's own samples leave the version out, and clients name either family.",
        test=f"{_W}/test_schema_registry.py::test_a_resource_is_read_in_each_of_its_forms",
    ),
    Difference(
        what="`list[*].f` pairs items of several mappings by their places; a single value goes into each item. A "
        "mapping may say `onError: reject`, and `mappings` may be a CSV table.",
        why="The published example of `list[*].f` contradicts itself; the others are our own.",
        test=f"{_W}/test_data_prep.py::test_mappings_are_exported_as_a_table_and_imported_unchanged",
    ),
    Difference(
        what="Expressions read a column's value as its canonical text, whatever type the source gave it: see "
        "`docs/expressions.md`. Regular expressions are of a linear-time dialect. `fpid_to_ecid` is "
        "refused when the mapping set is sent. User agents are told by the patterns of the ua-parser project.",
        why="A value does the same whatever stands beside it; no pattern may keep the service busy; its rule is not "
        "public; neither are Adobe's patterns.",
        test=f"{_W}/test_data_prep.py::test_calculated_fields_land",
    ),
    Difference(
        what="A preview of a mapping set tries up to 200 rows and answers a list, of one for a single row; a set that "
        "names what does not exist is refused, not tried.",
        why="The guide and the specification show different answers.",
        test=f"{_W}/test_data_prep.py::test_a_set_is_tried_on_rows",
    ),
    Difference(
        what="A missing `If-Match` of a dataset's labels is 428, a stale one 412; `PUT` with `If-Match: *` makes them "
        "where there are none; a label that there is not is 400; `_etag` stands in the answer to `GET`, too.",
        why="No source names these statuses; published clients cannot read the header; a mistyped label would leave "
        "data unprotected.",
        test=f"{_W}/test_dataset_labels.py::test_labels_are_made_read_replaced_and_taken_off",
    ),
    Difference(
        what="A dataset inherits labels from its schema alone: other `parents` are refused.",
        why="What else there may be is not documented.",
        test=f"{_W}/test_dataset_labels.py::test_what_cannot_be_is_refused",
    ),
    Difference(
        what="Label descriptors are shown with `xdm:labels`, which may be sent as `xdm:label`, and come before other "
        "descriptors of their field.",
        why="A published client writes the one name, reads the other, and looks at the first descriptor of a field.",
        test="tests/service/test_effective_labels.py::test_the_labels_of_a_field_come_before_what_else_is_said_of_it",
    ),
    Difference(
        what="Deleting a mapping set is refused while a flow names it or a run maps with it.",
        why="A flow never lacks its mapping.",
        test=f"{_W}/test_data_prep.py::test_a_set_is_deleted_unless_a_flow_maps_with_it",
    ),
    Difference(
        what="Core policies are eleven of our own making, off in a new sandbox: see [Policies](policies.md). One that "
        "is not in the list of enabled ones is `DISABLED`, never a draft.",
        why="The real list is not published, and guides differ on the status.",
        test=f"{_W}/test_policies.py::test_core_policies_are_all_off_in_a_new_sandbox",
    ),
    Difference(
        what="Custom labels, marketing actions and policies are of one sandbox.",
        why="Each says its sandbox; the guides say nothing else of it.",
        test=f"{_W}/test_evaluation.py::test_of_another_sandbox_neither_policies_nor_datasets_count",
    ),
    Difference(
        what="Policies are evaluated when somebody asks. None is enforced, and nothing is 409 for a violation.",
        why="What is enforced is activation, which this service does not do.",
        test="",
    ),
    Difference(
        what="A policy without a `status` is a draft, also after a PUT; `deny` without operands, and a reference to an "
        "action that does not exist, are refused; labels that do not exist are not.",
        why="None of this is documented.",
        test=f"{_W}/test_policies.py::test_a_malformed_policy_is_refused_and_not_made",
    ),
    Difference(
        what="The last page of a list of the Policy Service has neither `_page.next` nor `_links.page.href`; others "
        "have the same cursor in both.",
        why="Sources disagree, and a published client loops for ever on a template or a null.",
        test=f"{_W}/test_usage_labels.py::test_pages_follow_each_other_by_either_link_until_there_is_none",
    ),
    Difference(
        what="A write to a core container is 405; a custom label with the name of a core one is refused, "
        "and so are names of labels and actions with letters beyond A to Z, commas or slashes.",
        why="Not documented; expressions write the bare name of either, and lists have commas between them.",
        test=f"{_W}/test_usage_labels.py::test_nobody_writes_core_labels_or_deletes_one",
    ),
    Difference(
        what="An evaluation of a dataset or field that does not exist is refused; fields named in `entityMeta` bring "
        "all that is in them; `discoveredLabels` does not repeat the dataset's labels at each field.",
        why="To find no label would look like a yes; who uses an object uses what is in it; samples differ.",
        test=f"{_W}/test_evaluation.py::test_an_unknown_dataset_or_field_is_refused_by_name",
    ),
    Difference(
        what="`/data/foundation/dulepolicymarketingActions/…/constraints` is an evaluation on labels, too.",
        why="aepp leaves the slash out.",
        test=f"{_W}/test_evaluation.py::test_a_path_without_its_slash_leads_to_labels_too",
    ),
)  # fmt: skip


def page() -> str:
    """Every documented call with its state, then every deliberate difference with its reason."""
    known = operations()
    working = sum(not found.code for found in known)
    calls = [f"| `{found.name}` | `{found.method} {found.path}` | {_state(found)} |" for found in known]
    differences = [f"| {found.what} | {found.why} | {_shown_by(found)} |" for found in DIFFERENCES]
    return "\n".join(
        [
            "# Operations and differences",
            "",
            "<!-- Made by `make docs`; change docs/operations.json and docs/operations.py, not this page. -->",
            "",
            f"The {sum(found.path.startswith(_FLOW) for found in known)} operations of the Flow Service, and the calls",
            f"of other services that its clients make in passing: {len(known)} in all, of which {working} work and",
            f"{len(known) - working} are refused clearly.",
            "A test makes each of these calls and sees that it is answered as this table says.",
            "",
            "| operation | call | state |",
            "| --- | --- | --- |",
            *calls,
            "",
            "Calls of the schema registry, the catalog, the Policy Service, sandboxes and credentials stand in",
            "[permissions.md](permissions.md), with all others of this server. Pages of its own origin may make all of",
            "them with a [session](ui.md) in place of a token.",
            "",
            "## Deliberate differences",
            "",
            "| here | because | shown by the test |",
            "| --- | --- | --- |",
            *differences,
            "",
        ]
    )


def _shown_by(found: Difference) -> str:
    return f"`{found.test.rpartition('::')[2]}`" if found.test else "—"


def _state(found: Operation) -> str:
    return f"refused: {found.status} `{found.code}`. {found.why}" if found.code else f"works: {found.status}"
