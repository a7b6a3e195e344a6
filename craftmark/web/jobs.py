"""Work in worker processes: uploads into a folder, a queue, progress that many pages can follow, an end in any case.

A job's folder is removed when its case is kept or the job is forgotten. At most ``workers`` processes run at once; each
has a time limit, after which it is ended like one that was cancelled.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from craftmark.report.document import Report

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from craftmark.store.cases import Store

State = Literal["filling", "waiting", "running", "done", "failed", "cancelled"]

_ENDED: Final = frozenset({"done", "failed", "cancelled"})
#: Ended jobs that are remembered, so that a page that comes back still learns of the end.
_REMEMBERED: Final = 64
_LINE_LIMIT: Final = 1 << 20


@dataclass
class Job:
    """One thing to do, and how far it is."""

    id: str
    folder: Path
    names: list[str] = field(default_factory=list)
    work: dict[str, Any] = field(default_factory=dict)
    state: State = "filling"
    packets: int = 0
    fraction: float | None = None
    message: str = ""
    case: str = ""
    task: asyncio.Task[None] | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def view(self) -> dict[str, Any]:
        """Return what a page may know of it."""
        return {
            "id": self.id, "state": self.state, "packets": self.packets, "fraction": self.fraction,
            "message": self.message, "case": self.case, "names": self.names,
        }  # fmt: skip

    def tell(self, **changes: Any) -> None:
        """Change what is known and wake those who follow."""
        for name, value in changes.items():
            setattr(self, name, value)
        self.changed.set()
        self.changed = asyncio.Event()


class Jobs:
    """All jobs of one server."""

    def __init__(self, store: Store, *, workers: int, time_limit_s: float) -> None:
        self._store = store
        self._slots = asyncio.Semaphore(workers)
        self._time_limit_s = time_limit_s
        self._jobs: dict[str, Job] = {}
        self._root = Path(tempfile.mkdtemp(prefix="craftmark-web-"))

    def new(self) -> Job:
        """Return a job with an empty folder, to be filled with inputs."""
        self._forget()
        job = Job(secrets.token_hex(8), Path(tempfile.mkdtemp(dir=self._root)))
        self._jobs[job.id] = job
        return job

    def get(self, job_id: str) -> Job | None:
        """Return a job by its id."""
        return self._jobs.get(job_id)

    def active(self) -> list[Job]:
        """Return the jobs that have not ended, the oldest first."""
        return [job for job in self._jobs.values() if job.state in ("waiting", "running")]

    def start(self, job: Job, **work: Any) -> None:
        """Queue an examination of a job's inputs; its case is kept when it is done."""
        job.work = work
        job.tell(state="waiting")
        job.task = asyncio.create_task(self._examined(job))

    def cancel(self, job: Job) -> None:
        """End a job, whatever it is doing."""
        if job.state in _ENDED:
            return
        if job.task is not None:
            job.task.cancel()
        job.tell(state="cancelled", message="cancelled")
        shutil.rmtree(job.folder, ignore_errors=True)

    async def follow(self, job: Job) -> AsyncIterator[dict[str, Any]]:
        """Yield a job's state now and after every change, until it has ended."""
        while True:
            waiting = job.changed
            yield job.view()
            if job.state in _ENDED:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(waiting.wait(), timeout=10)

    async def ask(self, work: dict[str, Any], result: str) -> bytes:
        """Do a short piece of work and return the file it leaves. Raises ValueError with one sentence."""
        folder = Path(tempfile.mkdtemp(dir=self._root))
        try:
            async with self._slots:
                told = await self._run(folder, work, None)
            if "fault" in told:
                raise ValueError(told["fault"])
            return await asyncio.to_thread((folder / result).read_bytes)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    async def close(self) -> None:
        """End everything and leave nothing behind."""
        for job in list(self._jobs.values()):
            self.cancel(job)
        await asyncio.gather(*(job.task for job in self._jobs.values() if job.task), return_exceptions=True)
        shutil.rmtree(self._root, ignore_errors=True)

    async def _examined(self, job: Job) -> None:
        async with self._slots:
            job.tell(state="running")
            told = await self._run(job.folder, {"do": "examine", "names": job.names, **job.work}, job)
            if "fault" in told:
                job.tell(state="failed", message=told["fault"])
                return
            try:
                case = await asyncio.to_thread(self._kept, job)
            except ValueError as fault:
                job.tell(state="failed", message=str(fault))
                return
            job.tell(state="done", case=case, fraction=1.0)
            shutil.rmtree(job.folder, ignore_errors=True)

    def _kept(self, job: Job) -> str:
        report = Report.from_json((job.folder / "report.json").read_bytes())
        name = job.names[0] + (f" and {len(job.names) - 1} more" if len(job.names) > 1 else "")
        case = self._store.keep(report, name=name, now_ns=time.time_ns())
        own = tuple(path for path in map(Path, job.work["paths"]) if path.parent == job.folder)
        if own:
            self._store.adopt(case, own)
        return case

    async def _run(self, folder: Path, work: dict[str, Any], job: Job | None) -> dict[str, Any]:
        """Run a worker to its end and return its last line."""
        (folder / "work.json").write_text(json.dumps(work), encoding="utf-8")
        command = [sys.executable, "-m", "craftmark.web.worker", str(folder)]
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL, limit=_LINE_LIMIT,
        )  # fmt: skip
        last: dict[str, Any] = {"fault": "the work ended without a word; the input may need more memory than there is"}
        try:
            async with asyncio.timeout(self._time_limit_s):
                async for line in _lines(process):
                    last = json.loads(line)
                    if job is not None and "packets" in last:
                        job.tell(packets=last["packets"], fraction=last["fraction"])
                await process.wait()
        except TimeoutError:
            last = {"fault": f"it took longer than {self._time_limit_s:,.0f} s, the limit of this server"}
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        return last if "done" in last or "fault" in last else {"fault": "the work ended in the middle"}

    def _forget(self) -> None:
        ended = [job for job in self._jobs.values() if job.state in _ENDED]
        for job in ended[: max(0, len(ended) - _REMEMBERED)]:
            shutil.rmtree(job.folder, ignore_errors=True)
            del self._jobs[job.id]


async def _lines(process: asyncio.subprocess.Process) -> AsyncIterator[bytes]:
    if process.stdout is not None:
        async for line in process.stdout:
            yield line
