"""The model: a character language model whose next-character scores are a sum of one table per earlier place.

score(next | c1 c2 c3) = bias[next] + T1[c1][next] + T2[c2][next] + T3[c3][next], turned into probabilities by softmax.
Only additions, multiplications, divisions and comparisons of IEEE doubles are used (exp is computed here, not by the C
library), so that training gives the same bits on every machine. Python 3, standard library only.
"""

import json
import struct

PLACES = 3
PAD = 0  # index of the character that stands before the beginning of a line


def exp(x):
    """e**x for x <= 0 by halving and squaring; the same bits everywhere, relative error below 1e-12."""
    if x < -60.0:
        return 0.0
    y = x / 64.0
    term = 1.0
    total = 1.0
    for n in range(1, 14):
        term = term * y / n
        total += term
    for _ in range(6):
        total *= total
    return total


def log(x):
    """Natural logarithm of 0 < x <= 1 by Newton's method on exp()."""
    shift = 0
    while x < 0.5:
        x *= 2.0
        shift += 1
    y = x - 1.0
    for _ in range(6):
        e = 1.0 / exp(-y) if y > 0.0 else exp(y)
        y += 2.0 * (x - e) / (x + e)
    return y - shift * 0.6931471805599453


class Model:
    """Tables as lists of floats; rows by earlier character, columns by next character."""

    def __init__(self, alphabet):
        self.alphabet = alphabet
        size = len(alphabet)
        self.size = size
        self.bias = [0.0] * size
        self.tables = [[[0.0] * size for _ in range(size)] for _ in range(PLACES)]

    def rows(self, context):
        return [self.tables[place][c] for place, c in enumerate(context)]

    def probabilities(self, context):
        a, b, c = self.rows(context)
        scores = [w + x + y + z for w, x, y, z in zip(self.bias, a, b, c)]
        top = max(scores)
        weights = [exp(s - top) for s in scores]
        total = sum(weights)
        return [w / total for w in weights]


def encode(alphabet, text):
    """Windows (context, next) over each line, the newline included; a character outside the alphabet is refused."""
    index = {c: i for i, c in enumerate(alphabet)}
    windows = []
    for line in text.splitlines():
        context = (PAD,) * PLACES
        for c in line + "\n":
            if c not in index:
                raise ValueError("character %r is not in the alphabet" % c)
            windows.append((context, index[c]))
            context = (index[c],) + context[:-1]
    return windows


def mean_loss(model, windows):
    """Mean negative log likelihood of the next character, in nats."""
    return sum(-log(max(model.probabilities(context)[target], 1e-30)) for context, target in windows) / len(windows)


def round32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def save(model, path, metadata):
    """Write safetensors: 8 bytes of header size, a JSON header, then float32 data without holes."""
    tensors = [("bias", [model.size], model.bias)]
    for place in range(PLACES):
        flat = [value for row in model.tables[place] for value in row]
        tensors.append(("table.%d" % (place + 1), [model.size, model.size], flat))
    header = {"__metadata__": dict(metadata, alphabet=model.alphabet, format="pt")}
    data = b""
    for name, shape, values in tensors:
        chunk = struct.pack("<%df" % len(values), *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(chunk)]}
        data += chunk
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def load(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > 1 << 20:
            raise ValueError("the header of %s is larger than a model of this kind needs" % path)
        header = json.loads(file.read(length))
        data = file.read()
    model = Model(header["__metadata__"]["alphabet"])

    def values(name):
        begin, end = header[name]["data_offsets"]
        return list(struct.unpack("<%df" % ((end - begin) // 4), data[begin:end]))

    model.bias = values("bias")
    for place in range(PLACES):
        flat = values("table.%d" % (place + 1))
        model.tables[place] = [flat[i : i + model.size] for i in range(0, len(flat), model.size)]
    return model
