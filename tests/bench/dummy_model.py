"""A model without weights for vLLM's `--load-format dummy`: a configuration, and a tokenizer in which a word is a token.

usage: python -m tests.bench.dummy_model FOLDER SHAPE

Whatever it says, its replies have as many tokens in the next prompt as they had when they were made.
"""

import sys
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen3Config

UNKNOWN, START, END = "<|unknown|>", "<|im_start|>", "<|im_end|>"
TEMPLATE = (
    "{% for message in messages %}<|im_start|> {{ message['role'] }}\n{{ message['content'] }} <|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|> assistant\n{% endif %}"
)
SHAPES = {
    "qwen3-4b": {
        "vocab_size": 151_936,
        "hidden_size": 2560,
        "intermediate_size": 9728,
        "num_hidden_layers": 36,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "max_position_embeddings": 262_144,
        "rope_theta": 5_000_000.0,
    },
    "small": {  # for a CPU, where vLLM wants a head size of 64
        "vocab_size": 1024,
        "hidden_size": 128,
        "intermediate_size": 256,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 64,
        "max_position_embeddings": 8192,
    },
}


def save_dummy_model(folder: Path, shape: str) -> None:
    config = Qwen3Config(
        **SHAPES[shape], tie_word_embeddings=True, eos_token_id=2, pad_token_id=0, bos_token_id=None, dtype="bfloat16"
    )
    config.architectures = ["Qwen3ForCausalLM"]
    config.save_pretrained(folder)
    words_as_tokens(config.vocab_size).save_pretrained(folder)


def words_as_tokens(size: int) -> PreTrainedTokenizerFast:
    words = (UNKNOWN, START, END, *(f"w{number:x}" for number in range(size - 3)))
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token=UNKNOWN, eos_token=END, pad_token=UNKNOWN, additional_special_tokens=[START]
    )
    fast.chat_template = TEMPLATE
    return fast


if __name__ == "__main__":
    save_dummy_model(Path(sys.argv[1]), sys.argv[2])
