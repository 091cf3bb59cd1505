"""SQL over the lake: what it finds, what it hides, what it refuses, and how it prints."""

import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, Schema

from flowservice.adapters.delta import DeltaLake, Folder
from flowservice.adapters.duckdb import FORMATS, LakeSql, write
from flowservice.domain.dataset import TableRef
from flowservice.errors import Invalid, NotFound

TABLE = TableRef(sandbox_id="s", dataset_id="d")
SCHEMA = pa.schema(
    [
        ("n", pa.int64()),
        ("person", pa.struct([("name", pa.struct([("fullName", pa.string())]))])),
        ("identityMap", pa.map_(pa.string(), pa.list_(pa.struct([("id", pa.string())])))),
        ("at", pa.timestamp("us", "UTC")),
        ("_flowservice", pa.struct([("batchId", pa.string()), ("ingestedAt", pa.timestamp("us", "UTC"))])),
    ]
)
AT = datetime(2026, 1, 2, 3, 4, 5, 600000, UTC)
ROWS = [
    {
        "n": 2**53 + n,
        "person": {"name": {"fullName": f"name {n}"}},
        "identityMap": [("email", [{"id": "x"}])],
        "at": AT,
        "_flowservice": {"batchId": "b1", "ingestedAt": AT},
    }
    for n in range(3)
]


@pytest.fixture
def resolve(tmp_path: Path) -> Any:
    lake = DeltaLake(Folder(tmp_path))
    lake.prepare(TABLE, SCHEMA)
    writer = lake.writer(TABLE, "run=1/0.parquet", SCHEMA)
    writer.write(pa.Table.from_pylist(ROWS, SCHEMA))
    lake.commit(TABLE, [writer.close()], app_id="f", number=1, note={})

    def find(name: str) -> Any:
        if name in ("65f0c1d2", "My dataset", 'odd "name".x'):
            return lake.dataset(TABLE)
        if name == "empty":
            return SCHEMA.empty_table()
        raise NotFound(f"no dataset {name}")

    return find


