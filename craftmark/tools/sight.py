"""What can be seen of one kind of probe, in the words rules ask in: counts, draws, spreads, steps, readable texts."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from craftmark.packets.expressions import parse
from craftmark.packets.fields import DPORT, FIELDS, IP_DST, IP_SRC, PROTOCOL, SPORT, TCP
from craftmark.tools.wording import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from craftmark.evidence.dossier import Dossier, FieldEvidence
    from craftmark.marks.base import Toolmark
    from craftmark.packets.batch import PacketBatch


class Sight:
    """One dossier with its marks, asked by many rules. ``family``: samples of all parts of the scan, for TTLs."""

    def __init__(self, dossier: Dossier, marks: Sequence[Toolmark], family: PacketBatch | None = None) -> None:
        self.dossier = dossier
        self.marks = marks
        self.family = dossier.sample if family is None else family
        self._values: dict[str, NDArray[np.int64]] = {}
        self._texts: dict[str, str] = {}
        self._steps: dict[tuple[str, int], tuple[int, int]] = {}

    def field(self, name: str) -> FieldEvidence | None:
        """Return a field's evidence where it was seen; a field of another protocol is not."""
        known = FIELDS.get(name)
        if known is None or known.protocol not in (None, self.dossier.protocol):
            return None
        return self.dossier.field(name)

    def values(self, name: str) -> NDArray[np.int64]:
        """Return the sampled values of a field, in time order, where it is seen; not to be modified."""
        if name not in self._values:
            batch = self.dossier.sample
            self._values[name] = batch.column(name)[batch.present(name)].astype(np.int64)
        return self._values[name]

    @cached_property
    def draws(self) -> int:
        """How often a sender that draws per probe drew, at least: decoys share a draw, so one source's probes."""
        return max((party.probes for party in self.dossier.sources), default=self.dossier.probes)

    @cached_property
    def targets(self) -> int:
        """Different pairs of target and port in the sample."""
        batch = self.dossier.sample
        port = self.dossier.port_field
        ports = batch.column(port).astype(np.int64) if port else np.zeros(len(batch), np.int64)
        return len(np.unique(batch.column("ip_dst").astype(np.int64) << 16 | ports))

    @cached_property
    def connections(self) -> int:
        """Different connections, both ends' addresses and ports, in the sample."""
        return len(np.unique(self.dossier.sample.words[:, [IP_SRC, IP_DST, SPORT, DPORT]], axis=0))

    @cached_property
    def blind_to_options(self) -> bool:
        """Tell whether TCP options are unseen, so that one strand may hold several kinds of probe."""
        options = self.field("tcp_options")
        return self.dossier.protocol == TCP and self.dossier.layout is None and (options is None or options.unseen > 0)

    @cached_property
    def by_source(self) -> tuple[NDArray[np.intp], ...]:
        """Sampled rows per source address, the largest dozen."""
        sources = self.dossier.sample.words[:, IP_SRC]
        if len(sources) == 0:
            return ()
        order = np.argsort(sources, kind="stable")
        cuts = np.flatnonzero(np.diff(sources[order])) + 1
        groups = np.split(order, cuts)
        return tuple(sorted(groups, key=len, reverse=True)[:12])

    @cached_property
    def ttl_spread(self) -> int:
        """The widest spread of TTLs within one source, over all parts of the scan."""
        return max((int(ttls.max() - ttls.min()) for ttls in self._ttls), default=0)

    @cached_property
    def ttl_range(self) -> tuple[int, int]:
        """Least and most TTL over all parts of the scan."""
        if not self._ttls:
            return (0, 0)
        return min(int(t.min()) for t in self._ttls), max(int(t.max()) for t in self._ttls)

    @cached_property
    def ttl_draws(self) -> tuple[int, int]:
        """Probes of the largest source over all parts, and how many TTLs they show."""
        largest = max(self._ttls, key=len, default=np.zeros(0, np.int64))
        return len(largest), len(np.unique(largest))

    def ttl_share(self, width: int) -> float:
        """Return the largest share of one source's TTLs that ``width`` neighbouring values hold, of the least such."""
        shares = [1.0]
        for ttls in self._ttls:
            ranked = np.sort(ttls)
            inside = np.searchsorted(ranked, ranked + width) - np.arange(len(ranked))
            shares.append(float(inside.max()) / len(ranked))
        return min(shares)

    @cached_property
    def _ttls(self) -> list[NDArray[np.int64]]:
        batch = self.family
        rows = np.flatnonzero(batch.present("ip_ttl") & (batch.words[:, PROTOCOL] < 256))
        ttls, sources = batch.column("ip_ttl")[rows].astype(np.int64), batch.words[rows, IP_SRC]
        order = np.argsort(sources, kind="stable")
        return [t for t in np.split(ttls[order], np.flatnonzero(np.diff(sources[order])) + 1) if len(t)]

    def tests(self, text: str, result: str) -> int:
        """Return how many independent tests a relation had: different inputs, not packets.

        Where the field that the others should explain never changes, or only counts, there was one: counters that
        rise together agree without any relation between them.
        """
        explained = self.field(result)
        if explained is None or explained.constant is not None:
            return 1
        held, seen = self.steps(result, 1)
        if held * 2 > seen:
            return 1
        names = relation_fields(text)
        distinct = [evidence.distinct for name in names if (evidence := self.field(name)) is not None]
        counted = self.dossier.relations.get(text)
        return min(max(distinct, default=1), counted.seen if counted else self.dossier.probes)

    def distinct_of(self, text: str) -> int:
        """Return how many values an expression has over the sample."""
        return len(np.unique(parse(text).evaluate(self.dossier.sample)))

    def steps(self, name: str, step: int) -> tuple[int, int]:
        """Return in how many of how many neighbouring probes a field went up by ``step``, over all or per source."""
        if (name, step) not in self._steps:
            self._steps[name, step] = self._counted_steps(name, step)
        return self._steps[name, step]

    def _counted_steps(self, name: str, step: int) -> tuple[int, int]:
        batch = self.dossier.consecutive
        values, modulus = batch.column(name).astype(np.int64), 1 << FIELDS[name].bits
        overall = int(np.count_nonzero(np.diff(values) % modulus == step))
        order = np.argsort(batch.words[:, IP_SRC], kind="stable")
        same = np.diff(batch.words[order, IP_SRC]) == 0
        apart = int(np.count_nonzero((np.diff(values[order]) % modulus == step) & same))
        of_all, of_apart = max(len(values) - 1, 0), int(np.count_nonzero(same))
        return max((overall, of_all), (apart, of_apart), key=lambda pair: pair[0] / max(pair[1], 1))

    def text(self, name: str) -> str:
        """Return what a field shows, with its count: 'ip_id = 242 in 3,072 of 3,072'."""
        if name not in self._texts:
            self._texts[name] = self._shown(name)
        return self._texts[name]

    def _shown(self, name: str) -> str:
        evidence = self.field(name)
        if evidence is None:
            return f"{name} unseen"
        if evidence.constant is not None:
            return f"{name} = {number(name, evidence.constant)} in {evidence.seen:,} of {self.dossier.probes:,}"
        least, most = number(name, evidence.minimum), number(name, evidence.maximum)
        some = "at least " if self.dossier.sampled else ""
        return f"{name} takes {some}{evidence.distinct:,} values from {least} to {most} in {evidence.seen:,}"


@lru_cache(maxsize=256)
def relation_fields(text: str) -> tuple[str, ...]:
    """Return the names of the fields in a relation."""
    return parse(text).fields
