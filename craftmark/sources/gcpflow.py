"""Google Cloud's VPC flow logs and firewall rules logs: JSON as its logging exports it, one a line or in an array.

What a record shows (Google Cloud, "About VPC Flow Logs records", "Firewall Rules Logging"): the ends and protocol of a
connection, and of a flow the packets and octets one way between two times. Packets are sampled and counts are scaled,
so that the length of a single packet does not follow. Control bits are never told. A flow between two machines of one
project is reported by both, once each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, Final

from craftmark.packets import fields as f
from craftmark.sources.flows import Flow, write_flow
from craftmark.sources.jsonlines import JSON_LINE_CAP, JsonParser, count_in, table_in, text_in
from craftmark.sources.logclock import epoch_ns
from craftmark.sources.textlines import PacketLog, TextSource

if TYPE_CHECKING:
    from craftmark.sources.base import Provenance, SourceOptions

_PORTS: Final = (("src_port", f.SPORT), ("dest_port", f.DPORT))
_ABOUT: Final = "packets are sampled, and flows between two machines of one project are reported by both"


def _write(log: PacketLog, record: dict[str, Any], _byte: int) -> str:
    """Write one record; return what is wrong with it."""
    payload = table_in(record, "jsonPayload") or record
    connection = table_in(payload, "connection")
    if not connection:
        log.foreign(b"a record without a connection")
        return ""
    protocol = count_in(connection, "protocol")
    if protocol is None or protocol > 255:
        return "a record without a protocol"
    ts_ns = epoch_ns((text_in(payload, "start_time") or text_in(record, "timestamp")).encode())
    if ts_ns is None:
        return "a record without a time"
    flow = Flow((text_in(connection, "src_ip").encode(), text_in(connection, "dest_ip").encode()), protocol)
    for name, word in _PORTS if protocol in (f.TCP, f.UDP, f.SCTP) else ():
        port = count_in(connection, name)
        if port is not None:
            flow.words[word] = port
    flow.packets = count_in(payload, "packets_sent")
    flow.octets = count_in(payload, "bytes_sent") if (flow.packets or 0) > 1 else None
    log.note(_ABOUT)
    return write_flow(log, flow, ts_ns)


class GcpFlowFormat:
    """Flow logs of Google Cloud."""

    name = "gcpflow"

    def sniff(self, head: bytes) -> bool:
        """Tell whether a JSON record names a connection as Google Cloud does."""
        names = (b'"connection"', b'"src_ip"', b'"dest_ip"')
        return head.lstrip()[:1] in (b"{", b"[") and b'"event_type"' not in head and all(name in head for name in names)

    def open(self, stream: BinaryIO, provenance: Provenance, number: int, options: SourceOptions) -> TextSource:  # noqa: ARG002
        """Open a file of records; see ``Format``."""
        provenance.format = self.name
        log = PacketLog(provenance, number)
        return TextSource(stream, log, JsonParser(log, _write), JSON_LINE_CAP)


FORMAT: Final = GcpFlowFormat()
