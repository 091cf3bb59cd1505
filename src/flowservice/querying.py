"""`flowservice sql`: queries over what has landed, as the operator who owns the home."""

from collections.abc import Sequence
from typing import Any, Final, TextIO

from flowservice.adapters.duckdb import FORMATS, LakeSql, write
from flowservice.app import App
from flowservice.domain.dataset import Dataset
from flowservice.domain.identity import Scope
from flowservice.domain.query import Condition, Operator, Query
from flowservice.domain.xdm_arrow import arrow_schema
from flowservice.engine.landing import QUARANTINE, data_schema
from flowservice.errors import BadQuery, Invalid, NotFound
from flowservice.operating import scope_of
from flowservice.settings import Settings

_QUARANTINE: Final = "-quarantine"
"""What follows a dataset's id or name to mean the rows that were rejected on the way into it."""


def run(settings: Settings, sql: str, *, sandbox: str, output: str, to: TextIO) -> None:
    """Print the result of `sql`. Raises NotFound, BadQuery, and what `LakeSql.run` raises."""
    if output not in FORMATS:
        raise BadQuery(f"the format {output} is unknown", advice=f"Use one of {', '.join(sorted(FORMATS))}.")
    if not settings.home.is_dir():
        raise NotFound(f"{settings.home} does not exist", advice="Start the service once: flowservice serve.")
    app = App(settings)
    try:
        scope = scope_of(app, sandbox)
        write(LakeSql().run(sql, lambda name: _table(app, scope, name)), output, to)
    finally:
        app.database.engine.dispose()


def _table(app: App, scope: Scope, name: str) -> Any:
    """The table of a dataset, or with the suffix that of its rejected rows. Before anything landed: empty."""
    dataset = _dataset(app, scope, name)
    if dataset is not None:
        landed = app.lake.dataset(dataset.table)
        return landed if landed is not None else data_schema(arrow_schema(app.tree(dataset))).empty_table()
    dataset = _dataset(app, scope, name.removesuffix(_QUARANTINE)) if name.endswith(_QUARANTINE) else None
    if dataset is not None:
        rejected = app.lake.dataset(dataset.quarantine)
        return rejected if rejected is not None else QUARANTINE.empty_table()
    raise NotFound(f"there is no dataset {name[:200]!r} in the sandbox {scope.sandbox_name}", advice=_known(app, scope))


def _dataset(app: App, scope: Scope, name: str) -> Dataset | None:
    found = _named(app, scope, "id", name) or _named(app, scope, "name", name)
    if len(found) > 1:
        ids = ", ".join(dataset.id for dataset in found)
        raise Invalid(f"{len(found)} datasets are named {name[:200]!r}", advice=f"Use an id instead: {ids}.")
    return found[0] if found else None


def _named(app: App, scope: Scope, field: str, value: str) -> Sequence[Dataset]:
    condition = Condition(path=(field,), operator=Operator.EQ, values=(value,))
    return app.database.datasets.list(scope, Query(conditions=(condition,))).items


def _known(app: App, scope: Scope) -> str:
    names = [f'"{dataset.name}"' for dataset in app.database.datasets.list(scope, Query(limit=10)).items]
    return f"The newest are {', '.join(names)}." if names else "No dataset was created yet."
