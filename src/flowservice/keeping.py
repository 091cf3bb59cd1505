"""`flowservice lake`: what the operator who owns a home does with the tables of its lake, also while it serves."""

from collections.abc import Callable, Iterator
from typing import Any

from flowservice.app import App
from flowservice.domain.dataset import Dataset
from flowservice.errors import NotFound
from flowservice.operating import scope_of, served
from flowservice.ports.lake import Compacted, Vacuumed
from flowservice.service.lake_upkeep import Kept, LakeUpkeep
from flowservice.settings import Settings


def compact(settings: Settings, *, sandbox: str | None, dataset: str | None) -> list[dict[str, Any]]:
    """What became of the small files of each table that had many. Raises NotFound, Invalid."""
    return _kept(served(settings), sandbox, dataset, LakeUpkeep.compact)


def vacuum(settings: Settings, *, sandbox: str | None, dataset: str | None, dry_run: bool) -> list[dict[str, Any]]:
    """How many files of each table went, or would. Raises NotFound, Invalid."""
    return _kept(served(settings), sandbox, dataset, lambda upkeep, datasets: upkeep.vacuum(datasets, dry_run=dry_run))


def _kept(
    app: App,
    sandbox: str | None,
    dataset: str | None,
    keep: Callable[[LakeUpkeep, Iterator[Dataset]], Iterator[Kept]],
) -> list[dict[str, Any]]:
    upkeep = app.lake_upkeep
    scopes = None if sandbox is None else [scope_of(app, sandbox)]
    chosen = [known for known in upkeep.datasets(scopes) if dataset is None or dataset in {known.id, known.name}]
    if dataset is not None and not chosen:
        raise NotFound(f"there is no dataset {dataset[:200]!r}", advice="Name it by its id or name, as `sql` does.")
    return [row for kept in keep(upkeep, iter(chosen)) if (row := _row(kept)) is not None]


def _row(kept: Kept) -> dict[str, Any] | None:
    """One line for people; None: there was nothing to do."""
    table = {"dataset": kept.table.dataset_id, "table": kept.table.kind.value}
    if kept.failure is not None:
        return {**table, "files": 0, "did": f"nothing: {kept.failure.message}"}
    if isinstance(kept.done, Compacted):
        return {**table, "files": kept.done.before, "did": f"put together into {kept.done.after}"}
    if isinstance(kept.done, Vacuumed) and kept.done.files:
        return {**table, "files": kept.done.files, "did": f"{kept.done.size_bytes} bytes"}
    return None
