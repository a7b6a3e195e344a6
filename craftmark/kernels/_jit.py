"""The one module that imports Numba, and the one decorator of all kernels.

A kernel is written in the part of Python that means the same compiled and plain:

- its first parameter is ``n``, the number of rows to work through;
- it indexes arrays one element at a time, allocates nothing and returns integers or nothing;
- its arithmetic stays within signed 64 bits: no value reaches 2**63, no product of hashes is left unmasked, and no
  array of uint64 enters a sum (Numba would turn uint64 + int64 into float64).

A part of a kernel that deserves a name is a ``device`` function: same arithmetic, any parameters.

Plain bodies run on memoryviews, whose elements are Python integers: they neither wrap nor warn, so a missing mask
shows as a ValueError in the tests. They answer small captures at once on a machine that never compiled anything;
after ``PLAIN_ROWS`` rows of plain work they are loaded from the cache of an earlier run, and after many more, where
there is none, compiled.

Environment: ``CRAFTMARK_KERNELS=plain`` or ``compiled`` forces one of the two (used by the tests);
``CRAFTMARK_CACHE_DIR`` names another cache folder. Traps that shaped this file: numba issue 4807 (cache and
processes), a kernel calling another stays stale after the callee changed, a truncated cache file raises
UnpicklingError.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import threading
import types
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    Body = TypeVar("Body", bound=Callable[..., Any])

logger = logging.getLogger(__name__)

#: Rows worked through by plain bodies before compiled ones pay, where an earlier run has compiled them: 3,072 packets
#: take about 0.2 s plain in all kernels together, the import of Numba alone 0.3-0.8 s.
PLAIN_ROWS = 60_000
#: The same on a machine that never compiled anything: compiling takes as long as some 100,000 packets do plain.
PLAIN_ROWS_UNCOMPILED = 1_500_000

#: Times PLAIN_ROWS that are much: work announced from there on is done compiled from its first row.
_MUCH = 4

_FLAGS = {"nogil": True, "fastmath": False, "parallel": False, "_nrt": False, "error_model": "numpy"}

_plain_rows_done = 0

_linking = threading.RLock()  # several threads may need a kernel for the first time
_devices: dict[Callable[..., Any], Any] = {}
_inlined: set[Callable[..., Any]] = set()


def _mode() -> str:
    return os.environ.get("CRAFTMARK_KERNELS", "auto")


def cache_dir() -> Path:
    """Return the folder of compiled kernels, named by the hash of all kernel files, flags and versions."""
    base = os.environ.get("CRAFTMARK_CACHE_DIR")
    if base is None:
        local = os.environ.get("LOCALAPPDATA") if os.name == "nt" else os.environ.get("XDG_CACHE_HOME")
        base = str(Path(local) / "craftmark" if local else Path.home() / ".cache" / "craftmark")
    return Path(base) / f"kernels-{_kernel_hash()}"


@lru_cache(maxsize=1)
def _kernel_hash() -> str:
    digest = hashlib.sha256(repr(sorted(_FLAGS.items())).encode())
    digest.update(os.environ.get("NUMBA_BOUNDSCHECK", "").encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


class Kernel:
    """A loop over arrays that runs compiled or as its own plain Python body, with the same result."""

    def __init__(self, body: Callable[..., Any]) -> None:
        self.body = body
        self.__doc__ = body.__doc__
        self.__name__ = body.__name__
        self._dispatcher: Any = None

    def __call__(self, n: int, *args: Any) -> Any:
        """Run the kernel over ``n`` rows."""
        if self._dispatcher is not None or _should_compile(n):
            return self._run_compiled(n, *args)
        return self.body(n, *[a.data if isinstance(a, np.ndarray) else a for a in args])

    def _run_compiled(self, n: int, *args: Any) -> Any:
        try:
            return self.dispatcher()(n, *args)
        except Exception as fault:  # whatever unpickling a damaged file may raise
            if not _looks_like_broken_cache(fault):
                raise
            logger.debug("compiled kernels unreadable (%s): cleared, compiled again", fault)
            shutil.rmtree(cache_dir(), ignore_errors=True)
            self._dispatcher = None
            return self.dispatcher()(n, *args)

    def dispatcher(self) -> Any:
        """Return Numba's dispatcher of this kernel, with those of the kernels it calls linked in."""
        with _linking:
            if self._dispatcher is None:
                self._dispatcher = _njit(_linked(self.body))
            return self._dispatcher


