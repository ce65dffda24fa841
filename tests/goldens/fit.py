#!/usr/bin/env python3
"""Writes tests/golden_fit.h: distances between samples, straight from their definitions.

    python3 tests/goldens/fit.py > tests/golden_fit.h && make format

Nothing is shared with the library: Stein kernels come from PyTorch's derivatives of the kernel, the
Frechet distance from the eigenvalues of C1 C2, which is not symmetric. The points are made by
arithmetic alone, which test_fit.c repeats; the scores are those of E = |x|^2 / 2 + x_1^4 / 4.
"""
import numpy as np
import torch

D = 3


def points(n, seed, scale, shift):
    state, x = seed, np.zeros((n, D))
    for i in range(n):
        for k in range(D):
            state = (state * 1103515245 + 12345) % 2**31
            x[i, k] = scale * (k + 1) * (state / 2**31 - 0.5) + shift
    return x


def distances(a, b):
    return np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))


def mmd(a, b, h):
    k = lambda p, q: np.exp(-distances(p, q) ** 2 / (2 * h * h))
    off = lambda m: (m.sum() - np.trace(m)) / (len(m) * (len(m) - 1))
    return off(k(a, a)) + off(k(b, b)) - 2 * k(a, b).mean()


def median(a, b):
    both = np.concatenate([a, b])
    return np.median(distances(both, both)[np.triu_indices(len(both), 1)])


def energy_distance(a, b):
    return 2 * distances(a, b).mean() - distances(a, a).mean() - distances(b, b).mean()


def frechet(a, b):
    c, e = np.cov(a.T), np.cov(b.T)
    root = np.sqrt(np.linalg.eigvals(c @ e).astype(complex)).sum().real
    return ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(c + e) - 2 * root


def score(x):
    s = -x.copy()
    s[:, 0] -= x[:, 0] ** 3
    return s


def ksd(a, kernel, biased):
    n, s, total = len(a), score(a), 0
    for i in range(n):
        for j in range(n):
            if i == j and not biased:
                continue
            x = torch.tensor(a[i], requires_grad=True)
            y = torch.tensor(a[j], requires_grad=True)
            k = kernel(((x - y) ** 2).sum())
            dx, dy = torch.autograd.grad(k, [x, y], create_graph=True)
            trace = sum(torch.autograd.grad(dx[m], y, retain_graph=True)[0][m] for m in range(D))
            si, sj = torch.tensor(s[i]), torch.tensor(s[j])
            total += (k * si @ sj + si @ dy + sj @ dx + trace).item()
    return total / (n * n if biased else n * (n - 1))


def precision_recall(a, b, k):
    def inside(p, q):
        radii = np.sort(distances(q, q), axis=1)[:, k]
        return (distances(p, q) <= radii[None]).any(1).mean()
    return inside(a, b), inside(b, a)


imq = lambda c, beta: lambda r: (c * c + r) ** beta
rbf = lambda h: lambda r: torch.exp(-r / (2 * h * h))
a, b = points(40, 1, 2.0, 0.0), points(30, 7, 2.5, 0.4)
numbers = [
    ("mmd", mmd(a, b, 0.8)), ("mmd_median", mmd(a, b, median(a, b))),
    ("energy_distance", energy_distance(a, b)), ("frechet", frechet(a, b)),
    ("ksd_imq", ksd(a, imq(1, -0.5), False)), ("ksd_imq_biased", ksd(a, imq(1, -0.5), True)),
    ("ksd_imq_other", ksd(a, imq(0.5, -0.3), False)), ("ksd_rbf", ksd(a, rbf(1.5), False)),
    ("precision", precision_recall(a, b, 3)[0]), ("recall", precision_recall(a, b, 3)[1]),
    ("precision_1", precision_recall(a, b, 1)[0]), ("recall_1", precision_recall(a, b, 1)[1]),
]
print("""/* golden_fit.h: distances between samples, computed from their definitions by tests/goldens/fit.py,
 * which says how the points are made. */""")
for name, value in numbers:
    print(f"static const double golden_{name} = {float(value)!r};")
