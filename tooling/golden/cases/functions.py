"""Losses, softmax and its relatives, layer norm, embedding, erf, gradient clipping.

A case is a name and what it calls: PyTorch's name of the function, config (what it reads besides tensors), the input
tensors, and the call, from a dict of tensors to a dict of tensors. Knows no file format.
"""

from typing import Callable, Iterator, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from .golden_file import Arrays, Draw, Tensors, checked, gradients, leaf


class Case(NamedTuple):
    fn: str
    config: dict[str, object]
    inputs: Arrays
    call: Callable[[Tensors], Tensors]
    differentiable: bool = True


def f32(values: object) -> np.ndarray:
    return np.array(values, dtype=np.float32)


# exp(89) overflows float32; 100 apart, a softmax is one and zero in float32.
EXTREME = f32(
    [[100, -100, 0, 50], [-100, -100, -100, -100], [100, 100, 99, -100], [-100, 100, 1, -1], [89, 88, -104, 0]],
)
# exp(710) overflows float64 too, so only a shifted exponential survives. One entry rules each row: with a tie at 10000
# the logsumexp is 10000.69, float32 rounds that by 2e-4, and a gradient through exp(x - logsumexp) is off by as much.
HUGE = f32([[10000, -10000, 0, 9800], [-10000, -10200, -10400, -10600], [-10000, -10000, -9000, 10000]])


def losses(draw: Draw) -> Iterator[tuple[str, Case]]:
    def bce(logits: np.ndarray, targets: np.ndarray) -> Case:
        config = {"reduction": "mean"}
        call = lambda v: {"loss": F.binary_cross_entropy_with_logits(v["logits"], v["targets"].detach())}  # noqa: E731
        return Case("binary_cross_entropy_with_logits", config, {"logits": logits, "targets": targets}, call)

    soft = f32([[0, 1, 1], [0, 0, 1], [1, 0.25, 0.9], [0, 1, 0]])
    yield "binary-cross-entropy-with-logits", bce(draw.uniform(4, 3, low=-3, high=3), soft)
    extreme = f32([100, -100, 100, -100, 20, -20, 0, 0.001])
    yield "binary-cross-entropy-with-logits-extreme", bce(extreme, f32([1, 0, 0, 1, 1, 1, 1, 0]))

    def cross_entropy(logits: np.ndarray, targets: list[int]) -> Case:
        config = {"reduction": "mean", "targets": targets}
        call = lambda v: {"loss": F.cross_entropy(v["logits"], torch.tensor(targets))}  # noqa: E731
        return Case("cross_entropy", config, {"logits": logits}, call)

    yield "cross-entropy", cross_entropy(draw.uniform(5, 4, low=-3, high=3), [2, 0, 3, 1, 1])
    yield "cross-entropy-extreme", cross_entropy(EXTREME, [0, 1, 3, 1, 2])

    mse = lambda v: {"loss": F.mse_loss(v["input"], v["targets"].detach())}  # noqa: E731
    yield "mse-loss", Case(
        "mse_loss",
        {"reduction": "mean"},
        {"input": draw.uniform(4, 3, low=-2, high=2), "targets": draw.uniform(4, 3, low=-2, high=2)},
        mse,
    )


def along_the_last_axis(draw: Draw) -> Iterator[tuple[str, Case]]:
    functions = {
        "softmax": lambda v: {"y": torch.softmax(v["x"], -1)},
        "log_softmax": lambda v: {"y": torch.log_softmax(v["x"], -1)},
        "logsumexp": lambda v: {"y": torch.logsumexp(v["x"], -1)},
    }
    for fn, call in functions.items():
        stem = fn.replace("_", "-")
        yield stem, Case(fn, {"dim": -1}, {"x": draw.uniform(2, 3, 5, low=-4, high=4)}, call)
        yield f"{stem}-extreme", Case(fn, {"dim": -1}, {"x": EXTREME}, call)
        yield f"{stem}-huge", Case(fn, {"dim": -1}, {"x": HUGE}, call)


