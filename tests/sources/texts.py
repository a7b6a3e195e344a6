"""Texts read as inputs, and what of a packet they show."""

from __future__ import annotations

import io

from craftmark.packets import fields as f
from craftmark.packets.batch import join, source_text, target_text
from craftmark.sources.base import Provenance, SourceOptions
from craftmark.sources.formats import format_named, format_of


def read(text: bytes | str, name: str | None = None, *, year: int | None = None):
    """Return the packets of a text and its provenance; its format is recognised unless named."""
    data = text.encode() if isinstance(text, str) else text
    chosen = format_named(name) if name else format_of(data[:65_536])
    assert chosen is not None, "no format recognises it"
    provenance = Provenance("text")
    source = chosen.open(io.BytesIO(data), provenance, 1, SourceOptions(year=year))
    batch = join([part.copy() for part in source.batches()])
    return batch, provenance


def shown(batch, row: int = 0) -> dict[str, int]:
    """Return the fields that a packet's row shows, by name."""
    words = batch.words[row]
    protocol = int(words[f.PROTOCOL])
    return {
        field.name: int(words[field.word])
        for field in f.fields_of(protocol)
        if words[f.PRESENT] & f.visibility_bit(field.word) and field.form != "address"
    }


def ends(batch, row: int = 0) -> tuple[str, str]:
    """Return source and target of a packet as text."""
    return source_text(batch.words[row]), target_text(batch.words[row])
