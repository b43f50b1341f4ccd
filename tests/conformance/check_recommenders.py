"""Recommenders made from Hugging Face folders by whole runs: what they leave is what transformers and peft read."""
import json
import os
import pathlib
import subprocess
import sys

import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

import models

ROOT = pathlib.Path(__file__).resolve().parents[2]
ATTUNE = "../../src/attune"
QUICK = ["world.dialogues=200", "world.people=100", "sft.epochs=1", "rl.iterations=2", "signals.resamples=50",
         "evaluation.resamples=100", "evaluation.responses=10", "evaluation.world_episodes=10", "evaluation.ablations=false",
         "reward.predictor.epochs=1", "reward.language.epochs=1", "reward.language.replies=200"]
RUNS = {
    "gpt2": ["model.base=bases/gpt2"],
    "llama": ["model.base=bases/llama", "reward.words=language_model"],
    "qwen2, LoRA": ["model.base=bases/qwen2", "model.lora.rank=4", "model.lora.dropout=0.1", "sft.learning_rate=1e-2",
                    "reward.words=language_model", "sentiment.model=bases/sentiment", "relevance.model=bases/sentences"],
}
TALK = ["<|user|>hello, I want a dark film<|end|><|recommender|>", "<|user|>Have you seen<|item:film-3|>?<|end|><|recommender|>",
        "<|user|>I'll try it, thanks!! 1999<|end|><|recommender|><|chat|>"]


def run(probe, folder, name, settings):
    where = [f"{key}={folder / value}" if value.startswith("bases/") else f"{key}={value}"
             for key, value in (setting.split("=", 1) for setting in settings)]
    probe(ATTUNE, "run", ROOT / "recipes/tiny.toml", f"run.folder={folder / name}", *QUICK, *where)
    report = folder / name / "report.html"
    assert report.exists() and report.stat().st_size > 10_000
    return folder / name


def logits(model, ids):
    with torch.no_grad():
        return [model(torch.tensor([sequence])).logits[0] for sequence in ids]


def ours(probe, folder, scratch, ids):
    probe("model_probe", "logits", folder, scratch, input=models.give(ids))
    tensors = load_file(scratch)
    return [tensors[str(i)] for i in range(len(ids))]


def largest(a, b):
    return max(float((x - y).abs().max()) for x, y in zip(a, b))


def check_folder(report, probe, name, folder, model, scratch):
    """A stage's folder: its tokenizer and its model."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = [tokenizer(text, add_special_tokens=False).input_ids for text in TALK]
    markup = json.loads((folder / "items.json").read_text())["tokens"]
    report.add(f"{name}: item tokens by transformers", len(markup),
               sum(tokenizer.convert_tokens_to_ids(f"<|item:{item}|>") != id for item, id in markup.items()), 0)
    report.add(f"{name}: logits", len(ids), largest(logits(model, ids), ours(probe, folder, scratch, ids)), 1e-4)
    model.generation_config.eos_token_id = None
    expected = [model.generate(torch.tensor([prompt]), max_new_tokens=30, do_sample=False, pad_token_id=0)[0, len(prompt):]
                .tolist() for prompt in ids]
    said = json.loads(probe("model_probe", "generate", folder, 30, input=models.give(ids)))
    report.add(f"{name}: greedy continuation of 30 tokens", len(ids), sum(a != b for a, b in zip(said, expected)), 0)
    return ids


def check(report, probe, folder):
    "Whole runs on a small world from GPT-2, Llama and Qwen2 folders, the last with adapters and neural scorers."
    os.environ["ATTUNE_CACHE"] = str(folder / "cache")
    (folder / "bases").mkdir()
    probe(ATTUNE, "simulate", "--out", folder / "world", "dialogues=200")
    subprocess.run([sys.executable, ROOT / "tools/write_small_models.py", folder / "bases", "--steps", "20", "--dialogues",
                    folder / "world/dialogues.jsonl"], check=True, capture_output=True)
    scratch = folder / "out.safetensors"
    for name, settings in RUNS.items():
        made = run(probe, folder, name.replace(", ", "-"), settings)
        if "LoRA" in name:
            base = AutoModelForCausalLM.from_pretrained(made / "sft/base", dtype=torch.float32)
            model = PeftModel.from_pretrained(base, made / "policy/model").eval()
            ids = check_folder(report, probe, name + ", by peft", made / "policy/model", model, scratch)
            probe(ATTUNE, "export", "merge", made / "policy", "--out", folder / "merged")
            merged = AutoModelForCausalLM.from_pretrained(folder / "merged", dtype=torch.float32)
            report.add(f"{name}: merged by attune, read by transformers, logits", len(ids),
                       largest(logits(merged, ids), logits(model, ids)), 1e-4)
            cached = {path.name: path.read_bytes() for path in (folder / "cache").iterdir()}
            run(probe, folder, "again", settings)
            report.add(f"{name}: texts read again by encoders in a second run", len(cached),
                       sum((folder / "cache" / file).read_bytes() != content for file, content in cached.items()), 0)
        else:
            model = AutoModelForCausalLM.from_pretrained(made / "policy/model", dtype=torch.float32).eval()
            ids = check_folder(report, probe, name, made / "policy/model", model, scratch)
        if (made / "reward/model").exists():
            judge = AutoModelForSequenceClassification.from_pretrained(made / "reward/model", dtype=torch.float32).eval()
            assert judge.config.num_labels == 1 and judge.config.pad_token_id is not None
            report.add(f"{name}: reward model read by transformers, one finite score", len(ids),
                       sum(not bool(torch.isfinite(judge(torch.tensor([i])).logits).all()) for i in ids), 0)
