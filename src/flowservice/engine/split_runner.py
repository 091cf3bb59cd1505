"""Who works on the splits of a run: threads of this process."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event
from typing import Final, Protocol, TypeAlias

SplitTask: TypeAlias = Callable[[Callable[[], bool]], None]
"""Works on one split; asks its argument between batches whether to leave off."""

# Asking costs nothing where nothing has changed.
_LOOK_S: Final = 0.05


class SplitRunner(Protocol):
    """Runs the tasks of a run's splits."""

    def run(self, tasks: Sequence[SplitTask], more: Callable[[], SplitTask | None]) -> None:
        """Return when all are done. The first error makes the others leave off, and is raised once they have.

        While it could do with more work it asks for `more` now and then, from one thread; None: not at the moment.
        """


@dataclass(frozen=True, slots=True)
class ThreadSplits:
    """`threads` splits of a run at a time. Memory grows with them: each holds an unwritten row group."""

    threads: int = 8

    def run(self, tasks: Sequence[SplitTask], more: Callable[[], SplitTask | None]) -> None:
        """Fills SplitRunner. A thread is started when there is work for it."""
        failed = Event()
        with ThreadPoolExecutor(self.threads, thread_name_prefix="split") as pool:
            running = {pool.submit(task, failed.is_set) for task in tasks}
            try:
                while running:
                    task = more() if len(running) < self.threads else None
                    if task is not None:
                        running.add(pool.submit(task, failed.is_set))
                    is_full = len(running) >= self.threads
                    running -= _finished(running, None if is_full else 0.0 if task is not None else _LOOK_S)
            except BaseException:
                failed.set()
                for future in running:
                    future.cancel()
                raise


def _finished(running: set[Future[None]], within_s: float | None) -> set[Future[None]]:
    """Those that have ended, after a while if none has. Raises what one of them raised."""
    done, _ = wait(running, timeout=within_s, return_when=FIRST_COMPLETED)
    for future in done:
        future.result()
    return done
