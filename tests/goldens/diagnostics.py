#!/usr/bin/env python3
"""Writes tests/golden_diagnostics.h: the statistics of Vehtari et al. (2021), straight from the paper.

    python3 tests/goldens/diagnostics.py > tests/golden_diagnostics.h && make format

Nothing is shared with the library: autocovariances are double sums, not transforms. The draws are
made by arithmetic alone, which test_diagnostics.c repeats.
"""
from statistics import NormalDist
import numpy as np

CASES = [  # name, chains, draws, a, drift, spread, kind
    ("mixed", 4, 100, 0.6, 0, 0, "plain"),
    ("antithetic", 4, 100, -0.5, 0, 0, "plain"),
    ("drifting", 4, 100, 0.3, 0.01, 0, "plain"),
    ("shifted", 3, 120, 0.3, 0, 0, "shifted"),
    ("scaled", 4, 100, 0.2, 0, 1, "plain"),
    ("heavy", 4, 100, 0.4, 0, 0, "heavy"),
    ("ties", 4, 100, 0.5, 0, 0, "ties"),
    ("odd", 4, 101, 0.7, 0, 0, "plain"),
    ("single", 1, 250, 0.8, 0, 0, "plain"),
]


def draw(chains, n, a, drift, spread, kind):
    state, x = 12345, np.zeros((chains, n))
    for c in range(chains):
        at = 0.0
        for t in range(n):
            state = (state * 1103515245 + 12345) % 2**31
            at = a * at + (state / 2**31 - 0.5)
            y = at * (1 + spread * c) + drift * t
            if kind == "shifted":
                y += 0.5 * c
            elif kind == "heavy":
                y = y / (0.01 + y * y)
            elif kind == "ties":
                y = np.floor(4 * y)
            x[c, t] = y
    return x


def split(x):
    half = x.shape[1] // 2
    return np.concatenate([x[:, :half], x[:, -half:]])


def average_ranks(x):
    flat = x.ravel()
    below = (flat[None, :] < flat[:, None]).sum(1)
    equal = (flat[None, :] == flat[:, None]).sum(1)
    return (below + (equal + 1) / 2).reshape(x.shape)


def scores(x):
    p = (average_ranks(x) - 3 / 8) / (x.size + 1 / 4)
    return np.vectorize(NormalDist().inv_cdf)(p)


def within_and_plus(x):
    m, n = x.shape
    w = x.var(axis=1, ddof=1).mean()
    b = n * x.mean(axis=1).var(ddof=1) if m > 1 else 0
    return w, (n - 1) / n * w + b / n


def rhat(x):
    w, plus = within_and_plus(x)
    return np.sqrt(plus / w)


def rhos(x):
    m, n = x.shape
    w, plus = within_and_plus(x)
    centred = x - x.mean(axis=1, keepdims=True)
    mean_cov = [(centred[:, : n - t] * centred[:, t:]).sum() / n / m for t in range(n)]
    rho = [1 - (w - c) / plus for c in mean_cov]
    rho[0] = 1.0
    return rho


def ess(x):
    """Geyer's initial monotone sequence, truncated as in Stan."""
    m, n = x.shape
    rho = rhos(x)
    pairs, last = [], 0
    while True:
        pairs.append(rho[2 * last] + rho[2 * last + 1])
        if pairs[-1] <= 0 or 2 * last + 1 >= n - 3:
            break
        last += 1
    kept = np.minimum.accumulate(pairs[:-1]) if last else np.zeros(0)
    tau = -1 + 2 * kept.sum() + max(rho[2 * last], 0)
    return m * n / max(tau, 1 / np.log10(m * n))


def diagnose(x):
    q5, q50, q95 = np.quantile(x, [0.05, 0.5, 0.95])
    halves, mean = split(x), x.mean()
    folded = np.abs(halves - np.median(halves))
    square = (x - mean) ** 2
    variance = square.mean()
    ess_square = ess(split(square))
    mcse_std = np.sqrt((np.mean(square**2) - variance**2) / ess_square / variance) / 2
    std = x.std(ddof=1)
    rhat_split, rhat_folded = rhat(scores(halves)), rhat(scores(folded))
    return [
        mean, std, 1.482602218505602 * np.median(np.abs(x - q50)), q5, q50, q95,
        std / np.sqrt(ess(halves)), mcse_std, ess(scores(halves)),
        min(ess(split((x <= q) * 1.0)) for q in (q5, q95)), ess(halves),
        rhat_split, rhat_folded, max(rhat_split, rhat_folded),
    ]


print("""/* golden_diagnostics.h: statistics of chains, computed from the formulas of Vehtari et al. (2021) by
 * tests/goldens/diagnostics.py, which says how the draws are made. */
static const struct golden_chains {
    const char *name;
    int chains, draws;
    double a, drift, spread;
    const char *kind;
    double statistics[14]; /* the fields of erg_diagnosis, in their order */
} golden_chains[] = {""")
for case in CASES:
    name, chains, n, a, drift, spread, kind = case
    numbers = ", ".join(repr(float(v)) for v in diagnose(draw(*case[1:])))
    print(f'{{"{name}", {chains}, {n}, {a}, {drift}, {spread}, "{kind}", {{{numbers}}}}},')
print("};")
