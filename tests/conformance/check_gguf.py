"""GGUF files of small random models: tensors, keys and tokenizer read by the gguf package, and run by llama.cpp."""
import json
import logging
import math
import pathlib
import urllib.request

import gguf
import numpy
import torch
import transformers
import xllamacpp
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

logging.getLogger("gguf.vocab").setLevel(logging.ERROR)  # it comments on a template that is as Llama 3 has it
TEXT = pathlib.Path(__file__).resolve().parents[2] / "README.md"
CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA_3, QWEN_2 = CONTRACTIONS + r"\p{N}{1,3}" + REST, CONTRACTIONS + r"\p{N}" + REST


def cutter(pre):
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=pre in ("gpt-2", "smollm"))
    if pre == "gpt-2":
        return byte_level
    first = pre_tokenizers.Digits(individual_digits=True) if pre == "smollm" else \
        pre_tokenizers.Split(Regex(LLAMA_3 if pre == "llama-bpe" else QWEN_2), "isolated", False)
    return pre_tokenizers.Sequence([first, byte_level])


def write_tokenizer(folder, pre, vocabulary):
    """A small BPE with special tokens, tokens of users, and ids that no token has."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = cutter(pre), decoders.ByteLevel()
    tokenizer.train_from_iterator([TEXT.read_text()], trainers.BpeTrainer(
        vocab_size=vocabulary - 20, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tokenizer.add_special_tokens(["<|begin|>", "<|end|>", AddedToken("<pad>", special=True)])
    tokenizer.add_tokens([AddedToken("<|item:7|>", special=False), AddedToken("plain word", special=False)])
    begin = tokenizer.token_to_id("<|begin|>")
    if pre == "llama-bpe":  # as Llama 3 has it
        tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(
            single="<|begin|> $A", pair="<|begin|> $A <|begin|>:1 $B:1", special_tokens=[("<|begin|>", begin)])])
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<|begin|>", eos_token="<|end|>",
                                                pad_token="<pad>")
    if pre != "smollm":
        fast.chat_template = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
    fast.save_pretrained(folder)
    return begin


def cases():
    """(name, tokenizer's kind, model) of three families: tied and not, with grouped heads, with biases, with Llama 3's rope."""
    size = dict(hidden_size=48, intermediate_size=80, num_hidden_layers=2, num_attention_heads=6, num_key_value_heads=2,
                vocab_size=500, max_position_embeddings=256)
    llama3 = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
              "original_max_position_embeddings": 8192}
    t = transformers
    gpt2 = dict(n_layer=2, n_head=4, n_embd=40, n_positions=64, vocab_size=500)
    yield "gpt2", "gpt-2", t.GPT2LMHeadModel(t.GPT2Config(**gpt2))
    yield "gpt2-untied", "gpt-2", t.GPT2LMHeadModel(t.GPT2Config(**gpt2, n_inner=72, tie_word_embeddings=False))
    yield "smollm2", "smollm", t.LlamaForCausalLM(t.LlamaConfig(**size, tie_word_embeddings=True, rms_norm_eps=1e-5))
    yield "llama3", "llama-bpe", t.LlamaForCausalLM(t.LlamaConfig(**size | {"head_dim": 16}, rope_parameters=llama3,
                                                                  attention_bias=True, mlp_bias=True, tie_word_embeddings=False))
    yield "qwen2", "qwen2", t.Qwen2ForCausalLM(t.Qwen2Config(**size, tie_word_embeddings=True))
    yield "qwen2-untied", "qwen2", t.Qwen2ForCausalLM(t.Qwen2Config(**size, tie_word_embeddings=False))


def paired(values, heads):
    """Rows of each head from two halves to pairs."""
    return torch.cat([torch.stack(half.chunk(2), 1).flatten(0, 1) for half in values.chunk(heads)])


def rope_divisors(config):
    rope, width = config.rope_parameters, config.head_dim
    out = []
    for step in range(0, width, 2):
        length = 2 * math.pi * rope["rope_theta"] ** (step / width)
        slow, fast = (rope["original_max_position_embeddings"] / rope[key] for key in ("low_freq_factor", "high_freq_factor"))
        blend = (rope["original_max_position_embeddings"] / length - rope["low_freq_factor"]) \
            / (rope["high_freq_factor"] - rope["low_freq_factor"])
        out.append(1 if length < fast else rope["factor"] if length > slow else 1 / ((1 - blend) / rope["factor"] + blend))
    return out


def expected_tensors(model, kind):
    """Name -> values in their type, by the name table of the gguf package."""
    config = model.config
    architecture = {"gpt2": gguf.MODEL_ARCH.GPT2, "llama": gguf.MODEL_ARCH.LLAMA, "qwen2": gguf.MODEL_ARCH.QWEN2}[config.model_type]
    names = gguf.get_tensor_name_map(architecture, config.num_hidden_layers)
    dtype = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}[kind]
    state, out = dict(model.state_dict()), {}
    if config.tie_word_embeddings and config.model_type != "gpt2":
        del state["lm_head.weight"]
    for name, values in state.items():
        if config.model_type == "gpt2" and name.split(".")[-2] in ("c_attn", "c_proj", "c_fc") and values.dim() == 2:
            values = values.T
        if config.model_type == "llama" and name.split(".")[-2] in ("q_proj", "k_proj"):
            values = paired(values, config.num_attention_heads if ".q_proj" in name else config.num_key_value_heads)
        name = names.get_name(name, try_suffixes=(".weight", ".bias"))
        out[name] = values.to(dtype if values.dim() == 2 and name != "position_embd.weight" else torch.float32)
    return out


def read_tensor(tensor):
    types = {gguf.GGMLQuantizationType.F32: torch.float32, gguf.GGMLQuantizationType.F16: torch.float16,
             gguf.GGMLQuantizationType.BF16: torch.bfloat16}
    raw = torch.from_numpy(numpy.ascontiguousarray(tensor.data).view(numpy.uint8).reshape(-1).copy())
    return raw.view(types[tensor.tensor_type]).reshape([int(size) for size in reversed(tensor.shape)])


def expected_keys(model, folder, pre, kind):
    config, a = model.config, model.config.model_type
    keys = {"general.architecture": a, "general.type": "model", "general.name": folder.name,
            "general.quantization_version": gguf.GGML_QUANT_VERSION,
            "general.file_type": {"f32": gguf.LlamaFileType.ALL_F32, "f16": gguf.LlamaFileType.MOSTLY_F16,
                                  "bf16": gguf.LlamaFileType.MOSTLY_BF16}[kind],
            f"{a}.block_count": config.num_hidden_layers, f"{a}.context_length": config.max_position_embeddings,
            f"{a}.embedding_length": config.hidden_size, f"{a}.attention.head_count": config.num_attention_heads,
            "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": pre}
    if a == "gpt2":
        keys |= {"gpt2.feed_forward_length": config.n_inner or 4 * config.n_embd,
                 "gpt2.attention.layer_norm_epsilon": numpy.float32(config.layer_norm_epsilon)}
    else:
        keys |= {f"{a}.feed_forward_length": config.intermediate_size, f"{a}.attention.head_count_kv": config.num_key_value_heads,
                 f"{a}.attention.layer_norm_rms_epsilon": numpy.float32(config.rms_norm_eps),
                 f"{a}.rope.freq_base": config.rope_parameters["rope_theta"]}
    if a == "llama":
        keys |= {"llama.vocab_size": config.vocab_size, "llama.rope.dimension_count": config.head_dim}
    saved = json.loads((folder / "config.json").read_text())
    if saved.get("head_dim"):
        keys |= {f"{a}.attention.key_length": config.head_dim, f"{a}.attention.value_length": config.head_dim}
    return keys | tokenizer_keys(folder, config.vocab_size)


def tokenizer_keys(folder, vocabulary):
    """By the tokenizers package, and what the gguf package reads from such a folder."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    added = tokenizer.get_added_tokens_decoder()
    tokens, types = [], []
    for number in range(vocabulary):
        text = tokenizer.id_to_token(number)
        tokens.append(f"[PAD{number}]" if text is None else text)
        looks = text is not None and (text == "<pad>" or text.startswith("<|") and text.endswith("|>"))
        types.append(gguf.TokenType.UNUSED if text is None else gguf.TokenType.NORMAL if number not in added else
                     gguf.TokenType.CONTROL if added[number].special or looks else gguf.TokenType.USER_DEFINED)
    special = gguf.SpecialVocab(folder, load_merges=True, n_vocab=vocabulary)
    keys = {"tokenizer.ggml.tokens": tokens, "tokenizer.ggml.token_type": [int(t) for t in types],
            "tokenizer.ggml.merges": special.merges,
            "tokenizer.ggml.add_bos_token": special.add_special_token.get("bos", False),
            "tokenizer.ggml.add_eos_token": special.add_special_token.get("eos", False)}
    for kind, key in (("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("pad", "padding")):
        if kind in special.special_token_ids:
            keys[f"tokenizer.ggml.{key}_token_id"] = special.special_token_ids[kind]
    if special.chat_template:
        keys["tokenizer.chat_template"] = special.chat_template
    return keys


SAMPLE = "Hello world, it's 12345 items!  <|item:7|> plain word\n\n  naïve 東京 🎬 ٣٤ <|end|>\t\r\n"
IDS = [5, 77, 300, 12, 450, 33, 2, 198]


def run_by_llama_cpp(path, model, folder):
    """(the largest difference of log-probabilities, the number of texts whose tokens differ) between llama.cpp and
    transformers."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path, parameters.n_ctx, parameters.n_parallel, parameters.n_gpu_layers = str(path), 64, 1, 0
    parameters.cpuparams.n_threads, parameters.warmup, parameters.verbosity = 1, False, -1
    parameters.cache_type_k = parameters.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    parameters.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    server = xllamacpp.Server(parameters)
    # Token 65 is forced, as no log-probabilities come with bytes that are no text; they are those before that.
    answer = server.handle_completions({"prompt": IDS, "n_predict": 1, "n_probs": model.config.vocab_size, "temperature": 0,
                                        "logit_bias": [[65, 1e6]]})
    answer = answer if isinstance(answer, dict) else json.loads(answer)
    theirs = {one["id"]: one["logprob"] for one in answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]}
    ours = torch.log_softmax(model(torch.tensor([IDS])).logits[0, -1].double(), -1)
    difference = max(abs(ours[number].item() - value) for number, value in theirs.items())

    def tokens(text):
        body = json.dumps({"content": text, "add_special": True, "parse_special": True}).encode()
        request = urllib.request.Request(server.listening_address + "/tokenize", body, {"Content-Type": "application/json"})
        return json.loads(urllib.request.urlopen(request, timeout=60).read())["tokens"]
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    texts = [SAMPLE, "", *TEXT.read_text().split("\n\n")]
    return len(theirs), difference, len(texts), sum(tokens(text) != tokenizer.encode(text).ids for text in texts)


@torch.no_grad()
def check(report, probe, folder):
    torch.manual_seed(1)
    # llama.cpp looks GELU up in a table of half precision.
    runs = {"GPT-2": [0, 0.0, 2e-3], "Llama and Qwen2": [0, 0.0, 1e-5]}
    texts = texts_differ = 0
    tensors = keys = files = tensors_differ = keys_differ = 0
    rope_cases, rope_difference = 0, 0.0
    for name, pre, model in cases():
        place = folder / name
        model.eval()
        for values in model.state_dict().values():
            values.normal_(0, .3)
        model.config.bos_token_id = model.config.eos_token_id = None
        model.save_pretrained(place)
        write_tokenizer(place, pre, model.config.vocab_size)
        for kind in ("f32", "f16", "bf16"):
            path = folder / f"{name}-{kind}.gguf"
            probe("file_probe", "gguf", place, path, kind)
            reader = gguf.GGUFReader(path)
            files += 1

            found = {tensor.name: read_tensor(tensor) for tensor in reader.tensors}
            divisors = found.pop("rope_freqs.weight", None)
            if name == "llama3":
                wanted = torch.tensor(rope_divisors(model.config), dtype=torch.float64)
                rope_cases += len(wanted)
                rope_difference = max(rope_difference, ((divisors.double() - wanted) / wanted).abs().max().item())
            elif divisors is not None:
                tensors_differ += 1
            expected = expected_tensors(model, kind)
            if model.config.model_type == "gpt2" and "output.weight" not in expected:
                expected["output.weight"] = expected["token_embd.weight"]
            tensors += len(expected)
            tensors_differ += len(found.keys() ^ expected.keys())
            tensors_differ += sum(found[key].dtype != expected[key].dtype or not torch.equal(found[key], expected[key])
                                  for key in found.keys() & expected.keys())

            fields = {key: field.contents() for key, field in reader.fields.items() if not key.startswith("GGUF.")}
            wanted = expected_keys(model, place, pre, kind)
            keys += len(wanted)
            different = [key for key in fields.keys() | wanted.keys() if fields.get(key) != wanted.get(key)]
            keys_differ += len(different)
            for key in different:
                print(f"{path.name}: {key} is {str(fields.get(key))[:200]}, expected {str(wanted.get(key))[:200]}")
        values, difference, here, differ = run_by_llama_cpp(folder / f"{name}-f32.gguf", model, place)
        family = runs["GPT-2" if model.config.model_type == "gpt2" else "Llama and Qwen2"]
        family[0], family[1] = family[0] + values, max(family[1], difference)
        texts, texts_differ = texts + here, texts_differ + differ
    report.add("GGUF tensors of six models in three types", tensors, tensors_differ, 0)
    report.add("GGUF keys, tokens and merges", keys, keys_differ, 0)
    report.add("divisors of Llama 3's rotary frequencies, relative", rope_cases, rope_difference, 1e-6)
    for name, (values, difference, limit) in runs.items():
        report.add(f"log-probabilities of llama.cpp, {name}", values, difference, limit)
    report.add("texts that llama.cpp cuts into other tokens", texts, texts_differ, 0)
    report.note("GGUF files read", str(files))
