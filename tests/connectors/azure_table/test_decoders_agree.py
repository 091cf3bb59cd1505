"""The native and the portable decoder make the same of anything: random pages, whole and broken, over many batches."""

from random import Random
from typing import Any

import pyarrow as pa
import pytest

from flowservice.connectors.azure_table import native
from flowservice.connectors.azure_table.decoder import Decoder
from flowservice.connectors.azure_table.native import NativeDecoder
from flowservice.connectors.azure_table.portable import PortableDecoder
from flowservice.errors import BrokenPage, Drifted
from tests.connectors.azure_table.random_pages import mutated, page

if native.VERSION is None:
    pytest.skip("the native decoder is not installed", allow_module_level=True)

OPTIONS: list[dict[str, Any]] = [
    {},
    {"columns": ["a", "Timestamp"]},
    {"columns": ["b", "PartitionKey"], "declared": {"b": "Edm.DateTime"}},
    {"declared": {"a": "Edm.Int64", "Timestamp": "Edm.String", "c": "Edm.Double", "RowKey": "Edm.Int32"}},
]


def outcome(decoder: Decoder, body: bytes) -> object:
    """How many entities were added, or the class of the error."""
    try:
        return decoder.add(body)
    except (BrokenPage, Drifted) as error:
        return type(error)


def agree(seed: int) -> int:
    """Give both decoders the same three batches of pages, and compare; how many pages were good."""
    rng = Random(seed)
    options = OPTIONS[seed % len(OPTIONS)]
    ours, theirs = NativeDecoder(**options), PortableDecoder(**options)
    good = 0
    for _ in range(3):
        pages = [page(rng) if rng.random() < 0.7 else mutated(rng, page(rng)) for _ in range(rng.randrange(1, 4))]
        # As a reader does, who asks again for a page that was refused.
        pages += [body for body in pages if rng.random() < 0.3]
        outcomes = [(outcome(ours, body), outcome(theirs, body)) for body in pages]
        assert [mine for mine, _ in outcomes] == [other for _, other in outcomes], pages
        good += sum(isinstance(mine, int) for mine, _ in outcomes)
        assert (ours.rows, ours.last_key) == (theirs.rows, theirs.last_key), pages
        assert_same(ours.batch(), theirs.batch(), pages)
    return good


def assert_same(mine: pa.RecordBatch, other: pa.RecordBatch, pages: list[bytes]) -> None:
    """Bit for bit: not a number is equal to itself here, and zero to no negative one."""
    mine.validate(full=True)
    assert mine.num_rows == other.num_rows, pages
    assert mine.schema.equals(other.schema, check_metadata=True), pages
    for left, right in zip(mine.columns, other.columns, strict=True):
        if pa.types.is_floating(left.type):
            left, right = left.view(pa.int64()), right.view(pa.int64())  # noqa: PLW2901
        assert left.equals(right), pages


@pytest.mark.parametrize("first", range(0, 4000, 1000))
def test_on_random_pages(first: int) -> None:
    assert sum(map(agree, range(first, first + 1000))) > 1000


@pytest.mark.fuzz
@pytest.mark.parametrize("first", range(10_000, 110_000, 10_000))
def test_on_half_a_million_random_pages(first: int) -> None:
    assert sum(map(agree, range(first, first + 10_000))) > 10_000
