#!/usr/bin/env bash
# The benchmarks that need a GPU: output tokens a second against vLLM's own benchmark, candidate orders, schedules.
#
#   tests/bench/gpu.sh                     with a vLLM that is installed ($PYTHON, by default python3)
#   tests/bench/gpu.sh cut WHEELS PARTS    for a machine that can fetch nothing: cut a folder of wheels into parts
#   tests/bench/gpu.sh take PARTS          there, once for each load of parts: keep them in $KEPT
#   tests/bench/gpu.sh install             there: join the parts, and install vLLM from the wheels
#   tests/bench/gpu.sh small               everything with a small model, on a CPU too, to see that it works
#
# The wheels come from `pip download vllm -d WHEELS` (with --python-version and --platform where the machines differ). The
# model has the shape of Qwen3-4B and no weights (--load-format dummy). Results are in bench.json.
set -euo pipefail
cd "$(dirname "$0")/../.."

PYTHON=${PYTHON:-python3}
KEPT=${KEPT:-/tmp/vllm-parts}
PART_SIZE=${PART_SIZE:-48M}
PACKAGE=${PACKAGE:-vllm}

cut_wheels() { # WHEELS PARTS
  mkdir -p "$2"
  tar -C "$1" -cf - . | split -b "$PART_SIZE" -d -a 4 - "$2/part."
  (cd "$2" && sha256sum part.* > SHA256SUMS)
  echo "$(find "$2" -name 'part.*' | wc -l) parts in $2"
}

take_parts() { # PARTS
  mkdir -p "$KEPT"
  cp "$1"/* "$KEPT"/
}

install_parts() {
  (cd "$KEPT" && sha256sum --check --quiet SHA256SUMS)
  mkdir -p "$KEPT/wheels"
  cat "$KEPT"/part.* | tar -C "$KEPT/wheels" -xf -
  "$PYTHON" -m pip install --quiet --no-index --find-links "$KEPT/wheels" "$PACKAGE"
}

measure() { # the names of benchmarks
  BENCH_PYTHON=$(command -v "$PYTHON") "${BENCH_WITH:-$PYTHON}" -m tests.bench "$@"
}

whole() {
  export BENCH_SHAPE=${BENCH_SHAPE:-qwen3-4b} BENCH_REPEATS=${BENCH_REPEATS:-5} BENCH_ARGS=${BENCH_ARGS:---gpu-memory-utilization 0.9}
  BENCH_SLOTS=${BENCH_SLOTS:-128} BENCH_PROBLEMS=${BENCH_PROBLEMS:-30} BENCH_TOKENS=${BENCH_TOKENS:-256} \
    measure throughput schedule_vllm
  BENCH_CANDIDATE=${BENCH_CANDIDATE:-2000} measure prefix
}

case "${1:-whole}" in
  cut) cut_wheels "$2" "$3" ;;
  take) take_parts "$2" ;;
  install) install_parts ;;
  small)
    BENCH_SHAPE=small BENCH_ARGS="" BENCH_SLOTS=${BENCH_SLOTS:-32} BENCH_TOKENS=${BENCH_TOKENS:-24} BENCH_PROBLEMS=${BENCH_PROBLEMS:-6}
    BENCH_REPEATS=${BENCH_REPEATS:-1} BENCH_CANDIDATE=${BENCH_CANDIDATE:-300}
    export BENCH_SHAPE BENCH_ARGS BENCH_SLOTS BENCH_TOKENS BENCH_PROBLEMS BENCH_REPEATS BENCH_CANDIDATE
    measure throughput schedule_vllm prefix
    ;;
  whole) whole ;;
  *) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
