#!/usr/bin/env python3
"""Writes tests/golden_optimisers.h: optimisers and schedules as PyTorch computes them.

    python3 tests/goldens/optimisers.py > tests/golden_optimisers.h && make format

The loss is that of test_optimisers.c: sum c (p - a)^4 + sum d (q - b)^2 with p (3), q (2, 2). The
table holds all seven numbers after 1, 10 and 50 steps in float64, then in float32. Names of cases
are the options, as that test writes them.
"""
import sys
import torch

CENTRES = [1, -2, 0.5, 3, 0, -1, 0.25]
FACTORS = [0.5, 1, 3, 2, 0.1, 1e-3, 40]
START = [0, 0.3, -1, 1, 2, -2, 0]
KEPT = (1, 10, 50)
STEPS = 50

O = torch.optim
CASES = [  # name, optimiser, its options, clipping by norm and by value
    ("sgd", O.SGD, dict(lr=1e-3), 0, 0),
    ("sgd_decay", O.SGD, dict(lr=1e-3, weight_decay=0.3), 0, 0),
    ("sgd_momentum", O.SGD, dict(lr=1e-3, momentum=0.9), 0, 0),
    ("sgd_dampening", O.SGD, dict(lr=2e-3, momentum=0.8, dampening=0.4), 0, 0),
    ("sgd_nesterov", O.SGD, dict(lr=1e-3, momentum=0.8, nesterov=True, weight_decay=0.1), 0, 0),
    ("sgd_clip", O.SGD, dict(lr=0.05, momentum=0.5), 0.7, 0),
    ("sgd_clip_value", O.SGD, dict(lr=0.01), 0, 0.5),
    ("sgd_clip_both", O.SGD, dict(lr=0.02, weight_decay=0.1), 0.7, 0.5),
    ("rmsprop", O.RMSprop, dict(), 0, 0),
    ("rmsprop_alpha", O.RMSprop, dict(lr=1e-3, alpha=0.9, eps=1e-3, weight_decay=0.2), 0, 0),
    ("rmsprop_momentum", O.RMSprop, dict(lr=1e-3, momentum=0.7), 0, 0),
    ("rmsprop_centred", O.RMSprop, dict(lr=1e-3, alpha=0.9, eps=1e-2, centered=True), 0, 0),
    ("rmsprop_all", O.RMSprop, dict(lr=1e-3, alpha=0.9, eps=1e-2, centered=True, momentum=0.5,
                                    weight_decay=0.2), 1, 0),
    ("adagrad", O.Adagrad, dict(), 0, 0),
    ("adagrad_all", O.Adagrad, dict(lr=0.1, lr_decay=0.05, weight_decay=0.1, eps=1e-3,
                                    initial_accumulator_value=0.2), 0, 0),
    ("adam", O.Adam, dict(), 0, 0),
    ("adam_betas", O.Adam, dict(lr=0.01, betas=(0.5, 0.9), eps=1e-3), 0, 0),
    ("adam_memoryless", O.Adam, dict(lr=0.01, betas=(0, 0.999)), 0, 0),
    ("adam_decay", O.Adam, dict(lr=0.02, weight_decay=0.3), 0.1, 0),
    ("adam_amsgrad", O.Adam, dict(lr=0.05, betas=(0.9, 0.8), amsgrad=True), 0, 0),
    ("adamw", O.AdamW, dict(), 0, 0),
    ("adamw_decay", O.AdamW, dict(lr=0.02, weight_decay=0.3), 0, 0),
    ("adamw_amsgrad", O.AdamW, dict(lr=0.02, weight_decay=0.1, betas=(0.9, 0.8), amsgrad=True),
     0, 0),
]

L = O.lr_scheduler
TOTAL = 40
SCHEDULES = [
    ("step", 0.5, lambda o: L.StepLR(o, 7, 0.3)),
    ("exponential", 0.5, lambda o: L.ExponentialLR(o, 0.9)),
    ("cosine", 0.5, lambda o: L.CosineAnnealingLR(o, 25, 0.01)),
    ("linear", 0.5, lambda o: L.LinearLR(o, 0.1, 1.0, 12)),
    ("one_cycle", 0.5, lambda o: L.OneCycleLR(o, 0.5, TOTAL)),
    ("one_cycle_linear", 0.5, lambda o: L.OneCycleLR(o, 0.4, TOTAL, pct_start=0.45, div_factor=10,
                                                     final_div_factor=50,
                                                     anneal_strategy="linear")),
]


def numbers(values, indent="      "):
    lines = []
    for i in range(0, len(values), 4):
        lines.append(", ".join("%.17g" % v for v in values[i:i + 4]))
    return (",\n" + indent).join(lines)


def trajectory(make, options, norm, value, dtype):
    def tensor(v):
        return torch.tensor(v, dtype=dtype)
    p = torch.nn.Parameter(tensor(START[:3]))
    q = torch.nn.Parameter(tensor(START[3:]).reshape(2, 2))
    a, b = tensor(CENTRES[:3]), tensor(CENTRES[3:]).reshape(2, 2)
    c, d = tensor(FACTORS[:3]), tensor(FACTORS[3:]).reshape(2, 2)
    optimiser, kept = make([p, q], **options), []
    for t in range(1, STEPS + 1):
        optimiser.zero_grad()
        ((c * ((p - a) ** 2) ** 2).sum() + (d * (q - b) ** 2).sum()).backward()
        if value:
            torch.nn.utils.clip_grad_value_([p, q], value)
        if norm:
            torch.nn.utils.clip_grad_norm_([p, q], norm)
        optimiser.step()
        if t in KEPT:
            kept += p.tolist() + q.reshape(-1).tolist()
    return kept


def rates(base, make):
    optimiser = O.SGD([torch.nn.Parameter(torch.zeros(1))], lr=base)
    schedule, seen = make(optimiser), []
    for _ in range(TOTAL):
        seen.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    return seen


def main():
    version = torch.__version__.split("a")[0]
    print("/* golden_optimisers.h: made by tests/goldens/optimisers.py with PyTorch %s. */" % version)
    print("static const golden golden_optimisers[] = {")
    for name, make, options, norm, value in CASES:
        double = trajectory(make, options, norm, value, torch.float64)
        single = trajectory(make, options, norm, value, torch.float32)
        print('    {"%s",\n     {{%s},\n      {%s}}},' % (name, numbers(double), numbers(single)))
    print("};\n\nstatic const golden_rates golden_schedules[] = {")
    for name, base, make in SCHEDULES:
        print('    {"%s",\n     {%s}},' % (name, numbers(rates(base, make))))
    print("};")


sys.exit(main())
