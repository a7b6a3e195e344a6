"""Days: every packet is counted once, on its day, and a day is let go as soon as no packet of it can come."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from craftmark.packets.batch import INPUT_SHIFT
from craftmark.packets.expressions import parse
from craftmark.run.days import DAY_NS, NO_DAY, fold_days, fold_inputs
from craftmark.run.local import fold
from tests.laws.test_laws import wire
from tests.marks.dossiers import probes


def _part(number, days, *, sport=1000):
    """Return a batch of one input, a packet for each of some days."""
    batch = probes(len(days), tcp_sport=sport, tcp_dport=np.arange(len(days)))
    batch.ts_ns[:] = np.asarray(days, np.int64) * DAY_NS + np.arange(len(days))
    batch.packet_id[:] = (number << INPUT_SHIFT) + np.arange(1, len(days) + 1)
    return batch


class _Case:
    """Inputs as ``sources/inputs.py`` orders them; notes how far it was read."""

    def __init__(self, *parts, dateless=()):
        self.parts = parts
        firsts = {}
        for part in parts:
            firsts.setdefault(int(part.packet_id[0] >> INPUT_SHIFT), int(part.ts_ns[0]))
        self.inputs = [
            SimpleNamespace(first=(int(number in dateless), first)) for number, first in sorted(firsts.items())
        ]
        self.read = 0

    def batches(self):
        for part in self.parts:
            self.read += 1
            yield part


def _counts(portions):
    return {portion.key: portion.evidence.packets for portion in portions}


def test_each_packet_counts_on_its_day():
    case = _Case(_part(1, [3, 3, 4]), _part(1, [4, 5, 4]), _part(2, [5, 5]))
    assert _counts(fold_days(case, {})) == {3: 2, 4: 3, 5: 3}


def test_a_day_is_the_same_evidence_as_its_packets_alone():
    batch = _part(1, [7] * 40 + [8] * 30)
    found = {one.key: one.evidence.finish() for one in fold_days(_Case(batch), {})}
    for key in (7, 8):
        alone = fold([batch.take(batch.ts_ns // DAY_NS == key)], {}).finish()
        assert wire(found[key]) == wire(alone)


def test_two_sensors_of_one_day_are_one_case():
    case = _Case(_part(1, [3, 4, 4]), _part(2, [3, 3, 4]))
    assert _counts(fold_days(case, {})) == {3: 3, 4: 3}


def test_a_day_is_handed_out_before_the_rest_is_read():
    case = _Case(_part(1, [3]), _part(2, [6]), _part(3, [9]))
    days = fold_days(case, {})
    assert (next(days).key, case.read) == (3, 2)
    assert (next(days).key, case.read) == (6, 3)


def test_days_of_one_long_input_are_handed_out_as_it_is_read():
    case = _Case(*(_part(1, [day]) for day in range(10)))
    assert (next(fold_days(case, {})).key, case.read) == (0, 3)


def test_a_packet_that_comes_too_late_is_counted_on_the_oldest_open_day():
    case = _Case(_part(1, [3, 9]), _part(1, [2, 2]))
    assert _counts(fold_days(case, {})) == {3: 1, 8: 2, 9: 1}


def test_inputs_without_a_date_are_one_case_at_the_end():
    case = _Case(_part(1, [3, 4]), _part(2, [0, 1]), _part(3, [5]), dateless=(2, 3))
    assert list(_counts(fold_days(case, {})).items()) == [(3, 1), (4, 1), (NO_DAY, 3)]


def test_inputs_can_be_the_cases():
    case = _Case(_part(1, [3, 4]), _part(2, [3]), _part(2, [9]))
    assert _counts(fold_inputs(case, {})) == {1: 2, 2: 2}


@pytest.mark.parametrize("way", [fold_days, fold_inputs])
def test_selection_and_progress_are_those_of_the_plain_executor(way):
    told = []
    case = _Case(_part(1, [3, 3, 3]), _part(1, [3, 3]))
    found = list(way(case, {}, where=parse("tcp_dport < 2"), watch=told.append))
    assert ([one.evidence.packets for one in found], told) == ([4], [3, 5])
