"""The Policy Service: usage labels, marketing actions, policies and their evaluation."""

from typing import Final

BASE: Final = "/data/foundation/dulepolicy"
