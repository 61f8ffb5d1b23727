"""What is sent, recorded and hashed is the JSON that the standard library writes."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsa.encoding import json_bytes, json_value

TEXT = st.text(st.characters(exclude_categories=()))


def values(numbers):
    return st.recursive(
        st.none() | st.booleans() | numbers | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )


@given(values(st.integers()))
def test_it_reads_back_as_it_was(value):
    assert json.loads(json_bytes(value)) == value


@given(st.lists(TEXT))
def test_texts_stand_as_in_compact_json_so_that_hashes_of_prompts_stay(texts):
    compact = json.dumps(texts, ensure_ascii=False, separators=(",", ":"))
    assert json_bytes(texts, "surrogatepass") == compact.encode("utf-8", "surrogatepass")


def test_a_lone_surrogate_may_be_replaced():
    assert json_bytes({"text": "a\ud800é"}, "replace") == '{"text":"a?é"}'.encode()


@given(values(st.integers(-(2**63), 2**64 - 1)), st.booleans())
def test_what_the_standard_library_writes_is_read(value, ascii_only):
    assert json_value(json.dumps(value, ensure_ascii=ascii_only)) == value


@pytest.mark.parametrize(("text", "value"), [("1" * 400, int("1" * 400)), ("-Infinity", -math.inf), ('"\\ud800"', "\ud800")])
def test_what_strict_json_has_not_is_read_as_well(text, value):
    assert json_value(text) == value


@pytest.mark.parametrize("text", ["", "{", "'a'", '"a\x01"', "[1] 2"])
def test_what_is_no_json_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"\(char \d+\)"):
        json_value(text)
