#!/bin/sh
# Records OpInfo's samples under PyTorch and replays them, as they are and with
# symbolic sizes:
#   run_op_samples.sh PYTHON REPLAY_GRAPHS OUT_DIR [--OPTION=VALUE...] [DTYPE...]
# The options are record_op_samples.py's. PyTorch's side is most of the time: half a
# minute for a dtype.
set -e
python=$1 replay=$2 out=$3
shift 3
here=$(dirname "$0")
mkdir -p "$out"
export PYTHONPATH="$here"
options= files=
for word in "$@"; do
  case $word in
  --*)
    options="$options $word"
    continue
    ;;
  esac
  # shellcheck disable=SC2086
  "$python" "$here/record_op_samples.py" "$out/$word.jsonl" --dtype "$word" $options
  files="$files $out/$word.jsonl"
done
# shellcheck disable=SC2086
"$python" "$here/check_op_samples.py" "$replay" $files
# shellcheck disable=SC2086
"$python" "$here/check_symbolic_samples.py" "$replay" $files