def layers(draw: Draw) -> Iterator[tuple[str, Case]]:
    def layer_norm(*shape: int) -> Case:
        size = shape[-1]
        inputs = {
            "x": draw.uniform(*shape, low=-2, high=3),
            "weight": draw.uniform(size, low=0.5, high=1.5),
            "bias": draw.uniform(size),
        }
        call = lambda v: {"y": F.layer_norm(v["x"], [size], v["weight"], v["bias"], 1e-5)}  # noqa: E731
        return Case("layer_norm", {"normalized_shape": [size], "eps": 1e-5}, inputs, call)

    yield "layer-norm", layer_norm(4, 6)
    yield "layer-norm-rank-3", layer_norm(2, 3, 5)

    # Row 4 is never used, so its gradient is zero; 1 comes three times and 5 four.
    indices, shape = [1, 3, 1, 5, 0, 5, 2, 1, 5, 5], [2, 5]
    embed = lambda v: {"y": F.embedding(torch.tensor(indices).reshape(shape), v["weight"])}  # noqa: E731
    config = {"indices": indices, "indices_shape": shape}
    yield "embedding", Case("embedding", config, {"weight": draw.uniform(6, 4)}, embed)

    positive = [1e-6, 1e-3, 0.1, 0.5, 0.84375, 1, 1.25, 1.5, 2, 3, 4, 6]
    x = f32([*(-value for value in positive), 0, *positive])
    yield "erf", Case("erf", {}, {"x": x}, lambda v: {"y": torch.erf(v["x"])})


def clipping(draw: Draw) -> Iterator[tuple[str, Case]]:
    inputs = {"w": draw.uniform(3, 2, low=-2, high=2), "b": draw.uniform(3), "u": draw.uniform(2, 2, low=-2, high=2)}

    def clip(max_norm: float) -> Case:
        def call(grads: Tensors) -> Tensors:
            params = [torch.nn.Parameter(torch.zeros_like(g)) for g in grads.values()]
            for param, grad in zip(params, grads.values()):
                param.grad = grad.detach().clone()
            norm = torch.nn.utils.clip_grad_norm_(params, max_norm)
            return {**{key: param.grad for key, param in zip(grads, params)}, "total_norm": norm}

        return Case("clip_grad_norm", {"max_norm": max_norm}, inputs, call, differentiable=False)

    yield "clip-grad-norm", clip(1.0)
    yield "clip-grad-norm-below", clip(100.0)


def golden(name: str, case: Case, draw: Draw) -> dict[str, object]:
    def outputs_of(dtype: torch.dtype) -> tuple[Tensors, Tensors]:
        leaves = {key: leaf(array, dtype) for key, array in case.inputs.items()}
        return leaves, case.call(leaves)

    cotangents: Arrays = {}
    if case.differentiable:
        for key, tensor in outputs_of(torch.float64)[1].items():
            # A loss is scalar, and its gradient is the one people read: cotangent one.
            cotangents[key] = f32(1) if tensor.ndim == 0 else draw.uniform(*tensor.shape)

    def compute(dtype: torch.dtype):
        leaves, outputs = outputs_of(dtype)
        if not case.differentiable:
            return {"outputs": outputs, "grads": {}}
        leaves.pop("targets", None)
        return {"outputs": outputs, "grads": gradients(outputs, leaves, cotangents)}

    results = checked(name, compute)
    head = {"name": name, "kind": "function", "fn": case.fn, "config": case.config}
    return {**head, "inputs": case.inputs, "cotangents": cotangents, **results}


def goldens() -> Iterator[dict[str, object]]:
    for family in [losses, along_the_last_axis, layers, clipping]:
        # One stream per family: a new family changes no other; a new case goes at the end of its family.
        draw = Draw(f"function/{family.__name__}")
        for suffix, case in family(draw):
            name = f"function-{suffix}"
            yield golden(name, case, Draw(name))
