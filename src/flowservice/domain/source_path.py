"""How a mapping names a column of a flat source."""

import re
from typing import Final

_NAME: Final = r"(?:[^\W\d]|\$)(?:\w|\$)*"
_PATH: Final = re.compile(rf"{_NAME}(?:\\?\.{_NAME})*")
_QUOTED: Final = re.compile(r"\$\{((?:[^{}\\]|\\.)+)\}")
_LITERAL: Final = re.compile(r"[\w $.:@#/-]+")
_ESCAPED: Final = re.compile(r"\\(.)")


def column_of(source: str) -> str | None:
    """The column that a plain path names; None where `source` is more than a path.

    `OrderId`, `${First Name}` and `First\\.Name` name one column each. A flat source has no levels, so the dots of
    `Full.Name` belong to the name.
    """
    if _PATH.fullmatch(source):
        return _ESCAPED.sub(r"\1", source)
    if quoted := _QUOTED.fullmatch(source):
        return _ESCAPED.sub(r"\1", quoted[1])
    return None


def quoted(column: str) -> str:
    """How a mapping names a column that it takes as it is."""
    if literal_column(column) == column:
        return column
    return "${" + re.sub(r"([{}\\])", r"\\\1", column) + "}"


def literal_column(source: str) -> str | None:
    """The same where the author said that it is a column: blanks, dashes and slashes then need no quoting."""
    return column_of(source) or (source if _LITERAL.fullmatch(source) else None)
