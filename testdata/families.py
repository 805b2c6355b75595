#!/usr/bin/python3
"""Writes tiny BERTs and Llamas with random weights, and the logits that every implementation must give.

    python3 families.py [FOLDER]      (default: this script's folder)

Needs PyTorch and numpy only. The forward passes below are written from the papers and from Hugging Face's definition of each
configuration field, in float64, on whole padded batches; Llama's rotary positions are complex products, as its authors have
them. The seed is fixed. A model's golden has variants of its configuration ("changes") and, for each, sequences of several lengths.
"""
import json
import math
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

from goldens import read_safetensors, write_safetensors

SEED = 20260311
torch.set_default_dtype(torch.float64)

BERT = {"architectures": ["BertForPreTraining"], "model_type": "bert", "type_vocab_size": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12}
LLAMA = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "tie_word_embeddings": False}

MODELS = {
    # Odd head size 15, a tied decoder, both heads, the "bert." prefix and float32.
    "tiny-bert": {
        **BERT, "hidden_size": 30, "num_attention_heads": 2, "num_hidden_layers": 2, "intermediate_size": 40,
        "max_position_embeddings": 24, "vocab_size": 37,
    },
    # float16, three token types, a decoder of its own, norms named as in old files, another GELU and epsilon.
    "tiny-bert-f16": {
        **BERT, "hidden_size": 32, "num_attention_heads": 2, "num_hidden_layers": 3, "intermediate_size": 32,
        "max_position_embeddings": 20, "vocab_size": 19, "type_vocab_size": 3, "tie_word_embeddings": False,
        "hidden_act": "gelu_new", "layer_norm_eps": 1e-3,
    },
    # Grouped queries, heads wider than hidden_size over their number, an untied head, two shards and float32.
    "tiny-llama": {
        **LLAMA, "hidden_size": 28, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "num_hidden_layers": 2,
        "intermediate_size": 40, "max_position_embeddings": 24, "vocab_size": 37, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
    },
    # bfloat16, one key head, a tied head, every bias, positions interleaved and scaled as in Llama 3.1.
    "tiny-llama-bf16": {
        **LLAMA, "hidden_size": 32, "num_attention_heads": 2, "num_key_value_heads": 1, "num_hidden_layers": 3,
        "intermediate_size": 24, "max_position_embeddings": 40, "vocab_size": 19, "rms_norm_eps": 1e-3, "rope_theta": 500.0,
        "rope_interleaved": True, "tie_word_embeddings": True, "attention_bias": True, "mlp_bias": True,
        "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                         "original_max_position_embeddings": 32},
    },
}

# What else a model's weights are run with.
VARIANTS = {
    "tiny-bert": [{}, {"hidden_act": "gelu_pytorch_tanh"}],
    "tiny-bert-f16": [{}],
    "tiny-llama": [{}, {"rope_interleaved": True}, {"rope_scaling": {"type": "linear", "factor": 2.5}},
                   {"model_type": "mistral", "sliding_window": 5}],
    "tiny-llama-bf16": [{}, {"rope_scaling": None, "rope_theta": None}],
}


class Random:
    """Draws weights: a normal matrix [out, in] whose product keeps the size of its input, and vectors."""

    def __init__(self, rng):
        self.rng, self.t = rng, {}

    def linear(self, name, out, into, bias=True):
        self.t[name + ".weight"] = self.rng.normal(0, 1 / math.sqrt(into), (out, into))
        if bias:
            self.t[name + ".bias"] = self.rng.normal(0, 0.3, out)

    def embedding(self, name, rows, width):
        self.t[name + ".weight"] = self.rng.normal(0, 0.5, (rows, width))

    def norm(self, name, width, names=("weight", "bias")):
        for part, mean in zip(names, (1, 0)):
            self.t[f"{name}.{part}"] = self.rng.normal(mean, 0.3, width)


