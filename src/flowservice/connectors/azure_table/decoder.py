"""Pages of entities to Arrow.

Types come from the `@odata.type` annotations of `minimalmetadata`, before or behind their value:

| Edm | JSON | Arrow |
| --- | --- | --- |
| String | string | string |
| Int32, Int64 | integer, or a string of one | int32, int64 |
| Double | number, or a string of one; `"NaN"`, `"Infinity"`, `"-Infinity"` | float64 |
| Boolean | `true`, `false`, or a string of these | bool |
| DateTime | `YYYY-MM-DDTHH:MM:SS`, 0 to 9 fraction digits, `Z` or an offset or neither | timestamp[us, UTC], cut |
| Guid | string | string, lower case |
| Binary | base64 with padding | binary |

Without annotation, or with one that is not known, the JSON tells: a string, true or false, a number with point or
exponent (Double), an integer (Int32; Int64 beyond it, Azurite does so; Double beyond that); `Timestamp` is a DateTime.
A column with several Edm types in a batch is canonical text (`sdk.to_text`), except that Int32 and Int64 together are
Int64. Null is no value. Half a surrogate pair, which UTF-16 can hold and UTF-8 cannot, becomes U+FFFD.

Two decoders do all this, value for value the same: the native one (`native/`) and, where that is not built, the
portable one.
Source: learn.microsoft.com/rest/api/storageservices/payload-format-for-table-service-operations
"""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol, TypeAlias

import pyarrow as pa

from flowservice.connectors.azure_table import native
from flowservice.connectors.azure_table.portable import PortableDecoder

Body: TypeAlias = bytes | memoryview
"""The bytes of a page, not compressed."""


class Decoder(Protocol):
    """Collects pages into one batch after the other. Not to be used from two threads at a time."""

    @property
    def rows(self) -> int:
        """Entities since the last batch."""

    @property
    def last_key(self) -> tuple[str, str] | None:
        """PartitionKey and RowKey of the last of them; None if there is none, or it has no such keys."""

    def add(self, body: Body) -> int:
        """Append the entities of a page; how many.

        Raises BrokenPage if it is cut, garbled, no page, or holds what no table can; Drifted if a value is not what its
        annotation states; OversizedPage if the batch would be too large with it. Then nothing of the page is kept.
        """

    def batch(self) -> pa.RecordBatch:
        """All rows since the last batch, in their order, as `columns.to_batch` has them."""


def new_decoder(*, columns: Sequence[str] | None = None, declared: Mapping[str, str] | None = None) -> Decoder:
    """The best decoder that is there.

    Args:
        columns: properties to decode, whatever else a page has; None: all.
        declared: Edm types of properties by name, for values that come without annotation (`nometadata`).
    """
    best = PortableDecoder if native.VERSION is None else native.NativeDecoder
    return best(columns=columns, declared=declared)


IN_USE: Final = "portable" if native.VERSION is None else f"native {native.VERSION}"
"""Which decoder `new_decoder` makes."""
