"""Fine-tuning of one encoder of texts at full size: whole or by adapters, in epochs, of which the best is kept."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from lib.probing.fine_tuning import weights_of
from lib.probing.heads import Head
from lib.progress import progress
from lib.training.adamw import AdamW
from lib.training.loop import rate
from lib.training.low_rank import Adapter, draw_adapters, merge_adapters
from lib.training.state import load_torch, torch_arrays

if TYPE_CHECKING:
    from lib.atlas.job.checkpoint import Checkpoint

Inputs = tuple[torch.Tensor, ...]


class TextClassifier(nn.Module):
    """An encoder with a linear head; with adapters the encoder itself is frozen.

    Args:
        encoder: gives features (n, h) of its inputs.
        head: at the start.
        adapters: targets, rank, alpha and seed; None trains the encoder itself.
    """

    def __init__(self, encoder: nn.Module, head: Head, adapters: dict | None = None):
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(head.weights.shape[1], len(head.weights))
        with torch.no_grad():
            self.head.weight.copy_(torch.from_numpy(head.weights))
            self.head.bias.copy_(torch.from_numpy(head.bias))
        encoder.requires_grad_(adapters is None)
        self.scale, self.names, self.pairs = 1.0, [], nn.ParameterList()
        if adapters:
            source = [torch.Generator().manual_seed(adapters["seed"])]
            drawn = draw_adapters(encoder, tuple(adapters["targets"]), adapters["rank"], source)
            self.scale, self.names = adapters["alpha"] / adapters["rank"], list(drawn)
            self.pairs.extend(nn.Parameter(part.detach()[0]) for pair in drawn.values() for part in pair)

    def features(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Features (n, h) with the adapters merged."""
        if not self.names:
            return self.encoder(*inputs)
        parts = iter(self.pairs)
        pairs = {name: Adapter(next(parts), next(parts)) for name in self.names}
        return torch.func.functional_call(
            self.encoder, merge_adapters(weights_of(self.encoder), pairs, self.scale), inputs
        )

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Outputs (n, C)."""
        return self.head(self.features(*inputs).to(self.head.weight.dtype))

    def trained(self) -> dict[str, nn.Parameter]:
        """Parameters that are trained, by name."""
        return {name: value for name, value in self.named_parameters() if value.requires_grad}

    def end_head(self) -> Head:
        """The head as it is now."""
        return Head(*(part.detach().double().cpu().numpy() for part in (self.head.weight, self.head.bias)))


class TextFit(NamedTuple):
    """Mean training loss and accuracy on held-out texts of each epoch; the model has the weights of the best one."""

    losses: np.ndarray
    held_out: np.ndarray


@torch.no_grad()
def text_features(model: nn.Module, inputs: Inputs, batch: int, device: str = "cpu") -> np.ndarray:
    """Features (n, h) in evaluation mode and single precision; of a `TextClassifier` those with its adapters."""
    model = model.to(device).eval()
    call = model.features if isinstance(model, TextClassifier) else model
    slices = zip(*(part.split(batch) for part in inputs))
    return torch.cat([call(*(x.to(device) for x in one)).cpu() for one in slices]).double().numpy()


def tune_text_classifier(
    model: TextClassifier, inputs: Inputs, labels: np.ndarray, held_out: Inputs, held_out_labels: np.ndarray, *,
    epochs: int, batch: int, learning_rate: float, device: str = "cpu", seed: int = 0,
    checkpoint: "Checkpoint | None" = None,
) -> TextFit:  # fmt: skip
    """Train on the cross-entropy by AdamW without decay, its rate falling linearly to zero; dropout is on.

    Args:
        model: changed in place; it ends with the weights of the first epoch of the best held-out accuracy.
        inputs, labels: training texts.
        held_out, held_out_labels: those that choose the epoch.
        epochs, batch, learning_rate: of the training.
        device: torch device; on a GPU products are taken in bfloat16.
        seed: of the order of texts and of dropout.
        checkpoint: where the state is saved after each epoch.

    Raises:
        ValueError: a loss is not finite.
    """
    model = model.to(device)
    optimiser = AdamW(
        [{"params": list(model.trained().values()), "weight_decay": 0.0}], lr=learning_rate, betas=(0.9, 0.999)
    )
    best = {name: value.detach().cpu().clone() for name, value in model.trained().items()}
    losses, accuracies, targets = [], [], torch.from_numpy(labels)
    state = checkpoint.load() if checkpoint else None
    if state:
        load_torch(state, model=model, optimiser=optimiser)
        losses, accuracies = state["losses"].tolist(), state["accuracies"].tolist()
        best = {name: torch.from_numpy(state[f"best:{name}"]) for name in best}
    each = -(-len(labels) // batch)
    for epoch in range(len(losses), epochs):
        order = torch.from_numpy(np.random.default_rng([seed, epoch]).permutation(len(labels)))
        total = 0.0
        model.train()
        with torch.random.fork_rng(devices=[0] if device == "cuda" else []):
            torch.manual_seed(seed * 1000 + epoch)
            for step, rows in enumerate(progress(order.split(batch), f"batches of epoch {epoch + 1}", total=each)):
                done = epoch * each + step
                optimiser.param_groups[0]["lr"] = learning_rate * rate(done, epochs * each, 0, "linear", floor=0.0)
                optimiser.zero_grad()
                with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
                    outputs = model(*(part[rows].to(device) for part in inputs))
                loss = functional.cross_entropy(outputs.float(), targets[rows].to(device))
                loss.backward()
                optimiser.step()
                total += loss.item() * len(rows)
        losses.append(total / len(labels))
        if not np.isfinite(losses[-1]):
            raise ValueError(f"training: got the mean loss {losses[-1]} in epoch {epoch + 1}, expected a finite one")
        scores = model.end_head().scores(text_features(model, held_out, batch, device))
        accuracies.append(float(np.mean(scores.argmax(axis=1) == held_out_labels)))
        if accuracies[-1] > max(accuracies[:-1], default=-1.0):
            best = {name: value.detach().cpu().clone() for name, value in model.trained().items()}
        if checkpoint:
            checkpoint.save_if_due(
                lambda best=best: {
                    "losses": np.array(losses), "accuracies": np.array(accuracies),
                    **{f"best:{name}": value.numpy() for name, value in best.items()},
                    **torch_arrays(model=model, optimiser=optimiser),
                }
            )  # fmt: skip
    with torch.no_grad():
        for name, value in model.trained().items():
            value.copy_(best[name].to(value.device))
    model.eval()
    return TextFit(np.array(losses), np.array(accuracies))
