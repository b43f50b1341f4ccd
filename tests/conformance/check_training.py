"""Gradients and steps of supervised fine-tuning against PyTorch."""
import json
import math

import torch
from safetensors.torch import load_file

import models

STEPS, WARMUP, PEAK, CLIP, DECAY = 50, 5, 3e-3, .5, .1


def loss_of(model, batch):
    """Mean over all tokens but each sequence's first."""
    total, count = 0., 0
    for sequence in batch:
        ids = torch.tensor([sequence])
        total = total + torch.nn.functional.cross_entropy(model(ids).logits[0, :-1], ids[0, 1:], reduction="sum")
        count += len(sequence) - 1
    return total / count


def their_name(name, model):
    names = dict(model.named_parameters())
    return name if name in names else "transformer." + name


def check_gradients(report, probe, folder, kind):
    model = models.make(kind, folder / "model").eval()
    batch = models.sequences(6, 60, seed=3)
    loss_of(model, batch).backward()
    probe("model_probe", "gradients", folder / "model", folder / "gradients.safetensors", input=models.give(batch))
    ours = load_file(folder / "gradients.safetensors")
    loss = ours.pop("loss")
    theirs = dict(model.named_parameters())
    worst = max(float((gradient - theirs[their_name(name, model)].grad).norm()
                      / theirs[their_name(name, model)].grad.norm()) for name, gradient in ours.items())
    report.add(f"{kind}: gradients of a step, relative", len(ours), worst, 1e-4)
    report.add(f"{kind}: its loss, relative", 1,
               abs(float(loss) - float(loss_of(model, batch))) / float(loss), 1e-5)


def check_steps(report, probe, folder, kind):
    """AdamW with warm-up, cosine schedule, clipping and decay of matrices only."""
    model = models.make(kind, folder / "steps").train(False)
    with torch.no_grad():  # as models start: loss falls from log V
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.div_(6)
    model.save_pretrained(folder / "steps")
    steps = [models.sequences(4, 40, seed=step % 5) for step in range(STEPS)]
    said = json.loads(probe("model_probe", "train", folder / "steps", input=json.dumps(dict(
        steps=steps, learning_rate=PEAK, warmup=WARMUP, clip=CLIP, weight_decay=DECAY)).encode()))
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() <= 1]
    optimiser = torch.optim.AdamW([dict(params=matrices, weight_decay=DECAY), dict(params=vectors, weight_decay=0.)],
                                  lr=PEAK, betas=(.9, .95), eps=1e-8)
    losses, norms = [], []
    for step, batch in enumerate(steps, 1):
        rate = step / WARMUP if step <= WARMUP else .5 * (1 + math.cos(math.pi * (step - WARMUP) / (STEPS - WARMUP)))
        for group in optimiser.param_groups:
            group["lr"] = PEAK * rate
        optimiser.zero_grad()
        loss = loss_of(model, batch)
        loss.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)))
        optimiser.step()
        losses.append(float(loss))
    assert losses[-1] < losses[0] - .3 and max(norms) > CLIP
    report.add(f"{kind}: {STEPS} steps of AdamW, warm-up, cosine, clipping, decay: losses", STEPS,
               max(abs(a - b) for a, b in zip(losses, said["losses"])), 1e-4)
    report.add(f"{kind}: gradient norms of those steps, relative", STEPS,
               max(abs(a - b) / b for a, b in zip(said["norms"], norms)), 1e-3)


def check(report, probe, folder):
    "One step's gradients, and the losses of many."
    for kind in models.KINDS:
        check_gradients(report, probe, folder, kind)
    for kind in ("GPT-2", "Llama", "Qwen2.5, tied"):
        check_steps(report, probe, folder, kind)
