"""How many rows a run may reject: one count for all of its readers, so that none reads on for nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from flowservice.engine.outcome import beyond


@dataclass(slots=True, kw_only=True)
class RejectLimit:
    """Counts what the splits of one run reject. Used by all threads that read."""

    most: int | None
    """None: any number; then the share alone counts, which is known at the end."""
    counted: Mapping[int, int] = field(default_factory=dict)
    """What earlier attempts recorded, by split."""
    _by_split: dict[int, int] = field(init=False)

    def __post_init__(self) -> None:
        self._by_split = dict(self.counted)

    def has_passed(self, split: int, rejected: int) -> bool:
        """Whether the run has rejected too many, now that `split` has rejected so many."""
        if self.most is None:
            return False
        self._by_split[split] = rejected
        return self._rejected > self.most

    def check(self) -> None:
        """Return if the run may go on. Raises TooManyRejected."""
        if self.most is not None and self._rejected > self.most:
            raise beyond(self._rejected, self.most)

    @property
    def _rejected(self) -> int:
        # A copy: another thread may begin a split meanwhile.
        return sum(self._by_split.copy().values())
