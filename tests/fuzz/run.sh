#!/bin/sh
# Runs every fuzzer for so many seconds: run.sh BUILD_FOLDER SECONDS [NAME...].
# Finds and what was learnt stay in BUILD_FOLDER/fuzz; the first find ends it, with
# the command that shows it again.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
seconds=$2
shift 2
out=$build/fuzz
rm -rf "$out/seeds"
mkdir -p "$out"
"$build/tests/fuzz/make_fuzz_seeds" "$out/seeds" "$here/op_samples.txt" "$here"/../../compiler/loops/goldens/*.txt

[ $# -gt 0 ] || set -- $(ls "$build/tests/fuzz" | sed -n 's/_fuzzer$//p')
for name in "$@"; do
  mkdir -p "$out/learnt/$name" "$out/seeds/$name"
  set -- "$out/learnt/$name" "$out/seeds/$name"
  [ ! -d "$here/corpus/$name" ] || set -- "$@" "$here/corpus/$name"
  echo "fuzzing $name for $seconds s"
  "$build/tests/fuzz/${name}_fuzzer" -max_total_time="$seconds" -timeout=15 -rss_limit_mb=3000 \
    -artifact_prefix="$out/$name-" "$@" >"$out/$name.log" 2>&1 || {
    tail -40 "$out/$name.log"
    echo "found: $build/tests/fuzz/${name}_fuzzer $(ls -t "$out/$name"-* | head -1)" >&2
    exit 1
  }
  sed -n 's/^Done \(.*\)/  \1/p' "$out/$name.log"
done
