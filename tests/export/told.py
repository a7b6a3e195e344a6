"""What tests of exported rules share: whether a program is here, and what a rule says of itself."""

from __future__ import annotations

import re
import shutil

import pytest


def needs(program):
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


def counted(text):
    """Return what rules say they hit: of the scan's probes, of other packets."""
    numbers = re.search(r"counted on the capture: ([\d,]+) of ([\d,]+) probes of \w+, ([\d,]+) of ([\d,]+) other", text)
    return [int(number.replace(",", "")) for number in numbers.groups()]
