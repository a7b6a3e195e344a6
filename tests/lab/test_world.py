"""The lab's world is shut off, has the routers it says, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from lab import world as worlds
from lab.world import IsolationError, World, run


def _namespaces_work():
    if os.geteuid() or not all(map(shutil.which, ("ip", "nft", "ping", "sysctl"))):
        return False
    name = f"{worlds.PREFIX}{os.getpid()}-probe"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False)
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    return made.returncode == 0


needs_namespaces = pytest.mark.skipif(not _namespaces_work(), reason="needs root and network namespaces")


def ours(world):
    return [line for line in run("ip", "netns", "list").splitlines() if line.startswith(world.prefix)]


@needs_namespaces
def test_a_packet_passes_as_many_routers_as_said_a_way_out_is_refused_and_nothing_is_left():
    with World(9) as world:
        for hops in (1, 4, 8):
            place = world.sender(hops)
            said = run("ip", "netns", "exec", place.namespace, "ping", "-c", "1", "-W", "2", "198.51.100.10")
            assert f"ttl={64 - hops}" in said
        assert ours(world)
        run("ip", "-n", world.prefix + "s4", "route", "add", "default", "via", "192.0.2.65")
        with pytest.raises(IsolationError, match="default route"):
            world._prove_shut_off()
    assert not ours(world)


@needs_namespaces
def test_a_failure_inside_takes_the_world_down():
    world = World(8)
    with pytest.raises(KeyboardInterrupt), world:
        raise KeyboardInterrupt
    assert not ours(world)


def test_without_root_nothing_is_made(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(IsolationError, match="root"):
        World().__enter__()
