"""AdamW by torch's own function, in an object that costs nothing to construct.

`torch.optim.AdamW` imports torch's compiler when it is constructed, more than a second of processor time in each short
job; the steps are the same.
"""

from typing import NamedTuple

import torch
from torch.optim.adamw import adamw as adamw_step

EPS = 1e-8


class Moments(NamedTuple):
    """Number of steps, mean of the gradient and of its square."""

    step: torch.Tensor
    exp_avg: torch.Tensor
    exp_avg_sq: torch.Tensor


class AdamW:
    """AdamW in fused form; a parameter without a gradient is left alone.

    Args:
        groups: parameters (`params`) that share a weight decay (`weight_decay`).
        lr: learning rate of all groups, which the caller changes in `param_groups`.
        betas: of the means.
    """

    def __init__(self, groups: list[dict], lr: float, betas: tuple[float, float]):
        self.param_groups = [{**group, "lr": lr} for group in groups]
        self.betas = betas
        self.moments: dict[torch.nn.Parameter, Moments] = {}

    @property
    def _parameters(self) -> list[torch.nn.Parameter]:
        return [parameter for group in self.param_groups for parameter in group["params"]]

    def zero_grad(self) -> None:
        """Drop all gradients."""
        for parameter in self._parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """One step."""
        for group in self.param_groups:
            parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
            for parameter in parameters:
                if parameter not in self.moments:
                    steps = torch.zeros((), dtype=torch.float32, device=parameter.device)
                    self.moments[parameter] = Moments(steps, *(torch.zeros_like(parameter) for _ in range(2)))
            if parameters:
                steps, means, squares = map(list, zip(*(self.moments[parameter] for parameter in parameters)))
                adamw_step(
                    parameters,
                    [parameter.grad for parameter in parameters],
                    means,
                    squares,
                    [],
                    steps,
                    fused=True,
                    amsgrad=False,
                    maximize=False,
                    beta1=self.betas[0],
                    beta2=self.betas[1],
                    lr=group["lr"],
                    weight_decay=group["weight_decay"],
                    eps=EPS,
                )

    def state_dict(self) -> dict:
        """State as that of torch's optimisers: moments by the place of the parameter, and learning rates."""
        state = {i: self.moments[p]._asdict() for i, p in enumerate(self._parameters) if p in self.moments}
        return {"state": state, "param_groups": [{"lr": group["lr"]} for group in self.param_groups]}

    def load_state_dict(self, state: dict) -> None:
        """Take a state over from `state_dict`."""
        for group, saved in zip(self.param_groups, state["param_groups"]):
            group["lr"] = saved["lr"]
        parameters = self._parameters
        self.moments = {
            parameters[i]: Moments(**{name: value.to(parameters[i].device) for name, value in moments.items()})
            for i, moments in state["state"].items()
        }
