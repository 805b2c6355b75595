#!/usr/bin/python3
"""Writes the model tests' tiny GPT-2s and the logits that every model here must give.

    python3 goldens.py [FOLDER]      (default: this script's folder)

Needs PyTorch and numpy only. The forward pass below is written from the paper and Hugging Face's definition of each configuration
field, in float64 and on its own: it shares no code with train_default.py. The tiny models have random weights from a fixed
seed, wide enough that a wrong GELU, a transposed weight or a wrong head size moves the logits well beyond the tolerance.
"""
import json
import math
import os
import struct
import sys

import numpy as np
import torch

SEED = 20260302
DTYPES = {"F16": np.float16, "F32": np.float32, "BF16": np.uint16}  # of weights

# What the models have in common is left out; config() adds it.
TINY = {
    # Odd head size 15, an untied head, a narrow MLP, the "transformer." prefix and float32.
    "tiny-untied": {
        "n_embd": 30, "n_head": 2, "n_layer": 2, "n_positions": 24, "n_inner": 40, "vocab_size": 37,
        "tie_word_embeddings": False,
    },
    # bfloat16, no prefix, every scale at its unusual setting, another epsilon, and the mask buffers of old checkpoints.
    "tiny-bf16": {
        "n_embd": 32, "n_head": 2, "n_layer": 3, "n_positions": 20, "n_inner": None, "vocab_size": 19,
        "scale_attn_by_inverse_layer_idx": True, "scale_attn_weights": False, "layer_norm_epsilon": 1e-3,
        "activation_function": "gelu_pytorch_tanh",
    },
}


def config(changes):
    c = {
        "activation_function": "gelu_new", "architectures": ["GPT2LMHeadModel"], "initializer_range": 0.02,
        "layer_norm_epsilon": 1e-05, "model_type": "gpt2", "scale_attn_by_inverse_layer_idx": False,
        "scale_attn_weights": True, "tie_word_embeddings": True,
    }
    return dict(sorted({**c, **changes}.items()))


def random_tensors(c, rng):
    """Random weights under Hugging Face's names; matrices are [in, out], as its Conv1D has them."""
    d, inner = c["n_embd"], c["n_inner"] or 4 * c["n_embd"]

    def matrix(rows, cols):
        return rng.normal(0, 1 / math.sqrt(rows), (rows, cols))

    def norm(name):
        return {f"{name}.weight": rng.normal(1, 0.3, d), f"{name}.bias": rng.normal(0, 0.3, d)}

    t = {"wte.weight": rng.normal(0, 0.5, (c["vocab_size"], d)), "wpe.weight": rng.normal(0, 0.5, (c["n_positions"], d))}
    for i in range(c["n_layer"]):
        t.update(norm(f"h.{i}.ln_1"))
        t.update(norm(f"h.{i}.ln_2"))
        for name, rows, cols in [("attn.c_attn", d, 3 * d), ("attn.c_proj", d, d), ("mlp.c_fc", d, inner), ("mlp.c_proj", inner, d)]:
            t[f"h.{i}.{name}.weight"] = matrix(rows, cols)
            t[f"h.{i}.{name}.bias"] = rng.normal(0, 0.3, cols)
    t.update(norm("ln_f"))
    return t


def encode(array, dtype):
    if dtype == "BF16":  # round to nearest even on the upper half of a float32; the inputs are finite
        bits = array.astype(np.float32).view(np.uint32)
        return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
    return array.astype(DTYPES.get(dtype) or {"BOOL": np.bool_, "I64": np.int64}[dtype])


def write_safetensors(path, tensors):
    """tensors: name -> (dtype, array)."""
    header, blobs, at = {}, [], 0
    for name, (dtype, array) in sorted(tensors.items()):
        blob = np.ascontiguousarray(encode(array, dtype)).tobytes()
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def read_safetensors(path):
    """Returns name -> float64 tensor, without the "transformer." prefix and the mask buffers."""
    data = open(path, "rb").read()
    (size,) = struct.unpack("<Q", data[:8])
    body, out = data[8 + size :], {}
    for name, info in json.loads(data[8 : 8 + size]).items():
        if name == "__metadata__" or info["dtype"] not in DTYPES:
            continue
        array = np.frombuffer(body[slice(*info["data_offsets"])], DTYPES[info["dtype"]])
        if info["dtype"] == "BF16":
            array = (array.astype(np.uint32) << 16).view(np.float32)
        array = array.astype(np.float64).reshape(info["shape"])
        out[name[len("transformer.") :] if name.startswith("transformer.") else name] = torch.from_numpy(array)
    return out


