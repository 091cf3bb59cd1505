"""Names that labels and marketing actions go by: each is unique in its sandbox, and never changes.

What a name may look like is documented nowhere. Lists of labels have commas between them, and a slash stands between a
label's kind and its name, so neither can be part of one.
"""

import re
from typing import Final

from flowservice.domain.identity import Scope
from flowservice.errors import BadField

MAX_NAME: Final = 100
_NAME: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_. -]{0,98}[A-Za-z0-9_.-])?")


def checked_name(name: str) -> str:
    """`name`, if it may be one. Raises BadField."""
    if not _NAME.fullmatch(name):
        raise BadField(
            f"name: 1 to {MAX_NAME} letters (A to Z), digits, underscores, full stops, hyphens and inner blanks",
            advice="For example LOYALTY_2.",
        )
    return name


def check_same(name: str, path_name: str) -> None:
    """Return if body and path name the same. Raises BadField."""
    if name != path_name:
        raise BadField(
            "name: it is not the one in the path, and names never change",
            advice="Send the same name in both places; another name makes another resource.",
        )


def id_in(scope: Scope, name: str) -> str:
    """What is stored under that name in that sandbox has this id, so that a name is taken once."""
    return f"{scope.sandbox_id}/{name}"
