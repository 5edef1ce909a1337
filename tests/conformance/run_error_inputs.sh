#!/bin/sh
# Records what PyTorch answers to OpInfo's bad input, and compares our answers:
#   run_error_inputs.sh PYTHON REPLAY_GRAPHS OUT_DIR
set -e
python=$1 replay=$2 out=$3
here=$(dirname "$0")
mkdir -p "$out"
export PYTHONPATH="$here"
"$python" "$here/record_error_inputs.py" "$out/error_inputs.jsonl"
"$python" "$here/check_error_inputs.py" "$replay" "$out/error_inputs.jsonl"
