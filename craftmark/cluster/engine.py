"""Who runs the tasks of a plan: this process, one after another, or the workers of a Dask cluster.

Of Dask only futures are used: a task is a function of the folder and a number, what it made is in the exchange, and a
worker that dies costs the task it had. Finished work is found again whoever did it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from craftmark.cluster.plan import read_plan
from craftmark.cluster.tasks import map_input, reduce_some
from craftmark.errors import ExitCode, SourceError

if TYPE_CHECKING:
    from collections.abc import Callable

    #: Told how many tasks of one kind are done, and of how many.
    Told = Callable[[str, int, int], None]

#: Times a task is tried again when its worker died.
RETRIES: Final = 3
#: How long a scheduler may take to answer.
_PATIENCE = "20s"
_KINDS: Final = {"map": map_input, "reduce": reduce_some}


def one_task(folder: str, kind: str, number: int) -> bool:
    """Run one task of the plan in a folder; tell whether there was anything to do."""
    return _KINDS[kind](read_plan(Path(folder)), Path(folder), number)


def run_here(folder: Path, told: Told) -> None:
    """Run all tasks in this process."""
    for kind, number, total in _tasks(folder):
        one_task(str(folder), kind, number)
        told(kind, number + 1, total)


def run_on_dask(folder: Path, address: str, told: Told) -> None:
    """Run all tasks on the workers of a scheduler; raises SourceError where Dask or the scheduler is not there."""
    try:
        import distributed  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415 - an extra
    except ImportError as fault:
        raise SourceError(
            "needs Dask's scheduler", name="--cluster", code=ExitCode.USAGE,
            remedy="pip install 'craftmark[cluster]', here and on every worker",
        ) from fault  # fmt: skip
    try:
        client: Any = distributed.Client(address, timeout=_PATIENCE)  # type: ignore[no-untyped-call, unused-ignore]
    except (OSError, ValueError, TimeoutError) as fault:
        what = f"no scheduler answers: {fault}"
        raise SourceError(what, name=address, code=ExitCode.NO_SUCH_INPUT, remedy="start dask scheduler") from fault
    with client:
        for kind in _KINDS:
            _wait(client, distributed.as_completed, folder.absolute(), kind, told)


def _wait(client: Any, as_completed: Any, folder: Path, kind: str, told: Told) -> None:
    """Submit all tasks of one kind and wait for them; the first that fails is raised."""
    numbers = [number for one, number, _ in _tasks(folder) if one == kind]
    made = [
        client.submit(one_task, str(folder), kind, number, pure=False, retries=RETRIES, key=f"{kind}-{number}-{folder}")
        for number in numbers
    ]
    for done, future in enumerate(as_completed(made), 1):
        future.result()
        told(kind, done, len(made))


def _tasks(folder: Path) -> list[tuple[str, int, int]]:
    plan = read_plan(folder)
    maps = [("map", number, plan.maps) for number in range(plan.maps)]
    return maps + [("reduce", number, plan.reduces) for number in range(plan.reduces)]
