#!/bin/sh
# Runs a check over OpInfo's samples, and records those that are not there yet:
#   run_symbolic.sh PYTHON REPLAY_GRAPHS SAMPLES_DIR CHECK.py [OPTION...] -- DTYPE...
set -e
python=$1 replay=$2 samples=$3 check=$4
shift 4
here=$(dirname "$0")
export PYTHONPATH="$here"
mkdir -p "$samples"
options=
while [ "$1" != -- ]; do
  options="$options $1"
  shift
done
shift
files=
for dtype in "$@"; do
  file="$samples/$dtype.jsonl"
  if [ ! -s "$file" ]; then
    "$python" "$here/record_op_samples.py" "$file.new" --dtype "$dtype"
    mv "$file.new" "$file"
  fi
  files="$files $file"
done
# shellcheck disable=SC2086
exec "$python" "$here/$check" "$replay" $files $options
