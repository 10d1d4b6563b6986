"""Resemblyzer's speaker encoder in NumPy, for scripts/listen: the package's own weights, without PyTorch and librosa.

A mel spectrogram [T, 40] of power in 25 ms windows every 10 ms; parts of 160 frames go through three LSTM layers of
256, a linear layer and a ReLU; the voice is the mean of the parts' unit vectors, as a unit vector [256]. The package
removes pauses before that, by a voice activity detector; here both ends are cut: a synthesiser pauses nowhere else."""
import importlib.util, json, os, struct, subprocess
import numpy as np


def weights(program, folder):
    """The package's weights by name. Opah reads the .pt file, running no code of it, and writes it as safetensors."""
    path = os.path.join(folder, "resemblyzer.safetensors")
    if not os.path.exists(path):
        package = os.path.dirname(importlib.util.find_spec("resemblyzer").origin)
        source = os.path.join(package, "pretrained.pt")
        code = ("local c = require 'opah.checkpoint' "
                "c.save(os.getenv 'WEIGHTS_TO', c.load(os.getenv 'WEIGHTS_FROM').model_state)")
        subprocess.run([program, "-e", code], env={**os.environ, "WEIGHTS_FROM": source, "WEIGHTS_TO": path}, check=True)
    data = open(path, "rb").read()
    begin = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:begin])
    found = {}
    for name, told in header.items():
        if name == "__metadata__": continue
        first, last = told["data_offsets"]
        found[name] = np.frombuffer(data[begin + first:begin + last], "<f4").reshape(told["shape"])
    return found


def mel_bank(bands=40, size=400, rate=16000):
    """Triangles of equal area on Slaney's scale, [bands, size / 2 + 1]: 15 mels up to 1000 Hz, then 27 for a factor of 6.4."""
    step = np.log(6.4) / 27
    top = 15 + np.log(rate / 2 / 1000) / step
    mels = np.linspace(0, top, bands + 2)
    edges = np.where(mels < 15, mels * 200 / 3, 1000 * np.exp(step * (mels - 15)))
    bins = np.arange(size // 2 + 1) * rate / size
    return np.stack([np.clip(np.minimum((bins - a) / (b - a), (c - bins) / (c - b)), 0, None) * 2 / (c - a)
                     for a, b, c in zip(edges, edges[1:], edges[2:])])


def spectrogram(samples, bank):
    """Mel power [1 + samples / 160, 40], of windows that are centred on every 160th sample."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(samples, 200), 400)[::160]
    return (np.abs(np.fft.rfft(frames * window)) ** 2 @ bank.T).astype(np.float32)


def parts_of(samples, bank):
    """Pieces of 160 frames, 77 apart, of a clip at least -30 dB loud: [parts, 160, 40]. The last is at least 3/4 full."""
    loud = np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max())
    samples = samples[loud[0]:loud[-1] + 1]
    samples = samples * max(1, 10 ** (-30 / 20) / np.sqrt((samples ** 2).mean()))
    frames = int(np.ceil((len(samples) + 1) / 160))
    starts = list(range(0, max(1, frames - 160 + 77 + 1), 77))
    if len(starts) > 1 and (len(samples) - starts[-1] * 160) / 25600 < 0.75: starts.pop()
    mel = spectrogram(np.pad(samples, (0, max(0, (starts[-1] + 160) * 160 - len(samples)))), bank)
    return np.stack([mel[s:s + 160] for s in starts])


def sigmoid(x): return 0.5 + 0.5 * np.tanh(x / 2)


def encode(w, x):
    """Unit vectors [n, 256] of parts [n, 160, 40]. The gates' order in PyTorch's LSTM weights: input, forget, cell, output."""
    for layer in range(3):
        hidden = cell = np.zeros((len(x), 256), np.float32)
        inputs = x @ w[f"lstm.weight_ih_l{layer}"].T + w[f"lstm.bias_ih_l{layer}"] + w[f"lstm.bias_hh_l{layer}"]
        recurrent, told = w[f"lstm.weight_hh_l{layer}"].T, []
        for t in range(x.shape[1]):
            i, f, g, o = np.split(inputs[:, t] + hidden @ recurrent, 4, axis=1)
            cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
            hidden = sigmoid(o) * np.tanh(cell)
            told.append(hidden)
        x = np.stack(told, 1)
    raw = np.maximum(x[:, -1] @ w["linear.weight"].T + w["linear.bias"], 0)
    return raw / np.linalg.norm(raw, axis=1, keepdims=True)


def voice_of(w, clips):
    """The unit vector [256] of a speaker: the mean of each clip's unit vector; samples at 16 kHz, within -1 and 1."""
    bank = mel_bank()
    parts = [parts_of(x, bank) for x in clips]
    vectors, at, each = encode(w, np.concatenate(parts)), 0, []
    for p in parts:
        mean = vectors[at:at + len(p)].mean(0)
        each.append(mean / np.linalg.norm(mean))
        at += len(p)
    mean = np.mean(each, axis=0)
    return mean / np.linalg.norm(mean)
