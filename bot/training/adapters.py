"""Low-rank adapters (Hu et al. 2021): what more questions teach, as two thin matrices beside each wide one.

The wide ones stay as they are shipped, byte for byte: new questions cost the repository a megabyte instead of ten.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bot.training.crossencoder import CrossEncoder
from bot.training.screener import Screener

RANK = 16
Shipped = CrossEncoder | Screener


class Adapted(torch.nn.Module):
    """A linear layer that learns nothing more, and the correction that is added to what it gives."""

    def __init__(self, linear: torch.nn.Linear, rank: int) -> None:
        super().__init__()
        self.linear = linear.requires_grad_(False)
        self.down = torch.nn.Linear(linear.in_features, rank, bias=False)
        self.up = torch.nn.Linear(rank, linear.out_features, bias=False)
        torch.nn.init.zeros_(self.up.weight)  # the first step starts from the layer as it was

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return the layer's output for ``values``, corrected."""
        corrected: torch.Tensor = self.linear(values) + self.up(self.down(values))
        return corrected


def adapt(model: Shipped, rank: int = RANK) -> None:
    """Give every linear layer of the encoder an adapter of ``rank``; beside these only the head learns."""
    model.encoder.requires_grad_(False)
    for owner in list(model.encoder.modules()):
        for name, inner in list(owner.named_children()):
            if isinstance(inner, torch.nn.Linear) and owner is not model.encoder.pooler:
                setattr(owner, name, Adapted(inner, rank))


def without_dropout(model: Shipped) -> None:
    """Switch dropout off: thin adapters hardly learn by heart, and it takes a third of the time."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0


def load_shipped(model: Shipped, graph: Path) -> None:
    """Fill ``model`` with the weights of an exported graph of 8 bits, without the adapters that it may have.

    Its word embeddings stay: they never learnt.

    Raises:
        ValueError: the graph is no export of this network.
    """
    import onnx
    from onnx import numpy_helper

    held = onnx.load(str(graph)).graph
    known = {one.name.replace(".linear.", "."): numpy_helper.to_array(one) for one in held.initializer}
    # Node "/encoder/.../query/MatMul_quant" multiplies by what is "encoder....query.weight" in the network.
    matrices = {
        node.name.strip("/").removesuffix("/MatMul_quant").removesuffix("/linear").replace("/", "."): node.input[1]
        for node in held.node
        if node.op_type == "MatMulInteger"
    }
    state = model.state_dict()
    for name in (name for name in state if "_embeddings." not in name and ".pooler." not in name):
        values = known.get(name)
        if values is None:
            matrix = matrices.get(name.removesuffix(".weight"), f"{name}_quantized")
            values = _restored(known, matrix.removesuffix("_quantized"), graph)
        state[name] = torch.from_numpy(values.astype(np.float32)).reshape(state[name].shape)
    model.load_state_dict(state)


def _restored(known: Mapping[str, NDArray[np.generic]], name: str, graph: Path) -> NDArray[np.float32]:
    """Return a matrix of 8 bits, (in, out) with a scale for each column, as (out, in) numbers."""
    if f"{name}_quantized" not in known:
        raise ValueError(f"{graph} does not hold '{name}': it is no export of this network")
    whole = known[f"{name}_quantized"].astype(np.float32) - known[f"{name}_zero_point"].astype(np.float32)
    return np.ascontiguousarray((whole * known[f"{name}_scale"].astype(np.float32)).T)