def random_bert(c, rng, old):
    w, d = Random(rng), c["hidden_size"]
    norms = ("gamma", "beta") if old else ("weight", "bias")
    w.embedding("bert.embeddings.word_embeddings", c["vocab_size"], d)
    w.embedding("bert.embeddings.position_embeddings", c["max_position_embeddings"], d)
    w.embedding("bert.embeddings.token_type_embeddings", c["type_vocab_size"], d)
    w.norm("bert.embeddings.LayerNorm", d, norms)
    for i in range(c["num_hidden_layers"]):
        at = f"bert.encoder.layer.{i}."
        for part in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            w.linear(at + part, d, d)
        w.linear(at + "intermediate.dense", c["intermediate_size"], d)
        w.linear(at + "output.dense", d, c["intermediate_size"])
        w.norm(at + "attention.output.LayerNorm", d, norms)
        w.norm(at + "output.LayerNorm", d, norms)
    w.linear("cls.predictions.transform.dense", d, d)
    w.norm("cls.predictions.transform.LayerNorm", d, norms)
    w.t["cls.predictions.bias"] = rng.normal(0, 0.3, c["vocab_size"])
    if old:
        w.embedding("cls.predictions.decoder", c["vocab_size"], d)
    else:
        w.linear("bert.pooler.dense", d, d)
        w.linear("cls.seq_relationship", 2, d)
        w.t["cls.predictions.decoder.bias"] = w.t["cls.predictions.bias"]
    return w.t


def random_llama(c, rng):
    w, d = Random(rng), c["hidden_size"]
    heads, kv = c["num_attention_heads"], c["num_key_value_heads"]
    dim = c.get("head_dim") or d // heads
    w.embedding("model.embed_tokens", c["vocab_size"], d)
    for i in range(c["num_hidden_layers"]):
        at = f"model.layers.{i}."
        for part, out, into in (("q", heads * dim, d), ("k", kv * dim, d), ("v", kv * dim, d), ("o", d, heads * dim)):
            w.linear(f"{at}self_attn.{part}_proj", out, into, c.get("attention_bias", False))
        for part, out, into in (("gate", c["intermediate_size"], d), ("up", c["intermediate_size"], d), ("down", d, c["intermediate_size"])):
            w.linear(f"{at}mlp.{part}_proj", out, into, c.get("mlp_bias", False))
        w.norm(at + "input_layernorm", d, ("weight",))
        w.norm(at + "post_attention_layernorm", d, ("weight",))
    w.norm("model.norm", d, ("weight",))
    if not c["tie_word_embeddings"]:
        w.embedding("lm_head", c["vocab_size"], d)
    return w.t


