"""What holds for datasets and their fields, for the API's own document."""

from pydantic import Field

from flowservice.api.answers import Answer


class FieldLabelsTold(Answer):
    """A field that has labels."""

    path: str = Field(description="Dotted path; lists are named without an index.", examples=["_northwind.mail"])
    labels: list[str] = Field(description="Its own and those of the objects that it is in, without the dataset's.")
    hidden: bool = Field(description="Whether its values are hidden from the caller.")


class EffectiveLabelsTold(Answer):
    """The labels that hold for a dataset, wherever they were put."""

    data_set_id: str
    labels: list[str] = Field(description="On the dataset; each field has them too.")
    hidden: bool = Field(description="Whether these hide all of its values from the caller.")
    fields: list[FieldLabelsTold]


class LabelsTold(Answer):
    """In the order in which they were asked for."""

    data_sets: list[EffectiveLabelsTold]
