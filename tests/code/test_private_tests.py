import base64
import json
import os
import pickle
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.tasks.code.private_tests import DecodingError, decoded_tests
from tests.code.published import packed

CASES = st.lists(st.fixed_dictionaries({"input": st.text(), "output": st.text(), "testtype": st.just("stdin")}))


def as_published(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data)).decode()


@given(CASES, st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_both_published_forms_give_the_tests_back(tests, protocol):
    text = json.dumps(tests)
    assert decoded_tests(text) == tests
    assert decoded_tests(as_published(pickle.dumps(text, protocol))) == tests


def test_a_long_text_is_read_whole():
    tests = [{"input": "7 " * 400_000, "output": "é" * 100_000}]
    assert decoded_tests(packed(tests)) == tests


class Attack:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_hostile_pickle_is_refused_and_nothing_of_it_is_run(tmp_path, protocol):
    mark = tmp_path / "was-run"
    with pytest.raises(DecodingError, match="do not hold just one text"):
        decoded_tests(as_published(pickle.dumps(Attack(mark), protocol)))
    with pytest.raises(DecodingError, match="do not hold just one text"):
        decoded_tests(as_published(pickle.dumps([json.dumps([]), Attack(mark)], protocol)))
    assert not mark.exists()


@pytest.mark.parametrize("value", [["a"], 7, b"[]", ("[]", "[]"), None])
def test_a_pickle_of_anything_but_a_text_is_refused(value):
    with pytest.raises(DecodingError):
        decoded_tests(as_published(pickle.dumps(value)))


def test_a_pickle_that_asks_for_a_huge_memo_takes_no_memory():
    data = b"\x80\x02X\x02\x00\x00\x00[]r\xff\xff\xff\x7f."  # a text put at place 2^31 - 1
    assert decoded_tests(as_published(data)) == []


def test_a_decompression_bomb_is_refused():
    bomb = as_published(pickle.dumps("[" + " " * 3_000_000 + "]"))
    assert len(bomb) < 10_000
    with pytest.raises(DecodingError, match="grow over 1,000,000 bytes"):
        decoded_tests(bomb, largest=1_000_000)
    assert decoded_tests(bomb) == []


def test_data_of_exactly_the_largest_size_is_taken():
    data = pickle.dumps("[]")
    assert decoded_tests(as_published(data), largest=len(data)) == []
    with pytest.raises(DecodingError, match="grow over"):
        decoded_tests(as_published(data), largest=len(data) - 1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "cut off"),
        ("äöü", "neither JSON nor compressed"),
        ("abcd", "neither JSON nor compressed"),
        (packed([{"input": "1", "output": "2"}])[:-8], "cut off"),
        (as_published(b"\x80\x04"), "not a pickle"),
        (as_published(b"plain"), "not a pickle|do not hold just one text"),
        (as_published(pickle.dumps("not JSON")), "not JSON"),
        (as_published(pickle.dumps("7")), "not a list of objects"),
        ("[" * 100_000, "not JSON"),
        ('[{"input": "1"}]', "not a list of objects"),
        ('[{"input": 1, "output": "2"}]', "not a list of objects"),
        ("[1]", "not a list of objects"),
    ],
)
def test_what_is_not_in_a_published_form_is_refused(text, says):
    with pytest.raises(DecodingError, match=says):
        decoded_tests(text)
