"""While the control store does not answer, callers are told to come again."""

from flowservice.api.problems import problem, status_of
from flowservice.errors import StoreUnavailable


def test_it_is_a_503_with_a_code_of_its_own() -> None:
    error = StoreUnavailable("the control store did not answer: database is locked", advice="Try again.")
    answer = problem(error, path="/data/foundation/flowservice/flows", request_id="r")
    assert (status_of(error), answer.status_code) == (503, 503)
    assert b"FLOW-1103-503" in bytes(answer.body)
