"""LoRA adapters against peft, in both directions."""
import json

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

import models

ROWS = list(range(300, 311))
CASES = {
    "GPT-2": dict(targets=["c_attn"], fan_in_fan_out=True, rows=ROWS),
    "GPT-2, gelu, n_inner, untied": dict(targets=["c_attn", "attn.c_proj", "mlp.c_proj", "c_fc"], fan_in_fan_out=True,
                                         rows={"wte": ROWS, "lm_head": ROWS}),
    "Llama": dict(targets=["q_proj", "v_proj", "down_proj"], rows={"embed_tokens": ROWS, "lm_head": ROWS}),
    "Qwen2.5, tied": dict(targets=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
                          rows=ROWS),
}


def base(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def check_case(report, probe, folder, kind, case):
    models.make(kind, folder / "base")
    ids = models.sequences(8, 60)

    def logits(model):
        with torch.no_grad():
            return [model(torch.tensor([sequence])).logits[0] for sequence in ids]

    def ours(where):
        probe("model_probe", "logits", where, folder / "out.safetensors", input=models.give(ids))
        tensors = load_file(folder / "out.safetensors")
        return [tensors[str(i)] for i in range(len(ids))]

    def difference(a, b):
        return max(float((x - y).abs().max()) for x, y in zip(a, b))

    theirs = get_peft_model(base(folder / "base"), LoraConfig(
        r=4, lora_alpha=8, target_modules=case["targets"], fan_in_fan_out=case.get("fan_in_fan_out", False),
        trainable_token_indices=case["rows"], task_type="CAUSAL_LM")).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in theirs.named_parameters():
            if parameter.requires_grad:
                parameter.add_(.1 * torch.randn(parameter.shape, generator=generator))
    theirs.save_pretrained(folder / "theirs")
    config = json.loads((folder / "theirs/adapter_config.json").read_text())
    config["base_model_name_or_path"] = "../base"
    (folder / "theirs/adapter_config.json").write_text(json.dumps(config))
    expected = logits(theirs)
    report.add(f"{kind}: peft's adapter, logits", len(ids), difference(expected, ours(folder / "theirs")), 1e-4)
    probe("model_probe", "merge", folder / "theirs", folder / "merged")
    report.add(f"{kind}: peft's adapter merged by us, read by transformers", len(ids),
               difference(expected, logits(base(folder / "merged"))), 1e-4)

    probe("model_probe", "adapter", folder / "base", folder / "ours",
          input=models.give([], rank=4, alpha=8, targets=case["targets"], first_row=ROWS[0], rows=len(ROWS)))
    loaded = PeftModel.from_pretrained(base(folder / "base"), folder / "ours").eval()
    written = load_file(folder / "ours/adapter_model.safetensors")
    report.add(f"{kind}: our adapter read by peft, logits", len(ids), difference(logits(loaded), ours(folder / "ours")),
               1e-4)
    assert any(float(tensor.abs().max()) > 0 for name, tensor in written.items() if "lora_B" in name)
    loaded.save_pretrained(folder / "again")
    again = load_file(folder / "again/adapter_model.safetensors")
    report.add(f"{kind}: our adapter saved by peft again, tensors", len(written),
               sum(name not in again or not torch.equal(tensor, again[name]) for name, tensor in written.items()), 0)


def check(report, probe, folder):
    "Adapters of both read by the other, alone and merged."
    for number, (kind, case) in enumerate(CASES.items()):
        (folder / str(number)).mkdir()
        check_case(report, probe, folder / str(number), kind, case)
