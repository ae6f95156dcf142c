"""Data processing: read the text, lower its case, keep the allowed characters, split off the held-out lines.

Every fifth line is held out for validation and never trained on. Nothing else is filtered.
"""

ALPHABET = "\n abcdefghijklmnopqrstuvwxyz.,:'"  # index 0 is also the place before a line's beginning
HELD_OUT_EVERY = 5


def clean(text):
    return "\n".join("".join(c for c in line.lower() if c in ALPHABET) for line in text.splitlines() if line.strip())


def split(text):
    lines = clean(text).splitlines()
    train = [line for number, line in enumerate(lines) if number % HELD_OUT_EVERY != HELD_OUT_EVERY - 1]
    held_out = [line for number, line in enumerate(lines) if number % HELD_OUT_EVERY == HELD_OUT_EVERY - 1]
    return "\n".join(train), "\n".join(held_out)
