from __future__ import annotations

import gzip
from pathlib import Path

from craftmark import cli
from craftmark.errors import ExitCode

PCAP = Path(__file__).parents[2] / "examples" / "odd-scan-2000.pcap"


def test_a_sound_file_is_told_with_what_is_in_it(capsys):
    assert cli.main(["doctor", str(PCAP)]) == ExitCode.EXAMINED
    page = " ".join(capsys.readouterr().out.split())
    assert "pcap, link type EN10MB, 215,064 bytes" in page
    assert "3,072: 3,072 TCP" in page
    assert "2000-05-20 17:06:45.061034000 to 2000-05-20 17:06:58.661034000 UTC" in page
    assert page.endswith("wrong nothing")


def test_damage_is_told_with_its_place_and_what_is_around_the_input(tmp_path, capsys):
    cut = tmp_path / "cut.gz"
    cut.write_bytes(gzip.compress(PCAP.read_bytes()[:-9]))
    assert cli.main(["doctor", str(cut)]) == ExitCode.DAMAGED
    page = " ".join(capsys.readouterr().out.split())
    assert "pcap inside gzip" in page
    assert "at packet 3,072, byte 214,994: the last record is cut" in page


def test_what_cannot_be_read_says_why_and_the_code(tmp_path, capsys):
    picture = tmp_path / "a.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(99))
    assert cli.main(["doctor", str(picture)]) == ExitCode.UNKNOWN_FORMAT
    assert "a PNG image" in capsys.readouterr().out


def test_names_and_notes_that_would_steer_a_terminal_are_made_visible(tmp_path, capsys):
    odd = tmp_path / "a\x1b[31m.txt"
    odd.write_bytes(b"\x1b]0;x\x07\n")
    cli.main(["doctor", str(odd)])
    assert "\x1b" not in capsys.readouterr().out


def test_several_files_of_different_fate_end_in_3(tmp_path):
    assert cli.main(["doctor", str(PCAP), str(tmp_path / "none")]) == ExitCode.DAMAGED
