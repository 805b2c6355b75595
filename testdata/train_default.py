#!/usr/bin/python3
"""Trains attnbench's default model: a byte-level GPT-2 of 1.09 million parameters on Newton's Opticks.

    python3 train_default.py $(go env GOROOT)/src/testdata/Isaac.Newton-Opticks.txt opticks-1m

Needs PyTorch and numpy only (Debian 12's python3-torch 1.13.1 made the committed weights). The seed and the number of steps are fixed; README.md
beside this file has the losses of the committed run. Writes model.safetensors (float16, Hugging Face's GPT-2 names and
layout) and config.json into the folder given, then prints the losses of the rounded weights and a sample.

Most steps see short windows, because attention over 2048 bytes is what costs. A window sits at a random position offset, so that
every position is trained; how far the offsets reach grows over the first half. Without that, and with random initial
positions, the loss stayed at that of byte pairs (2.33) for more than 1000 steps: a head has to find the preceding byte at each
of 2048 places. Sinusoids make that one rotation, and the growth lets heads form near the beginning and follow.
"""
import json
import math
import os
import struct
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

SEED = 20260301
VOCAB, CONTEXT, WIDTH, LAYERS, HEADS = 256, 2048, 128, 4, 4
HELD_OUT = 32768  # bytes from the middle of the text that are never trained on
STEPS = 5500
BATCH, WINDOW = 8, 256
REACH_FROM, REACH_TO = 400, 2400  # the steps over which the window's offset grows from 0 to the whole context
FULL_EVERY, FULL_LAST = 40, 100  # then every 40th step sees a whole context, and so do the last 100
PEAK_LR, FINAL_LR, WARMUP = 2e-3, 1e-4, 100
POSITION_SCALE, POSITION_LR = 0.1, 0.1  # amplitude of the initial position embeddings; their share of the learning rate


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1 = torch.nn.LayerNorm(WIDTH)
        self.qkv = torch.nn.Linear(WIDTH, 3 * WIDTH)
        self.proj = torch.nn.Linear(WIDTH, WIDTH)
        self.ln_2 = torch.nn.LayerNorm(WIDTH)
        self.up = torch.nn.Linear(WIDTH, 4 * WIDTH)
        self.down = torch.nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x, mask):
        b, n, d = x.shape
        q, k, v = (t.view(b, n, HEADS, d // HEADS).transpose(1, 2) for t in self.qkv(self.ln_1(x)).split(d, dim=2))
        s = torch.matmul(q / math.sqrt(d // HEADS), k.transpose(-1, -2)) + mask
        x = x + self.proj(torch.matmul(torch.softmax(s, -1), v).transpose(1, 2).reshape(b, n, d))
        return x + self.down(F.gelu(self.up(self.ln_2(x)), approximate="tanh"))


def sinusoids():
    """The initial position embeddings [CONTEXT, WIDTH]."""
    angles = torch.arange(CONTEXT)[:, None] / CONTEXT ** (torch.arange(0, WIDTH, 2) / WIDTH)
    return POSITION_SCALE * torch.cat([angles.sin(), angles.cos()], 1)


class GPT2(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.wte = torch.nn.Embedding(VOCAB, WIDTH)
        self.wpe = torch.nn.Embedding(CONTEXT, WIDTH)
        self.blocks = torch.nn.ModuleList(Block() for _ in range(LAYERS))
        self.ln_f = torch.nn.LayerNorm(WIDTH)
        for name, p in self.named_parameters():
            if name.endswith("bias"):
                torch.nn.init.zeros_(p)
            elif p.dim() == 2:
                residual = name.endswith(("proj.weight", "down.weight"))
                torch.nn.init.normal_(p, 0, 0.02 / math.sqrt(2 * LAYERS) if residual else 0.02)
        self.wpe.weight.data = sinusoids()

    def forward(self, ids, offsets):
        n = ids.shape[1]
        mask = torch.full((n, n), float("-inf")).triu(1)
        x = self.wte(ids) + self.wpe(offsets[:, None] + torch.arange(n))
        for block in self.blocks:
            x = block(x, mask)
        return self.ln_f(x) @ self.wte.weight.T


def loss_of(model, windows, offsets):
    logits = model(windows[:, :-1], offsets)
    return F.cross_entropy(logits.reshape(-1, VOCAB), windows[:, 1:].reshape(-1))


def sample_windows(text, rng, step):
    batch, window = batch_shape(step)
    reach = int((CONTEXT - window) * min(1.0, max(0, step - REACH_FROM) / (REACH_TO - REACH_FROM)))
    starts = rng.integers(0, len(text) - window - 1, batch)
    # Offsets are drawn past both ends and clipped, so that the first and last positions come up as often as the others.
    offsets = rng.integers(-window // 4, reach + window // 4 + 1, batch).clip(0, reach)
    windows = np.stack([text[s : s + window + 1] for s in starts])
    return torch.from_numpy(windows), torch.from_numpy(offsets)


def batch_shape(step):
    full = step >= REACH_TO and step % FULL_EVERY == 0 or step >= STEPS - FULL_LAST
    return (1, CONTEXT) if full else (BATCH, WINDOW)


@torch.no_grad()
def mean_loss(model, text):
    """Mean loss in nats a byte over text, cut into whole contexts."""
    starts = range(0, len(text) - CONTEXT - 1, CONTEXT)
    zero = torch.zeros(1, dtype=torch.long)
    return float(np.mean([loss_of(model, torch.from_numpy(text[None, s : s + CONTEXT + 1]), zero) for s in starts]))


def learning_rate(step):
    warm = min(1.0, (step + 1) / WARMUP)
    return warm * (FINAL_LR + (PEAK_LR - FINAL_LR) * 0.5 * (1 + math.cos(math.pi * step / STEPS)))


def optimizer_of(model):
    decay = [p for name, p in model.named_parameters() if p.dim() == 2 and name != "wpe.weight"]
    plain = [p for p in model.parameters() if p.dim() != 2]
    groups = [
        {"params": decay, "weight_decay": 0.1, "share": 1.0},
        {"params": plain, "weight_decay": 0.0, "share": 1.0},
        {"params": [model.wpe.weight], "weight_decay": 0.0, "share": POSITION_LR},
    ]
    return torch.optim.AdamW(groups, lr=PEAK_LR, betas=(0.9, 0.99))


def train(model, train_text, held_out):
    rng, opt, began = np.random.default_rng(SEED), optimizer_of(model), time.time()
    for step in range(STEPS):
        for g in opt.param_groups:
            g["lr"] = g["share"] * learning_rate(step)
        loss = loss_of(model, *sample_windows(train_text, rng, step))
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        if (step + 1) % 250 == 0:
            held = f" held-out {mean_loss(model, held_out):.4f}" if (step + 1) % 1000 == 0 else ""
            print(f"step {step + 1}/{STEPS} loss {loss.item():.4f}{held} {time.time() - began:.0f} s", flush=True)


def round_weights(model):
    for p in model.parameters():
        p.data = p.data.half().float()


def hugging_face_tensors(model):
    """The weights under Hugging Face's GPT-2 names; its Conv1D stores [in, out], a Linear [out, in]."""
    out = {"wte.weight": model.wte.weight, "wpe.weight": model.wpe.weight}
    for i, b in enumerate(model.blocks):
        for name, m in [("ln_1", b.ln_1), ("ln_2", b.ln_2)]:
            out[f"h.{i}.{name}.weight"], out[f"h.{i}.{name}.bias"] = m.weight, m.bias
        for name, m in [("attn.c_attn", b.qkv), ("attn.c_proj", b.proj), ("mlp.c_fc", b.up), ("mlp.c_proj", b.down)]:
            out[f"h.{i}.{name}.weight"], out[f"h.{i}.{name}.bias"] = m.weight.T, m.bias
    out["ln_f.weight"], out["ln_f.bias"] = model.ln_f.weight, model.ln_f.bias
    return out


def write_safetensors(path, tensors):
    header, blobs, at = {"__metadata__": {"format": "pt"}}, [], 0
    for name, t in sorted(tensors.items()):
        blob = np.ascontiguousarray(t.detach().numpy().astype("<f2")).tobytes()
        header[name] = {"dtype": "F16", "shape": list(t.shape), "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def write_config(path):
    config = {
        "activation_function": "gelu_new", "architectures": ["GPT2LMHeadModel"], "attn_pdrop": 0.0, "embd_pdrop": 0.0,
        "initializer_range": 0.02, "layer_norm_epsilon": 1e-05, "model_type": "gpt2", "n_ctx": CONTEXT, "n_embd": WIDTH,
        "n_head": HEADS, "n_inner": None, "n_layer": LAYERS, "n_positions": CONTEXT, "reorder_and_upcast_attn": False,
        "resid_pdrop": 0.0, "scale_attn_by_inverse_layer_idx": False, "scale_attn_weights": True,
        "tie_word_embeddings": True, "torch_dtype": "float16", "use_cache": True, "vocab_size": VOCAB,
    }
    with open(path, "w") as f:
        json.dump(config, f, indent=2)
        f.write("\n")


@torch.no_grad()
def sample(model, prompt, count):
    gen = torch.Generator().manual_seed(SEED)
    ids, zero = torch.tensor([list(prompt)]), torch.zeros(1, dtype=torch.long)
    for _ in range(count):
        p = torch.softmax(model(ids, zero)[0, -1] / 0.8, -1)
        ids = torch.cat([ids, torch.multinomial(p, 1, generator=gen)[None]], 1)
    return bytes(ids[0].tolist()).decode("utf-8", "replace")


def main():
    source, folder = sys.argv[1], os.path.abspath(sys.argv[2])
    os.makedirs(folder, exist_ok=True)
    torch.manual_seed(SEED)
    torch.set_num_threads(int(os.environ.get("THREADS", "1")))
    text = np.frombuffer(open(source, "rb").read(), np.uint8).astype(np.int64)
    middle = len(text) // 2
    held_out = text[middle : middle + HELD_OUT + 1]
    train_text = np.concatenate([text[:middle], text[middle + HELD_OUT :]])

    model = GPT2()
    print(f"{sum(p.numel() for p in model.parameters())} parameters")
    train(model, train_text, held_out)
    round_weights(model)
    print(f"final: training loss {mean_loss(model, train_text[: 4 * HELD_OUT]):.4f}, held-out loss {mean_loss(model, held_out):.4f} nats a byte (float16 weights)")
    write_safetensors(os.path.join(folder, "model.safetensors"), hugging_face_tensors(model))
    write_config(os.path.join(folder, "config.json"))
    print(sample(model, b"The Light of the Sun being trajected through a Prism, ", 400))


if __name__ == "__main__":
    main()
