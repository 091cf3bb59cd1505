"""What the process has loaded that `tests.forked` forks from. Not for tests to import: it hides pandas."""

import sys

from tests.live import AS_INSTALLED

sys.path.insert(0, str(AS_INSTALLED))

import flowservice.cli
import flowservice.doctor
import flowservice.operating
import flowservice.querying
import flowservice.serving  # noqa: F401 - what commands load
