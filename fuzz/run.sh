#!/usr/bin/env bash
# Runs the fuzz targets: fuzz/run.sh SECONDS [TARGET…]. The coverage flags are LLVM's, which the stable compiler
# passes on; cargo-fuzz would ask for a nightly one.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=$1
shift
build=${CARGO_TARGET_DIR:-target}/fuzz
host=$(rustc -vV | sed -n 's/^host: //p')
coverage=(
  -Cpasses=sancov-module
  -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
  -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares
)

# With --target, build scripts and macros run without the flags.
RUSTFLAGS="${coverage[*]}" cargo build --release --manifest-path fuzz/Cargo.toml --target "$host" --target-dir "$build"

if [ $# -eq 0 ]; then
  for file in fuzz/fuzz_targets/*.rs; do set -- "$@" "$(basename "$file" .rs)"; done
fi
for target in "$@"; do
  printf '\n==> %s, %d s\n' "$target" "$seconds"
  seeds=fuzz/corpus/$target
  # What a run learns stays out of the repository; what it finds becomes a seed, which `cargo test` reads too.
  learned=$build/corpus/$target
  mkdir -p "$learned"
  "$build/$host/release/$target" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 -max_len=20000 \
    -dict=fuzz/dictionary -artifact_prefix="$seeds/" -verbosity=0 -print_final_stats=1 "$learned" "$seeds" ||
    { printf '\n%s broke on what is now in %s: mend it, and keep the file.\n' "$target" "$seeds" >&2; exit 1; }
done
