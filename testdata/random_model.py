#!/usr/bin/python3
"""Writes a GPT-2 of the size of "GPT-2 small" with random weights: 124,439,808 parameters, for measuring.

    python3 random_model.py FOLDER [F32|F16|BF16]      (default F32: 498 MB)

Needs numpy and PyTorch. The seed is fixed, and the weights have the spread that training begins with, so that nothing overflows.
"""
import json
import os
import sys

import numpy as np

from goldens import config, write_safetensors

SEED = 20260320
LAYERS, WIDTH, VOCAB, CONTEXT = 12, 768, 50257, 1024


def tensors(rng):
    def normal(*shape):
        return rng.standard_normal(shape, dtype=np.float32) * np.float32(0.02)

    t = {"wte.weight": normal(VOCAB, WIDTH), "wpe.weight": normal(CONTEXT, WIDTH)}
    for name in [f"h.{i}.ln_{j}" for i in range(LAYERS) for j in (1, 2)] + ["ln_f"]:
        t[name + ".weight"], t[name + ".bias"] = 1 + normal(WIDTH), normal(WIDTH)
    for i in range(LAYERS):
        for name, rows, cols in [("attn.c_attn", WIDTH, 3 * WIDTH), ("attn.c_proj", WIDTH, WIDTH), ("mlp.c_fc", WIDTH, 4 * WIDTH), ("mlp.c_proj", 4 * WIDTH, WIDTH)]:
            t[f"h.{i}.{name}.weight"], t[f"h.{i}.{name}.bias"] = normal(rows, cols), normal(cols)
    return t


def main():
    folder, dtype = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "F32"
    t = tensors(np.random.default_rng(SEED))
    assert sum(v.size for v in t.values()) == 124439808
    os.makedirs(folder, exist_ok=True)
    write_safetensors(os.path.join(folder, "model.safetensors"), {name: (dtype, v) for name, v in t.items()})
    with open(os.path.join(folder, "config.json"), "w") as f:
        json.dump(config({"n_embd": WIDTH, "n_head": 12, "n_layer": LAYERS, "n_positions": CONTEXT, "n_inner": None, "vocab_size": VOCAB}), f, indent=2)
        f.write("\n")


if __name__ == "__main__":
    main()
