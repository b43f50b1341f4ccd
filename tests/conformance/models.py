"""Small models with random weights of every family and switch, as Hugging Face folders."""
import json

import torch
from transformers import (GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, Qwen2Config,
                          Qwen2ForCausalLM, logging)

logging.disable_progress_bar()

POSITIONS, VOCABULARY = 128, 311


def gpt2(**changes):
    return GPT2LMHeadModel(GPT2Config(**{**dict(
        n_layer=3, n_head=4, n_embd=32, n_positions=POSITIONS, vocab_size=VOCABULARY, bos_token_id=0, eos_token_id=0),
        **changes}))


def llama(**changes):
    return LlamaForCausalLM(LlamaConfig(**{**dict(
        num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2, hidden_size=32, intermediate_size=88,
        max_position_embeddings=POSITIONS, vocab_size=VOCABULARY), **changes}))


def qwen2(**changes):
    return Qwen2ForCausalLM(Qwen2Config(**{**dict(
        num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=1, hidden_size=32, intermediate_size=88,
        max_position_embeddings=POSITIONS, vocab_size=VOCABULARY), **changes}))


LLAMA3 = dict(rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=64)
KINDS = {
    "GPT-2": lambda: gpt2(),
    "GPT-2, gelu, n_inner, untied": lambda: gpt2(activation_function="gelu", n_inner=72, tie_word_embeddings=False),
    "GPT-2, relu, unscaled, by layer": lambda: gpt2(
        activation_function="relu", scale_attn_weights=False, scale_attn_by_inverse_layer_idx=True),
    "GPT-2, gelu_pytorch_tanh, upcast": lambda: gpt2(
        activation_function="gelu_pytorch_tanh", reorder_and_upcast_attn=True, layer_norm_epsilon=1e-3),
    "Llama": lambda: llama(),
    "Llama 3.1 (scaled rotary positions)": lambda: llama(rope_parameters=LLAMA3),
    "Llama, linear rotary scaling, biases": lambda: llama(
        rope_parameters=dict(rope_type="linear", rope_theta=10000.0, factor=4.0), attention_bias=True, mlp_bias=True),
    "Llama, tied, wide heads (SmolLM2, 3.2)": lambda: llama(
        tie_word_embeddings=True, head_dim=16, num_key_value_heads=4, rms_norm_eps=1e-5),
    "Qwen2.5, tied": lambda: qwen2(tie_word_embeddings=True, rope_parameters=dict(
        rope_type="default", rope_theta=1000000.0)),
    "Qwen2.5, untied": lambda: qwen2(tie_word_embeddings=False, num_key_value_heads=2),
}


def make(kind, folder, **saving):
    """A model with weights that are not small, so that differences show; saved to `folder`."""
    torch.manual_seed(len(kind))
    model = KINDS[kind]().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1:
                parameter.add_(torch.randn_like(parameter) * .2)
            else:
                parameter.mul_(6)
    model.save_pretrained(folder, **saving)
    return model


def sequences(count, longest, seed=0, vocabulary=VOCABULARY):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(vocabulary, (int(torch.randint(2, longest + 1, (1,), generator=generator)),),
                          generator=generator).tolist() for _ in range(count)]


def give(sequences, **more):
    return json.dumps({"sequences": sequences, **more}).encode()
