from __future__ import annotations

import subprocess
import sys

import pytest

import craftmark


def test_the_public_names_are_these_and_sorted():
    assert craftmark.__all__ == ["Likeness", "Report", "__version__", "compare", "examine"]
    assert sorted(craftmark.__all__) == craftmark.__all__
    assert dir(craftmark) == craftmark.__all__


def test_every_public_name_can_be_had():
    for name in craftmark.__all__:
        assert getattr(craftmark, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'inspect'"):
        craftmark.inspect  # noqa: B018 - the access itself is what is tested


def test_import_is_cheap():
    program = "import sys, craftmark; print('numpy' in sys.modules, 'craftmark.pipeline' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.split() == [b"False", b"False"]
