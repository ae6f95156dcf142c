"""Training: plain stochastic gradient descent in the order of the text, no random numbers, the rate falls by half each epoch.

usage: train.py TEXT OUT.safetensors [--from BASE.safetensors] [--epochs N] [--rate R] [--metrics FILE]
"""

import argparse
import json
import sys

from model import Model, encode, load, log, mean_loss, round32, save
from prepare import ALPHABET, split


def train_epoch(model, windows, rate):
    for context, target in windows:
        gradient = model.probabilities(context)
        gradient[target] -= 1.0
        steps = [rate * g for g in gradient]
        model.bias = [w - s for w, s in zip(model.bias, steps)]
        for place, c in enumerate(context):
            row = model.tables[place][c]
            model.tables[place][c] = [w - s for w, s in zip(row, steps)]


def frequency_loss(train, held_out, size):
    """The baseline: predict each character by how often it occurs in the training text, with add-one smoothing."""
    counts = [1] * size
    for _, target in train:
        counts[target] += 1
    total = float(sum(counts))
    return sum(-log(counts[target] / total) for _, target in held_out) / len(held_out)


def main():
    parser = argparse.ArgumentParser(description="train the commons language model")
    parser.add_argument("text")
    parser.add_argument("out")
    parser.add_argument("--from", dest="base")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rate", type=float, default=0.25)
    parser.add_argument("--metrics")
    options = parser.parse_args()

    with open(options.text, encoding="utf-8") as file:
        train_text, held_out_text = split(file.read())
    model = load(options.base) if options.base else Model(ALPHABET)
    train, held_out = encode(model.alphabet, train_text), encode(model.alphabet, held_out_text)
    baseline = mean_loss(model, held_out) if options.base else frequency_loss(train, held_out, model.size)
    rate = options.rate
    for epoch in range(options.epochs):
        train_epoch(model, train, rate)
        rate /= 2.0
        print("epoch %d: held-out loss %.6f" % (epoch + 1, mean_loss(model, held_out)), flush=True)
    model.bias = [round32(w) for w in model.bias]
    model.tables = [[[round32(w) for w in row] for row in table] for table in model.tables]
    loss = mean_loss(model, held_out)
    save(model, options.out, {"title": "commons-lm", "license": "Apache-2.0"})
    if options.metrics:
        with open(options.metrics, "w", encoding="utf-8") as file:
            json.dump({"held_out_loss": loss, "baseline_loss": baseline, "epochs": options.epochs,
                       "train_characters": len(train), "held_out_characters": len(held_out),
                       "beats_baseline": loss < baseline}, file, indent=1, sort_keys=True)
            file.write("\n")
    print("held-out loss %.6f, baseline %.6f" % (loss, baseline))
    return 0 if loss < baseline else 1


if __name__ == "__main__":
    sys.exit(main())
