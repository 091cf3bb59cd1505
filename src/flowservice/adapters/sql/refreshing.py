"""Search rows of an older form, or of a store that had none, made anew."""

from typing import Any, Final

import sqlalchemy as sa

from flowservice.adapters.sql import tables
from flowservice.adapters.sql.migrate import alone
from flowservice.adapters.sql.resources import SqlStore
from flowservice.adapters.sql.search_rows import Search

_AT_ONCE: Final = 500
"""Rows a transaction, so that nobody waits long for the locks."""


def refresh(store: SqlStore[Any]) -> int:
    """Bring a store's search table to the form of this version; how many rows were written. May be repeated."""
    search = store.search
    if search is None or _number(store, search) == search.form.number:
        return 0
    written, last = 0, ""
    while True:
        some = _some(store, search, last)
        if some is None:
            break
        written, last = written + some[0], some[1]
    with store.connect() as connection:
        alone(connection)
        forms = tables.search_forms
        connection.execute(forms.delete().where(forms.c.name == search.table.name))
        connection.execute(forms.insert().values(name=search.table.name, number=search.form.number))
    return written


def _number(store: SqlStore[Any], search: Search[Any]) -> int | None:
    forms = tables.search_forms
    with store.connect() as connection:
        number: int | None = connection.execute(
            sa.select(forms.c.number).where(forms.c.name == search.table.name)
        ).scalar_one_or_none()
    return number


def _some(store: SqlStore[Any], search: Search[Any], last: str) -> tuple[int, str] | None:
    """The next rows in the order of their ids: how many, and the last of them; None at the end."""
    table = store.table
    with store.connect() as connection:
        # Two that start at once may both be at it, and each writes the same.
        alone(connection)
        ids = sa.select(table.c.id).where(table.c.id > last).order_by(table.c.id).limit(_AT_ONCE)
        some = list(connection.execute(ids).scalars())
        if not some:
            return None
        # The first write takes SQLite's lock, the reading one those of PostgreSQL: nobody changes a resource between
        # the reading of it and the writing of its row.
        connection.execute(search.table.delete().where(search.table.c.id.in_(some)))
        documents = connection.execute(sa.select(table.c.document).where(table.c.id.in_(some)).with_for_update())
        rows = [search.new_row(store.adapter.validate_python(document)) for document in documents.scalars()]
        if rows:
            connection.execute(search.table.insert(), rows)
    return len(rows), some[-1]
