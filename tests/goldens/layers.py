#!/usr/bin/env python3
"""Writes tests/golden_layers.h: layers, activations and their derivatives as PyTorch computes them.

    python3 tests/goldens/layers.py > tests/golden_layers.h && make format

x and the params, in their order, are filled by fill() with seeds 1, 2, ..., which the tests
repeat. With y = layer(x), s = sum sin(y) and n the sum of the squares of all derivatives of s, the
table holds checksums of y, of the derivatives of s, and of those of n, each by x and the params. An
embedding has no derivative by x.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils import spectral_norm


def fill(shape, seed):
    n = torch.Size(shape).numel()
    i = torch.arange(n, dtype=torch.float64)
    return torch.sin(seed + 0.7 * i + 0.01 * i * i).reshape(shape).requires_grad_(True)


def checksum(t):
    i = torch.arange(t.numel(), dtype=torch.float64)
    return (t.detach().reshape(-1) * torch.cos(0.3 * i)).sum().item()


def row(name, y, operands):
    first = torch.autograd.grad(torch.sin(y).sum(), operands, create_graph=True)
    n = sum((g * g).sum() for g in first)
    second = torch.autograd.grad(n, operands)
    numbers = [checksum(t) for t in (y, *first, *second)]
    print('    {"%s", {%s}},' % (name, ", ".join("%.17g" % v for v in numbers)))


def params_of(module):
    names = dict(module.named_parameters())
    if "weight_orig" in names:
        return [names["weight_orig"], names["bias"]]
    return list(names.values())


def layer(name, module, shape, apply=None):
    module = module.double()
    x, params = fill(shape, 1), params_of(module)
    for k, p in enumerate(params):
        p.data = fill(p.shape, 2 + k).data
    row(name, (apply or module)(x), [x, *params])
    return module


def embedding():
    module = nn.Embedding(5, 3).double()
    module.weight.data = fill((5, 3), 1).data
    row("embedding", module(torch.tensor([[0, 4], [2, 2], [1, 0]])), [module.weight])


def spectral(name, module, shape, training):
    module = spectral_norm(module).double()
    module.weight_u = F.normalize(fill(module.weight_u.shape, 20).detach(), dim=0)
    module.weight_v = F.normalize(fill(module.weight_v.shape, 21).detach(), dim=0)
    module.train(training)
    layer(name, module, shape)
    print('    {"%s, u and v after", {%.17g, %.17g}},'
          % (name, checksum(module.weight_u), checksum(module.weight_v)))


def attention(name, mask=None, padding=None, bias=True):
    module = nn.MultiheadAttention(6, 2, bias=bias, batch_first=True)
    apply = lambda x: module(x, x, x, attn_mask=mask, key_padding_mask=padding)[0]
    layer(name, module, (2, 3, 6), apply)


ACTIVATIONS = {
    "silu": F.silu, "relu": F.relu, "leaky_relu": F.leaky_relu, "elu": F.elu, "selu": F.selu,
    "gelu": F.gelu, "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"), "mish": F.mish,
    "tanh": torch.tanh, "sigmoid": torch.sigmoid, "log_sigmoid": F.logsigmoid,
    "softplus": F.softplus, "softsign": F.softsign, "hard_tanh": F.hardtanh,
    # PyTorch's own two have no second derivative
    "hard_sigmoid": lambda x: F.relu6(x + 3) / 6, "hard_swish": lambda x: x * F.relu6(x + 3) / 6,
    "identity": lambda x: x,
    "celu, 0.5": lambda x: F.celu(x, 0.5), "softplus, 2.5": lambda x: F.softplus(x, 2.5),
}


def main():
    print("/* golden_layers.h: made by tests/goldens/layers.py with PyTorch %s. */"
          % torch.__version__.split("a")[0])
    print("static const golden golden_layers[] = {")
    layer("convolution", nn.Conv2d(4, 6, (3, 2), (2, 1), (1, 2), (1, 2), groups=2), (2, 4, 5, 6))
    layer("convolution without bias", nn.Conv2d(2, 3, 3, bias=False), (1, 2, 4, 4))
    layer("transposed convolution",
          nn.ConvTranspose2d(4, 6, (3, 2), (2, 3), (1, 0), (1, 2), groups=2), (2, 4, 3, 2))
    layer("layer norm", nn.LayerNorm(5), (3, 4, 5))
    layer("layer norm of two axes", nn.LayerNorm((4, 5), eps=0.1), (3, 4, 5))
    layer("layer norm without affine", nn.LayerNorm(5, elementwise_affine=False), (3, 5))
    layer("group norm", nn.GroupNorm(2, 4), (2, 4, 3, 2))
    layer("group norm of features", nn.GroupNorm(2, 6, eps=0.01), (3, 6))
    layer("instance norm", nn.GroupNorm(3, 3, affine=False), (2, 3, 2, 2))
    attention("attention")
    attention("attention without bias", bias=False)
    hidden = torch.triu(torch.ones(3, 3), diagonal=1).bool()
    attention("causal attention", mask=hidden)
    padding = torch.tensor([[False, False, True], [False, False, False]])
    attention("padded attention", padding=padding)
    embedding()
    spectral("spectral linear", nn.Linear(4, 3), (2, 4), True)
    spectral("spectral linear in evaluation", nn.Linear(4, 3), (2, 4), False)
    spectral("spectral convolution", nn.Conv2d(2, 3, 3, padding=1), (1, 2, 4, 3), True)
    spectral("spectral transposed convolution", nn.ConvTranspose2d(2, 3, 2), (1, 2, 3, 3), True)
    for name, f in ACTIVATIONS.items():
        x = (4 * fill((15,), 1)).detach().requires_grad_(True)
        row(name, f(x), [x])
    print("};")


main()
