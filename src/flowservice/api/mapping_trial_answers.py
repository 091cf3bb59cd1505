"""What trying mappings and expressions answers, for the API's own document."""

from typing import Any, Literal

from pydantic import Field, RootModel

from flowservice.api.answers import Answer


class MappingProblem(Answer):
    """Why a mapping cannot be applied."""

    code: str
    message: str
    advice: str


class MappingValidation(Answer):
    """One mapping."""

    status: Literal["SUCCESS", "FAILED"]
    errors: list[MappingProblem] | None


class MappingSetValidation(Answer):
    """One for each mapping, in their order."""

    validation_response: list[MappingValidation]


class RowProblem(Answer):
    """What went wrong with a field of a row."""

    source: str | None = Field(description="Column or expression; null for a field that no mapping feeds.")
    destination: str
    column_name: str | None
    source_type: str | None
    exception: str


class PreviewedRow(Answer):
    """A row as it would land; without fields where it would be rejected."""

    data: dict[str, Any]
    errors: list[RowProblem] | None


class MappingSetPreview(RootModel[list[PreviewedRow]]):
    """One for each row, in their order."""


class FunctionParameter(Answer):
    """What a function takes."""

    name: str
    description: str
    type: Literal["REQUIRED", "OPTIONAL"]
    data_type: str = Field(description="As a class of Java.")
    position: int


class Function(Answer):
    """A function of expressions."""

    category: str
    function: str
    aliases: list[str]
    description: str
    syntax: str
    returns: str
    return_type: str = Field(description="As a class of Java.")
    example: str
    result: Any = Field(description="Of the example.")
    params: list[FunctionParameter]


class Functions(RootModel[list[Function]]):
    """All functions."""


class Operator(Answer):
    """An operator of expressions."""

    operator_symbol: str
    method_name: str
    number_of_operands: int
    description: str
    example: str


class Operators(RootModel[list[Operator]]):
    """All operators."""


class ExpressionValidation(Answer):
    """Whether it is one."""

    validation_status: Literal["succeeded", "failed"]
    error: str = Field(description="`none`, or what is wrong, and at which character.")
    advice: str | None = None


class SuggestedMapping(Answer):
    """A mapping that is proposed, as a mapping set takes it."""

    source_type: Literal["ATTRIBUTE"]
    source: str
    destination: str
    source_attribute: str
    destination_xdm_path: str
    match_score: float = Field(description="Confidence from 0 to 1; nothing below 0.55 is proposed.")
    reason: str = Field(description="`same name`, `similar name` or `mapped so in 3 mapping sets`.")


class MappingSuggestion(Answer):
    """A mapping set that is not kept: look it over, and send it."""

    output_schema: dict[str, Any]
    xdm_schema: str
    xdm_version: str
    mappings: list[SuggestedMapping]
    unmapped: list[str] = Field(description="Columns without a suggestion, if `excludeUnmapped` is false; else empty.")
