"""A host's services, for the lab's target and reactive namespaces: `python services.py target|reactive`.

Small on purpose: banners, a page, a name server that knows nothing, a clock. It listens on every address.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

BANNERS = {
    21: b"220 lab FTP server ready\r\n", 22: b"SSH-2.0-OpenSSH_9.2p1 lab\r\n", 25: b"220 lab ESMTP\r\n",
    110: b"+OK lab POP3\r\n", 443: b"", 3306: b"", 80: None, 8080: None,
}  # fmt: skip
PAGE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 14\r\nConnection: close\r\n\r\n<p>lab</p>\r\n\r\n"
)
DNS_NO_SUCH_NAME = b"\x81\x83"
NTP_SERVER = b"\x24\x02\x06\xe9"
NTP_NOW = bytes.fromhex("eaef3a0000000000")
DATAGRAMS = {53: "dns", 123: "ntp", 161: "quiet", 4500: "quiet"}


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, banner: bytes | None) -> None:
    """Say the banner, or answer one request with the page, and close."""
    try:
        if banner:
            writer.write(banner)
            await writer.drain()
        async with asyncio.timeout(5):
            said = await reader.read(2048)
        if banner is None and said:
            writer.write(PAGE)
            await writer.drain()
    except (OSError, TimeoutError):
        pass
    finally:
        writer.close()


class Datagrams(asyncio.DatagramProtocol):
    """One UDP service, answering as its kind does."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer what can be answered."""
        if self.kind == "dns" and len(data) >= 12:
            self.transport.sendto(data[:2] + DNS_NO_SUCH_NAME + data[4:6] + bytes(6) + data[12:], addr)
        elif self.kind == "ntp" and len(data) >= 48:
            self.transport.sendto(NTP_SERVER + bytes(12) + NTP_NOW + data[40:48] + NTP_NOW * 2, addr)


def own_addresses() -> list[str]:
    """Return the addresses of this namespace's interface: a datagram is answered from the address it was sent to."""
    listed = subprocess.run(["ip", "-j", "address", "show", "dev", "eth0"], capture_output=True, check=True).stdout
    return [told["local"] for told in json.loads(listed)[0]["addr_info"]]


async def main(role: str) -> None:
    """Listen until ended."""
    loop = asyncio.get_running_loop()
    ports = BANNERS if role == "target" else {8080: None}
    for port, banner in ports.items():
        await asyncio.start_server(lambda r, w, banner=banner: serve(r, w, banner), "0.0.0.0", port, backlog=4096)
    if role == "target":
        for address in own_addresses():
            for port, kind in DATAGRAMS.items():
                await loop.create_datagram_endpoint(lambda kind=kind: Datagrams(kind), (address, port))
    print("listening", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
