"""The shape of a scan: what it varied. Zeek's scan policy names the first three."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from craftmark.packets import fields as f

if TYPE_CHECKING:
    from collections.abc import Sequence

    from craftmark.evidence.dossier import Dossier

Shape = Literal["port", "address", "block", "protocol", "host", "spot", "path"]

#: Up to this many ports, or addresses, are few.
FEW = 4
#: IP protocols from which a scan is one of protocols.
PROTOCOLS = 5
#: Addresses per port from which a scan of several ports is still one of addresses.
ADDRESSES_PER_PORT = 10


def shape_of(parts: Sequence[Dossier]) -> Shape:
    """Return the shape of a scan from the dossiers of its kinds of probe, the largest first."""
    main = parts[0]
    if _protocols(parts) >= PROTOCOLS:
        return "protocol"
    if _is_path(main):
        return "path"
    targets = max(part.targets_total for part in parts)
    if all(part.port_field is None for part in parts) or any(part.icmp and part.targets_total > 1 for part in parts):
        return "host" if targets > 1 else "spot"
    ports = len(set().union(*(part.ports for part in parts)))
    if targets == 1:
        return "port" if ports > 1 else "spot"
    if ports > FEW >= targets:
        return "port"
    if ports <= FEW or targets >= ADDRESSES_PER_PORT * ports:
        return "address"
    return "block"


def _protocols(parts: Sequence[Dossier]) -> int:
    seen = {part.protocol for part in parts}
    for part in parts:
        seen.update(np.unique(part.sample.words[:, f.PROTOCOL]).tolist())
    return len(seen)


def _is_path(main: Dossier) -> bool:
    """Tell whether the TTL climbs from the first hops: at least four low values in rising order at one target."""
    ttl = main.field("ip_ttl")
    if ttl is None or main.targets_total > 1 or ttl.distinct < FEW or ttl.minimum > FEW:
        return False
    values = main.sample.words[:, f.IP_TTL].astype(np.int64)
    return bool((np.diff(values) >= 0).mean() > 0.9)
