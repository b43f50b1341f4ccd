"""BERT and RoBERTa as classifiers and as sentence encoders against transformers."""
import torch
from safetensors.torch import load_file, save_file
from transformers import (BertConfig, BertForSequenceClassification, BertModel, RobertaConfig,
                          RobertaForSequenceClassification, RobertaModel)

import models

SIZES = dict(vocab_size=models.VOCABULARY, hidden_size=48, num_hidden_layers=3, num_attention_heads=4,
             intermediate_size=100)
KINDS = {
    "BERT": (BertForSequenceClassification, BertModel, "bert",
             BertConfig(**SIZES, max_position_embeddings=64, num_labels=3)),
    "BERT, relu": (BertForSequenceClassification, BertModel, "bert",
                   BertConfig(**SIZES, max_position_embeddings=64, num_labels=2, hidden_act="relu")),
    "RoBERTa, three classes": (RobertaForSequenceClassification, RobertaModel, "roberta",
                               RobertaConfig(**SIZES, max_position_embeddings=66, type_vocab_size=1, pad_token_id=1,
                                             layer_norm_eps=1e-5, num_labels=3)),
}


def made(kind, folder):
    classifier, _, _, config = KINDS[kind]
    torch.manual_seed(len(kind))
    model = classifier(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * (.2 if parameter.dim() == 1 else .1))
    model.save_pretrained(folder)
    return model


def largest(a, b):
    return float((a - b).abs().max())


def old_names(folder, other, prefix):
    """The same weights as old checkpoints have them: LayerNorm.gamma and .beta, no prefix."""
    other.mkdir()
    (other / "config.json").write_bytes((folder / "config.json").read_bytes())
    tensors = {}
    for name, tensor in load_file(folder / "model.safetensors").items():
        if "LayerNorm" in name:
            name = name.replace("weight", "gamma").replace("bias", "beta")
        tensors[name.removeprefix(prefix + ".")] = tensor
    save_file(tensors, other / "model.safetensors", metadata={"format": "pt"})


def check_kind(report, probe, folder, kind):
    model = made(kind, folder / "model")
    prefix = KINDS[kind][2]
    texts = [[5, *(2 + id % 300 for id in text), 6] for text in models.sequences(80, 60)]
    with torch.no_grad():
        logits = torch.cat([model(torch.tensor([text])).logits for text in texts])
        body = getattr(model, prefix)
        means = torch.stack([body(torch.tensor([text])).last_hidden_state[0].mean(0) for text in texts])
    out = folder / "out.safetensors"
    probe("model_probe", "classify", folder / "model", out, input=models.give(texts))
    report.add(f"{kind}: logits", len(texts), largest(load_file(out)["out"], logits), 1e-4)
    probe("model_probe", "embed", folder / "model", out, input=models.give(texts))
    report.add(f"{kind}: sentence embeddings", len(texts), largest(load_file(out)["out"], means), 1e-4)
    old_names(folder / "model", folder / "old", prefix)
    probe("model_probe", "embed", folder / "old", out, input=models.give(texts))
    report.add(f"{kind}: old names, sentence embeddings", len(texts), largest(load_file(out)["out"], means), 1e-4)


def check(report, probe, folder):
    "Logits of classifiers and mean-pooled embeddings."
    for number, kind in enumerate(KINDS):
        (folder / str(number)).mkdir()
        check_kind(report, probe, folder / str(number), kind)
