"""A small Whisper in plain torch, with the parameter names of `transformers`, so that export is a plain copy.

It differs from `transformers` in two ways: the encoder takes any even number of frames up to 3000, and has two extra
heads (phonemes and words, by frame) that teach it to listen before the decoder can; export drops them.
"""

# mypy: disallow-subclassing-any=false, disallow-untyped-decorators=false
# torch is not installed where this is type-checked

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

MEL_BINS = 80
AUDIO_POSITIONS = 1500
TEXT_POSITIONS = 448


@dataclass(frozen=True, slots=True)
class Shape:
    """Size of the network."""

    width: int
    heads: int
    encoder_layers: int
    decoder_layers: int
    tokens: int
    phonemes: int
    words: int


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def _split(self, y: Tensor) -> Tensor:
        return y.view(y.shape[0], y.shape[1], self.heads, -1).transpose(1, 2)

    def attend(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Output, and the attention of each head: [rows, heads, positions, memory]."""
        q, k, v = self._split(self.q_proj(x)), self._split(self.k_proj(memory)), self._split(self.v_proj(memory))
        gaze = torch.softmax(q * q.shape[-1] ** -0.5 @ k.transpose(-1, -2), -1)
        joined: Tensor = self.out_proj((gaze @ v).transpose(1, 2).flatten(2))
        return joined, gaze

    def forward(self, x: Tensor, memory: Tensor, causal: bool = False) -> Tensor:
        q, k, v = self._split(self.q_proj(x)), self._split(self.k_proj(memory)), self._split(self.v_proj(memory))
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
        joined: Tensor = self.out_proj(mixed.transpose(1, 2).flatten(2))
        return joined


class EncoderLayer(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.self_attn = Attention(width, heads)
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.self_attn_layer_norm(x)
        x = x + self.self_attn(y, y)
        y = self.fc2(functional.gelu(self.fc1(self.final_layer_norm(x))))
        return x + y


class DecoderLayer(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.self_attn = Attention(width, heads)
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.encoder_attn = Attention(width, heads)
        self.encoder_attn_layer_norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, audio: Tensor) -> tuple[Tensor, Tensor]:
        y = self.self_attn_layer_norm(x)
        x = x + self.self_attn(y, y, causal=True)
        y, gaze = self.encoder_attn.attend(self.encoder_attn_layer_norm(x), audio)
        x = x + y
        y = self.fc2(functional.gelu(self.fc1(self.final_layer_norm(x))))
        return x + y, gaze


class Encoder(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.width
        self.conv1 = nn.Conv1d(MEL_BINS, width, 3, padding=1)
        self.conv2 = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.embed_positions = nn.Embedding(AUDIO_POSITIONS, width)
        self.embed_positions.weight = nn.Parameter(sinusoids(AUDIO_POSITIONS, width), requires_grad=False)
        self.layers = nn.ModuleList(EncoderLayer(width, shape.heads) for _ in range(shape.encoder_layers))
        self.layer_norm = nn.LayerNorm(width)

    def forward(self, mel: Tensor) -> Tensor:
        x = functional.gelu(self.conv1(mel))
        x = functional.gelu(self.conv2(x)).transpose(1, 2)
        x = x + self.embed_positions.weight[: x.shape[1]]
        for layer in self.layers:
            x = layer(x)
        audio: Tensor = self.layer_norm(x)
        return audio


class Decoder(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.tokens, shape.width)
        self.embed_positions = nn.Embedding(TEXT_POSITIONS, shape.width)
        nn.init.normal_(self.embed_tokens.weight, std=0.02)
        nn.init.normal_(self.embed_positions.weight, std=0.02)
        self.layers = nn.ModuleList(DecoderLayer(shape.width, shape.heads) for _ in range(shape.decoder_layers))
        self.layer_norm = nn.LayerNorm(shape.width)

    def attend(self, tokens: Tensor, audio: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Logits [rows, tokens, vocabulary], and each layer's attention over the audio."""
        x = self.embed_tokens(tokens) + self.embed_positions.weight[: tokens.shape[1]]
        gazes: list[Tensor] = []
        for layer in self.layers:
            x, gaze = layer(x, audio)
            gazes.append(gaze)
        return functional.linear(self.layer_norm(x), self.embed_tokens.weight), gazes

    def forward(self, tokens: Tensor, audio: Tensor) -> Tensor:
        return self.attend(tokens, audio)[0]


class Whisper(nn.Module):
    """Encoder, decoder and the two training heads."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.encoder = Encoder(shape)
        self.decoder = Decoder(shape)
        self.phoneme_head = nn.Linear(shape.width, shape.phonemes)
        self.word_head = nn.Linear(shape.width, shape.words + 1)

    @torch.inference_mode()
    def greedy(self, mel: Tensor, prompt: list[int], end: int, longest: int = 60) -> list[list[int]]:
        """Most likely tokens of each row, without prompt and end."""
        audio = self.encoder(mel)
        tokens = torch.tensor([prompt] * mel.shape[0])
        done = torch.zeros(mel.shape[0], dtype=torch.bool)
        for _ in range(longest):
            best = self.decoder(tokens, audio)[:, -1].argmax(-1)
            tokens = torch.cat([tokens, best.masked_fill(done, end)[:, None]], 1)
            done |= best == end
            if bool(done.all()):
                break
        rows: list[list[int]] = tokens[:, len(prompt) :].tolist()
        return [row[: row.index(end)] if end in row else row for row in rows]


def sinusoids(positions: int, width: int) -> Tensor:
    """Whisper's fixed position encoding of the encoder."""
    step = math.log(10_000) / (width // 2 - 1)
    angles = torch.arange(positions)[:, None] * torch.exp(-step * torch.arange(width // 2))[None]
    return torch.cat([angles.sin(), angles.cos()], 1)
