"""Why a flow needs a look, as JSON."""

from typing import Any

from flowservice.domain.hindrance import Hindrance
from flowservice.domain.run import Reason


def reason_json(reason: Reason | None) -> dict[str, Any] | None:
    """Why a run did not land all."""
    if reason is None:
        return None
    error, rejection = reason.error, reason.rejection
    return {
        "error": None if error is None else {"code": error.code, "message": error.message, "advice": error.advice},
        "rejection": None
        if rejection is None
        else {
            "code": rejection.code,
            "field": rejection.field,
            "message": rejection.message,
            "count": rejection.count,
        },
        "rejectionKinds": reason.rejection_kinds,
    }


def hindrance_json(hindrance: Hindrance | None) -> dict[str, Any] | None:
    """What is in the way of a flow that is late."""
    if hindrance is None:
        return None
    return {"code": hindrance.code, "message": hindrance.message, "advice": hindrance.advice}
