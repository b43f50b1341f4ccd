"""Tokenizers: the ids and the text that the packages `tokenizers` and `transformers` give, for every kind attune reads."""
import array
import concurrent.futures
import json
import lzma
import os
import pathlib
import random
import struct

from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors,
                        trainers)

STRINGS = 200_000  # a kind
OTHERS = 5_000  # for what is not encode and decode
DATA = pathlib.Path(os.environ.get("ATTUNE_DATA", "../shared/data"))

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace("{1,3}", "")

# ---- the texts ----

SPACES = [" ", " ", " ", "  ", "   ", "\t", "\n", "\r\n", "\n\n", "\u00a0", "\u3000", "\u2003", "\u0085", "\x0b", "\x0c", "\u200b",
          "\u2028", "\u202f", "\ufeff", "\u180e", "\x1c"]
CONTRACTIONS = [a + b for a in ("'", "\u2019") for b in ("s", "t", "re", "ve", "m", "ll", "d", "S", "T", "RE", "Ve", "M", "lL",
                                                         "D", "\u017f", "x", "l")]
WORDS = ["the", "movie", "Great", "HEAT", "don't", "do not", "caf\u00e9", "cafe\u0301", "na\u00efve", "\u00c5ngstr\u00f6m", "\u0130stanbul", "stra\u00dfe",
         "\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2", "\u041c\u043e\u0441\u043a\u0432\u0430", "\u6771\u4eac", "\u4e16\u754c", "\ud55c\uad6d\uc5b4", "\u1112\u1161\u11ab", "\u0939\u093f\u0928\u094d\u0926\u0940", "\u0e44\u0e17\u0e22", "\u05e9\u05dc\u05d5\u05dd", "\ufb01ne",
         "well-known", "e.g.", "n't", "##ing", "[UNK]", "[CLS]", "a" * 101, "b" * 100, "C3PO", "_x_", "!!!", "...", "^^",
         "\U0001f600", "\U0001f469\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea", "\u2764\ufe0f", "\u00bd", "\u2167", "\u0663\u0664", "\u00b2", "1999", "12345678", "3.14"]
ADDED = ["<|endoftext|>", "<|begin_of_text|>", "<|eot_id|>", "<|im_start|>", "<|im_end|>", "<s>", "</s>", "<mask>", "<pad>",
         "<unk>", "[MASK]", "[SEP]", "[PAD]", "<|item:1|>", "<|item:12|>", "<|item", "<L>", "<R>", "<LR>", "<W>", "single",
         "Nor Mal", "NOR MAL", "nor mal", "Caf\u00e9!", "Cafe\u0301!", "both", "boths"]


BASES = "aeiouyAEIOUnNcCsSdDlLtTzZgGhHkKrRwWqx\u0391\u0397\u03a9\u03b1\u03b7\u03c9\u03c5\u0415\u0418\u0443\u0627\u0915\u09c7\u0b47\u0dd9\u1100\u1112\uac00\ud558\u304b\u30cf\u1ea1\u00e2\u01a1<="
MARKS = ("\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308\u0309\u030a\u030b\u030c\u0313\u0314\u0315\u031b\u0323\u0324\u0325\u0327\u0328\u032d\u0331"
         "\u0334\u0338\u0342\u0344\u0345\u0653\u0654\u0655\u093c\u09be\u09d7\u0b56\u0dcf\u0dca\u1161\u1175\u11a7\u11a8\u11c2\u3099\u309a\u20d0\ufe20")


def character(rng):
    kind = rng.random()
    if kind < 0.3:
        return chr(rng.randrange(0x20, 0x7f))
    if kind < 0.4:
        return chr(rng.randrange(0x80, 0x530))
    if kind < 0.5:
        return chr(rng.choice((rng.randrange(0x300, 0x370), rng.randrange(0x0483, 0x0488), 0x591 + rng.randrange(45),
                               rng.randrange(0x1ab0, 0x1aff), rng.randrange(0x20d0, 0x20f1), rng.randrange(0xfe20, 0xfe30))))
    if kind < 0.56:
        return chr(rng.randrange(0x4e00, 0xa000))
    if kind < 0.6:
        return chr(rng.choice((rng.randrange(0x1100, 0x1200), rng.randrange(0xac00, 0xd7a4))))
    if kind < 0.64:
        return chr(rng.randrange(0x1f300, 0x1fb00))
    if kind < 0.68:
        return chr(rng.randrange(0x20))
    code = rng.randrange(0x10000) if kind < 0.85 else rng.randrange(0x110000)
    return "x" if 0xd800 <= code < 0xe000 else chr(code)


