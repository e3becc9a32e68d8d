"""Recurrent layers: torch.nn's own, and the forms torch.nn lacks, written as a loop over time.

Knows the cells and how lengths, directions and layers combine. Knows no file format.

Shapes, with D = 2 if bidirectional else 1:
    x [T, B, I]   out [T, B, D*H]   h0, c0, h_n, c_n [layers*D, B, H]
"""

from dataclasses import dataclass
from typing import Iterator, Optional

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from .golden_file import Arrays, Draw, Tensors, checked, gradients, leaf, require_close

GATES = {"elman": 1, "lstm": 4, "gru": 3}
MODULES = {
    ("elman", "tanh"): lambda *a, **k: torch.nn.RNN(*a, nonlinearity="tanh", **k),
    ("elman", "relu"): lambda *a, **k: torch.nn.RNN(*a, nonlinearity="relu", **k),
    ("lstm", "standard"): torch.nn.LSTM,
    ("gru", "reset-after"): torch.nn.GRU,
}


@dataclass(frozen=True)
class Case:
    name: str
    cell: str
    form: str
    biases: int = 2
    layers: int = 1
    bidirectional: bool = False
    T: int = 5
    B: int = 3
    I: int = 3  # noqa: E741
    H: int = 4
    lengths: Optional[list[int]] = None
    initial: str = "zero"  # or "given"

    @property
    def in_torch_nn(self) -> bool:
        # pack_padded_sequence refuses a length of zero.
        return (self.cell, self.form) in MODULES and (self.lengths is None or min(self.lengths) > 0)

    @property
    def source(self) -> str:
        return "torch.nn" if self.in_torch_nn and self.biases == 2 else "hand-written"

    @property
    def directions(self) -> list[str]:
        return ["", "_reverse"] if self.bidirectional else [""]

    @property
    def states(self) -> list[str]:
        return ["h", "c"] if self.cell == "lstm" else ["h"]

    def config(self) -> dict[str, object]:
        keys = ["cell", "form", "biases", "layers", "bidirectional", "T", "B", "I", "H", "lengths", "initial", "source"]
        return {key: getattr(self, key) for key in keys}


# ---- the cells, by hand: one step for a whole batch -------------------------------------------------------------


def elman(form: str, h: torch.Tensor, c: None, zx: torch.Tensor, u: torch.Tensor, bu: torch.Tensor):
    z = zx + h @ u.T + bu  # [B, H]
    return (torch.tanh(z) if form == "tanh" else torch.relu(z)), None


def lstm(form: str, h: torch.Tensor, c: torch.Tensor, zx: torch.Tensor, u: torch.Tensor, bu: torch.Tensor):
    i, f, g, o = (zx + h @ u.T + bu).chunk(4, dim=1)  # each [B, H]
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def gru(form: str, h: torch.Tensor, c: None, zx: torch.Tensor, u: torch.Tensor, bu: torch.Tensor):
    zx_r, zx_z, zx_n = zx.chunk(3, dim=1)  # each [B, H]
    u_r, u_z, u_n = u.chunk(3)  # each [H, H]
    b_r, b_z, b_n = bu.chunk(3)  # each [H]
    r = torch.sigmoid(zx_r + h @ u_r.T + b_r)
    z = torch.sigmoid(zx_z + h @ u_z.T + b_z)
    if form == "reset-after":  # cuDNN, PyTorch
        n = torch.tanh(zx_n + r * (h @ u_n.T + b_n))
    else:  # reset-before: Cho et al. 2014; ONNX linear_before_reset = 0
        n = torch.tanh(zx_n + (r * h) @ u_n.T + b_n)
    return (1 - z) * n + z * h, None


STEPS = {"elman": elman, "lstm": lstm, "gru": gru}


