"""Any document at all, made from the types of the report."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import is_dataclass
from functools import cache
from typing import Literal, Union, get_args, get_origin

from hypothesis import strategies as st

from craftmark.report.codec import members
from craftmark.report.document import SCHEMA, Report

_TEXT = st.text(max_size=12) | st.sampled_from(["S1", "", "\x1b[2J", "\udcff", "1-1024,3306", "one. Two."])
_SCALARS = {
    int: st.integers(-(2**63), 2**64 - 1) | st.integers(0, 5),
    float: st.floats(allow_nan=False, allow_infinity=False),
    str: _TEXT,
    bool: st.booleans(),
    type(None): st.none(),
}


@cache
def values(hint):
    """Return a strategy for any value of a type of the report."""
    if is_dataclass(hint):
        return st.builds(
            hint, **{member.attribute: st.deferred(lambda m=member: values(m.hint)) for member in members(hint)}
        )
    origin = get_origin(hint)
    if origin is Literal:
        return st.sampled_from(get_args(hint))
    if origin is tuple:
        return st.lists(values(get_args(hint)[0]), max_size=2).map(tuple)
    if origin is Mapping:
        return st.dictionaries(_TEXT, values(get_args(hint)[1]), max_size=2)
    if origin in (Union, types.UnionType):
        return st.one_of([values(inner) for inner in get_args(hint)])
    return _SCALARS[hint]


def reports():
    """Return a strategy for whole reports."""
    return st.builds(Report, **{m.attribute: values(m.hint) for m in members(Report)} | {"schema": st.just(SCHEMA)})
