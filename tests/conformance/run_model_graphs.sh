#!/bin/sh
# Records the graphs of models under PyTorch and replays them:
#   run_model_graphs.sh PYTHON REPLAY_MODULE OUT_DIR [OPTION...] [MODEL...]
set -e
python=$1 replay=$2 out=$3
shift 3
here=$(dirname "$0")
rm -rf "$out"
# A model that was not recorded leaves a file that says why, and fails the check.
PYTHONPATH="$PYTHONPATH:$here" "$python" "$here/record_model_graphs.py" "$out" "$@" || test -d "$out"
"$python" "$here/check_model_graphs.py" "$replay" "$out"
