import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.sandbox.comparison import canonical_output, canonical_value, first_difference, same_value
from evals.sandbox.helper.encoding import Opaque, decode, encode

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
json_values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)
hashable = st.recursive(
    scalars | st.binary() | st.decimals(allow_nan=False) | st.fractions() | st.complex_numbers(allow_nan=False),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner),
    max_leaves=10,
)
values = st.recursive(
    hashable,
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(hashable, inner) | st.sets(hashable),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        ("1 2\n3\n", "1 2\n3"),
        ("  1 2  \r\n3\r\n\r\n", "1 2\n3"),
        ("1.0 2.50", "1 2.5"),
        ("YES", "YES\n\n"),
        ("x 1.0", "x 1"),
        ("", "\n"),
        ("1e2", "100"),
    ],
)
def test_outputs_that_are_the_same(got, expected):
    assert first_difference(got, expected) is None
    assert canonical_output(got) == canonical_output(expected)


@pytest.mark.parametrize(
    ("got", "expected", "where"),
    [
        ("1\n2", "1\n3", "line 2"),
        ("1", "1\n2", "1 lines instead of 2"),
        ("1\n2\n3", "1\n2", "3 lines instead of 2"),
        ("1\n\n2", "1\n2", "line 2"),
        ("yes", "YES", "line 1"),
        ("1 2", "12", "line 1"),
        ("0.33333", "0.333333", "line 1"),
        ("nan", "NaN", "line 1"),
        ("inf", "Infinity", "line 1"),
    ],
)
def test_outputs_that_differ(got, expected, where):
    assert where in (first_difference(got, expected) or "")


def test_a_tolerance_is_for_numbers_that_are_finite():
    assert first_difference("0.9999999 a", "1 a", 1e-6) is None
    assert first_difference("0.9 a", "1 a", 1e-6)
    assert first_difference("1e400", "1e500", 1e-6)


@given(st.text(), st.text())
def test_equal_outputs_have_equal_canonical_text_and_no_others(one, other):
    assert (first_difference(one, other) is None) == (canonical_output(one) == canonical_output(other))


@given(st.decimals(allow_nan=False, allow_infinity=False), st.decimals(allow_nan=False, allow_infinity=False))
def test_numbers_are_the_same_if_their_values_are(one, other):
    assert (canonical_output(str(one)) == canonical_output(str(other))) == (one == other)


@given(values)
def test_a_plain_value_survives_its_encoding(value):
    decoded = decode(encode(value))
    assert decoded == value
    assert type(decoded) is type(value)


@given(json_values, json_values)
def test_a_result_is_right_if_it_is_equal(value, other):
    assert same_value(encode(value), value)
    assert same_value(encode(value), other) == (value == other)
    assert (canonical_value(encode(value)) == canonical_value(encode(other))) == (value == other)


def test_no_object_is_asked_what_it_is_equal_to():
    class Always(int):
        def __eq__(self, other):
            return True

        __hash__ = int.__hash__

    class Mapping(dict):
        def items(self):
            return [("forged", 1)]

        __iter__ = None

    assert encode(Always(5)) == 5
    assert encode(Mapping(a=1)) == {"d": [["a", 1]]}
    assert decode(encode(object())) != decode(encode(object()))
    assert isinstance(decode(encode([object()]))[0], Opaque)


@pytest.mark.parametrize(
    "encoded", [{}, {"i": 1}, {"i": "x"}, {"t": 1}, {"d": [[1]]}, {"D": "x"}, {"a": 1, "b": 2}, {"F": "1/0"}]
)
def test_what_is_no_encoding_is_refused_and_equal_to_nothing(encoded):
    with pytest.raises((ValueError, TypeError, ArithmeticError)):
        decode(encoded)
    for expected in (1, 1.0, "x", [1], {"a": 1}, None, True):
        assert not same_value(encoded, expected)
