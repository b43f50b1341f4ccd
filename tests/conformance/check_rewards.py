"""Reward models: ours read by transformers and scored with by TRL, and theirs read by us."""
import json
import warnings

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer
from trl import GRPOConfig, GRPOTrainer
from trl.experimental.utils import get_reward

import models

KINDS = ["GPT-2", "GPT-2, gelu, n_inner, untied", "Llama", "Llama, tied, wide heads (SmolLM2, 3.2)",
         "Qwen2.5, tied", "Qwen2.5, untied"]
PADDING = 256  # what the probe's tokenizer pads with


def classifier(folder):
    return AutoModelForSequenceClassification.from_pretrained(folder, num_labels=1, dtype=torch.float32).eval()


def padded(sequences):
    longest = max(map(len, sequences))
    return torch.tensor([ids + [PADDING] * (longest - len(ids)) for ids in sequences])


def scores(model, sequences):
    """[n]: by transformers, all sequences in one batch that is padded on the right."""
    ids = padded(sequences)
    return model(input_ids=ids, attention_mask=(ids != PADDING).long()).logits[:, 0]


def ours(probe, folder, sequences):
    return torch.tensor(json.loads(probe("model_probe", "score", folder, input=models.give(sequences))))


def difference(a, b):
    return float((a - b).abs().max())


def grpo_rewards(base, reward, prompts, completions, folder):
    """[n]: what GRPOTrainer makes of a reward model that it is given by its folder."""
    tokenizer = AutoTokenizer.from_pretrained(reward)
    settings = GRPOConfig(output_dir=str(folder), use_cpu=True, bf16=False, report_to=[], num_generations=2,
                          per_device_train_batch_size=2, disable_tqdm=True)
    trainer = GRPOTrainer(AutoModelForCausalLM.from_pretrained(base), reward_funcs=str(reward), args=settings,
                          train_dataset=Dataset.from_list([{"prompt": prompts[0]}]), processing_class=tokenizer)
    inputs = [{"prompt": prompt} for prompt in prompts]
    ids = [tokenizer(text)["input_ids"] for text in completions]
    return trainer._calculate_rewards(inputs, prompts, completions, ids)[:, 0].cpu()


def train(model, sequences):
    """A few steps on chosen against rejected halves, as a reward model is trained."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for _ in range(5):
        chosen, rejected = scores(model, sequences).chunk(2)
        torch.nn.functional.softplus(rejected - chosen).mean().backward()
        optimiser.step()
        optimiser.zero_grad()


def check_kind(report, probe, folder, kind):
    models.make(kind, folder / "base")
    probe("model_probe", "score-write", folder / "base", folder / "ours")
    sequences = models.sequences(20, 60, vocabulary=PADDING)
    expected = ours(probe, folder / "ours", sequences)
    model = classifier(folder / "ours")
    with torch.no_grad():
        report.add(f"{kind}: our folder in transformers, a padded batch", len(sequences),
                   difference(scores(model, sequences), expected), 1e-4)
        _, by_trl, _ = get_reward(model, padded(sequences), PADDING, 0)
    report.add(f"{kind}: TRL's get_reward", len(sequences), difference(by_trl, expected), 1e-4)

    prompts, completions = ["Something tense? ", "Who plays in it? "] * 3, [" Heat.", " No.", " Al Pacino, I think."] * 2
    tokenizer = AutoTokenizer.from_pretrained(folder / "ours")
    texts = [tokenizer(a + b)["input_ids"] for a, b in zip(prompts, completions)]
    report.add(f"{kind}: the reward model of TRL's GRPOTrainer", len(texts),
               difference(grpo_rewards(folder / "base", folder / "ours", prompts, completions, folder / "grpo"),
                          ours(probe, folder / "ours", texts)), 1e-4)

    train(model.train(False), sequences)
    model.save_pretrained(folder / "theirs")
    with torch.no_grad():
        theirs = scores(model, sequences)
    assert difference(theirs, expected) > .01, "training changed nothing"
    report.add(f"{kind}: their folder, trained, in ours", len(sequences),
               difference(ours(probe, folder / "theirs", sequences), theirs), 1e-4)


def check(report, probe, folder):
    "Scores of whole sequences, in both directions."
    warnings.simplefilter("ignore")
    for number, kind in enumerate(KINDS):
        (folder / str(number)).mkdir()
        check_kind(report, probe, folder / str(number), kind)
