"""``make fuzz``: coverage-guided fuzzing of one target with atheris, on the kernels' plain bodies.

    CRAFTMARK_KERNELS=plain python -m fuzz.guided TARGET [libFuzzer's options, such as -max_total_time=600]

atheris sees Python's bytecode only, so kernels run plain. The corpus grows in fuzz/corpus/TARGET, which is not kept.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

os.environ.setdefault("CRAFTMARK_KERNELS", "plain")

import atheris

with atheris.instrument_imports(include=["craftmark"]):
    from fuzz.targets import TARGETS

from fuzz.torture import seeds_of


def _run(target: Callable[[bytes], int], data: bytes) -> None:
    target(data)


def main() -> None:
    """Fuzz the target named first."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        raise SystemExit(f"usage: python -m fuzz.guided TARGET [options]; targets: {', '.join(TARGETS)}")
    name = sys.argv.pop(1)
    corpus = Path(__file__).parent / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds_of(name)):
        (corpus / f"seed-{number}").write_bytes(seed)
    target = TARGETS[name]
    atheris.Setup([sys.argv[0], *sys.argv[1:], str(corpus)], lambda data: _run(target, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
