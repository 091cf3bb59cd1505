"""`flowservice sql`: a query over the lake, as the operator who owns the home."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TextIO

from flowservice.adapters.duckdb import FORMATS, LakeSql, write
from flowservice.app import App, read_credentials
from flowservice.domain.dataset import Dataset
from flowservice.domain.identity import Scope
from flowservice.domain.query import Condition, Operator, Query
from flowservice.domain.xdm_arrow import arrow_schema
from flowservice.engine.landing import QUARANTINE, data_schema
from flowservice.errors import Invalid, NotFound
from flowservice.settings import Settings

_QUARANTINE: Final = "-quarantine"
"""Ending of a table's name that asks for the rejected rows of a dataset."""


def run(settings: Settings, query: str, *, sandbox: str, output: str, to: TextIO) -> None:
    """Print the result of `query` over the datasets of the sandboxes of that name. Raises Invalid, NotFound."""
    if output not in FORMATS:
        raise Invalid(f"there is no format {output[:40]!r}", advice=f"Formats: {', '.join(FORMATS)}.")
    # Tells a home that was never started from one that was, without making anything.
    read_credentials(settings.credentials_path)
    app = App(settings)
    write(LakeSql().run(query, Tables(app, _scopes(app, sandbox))), output, to)


@dataclass(frozen=True, slots=True)
class Tables:
    """Finds the table that a name in a query means."""

    app: App
    scopes: Sequence[Scope]

    def __call__(self, name: str) -> Any:
        """The rows of a dataset by id or name; with `-quarantine` behind it, its rejected rows."""
        try:
            dataset, rejects = self._dataset(name), False
        except NotFound:
            if not name.endswith(_QUARANTINE):
                raise
            dataset, rejects = self._dataset(name.removesuffix(_QUARANTINE)), True
        table = self.app.lake.dataset(dataset.quarantine if rejects else dataset.table)
        if table is not None:
            return table
        # Nothing has landed yet: the columns are known all the same.
        schema = QUARANTINE if rejects else data_schema(arrow_schema(self.app.tree(dataset)))
        return schema.empty_table()

    def _dataset(self, name: str) -> Dataset:
        named = Query(conditions=(Condition(path=("name",), operator=Operator.EQ, values=(name,)),), limit=10)
        found: list[Dataset] = []
        for scope in self.scopes:
            try:
                return self.app.database.datasets.get(scope, name)
            except NotFound:
                found += self.app.database.datasets.list(scope, named).items
        if not found:
            raise NotFound(
                f"there is no dataset {name[:100]!r} in this sandbox",
                advice="Name it by its id or name in double quotes; another sandbox is chosen with --sandbox.",
            )
        if len(found) > 1:
            ids = ", ".join(sorted(dataset.id for dataset in found))
            raise Invalid(f"several datasets have the name {name[:100]!r}", advice=f"Use the id of one: {ids}.")
        return found[0]


def _scopes(app: App, sandbox: str) -> Sequence[Scope]:
    """The sandboxes of that name, one an organisation at most."""
    tenancy = app.database.tenancy
    scopes = [known.scope for org in tenancy.orgs() for known in tenancy.sandboxes(org.id) if known.name == sandbox]
    if not scopes:
        raise NotFound(f"there is no sandbox {sandbox[:100]!r}", advice="The first one is called prod.")
    return scopes
