#!/usr/bin/env python3
"""Writes tests/data/tokenizers: a small tokenizer of each kind, and texts with the ids and the text that the package
`tokenizers` gives for them. Usage, from the top folder, with tokenizers 0.23.3: tools/write_tokenizer_cases.py
"""
import json
import pathlib
import shutil
import sys

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

TOKENIZERS = "0.23.3"
FOLDER = pathlib.Path("tests/data/tokenizers")

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")

TRAINING = ["The movie was great, wasn't it? I've seen it 3 times.", "Have you seen the movie Heat (1995)?",
            "It's a great film: the best of 1995!", "caf\u00e9 na\u00efve \u4e16\u754c \u041c\u043e\u0441\u043a\u0432\u0430"] * 3

TEXTS = ["", " ", "The movie", " the  movie\n\n was\tgreat ", "IT'S wasn't I'VE it\u2019s", "Heat (1995) 12345 \u00bd \u0663", "!!! ...\r\n?",
         "caf\u00e9 cafe\u0301 \u212b \ud55c\uad6d \u1112\u1161\u11ab", "\u4e16\u754c\u041c\u043e\u0441\u043a\u0432\u0430", "a\u00a0b\u3000c\u200bd\u0085e", "\U0001f600\u200d\u2764\ufe0f x", "\x00\x01\ufffd\x7f",
         "great<|end|>movie", "great  <mask>  movie", "<s>the</s> <mask>", "[MASK] [UNK] [mask]", "the <W>, a<W>", "<LR> \n<LR> x",
         "Nor Mal nor mal", "q\u0301\u0323\u0301", "\u0130stanbul Stra\u00dfe \u03a3", "b" * 101, "do not do n't it 's"]


def special(*texts, **flags):
    return [AddedToken(text, special=True, normalized=False, **flags) for text in texts]


FLAGS = [AddedToken("<W>", single_word=True, normalized=False), AddedToken("<LR>", lstrip=True, rstrip=True, normalized=False),
         AddedToken("Nor Mal", normalized=True)]


def bpe(cut, specials=(), **model):
    tokenizer = Tokenizer(models.BPE(**model))
    tokenizer.pre_tokenizer = cut
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(TRAINING, trainers.BpeTrainer(
        vocab_size=320, special_tokens=list(specials), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    return tokenizer


def byte_level(**flags):
    return pre_tokenizers.ByteLevel(**({"add_prefix_space": False} | flags))


def split(pattern):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), byte_level(use_regex=False)])


def gpt2():
    tokenizer = bpe(byte_level(), special("<|end|>"))
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def llama3():
    tokenizer = bpe(split(LLAMA3), ignore_merges=True)
    tokenizer.add_special_tokens(special("<|begin|>", "<|end|>"))
    begin = tokenizer.token_to_id("<|begin|>")
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(
        single="<|begin|> $A", pair="<|begin|> $A <|begin|>:1 $B:1", special_tokens=[("<|begin|>", begin)])])
    return tokenizer


def qwen2():
    tokenizer = bpe(split(LLAMA3.replace("{1,3}", "")))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.add_special_tokens(special("<|end|>"))
    tokenizer.add_tokens(FLAGS)
    return tokenizer


def smollm2():
    digits = pre_tokenizers.Digits(individual_digits=True)
    return bpe(pre_tokenizers.Sequence([digits, byte_level()]), special("<|end|>"))


def roberta():
    tokenizer = bpe(byte_level(add_prefix_space=True), special("<s>", "<pad>", "</s>", "<unk>") + special("<mask>", lstrip=True))
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return tokenizer


def bert(**normalizer):
    # A fixed vocabulary: the trainer's depends on the order of a hash table.
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = sorted(set("".join(TRAINING).lower()) - {" "})
    words = ["the", "movie", "The", "gre", "was", "##at", "##as", "##vie", "nor", "mal", "it", "not", "n", "##n", "\uac1c"]
    pieces = names + letters + ["##" + letter for letter in letters] + words
    tokenizer = Tokenizer(models.WordPiece({piece: number for number, piece in enumerate(dict.fromkeys(pieces))}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(**normalizer)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(special(*names))
    tokenizer.add_tokens(FLAGS)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return tokenizer


def bert_cased():
    tokenizer = bert(lowercase=False)
    tokenizer.decoder = decoders.WordPiece(cleanup=False)
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return tokenizer


KINDS = {"gpt2": gpt2, "llama3": llama3, "qwen2": qwen2, "smollm2": smollm2, "roberta": roberta, "bert": bert, "bert_cased": bert_cased}


def case(tokenizer, text):
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    whole = tokenizer.encode(text).ids
    tokenizer.enable_truncation(5)
    short = tokenizer.encode(text).ids
    tokenizer.no_truncation()
    return {"text": text, "ids": ids, "whole": whole, "longest_5": short, "decoded": tokenizer.decode(whole, skip_special_tokens=False),
            "skipped": tokenizer.decode(whole)}


def main():
    if tokenizers.__version__ != TOKENIZERS:
        sys.exit(f"this is tokenizers {tokenizers.__version__}, the cases are pinned to {TOKENIZERS}")
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name, make in KINDS.items():
        folder = FOLDER / name
        folder.mkdir(parents=True)
        tokenizer = make()
        root = json.loads(tokenizer.to_str())
        (folder / "tokenizer.json").write_text(json.dumps(root, ensure_ascii=False, separators=(",", ":")) + "\n")
        lines = [json.dumps(case(tokenizer, text)) for text in TEXTS]
        (folder / "cases.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")


main()
