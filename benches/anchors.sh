#!/usr/bin/env bash
#
# Builds the programs for the other systems of the comparison, and lists them for
# `pulse-bench anchors`: benches/anchors.sh SOURCES OUT
#
# SOURCES has src-rust, src-go and src-erlang; nothing is written there. OUT gets
# the programs and the file `systems`. A system whose compiler is not installed
# (cargo, go, erlc) is listed all the same; `pulse-bench anchors` leaves it out and
# says so.
#
# Environment:
#   GO    the Go command, by default go
#   JOBS  how many compilations at a time, by default 1

set -euo pipefail

if (($# != 2)); then
    echo "usage: $0 SOURCES OUT" >&2
    exit 2
fi
readonly sources=$1
mkdir -p "$2"
out=$(cd "$2" && pwd)
readonly out
readonly go=${GO:-go}
work=$(mktemp -d)
readonly work
trap 'rm -rf "$work"' EXIT

cp -r "$sources"/src-* "$work"
chmod -R u+w "$work"

# What cannot be built now must not be measured in an old version.
rm -f "$out"/{tokio-anchor,threads-anchor,go-anchor,erlang-anchor,anchor.beam,systems}

build() {
    local what=$1
    shift
    if (cd "$work" && "$@"); then
        echo "$what: built"
    else
        echo "$what: NOT built (see above)" >&2
    fi
}

build_rust() {
    # Plain Tokio: no flags of the surrounding project.
    (cd src-rust &&
        env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS CARGO_TARGET_DIR="$work/target" \
            cargo build --release --jobs "${JOBS:-1}") &&
        cp target/release/{tokio-anchor,threads-anchor} "$out"
}

build_go() {
    (cd src-go && GOFLAGS=-mod=mod GOTOOLCHAIN=local GOCACHE="$work/go-cache" \
        "$go" build -p "${JOBS:-1}" -o "$out/go-anchor" .)
}

build_erlang() {
    erlc -o "$out" src-erlang/anchor.erl || return
    # The number of schedulers is an argument of the machine, not of the program.
    cat > "$out/erlang-anchor" <<'WRAPPER'
#!/bin/sh
workers=2
previous=
for argument; do
    if [ "$previous" = --workers ]; then workers=$argument; fi
    previous=$argument
done
export ERL_CRASH_DUMP_SECONDS=0
exec erl +S "$workers:$workers" -noinput -pa "$(dirname "$0")" -run anchor main -extra "$@"
WRAPPER
    chmod +x "$out/erlang-anchor"
}

build "Rust" build_rust
build "Go" build_go
build "Erlang" build_erlang

cat > "$out/systems" <<'EOF_SYSTEMS'
# NAME = PROGRAM ARGUMENT ..; the program is in this folder. Pulse is added by itself.
Tokio = tokio-anchor --system tokio
two Tokio runtimes = tokio-anchor --system tokio-2rt
two Tokio runtimes, the second at nice 10 = tokio-anchor --system tokio-2rt-nice10
Tokio, every burn in `block_in_place` = tokio-anchor --system tokio-bip
one OS thread per task = threads-anchor --system threads
Go = go-anchor --system go
Erlang = erlang-anchor --system erlang
EOF_SYSTEMS