def text(rng):
    parts = []
    for _ in range(rng.randrange(1, 9)):
        kind = rng.random()
        if kind < 0.3:
            parts.append(rng.choice(SPACES))
        elif kind < 0.36:
            parts.append(rng.choice(SPACES) * rng.randrange(1, 5))
        elif kind < 0.46:
            parts.append(rng.choice(CONTRACTIONS))
        elif kind < 0.62:
            parts.append(rng.choice(WORDS))
        elif kind < 0.74:
            parts.append(rng.choice(ADDED))
        elif kind < 0.82:
            parts.append(rng.choice(BASES) + "".join(rng.choice(MARKS) for _ in range(rng.randrange(1, 5))))
        else:
            parts.extend(character(rng) for _ in range(rng.randrange(1, 6)))
    return "".join(parts)


def every_code_point():
    codes = [code for code in range(0x110000) if not 0xd800 <= code < 0xe000]
    return ["".join(f"{chr(code)}a" for code in codes[start:start + 32]) for start in range(0, len(codes), 32)]


def real_texts():
    path = DATA / "redial/train_part.jsonl.xz"
    if not path.exists():
        return []
    with lzma.open(path, "rt") as lines:
        return [message["text"] for line, _ in zip(lines, range(1000)) for message in json.loads(line)["messages"]]


# ---- the tokenizers ----

def special(*texts, **flags):
    return [AddedToken(text, special=True, normalized=False, **flags) for text in texts]


def every_flag():
    """Tokens of every flag, single and together."""
    return [AddedToken("<L>", lstrip=True, normalized=False), AddedToken("<R>", rstrip=True, normalized=False),
            AddedToken("<LR>", lstrip=True, rstrip=True, special=True, normalized=False),
            AddedToken("<W>", single_word=True, normalized=False), AddedToken("single", single_word=True, normalized=True),
            AddedToken("Nor Mal", normalized=True), AddedToken("Cafe\u0301!", normalized=True, lstrip=True),
            AddedToken("both", single_word=True, lstrip=True, rstrip=True, normalized=True, special=True)]


def bpe(texts, cut, *, size=2000, specials=(), **model):
    tokenizer = Tokenizer(models.BPE(**model))
    tokenizer.pre_tokenizer = cut
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(specials), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False))
    return tokenizer


def byte_level(**flags):
    return pre_tokenizers.ByteLevel(**({"add_prefix_space": False} | flags))


def split(pattern):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), byte_level(use_regex=False)])


def gpt2(_):
    folder = DATA / "tokenizers/gpt2"
    merges = [tuple(line.split(" ")) for line in (folder / "vocab.bpe").read_text().splitlines()[1:]]
    tokenizer = Tokenizer(models.BPE(json.loads((folder / "encoder.json").read_text()), merges))
    tokenizer.pre_tokenizer = byte_level()
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.add_special_tokens(special("<|endoftext|>"))
    return tokenizer


def llama3(texts):
    tokenizer = bpe(texts, split(LLAMA3), ignore_merges=True)
    tokenizer.add_special_tokens(special("<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"))
    begin = tokenizer.token_to_id("<|begin_of_text|>")
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A <|begin_of_text|>:1 $B:1",
                                      special_tokens=[("<|begin_of_text|>", begin)])])
    return tokenizer


def qwen2(texts):
    tokenizer = bpe(texts, split(QWEN2))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.add_special_tokens(special("<|endoftext|>", "<|im_start|>", "<|im_end|>"))
    return tokenizer


