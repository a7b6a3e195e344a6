"""The server: which address leads to what. Work that could fail or take long is left to worker processes."""

from __future__ import annotations

import asyncio
import json
import re
from argparse import ArgumentTypeError
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from craftmark.errors import CraftmarkError
from craftmark.render.escape import visible
from craftmark.render.html import render_html
from craftmark.render.markdown import render_markdown
from craftmark.store.cases import CASE_ID, Store
from craftmark.store.seen import seen_before
from craftmark.verbs.arguments import year
from craftmark.verbs.export import FORMATS
from craftmark.web.guard import Guard
from craftmark.web.jobs import Job, Jobs
from craftmark.web.pages import Pages, Side

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from starlette.requests import Request

    from craftmark.report.document import Report

_STATIC: Final = Path(__file__).parent / "static"
_INPUTS_AT_MOST: Final = 64
#: Earlier sightings that a case's page lists.
_EARLIER: Final = 50
#: Scans of other cases that a case's page offers to compare with, the newest.
_COMPARABLE: Final = 200


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How a server is run. folder: whose files may be named instead of uploaded; token: None only on loopback."""

    store: Path
    hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "::1")
    token: str | None = None
    folder: Path | None = None
    upload_limit: int = 4 << 30
    workers: int = 1
    time_limit_s: float = 3600.0


def make_app(settings: ServerSettings) -> Starlette:
    """Return the application."""
    server = _Server(settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await server.jobs.close()

    return Starlette(
        routes=[
            Route("/", server.index),
            Route("/jobs", server.new_job, methods=["POST"]),
            Route("/jobs/{job}", server.job_state),
            Route("/jobs/{job}/inputs", server.upload, methods=["POST"]),
            Route("/jobs/{job}/start", server.start, methods=["POST"]),
            Route("/jobs/{job}/cancel", server.cancel, methods=["POST"]),
            Route("/jobs/{job}/events", server.events),
            Route("/cases/{case}", server.case),
            Route("/cases/{case}/report.pdf", server.pdf),
            Route("/cases/{case}/report.{form}", server.download),
            Route("/cases/{case}/{scan}/{form}.txt", server.export),
            Route("/compare", server.compare),
            Route("/cases/{case}/why/{tool}", server.why),
            Route("/cases/{case}/packets", server.packets),
            Route("/cases/{case}/{scan}/{picture}.svg", server.picture),
            Route("/cases/{case}/{scan}.pcap", server.slice),
            Route("/cases/{case}/remove", server.remove, methods=["POST"]),
            Mount("/static", StaticFiles(directory=_STATIC)),
        ],
        middleware=[Middleware(Guard, hosts=settings.hosts, token=settings.token)],
        exception_handlers={CraftmarkError: _told, HTTPException: _refused},
        lifespan=lifespan,
    )


async def _told(_: Request, fault: Exception) -> Response:
    return PlainTextResponse(visible(str(fault)), status_code=500)


async def _refused(_: Request, fault: Exception) -> Response:
    code = fault.status_code if isinstance(fault, HTTPException) else 500
    return PlainTextResponse(visible(getattr(fault, "detail", "refused")), status_code=code)


class _Server:
    """The answers to every address."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._store = Store(settings.store)
        self._pages = Pages(
            upload_limit=settings.upload_limit, folder=str(settings.folder) if settings.folder else None
        )
        self.jobs = Jobs(self._store, workers=settings.workers, time_limit_s=settings.time_limit_s)

    async def index(self, _: Request) -> Response:
        """Show the cases, and where to drop a new one."""
        cases = await asyncio.to_thread(self._store.cases)
        return HTMLResponse(self._pages.index(cases, self.jobs.active()))

    async def new_job(self, _: Request) -> Response:
        """Make room for a new case's inputs."""
        return JSONResponse(self.jobs.new().view(), status_code=201)

    async def upload(self, request: Request) -> Response:
        """Take one input, as the body of the request; its name is the query's."""
        job = self._job(request)
        if job.state != "filling" or len(job.names) >= _INPUTS_AT_MOST:
            raise HTTPException(409, f"no more inputs fit this case; at most {_INPUTS_AT_MOST}")
        target = job.folder / f"{len(job.names) + 1:04d}"
        job.names.append(_name(request.query_params.get("name", "")))
        room = self._settings.upload_limit - sum(one.stat().st_size for one in job.folder.iterdir())
        with target.open("xb") as stream:
            async for piece in request.stream():
                room -= len(piece)
                if room < 0:
                    self.jobs.cancel(job)
                    raise HTTPException(413, f"more than {self._settings.upload_limit >> 20:,} MiB, the limit here")
                stream.write(piece)
        return JSONResponse(job.view())

    async def start(self, request: Request) -> Response:
        """Examine what was uploaded, or a file in the folder that the operator named."""
        job = self._job(request)
        if job.state != "filling":
            raise HTTPException(409, "this case was started before")
        asked = await _json(request)
        paths = [str(job.folder / f"{number:04d}") for number in range(1, len(job.names) + 1)]
        if asked.get("path"):
            paths, job.names = [str(self._inside(str(asked["path"])))], [_name(str(asked["path"]))]
        if not paths:
            raise HTTPException(400, "there is nothing to examine yet")
        self.jobs.start(job, paths=paths, **_settings(asked))
        return JSONResponse(job.view())

    async def cancel(self, request: Request) -> Response:
        """End a job."""
        job = self._job(request)
        self.jobs.cancel(job)
        return JSONResponse(job.view())

    async def job_state(self, request: Request) -> Response:
        """Tell how far a job is."""
        return JSONResponse(self._job(request).view())

    async def events(self, request: Request) -> Response:
        """Tell how far a job is, again and again, until it has ended (server-sent events, HTML Standard 9.2)."""
        job = self._job(request)

        async def lines() -> AsyncIterator[str]:
            async for view in self.jobs.follow(job):
                yield f"data: {json.dumps(view)}\n\n"

        return StreamingResponse(lines(), media_type="text/event-stream")

    async def case(self, request: Request) -> Response:
        """Show a case."""
        case, report = await self._report(request)
        has_inputs = bool(self._store.inputs(case))
        every = await asyncio.to_thread(self._store.sightings, besides=case)
        seen = await asyncio.to_thread(seen_before, report, every)
        earlier = tuple(dict.fromkeys(one.sighting for one in seen))[:_EARLIER]
        others = tuple(every[-_COMPARABLE:])
        page = await asyncio.to_thread(
            self._pages.case, case, report, has_inputs=has_inputs, earlier=earlier, others=others
        )
        return HTMLResponse(page)

    async def why(self, request: Request) -> Response:
        """Show the comparison with one tool."""
        case, report = await self._report(request)
        return HTMLResponse(self._pages.why(case, report, request.path_params["tool"]))

    async def picture(self, request: Request) -> Response:
        """Draw one picture of a scan; an empty answer where it has nothing of the kind to show."""
        _, report = await self._report(request)
        scan, name = request.path_params["scan"], request.path_params["picture"]
        svg = await asyncio.to_thread(self._pages.picture, report, scan, name)
        return Response(svg, media_type="image/svg+xml") if svg else Response(status_code=204)

    async def download(self, request: Request) -> Response:
        """Hand out a report as a file."""
        case, report = await self._report(request)
        form = _FORMS.get(request.path_params["form"])
        if form is None:
            raise HTTPException(404, f"reports are handed out as {', '.join(_FORMS)}")
        media, write = form
        text = await asyncio.to_thread(write, report)
        return Response(text, media_type=media, headers=_file(f"craftmark-{case}.{request.path_params['form']}"))

    async def pdf(self, request: Request) -> Response:
        """Hand out a report as PDF."""
        case, report = await self._report(request)
        content = await self._asked({"do": "pdf", "report": report.to_json()}, "report.pdf")
        return Response(content, media_type="application/pdf", headers=_file(f"craftmark-{case}.pdf"))

    async def export(self, request: Request) -> Response:
        """Hand out the marks of one scan as a filter, a rule or a record."""
        case, report = await self._report(request)
        scan, form = request.path_params["scan"], request.path_params["form"]
        if form not in FORMATS or scan not in {one.id for one in (*report.scans, *report.floods)}:
            raise HTTPException(404, f"scans are handed out as {', '.join(FORMATS)}")
        work = {"do": "export", "report": report.to_json(), "scan": scan, "form": form}
        content = await self._asked(work, "export")
        return Response(content, media_type="text/plain", headers=_file(f"craftmark-{case}-{scan}.{form}.txt"))

    async def compare(self, request: Request) -> Response:
        """Show how alike the code behind two scans is, each named as CASE:S1."""
        sides = [await self._side(request.query_params.get(name, "")) for name in ("one", "other")]
        try:
            page = await asyncio.to_thread(self._pages.compared, *sides)
        except CraftmarkError as fault:
            raise HTTPException(422, str(fault)) from fault
        return HTMLResponse(page)

    async def packets(self, request: Request) -> Response:
        """Show packets that a claim or a mark rests on, decoded and as octets."""
        case, _ = await self._report(request)
        wanted = re.findall(r"(\d{1,9})[:.](\d{1,18})", request.query_params.get("ids", ""))
        work = {"do": "packets", "paths": self._inputs(case), "packets": wanted}
        return Response(await self._asked(work, "packets.json"), media_type="application/json")

    async def slice(self, request: Request) -> Response:
        """Hand out the packets of one scan as pcap."""
        case, report = await self._report(request)
        scan = request.path_params["scan"]
        if scan not in {one.id for one in (*report.scans, *report.floods)}:
            raise HTTPException(404, "no scan or flood of this case is called that")
        work = {"do": "slice", "paths": self._inputs(case), "scan": scan, "where": report.conditions.where}
        content = await self._asked(work, "slice.pcap")
        return Response(
            content, media_type="application/vnd.tcpdump.pcap", headers=_file(f"craftmark-{case}-{scan}.pcap")
        )

    async def remove(self, request: Request) -> Response:
        """Remove a case with everything that is kept of it."""
        if not await asyncio.to_thread(self._store.remove, request.path_params["case"]):
            raise HTTPException(404, "there is no such case")
        return JSONResponse({})

    def _job(self, request: Request) -> Job:
        job = self.jobs.get(request.path_params["job"])
        if job is None:
            raise HTTPException(404, "there is no such work; it may have been forgotten")
        return job

    async def _report(self, request: Request) -> tuple[str, Report]:
        case = request.path_params["case"]
        report = await asyncio.to_thread(self._store.load, case)
        if report is None:
            raise HTTPException(404, "there is no such case")
        return case, report

    async def _side(self, name: str) -> Side:
        """Return one scan of a kept case."""
        case, _, scan_id = name.partition(":")
        report = await asyncio.to_thread(self._store.load, case) if CASE_ID.fullmatch(case) else None
        findings = (*report.scans, *report.floods) if report else ()
        scan = next((one for one in findings if one.id == scan_id), None)
        if scan is None:
            raise HTTPException(404, "name two scans of kept cases, as CASE:S1")
        return Side(case, scan)

    def _inputs(self, case: str) -> list[str]:
        paths = [str(path) for path in self._store.inputs(case)]
        if not paths:
            raise HTTPException(404, "the inputs of this case were not kept")
        return paths

    async def _asked(self, work: dict[str, Any], result: str) -> bytes:
        try:
            return await self.jobs.ask(work, result)
        except ValueError as fault:
            raise HTTPException(422, str(fault)) from fault

    def _inside(self, name: str) -> Path:
        """Return a file in the operator's folder; links and dots that lead out of it are refused."""
        folder = self._settings.folder
        if folder is None:
            raise HTTPException(403, "this server examines uploads only; --folder names a folder of the server's")
        try:
            path = (folder / name).resolve(strict=True)
        except (OSError, ValueError):
            raise HTTPException(404, "there is no such file in the folder") from None
        if not path.is_relative_to(folder.resolve()) or not path.is_file():
            raise HTTPException(403, "that is no file inside the folder")
        return path


_FORMS: Final[Mapping[str, tuple[str, Callable[[Report], str]]]] = {
    "json": ("application/json", lambda report: report.to_json()),
    "html": ("text/html", render_html),
    "md": ("text/markdown", render_markdown),
}


def _file(name: str) -> dict[str, str]:
    """Return the header by which a browser saves an answer as a file."""
    return {"content-disposition": f'attachment; filename="{name}"'}


def _name(text: str) -> str:
    """Return the last part of a file's name as it may be kept and shown."""
    return re.split(r"[/\\]", text)[-1][:200] or "unnamed"


def _settings(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that were asked for; refuses what is no setting."""
    where, when = asked.get("where"), asked.get("year")
    try:
        if where is not None and not isinstance(where, str):
            raise HTTPException(400, "where is no text")
        return {"where": where, "year": None if when is None else year(str(when))}
    except ArgumentTypeError as fault:
        raise HTTPException(400, str(fault)) from None


async def _json(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body() or b"{}")
    except (ValueError, RecursionError):
        raise HTTPException(400, "the request holds no JSON") from None
    if not isinstance(body, dict):
        raise HTTPException(400, "the request holds no JSON object")
    return body
