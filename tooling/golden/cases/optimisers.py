"""Optimiser traces: parameters after each of ten steps, with the gradients that were fed.

The gradients come from a small problem, but they are stored, rounded to float32, and it is the stored ones that the
optimiser sees: a test feeds the same and needs no gradient of its own. Steps are stacked on a leading axis:
grads and params are a [10, 2, 3] and b [10, 4], with params[k] the parameters after grads[k] was applied.
"""

from typing import Iterator

import numpy as np
import torch

from .golden_file import Draw, checked

STEPS = 10

# Every option that the update rule reads is written out, so that the golden does not depend on a default.
SGD = {"lr": 0.1, "momentum": 0.0, "dampening": 0.0, "nesterov": False, "weight_decay": 0.0}
ADAM = {"lr": 0.001, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.0}
ADAMW = {**ADAM, "weight_decay": 0.01}
RMSPROP = {"lr": 0.01, "alpha": 0.99, "eps": 1e-8, "momentum": 0.0, "centered": False, "weight_decay": 0.0}
ADAGRAD = {"lr": 0.01, "lr_decay": 0.0, "eps": 1e-10, "initial_accumulator_value": 0.0, "weight_decay": 0.0}

OPTIMISERS = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
}

CASES = {
    "sgd": ("sgd", SGD),
    "sgd-momentum": ("sgd", {**SGD, "momentum": 0.9}),
    "sgd-nesterov": ("sgd", {**SGD, "momentum": 0.9, "nesterov": True}),
    "sgd-weight-decay": ("sgd", {**SGD, "weight_decay": 0.1}),
    "sgd-nesterov-weight-decay": ("sgd", {**SGD, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    "adam": ("adam", ADAM),
    "adam-lr-1e-2": ("adam", {**ADAM, "lr": 0.01}),
    "adam-weight-decay": ("adam", {**ADAM, "lr": 0.01, "weight_decay": 0.1}),
    "adamw": ("adamw", ADAMW),
    "adamw-lr-1e-2": ("adamw", {**ADAMW, "lr": 0.01, "weight_decay": 0.1}),
    "rmsprop": ("rmsprop", RMSPROP),
    "rmsprop-centered-momentum": ("rmsprop", {**RMSPROP, "centered": True, "momentum": 0.9}),
    "adagrad": ("adagrad", ADAGRAD),
}

# The zero makes one gradient zero at every step: Adam must divide 0 by eps there.
CURVATURE = torch.tensor([[0.5, 1.0, 2.0], [0.0, 3.0, 0.1]], dtype=torch.float64)
TARGET = torch.tensor([[1.0, -1.0, 0.5], [0.3, 2.0, -0.7]], dtype=torch.float64)


def problem(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Quadratic in a [2, 3], quartic in b [4], with a coupling."""
    return 0.5 * (CURVATURE * (a - TARGET) ** 2).sum() + 0.25 * (b**4).sum() + 0.3 * a[0, 0] * b[1]


def gradient(params: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    leaves = [p.detach().clone().requires_grad_() for p in params.values()]
    grads = torch.autograd.grad(problem(*leaves), leaves)
    return {key: g.numpy().astype(np.float32) for key, g in zip(params, grads)}


def step(optimiser: torch.optim.Optimizer, params: dict[str, torch.Tensor], grads: dict[str, np.ndarray]) -> None:
    for key, param in params.items():
        param.grad = torch.tensor(grads[key], dtype=param.dtype)
    optimiser.step()


def golden(suffix: str) -> dict[str, object]:
    name = f"optimiser-{suffix}"
    algorithm, options = CASES[suffix]
    draw = Draw(name)
    start = {"a": draw.uniform(2, 3), "b": draw.uniform(4)}

    def begin(dtype: torch.dtype):
        params = {key: torch.nn.Parameter(torch.tensor(array, dtype=dtype)) for key, array in start.items()}
        return params, OPTIMISERS[algorithm](params.values(), **options)

    fed: list[dict[str, np.ndarray]] = []
    params, optimiser = begin(torch.float64)
    for _ in range(STEPS):
        fed.append(gradient(params))
        step(optimiser, params, fed[-1])

    def compute(dtype: torch.dtype):
        params, optimiser = begin(dtype)
        after = []
        for grads in fed:
            step(optimiser, params, grads)
            after.append({key: param.detach().clone() for key, param in params.items()})
        return {"params": {key: torch.stack([moment[key] for moment in after]) for key in start}}

    grads = {key: np.stack([moment[key] for moment in fed]) for key in start}
    head = {"name": name, "kind": "optimiser", "config": {"algorithm": algorithm, **options}}
    return {**head, "initial": start, "grads": grads, **checked(name, compute)}


def goldens() -> Iterator[dict[str, object]]:
    return map(golden, CASES)
