# shellcheck shell=bash
#
# Makes Cargo run the target's programs under Wine, in a Windows of their own. Sourced after common.sh.

PATH="$PATH:/usr/lib/wine"
runner=$(command -v wine64)
export WINEPREFIX="$cache/wine" WINEDEBUG=-all
# No window that asks for Mono or Gecko.
export WINEDLLOVERRIDES="mscoree=;mshtml="
cargo_for RUNNER "$runner"

# Wine before 9 has no ProcessPrng, without which no Rust program starts.
if [[ ! -e "$cache/wine-dlls/bcryptprimitives.dll" ]]; then
    mkdir -p "$cache/wine-dlls"
    x86_64-w64-mingw32-gcc -O2 -shared -s -o "$cache/wine-dlls/bcryptprimitives.dll" \
        scripts/xplat/process_prng.c -ladvapi32
fi
export WINEPATH="$cache/wine-dlls"

# The first start makes the prefix, and takes a while.
step "starting Wine"
"$runner" wineboot -i >/dev/null 2>&1 || fail "Wine does not start"
