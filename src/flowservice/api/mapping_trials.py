"""Data Prep: mapping sets and expressions tried without being kept, and the words of the language."""

from collections.abc import Mapping as JsonObject
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body

from flowservice.api import answers
from flowservice.api import mapping_trial_answers as told
from flowservice.api.calls import Calling
from flowservice.api.exploring import row_json
from flowservice.domain.expressions.operators import OPERATORS
from flowservice.domain.expressions.signatures import SIGNATURES, Parameter, Signature
from flowservice.domain.mapping_trial import MappingFault, TriedRow
from flowservice.errors import BadExpression, BadField, Error, MissingField
from flowservice.service.mapping_sets import MappingSets

BASE: Final = "/data/foundation/conversion"


def router(mapping_sets: MappingSets) -> APIRouter:
    """Validate, preview, and tell functions and operators."""
    routes = APIRouter(prefix=BASE, tags=["Data Prep"])

    @routes.post(
        "/mappingSets/validate", summary="Validate a mapping set", responses=answers.of(told.MappingSetValidation)
    )
    def validate(caller: Calling, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        """What is wrong with each mapping, in their order; the set is not kept."""
        return {"validationResponse": [_validation(fault) for fault in mapping_sets.validate(caller, body)]}

    @routes.post(
        "/mappingSets/preview", summary="Try a mapping set on rows", responses=answers.of(told.MappingSetPreview)
    )
    def preview(caller: Calling, body: Annotated[dict[str, Any], Body()]) -> list[dict[str, Any]]:
        """What `mappingSet` makes of the rows of `data` (one row, or up to 200 in a list); the set is not kept."""
        rows, sent = _rows(body), body.get("mappingSet")
        if not isinstance(sent, JsonObject):
            raise MissingField("mappingSet is missing", advice="Send the mapping set as a JSON object.")
        _, tried = mapping_sets.preview(caller, sent, rows)
        return [_tried(row) for row in tried]

    @routes.get(
        "/languages/el/functions", summary="List the functions of expressions", responses=answers.of(told.Functions)
    )
    def functions() -> list[dict[str, Any]]:
        """Every function that expressions know, with an example each."""
        return [_function(signature) for name, signature in SIGNATURES.items() if name == signature.name]

    @routes.get(
        "/languages/el/operators", summary="List the operators of expressions", responses=answers.of(told.Operators)
    )
    def operators() -> list[dict[str, Any]]:
        """Every operator that expressions know."""
        return [
            {
                "operatorSymbol": operator.symbol,
                "methodName": operator.name,
                "numberOfOperands": operator.operands,
                "description": operator.description,
                "example": operator.example,
            }
            for operator in OPERATORS
        ]

    @routes.post(
        "/languages/el/validate", summary="Validate an expression", responses=answers.of(told.ExpressionValidation)
    )
    def validate_expression(caller: Calling, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        """Whether a mapping may have `expression`: its syntax, and that its functions exist and take what they are
        given. A `mappingSetId` has to be that of a set."""
        expression = body.get("expression")
        if not isinstance(expression, str):
            raise MissingField("expression is missing", advice="Send the expression as a text.")
        set_id = body.get("mappingSetId")
        if set_id is not None and not isinstance(set_id, str):
            raise BadField("mappingSetId must be text")
        try:
            mapping_sets.check_expression(caller, expression, set_id)
        except BadExpression as error:
            return {"validationStatus": "failed", "error": error.message, "advice": error.advice}
        return {"validationStatus": "succeeded", "error": "none"}

    return routes


def _rows(body: JsonObject[str, Any]) -> list[JsonObject[str, Any]]:
    data = body.get("data")
    if data is None:
        raise MissingField("data is missing", advice="Send a row, or a list of rows.")
    rows = data if isinstance(data, list) else [data]
    if not all(isinstance(row, JsonObject) for row in rows):
        raise BadField("data must be a row (a JSON object) or a list of rows")
    return rows


def _validation(fault: Error | None) -> dict[str, Any]:
    if fault is None:
        return {"status": "SUCCESS", "errors": None}
    return {"status": "FAILED", "errors": [{"code": fault.code, "message": fault.message, "advice": fault.advice}]}


def _tried(row: TriedRow) -> dict[str, Any]:
    return {"data": row_json(row.data), "errors": [_fault(fault) for fault in row.faults] or None}


def _fault(fault: MappingFault) -> dict[str, Any]:
    mapping = fault.mapping
    return {
        "source": None if mapping is None else mapping.source,
        "destination": fault.destination,
        "columnName": None if mapping is None else mapping.column,
        "sourceType": None if mapping is None else mapping.source_type,
        "exception": fault.message,
    }


_JAVA: Final = {
    "string": "java.lang.String",
    "integer": "java.lang.Integer",
    "long": "java.lang.Long",
    "boolean": "java.lang.Boolean",
    "double": "java.lang.Double",
    "float": "java.lang.Float",
    "big integer": "java.math.BigInteger",
    "datetime": "java.time.ZonedDateTime",
    "null": "java.lang.Void",
}
"""The classes that clients of Data Prep read."""


def _java(kind: str) -> str:
    plain = kind.removesuffix("|null")
    if plain.startswith("array"):
        return "java.util.List"
    if plain.startswith(("map", "object")):
        return "java.util.Map"
    return _JAVA.get(plain, "java.lang.Object")


def _function(signature: Signature) -> dict[str, Any]:
    return {
        "category": signature.category,
        "function": signature.name,
        "aliases": list(signature.aliases),
        "description": signature.description,
        "syntax": signature.syntax,
        "returns": signature.returns,
        "returnType": _java(signature.returns),
        "example": signature.example,
        "result": signature.result,
        "params": [_parameter(parameter, at) for at, parameter in enumerate(signature.parameters)],
    }


def _parameter(parameter: Parameter, at: int) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "description": "Any number of these." if parameter.is_variadic else "",
        "type": "REQUIRED" if parameter.is_required else "OPTIONAL",
        "dataType": _java(parameter.kind),
        "position": at,
    }
