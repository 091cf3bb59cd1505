"""What answers of the Dataset Service look like, for the API's own document."""

from typing import Any

from pydantic import Field, RootModel

from flowservice.api.answers import Answer


class LabelParent(Answer):
    """What labels are inherited from."""

    id: str
    type: str = Field(examples=["schema"])
    namespace: str = Field(examples=["AEP"])


class LabelledEntity(Answer):
    """The labels of a dataset."""

    labels: list[str]
    optional_labels: list[dict[str, Any]] = Field(description="Of fields, as older clients put them on.")
    parents: list[LabelParent]


class LabelsOfDataset(RootModel[dict[str, LabelledEntity]]):
    """The labels of a dataset, by `AEP:dataset:<its id>`, with `imsOrg` and `_etag`."""


class LabelsChanged(LabelledEntity):
    """The labels of a dataset after a change."""

    code: str = Field(examples=["PES-200"])
    message: str
