# shellcheck shell=bash
#
# What the scripts for other platforms have in common. They source this file; it is no program.
#
# A script begins with `target=TRIPLE` and the line that sources this. Afterwards the folder is the
# repository's, `$cache` is a folder for what is made once, and `prepare_std` has made Cargo find
# the standard library of the target.
#
# Three ways out: 0 and a last line "passed", 0 and a last line "SKIPPED: why" for a machine that
# cannot have what is needed (1 where XPLAT_REQUIRED=1), and anything else for a failure.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# Flags come from here alone: any of these would override them.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS
unset RUSTDOCFLAGS CARGO_ENCODED_RUSTDOCFLAGS CARGO_BUILD_RUSTDOCFLAGS

: "${target:?a script sets this before it sources common.sh}"
cache="$(realpath -m "${CARGO_TARGET_DIR:-target}")/xplat"
readonly target cache
mkdir -p "$cache"

# The crates that users add, and the command.
libraries=(-p tokio-pulse -p tokio-pulse-sys -p tokio-pulse-macros -p tokio-pulse-tower -p tokio-pulse-stackful)
readonly libraries

step() {
    printf '\n== %s: %s ==\n' "$target" "$*"
}

fail() {
    echo "error: $*" >&2
    exit 1
}

skip() {
    echo "SKIPPED: $*"
    [[ "${XPLAT_REQUIRED:-}" != 1 ]] || exit 1
    exit 0
}

passed() {
    printf '\n%s: passed in %d min %d s.\n' "$target" $((SECONDS / 60)) $((SECONDS % 60))
}

# Sets one of Cargo's variables for the target: cargo_for NAME VALUE.
cargo_for() {
    local triple=${target^^}
    export "CARGO_TARGET_${triple//-/_}_$1=$2"
}

# Names the C compiler and the archiver of what the target's crates build from C: c_tools COMPILER ARCHIVER.
c_tools() {
    export "CC_${target//-/_}=$1" "AR_${target//-/_}=$2"
}

# For what is checked and never linked.
no_c_tools() {
    c_tools "$PWD/scripts/xplat/no-cc" "$PWD/scripts/xplat/no-cc"
}

# Installs packages of Debian's unless the program is there: need PROGRAM PACKAGE...
need() {
    local program=$1
    shift
    ! command -v "$program" >/dev/null || return 0
    command -v apt-get >/dev/null || skip "$program is missing, and there is no apt-get to install $* with"
    ((EUID == 0)) || skip "$program is missing; as root: apt-get install --no-install-recommends $*"
    step "installing $*"
    {
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" ||
            { apt-get update -qq &&
                DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; }
    } >"$cache/apt.log" 2>&1 || skip "Debian's packages $* are not to be had: $(tail -n 1 "$cache/apt.log")"
    command -v "$program" >/dev/null || skip "$program is not in $*"
}

# Makes Cargo build for the target with a standard library that this compiler knows: its own where
# it has one, otherwise one that is built here, once. `prepare_std check` is for what is never linked.
prepare_std() {
    local command=${1:-build} flags="--cfg tokio_unstable" installed sysroot
    installed=$(rustc --print target-libdir --target "$target")
    if ! compgen -G "$installed/libstd-*.rlib" >/dev/null; then
        sysroot="$cache/sysroot-$(rustc -V | cut -d' ' -f2)-$command"
        if ! compgen -G "$sysroot/lib/rustlib/$target/lib/libstd-*" >/dev/null; then
            step "building the standard library"
            local source
            source=$(scripts/xplat/rust-src "$cache/rust-src") ||
                skip "neither this compiler nor Debian has the source of the standard library"
            scripts/xplat/build-std "$sysroot" "$source" "$target" "$command"
        fi
        flags+=" --sysroot $sysroot"
    fi
    cargo_for RUSTFLAGS "$flags"
    cargo_for RUSTDOCFLAGS "$flags"
}
