"""AES-128 gives the examples of FIPS 197, for one key and for many."""

from __future__ import annotations

import numpy as np

from craftmark.kernels.aes import encrypt

EXAMPLES = [  # FIPS 197, appendix B and C.1
    ("2b7e151628aed2a6abf7158809cf4f3c", "3243f6a8885a308d313198a2e0370734", "3925841d02dc09fbdc118597196a0b32"),
    ("000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff", "69c4e0d86a7b0430d8cdb78070b4c55a"),
]


def test_the_standards_examples_come_out():
    keys, plain, secret = (
        np.array([list(bytes.fromhex(example[column])) for example in EXAMPLES], np.uint8) for column in range(3)
    )
    before = keys.copy()
    assert (encrypt(keys, plain) == secret).all()
    assert (keys == before).all()
    for row in range(len(EXAMPLES)):
        assert (encrypt(keys[row : row + 1], plain[row : row + 1]) == secret[row]).all()
