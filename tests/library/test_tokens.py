import pytest
from hypothesis import given
from hypothesis import strategies as st

import rsa
from rsa.tokens import local_counter, reply_limit, surely_fits
from tests.byte_tokenizer import byte_tokenizer

PLAN = rsa.RSA(n=4, k=4, steps=2).plan(0, "p")


def test_replies_are_as_long_as_in_the_paper_where_they_can_be():
    assert reply_limit(None, PLAN, None) == reply_limit(None, PLAN, 100_000) == 8192
    assert reply_limit(500, PLAN, 1000) == 500
    assert reply_limit(None, rsa.Sample().plan(0, "p"), 8192) == 8192 - 1024


@given(st.integers(1, 10**6))
def test_by_default_the_longest_prompt_leaves_room_for_a_reply(context):
    limit = reply_limit(None, PLAN, context)
    assert limit >= 1
    assert limit == 1 or (4 + 1) * limit + min(1024, context // 4) <= context


def test_what_cannot_fit_is_refused():
    with pytest.raises(rsa.UsageError, match="max_tokens=4096 does not fit the model's context window of 4096"):
        reply_limit(4096, PLAN, 4096)


@given(st.text(), st.integers(0, 2000))
def test_what_surely_fits_has_fewer_bytes_than_there_is_room(text, room):
    if surely_fits([{"role": "user", "content": text}], room):
        assert len(text.encode("utf-8", errors="replace")) < room


async def test_a_models_own_tokenizer_counts_with_its_chat_template(tmp_path):
    byte_tokenizer().save_pretrained(tmp_path)
    counter = local_counter(str(tmp_path))
    frame = len("user\n\nassistant\n") + len(("<|im_start|>", "<|im_end|>", "<|im_start|>"))
    assert await counter([{"role": "user", "content": ""}]) == frame
    assert await counter([{"role": "user", "content": "héllo"}]) == frame + 6
    await counter([{"role": "system", "content": "x"}, {"role": "user", "content": "y"}])


def test_tokenizers_that_cannot_count_are_refused(tmp_path):
    with pytest.raises(rsa.UsageError, match=r"tokenizer '.*nowhere' cannot be loaded"):
        local_counter(str(tmp_path / "nowhere"))
    bare = byte_tokenizer()
    bare.chat_template = None
    bare.save_pretrained(tmp_path)
    with pytest.raises(rsa.UsageError, match="has no chat template"):
        local_counter(str(tmp_path))
