"""Training of small diffusion models by v-prediction, on batches that are drawn during training."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch

from lib.training.state import load_torch, pack_generator, torch_arrays, unpack_generator

if TYPE_CHECKING:
    from lib.atlas.job.checkpoint import Checkpoint


def alphas_cumprod(levels: int = 1000, first: float = 0.00085, last: float = 0.012) -> torch.Tensor:
    """Products of 1 - beta for betas whose square roots are equally spaced (diffusers' `scaled_linear`)."""
    return torch.cumprod(1 - torch.linspace(first**0.5, last**0.5, levels) ** 2, 0)


def pack(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Many arrays as one array of bytes and their layout as JSON: a checkpoint with few members is written faster."""
    layout = [[name, a.dtype.str, list(a.shape)] for name, a in arrays.items()]
    contents = b"".join(np.ascontiguousarray(a).tobytes() for a in arrays.values())
    return {"layout": np.array(json.dumps(layout)), "contents": np.frombuffer(contents, np.uint8)}


def unpack(packed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays that `pack` packed."""
    arrays, offset, contents = {}, 0, packed["contents"].tobytes()
    for name, dtype, shape in json.loads(str(packed["layout"])):
        count = int(np.prod(shape))
        arrays[name] = np.frombuffer(contents, dtype, count, offset).reshape(shape)
        offset += arrays[name].nbytes
    return arrays


def one_cycle(step: int, steps: int, warmup: float = 0.1) -> float:
    """Share of the peak learning rate at a step: cosine up from 1/25 in the warm-up, cosine down to nearly 0.

    The schedule of `torch.optim.lr_scheduler.OneCycleLR`, as a function of the step alone.
    """
    rise = max(warmup * steps - 1, 1)
    if step <= rise:
        return 0.04 + 0.96 * (1 - np.cos(np.pi * step / rise)) / 2
    return max((1 + np.cos(np.pi * min((step - rise) / (steps - 1 - rise), 1))) / 2, 4e-6)


def train_v_prediction(
    model: torch.nn.Module,
    predict: Callable,
    draw: Callable[[np.random.Generator], tuple],
    *,
    rng: np.random.Generator,
    steps: int,
    learning_rate: float,
    weight_decay: float = 1e-4,
    highest_level: int = 1000,
    loss_of: str = "v",
    average_every: int = 10,
    average_decay: float = 0.9,
    checkpoint: "Checkpoint | None" = None,
    report: Callable = lambda items: items,
) -> tuple[dict[str, torch.Tensor], np.ndarray]:
    """Train a model in place and return its averaged weights.

    With x_t = a x + s e, a^2 = abar_t, s^2 = 1 - abar_t, the loss is the mean squared error of v = a e - s x, or that
    of the clean sample a x_t - s v, which is s^2 times as much. AdamW, one cycle of the learning rate with 10 %
    warm-up, gradient norm clipped to 1. The levels of a batch come one from each of as many equal parts of their range.

    Args:
        model: the network.
        predict: v from (x_t, t, *extras).
        draw: a batch from a generator: clean samples (B, ...), and extras for `predict`.
        rng: source of batches, levels and noise.
        steps: updates.
        learning_rate: peak.
        weight_decay: of AdamW.
        highest_level: levels are drawn from 0 .. highest_level - 1 of 1000.
        loss_of: `v` or `clean`.
        average_every, average_decay: the average moves by 1 - decay towards the weights, once in this many steps.
        checkpoint: where the state is saved, to resume after an interruption.
        report: wraps the steps, for a progress display.

    Returns:
        Averaged weights by name, and the loss of every step.

    Raises:
        ValueError: an unknown loss.
    """
    if loss_of not in ("v", "clean"):
        raise ValueError(f"loss_of: got {loss_of!r}, expected v or clean")
    device = next(model.parameters()).device
    abar = alphas_cumprod().to(device)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=learning_rate, weight_decay=weight_decay, betas=(0.9, 0.99), fused=True
    )
    average = {name: value.detach().clone() for name, value in model.state_dict().items()}
    losses = np.zeros(steps)
    first = 0
    state = checkpoint.load() if checkpoint else None
    if state:
        arrays = unpack(state)
        load_torch(arrays, model=model, optimiser=optimiser)
        average = {name: torch.from_numpy(np.array(arrays[f"average:{name}"])).to(device) for name in average}
        losses, first, rng = state["losses"].copy(), int(state["step"]), unpack_generator(state["rng"])
    shares = [one_cycle(step, steps) for step in range(steps)]
    for step in report(range(first, steps)):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * shares[step]
        clean, *extras = draw(rng)
        parts = (rng.permutation(len(clean)) + rng.random(len(clean))) / len(clean)
        t = torch.from_numpy((highest_level * parts).astype(np.int64)).to(device)
        noise = torch.from_numpy(rng.standard_normal(clean.shape, np.float32)).to(device)
        a, s = (value.view(-1, *[1] * (clean.ndim - 1)) for value in (abar[t].sqrt(), (1 - abar[t]).sqrt()))
        error = predict(a * clean + s * noise, t, *extras) - (a * noise - s * clean)
        loss = (s * error if loss_of == "clean" else error).square().mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        losses[step] = loss.item()
        if (step + 1) % average_every == 0:
            with torch.no_grad():
                torch._foreach_lerp_(list(average.values()), list(model.state_dict().values()), 1 - average_decay)
        if checkpoint:
            checkpoint.save_if_due(
                lambda count=step + 1: {
                    "step": count,
                    "losses": losses,
                    "rng": pack_generator(rng),
                    **pack(
                        torch_arrays(model=model, optimiser=optimiser)
                        | {f"average:{name}": value.cpu().numpy() for name, value in average.items()}
                    ),
                }
            )
    return average, losses