def kernel(body: Callable[..., Any]) -> Kernel:
    """Make a kernel of a function whose first parameter is the number of rows."""
    return Kernel(body)


def device(body: Body) -> Body:
    """Make an inner step of kernels: any parameters, called only from kernels and other inner steps.

    Called plain it is the function itself, so it costs nothing more; compiled it is linked into its caller.
    """
    _devices[body] = None
    return body


def inlined(body: Body) -> Body:
    """Make an inner step that is always inlined: for the few steps of a hot path, since it costs compile time."""
    _inlined.add(body)
    return device(body)


def plain(helper: Kernel | Callable[..., Any]) -> Callable[..., Any]:
    """Return the plain body of a kernel, for tests."""
    return helper.body if isinstance(helper, Kernel) else helper


def expect(rows: int) -> None:
    """Announce work on so many rows: where it is much, plain bodies would only delay the compiled ones."""
    global _plain_rows_done  # noqa: PLW0603 - as below
    if rows > _MUCH * PLAIN_ROWS:
        _plain_rows_done += rows


def _should_compile(n: int) -> bool:
    global _plain_rows_done  # noqa: PLW0603 - the one counter of the process: how much plain work was done
    mode = _mode()
    if mode != "auto":
        return mode == "compiled"
    _plain_rows_done += n
    return _plain_rows_done > PLAIN_ROWS and (_plain_rows_done > PLAIN_ROWS_UNCOMPILED or _is_compiled())


@lru_cache(maxsize=1)
def _is_compiled() -> bool:
    """Tell whether an earlier run left compiled kernels behind."""
    try:
        return any(cache_dir().rglob("*.nbi"))
    except OSError:
        return False


@lru_cache(maxsize=1)
def _numba() -> tuple[Any, bool]:
    """Import Numba and point its cache at our folder; tell whether the folder can be written."""
    import numba  # noqa: PLC0415 - takes 0.4-0.8 s: only when something is compiled or loaded

    folder = cache_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK)
    except OSError:
        writable = False
    if writable:
        numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
    return numba, writable


def _njit(function: Callable[..., Any]) -> Any:
    numba, cached = _numba()
    return numba.njit(cache=cached, no_cfunc_wrapper=True, **_FLAGS)(function)


def _njit_step(step: Callable[..., Any]) -> Any:
    """Compile an inner step: no wrappers, no cache of its own, one version for constants and variables.

    Numba would compile a step again for each constant it is called with, which took most of the compile time.
    """
    numba, _ = _numba()
    options = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "forceinline": step in _inlined}
    dispatcher = numba.njit(**options, **_FLAGS)(_linked(step))
    template_of = dispatcher.get_call_template
    unliteral = numba.core.types.unliteral
    dispatcher.get_call_template = lambda args, kws: template_of([unliteral(arg) for arg in args], kws)
    return dispatcher


def _linked(body: Callable[..., Any]) -> Callable[..., Any]:
    """Return a copy of a body whose names of kernels and inner steps stand for their dispatchers."""
    scope = dict(body.__globals__)
    for name in body.__code__.co_names:
        value = scope.get(name)
        if isinstance(value, Kernel):
            scope[name] = value.dispatcher()
        elif isinstance(value, types.FunctionType) and value in _devices:
            if _devices[value] is None:
                _devices[value] = _njit_step(value)
            scope[name] = _devices[value]
    linked = types.FunctionType(body.__code__, scope, body.__name__, body.__defaults__)
    linked.__module__ = body.__module__
    linked.__qualname__ = body.__qualname__
    return linked


def _looks_like_broken_cache(fault: BaseException) -> bool:
    trace = fault.__traceback__
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__", "").startswith(("numba.core.caching", "numba.core.codegen")):
            return True
        trace = trace.tb_next
    return type(fault).__name__ == "UnpicklingError"
