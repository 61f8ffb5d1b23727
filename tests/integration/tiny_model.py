"""A tiny random Llama with a byte-level tokenizer and a chat template, made on the spot: a real model for real servers.

usage: python -m tests.integration.tiny_model FOLDER
"""

import sys
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from tests.byte_tokenizer import byte_tokenizer

CONTEXT = 8192


def save_tiny_model(folder: Path) -> None:
    """Write weights, configuration and tokenizer. vLLM on a CPU wants a head size of 64; everything else is as small."""
    tokenizer = byte_tokenizer()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=64,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    save_tiny_model(Path(sys.argv[1]))
