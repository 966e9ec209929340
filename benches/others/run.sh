#!/usr/bin/env bash
#
# How long endless loops have a thread to themselves, and how long the way from one to the next takes:
# tokio-pulse-stackful beside other systems that interrupt code.
#
#   benches/others/run.sh OUT [SECONDS [ROUNDS]]     10 s, one round
#
# Builds into OUT, and then runs one program at a time. x86-64 Linux. Go is left out where there is no `go`.

set -euo pipefail

if (($# < 1 || $# > 3)); then
    echo "usage: $0 OUT [SECONDS [ROUNDS]]" >&2
    exit 2
fi
mkdir -p "$1"
out=$(cd "$1" && pwd)
readonly out seconds=${2:-10} rounds=${3:-1}
cd "$(dirname "${BASH_SOURCE[0]}")"

(cd rust && CARGO_TARGET_DIR=$out cargo build --release --locked --quiet)
if command -v go >/dev/null; then
    (cd go && GOTOOLCHAIN=local GOCACHE=$out/go-cache go build -o "$out/go-loops" .)
fi

# A program that crashes is a result as well.
run() {
    "$@" || echo "${1##*/}: ended with $?"
}

for ((round = 0; round < rounds; round++)); do
    run "$out/release/pulse" "$seconds" 10
    run "$out/release/pulse" "$seconds" 1
    run "$out/release/open-coroutine" "$seconds"
    run "$out/release/maniac" "$seconds" 10
    [[ ! -x $out/go-loops ]] || run "$out/go-loops" -seconds "$seconds"
done
