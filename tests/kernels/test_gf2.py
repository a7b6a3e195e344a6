"""GF(2): equal to the twins, canonical, and a monoid."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from craftmark.kernels.gf2 import Span, affine_hull, dependencies
from tests.naive import gf2 as naive

BITS = 9
VECTORS = st.lists(st.integers(0, (1 << BITS) - 1), max_size=8)


@given(VECTORS)
def test_a_span_is_the_textbooks_echelon_form(vectors: list[int]) -> None:
    assert Span().with_vectors(vectors).rows == naive.echelon(vectors, BITS)


@given(VECTORS, st.integers(0, (1 << BITS) - 1))
def test_a_vector_reduces_to_0_exactly_if_it_is_a_sum(vectors: list[int], vector: int) -> None:
    span = Span().with_vectors(vectors)
    assert (span.reduced(vector) == 0) == (vector in naive.all_sums(vectors)) == span.holds([vector])
    assert span.reduced(span.reduced(vector)) == span.reduced(vector)


@given(VECTORS, VECTORS, VECTORS)
def test_spans_are_a_commutative_idempotent_monoid(one: list[int], two: list[int], three: list[int]) -> None:
    a, b, c = (Span().with_vectors(vectors) for vectors in (one, two, three))
    assert a.merged(b) == b.merged(a) == Span().with_vectors(one + two)
    assert a.merged(b).merged(c) == a.merged(b.merged(c))
    assert a.merged(a) == a.merged(Span()) == Span().merged(a) == a


@given(VECTORS)
def test_an_affine_hull_holds_the_sums_of_odd_numbers_of_its_vectors(vectors: list[int]) -> None:
    hull = affine_hull(vectors, BITS)
    for vector in range(1 << BITS):
        odd = (1 << BITS | vector) in naive.all_sums([1 << BITS | known for known in vectors])
        assert hull.holds([1 << BITS | vector]) == odd


@given(VECTORS)
def test_dependencies_are_a_basis_of_all_relations(vectors: list[int]) -> None:
    found = dependencies(vectors)
    assert naive.all_sums(found) == naive.relations(vectors)
    assert len(set(found)) == len(found) == len(vectors) - Span().with_vectors(vectors).rank
    for mask in found:
        last = mask.bit_length() - 1
        assert [other for other in found if other >> last & 1] == [mask]