def smollm2(texts):
    return bpe(texts, pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level()]),
               specials=special("<|endoftext|>", "<|im_start|>", "<|im_end|>"))


def roberta(texts):
    tokenizer = bpe(texts, byte_level(add_prefix_space=True),
                    specials=special("<s>", "<pad>", "</s>", "<unk>") + special("<mask>", lstrip=True))
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=True)
    return tokenizer


def bert(texts, vocabulary=None, **normalizer):
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    model = models.WordPiece(vocabulary, unk_token="[UNK]") if vocabulary else models.WordPiece(unk_token="[UNK]")
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(**normalizer)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    if not vocabulary:
        tokenizer.train_from_iterator(texts, trainers.WordPieceTrainer(
            vocab_size=3000, special_tokens=names, show_progress=False))
    tokenizer.add_special_tokens(special(*names))
    ends = [(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends)
    return tokenizer


def bert_uncased(texts):
    lines = (DATA / "tokenizers/bert_base_uncased/vocab.txt").read_text().split("\n")
    return bert(texts, {line: number for number, line in enumerate(lines) if line})


def bert_cased(texts):
    tokenizer = bert(texts, lowercase=False)
    tokenizer.decoder = decoders.WordPiece(cleanup=False)
    return tokenizer


def bert_accents(texts):
    tokenizer = bert(texts, clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=True)
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.add_tokens(every_flag())
    return tokenizer


def bert_stripped(texts):
    tokenizer = bert(texts, strip_accents=True, lowercase=False)
    tokenizer.add_tokens(every_flag())
    return tokenizer


def flags(texts):
    tokenizer = bpe(texts, pre_tokenizers.Sequence([pre_tokenizers.Digits(), byte_level(add_prefix_space=True)]))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.add_tokens(every_flag())
    return tokenizer


KINDS = {"GPT-2": gpt2, "Llama 3": llama3, "Qwen2": qwen2, "SmolLM2": smollm2, "RoBERTa": roberta, "BERT uncased": bert_uncased,
         "BERT cased": bert_cased, "BERT, accents kept": bert_accents, "BERT, accents stripped": bert_stripped,
         "byte-level, every flag": flags}
NEEDS = {"GPT-2": "tokenizers/gpt2", "BERT uncased": "tokenizers/bert_base_uncased"}
# What tokenizer_config.json says of a kind, as its models' own do.
SETTINGS = {"GPT-2": {"tokenizer_class": "GPT2Tokenizer"}, "Llama 3": {"tokenizer_class": "PreTrainedTokenizer"},
            "Qwen2": {"tokenizer_class": "Qwen2Tokenizer"}, "SmolLM2": {"tokenizer_class": "GPT2Tokenizer"},
            "RoBERTa": {"tokenizer_class": "RobertaTokenizer", "add_prefix_space": True},
            "BERT uncased": {"tokenizer_class": "BertTokenizer"},
            "BERT cased": {"tokenizer_class": "BertTokenizer", "do_lower_case": False}}
OLDER = {"GPT-2", "Qwen2", "RoBERTa", "BERT uncased", "BERT cased"}  # are known by files without a tokenizer.json too

# ---- the native program ----


def records(items, unit):
    return b"".join(struct.pack("<I", len(item) // unit) + item for item in items)


def split_records(data, unit):
    at, out = 0, []
    while at < len(data):
        end = at + 4 + struct.unpack_from("<I", data, at)[0] * unit
        out.append(data[at + 4:end])
        at = end
    return out


class Native:
    def __init__(self, probe, folder):
        self.probe, self.folder = probe, folder

    def encode(self, texts, mode="encode", *more):
        data = self.probe("text_probe", mode, str(self.folder), *more, input=records([t.encode() for t in texts], 1))
        return [list(array.array("i", ids)) for ids in split_records(data, 4)]

    def decode(self, ids, skip):
        data = self.probe("text_probe", "decode-skip" if skip else "decode", str(self.folder),
                          input=records([array.array("i", i).tobytes() for i in ids], 4))
        return [text.decode() for text in split_records(data, 1)]


def encode(tokenizer, texts, special_tokens=False):
    return [encoding.ids for encoding in tokenizer.encode_batch_fast(texts, add_special_tokens=special_tokens)]


def differing(ours, theirs):
    assert len(ours) == len(theirs)
    return sum(a != b for a, b in zip(ours, theirs))


def save(tokenizer, folder, settings):
    folder.mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 512} | settings))


