"""How many rows does a set of twenty mappings take, of which eight are calculated, and how many an interpreter of rows?

    python -m benchmarks.map_expressions

The interpreter is the one that the tests hold the columns against: plain Python, a row at a time. It computes the eight
calculated fields alone; the columns land all twenty, validated. A second table tells functions one by one.
"""

import itertools
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pyarrow as pa

from flowservice.domain.expressions.parsing import parse
from flowservice.domain.mapping import Mapping, MappingKind, MappingVersion
from flowservice.domain.xdm_tree import tree_of
from flowservice.engine.expressions import Scope, source_column, values
from flowservice.engine.mapping import Mapper
from tests.expressions.kinds import LOOSE
from tests.expressions.oracle import Oracle

BATCH_ROWS: Final = 50_000
INTERPRETED_ROWS: Final = 2_000
ATLEAST_S: Final = 2.0
_BATCHES: Final = 40
TIMES: Final = 20
"""What is claimed: so many times the interpreter's rows a second."""
CALCULATED: Final = {
    "fullName": 'concat(first, " ", last)',
    "day": 'format(date(at), "yyyy-MM-dd")',
    "size": 'iif(cents > 50000, "large", iif(cents > 5000, "medium", "small"))',
    "isMail": 'matches_regex(mail, "[^@]+@[^@]+")',
    "tags": 'join(",", split(words, " "))',
    "total": "cents / 100.0 + 1",
    "place": 'to_object("city", city, "zip", upper(zip))',
    "year": 'date_part("yyyy", date(at))',
}
_SOURCE: Final = ("first", "last", "at", "cents", "mail", "words", "city", "zip", "a", "b", "c", "d")
_EACH: Final = (
    'concat(first, " ", last)', "lower(mail)", "substr(mail, 2, 5)", 'replacestr(words, " ", "-")', 'split(words, " ")',
    'explode(words, "[ ]+")', 'extract_regex(mail, "([^@]+)@(.+)")', "sha256(mail)", "cents + 1", "cents * 2 / 3",
    "iif(cents > 5000, first, last)", 'decode(city, "Rome", 1, "Oslo", 2, 0)', "coalesce(a, b)", "date(at)",
    'format(date(at), "dd.MM.yyyy HH:mm")', 'set_date_part("m", 4, date(at))', "to_integer(cents)", "min(a, b, c)",
    'transformArray(split(words, " "), x -> upper(x))', 'json_to_object(d).k', 'str_to_object(d, ":", ",").get("k")',
    'get_url_host(concat("https://", city, "/"))',
)  # fmt: skip


def run() -> list[str]:
    """Print both tables; what misses the claim."""
    batch = _batch()
    mapper = _mapper()
    ours = _rate(lambda: mapper.apply(batch), batch.num_rows)
    rows = batch.slice(0, INTERPRETED_ROWS).to_pylist()
    oracles = [Oracle(source, dict.fromkeys(_SOURCE, LOOSE)) for source in CALCULATED.values()]
    theirs = _rate(lambda: [oracle.evaluate(row) for row in rows for oracle in oracles], len(rows))
    print(f"{'20 mappings, 8 calculated':<60}{'rows/s':>12}")
    print(f"{'columns, all 20, validated':<60}{ours:>12,.0f}")
    print(
        f"{'the same, two batches at a time':<60}{_side_by_side(lambda: mapper.apply(batch), batch.num_rows):>12,.0f}"
    )
    print(f"{'interpreter, the 8 alone':<60}{theirs:>12,.0f}")
    print(f"{'times':<60}{ours / theirs:>12.0f}\n")
    print(f"{'one expression':<60}{'rows/s':>12}")
    for source in _EACH:
        print(f"{source:<60}{_rate(lambda source=source: _evaluated(source, batch), batch.num_rows):>12,.0f}")  # type: ignore[misc]
    return [] if ours >= TIMES * theirs else [f"{ours / theirs:.0f} times the interpreter, not {TIMES}"]


def _evaluated(source: str, batch: pa.RecordBatch) -> None:
    columns = {name: source_column(batch.column(name)) for name in _SOURCE if name in source}
    values(parse(source), Scope(batch.num_rows, columns))


def _batch() -> pa.RecordBatch:
    number = range(BATCH_ROWS)
    cities = list(itertools.islice(itertools.cycle(("Rome", "Oslo", "Lima", "Pune", "Graz")), BATCH_ROWS))
    columns: dict[str, Any] = {
        "first": [f"First{n % 977}" for n in number],
        "last": [f"Last{n % 1_009}" for n in number],
        "at": [f"2024-{n % 12 + 1:02}-{n % 28 + 1:02}T{n % 24:02}:{n % 60:02}:00Z" for n in number],
        "cents": [n * 37 % 100_000 for n in number],
        "mail": [f"user{n}@mail{n % 50}.example" for n in number],
        "words": [f"red blue w{n % 300} green" for n in number],
        "city": cities,
        "zip": [f"x{n % 90_000:05}" for n in number],
        "a": [n if n % 3 else None for n in number],
        "b": [n * 1.5 for n in number],
        "c": [n % 17 for n in number],
        "d": [f'{{"k":{n}}}' for n in number],
    }
    return pa.RecordBatch.from_pydict(columns)


def _mapper() -> Mapper:
    text, number = {"type": "string"}, {"type": "number"}
    place = {"type": "object", "properties": {"city": text, "zip": text}}
    types: dict[str, Any] = {
        "place": place,
        "total": number,
        "isMail": {"type": "boolean"},
        "year": {"type": "integer"},
    }
    plain = {name: name for name in _SOURCE}
    feeds = {**{f"own.{name}": source for name, source in plain.items()}, **CALCULATED}
    schema = {
        "type": "object",
        "properties": {
            "own": {"type": "object", "properties": dict.fromkeys(plain, text)},
            **{name: types.get(name, text) for name in CALCULATED},
        },
    }
    mappings = tuple(
        Mapping(
            id="",
            kind=MappingKind.EXPRESSION if path in CALCULATED else MappingKind.ATTRIBUTE,
            source_type="",
            source=source,
            destination=path,
        )
        for path, source in feeds.items()
    )
    return Mapper(MappingVersion(version=0, schema_id="", schema_content_type="", mappings=mappings), tree_of(schema))


def _side_by_side(work: Callable[[], object], rows: int) -> float:
    """Rows a second of two threads, as the readers of a run map their batches."""
    with ThreadPoolExecutor(2) as threads:
        started = time.perf_counter()
        list(threads.map(lambda _: work(), range(_BATCHES)))
        return rows * _BATCHES / (time.perf_counter() - started)


def _rate(work: Callable[[], object], rows: int) -> float:
    """Rows a second."""
    work()
    times, started = 0, time.perf_counter()
    while time.perf_counter() - started < ATLEAST_S:
        work()
        times += 1
    return rows * times / (time.perf_counter() - started)


if __name__ == "__main__":
    sys.exit(1 if run() else 0)
