"""What a network costs beyond its arithmetic."""

import torch


def kept_bytes(net, x):
    """What autograd keeps of ``net(x)`` for the backward pass, without parameters."""
    parameters = {p.data_ptr() for p in net.parameters()}
    kept = {}

    def pack(tensor):
        if tensor.data_ptr() not in parameters:
            kept[tensor.data_ptr()] = tensor.nbytes
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        net(x)
    return sum(kept.values())