def one_direction(case: Case, leaves: Tensors, suffix: str, row: int, x: torch.Tensor):
    """One layer in one direction. Rows past their length keep the state and give zero."""
    w, u = leaves["weight_ih" + suffix], leaves["weight_hh" + suffix]  # [G*H, inputs], [G*H, H]
    b = leaves["bias_ih" + suffix]  # [G*H]
    bu = leaves["bias_hh" + suffix] if case.biases == 2 else torch.zeros_like(b)
    zero = x.new_zeros(case.B, case.H)
    h = leaves["h0"][row] if case.initial == "given" else zero
    c = (leaves["c0"][row] if case.initial == "given" else zero) if case.cell == "lstm" else None
    lengths = torch.tensor(case.lengths or [case.T] * case.B)
    times = list(range(case.T))
    outputs: list[torch.Tensor] = [zero] * case.T
    for t in reversed(times) if suffix.endswith("_reverse") else times:
        alive = (t < lengths).unsqueeze(1)  # [B, 1]
        h_next, c_next = STEPS[case.cell](case.form, h, c, x[t] @ w.T + b, u, bu)
        h = torch.where(alive, h_next, h)
        c = torch.where(alive, c_next, c) if c is not None else None
        outputs[t] = torch.where(alive, h_next, zero)
    return torch.stack(outputs), h, c


def by_hand(case: Case, leaves: Tensors) -> Tensors:
    x = leaves["x"]
    h_n, c_n = [], []
    for layer in range(case.layers):
        outputs = []
        for direction in case.directions:
            out, h, c = one_direction(case, leaves, f"_l{layer}{direction}", len(h_n), x)
            outputs.append(out)
            h_n.append(h)
            c_n.append(c)
        x = torch.cat(outputs, dim=2)
    states = {"h_n": torch.stack(h_n)}
    if case.cell == "lstm":
        states["c_n"] = torch.stack(c_n)
    return {"out": x, **states}


# ---- the same by torch.nn ---------------------------------------------------------------------------------------


def by_module(case: Case, leaves: Tensors) -> Tensors:
    """With one bias, torch.nn's second one is zero."""
    make = MODULES[case.cell, case.form]
    module = make(case.I, case.H, case.layers, bidirectional=case.bidirectional).to(leaves["x"].dtype)
    for name, parameter in list(module.named_parameters()):
        value = leaves[name] if name in leaves else torch.zeros_like(parameter)
        assert value.shape == parameter.shape, name
        delattr(module, name)
        setattr(module, name, value)
    module._flat_weights = [getattr(module, name) for name in module._flat_weights_names]
    x = leaves["x"]
    if case.lengths is not None:
        x = pack_padded_sequence(x, torch.tensor(case.lengths), enforce_sorted=False)
    start = None
    if case.initial == "given":
        start = (leaves["h0"], leaves["c0"]) if case.cell == "lstm" else leaves["h0"]
    out, end = module(x, start)
    if case.lengths is not None:
        out, _ = pad_packed_sequence(out, total_length=case.T)
    if case.cell == "lstm":
        return {"out": out, "h_n": end[0], "c_n": end[1]}
    return {"out": out, "h_n": end}


# ---- goldens ----------------------------------------------------------------------------------------------------


def draw_inputs(case: Case, draw: Draw) -> dict[str, Arrays]:
    D, G = len(case.directions), GATES[case.cell]
    inputs = {"x": draw.uniform(case.T, case.B, case.I, low=-1.5, high=1.5)}
    if case.initial == "given":
        for state in case.states:
            inputs[state + "0"] = draw.uniform(case.layers * D, case.B, case.H)
    weights: Arrays = {}
    for layer in range(case.layers):
        for direction in case.directions:
            suffix = f"_l{layer}{direction}"
            weights["weight_ih" + suffix] = draw.uniform(G * case.H, case.I if layer == 0 else D * case.H)
            weights["weight_hh" + suffix] = draw.uniform(G * case.H, case.H)
            for bias in ["bias_ih", "bias_hh"][: case.biases]:
                weights[bias + suffix] = draw.uniform(G * case.H)
    cotangents = {"out": draw.uniform(case.T, case.B, D * case.H)}
    for state in case.states:
        cotangents[state + "_n"] = draw.uniform(case.layers * D, case.B, case.H)
    return {"inputs": inputs, "weights": weights, "cotangents": cotangents}


