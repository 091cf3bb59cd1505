"""Who works on the splits of a run: threads of this process."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event
from typing import Protocol, TypeAlias

SplitTask: TypeAlias = Callable[[Callable[[], bool]], None]
"""Works on one split; asks its argument between batches whether to leave off."""


class SplitRunner(Protocol):
    """Runs the tasks of a run's splits."""

    def run(self, tasks: Sequence[SplitTask]) -> None:
        """Return when all are done. The first error makes the others leave off, and is raised once they have."""


@dataclass(frozen=True, slots=True)
class ThreadSplits:
    """`threads` splits of a run at a time. Memory grows with them: each holds an unwritten row group."""

    threads: int = 4

    def run(self, tasks: Sequence[SplitTask]) -> None:
        """Fills SplitRunner."""
        failed = Event()
        with ThreadPoolExecutor(self.threads, thread_name_prefix="split") as pool:
            futures = [pool.submit(task, failed.is_set) for task in tasks]
            done, waiting = wait(futures, return_when=FIRST_EXCEPTION)
            broken = next((future for future in futures if future in done and future.exception()), None)
            if broken is None:
                return
            failed.set()
            for future in waiting:
                future.cancel()
        broken.result()
