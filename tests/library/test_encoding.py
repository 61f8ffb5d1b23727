"""What is sent, recorded and hashed is the JSON that the standard library writes."""

import json

from hypothesis import given
from hypothesis import strategies as st

from rsa.encoding import json_bytes

TEXT = st.text(st.characters(exclude_categories=()))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_it_reads_back_as_it_was(value):
    assert json.loads(json_bytes(value)) == value


@given(st.lists(TEXT))
def test_texts_stand_as_in_compact_json_so_that_hashes_of_prompts_stay(texts):
    compact = json.dumps(texts, ensure_ascii=False, separators=(",", ":"))
    assert json_bytes(texts, "surrogatepass") == compact.encode("utf-8", "surrogatepass")


def test_a_lone_surrogate_may_be_replaced():
    assert json_bytes({"text": "a\ud800é"}, "replace") == '{"text":"a?é"}'.encode()
