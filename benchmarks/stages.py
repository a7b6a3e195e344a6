"""One stage of work in a process of its own, its figures as one line of JSON: started by bench.py.

python benchmarks/stages.py columns FILE     bytes to columns of a pcap on one core, after a warm-up
python benchmarks/stages.py fold FILE        bytes to finished evidence on one core, after a warm-up
python benchmarks/stages.py shares FILE      the whole command, with the seconds of each of its stages
python benchmarks/stages.py dpkt FILE        the same fields with dpkt, for comparison
python benchmarks/stages.py scapy FILE       the flags with Scapy, for comparison
python benchmarks/stages.py start FILE       the whole command, with the shares of import and compilation
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from craftmark.packets.batch import PacketBatch

EXAMPLE: Final = Path(__file__).parents[1] / "examples" / "odd-scan-2000.pcap"


def columns(path: str) -> dict[str, Any]:
    """Read a file into columns and count its packets; no digest of the file is made."""

    def count(name: str) -> int:
        return sum(len(batch) for batch in _batches(name))

    return _on_one_core(count, path)


def fold(path: str) -> dict[str, Any]:
    """Fold a file into finished evidence and count its packets; no digest of the file is made."""
    from craftmark.run import local  # noqa: PLC0415 - not part of the other stages

    def count(name: str) -> int:
        return int(local.fold(_batches(name), {}).finish().count.sum())

    return _on_one_core(count, path)


def _batches(name: str) -> Iterator[PacketBatch]:
    from craftmark.sources.base import Provenance, SourceOptions  # noqa: PLC0415 - not part of the other stages
    from craftmark.sources.pcap import FORMAT  # noqa: PLC0415 - the same

    with Path(name).open("rb") as stream:
        yield from FORMAT.open(stream, Provenance(name), 1, SourceOptions()).batches()


def _on_one_core(count: Callable[[str], int], path: str) -> dict[str, Any]:
    """Measure work on one core; the kernels are compiled or loaded before."""
    os.environ["CRAFTMARK_KERNELS"] = "compiled"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    count(str(EXAMPLE))
    begin, cpu = time.perf_counter(), time.process_time()
    packets = count(path)
    return {"packets": packets, "wall_s": time.perf_counter() - begin, "cpu_s": time.process_time() - cpu}


def shares(path: str) -> dict[str, Any]:
    """Run the whole command and tell the seconds of each stage; what is not named is the rest."""
    begin = time.perf_counter()
    from craftmark import cli, pipeline  # noqa: PLC0415 - what is measured
    from craftmark.evidence.fold import Evidence  # noqa: PLC0415 - the same
    from craftmark.verbs import examine  # noqa: PLC0415 - the same

    spent = {"start": time.perf_counter() - begin}
    _clocked(spent, pipeline, "_fold", "read and fold")
    _clocked(spent, Evidence, "merge", "merge the cores' evidence")
    _clocked(spent, Evidence, "finish", "finish the evidence")
    _clocked(spent, pipeline, "find", "find scans")
    _clocked(spent, pipeline, "spread", "conclude")
    _clocked(spent, examine, "_render", "render")
    with contextlib.redirect_stdout(io.StringIO()):
        code = cli.main([path])
    spent["read and fold"] -= spent.get("merge the cores' evidence", 0.0)
    total = time.perf_counter() - begin
    return {"code": code, "stages": {**spent, "rest": total - sum(spent.values())}, "wall_s": total}


def _clocked(spent: dict[str, float], owner: Any, name: str, stage: str) -> None:
    """Add up the seconds of a function under the name of a stage."""
    inner = getattr(owner, name)

    def clocked(*args: Any, **named: Any) -> Any:
        begin = time.perf_counter()
        try:
            return inner(*args, **named)
        finally:
            spent[stage] = spent.get(stage, 0.0) + time.perf_counter() - begin

    setattr(owner, name, clocked)


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


def scapy_fields(path: str) -> dict[str, Any]:
    """Read the flags of all packets with Scapy."""
    from scapy.layers.inet import TCP  # noqa: PLC0415 - not part of the other stages
    from scapy.utils import PcapReader  # noqa: PLC0415 - the same

    begin, cpu, packets, odd = time.perf_counter(), time.process_time(), 0, 0
    with PcapReader(path) as reader:
        for packet in reader:
            packets += 1
            odd += TCP in packet and int(packet[TCP].flags) == 99
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


_STAGES: Final = {
    "columns": columns,
    "fold": fold,
    "shares": shares,
    "dpkt": dpkt_fields,
    "scapy": scapy_fields,
    "start": start,
}

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    print(json.dumps(_STAGES[sys.argv[1]](sys.argv[2])))
