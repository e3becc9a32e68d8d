"""Inputs, the check of float32 against float64, and the JSON text. Knows no cell, optimiser or function.

Between the modules of this folder a tensor that a golden will store is a float32 NumPy array.
"""

import base64
import json
import random
from typing import Callable

import numpy as np
import torch

Arrays = dict[str, np.ndarray]
Tensors = dict[str, torch.Tensor]


class Draw:
    """The inputs of one case. Python's generator, because its stream is the same on every machine and version."""

    def __init__(self, name: str) -> None:
        self.random = random.Random("ostinato/" + name)

    def uniform(self, *shape: int, low: float = -1.0, high: float = 1.0) -> np.ndarray:
        count = int(np.prod(shape))
        values = [self.random.uniform(low, high) for _ in range(count)]
        return np.array(values, dtype=np.float32).reshape(shape)


def leaf(array: np.ndarray, dtype: torch.dtype) -> torch.Tensor:
    return torch.tensor(array, dtype=dtype, requires_grad=True)


def require_close(got: torch.Tensor, want: torch.Tensor, what: str, absolute: float, relative: float) -> None:
    assert got.shape == want.shape, f"{what}: shape {tuple(got.shape)}, want {tuple(want.shape)}"
    got, want = got.double(), want.double()
    error = (got - want).abs().max().item()
    bound = absolute + relative * want.abs().max().item()
    # Written so that a NaN fails.
    assert error <= bound, f"{what}: largest error {error:.3g}, allowed {bound:.3g}"


def checked(name: str, compute: Callable[[torch.dtype], dict[str, Tensors]]) -> dict[str, Arrays]:
    """Runs `compute` in float64 and in float32, requires that they agree, and rounds the float64 result."""
    exact = compute(torch.float64)
    single = compute(torch.float32)
    rounded: dict[str, Arrays] = {}
    for group, tensors in exact.items():
        rounded[group] = {}
        for key, tensor in tensors.items():
            require_close(single[group][key], tensor, f"{name} {group}.{key} in float32", 1e-6, 1e-5)
            rounded[group][key] = tensor.detach().numpy().astype(np.float32)
    return rounded


def gradients(outputs: Tensors, leaves: Tensors, cotangents: Arrays) -> Tensors:
    """Of loss = sum over outputs of sum(output * cotangent)."""
    loss = sum((outputs[key] * leaf(w, outputs[key].dtype).detach()).sum() for key, w in cotangents.items())
    return dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values()))))


def to_json(value: object) -> str:
    return _text(value, "") + "\n"


def _text(value: object, indent: str) -> str:
    """Objects that hold objects take a line per member; a tensor or a config is one line of a diff."""
    if isinstance(value, np.ndarray):
        f32 = base64.b64encode(np.ascontiguousarray(value, dtype="<f4").tobytes()).decode("ascii")
        return json.dumps({"shape": list(value.shape), "f32": f32})
    if isinstance(value, dict) and any(isinstance(item, (dict, np.ndarray)) for item in value.values()):
        inner = indent + "  "
        rows = [f"{inner}{json.dumps(key)}: {_text(item, inner)}" for key, item in value.items()]
        return "{\n" + ",\n".join(rows) + f"\n{indent}}}"
    return json.dumps(value)
