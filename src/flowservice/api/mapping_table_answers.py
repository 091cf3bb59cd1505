"""What reading and writing tables of mappings answers, for the API's own document."""

from typing import Literal

from pydantic import Field

from flowservice.api.answers import Answer


class Rule(Answer):
    """A mapping, as a set takes it."""

    source_type: Literal["ATTRIBUTE", "EXPRESSION", "STATIC"]
    source: str
    destination: str
    on_error: Literal["warn", "reject"]
    name: str
    description: str
    identity: bool
    identity_group: str | None
    namespace_code: str | None


class Rules(Answer):
    """The mappings of a table, in its order."""

    mappings: list[Rule]


class Table(Answer):
    """A table."""

    table: str = Field(description="CSV, as RFC 4180 has it.")
