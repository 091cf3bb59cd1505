"""Why a flow needs a look, for the API's own document."""

from pydantic import Field

from flowservice.api.answers import Answer


class Explained(Answer):
    """What is wrong, and what to do."""

    code: str = Field(description="Stays the same.")
    message: str
    advice: str = Field(description="May be empty.")


class CountedRejection(Answer):
    """Rows that were rejected alike."""

    code: str
    field: str = Field(description="Empty where it is the whole row.")
    message: str
    count: int


class ReasonTold(Answer):
    """Why a run failed or did not land all rows."""

    error: Explained | None = Field(description="Null where rows were rejected and nothing else went wrong.")
    rejection: CountedRejection | None = Field(description="The most frequent one.")
    rejection_kinds: int = Field(description="How many kinds of rejections there are.")
