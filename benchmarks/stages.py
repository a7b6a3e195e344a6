"""One stage of work in a process of its own, its figures as one line of JSON: started by bench.py.

python benchmarks/stages.py columns FILE     bytes to columns, after a warm-up
python benchmarks/stages.py dpkt FILE        the same fields with dpkt, for comparison
python benchmarks/stages.py start FILE       the whole command, with the shares of import and compilation
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
from pathlib import Path
from typing import Any, Final

EXAMPLE: Final = Path(__file__).parents[1] / "examples" / "odd-scan-2000.pcap"


def columns(path: str) -> dict[str, Any]:
    """Read a file into columns and count its packets; the kernels are compiled or loaded before."""
    from craftmark.sources.base import SourceOptions  # noqa: PLC0415 - not part of the other stages
    from craftmark.sources.inputs import open_inputs  # noqa: PLC0415 - the same

    def count(name: str) -> int:
        return sum(len(batch) for batch in open_inputs([name], options=SourceOptions()).batches())

    for _ in range(40):  # beyond the rows that are worked through by plain Python
        count(str(EXAMPLE))
    begin, cpu = time.perf_counter(), time.process_time()
    packets = count(path)
    return {"packets": packets, "wall_s": time.perf_counter() - begin, "cpu_s": time.process_time() - cpu}


def dpkt_fields(path: str) -> dict[str, Any]:
    """Read addresses, ports and flags of all packets with dpkt."""
    import dpkt  # noqa: PLC0415 - not part of the other stages

    begin, cpu, packets, odd = time.perf_counter(), time.process_time(), 0, 0
    with Path(path).open("rb") as stream:
        for _, octets in dpkt.pcap.Reader(stream):
            packets += 1
            datagram = dpkt.ethernet.Ethernet(octets).data
            if isinstance(datagram.data, dpkt.tcp.TCP) and datagram.data.flags == 99:
                odd += datagram.data.dport
    return {"packets": packets, "wall_s": time.perf_counter() - begin, "cpu_s": time.process_time() - cpu, "odd": odd}


def start(path: str) -> dict[str, Any]:
    """Run the whole command and tell the seconds of imports, of Numba (import and compilation) and of the rest."""
    begin = time.perf_counter()
    from craftmark import cli, pipeline  # noqa: F401, PLC0415 - what is measured
    from craftmark.kernels import _jit  # noqa: PLC0415 - the same
    from craftmark.verbs import examine  # noqa: F401, PLC0415 - the same

    imported = time.perf_counter()
    numba_s = _listen(_jit)
    with contextlib.redirect_stdout(io.StringIO()) as page:
        code = cli.main([path])
    total = time.perf_counter() - begin
    return {
        "code": code,
        "page": len(page.getvalue()),
        "import_s": imported - begin,
        "numba_s": numba_s[0],
        "work_s": total - (imported - begin) - numba_s[0],
    }


def _listen(jit: Any) -> list[float]:
    """Count the seconds in which Numba is imported or compiles."""
    spent, inside, load = [0.0], [0], jit._numba  # noqa: SLF001 - the one place where Numba is imported

    def timed() -> Any:
        begin = time.perf_counter()
        loaded = load()
        if "listening" not in vars(timed):
            vars(timed)["listening"] = True
            spent[0] += time.perf_counter() - begin
            _listen_to_compiler(spent, inside)
        return loaded

    jit._numba = timed  # noqa: SLF001 - the same
    return spent


def _listen_to_compiler(spent: list[float], inside: list[int]) -> None:
    from numba.core import event  # noqa: PLC0415 - only where Numba was loaded

    class Stopwatch(event.Listener):
        """Adds up the outermost compilations."""

        def on_start(self, _: Any) -> None:
            if inside[0] == 0:
                self.begin = time.perf_counter()
            inside[0] += 1

        def on_end(self, _: Any) -> None:
            inside[0] -= 1
            if inside[0] == 0:
                spent[0] += time.perf_counter() - self.begin

    event.register("numba:compile", Stopwatch())  # type: ignore[no-untyped-call]


_STAGES: Final = {"columns": columns, "dpkt": dpkt_fields, "start": start}

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    print(json.dumps(_STAGES[sys.argv[1]](sys.argv[2])))
