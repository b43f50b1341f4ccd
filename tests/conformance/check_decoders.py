"""Decoders of every family against transformers."""
import json

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

import models


def largest(pairs):
    return max(float((a - b).abs().max()) for a, b in pairs)


def folders_equal(one, other):
    """How many of a model's files differ in a byte."""
    return sum((one / name).read_bytes() != (other / name).read_bytes() for name in ("model.safetensors", "config.json"))


def check_kind(report, probe, folder, kind):
    model = models.make(kind, folder / "model")
    ids = models.sequences(12, models.POSITIONS)
    with torch.no_grad():
        theirs = [model(torch.tensor([sequence])).logits[0] for sequence in ids]
    probe("model_probe", "logits", folder / "model", folder / "logits.safetensors", input=models.give(ids))
    ours = load_file(folder / "logits.safetensors")
    report.add(f"{kind}: logits", sum(len(sequence) for sequence in ids),
               largest((ours[str(i)], logits) for i, logits in enumerate(theirs)), 1e-4)

    prompts = [sequence[:20] for sequence in ids]
    said = json.loads(probe("model_probe", "generate", folder / "model", 64, input=models.give(prompts)))
    model.generation_config.eos_token_id = None  # nothing ends a reply before its 64 tokens
    expected = [model.generate(torch.tensor([prompt]), max_new_tokens=64, do_sample=False, pad_token_id=0)[0, len(prompt):].tolist() for prompt in prompts]
    report.add(f"{kind}: greedy continuation of 64 tokens", len(prompts),
               sum(a != b for a, b in zip(said, expected)), 0)

    ways = json.loads(probe("model_probe", "ways", folder / "model", input=models.give(ids)))
    report.add(f"{kind}: cached decoding against the whole forward", len(ids), ways["cached"], 1e-5 * scale(theirs))
    report.add(f"{kind}: packed against alone", len(ids), ways["alone"], 1e-5 * scale(theirs))

    probe("model_probe", "copy", folder / "model", folder / "copy")
    report.add(f"{kind}: read and written again, bytes", 2, folders_equal(folder / "model", folder / "copy"), 0)
    back = AutoModelForCausalLM.from_pretrained(folder / "copy", dtype=torch.float32)
    report.add(f"{kind}: ours read by transformers", len(back.state_dict()),
               largest((tensor, model.state_dict()[name]) for name, tensor in back.state_dict().items()), 0)


def scale(logits):
    """Limits of 1e-5 are for logits near 1."""
    return max(1., float(torch.cat(logits).abs().mean()))


def check_other_files(report, probe, folder):
    """Shards, 16-bit files, names without a prefix."""
    kind = "Llama"
    model = models.make(kind, folder / "whole")
    ids = models.sequences(4, 40)
    with torch.no_grad():
        theirs = [model(torch.tensor([sequence])).logits[0] for sequence in ids]

    def logits(where):
        probe("model_probe", "logits", where, folder / "logits.safetensors", input=models.give(ids))
        ours = load_file(folder / "logits.safetensors")
        return largest((ours[str(i)], expected) for i, expected in enumerate(theirs))
    model.save_pretrained(folder / "shards", max_shard_size="60KB")
    shards = len(list((folder / "shards").glob("model-*.safetensors")))
    assert shards > 1
    report.add(f"{kind} in {shards} shards: logits", 4, logits(folder / "shards"), 1e-4)

    bare = models.make("GPT-2", folder / "prefixed")
    (folder / "bare").mkdir()
    (folder / "bare" / "config.json").write_bytes((folder / "prefixed" / "config.json").read_bytes())
    tensors = {name.removeprefix("transformer."): tensor.contiguous()
               for name, tensor in bare.transformer.state_dict().items()}
    tensors["h.0.attn.bias"] = torch.ones(1, 1, 8, 8)
    save_file(tensors, folder / "bare" / "model.safetensors", metadata={"format": "pt"})
    with torch.no_grad():
        theirs = [bare(torch.tensor([sequence])).logits[0] for sequence in ids]
    report.add("GPT-2, names without prefix, old buffers: logits", 4, logits(folder / "bare"), 1e-4)

    for dtype in (torch.bfloat16, torch.float16):
        half = models.KINDS[kind]().to(dtype).eval()
        half.save_pretrained(folder / str(dtype))
        with torch.no_grad():
            theirs = [half.float()(torch.tensor([sequence])).logits[0] for sequence in ids]
        report.add(f"{kind} in {dtype}: logits in fp32", 4, logits(folder / str(dtype)), 1e-4)
        probe("model_probe", "copy", folder / str(dtype), folder / "copy16")
        report.add(f"{kind} in {dtype}: read and written again, bytes", 2,
                   folders_equal(folder / str(dtype), folder / "copy16"), 0)


def check(report, probe, folder):
    "Logits, generation, files of every family."
    for number, kind in enumerate(models.KINDS):
        (folder / str(number)).mkdir()
        check_kind(report, probe, folder / str(number), kind)
    check_other_files(report, probe, folder)
    for kind in ("GPT-2", "Llama", "Qwen2.5, tied"):
        models.make(kind, folder / "types")
        types = json.loads(probe("model_probe", "types", folder / "types",
                                 input=models.give(models.sequences(12, models.POSITIONS))))
        report.note(f"{kind}: log-probabilities in bf16 against fp32",
                    f"mean {types['mean']:.1e}, largest {types['largest']:.1e}")
