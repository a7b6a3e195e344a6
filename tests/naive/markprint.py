"""Whether a field keeps its value, written from docs/markprint.md, one packet after the other."""

from __future__ import annotations


def kept_or_moving(senders, values):
    """Return the letters that a field may have, given the sender and the value of each probe in order of time."""
    if len(values) < 20:
        return "?"
    if all(value == values[0] for value in values):
        return "c"
    steps = []
    last = {}
    for sender, value in zip(senders, values, strict=True):
        if sender in last:
            steps.append(last[sender] == value)
        last[sender] = value
    if len(steps) * 2 < len(values):
        steps = [values[i] == values[i - 1] for i in range(1, len(values))]
    unchanged = sum(steps) / len(steps)
    if unchanged >= 0.8:
        return "p"
    if unchanged > 0.5:
        return "?"
    return "kftgr"
