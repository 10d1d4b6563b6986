"""The dual-AR language model by its shapes: a slow transformer over columns, a fast one over the codes of a frame.

B batch, T columns, C codebooks, D width. Weights are random and as `precision` says; biases there are none.
"""

import time

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint


class Adapted(nn.Module):
    """A frozen weight [out, in] with an adapter of low rank beside it; without a rank the weight alone."""

    def __init__(self, inputs, outputs, rank=0, scale=1.0, dropout=0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs).normal_(0, 0.02), requires_grad=False)
        self.scale, self.dropout, self.rank = scale, dropout, rank
        if rank:
            self.down = nn.Parameter(torch.empty(rank, inputs).uniform_(-0.02, 0.02))
            self.up = nn.Parameter(torch.zeros(outputs, rank))

    def forward(self, x):
        y = F.linear(x, self.weight)
        if not self.rank:
            return y
        return y + F.linear(F.linear(F.dropout(x, self.dropout, self.training), self.down), self.up) * self.scale


class AdaptedEmbedding(nn.Module):
    """A frozen table [count, D] with an adapter of low rank beside it."""

    def __init__(self, count, width, rank=0, scale=1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(count, width).normal_(0, 0.02), requires_grad=False)
        self.scale, self.rank = scale, rank
        if rank:
            self.down = nn.Parameter(torch.zeros(count, rank))
            self.up = nn.Parameter(torch.empty(width, rank).normal_())

    def forward(self, ids):
        y = F.embedding(ids, self.weight)
        return y + F.linear(F.embedding(ids, self.down), self.up) * self.scale if self.rank else y


class Norm(nn.Module):
    """Root mean square normalisation, computed in float32."""

    def __init__(self, width, epsilon):
        super().__init__()
        self.weight, self.epsilon = nn.Parameter(torch.ones(width), requires_grad=False), epsilon

    def forward(self, x):
        wide = x.float()
        return (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.epsilon)).type_as(x) * self.weight


def rotations(positions, width, base):
    """Cosines and sines [positions, width / 2] of rotary positions."""
    rates = base ** (-torch.arange(0, width, 2).float() / width)
    angles = torch.outer(torch.arange(positions).float(), rates)
    return angles.cos(), angles.sin()


def rotate(x, cosines, sines):
    """Neighbouring pairs of the last dimension of x [B, T, heads, width], turned."""
    pairs = x.float().unflatten(-1, (-1, 2))
    a, b, cosines, sines = pairs[..., 0], pairs[..., 1], cosines[:, None], sines[:, None]
    return torch.stack((a * cosines - b * sines, b * cosines + a * sines), -1).flatten(-2).type_as(x)