def layer_norm(x, weight, bias, eps):
    centred = x - x.mean(-1, keepdim=True)
    return centred / torch.sqrt((centred ** 2).mean(-1, keepdim=True) + eps) * weight + bias


def gelu_tanh(x):
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))


def attention(q, k, v, scale):
    """One head: q, k, v [n, dim]."""
    s = (q @ k.T) * scale
    n = s.shape[0]
    s[torch.arange(n)[None, :] > torch.arange(n)[:, None]] = -math.inf
    return torch.softmax(s, -1) @ v


def forward(c, t, ids):
    """Logits [n, vocab] of GPT-2 in float64."""
    d, heads, eps = c["n_embd"], c["n_head"], c["layer_norm_epsilon"]
    dim = d // heads
    x = t["wte.weight"][ids] + t["wpe.weight"][: len(ids)]
    for i in range(c["n_layer"]):
        def w(name):
            return t[f"h.{i}.{name}.weight"], t[f"h.{i}.{name}.bias"]

        def linear(x, name):
            weight, bias = w(name)
            return x @ weight + bias

        scale = 1 / math.sqrt(dim) if c["scale_attn_weights"] else 1.0
        if c["scale_attn_by_inverse_layer_idx"]:
            scale /= i + 1
        qkv = linear(layer_norm(x, *w("ln_1"), eps), "attn.c_attn")
        parts = []
        for h in range(heads):
            q, k, v = (qkv[:, j * d + h * dim : j * d + (h + 1) * dim] for j in range(3))
            parts.append(attention(q, k, v, scale))
        x = x + linear(torch.cat(parts, 1), "attn.c_proj")
        x = x + linear(gelu_tanh(linear(layer_norm(x, *w("ln_2"), eps), "mlp.c_fc")), "mlp.c_proj")
    x = layer_norm(x, t["ln_f.weight"], t["ln_f.bias"], eps)
    return x @ t.get("lm_head.weight", t["wte.weight"]).T


def write_tiny(folder, name, rng):
    c = config(TINY[name])
    t = random_tensors(c, rng)
    if name == "tiny-untied":
        t = {"transformer." + k: v for k, v in t.items()}
        t["lm_head.weight"] = rng.normal(0, 0.5, (c["vocab_size"], c["n_embd"]))
    typed = {k: ("F32" if name == "tiny-untied" else "BF16", v) for k, v in t.items()}
    if name == "tiny-bf16":
        n = c["n_positions"]
        for i in range(c["n_layer"]):
            typed[f"h.{i}.attn.bias"] = ("BOOL", np.tril(np.ones((1, 1, n, n))))
            typed[f"h.{i}.attn.masked_bias"] = ("F32", np.array(-1e4))
    os.makedirs(os.path.join(folder, name), exist_ok=True)
    write_safetensors(os.path.join(folder, name, "model.safetensors"), typed)
    with open(os.path.join(folder, name, "config.json"), "w") as f:
        json.dump(c, f, indent=2)
        f.write("\n")


def write_golden(folder, name, ids, positions):
    c = json.load(open(os.path.join(folder, name, "config.json")))
    logits = forward(c, read_safetensors(os.path.join(folder, name, "model.safetensors")), ids)
    os.makedirs(os.path.join(folder, "goldens"), exist_ok=True)
    with open(os.path.join(folder, "goldens", name + ".json"), "w") as f:
        f.write('{\n"ids": %s,\n"positions": %s,\n"logits": [\n' % (json.dumps(ids), json.dumps(positions)))
        f.write(",\n".join("[" + ", ".join("%.8g" % v for v in logits[p].tolist()) + "]" for p in positions))
        f.write("\n]\n}\n")


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    rng = np.random.default_rng(SEED)
    for name in TINY:
        write_tiny(folder, name, rng)
        c = config(TINY[name])
        ids = rng.integers(0, c["vocab_size"], c["n_positions"]).tolist()
        write_golden(folder, name, ids, list(range(len(ids))))
    if os.path.exists(os.path.join(folder, "opticks-1m")):
        prompt = list(open(os.path.join(folder, "prompt.txt"), "rb").read())
        write_golden(folder, "opticks-1m", prompt, [0, 1, 299, 1000, len(prompt) - 1])


if __name__ == "__main__":
    main()
