"""Wall times of whole models: training steps and decoding; what is compared takes turns.

Where a machine's speed drifts, taking turns slows everything alike.
"""

import time

import numpy as np
import torch

from lib.training.loop import adamw, clip_each, language_loss

TURN = 10  # tokens decoded at one context before the next has its turn


def _clock(device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def step_times(
    model,
    vocabulary: int,
    tokens: int,
    lengths: list[int],
    warmup: int,
    steps: int,
    device: str,
    slice_tokens: int | None = None,
) -> np.ndarray:
    """Seconds `(length, step)` of full training steps on random windows; the lengths take turns.

    Args:
        model: language model, a stack of one.
        vocabulary: its number of tokens.
        tokens: of a batch, cut into sequences of each length.
        lengths: of the sequences.
        warmup, steps: steps that do not count, and that do.
        device: torch device; on a GPU in bfloat16.
        slice_tokens: positions whose logits are in memory at once, see `language_loss`.
    """
    optimiser = adamw(model, 1e-4)
    parameters = list(model.parameters())
    seconds = np.empty((len(lengths), warmup + steps))
    draw = torch.Generator().manual_seed(0)
    windows = [torch.randint(vocabulary, (1, tokens // n, n + 1), generator=draw).to(device) for n in lengths]
    for step in range(warmup + steps):
        for k, window in enumerate(windows):
            start = _clock(device)
            optimiser.zero_grad()
            with torch.autocast(device, torch.bfloat16, enabled=device != "cpu"):
                loss = language_loss(model, window, slice_tokens).sum()
            loss.backward()
            clip_each(parameters, 1.0)
            optimiser.step()
            seconds[k, step] = _clock(device) - start
    return seconds[:, warmup:]


def decode_times(model, contexts: list[int], warmup: int, tokens: int, device: str) -> tuple[np.ndarray, list[int]]:
    """Seconds `(context, token)` of decoded tokens after contexts of random states, and the bytes of the states.

    Args:
        model: language model, a stack of one.
        contexts: numbers of tokens that the states stand for; they take turns.
        warmup: tokens before each turn that do not count.
        tokens: decoded at each context.
        device: torch device.
    """
    states = [model.begin(1, 1, context, torch.Generator().manual_seed(0)) for context in contexts]
    last = [torch.zeros(1, 1, dtype=torch.long, device=device) for _ in contexts]
    seconds = np.empty((len(contexts), tokens))
    with torch.no_grad():
        for start_token in range(0, tokens, TURN):
            for k in range(len(contexts)):
                for t in range(-warmup, min(TURN, tokens - start_token)):
                    start = _clock(device)
                    logits, states[k] = model.step(last[k], states[k])
                    last[k] = logits.argmax(-1)
                    if t >= 0:
                        seconds[k, start_token + t] = _clock(device) - start
    return seconds, [state_bytes(layers) for layers in states]


def state_bytes(layers: list) -> int:
    """Bytes of the tensors in the decoding states of a model's layers."""
    parts = [part for state in layers for part in (state if isinstance(state, tuple) else (state,))]
    return sum(part.numel() * part.element_size() for part in parts if isinstance(part, torch.Tensor))
