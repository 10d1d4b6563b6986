"""The firefly codec by its shapes: sound to codes, and codes to sound; weights are random.

B batch, C channels, T frames. In bfloat16 it runs under autocast, as whoever has its float32 weights would.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn


class Causal(nn.Conv1d):
    """A convolution that sees nothing later than the frame it makes."""

    def forward(self, x):
        return super().forward(F.pad(x, ((self.kernel_size[0] - 1) * self.dilation[0], 0)))


class CausalUp(nn.ConvTranspose1d):
    """`stride` frames for each; what reaches beyond them is cut off."""

    def forward(self, x):
        return super().forward(x)[..., : x.shape[-1] * self.stride[0]]


class ChannelNorm(nn.LayerNorm):
    """Over the channels of [B, C, T]."""

    def __init__(self, channels):
        super().__init__(channels, eps=1e-6)

    def forward(self, x):
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class Block(nn.Module):
    """ConvNeXt: a filter for each channel, then a wider middle, frame by frame."""

    def __init__(self, channels, kernel=7):
        super().__init__()
        self.filter = Causal(channels, channels, kernel, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.wide, self.narrow = nn.Linear(channels, 4 * channels), nn.Linear(4 * channels, channels)
        self.gain = nn.Parameter(torch.full((channels,), 0.1))

    def forward(self, x):
        y = self.norm(self.filter(x).transpose(1, 2))
        return x + (self.gain * self.narrow(F.gelu(self.wide(y)))).transpose(1, 2)


class Quantizer(nn.Module):
    """Groups of channels, each to a few values of a few levels: one code a group."""

    def __init__(self, c):
        super().__init__()
        width, self.groups, levels = c["input_dim"], c["n_groups"], c["levels"]
        self.part = width // self.groups
        self.levels = torch.tensor(levels)
        self.basis = torch.tensor([1, *torch.tensor(levels).cumprod(0)[:-1].tolist()])
        self.down = nn.ModuleList(
            nn.Sequential(nn.Conv1d(width, width, f, f), Block(width)) for f in c["downsample_factor"])
        self.up = nn.ModuleList(
            nn.Sequential(CausalUp(width, width, f, f), Block(width)) for f in reversed(c["downsample_factor"]))
        self.project_in = nn.ModuleList(nn.Linear(self.part, len(levels)) for _ in range(self.groups))
        self.project_out = nn.ModuleList(nn.Linear(len(levels), self.part) for _ in range(self.groups))

    def bound(self, z):
        half = (self.levels - 1) * (1 + 1e-3) / 2
        offset = (self.levels % 2 == 0) * 0.5
        return torch.tanh(z + torch.atanh(offset / half)) * half - offset

    def encode(self, x):
        """[B, C, T] to codes [B, groups, T / factor]."""
        for layer in self.down:
            x = layer(x)
        codes = []
        for z, project in zip(x.transpose(1, 2).split(self.part, -1), self.project_in):
            rounded = self.bound(self.bound(project(z).float())).round()
            codes.append(((rounded + self.levels // 2).long() * self.basis).sum(-1))
        return torch.stack(codes, 1)

    def decode(self, codes):
        parts, half = [], self.levels // 2
        for code, project in zip(codes.unbind(1), self.project_out):
            parts.append(project(((code[..., None] // self.basis) % self.levels - half) / half))
        x = torch.cat(parts, -1).transpose(1, 2)
        for layer in self.up:
            x = layer(x)
        return x


class Encoder(nn.Module):
    """Samples [B, samples] to features [B, C, T], by a mel spectrogram and ConvNeXt stages."""

    def __init__(self, spectrum, backbone):
        super().__init__()
        self.size, self.hop = spectrum["n_fft"], spectrum["hop_length"]
        self.window = torch.hann_window(spectrum["win_length"])
        # The bank's numbers do not matter here, only its shape.
        self.mel = torch.rand(spectrum["n_mels"], self.size // 2 + 1) / self.size
        dims, kernel = backbone["dims"], backbone["kernel_size"]
        stages = [nn.Sequential(Causal(backbone["input_channels"], dims[0], 7), ChannelNorm(dims[0]))]
        stages += [nn.Sequential(ChannelNorm(a), nn.Conv1d(a, b, 1)) for a, b in zip(dims, dims[1:])]
        for stage, depth, width in zip(stages, backbone["depths"], dims):
            stage.extend(Block(width, kernel) for _ in range(depth))
        self.stages, self.norm = nn.Sequential(*stages), ChannelNorm(dims[-1])

    def forward(self, samples):
        length = self.window.numel()
        edge = length - self.hop
        padded = F.pad(samples[:, None], (edge // 2, edge - edge // 2), mode="reflect")[:, 0]
        spectrum = torch.stft(padded, self.size, self.hop, length, self.window, center=False, return_complex=True)
        magnitude = (spectrum.real.square() + spectrum.imag.square() + 1e-6).sqrt()
        return self.norm(self.stages((self.mel @ magnitude).clamp(min=1e-5).log()))


class Residual(nn.Module):
    """Pairs of convolutions, each added to what went in."""

    def __init__(self, channels, kernel, dilations):
        super().__init__()
        self.first, self.second = (
            nn.ModuleList(Causal(channels, channels, kernel, dilation=d) for d in dilations) for _ in range(2))

    def forward(self, x):
        for first, second in zip(self.first, self.second):
            x = x + second(F.silu(first(F.silu(x))))
        return x


class Vocoder(nn.Module):
    """Features [B, C, T] to samples [B, 1, T * hop]: each stage upsamples, and takes the mean of residual blocks."""

    def __init__(self, c):
        super().__init__()
        width = c["upsample_initial_channel"]
        self.pre = Causal(c["num_mels"], width, c["pre_conv_kernel_size"])
        self.ups, self.blocks = nn.ModuleList(), nn.ModuleList()
        for rate, kernel in zip(c["upsample_rates"], c["upsample_kernel_sizes"]):
            self.ups.append(CausalUp(width, width // 2, kernel, rate))
            width //= 2
            self.blocks.append(nn.ModuleList(
                Residual(width, k, d) for k, d in zip(c["resblock_kernel_sizes"], c["resblock_dilation_sizes"])))
        self.post = Causal(width, 1, c["post_conv_kernel_size"])

    def forward(self, x):
        x = self.pre(x)
        for up, blocks in zip(self.ups, self.blocks):
            x = up(F.silu(x))
            x = sum(block(x) for block in blocks) / len(blocks)
        return torch.tanh(self.post(F.silu(x)))


def runner(request, work):
    def once():
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=request["precision"] == "bfloat16"):
            work()

    return once


def encode(request):
    c = request["codec"]
    encoder, quantizer = Encoder(c["spec_transform"], c["backbone"]), Quantizer(c["quantizer"])
    samples = torch.randn(1, int(request["seconds"] * c["spec_transform"]["sample_rate"])) * 0.1
    return runner(request, lambda: quantizer.encode(encoder(samples)))


def decode(request):
    c = request["codec"]
    quantizer, vocoder = Quantizer(c["quantizer"]), Vocoder(c["head"])
    spectrum, factors = c["spec_transform"], c["quantizer"]["downsample_factor"]
    rate = spectrum["sample_rate"] / spectrum["hop_length"] / math.prod(factors)
    frames, count = int(request["seconds"] * rate), int(quantizer.levels.prod())
    codes = torch.randint(0, count, (1, quantizer.groups, frames))
    return runner(request, lambda: vocoder(quantizer.decode(codes)))
