from __future__ import annotations

from craftmark.tools.wording import bits_text, number


def test_large_numbers_of_wide_fields_are_hexadecimal():
    assert number("tcp_seq", 0xA1D95) == "0xA1D95"
    assert number("tcp_seq", 83) == "83"
    assert number("ip_id", 54321) == "54321"
    assert number("ip_tos", 16) == "0x10"


def test_control_bits_stand_in_header_order():
    assert bits_text(13) == "FIN+RST+PSH"
    assert bits_text(0) == "none"
