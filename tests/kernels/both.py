"""Runs a kernel compiled and as its plain body on copies of the same arrays, and wants equal results."""

from __future__ import annotations

import numpy as np


def run_both(kernel, n, *args):
    """Return (result, arrays) of the compiled kernel after checking that the plain body gives the same."""
    copies = [arg.copy() if isinstance(arg, np.ndarray) else arg for arg in args]
    plain = [arg.copy() if isinstance(arg, np.ndarray) else arg for arg in args]
    result = kernel.dispatcher()(n, *copies)
    views = [arg.data if isinstance(arg, np.ndarray) else arg for arg in plain]
    assert kernel.body(n, *views) == result
    for one, two in zip(copies, plain, strict=True):
        if isinstance(one, np.ndarray):
            assert one.tobytes() == two.tobytes()
    return result, copies
