#!/bin/sh
#STINT --name=tune-commons-lm
#STINT --model=examples/commons-lm
#STINT --data=examples/commons-text
#STINT --cpus=1 --time=10m
#STINT --purpose="a few more epochs on the commons text"
# Continues the training of the admitted model on the admitted data, and writes new weights and a metrics file into the
# job's own folder. Ends with 1 when the new weights do not beat the old ones on the held-out lines.
set -eu
exec python3 -B "$STINT_MODEL_COMMONS_LM/src/train.py" \
    "$STINT_DATA_COMMONS_TEXT/text.txt" "$STINT_OUTPUT_DIR/tuned.safetensors" \
    --from "$STINT_MODEL_COMMONS_LM/model.safetensors" --epochs 12 --rate 0.04 \
    --metrics "$STINT_OUTPUT_DIR/metrics.json"