def attend(q, k, v, visible, scale):
    """q [b, h, n, d], k and v [b, g, n, d], visible [b, 1, n, n]."""
    k, v = (x.repeat_interleave(q.shape[1] // x.shape[1], 1) for x in (k, v))
    s = (q @ k.transpose(-1, -2)) * scale
    p = torch.softmax(s.masked_fill(~visible, -math.inf), -1)
    return p.nan_to_num(0) @ v  # a token of the padding may see nothing


def split(x, heads):
    return x.view(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)


def join(x):
    return x.transpose(1, 2).flatten(2)


def bert(c, t, ids, types, mask):
    """Returns logits [b, n, vocab], and the pooled and next-sentence vectors or None."""
    d, eps = c["hidden_size"], c["layer_norm_eps"]

    def gelu(x):
        return F.gelu(x) if c["hidden_act"] == "gelu" else 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))

    def linear(x, name):
        return F.linear(x, t[name + ".weight"], t[name + ".bias"])

    def norm(x, name):
        old = name + ".gamma" in t
        return F.layer_norm(x, (d,), t[name + (".gamma" if old else ".weight")], t[name + (".beta" if old else ".bias")], eps)

    e = "bert.embeddings."
    n = ids.shape[1]
    x = norm(F.embedding(ids, t[e + "word_embeddings.weight"]) + F.embedding(types, t[e + "token_type_embeddings.weight"])
             + t[e + "position_embeddings.weight"][:n], e + "LayerNorm")
    heads = c["num_attention_heads"]
    visible = mask.bool()[:, None, None, :].expand(-1, 1, n, -1)
    for i in range(c["num_hidden_layers"]):
        at = f"bert.encoder.layer.{i}."
        q, k, v = (split(linear(x, f"{at}attention.self.{p}"), heads) for p in ("query", "key", "value"))
        a = join(attend(q, k, v, visible, 1 / math.sqrt(d // heads)))
        x = norm(x + linear(a, at + "attention.output.dense"), at + "attention.output.LayerNorm")
        x = norm(x + linear(gelu(linear(x, at + "intermediate.dense")), at + "output.dense"), at + "output.LayerNorm")
    pooled = sentence = None
    if "bert.pooler.dense.weight" in t:
        pooled = torch.tanh(linear(x[:, 0], "bert.pooler.dense"))
        sentence = linear(pooled, "cls.seq_relationship")
    h = norm(gelu(linear(x, "cls.predictions.transform.dense")), "cls.predictions.transform.LayerNorm")
    decoder = t.get("cls.predictions.decoder.weight", t[e + "word_embeddings.weight"])
    return F.linear(h, decoder, t["cls.predictions.bias"]), pooled, sentence


def frequencies(c, dim):
    """Of each pair: the angle that a position turns it by."""
    f = 1 / (c.get("rope_theta") or 10000.0) ** (torch.arange(0, dim, 2) / dim)
    s = c.get("rope_scaling")
    if not s:
        return f
    if s.get("type") == "linear":
        return f / s["factor"]
    turns = s["original_max_position_embeddings"] * f / (2 * math.pi)  # within the original context
    smooth = ((turns - s["low_freq_factor"]) / (s["high_freq_factor"] - s["low_freq_factor"])).clamp(0, 1)
    return (1 - smooth) * f / s["factor"] + smooth * f


def rotate(x, c):
    """x [b, h, n, dim] turned by each position."""
    n, dim = x.shape[-2:]
    turn = torch.polar(torch.ones(n, dim // 2), torch.outer(torch.arange(n).double(), frequencies(c, dim)))
    if c.get("rope_interleaved"):
        return torch.view_as_real(torch.view_as_complex(x.reshape(*x.shape[:-1], -1, 2).contiguous()) * turn).flatten(-2)
    y = torch.complex(x[..., : dim // 2], x[..., dim // 2 :]) * turn
    return torch.cat((y.real, y.imag), -1)


def llama(c, t, ids, mask):
    """Returns logits [b, n, vocab]."""
    def linear(x, name):
        return F.linear(x, t[name + ".weight"], t.get(name + ".bias"))

    def norm(x, name):
        return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + c["rms_norm_eps"]) * t[name + ".weight"]

    heads, kv = c["num_attention_heads"], c["num_key_value_heads"]
    dim = c.get("head_dim") or c["hidden_size"] // heads
    n = ids.shape[1]
    i, j = torch.arange(n)[:, None], torch.arange(n)[None, :]
    visible = (j <= i) & (i - j < c.get("sliding_window", n)) & mask.bool()[:, None, None, :]
    x = F.embedding(ids, t["model.embed_tokens.weight"])
    for layer in range(c["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        y = norm(x, at + "input_layernorm")
        q, k, v = (split(linear(y, f"{at}self_attn.{p}_proj"), h) for p, h in (("q", heads), ("k", kv), ("v", kv)))
        x = x + linear(join(attend(rotate(q, c), rotate(k, c), v, visible, 1 / math.sqrt(dim))), at + "self_attn.o_proj")
        y = norm(x, at + "post_attention_layernorm")
        x = x + linear(F.silu(linear(y, at + "mlp.gate_proj")) * linear(y, at + "mlp.up_proj"), at + "mlp.down_proj")
    return F.linear(norm(x, "model.norm"), t.get("lm_head.weight", t["model.embed_tokens.weight"]))


def write_model(folder, name, rng):
    c, old = MODELS[name], name.endswith("f16") and "bert" in name
    dtype = {"f16": "F16", "bf16": "BF16"}.get(name.split("-")[-1], "F32")
    t = random_bert(c, rng, old) if "bert" in name else random_llama(c, rng)
    typed = {k: (dtype, v) for k, v in t.items()}
    os.makedirs(os.path.join(folder, name), exist_ok=True)
    if name == "tiny-bert":
        typed["bert.embeddings.position_ids"] = ("I64", np.arange(c["max_position_embeddings"])[None])
    if name == "tiny-llama":
        write_shards(os.path.join(folder, name), typed)
    else:
        write_safetensors(os.path.join(folder, name, "model.safetensors"), typed)
    with open(os.path.join(folder, name, "config.json"), "w") as f:
        json.dump(dict(sorted(c.items())), f, indent=2)
        f.write("\n")


def write_shards(folder, typed):
    names = sorted(typed)
    where = {}
    for i, part in enumerate((names[: len(names) // 2], names[len(names) // 2 :])):
        file = f"model-{i + 1:05d}-of-00002.safetensors"
        write_safetensors(os.path.join(folder, file), {k: typed[k] for k in part})
        where.update({k: file for k in part})
    size = sum(4 * v.size for _, v in typed.values())
    with open(os.path.join(folder, "model.safetensors.index.json"), "w") as f:
        json.dump({"metadata": {"total_size": size}, "weight_map": where}, f, indent=1)
        f.write("\n")


def read_model(folder):
    t = {}
    for file in sorted(os.listdir(folder)):
        if file.endswith(".safetensors"):
            t.update(read_safetensors(os.path.join(folder, file)))
    return t


def sequences(c, rng, masked):
    """Sequences of several lengths, padded to the longest: ids, types and mask [b, n], and the lengths."""
    longest = c["max_position_embeddings"]
    lengths = [longest, 1, 7, longest - 3] + ([longest] if masked else [])
    shape = (len(lengths), longest)
    ids = rng.integers(0, c["vocab_size"], shape)
    types = np.sort(rng.integers(0, c.get("type_vocab_size", 1), shape), 1)
    mask = (np.arange(longest)[None] < np.array(lengths)[:, None]).astype(int)
    if masked:  # padding between the tokens
        mask[-1] = rng.integers(0, 2, longest)
        mask[-1, 3] = 1
    return torch.from_numpy(ids), torch.from_numpy(types), torch.from_numpy(mask)


def rounded(x):
    return [float("%.7g" % v) for v in x.tolist()]


def golden(c, t, rng):
    kind = "bert" if c["model_type"] == "bert" else "llama"
    ids, types, mask = sequences(c, rng, kind == "bert")
    pooled = sentence = None
    if kind == "bert":
        logits, pooled, sentence = bert(c, t, ids, types, mask)
    else:
        logits = llama(c, t, ids, mask)
    cases = []
    for b in range(ids.shape[0]):
        n = int(mask[b].nonzero().max()) + 1
        at = sorted({0, n // 2, n - 1})
        case = {"ids": ids[b].tolist(), "mask": mask[b].tolist(), "positions": at, "logits": [rounded(logits[b, p]) for p in at]}
        if kind == "bert":
            case["types"] = types[b].tolist()
        if pooled is not None:
            case.update(pooled=rounded(pooled[b]), sentence=rounded(sentence[b]))
        cases.append(case)
    return cases


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    rng = np.random.default_rng(SEED)
    for name, config in MODELS.items():
        write_model(folder, name, rng)
        t = read_model(os.path.join(folder, name))
        variants = [{"changes": ch, "cases": golden({**config, **ch}, t, rng)} for ch in VARIANTS[name]]
        with open(os.path.join(folder, "goldens", name + ".json"), "w") as f:
            f.write("[\n" + ",\n".join(json.dumps(v) for v in variants) + "\n]\n")


if __name__ == "__main__":
    main()
