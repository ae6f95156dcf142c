"""Inference: continue a beginning with the most probable characters.

usage: generate.py MODEL.safetensors [BEGINNING] [--length N]
"""

import argparse

from model import PAD, PLACES, load


def main():
    parser = argparse.ArgumentParser(description="let the commons language model write")
    parser.add_argument("model")
    parser.add_argument("beginning", nargs="?", default="the ")
    parser.add_argument("--length", type=int, default=80)
    options = parser.parse_args()
    model = load(options.model)
    index = {c: i for i, c in enumerate(model.alphabet)}
    text = options.beginning
    for _ in range(options.length):
        context = tuple(index[c] for c in reversed(text[-PLACES:]))
        context += (PAD,) * (PLACES - len(context))
        probabilities = model.probabilities(context)
        best = model.alphabet[probabilities.index(max(probabilities))]
        if best == "\n":
            break
        text += best
    print(text)


if __name__ == "__main__":
    main()