class Layer(nn.Module):
    """Attention with fewer heads of keys and values than of queries, and a gated feed-forward."""

    def __init__(self, c, adapter):
        super().__init__()
        width, self.heads, self.kv = c["dim"], c["n_head"], c["n_local_heads"]
        self.size = width // self.heads
        self.attention_norm, self.feed_norm = Norm(width, c["norm_eps"]), Norm(width, c["norm_eps"])
        self.qkv = Adapted(width, (self.heads + 2 * self.kv) * self.size, **adapter)
        self.out = Adapted(self.heads * self.size, width, **adapter)
        self.gate = Adapted(width, c["intermediate_size"], **adapter)
        self.value = Adapted(width, c["intermediate_size"], **adapter)
        self.down = Adapted(c["intermediate_size"], width, **adapter)

    def forward(self, x, turn, cache=None, at=0):
        """x [B, T, D] from position `at` on; `cache` keeps keys and values [B, heads, positions, width]."""
        batch, length = x.shape[:2]
        heads = self.qkv(self.attention_norm(x)).unflatten(-1, (-1, self.size))
        q, k, v = heads.split((self.heads, self.kv, self.kv), 2)
        q, k, v = rotate(q, *turn).transpose(1, 2), rotate(k, *turn).transpose(1, 2), v.transpose(1, 2)
        if cache is not None:
            keys, values = cache
            keys[:, :, at : at + length], values[:, :, at : at + length] = k, v
            k, v = keys[:, :, : at + length], values[:, :, : at + length]
        k, v = (t.repeat_interleave(self.heads // self.kv, 1) for t in (k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=length > 1)
        x = x + self.out(y.transpose(1, 2).reshape(batch, length, -1))
        h = self.feed_norm(x)
        return x + self.down(F.silu(self.gate(h)) * self.value(h))

    def cache(self, positions, dtype):
        return tuple(torch.zeros(1, self.kv, positions, self.size, dtype=dtype) for _ in range(2))


class Model(nn.Module):
    def __init__(self, c, adapter):
        super().__init__()
        rank, scale = adapter.get("rank", 0), adapter.get("scale", 1.0)
        width, books = c["dim"], c["num_codebooks"]
        self.books, self.size = books, c["codebook_size"]
        self.words = AdaptedEmbedding(c["vocab_size"], width, rank, scale)
        self.codes = AdaptedEmbedding(books * self.size, width, rank, scale)
        self.slow = nn.ModuleList(Layer(c, adapter) for _ in range(c["n_layer"]))
        self.norm, self.output = Norm(width, c["norm_eps"]), Adapted(width, c["vocab_size"], **adapter)
        self.fast_codes = AdaptedEmbedding(self.size, width, rank, scale)
        self.fast = nn.ModuleList(Layer(c, adapter) for _ in range(c["n_fast_layer"]))
        self.fast_norm, self.fast_output = Norm(width, c["norm_eps"]), Adapted(width, self.size, **adapter)
        self.turn = rotations(c["max_seq_len"], width // c["n_head"], c["rope_base"])

    def turns(self, first, count):
        return tuple(t[first : first + count] for t in self.turn)

    def embed(self, columns, spoken):
        """Columns [B, 1 + C, T]; codes count where `spoken` [B, T] says so."""
        offsets = torch.arange(self.books)[:, None] * self.size
        codes = self.codes(columns[:, 1:] + offsets).sum(1)
        return self.words(columns[:, 0]) + codes * spoken[..., None]


def build(request, adapter):
    """The model in the request's precision, made in it: it is never in memory twice."""
    dtype = getattr(torch, request["precision"])
    torch.set_default_dtype(dtype)
    try:
        model = Model(request["model"], adapter)
    finally:
        torch.set_default_dtype(torch.float32)
    model.turn = tuple(t.float() for t in model.turn)
    return model, dtype


def layers(modules, x, turn, recomputed):
    for layer in modules:
        x = checkpoint(layer, x, turn, use_reentrant=False) if recomputed else layer(x, turn)
    return x


def lora(request):
    """A step of training on one row: an eighth of it text, the rest speech."""
    a = request["adapter"]
    model, _ = build(request, {"rank": a["rank"], "scale": a["alpha"] / a["rank"], "dropout": a["dropout"]})
    model.train()
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1e-4, betas=(0.9, 0.95), eps=1e-5)
    length, books, recomputed = request["tokens"], model.books, request["recomputed"]
    text = length // 8
    columns = torch.randint(1, min(250, model.size), (1, 1 + books, length + 1))
    columns[:, 1:, :text] = 0
    spoken = torch.arange(length)[None] >= text
    inputs, labels = columns[:, :, :-1], columns[:, :, 1:]

    def step():
        x = layers(model.slow, model.embed(inputs, spoken), model.turns(0, length), recomputed)
        loss = F.cross_entropy(model.output(model.norm(x))[0].float(), labels[0, 0])
        # The fast model, at the columns that are spoken: what the slow one says, then all codes but the last.
        codes = labels[0, 1:, text - 1 :].T
        y = torch.cat((x[0, text - 1 :, None], model.fast_codes(codes[:, :-1])), 1)
        y = layers(model.fast, y, model.turns(0, books), recomputed)
        loss = loss + F.cross_entropy(model.fast_output(model.fast_norm(y)).flatten(0, 1).float(), codes.flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return step


def draw(logits, top_p=0.7, temperature=0.7):
    """One of the likeliest ids of logits [V] that have `top_p` of the probability together."""
    ordered, ids = logits.float().sort(descending=True)
    before = F.softmax(ordered, -1).cumsum(-1).roll(1)
    before[0] = 0
    return ids[torch.multinomial(F.softmax(ordered.masked_fill(before > top_p, -torch.inf) / temperature, -1), 1)]


def generate(request):
    """Frames per second of one stream, keys and values kept; the prompt is not counted."""
    model, dtype = build(request, {})
    model.eval()
    frames, prompt, books = request["frames"], request["prompt"], model.books

    @torch.inference_mode()
    def speak():
        slow = [layer.cache(prompt + frames + 1, dtype) for layer in model.slow]
        column, at = torch.randint(1, min(250, model.size), (1, 1 + books, prompt)), 0
        began = None
        for frame in range(frames + 1):
            length = column.shape[2]
            x, turn = model.embed(column, torch.ones(1, length)).to(dtype), model.turns(at, length)
            for layer, cache in zip(model.slow, slow):
                x = layer(x, turn, cache, at)
            x, at = x[:, -1:], at + length
            drawn = [draw(model.output(model.norm(x))[0, 0])]
            fast = [layer.cache(books, dtype) for layer in model.fast]
            for book in range(books):
                for layer, cache in zip(model.fast, fast):
                    x = layer(x, model.turns(book, 1), cache, book)
                drawn.append(draw(model.fast_output(model.fast_norm(x))[0, 0]))
                x = model.fast_codes(drawn[-1])[None]
            column = torch.stack(drawn)[None]
            if frame == 0:
                began = time.perf_counter()
        return frames / (time.perf_counter() - began)

    return speak


def prompt(request):
    """A text's positions through the slow transformer, keys and values kept, and the first token after them."""
    model, dtype = build(request, {})
    model.eval()
    length = request["prompt"]

    @torch.inference_mode()
    def read():
        caches = [layer.cache(length + 1, dtype) for layer in model.slow]
        column = torch.randint(1, min(250, model.size), (1, 1 + model.books, length))
        x, turn = model.embed(column, torch.ones(1, length)).to(dtype), model.turns(0, length)
        for layer, cache in zip(model.slow, caches):
            x = layer(x, turn, cache, 0)
        draw(model.output(model.norm(x[:, -1:]))[0, 0])

    return read
