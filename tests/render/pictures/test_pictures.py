"""Pictures: what they show is what the report says, and nothing of a packet can escape into the page."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import craftmark
from craftmark.render.pictures import header_map, hilbert
from craftmark.render.pictures.every import PICTURES, pictures_of
from craftmark.render.pictures.theme import COLOURS, literal
from craftmark.report.drawn import NOTHING_DRAWN, Column, Sample

ROOT = Path(__file__).resolve().parents[3]
SVG = "{http://www.w3.org/2000/svg}"


@cache
def example():
    return craftmark.examine([ROOT / "examples" / "odd-scan-2000.pcap"])


def drawn():
    report = example()
    return {picture.name: picture for picture in pictures_of(report, report.scans[0])}


@pytest.mark.parametrize("name", ["header", "order", "tools", "hops", "gaps", "sources", "answers"])
def test_each_is_well_formed_and_says_in_words_what_it_shows(name):
    picture = drawn()[name]
    root = ET.fromstring(picture.svg)
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == picture.title
    assert len(root.findtext(f"{SVG}desc") or "") > 40


def test_the_names_are_those_of_the_registry():
    assert set(drawn()) <= set(PICTURES)


def test_no_picture_reaches_for_anything_outside():
    for picture in drawn().values():
        links = re.findall(r'(?:href|src|url)\s*[=(]\s*["\']?([^"\')\s>]+)', picture.svg)
        assert all(link.startswith("#") for link in links), picture.name
        assert "<script" not in picture.svg


def test_every_colour_has_a_form_for_light_and_dark_paper():
    for picture in drawn().values():
        used = set(re.findall(r"var\(--(\w+)\)", picture.svg))
        assert used <= set(COLOURS), picture.name
        assert "var(" not in literal(picture.svg)
        assert literal(picture.svg) != literal(picture.svg, dark=True)


def test_the_header_map_shows_the_digits_of_a_constant_field():
    root = ET.fromstring(drawn()["header"].svg)
    group = next(g for g in root.iter(f"{SVG}g") if (g.findtext(f"{SVG}title") or "").startswith("ip_id = 242"))
    digits = [text.text for text in group.findall(f"{SVG}text")][1:]
    assert int("".join(digits), 2) == 242
    assert "3,072 of 3,072" in group.findtext(f"{SVG}title")


def test_bits_that_vary_have_no_digit():
    root = ET.fromstring(drawn()["header"].svg)
    group = next(g for g in root.iter(f"{SVG}g") if (g.findtext(f"{SVG}title") or "").startswith("tcp_dport varies"))
    digits = [text.text for text in group.findall(f"{SVG}text")][1:]
    assert len(digits) == 5, "ports 1 to 1,024 leave the five highest bits unchanged"


def test_a_field_the_input_cannot_show_is_named_so():
    log = craftmark.examine([ROOT / "examples" / "odd-scan-2000.snort.txt"])
    picture = header_map.draw(log, log.scans[0])
    assert "this input" in picture.svg


def test_a_report_without_drawn_data_still_has_the_tables():
    report = example()
    scan = replace(report.scans[0], drawn=NOTHING_DRAWN)
    assert {picture.name for picture in pictures_of(report, scan)} == {"tools", "hops", "answers"}


def test_text_of_packets_cannot_leave_its_place():
    report = example()
    hostile = '</title><script>alert(1)</script>"\u202e\x1b[31m'
    tools = tuple(replace(one, tool=hostile, reason=hostile) for one in report.scans[0].maker.tools[:1])
    scan = replace(report.scans[0], id="S1", maker=replace(report.scans[0].maker, tools=tools))
    picture = PICTURES["tools"](report, scan)
    assert "<script" not in picture.svg
    assert "\u202e" not in picture.svg
    ET.fromstring(picture.svg)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_the_curve_visits_every_cell_once_by_steps_of_one(order):
    path = [hilbert.place(distance, order) for distance in range(4**order)]
    assert len(set(path)) == 4**order
    assert all(abs(a - c) + abs(b - d) == 1 for (a, b), (c, d) in itertools.pairwise(path))
    assert path[0] == (0, 0)


def test_targets_are_laid_out_in_the_smallest_prefix_that_holds_them():
    report = example()
    sample = Sample(4, complete=True, columns=(Column("ip_dst", tuple(0xC6120000 + n * 64 for n in range(4))),))
    scan = replace(report.scans[0], targets_total=4, drawn=replace(report.scans[0].drawn, spread=sample))
    picture = hilbert.draw(report, scan)
    assert "198.18.0.0/24" in picture.alt
    assert "4 of 256 blocks" in picture.alt
