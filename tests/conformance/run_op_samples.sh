#!/bin/sh
# Records OpInfo's samples under PyTorch and replays them, as they are and with
# symbolic sizes:
#   run_op_samples.sh PYTHON REPLAY_GRAPHS OUT_DIR [DTYPE...]
# PyTorch's side is most of the time: half a minute for a dtype.
set -e
python=$1 replay=$2 out=$3
shift 3
here=$(dirname "$0")
mkdir -p "$out"
export PYTHONPATH="$here"
files=
for dtype in "$@"; do
  "$python" "$here/record_op_samples.py" "$out/$dtype.jsonl" --dtype "$dtype"
  files="$files $out/$dtype.jsonl"
done
"$python" "$here/check_op_samples.py" "$replay" $files
"$python" "$here/check_symbolic_samples.py" "$replay" $files
