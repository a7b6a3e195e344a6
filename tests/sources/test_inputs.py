"""From names to a case: what each bad input says, how inputs are numbered, and what is read from where."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import threading
from pathlib import Path

import pytest

from craftmark.errors import ExitCode, SourceError
from craftmark.packets.batch import INPUT_SHIFT, NUMBER_MASK, join
from craftmark.packets.fields import SPORT
from craftmark.sources.base import SourceOptions
from craftmark.sources.inputs import Case, open_inputs
from tests.strategies import LITTLE, Record, enhanced, ethernet, interface, ipv4, pcap_file, section, tcp

CLASSIC = (0xA1B2C3D4, LITTLE, 16)


def capture(first_s: int, ports: range, *, link: int = 1) -> bytes:
    members = [Record((first_s + k) * 10**9, ethernet(ipv4(6, tcp(k, 80)), 0x800), 60) for k in ports]
    return pcap_file(members, CLASSIC, link=link)


def put(folder: Path, name: str, data: bytes) -> str:
    (folder / name).write_bytes(data)
    return str(folder / name)


def ports_of(case: Case) -> list[tuple[int, int]]:
    """Return input number and source port of each packet."""
    batch = join(one.copy() for one in case.batches())
    return list(zip((batch.packet_id >> INPUT_SHIFT).tolist(), batch.words[:, SPORT].tolist(), strict=True))


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"", ExitCode.NO_PACKETS, "is empty"),
        (pcap_file([], CLASSIC), ExitCode.NO_PACKETS, "only the header of a pcap file"),
        (pcap_file([], CLASSIC)[:10], ExitCode.NO_PACKETS, "file header is cut"),
        (section(LITTLE) + interface(LITTLE), ExitCode.NO_PACKETS, "only the header of a pcapng file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(90), ExitCode.UNKNOWN_FORMAT, "PNG image"),
        (bytes(range(256)) * 9, ExitCode.UNKNOWN_FORMAT, "no format that is read"),
        (b"dear diary, nothing happened\n", ExitCode.UNKNOWN_FORMAT, "text"),
        (gzip.compress(b"dear diary\n"), ExitCode.UNKNOWN_FORMAT, "inside gzip"),
        (b"PK\3\4" + bytes(50), ExitCode.UNKNOWN_FORMAT, "unpack it first"),
        (b"\x1f\x8b\x08" + b"\xff" * 40, ExitCode.UNREADABLE, "gzip data"),
        (capture(1, range(3), link=127), ExitCode.LINK_TYPE, "IEEE802_11_RADIO"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_input_that_cannot_be_examined_says_why(tmp_path: Path, data: bytes, code: int, words: str) -> None:
    with pytest.raises(SourceError, match=words) as caught:
        open_inputs([put(tmp_path, "odd.pcap", data)])
    assert caught.value.code == code


def test_a_missing_file_and_a_directory_say_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file") as caught:
        open_inputs([tmp_path / "nope.pcap"])
    assert caught.value.code == ExitCode.NO_SUCH_INPUT
    with pytest.raises(SourceError, match="directory") as caught:
        open_inputs([tmp_path])
    assert caught.value.code == ExitCode.UNREADABLE


def test_a_pcapng_whose_links_are_all_unread_is_told_at_its_end(tmp_path: Path) -> None:
    data = section(LITTLE) + interface(LITTLE, link=127) + enhanced(LITTLE, 1, Record(0, bytes(60), 60))
    case = open_inputs([put(tmp_path, "a", data)])
    with pytest.raises(SourceError) as caught:
        ports_of(case)
    assert caught.value.code == ExitCode.LINK_TYPE


def test_inputs_are_numbered_by_time_whatever_the_order_of_the_arguments(tmp_path: Path) -> None:
    late, early = put(tmp_path, "a", capture(2000, range(3, 5))), put(tmp_path, "b", capture(1000, range(2)))
    expected = [(1, 0), (1, 1), (2, 3), (2, 4)]
    assert ports_of(open_inputs([late, early])) == expected
    assert ports_of(open_inputs([early, late])) == expected


def test_inputs_that_begin_together_are_numbered_by_their_bytes(tmp_path: Path) -> None:
    names = [put(tmp_path, name, capture(1000, range(ports))) for name, ports in (("a", 3), ("b", 4), ("c", 5))]
    there, back = open_inputs(names), open_inputs(names[::-1])
    assert ports_of(there) == ports_of(back)
    assert [one.name for one in there.describe()] == [one.name for one in back.describe()]


def test_the_same_bytes_given_twice_count_once(tmp_path: Path) -> None:
    data = capture(1000, range(3))
    case = open_inputs([put(tmp_path, "a", data), put(tmp_path, "b", data), str(tmp_path / "a")])
    assert len(ports_of(case)) == 3
    (told,) = case.describe()
    assert "counted once" in told.notes[0]


def test_an_unusable_input_beside_a_usable_one_is_refused_and_told(tmp_path: Path) -> None:
    case = open_inputs([put(tmp_path, "empty", b""), put(tmp_path, "a", capture(1000, range(3)))])
    assert len(ports_of(case)) == 3
    assert [(Path(name).name, error.code) for name, error in case.refused] == [("empty", ExitCode.NO_PACKETS)]
    assert [(Path(one.name).name, one.packets, one.damage_total) for one in case.describe()] == [
        ("a", 3, 0), ("empty", 0, 1),
    ]  # fmt: skip


def test_the_provenance_names_bytes_digest_and_times(tmp_path: Path) -> None:
    data = gzip.compress(capture(1000, range(3)))
    case = open_inputs([put(tmp_path, "a.gz", data)])
    ports_of(case)
    (told,) = case.describe()
    assert (told.sha256, told.bytes) == (hashlib.sha256(data).hexdigest(), len(data))
    assert (told.format, told.packets, told.link_types) == ("pcap", 3, ["EN10MB"])
    assert (told.first_ns, told.last_ns) == (1000 * 10**9, 1002 * 10**9)
    assert case.fraction == 1.0


def test_standard_input_is_read_and_hashed_as_it_passes() -> None:
    data = capture(1000, range(40)) + b"odd"
    case = open_inputs(["-"], stdin=io.BytesIO(data))
    assert len(ports_of(case)) == 40
    (told,) = case.describe()
    assert (told.name, told.bytes) == ("standard input", len(data))
    assert told.sha256 == hashlib.sha256(data).hexdigest()
    assert told.damage_total == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_is_read_and_hashed_like_standard_input(tmp_path: Path) -> None:
    data, path = capture(1000, range(40)), tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(data,))
    writer.start()
    case = open_inputs([path])
    assert len(ports_of(case)) == 40
    writer.join()
    assert case.describe()[0].sha256 == hashlib.sha256(data).hexdigest()


def test_compressed_data_that_end_early_are_damage_beside_what_was_read(tmp_path: Path) -> None:
    packed = gzip.compress(capture(1000, range(500)))
    case = open_inputs([put(tmp_path, "a.gz", packed[: len(packed) // 2])])
    read = len(ports_of(case))
    assert 0 < read < 500
    assert case.describe()[0].damage[-1].what == "the gzip data end early"


def test_more_inputs_than_stay_open_are_read_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("craftmark.sources.inputs.KEEP_OPEN", 2)
    names = [put(tmp_path, f"{k}", capture(1000 * k, range(k, k + 2))) for k in range(1, 6)]
    batch = join(one.copy() for one in open_inputs(names[::-1]).batches())
    assert (batch.packet_id >> INPUT_SHIFT).tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert (batch.packet_id & NUMBER_MASK).tolist() == [1, 2] * 5


def test_the_format_can_be_named_and_an_unknown_name_is_a_usage_error(tmp_path: Path) -> None:
    name = put(tmp_path, "a", capture(1000, range(2)))
    assert len(ports_of(open_inputs([name], format_name="pcap"))) == 2
    with pytest.raises(SourceError, match="pcapng") as caught:
        open_inputs([name], format_name="tarot")
    assert caught.value.code == ExitCode.USAGE


def test_an_expansion_limit_of_none_reads_what_a_limit_would_stop(tmp_path: Path) -> None:
    name = put(tmp_path, "a.gz", gzip.compress(capture(1000, range(9))))
    assert len(ports_of(open_inputs([name], options=SourceOptions(max_expansion=None)))) == 9


LAB = Path(__file__).parents[2].parent / "shared" / "captures" / "lab"


def truths() -> list[dict[str, object]]:
    path = LAB / "truth.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.skipif(not truths(), reason="../shared is absent")
@pytest.mark.parametrize("truth", truths(), ids=lambda truth: str(truth["name"]))
def test_lab_captures_have_the_packets_and_digest_of_their_truth(truth: dict[str, object]) -> None:
    case = open_inputs([LAB / str(truth["file"])])
    packets = sum(len(batch) for batch in case.batches())
    (told,) = case.describe()
    assert (packets, told.sha256, told.damage) == (truth["packets"], truth["sha256"], [])