def save_older(tokenizer, folder, settings):
    """Without a tokenizer.json: vocab.txt, or vocab.json and merges.txt."""
    folder.mkdir(parents=True)
    tokenizer.model.save(str(folder))
    added = {id: {"content": t.content, "single_word": t.single_word, "lstrip": t.lstrip, "rstrip": t.rstrip,
                  "normalized": t.normalized, "special": t.special}
             for id, t in sorted(tokenizer.get_added_tokens_decoder().items())}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"added_tokens_decoder": added}))


def check_kind(report, probe, folder, name, tokenizer, texts, rng):
    settings = SETTINGS.get(name, {"tokenizer_class": "PreTrainedTokenizerFast"})
    save(tokenizer, folder / "given", settings)
    native = Native(probe, folder / "given")

    def compare(what, ours, theirs):
        report.add(f"tokenizer {name}: {what}", len(theirs), differing(ours, theirs), 0)

    def both(ours, theirs):
        """The native program and the package run side by side."""
        with concurrent.futures.ThreadPoolExecutor(1) as other:
            running = other.submit(ours)
            return theirs(), running.result()

    ids, ours = both(lambda: native.encode(texts), lambda: encode(tokenizer, texts))
    compare("ids", ours, ids)
    short = rng.sample(texts, OTHERS)
    tokenizer.enable_truncation(12)
    compare("ids, truncated, with special tokens", native.encode(short, "encode-model", "12"), encode(tokenizer, short, True))
    tokenizer.no_truncation()
    size = tokenizer.get_vocab_size()
    ids = ids[:STRINGS] + [[rng.randrange(size + 5) for _ in range(rng.randrange(8))] for _ in range(OTHERS)]
    for skip in (False, True):
        theirs, ours = both(lambda: native.decode(ids, skip),
                            lambda: tokenizer.decode_batch(ids, skip_special_tokens=skip))
        compare("text" + (" without special tokens" if skip else ""), ours, theirs)

    from transformers import AutoTokenizer
    tokens = ["<|item:1|>", "<|item:12|>", "<|end|>", "<W\u00f6rter>"]
    probe("text_probe", "extend", str(folder / "given"), str(folder / "grown"), *tokens)
    grown = Native(probe, folder / "grown")
    longer = short + [t + rng.choice(tokens) + u for t, u in zip(short[::2], short[1::2])]
    ours = grown.encode(longer)
    compare("ids after adding tokens, `tokenizers`", ours,
            encode(Tokenizer.from_file(str(folder / "grown/tokenizer.json")), longer))
    auto = AutoTokenizer.from_pretrained(folder / "grown")
    compare("ids after adding tokens, `transformers`", grown.encode(longer, "encode-model", "1000000"),
            auto(longer).input_ids)
    if name in OLDER:
        save_older(tokenizer, folder / "older", settings)
        older = AutoTokenizer.from_pretrained(folder / "older")
        compare("ids from its older files, `transformers`",
                Native(probe, folder / "older").encode(short, "encode-model", "1000000"), older(short).input_ids)


def check(report, probe, folder):
    """Ids and text of every kind of tokenizer against `tokenizers` and `transformers`, string by string."""
    rng = random.Random(20)
    texts = [text(rng) for _ in range(STRINGS)]
    real = real_texts()
    training = (real or texts)[:4000] + texts[:2000]
    texts += every_code_point() + real
    for number, (name, make) in enumerate(KINDS.items()):
        needed = DATA / NEEDS.get(name, "")
        if not needed.exists():
            report.note(f"tokenizer {name}", f"skipped: no {needed}")
            continue
        check_kind(report, probe, folder / str(number), name, make(training), texts, rng)
