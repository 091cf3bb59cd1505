"""Which tables of the lake do not say the labels yet that hold for their datasets.

A mark is written in the transaction that changes labels, and goes once the table says them: whatever is killed in
between, it is there still.
"""

from collections.abc import Iterable
from dataclasses import replace

from flowservice.domain.dataset_labels import LabelsDue
from flowservice.domain.identity import Caller
from flowservice.domain.resource import Stamp
from flowservice.domain.schema import SchemaKind
from flowservice.errors import NotFound
from flowservice.ports.database import Database
from flowservice.ports.runtime import Clock
from flowservice.service.schema_library import Library
from flowservice.service.schema_rules import datasets_of


def mark(database: Database, caller: Caller, dataset_ids: Iterable[str], *, now: Clock) -> None:
    """Have these tables told anew. To be called in a transaction that holds the organisation."""
    for dataset_id in dataset_ids:
        try:
            known = database.labels_due.get(caller.scope, dataset_id)
        except NotFound:
            stamp = Stamp.of_service(caller.scope, at=now())
            database.labels_due.add(LabelsDue(id=dataset_id, stamp=stamp))
        else:
            # Who is about to take the mark away has not seen this change.
            database.labels_due.replace(known, replace(known, stamp=known.stamp.moved(None, at=now())))


def mark_users(database: Database, caller: Caller, library: Library, schema_id: str, *, now: Clock) -> None:
    """As `mark`, of the datasets whose schemas are, or are made of, this resource of the sandbox's library."""
    resource = library.resources.get(schema_id)
    if resource is None:
        return
    those = [resource, *library.dependents(resource)]
    schemas = [one for one in those if one.kind is SchemaKind.SCHEMAS]
    ids = [dataset.id for schema in schemas for dataset in datasets_of(database, caller.scope, schema)]
    mark(database, caller, ids, now=now)
