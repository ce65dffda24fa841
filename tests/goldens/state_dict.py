#!/usr/bin/env python3
"""Weights and energies of two networks as PyTorch has them, and a strict reader of what erg writes.

    python3 tests/goldens/state_dict.py > tests/golden_state_dict.h && make format
    python3 tests/goldens/state_dict.py FILE.safetensors FILE.npz ...

The first writes mlp.safetensors, mlp.npz, conv.safetensors and vision.safetensors next to this script, and the energies
of inputs that test_state_dict.c repeats. The second reads files and prints what they hold; it fails
if a file breaks a rule of its format. The .safetensors code is written from the format's description.
"""
import json
import os
import struct
import sys
import zipfile

import numpy as np

DTYPES = {"F64": "<f8", "F32": "<f4", "I32": "<i4"}


def write_safetensors(path, tensors):
    rank = {"float64": 0, "float32": 1, "int32": 2}
    names = {"float64": "F64", "float32": "F32", "int32": "I32"}
    header, data = {}, b""
    for name in sorted(tensors, key=lambda n: (rank[tensors[n].dtype.name], n.encode())):
        array = tensors[name]
        header[name] = {"dtype": names[array.dtype.name], "shape": list(array.shape),
                        "data_offsets": [len(data), len(data) + array.nbytes]}
        data += array.tobytes()
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def no_duplicates(pairs):
    assert len(dict(pairs)) == len(pairs), "a name is there twice"
    return dict(pairs)


def read_safetensors(path):
    with open(path, "rb") as file:
        content = file.read()
    (length,) = struct.unpack("<Q", content[:8])
    assert length <= 100_000_000 and length % 8 == 0 and 8 + length <= len(content)
    text = content[8:8 + length].decode("utf-8")
    assert text.startswith("{") and text.rstrip(" ").endswith("}")
    header = json.loads(text, object_pairs_hook=no_duplicates)
    for key, value in header.pop("__metadata__", {}).items():
        assert isinstance(key, str) and isinstance(value, str)
    end, tensors = 0, {}
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        assert set(entry) == {"dtype", "shape", "data_offsets"}
        dtype, (begin, after) = np.dtype(DTYPES[entry["dtype"]]), entry["data_offsets"]
        assert begin == end and (8 + length + begin) % dtype.itemsize == 0
        assert after - begin == dtype.itemsize * int(np.prod(entry["shape"], dtype=int))
        piece = content[8 + length + begin:8 + length + after]
        tensors[name] = np.frombuffer(piece, dtype).reshape(entry["shape"])
        end = after
    assert 8 + length + end == len(content)
    return tensors


def read_npz(path):
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
    with np.load(path) as arrays:
        return {name: arrays[name] for name in arrays}


def show(path):
    tensors = read_npz(path) if path.endswith(".npz") else read_safetensors(path)
    for name, array in tensors.items():
        print(path, name, array.dtype, array.shape, array.sum())


def fill(shape):
    import torch
    i = torch.arange(torch.Size(shape).numel(), dtype=torch.float64)
    return torch.sin(0.1 + 0.7 * i).reshape(shape)


def state_dict(net):
    return {name: value.numpy() for name, value in net.state_dict().items()}


def print_energies(name, net, x):
    values = net.double()(x).reshape(-1).tolist()
    print("static const double %s[] = {%s};" % (name, ", ".join("%.17g" % v for v in values)))


def make():
    import torch
    from torch import nn

    class Mlp(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(2, 8), nn.Linear(8, 8), nn.Linear(8, 1)])

        def forward(self, x):
            for layer in self.layers[:-1]:
                x = nn.functional.silu(layer(x))
            return self.layers[-1](x)

    class Conv(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(1, 4, 3, stride=2, padding=1)
            self.conv2 = nn.Conv2d(4, 6, 3, stride=2, padding=1)
            self.head = nn.Linear(6 * 2 * 2, 1)

        def forward(self, x):
            x = nn.functional.silu(self.conv1(x))
            x = nn.functional.silu(self.conv2(x))
            return self.head(x.flatten(1))

    class Vision(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 4, 3, stride=2, padding=1)
            self.norm1 = nn.GroupNorm(2, 4)
            self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
            self.norm2 = nn.LayerNorm(4)
            self.head = nn.Linear(16 * 4, 1)
            for name, param in self.named_parameters():
                if name.startswith("norm") or name.endswith("bias"):
                    nn.init.normal_(param)

        def forward(self, x):
            x = self.norm1(nn.functional.silu(self.conv(x))).flatten(2).transpose(1, 2)
            x = x + self.attention(x, x, x)[0]
            return self.head(self.norm2(x).flatten(1))

    torch.manual_seed(1)
    mlp, conv, vision = Mlp(), Conv(), Vision()
    folder = os.path.dirname(os.path.abspath(__file__))
    write_safetensors(os.path.join(folder, "mlp.safetensors"), state_dict(mlp))
    write_safetensors(os.path.join(folder, "conv.safetensors"), state_dict(conv))
    write_safetensors(os.path.join(folder, "vision.safetensors"), state_dict(vision))
    np.savez(os.path.join(folder, "mlp.npz"), **state_dict(mlp))
    print("/* golden_state_dict.h: made by tests/goldens/state_dict.py with PyTorch %s. */"
          % torch.__version__.split("a")[0])
    print_energies("golden_mlp", mlp, fill((5, 2)))
    print_energies("golden_conv", conv, fill((3, 1, 8, 8)))
    print_energies("golden_vision", vision, fill((3, 1, 8, 8)))


if len(sys.argv) > 1:
    for name in sys.argv[1:]:
        show(name)
else:
    make()