def ask(sql: str, resolve: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = LakeSql().run(sql, resolve).read_all().to_pylist()
    return rows


@pytest.mark.parametrize("name", ['"65f0c1d2"', '"My dataset"', '"odd ""name"".x"'])
def test_a_dataset_is_a_table_by_id_or_name(resolve: Any, name: str) -> None:
    assert ask(f"SELECT count(*) AS rows FROM {name}", resolve) == [{"rows": 3}]


def test_nested_fields_are_reached_by_dots(resolve: Any) -> None:
    sql = "SELECT person.name.fullName AS who FROM \"My dataset\" WHERE person.name.fullName LIKE '%1'"
    assert ask(sql, resolve) == [{"who": "name 1"}]


def test_the_system_column_shows_only_when_it_is_asked_for(resolve: Any) -> None:
    assert "_flowservice" not in ask('SELECT * FROM "65f0c1d2"', resolve)[0]
    assert ask('SELECT DISTINCT _flowservice.batchId AS b FROM "65f0c1d2"', resolve) == [{"b": "b1"}]
    assert "_flowservice" not in [row["column_name"] for row in ask('DESCRIBE "65f0c1d2"', resolve)]


def test_joins_common_table_expressions_and_empty_tables(resolve: Any) -> None:
    sql = """
        WITH few AS (SELECT n FROM "65f0c1d2" LIMIT 2)
        SELECT count(*) AS rows FROM few JOIN "My dataset" USING (n) WHERE n NOT IN (SELECT n FROM empty)
    """
    assert ask(sql, resolve) == [{"rows": 2}]
    assert ask("SELECT * FROM empty", resolve) == []


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ('SELECT nope FROM "65f0c1d2"', "nope"),
        ("SELEC", "syntax error"),
        ("SELECT 1; SELECT 2", "one statement"),
        ("", "one statement"),
        ("SELECT * FROM x.y", "several parts"),
        ("SELECT * FROM read_csv('/etc/passwd')", "disabled"),
        ("SELECT * FROM '/etc/passwd'", "no dataset"),
        ("COPY (SELECT 1) TO '/tmp/x.csv'", "SELECT"),
        ("CREATE TABLE t (n int)", "SELECT"),
        ("ATTACH '/tmp/x.db'", "SELECT"),
        ('SELECT CAST(person.name.fullName AS int) FROM "65f0c1d2"', "Could not convert"),
        ("SELECT * FROM unknown", "no dataset unknown"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_reason(resolve: Any, sql: str, message: str) -> None:
    with pytest.raises((Invalid, NotFound), match=message):
        ask(sql, resolve)


def test_an_error_in_the_middle_of_a_result_is_one_of_ours() -> None:
    sql = "SELECT CAST(CASE WHEN range = 900000 THEN 'x' ELSE '1' END AS int) AS n FROM range(1000000)"
    with pytest.raises(Invalid, match="Could not convert"):
        ask(sql, None)


def printed(table: pa.Table, format_name: str) -> str:
    out = io.StringIO()
    assert write(table.to_reader(), format_name, out) == table.num_rows
    return out.getvalue()


VALUES = {
    "int": 2**63 - 1,
    "decimal": Decimal("1.50"),
    "nan": float("nan"),
    "inf": float("-inf"),
    "text": 'a "b", ü\n\x1b[31m',
    "bytes": b"\x00\xff",
    "at": AT,
    "day": date(2026, 1, 2),
    "flag": True,
    "none": None,
    "nested": {"list": [1, None], "at": AT},
}


def test_ndjson_is_rows_alone_with_exact_values() -> None:
    line = printed(pa.Table.from_pylist([VALUES]), "ndjson")
    assert line.count("\n") == 1
    assert '"decimal":1.50' in line
    assert json.loads(line) == {
        **VALUES,
        "decimal": 1.5,
        "nan": "NaN",
        "inf": "-Infinity",
        "bytes": "AP8=",
        "at": "2026-01-02T03:04:05.600000Z",
        "day": "2026-01-02",
        "nested": {"list": [1, None], "at": "2026-01-02T03:04:05.600000Z"},
    }


def test_a_map_is_an_object(resolve: Any) -> None:
    out = io.StringIO()
    write(LakeSql().run('SELECT identityMap FROM "65f0c1d2" LIMIT 1', resolve), "ndjson", out)
    assert json.loads(out.getvalue()) == {"identityMap": {"email": [{"id": "x"}]}}


def test_sums_of_integers_are_json_integers(resolve: Any) -> None:
    out = io.StringIO()
    write(LakeSql().run('SELECT sum(n) AS s FROM "65f0c1d2"', resolve), "ndjson", out)
    assert out.getvalue() == f'{{"s":{3 * 2**53 + 3}}}\n'


def test_csv_has_a_header_and_nothing_for_null() -> None:
    table = pa.table({"a": [1, None], "b": ['x "y"', ""], "c": [{"k": 1}, None]})
    assert printed(table, "csv") == 'a,b,c\n1,"x ""y""","{""k"":1}"\n,,\n'


def test_a_table_is_aligned_counts_its_rows_and_leaves_the_terminal_alone() -> None:
    table = pa.table({"name": ["Ada", "\x1b[31mred"], "n": [1, 22]})
    assert printed(table, "table").splitlines() == [
        "name         n",
        "-----------  --",
        "Ada          1",
        "\\x1b[31mred  22",
        "(2 rows)",
    ]


@pytest.mark.parametrize("format_name", FORMATS)
def test_no_rows_print_no_rows(format_name: str) -> None:
    text = printed(pa.table({"n": pa.array([], pa.int64())}), format_name)
    assert text == {"ndjson": "", "csv": "n\n", "table": "n\n-\n(0 rows)\n"}[format_name]


@pytest.mark.parametrize(
    ("condition", "found"),
    [("t.k = '3'", 1), ("t.k > '7' AND n < 9", 1), ("x IN ('1', '2')", 2), ("x LIKE '1%'", 1), ("b = '5'::BLOB", 1)],
)
def test_a_table_that_delta_itself_rewrote_is_filtered_by_its_texts(tmp_path: Path, condition: str, found: int) -> None:
    schema = pa.schema(
        [("n", pa.int64()), ("x", pa.string()), ("t", pa.struct([("k", pa.string())])), ("b", pa.binary())]
    )
    rows = [{"n": n, "x": str(n), "t": {"k": str(n)}, "b": str(n).encode()} for n in range(10)]
    DeltaTable.create(str(tmp_path), schema=Schema.from_arrow(schema))
    merging = DeltaTable(str(tmp_path)).merge(
        pa.Table.from_pylist(rows, schema), "held.x = came.x", source_alias="came", target_alias="held"
    )
    merging.when_matched_update_all().when_not_matched_insert_all().execute()
    landed = DeltaTable(str(tmp_path)).to_pyarrow_dataset()
    assert LakeSql().run(f'SELECT * FROM "t" WHERE {condition}', lambda _: landed).read_all().num_rows == found
