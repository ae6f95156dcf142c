#!/bin/sh
# Runs a fuzzer's program over each file of its corpus: replay.sh PROGRAM FOLDER
set -eu
[ -n "$(ls "$2")" ] || { echo "no corpus in $2" >&2; exit 1; }
exec "$1" "$2"/*
