"""Paths of Data Access that others link to; here, so that whoever shows a run need not load the routes."""

from typing import Final

BASE: Final = "/data/foundation/export"
ROW_ERRORS: Final = "row_errors"
SAMPLE: Final = "row_errors_sample.json"
