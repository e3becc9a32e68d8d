"""A training step of the sentiment model with PyTorch's own layers and Adam."""
import numpy as np
import torch

from draw import draw
from serve import SPEC, serve

B, T, I, H, WORDS = (SPEC[k] for k in ("batch", "time", "features", "units", "words"))
assert SPEC["cell"] == "lstm", "whose gates are in the same order everywhere"
torch.set_num_threads(SPEC["threads"])


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(WORDS, I)
        self.rnn = torch.nn.LSTM(I, H)
        self.dense = torch.nn.Linear(H, 1)

    def forward(self, ids):
        return self.dense(self.rnn(self.embedding(ids))[1][0][0])


def given(seed, shape, limit):
    return torch.from_numpy(draw(seed, shape, limit))


model = Model()
with torch.no_grad():
    model.embedding.weight.copy_(given(1, (WORDS, I), 0.5))
    model.rnn.weight_ih_l0.copy_(given(2, (I, 4 * H), 0.2).T)
    model.rnn.weight_hh_l0.copy_(given(3, (H, 4 * H), 0.2).T)
    model.rnn.bias_ih_l0.copy_(given(4, (4 * H,), 0.2))
    model.rnn.bias_hh_l0.zero_()
    model.dense.weight.copy_(given(5, (H, 1), 0.5).T)
    model.dense.bias.copy_(given(6, (1,), 0.5))
model.rnn.bias_hh_l0.requires_grad_(False)  # one bias, as on all sides

ids = np.floor((draw(7, (B, T), 1).astype(np.float64) + 1) / 2 * WORDS).astype(np.int64)
ids = torch.from_numpy(np.ascontiguousarray(ids.T))
labels = torch.from_numpy((draw(8, (B, 1), 1) >= 0).astype(np.float32))
trained = [p for p in model.parameters() if p.requires_grad]
optimizer = torch.optim.Adam(trained, lr=SPEC["learningRate"], eps=SPEC["epsilon"])


def train():
    optimizer.zero_grad(set_to_none=True)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(model(ids), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


about = f"PyTorch {torch.__version__}, {torch.get_num_threads()} thread(s)"
serve(lambda: [train() for _ in range(SPEC["checked"])], train, about)
