#!/usr/bin/env python3
"""Writes small Hugging Face folders to try `model.base`, `sentiment.model` and `relevance.model` with, where no others are
at hand: gpt2/, llama/ and qwen2/ (decoders that learned to continue the given dialogues for a minute), sentiment/ (a
RoBERTa classifier that learned to repeat VADER-like labels from words) and sentences/ (a BERT encoder with random
weights).

    .venv-conformance/bin/python tools/write_small_models.py OUT [--dialogues FILE.jsonl] [--steps N]

FILE: dialogues as `attune simulate` or a run's data stage writes them.
"""
import argparse
import json
import os
import pathlib

os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", TRANSFORMERS_VERBOSITY="error")

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (BertConfig, BertModel, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM,
                          PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM, RobertaConfig,
                          RobertaForSequenceClassification)

# The pattern that Llama 3 and Qwen2 cut words by.
WORDS = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}DIGITS| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
         r"|\s+(?!\S)|\s+")
GOOD, BAD = "good great love loved wonderful perfect thanks yes".split(), "bad awful hate hated boring terrible no".split()


def byte_level_bpe(texts, cut, specials, normalizer=None, size=1200):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = cut, decoders.ByteLevel()
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=size, special_tokens=specials, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    return tokenizer


def split(digits):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(WORDS.replace("DIGITS", digits)), "isolated"),
                                    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def save(model, tokenizer, folder, **roles):
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **roles).save_pretrained(folder)
    print(f"{folder}: {sum(p.numel() for p in model.parameters()):,} weights, {tokenizer.get_vocab_size()} tokens")


def train(model, batches, rate=2e-3):
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate)
    for batch in batches:
        loss = model(**batch).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return float(loss.detach())


def continue_texts(model, tokenizer, texts, steps):
    """Next-token training on windows of all texts."""
    ids = torch.tensor([id for text in texts for id in tokenizer.encode(text).ids])
    windows = torch.randint(len(ids) - 128, (steps, 8))
    loss = train(model, ({"input_ids": (b := torch.stack([ids[w:w + 128] for w in row])), "labels": b} for row in windows))
    print(f"loss {loss:.2f}")


def decoders_for(texts, out, steps):
    gpt2 = byte_level_bpe(texts, pre_tokenizers.ByteLevel(add_prefix_space=False), ["<|endoftext|>"])
    gpt2.post_processor = processors.ByteLevel(trim_offsets=False)
    llama = byte_level_bpe(texts, split("{1,3}"), ["<|begin_of_text|>", "<|end_of_text|>"])
    llama.post_processor = processors.TemplateProcessing(
        single="<|begin_of_text|> $A", special_tokens=[("<|begin_of_text|>", 0)])
    qwen = byte_level_bpe(texts, split(""), ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], normalizers.NFC())
    shape = dict(num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, hidden_size=96, intermediate_size=256,
                 max_position_embeddings=512)
    for name, model, tokenizer, end in (
            ("gpt2", GPT2LMHeadModel(GPT2Config(n_layer=2, n_head=4, n_embd=96, n_positions=512, bos_token_id=0, eos_token_id=0,
                                                vocab_size=gpt2.get_vocab_size())), gpt2, "<|endoftext|>"),
            ("llama", LlamaForCausalLM(LlamaConfig(**shape, vocab_size=llama.get_vocab_size(), bos_token_id=0, eos_token_id=1,
                                                   rope_parameters=dict(
                rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                original_max_position_embeddings=256))), llama, "<|end_of_text|>"),
            # As released, with rows that no token has.
            ("qwen2", Qwen2ForCausalLM(Qwen2Config(**shape, vocab_size=qwen.get_vocab_size() + 45, eos_token_id=0,
                                                   tie_word_embeddings=True)), qwen, "<|endoftext|>")):
        continue_texts(model, tokenizer, texts, steps)
        save(model, tokenizer, out / name, eos_token=end)


def label_of(text):
    words = text.lower().split()
    return 1 + (any(w.strip(".,!?") in GOOD for w in words) - any(w.strip(".,!?") in BAD for w in words))


def encoders_for(texts, out, steps):
    roberta = byte_level_bpe(texts, pre_tokenizers.ByteLevel(add_prefix_space=False),
                             ["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    roberta.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    model = RobertaForSequenceClassification(RobertaConfig(
        vocab_size=roberta.get_vocab_size(), hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96,
        max_position_embeddings=130, type_vocab_size=1, pad_token_id=1, num_labels=3,
        id2label={0: "negative", 1: "neutral", 2: "positive"}, label2id={"negative": 0, "neutral": 1, "positive": 2}))

    def batches():
        for at in range(steps):
            some = [texts[i] for i in torch.randint(len(texts), (16,))] + [w for w in GOOD[:4] + BAD[:4]]
            ids = [roberta.encode(text).ids[:120] for text in some]
            width = max(map(len, ids))
            yield {"input_ids": torch.tensor([i + [1] * (width - len(i)) for i in ids]),
                   "attention_mask": torch.tensor([[1] * len(i) + [0] * (width - len(i)) for i in ids]),
                   "labels": torch.tensor([label_of(text) for text in some])}
    print(f"loss {train(model, batches()):.2f}")
    save(model, roberta, out / "sentiment", bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>",
         mask_token="<mask>")

    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = sorted(set("".join(texts).lower()) - {" ", "\n"})
    words = sorted({w for text in texts for w in text.lower().split() if w.isalpha()})[:800]
    bert = Tokenizer(models.WordPiece({p: i for i, p in enumerate(dict.fromkeys(
        pieces + letters + ["##" + c for c in letters] + words))}, unk_token="[UNK]"))
    bert.normalizer, bert.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    bert.decoder = decoders.WordPiece()
    bert.add_special_tokens(pieces)
    bert.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    save(BertModel(BertConfig(vocab_size=bert.get_vocab_size(), hidden_size=48, num_hidden_layers=2, num_attention_heads=4,
                              intermediate_size=96, max_position_embeddings=128)), bert, out / "sentences",
         unk_token="[UNK]", sep_token="[SEP]", pad_token="[PAD]", cls_token="[CLS]", mask_token="[MASK]")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--dialogues", type=pathlib.Path)
    parser.add_argument("--steps", type=int, default=300)
    arguments = parser.parse_args()
    texts = ["I loved that one, thanks!", "That was awful.", "Have you seen Heat (1995)?"] * 50
    if arguments.dialogues:
        texts = [turn["text"] for line in arguments.dialogues.open() for turn in json.loads(line).get("turns", [])
                 if turn.get("text")][:20000]
    torch.manual_seed(1)
    decoders_for(texts, arguments.out, arguments.steps)
    encoders_for(texts, arguments.out, arguments.steps)


if __name__ == "__main__":
    main()
