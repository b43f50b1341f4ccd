"""safetensors files and cut checkpoints, both ways, against the safetensors package and transformers."""
import pathlib
import random
import string
import struct

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

TYPES = ("bool", "uint8", "int8", "float8_e5m2", "float8_e4m3fn", "float8_e8m0fnu", "float8_e4m3fnuz", "float8_e5m2fnuz",
         "int16", "uint16", "float16", "bfloat16", "int32", "uint32", "float32", "complex64", "float64", "int64", "uint64")
NAMES = ("transformer.h.0.attn.c_attn.weight", "a", "", "naïve", "東京", "quote\"back\\slash", "tab\tline\n", "\x01\x7f/", "🎬")


def random_tensors(source, count=40):
    """Tensors of every type, of all ranks, empty ones and single numbers among them, of any bits."""
    tensors = {}
    for number in range(count):
        name = source.choice(NAMES) + (str(number) if number else "")
        sizes = [source.choice((0, 1, 1, 2, 3, 7)) for _ in range(source.randrange(5))]
        type_ = getattr(torch, TYPES[number % len(TYPES)])
        size = torch.empty(sizes, dtype=type_).numel() * type_.itemsize
        raw = torch.frombuffer(bytearray(source.randbytes(size) or b"\0"), dtype=torch.uint8)[:size]
        tensors[name] = (raw % 2).bool().reshape(sizes) if type_ is torch.bool else raw.view(type_).reshape(sizes)
    return tensors


def bits(tensor):
    return tuple(tensor.shape), tensor.dtype, tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b""


def differing(one, other):
    if one.keys() != other.keys():
        return len(one.keys() ^ other.keys())
    return sum(bits(one[name]) != bits(other[name]) for name in one)


def check_copies(report, probe, folder):
    source, tensors_seen, tensors_differ, files, bytes_differ = random.Random(1), 0, 0, 0, 0
    for number in range(12):
        tensors = random_tensors(source, source.choice((1, 5, 57, 200)))
        theirs, ours = folder / "theirs.safetensors", folder / "ours.safetensors"
        save_file(tensors, theirs, metadata={"format": "pt"})
        probe("file_probe", "copy", theirs, ours)
        tensors_seen += len(tensors)
        tensors_differ += differing(tensors, load_file(ours))
        with safe_open(ours, "pt") as file:
            tensors_differ += file.metadata() != {"format": "pt"}
        files += 1
        bytes_differ += theirs.read_bytes() != ours.read_bytes()
    report.add("safetensors of 19 types read and written, read by theirs", tensors_seen, tensors_differ, 0)
    report.add("our file = their writer's, byte for byte", files, bytes_differ, 0)


def check_sharded(report, probe, folder):
    from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM
    cases, differ = 0, 0
    for number, model in enumerate((
            GPT2LMHeadModel(GPT2Config(n_layer=3, n_head=2, n_embd=32, n_positions=16, vocab_size=300)),
            LlamaForCausalLM(LlamaConfig(num_hidden_layers=3, hidden_size=32, intermediate_size=48, num_attention_heads=4,
                                         num_key_value_heads=2, vocab_size=300, tie_word_embeddings=False)))):
        for size in ("20KB", "1GB"):
            theirs, ours = folder / f"theirs-{number}-{size}", folder / f"ours-{number}-{size}"
            model.save_pretrained(theirs, max_shard_size=size)
            probe("file_probe", "copy-folder", theirs, ours, 30_000 if size == "20KB" else 10**9)
            (ours / "config.json").write_bytes((theirs / "config.json").read_bytes())
            back, info = AutoModelForCausalLM.from_pretrained(ours, output_loading_info=True)
            cases += len(model.state_dict())
            differ += differing(model.state_dict(), back.state_dict())
            differ += len(info["missing_keys"]) + len(info["unexpected_keys"])
            if (size == "20KB") != (ours / "model.safetensors.index.json").exists():
                differ += 1
    report.add("model folders, whole and cut, read by transformers", cases, differ, 0)


def damaged_files(source, folder):
    """Small files with a few bytes of their header changed."""
    tensors = {"a": torch.zeros(2), "b": torch.zeros(3, 2, dtype=torch.uint8)}
    good = folder / "good.safetensors"
    save_file(tensors, good)
    whole = good.read_bytes()
    size = struct.unpack("<Q", whole[:8])[0]
    letters = (string.digits + "{}[]\",:-.eUF \\").encode()
    for number in range(3000):
        changed = bytearray(whole)
        for _ in range(source.randrange(1, 4)):
            changed[source.randrange(8, 8 + size)] = source.choice(letters)
        path = folder / f"damaged-{number}.safetensors"
        path.write_bytes(changed)
        yield path


def check_damaged(report, probe, folder):
    """Whatever theirs refuses, ours must refuse; ours holds rules that theirs only states, e.g. no name twice."""
    paths = list(damaged_files(random.Random(2), folder))
    judged = probe("file_probe", "judge", *paths).decode(errors="replace").splitlines()
    assert len(judged) == len(paths)
    laxer = stricter = 0
    for path, ours in zip(paths, judged):
        try:
            load_file(path)
            read = True
        except (SafetensorError, KeyError):
            read = False
        laxer += not read and ours == "read"
        stricter += read and ours != "read"
    report.add("damaged files that we read and they refuse", len(paths), laxer, 0)
    report.note("damaged files that they read and we refuse", str(stricter))


def check_load(report, probe, folder):
    """The time for the weights of a GPT-2 medium in float32, from a warm cache."""
    width, layers = 1024, 24
    sizes = {"wte": (50257, width), "wpe": (1024, width)}
    for layer in range(layers):
        sizes |= {f"h.{layer}.attn.c_attn": (width, 3 * width), f"h.{layer}.attn.c_proj": (width, width),
                  f"h.{layer}.mlp.c_fc": (width, 4 * width), f"h.{layer}.mlp.c_proj": (4 * width, width)}
    path = folder / "large.safetensors"
    save_file({name + ".weight": torch.full(size, .5) for name, size in sizes.items()}, path)
    read, seen, _ = map(float, probe("file_probe", "load", path).split())
    report.add(f"{path.stat().st_size / 4e6:.0f}M numbers in float32 loaded, seconds", 1, read, 2)
    report.note("  and every byte of them seen", f"{seen:.2f} s")
    path.unlink()


def check(report, probe, folder):
    check_copies(report, probe, folder)
    check_sharded(report, probe, folder)
    check_damaged(report, probe, folder)
    check_load(report, probe, folder)
