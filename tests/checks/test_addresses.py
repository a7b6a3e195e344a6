from __future__ import annotations

import pytest

from craftmark.checks.addresses import canonical, standing


def asked(address, *, own=(), reserved_too=False):
    return standing(address, own=own, reserved_too=reserved_too)


@pytest.mark.parametrize(
    "address",
    [
        "224.0.0.1", "239.255.255.250", "255.255.255.255", "240.0.0.1", "0.0.0.0", "0.1.2.3", "127.0.0.1", "::", "::1",
        "ff02::1", "fe80::1", "fe80::1%eth0", "-c", "1.2.3.4; reboot", "", "$(id)", "1.2.3",
    ],
)  # fmt: skip
def test_what_no_single_host_has_is_never_asked_not_even_when_told_to(address):
    assert not asked(address, reserved_too=True).allowed
    assert asked(address).special


@pytest.mark.parametrize("address", ["10.0.0.1", "192.0.2.1", "192.168.1.1", "100.64.0.1", "169.254.1.1", "fd00::1"])
def test_reserved_addresses_are_asked_only_when_told_to_and_it_is_said(address):
    assert not asked(address).allowed
    assert asked(address, reserved_too=True).allowed
    assert "reserved or private" in asked(address, reserved_too=True).special


def test_own_addresses_are_asked_only_when_told_to_and_it_is_said():
    own = ("8.8.0.0/16", "2001:4860::/32")
    assert not asked("8.8.8.8", own=own).allowed
    assert asked("8.8.8.8", own=own, reserved_too=True).special == "in your own networks"
    assert not asked("2001:4860::8888", own=own).allowed


def test_public_addresses_have_nothing_special():
    assert asked("192.160.13.4").allowed
    assert not asked("192.160.13.4").special
    assert canonical("2001:4860:0:0::1") == asked("2001:4860:0:0::1").address == "2001:4860::1"
