"""What Data Access answers of files and rows, for the API's own document."""

from typing import Any

from pydantic import Field

from flowservice.api.answers import Answer
from flowservice.api.neighbour_answers import DiagnosticLinks, DiagnosticPageLinks, SandboxCount


class BatchFile(Answer):
    """A file with rows of a batch."""

    data_set_file_id: str
    data_set_view_id: str
    version: str
    created: str = Field(description="Epoch milliseconds.")
    updated: str = Field(description="Epoch milliseconds.")
    records: str = Field(description="Rows.")
    size: str = Field(description="Bytes.")
    is_valid: bool
    links: DiagnosticLinks = Field(alias="_links")


class BatchFiles(Answer):
    """A page of files of a batch."""

    data: list[BatchFile]
    page: SandboxCount = Field(alias="_page")
    links: DiagnosticPageLinks = Field(alias="_links")


class Preview(Answer):
    """Rows of a dataset, as objects of its schema. What has no value is left out."""

    data: list[dict[str, Any]]
