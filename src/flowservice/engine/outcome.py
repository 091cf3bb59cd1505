"""How a run ended, and how its batch says so."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from flowservice.domain.run import ROWS_FAILED, Counts, RunError, RunState, Tally, merged
from flowservice.domain.staging import Part, SplitProgress
from flowservice.errors import TooManyRejected

NO_DIAGNOSTICS: Final = "INGEST-1211-400"
"""Code of the same where nobody asked for diagnostics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a step that did not fail came to."""

    notes: Sequence[RunError] = ()
    """What it could not do all the same."""
    superseded: int = 0
    """Rows that were staged, and not published: older versions of others."""
    deleted: int = 0
    """Rows of another run that were taken out of the dataset, with nothing in their place."""
    restored: int = 0
    """Rows that were put back in place of those of another run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What all splits of a run staged."""

    counts: Counts
    warnings: tuple[Tally, ...]
    rejections: tuple[Tally, ...]
    data: tuple[Part, ...]
    rejects: tuple[Part, ...]
    skipped: tuple[Tally, ...] = ()

    @classmethod
    def of(cls, splits: Iterable[SplitProgress]) -> "Totals":
        """The sum."""
        staged = [step for split in splits for step in split.staged]
        return cls(
            counts=sum((step.counts for step in staged), Counts()),
            warnings=merged(tally for step in staged for tally in step.warnings),
            rejections=merged(tally for step in staged for tally in step.rejections),
            data=tuple(step.data for step in staged if step.data),
            rejects=tuple(step.rejects for step in staged if step.rejects),
            skipped=merged(tally for step in staged for tally in step.skipped),
        )

    def without(self, superseded: int) -> "Totals":
        """These totals, but so many of the rows written were older versions of others."""
        counts = replace(self.counts, superseded=superseded, written=self.counts.written - superseded)
        return replace(self, counts=counts)

    def taken_back(self, *, deleted: int, restored: int) -> "Totals":
        """These totals, of a run that did this to the rows of another."""
        return replace(self, counts=replace(self.counts, deleted=deleted, restored=restored))

    def tolerable(self, percent: float, most: int | None) -> "Totals":
        """These totals. Raises TooManyRejected if more than `percent` of the rows read, or more than so many, were
        rejected."""
        if most is not None and self.counts.rejected > most:
            raise beyond(self.counts.rejected, most)
        if not self.counts.tolerable(percent):
            share = 100 * self.counts.rejected / self.counts.read
            raise TooManyRejected(
                f"{self.counts.rejected} of {self.counts.read} rows were rejected ({share:.4g} %), more than the "
                f"{percent:g} % that the flow tolerates; nothing was published",
                advice="Look at the run's rejections, then correct the source or the mapping, "
                "or raise partialIngestionPercent.",
            )
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended."""

    state: RunState
    totals: Totals
    errors: tuple[RunError, ...] = ()

    @classmethod
    def published(cls, totals: Totals, notes: Sequence[RunError]) -> "Outcome":
        """A run whose rows are in the dataset. `notes` tell what could not be done after that."""
        errors = (*_summary(totals.counts), *notes)
        return cls(
            state=RunState.PARTIAL_SUCCESS if errors else RunState.SUCCESS,
            totals=totals,
            errors=errors,
        )

    @classmethod
    def failed(cls, totals: Totals, errors: Sequence[RunError]) -> "Outcome":
        """A run that published nothing."""
        counts = replace(totals.counts, written=0, output_bytes=0, output_files=0)
        return cls(state=RunState.FAILED, totals=replace(totals, counts=counts), errors=tuple(errors))

    @property
    def has_landed(self) -> bool:
        """Whether the rows are in the dataset."""
        return self.state is not RunState.FAILED

    def batch_metrics(self) -> dict[str, int]:
        """Metrics under the names of the catalog. What failed is what was wanted and did not go out."""
        counts = self.totals.counts
        return {
            "inputRecordCount": counts.read,
            "outputRecordCount": counts.written,
            "failedRecordCount": counts.read - counts.filtered - counts.superseded - counts.written,
            "invalidRecordCount": counts.rejected,
            "inputByteSize": counts.input_bytes,
            "outputByteSize": counts.output_bytes,
            "outputFileCount": counts.output_files,
        }

    def batch_errors(self, *, diagnostics: bool) -> tuple[Mapping[str, Any], ...]:
        """Errors as the catalog lists them: why the batch failed, the rejected rows, and with diagnostics each kind."""
        rejected: list[Mapping[str, Any]] = []
        if self.totals.counts.rejected and not diagnostics:
            text = f"{_rows(self.totals.counts)} Enable error diagnostics and run the flow again to see which."
            rejected.append({"code": NO_DIAGNOSTICS, "description": text})
        elif self.totals.counts.rejected:
            text = f"{_rows(self.totals.counts)} See the diagnostic files."
            rejected.append({"code": ROWS_FAILED, "description": text})
            rejected += [
                {
                    "code": tally.code,
                    "description": f"{tally.field}: {tally.message}" if tally.field else tally.message,
                    "recordCount": tally.count,
                }
                for tally in self.totals.rejections
            ]
        reasons = [
            {"code": error.code, "description": f"{error.message}. {error.advice}".rstrip(". ") + "."}
            for error in self.errors
            if error.code != ROWS_FAILED
        ]
        return (*reasons, *rejected)


def beyond(rejected: int, most: int) -> TooManyRejected:
    """The refusal of a run that rejected more rows than its flow puts up with."""
    return TooManyRejected(
        f"{rejected} rows were rejected, more than the {most} that the flow tolerates; nothing was published",
        advice="Look at the run's rejections, then correct the source or the mapping, or raise maxRejectedRecords.",
    )


def _summary(counts: Counts) -> tuple[RunError, ...]:
    if not counts.rejected:
        return ()
    return (
        RunError(
            code=ROWS_FAILED,
            message=_rows(counts),
            advice="The rejected rows are kept, each with its reason; correct them at the source or adapt the mapping.",
        ),
    )


def _rows(counts: Counts) -> str:
    return f"{counts.rejected} rows failed, {counts.written} rows were ingested."
