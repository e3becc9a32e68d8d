"""One recurrent layer with PyTorch's own LSTM and GRU. Time comes first, which is how PyTorch is fastest."""
import numpy as np
import torch

from draw import draw
from serve import SPEC, serve

CELL, MODE = SPEC["cell"], SPEC["mode"]
B, T, I, H = SPEC["batch"], SPEC["time"], SPEC["inputs"], SPEC["units"]
CHECKED = 3

torch.set_num_threads(SPEC["threads"])
assert SPEC["bias"] == "two" and SPEC["reset"] == "after", "what PyTorch computes"


class Normed(torch.nn.Module):
    """An LSTM whose gates are normalised, as a loop over time: what one writes for a cell that PyTorch lacks."""

    def __init__(self):
        super().__init__()
        limit = H**-0.5
        given = lambda seed, shape: torch.from_numpy(draw(seed, shape, limit))
        self.kernel = torch.nn.Parameter(given(1, (I, 4 * H)))
        self.recurrent = torch.nn.Parameter(given(2, (H, 4 * H)))
        self.bias = torch.nn.Parameter(given(3, (4 * H,)))
        self.gain = torch.nn.Parameter(given(4, (4 * H,)) + 1)

    def forward(self, x, state=None):
        zx = x @ self.kernel
        h = c = torch.zeros(x.shape[1], H)
        outputs = []
        for t in range(x.shape[0]):
            raw = zx[t] + h @ self.recurrent
            z = torch.nn.functional.layer_norm(raw, (4 * H,), self.gain, self.bias, 1e-5)
            i, f, g, o = z.chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            outputs.append(h)
        return torch.stack(outputs), (h, c)


def layer():
    if CELL == "normed":
        return Normed()
    rnn = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[CELL](I, H)
    columns = {"lstm": 4, "gru": 3}[CELL] * H
    limit = H**-0.5
    with torch.no_grad():
        rnn.weight_ih_l0.copy_(torch.from_numpy(draw(1, (I, columns), limit).T.copy()))
        rnn.weight_hh_l0.copy_(torch.from_numpy(draw(2, (H, columns), limit).T.copy()))
        rnn.bias_ih_l0.copy_(torch.from_numpy(draw(3, (columns,), limit)))
        rnn.bias_hh_l0.copy_(torch.from_numpy(draw(4, (columns,), limit)))
    return rnn


def by_time(x):
    return torch.from_numpy(np.ascontiguousarray(x.transpose(1, 0, 2)))


def sample(values):
    flat = values.reshape(-1)
    count = min(1009, flat.size)
    return [float(flat[k * flat.size // count]) for k in range(count)]


rnn = layer()
x = by_time(draw(5, (B, T, I), 1))


def infer():
    with torch.inference_mode():
        return rnn(x)[0].numpy()


def train():
    optimizer.zero_grad(set_to_none=True)
    loss = torch.nn.functional.mse_loss(rnn(x)[0], target)
    loss.backward()
    optimizer.step()
    return loss.item()


def differentiate():
    rnn.zero_grad(set_to_none=True)
    rnn(x)[0].backward(given)
    matrices = (rnn.weight_ih_l0, rnn.weight_hh_l0)
    biases = (rnn.bias_ih_l0, rnn.bias_hh_l0)
    return [w.grad.T for w in matrices] + [b.grad for b in biases]


def stream():
    global state
    with torch.inference_mode():
        y, state = rnn(torch.from_numpy(x_host), state)
        return y.numpy()


if MODE == "inference":
    rnn.eval()
    step = infer
    check = lambda: sample(infer().transpose(1, 0, 2))
elif MODE == "training":
    target = by_time(draw(6, (B, T, H), 1))
    optimizer = torch.optim.SGD(rnn.parameters(), lr=SPEC["learningRate"])
    step = train
    check = lambda: [train() for _ in range(CHECKED)]
elif MODE == "gradients":
    given = by_time(draw(6, (B, T, H), (B * T) ** -0.5))
    step = differentiate
    check = lambda: [v for values in differentiate() for v in sample(values.numpy())]
else:
    x_host = x.numpy()
    state = None
    step = stream
    check = lambda: [v for _ in range(CHECKED) for v in sample(stream())]

serve(check, step, f"PyTorch {torch.__version__}, {torch.get_num_threads()} thread(s)")