def golden(case: Case) -> dict[str, object]:
    drawn = draw_inputs(case, Draw(case.name))

    def compute(dtype: torch.dtype, layer=by_module if case.source == "torch.nn" else by_hand):
        leaves = {key: leaf(a, dtype) for key, a in {**drawn["inputs"], **drawn["weights"]}.items()}
        outputs = layer(case, leaves)
        return {"outputs": outputs, "grads": gradients(outputs, leaves, drawn["cotangents"])}

    if case.in_torch_nn:
        module, hand = compute(torch.float64, by_module), compute(torch.float64, by_hand)
        for group, tensors in module.items():
            for key, tensor in tensors.items():
                require_close(hand[group][key], tensor, f"{case.name} {group}.{key} by hand", 1e-12, 1e-12)
    results = checked(case.name, compute)
    return {"name": case.name, "kind": "recurrent", "config": case.config(), **drawn, **results}


LARGE = {"T": 9, "B": 4, "I": 5, "H": 7}
SMALL = {"B": 2, "I": 2, "H": 3}  # for many weights: keeps the files short
RAGGED, RAGGED_LARGE, RAGGED_SMALL = [3, 5, 1], [4, 9, 1, 6], [1, 5]


def variants(prefix: str, cell: str, form: str, biases: int = 2) -> Iterator[Case]:
    """Each of layers 1 to 3, directions, lengths and initial states, and most pairs of them."""
    def case(suffix: str, **options) -> Case:
        return Case(f"recurrent-{prefix}-{suffix}", cell, form, biases, **options)

    both = {"bidirectional": True}
    ragged = {"lengths": RAGGED}
    given = {"initial": "given"}
    yield case("l1")
    yield case("l1-given", **given)
    yield case("l1-lengths", **ragged)
    yield case("l1-lengths-given", **ragged, **given)
    yield case("l1-lengths-below-t", lengths=[3, 1, 4], **given)
    yield case("l1-bi", **both)
    yield case("l1-bi-lengths-given", **both, **ragged, **given)
    yield case("l2-given", layers=2, **given)
    yield case("l2-bi-lengths", layers=2, **both, **SMALL, lengths=RAGGED_SMALL)
    yield case("l3-lengths-given", layers=3, **SMALL, lengths=RAGGED_SMALL, **given)
    yield case("l3-bi-given", layers=3, **both, **SMALL, **given)
    yield case("large-lengths-given", **LARGE, lengths=RAGGED_LARGE, **given)


# For forms that differ from a fully covered one only inside the step, and for those that differ only in the bias.
FEW = ["l1", "l1-given", "l1-bi-lengths-given", "large-lengths-given"]
FEWER = ["l1-given", "l1-bi-lengths-given"]


def some_variants(wanted: list[str], prefix: str, cell: str, form: str, biases: int = 2) -> Iterator[Case]:
    names = {f"recurrent-{prefix}-{suffix}" for suffix in wanted}
    return (case for case in variants(prefix, cell, form, biases) if case.name in names)


def cases() -> Iterator[Case]:
    yield from variants("elman-tanh", "elman", "tanh")
    yield from some_variants([*FEW, "l1-lengths", "l2-bi-lengths", "l3-lengths-given"], "elman-relu", "elman", "relu")
    yield from variants("lstm", "lstm", "standard")
    yield from variants("gru-after", "gru", "reset-after")
    yield from some_variants([*FEW, "l2-bi-lengths"], "gru-before", "gru", "reset-before")
    yield from some_variants(FEW[1:], "gru-before-one-bias", "gru", "reset-before", 1)
    yield from some_variants(FEWER, "gru-after-one-bias", "gru", "reset-after", 1)
    yield from some_variants(FEWER, "elman-tanh-one-bias", "elman", "tanh", 1)
    yield from some_variants(FEWER, "elman-relu-one-bias", "elman", "relu", 1)
    yield from some_variants(["l1-given"], "lstm-one-bias", "lstm", "standard", 1)
    empty = {"bidirectional": True, "lengths": [5, 0, 2], "initial": "given"}
    yield Case("recurrent-lstm-l1-bi-empty-row-given", "lstm", "standard", **empty)
    yield Case("recurrent-gru-after-l1-bi-empty-row-given", "gru", "reset-after", **empty)


def goldens() -> Iterator[dict[str, object]]:
    return map(golden, cases())
