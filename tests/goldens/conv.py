#!/usr/bin/env python3
"""Writes tests/golden_conv.h: convolutions and their derivatives as PyTorch computes them.

    python3 tests/goldens/conv.py > tests/golden_conv.h && make format

Operands are filled by fill(), which test_conv.c repeats. With y = conv(x, w), s = sum sin(y) and
n = sum (ds/dx)^2 + sum (ds/dw)^2, the table holds checksums of y, ds/dx, ds/dw, dn/dx and dn/dw.
"""
import torch
import torch.nn.functional as F

# batch, groups, channels and filters of a group, image, kernel, stride, padding, dilation
CONV = [
    (1, 1, 1, 1, (4, 5), (2, 3), (1, 1), (0, 0), (1, 1)),
    (2, 1, 3, 4, (6, 7), (3, 3), (1, 1), (1, 1), (1, 1)),
    (3, 1, 1, 16, (9, 9), (5, 5), (2, 2), (4, 4), (1, 1)),
    (17, 1, 5, 13, (7, 6), (3, 2), (2, 1), (1, 0), (1, 1)),
    (2, 3, 2, 3, (8, 9), (3, 3), (2, 3), (1, 2), (1, 1)),
    (2, 1, 2, 2, (11, 10), (3, 3), (1, 2), (2, 2), (3, 2)),
    (1, 4, 1, 1, (5, 5), (3, 3), (1, 1), (1, 1), (1, 1)),
    (2, 1, 3, 2, (5, 9), (1, 1), (2, 4), (0, 0), (1, 1)),
    (2, 1, 2, 3, (3, 3), (2, 2), (3, 3), (2, 2), (1, 1)),
    (20, 1, 8, 25, (4, 4), (3, 3), (2, 2), (1, 1), (1, 1)),
    (2, 1, 2, 3, (2, 7), (4, 2), (1, 5), (3, 1), (1, 4)),
]
# and output padding
TURNED = [
    (1, 1, 1, 1, (3, 4), (2, 3), (1, 1), (0, 0), (1, 1), (0, 0)),
    (2, 1, 3, 2, (4, 3), (3, 3), (2, 2), (1, 1), (1, 1), (1, 0)),
    (17, 2, 2, 3, (3, 5), (3, 2), (2, 3), (1, 0), (1, 2), (0, 2)),
    (2, 1, 4, 1, (5, 4), (2, 2), (1, 1), (0, 1), (3, 3), (2, 1)),
]


def fill(shape, seed):
    n = torch.Size(shape).numel()
    i = torch.arange(n, dtype=torch.float64)
    return torch.sin(seed + 0.7 * i + 0.01 * i * i).reshape(shape).requires_grad_(True)


def checksum(t):
    i = torch.arange(t.numel(), dtype=torch.float64)
    return (t.reshape(-1) * torch.cos(0.3 * i)).sum().item()


def row(case, y, x, w):
    grads = torch.autograd.grad(torch.sin(y).sum(), (x, w), create_graph=True)
    n = sum((g * g).sum() for g in grads)
    second = torch.autograd.grad(n, (x, w))
    numbers = [checksum(t.detach()) for t in (y, *grads, *second)]
    flat = []
    for part in case:
        flat += part if isinstance(part, tuple) else [part]
    flat += [0, 0] * (len(case) == 9)
    head = ", ".join(str(v) for v in flat)
    print("    {{%s},\n     {%s}}," % (head, ",\n      ".join("%.17g" % v for v in numbers)))


def main():
    print("/* golden_conv.h: made by tests/goldens/conv.py with PyTorch %s. */"
          % torch.__version__.split("a")[0])
    print("static const golden golden_conv[] = {")
    for case in CONV:
        b, g, c, f, image, kernel, s, p, d = case
        x, w = fill((b, g * c, *image), 1), fill((g * f, c, *kernel), 2)
        row(case, F.conv2d(x, w, None, s, p, d, g), x, w)
    print("};\n\nstatic const golden golden_transpose[] = {")
    for case in TURNED:
        b, g, c, f, image, kernel, s, p, d, more = case
        x, w = fill((b, g * c, *image), 1), fill((g * c, f, *kernel), 2)
        row(case, F.conv_transpose2d(x, w, None, s, p, more, g, d), x, w)
    print("};")


main()
