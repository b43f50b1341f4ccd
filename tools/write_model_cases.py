#!/usr/bin/env python3
"""Writes tests/data/models: a tiny model of each family with random weights, and what the package `transformers` computes
with it. Usage, from the top folder, with transformers 5.23.0 and torch: tools/write_model_cases.py
"""
import json
import pathlib
import shutil
import sys

import torch
import transformers
from transformers import (BertConfig, BertForSequenceClassification, GPT2Config, GPT2LMHeadModel, LlamaConfig,
                          LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM, RobertaConfig,
                          RobertaForSequenceClassification)

TRANSFORMERS = "5.23.0"
FOLDER = pathlib.Path("tests/data/models")
VOCABULARY = 29
SEQUENCES = [[5, 28, 7, 7, 0, 12, 3], [11, 2]]

GPT2 = dict(n_layer=2, n_head=2, n_embd=8, n_positions=24, vocab_size=VOCABULARY, bos_token_id=0, eos_token_id=0)
LLAMA = dict(num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, hidden_size=8, intermediate_size=12,
             max_position_embeddings=24, vocab_size=VOCABULARY)
LLAMA3 = dict(rope_type="llama3", rope_theta=500.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=16)
BERT = dict(num_hidden_layers=2, num_attention_heads=2, hidden_size=8, intermediate_size=12, vocab_size=VOCABULARY,
            num_labels=3)

DECODERS = {
    "gpt2": lambda: GPT2LMHeadModel(GPT2Config(**GPT2)),
    "gpt2_switched": lambda: GPT2LMHeadModel(GPT2Config(
        **GPT2, n_inner=12, activation_function="relu", scale_attn_weights=False, scale_attn_by_inverse_layer_idx=True,
        tie_word_embeddings=False)),
    "llama3": lambda: LlamaForCausalLM(LlamaConfig(**LLAMA, head_dim=4, rope_parameters=LLAMA3, attention_bias=True,
                                                   mlp_bias=True)),
    "qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**LLAMA, tie_word_embeddings=True)),
}
ENCODERS = {
    "bert": lambda: BertForSequenceClassification(BertConfig(**BERT, max_position_embeddings=16)),
    "roberta": lambda: RobertaForSequenceClassification(RobertaConfig(**BERT, max_position_embeddings=18,
                                                                      type_vocab_size=1, pad_token_id=1)),
}


def made(make, folder):
    """A model whose weights are not small, so that differences show; saved without what is not read."""
    torch.manual_seed(3)
    model = make().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * .2)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    return model


def decoder_case(model, ids):
    tokens = torch.tensor([ids])
    model.generation_config.eos_token_id = None
    seen = torch.ones_like(tokens)  # all of them: 0 is a token like others
    said = model.generate(tokens, attention_mask=seen, max_new_tokens=8, do_sample=False, pad_token_id=0)[0, len(ids):]
    return {"ids": ids, "logits": model(tokens).logits[0].tolist(), "greedy": said.tolist()}


def encoder_case(model, ids):
    tokens = torch.tensor([ids])
    states = getattr(model, model.base_model_prefix)(tokens).last_hidden_state[0]
    return {"ids": ids, "logits": model(tokens).logits[0].tolist(), "mean": states.mean(0).tolist()}


def write(folder, model, case):
    with torch.no_grad():
        cases = [case(model, ids) for ids in SEQUENCES]
    (folder / "cases.json").write_text(json.dumps(cases) + "\n")


def main():
    if transformers.__version__ != TRANSFORMERS:
        sys.exit(f"transformers is {transformers.__version__}, expected {TRANSFORMERS}")
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name, make in DECODERS.items():
        write(FOLDER / name, made(make, FOLDER / name), decoder_case)
    for name, make in ENCODERS.items():
        write(FOLDER / name, made(make, FOLDER / name), encoder_case)


if __name__ == "__main__":
    main()
