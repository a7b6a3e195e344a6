"""Mirai's generator and scanner by their published description, one output and one probe at a time.

Marsaglia's xorshift128 with shifts 11, 8, 19; seeded with time, the xor of two process numbers, the clock, and the xor
of the latter two. The scanner draws its source port (again below 1024), an IP ID that it overwrites, its window; then
for each probe an IP ID and a target, the target again while it is on the list of those to be left alone.
"""

from __future__ import annotations

M32 = 0xFFFFFFFF
LEFT_ALONE = {0, 3, 6, 7, 10, 11, 15, 16, 21, 22, 26, 28, 29, 30, 33, 55, 56, 127, 214, 215, *range(224, 256)}


class Generator:
    def __init__(self, second: int, process: int, clock: int) -> None:
        self.x, self.y, self.z, self.w = second & M32, process & M32, clock & M32, (clock ^ process) & M32
        self.drawn = 0

    def draw(self) -> int:
        t = self.x
        t ^= t << 11 & M32
        t ^= t >> 8
        self.x, self.y, self.z = self.y, self.z, self.w
        self.w ^= self.w >> 19
        self.w ^= t
        self.drawn += 1
        return self.w


def written16(value: int, *, little: bool) -> int:
    """Return what the wire shows of a 16-bit number stored in the sender's byte order."""
    value &= 0xFFFF
    return (value & 0xFF) << 8 | value >> 8 if little else value


class Scanner:
    """One process of the scanner; ``probe`` returns (id, target, port) of the next SYN as they stand on the wire."""

    def __init__(self, second: int, process: int, clock: int, *, little: bool = True) -> None:
        self.random, self.little = Generator(second, process, clock), little
        self.sport = 0
        while self.sport < 1024:
            self.sport = written16(self.random.draw(), little=little)
        self.random.draw()
        self.window = written16(self.random.draw(), little=little)
        self.sent = 0

    def probe(self) -> tuple[int, int, int]:
        number = written16(self.random.draw(), little=self.little)
        while True:
            word = self.random.draw()
            octets = word & 0xFF, word >> 8 & 0xFF, word >> 16 & 0xFF, word >> 24
            spared = octets[0] in LEFT_ALONE or octets[:2] in {(192, 168), (169, 254)}
            if not spared:
                break
        port = 2323 if self.sent % 160 % 10 == 0 else 23
        self.sent += 1
        return number, octets[0] << 24 | octets[1] << 16 | octets[2] << 8 | octets[3], port
