# shellcheck shell=bash
# What the steps of Tools/test do; sourced by it. A step ends with 'N passed, N failed', or fails, or is one test.

# --- builds

# A whole-module build uses one core for much of its time: both architectures at a time.
build_everything() {
  build_products martlet martlet-tools martlet-selftest martlet-allocations martlet-operators
  local other
  build_device_products aarch64 &
  other=$!
  build_device_products x86_64 martlet-frames
  wait $other
}
build_device_products() {
  local product
  for product in martlet martlet-selftest martlet-allocations martlet-operators "${@:2}"; do
    "$root/Tools/build-device" "$1" "$product"
  done
}

device=$root/.build-device

# --- the steps

# The bundle of tests alone: `swift test` would build all programs, those of the packages too.
package_tests() {
  cd "$root"
  swift build --product martletPackageTests
  swift test --skip-build
}

kernels() {
  "$release/martlet-selftest"
  "$device/x86_64/martlet-selftest"
}
# AVX-512 on a processor without it.
kernels_emulated() {
  apt_need libsimde-dev
  "$root/Tests/Emulated/test"
}
kernels_aarch64() { run_aarch64 "$1" "$device/aarch64/martlet-selftest"; }

# Random operators between unreadable pages: the same bits in every build, and in the emulator.
operators() {
  local want='' good=0 bad=0
  # hash_of COMMAND... : the closing words of a run, equal to those of the run before.
  hash_of() {
    local text line
    text=$("$@" 510) || true
    say "$text"
    line=$(grep ' accepted, hash ' <<<"$text") || true
    want=${want:-$line}
    if [ -n "$line" ] && [ "$line" = "$want" ]; then good=$((good + 1)); return; fi
    say "FAILED $*: '$line', not '$want'"
    bad=$((bad + 1))
  }
  "$release/martlet-operators" "$operators_count"
  hash_of "$release/martlet-operators"
  hash_of "$device/x86_64/martlet-operators"
  hash_of run_aarch64 cortex-a53 "$device/aarch64/martlet-operators"
  hash_of run_aarch64 max "$device/aarch64/martlet-operators"
  say "$good passed, $bad failed"
  return $bad
}

allocations() {
  local threads pictures=("$root"/Models/photos/*.jpg "$root"/Tests/Fixtures/pictures/*.{jpg,png,bmp} "$root/README.md")
  for threads in 1 2; do
    "$release/martlet-allocations" "$model" $threads "${pictures[@]}"
    "$device/x86_64/martlet-allocations" "$model" $threads "${pictures[@]}"
  done
  run_aarch64 max "$device/aarch64/martlet-allocations" "$model" 1 "${pictures[@]}"
}

# The shipped EfficientNet-Lite0: one output on every instruction set, thread count and architecture, and no allocation.
shipped() {
  local net=$root/Models/efficientnet-lite0/efficientnet-lite0.martlet work=$logs/shipped isa threads bad=0 count=0
  mkdir -p "$work"
  # Any real numbers will do, as long as they are the same: bytes of the labels, as small floats.
  "$venv/bin/python" - "$net" "$work/in.bin" <<'END'
import sys
import numpy as np
raw = np.frombuffer(open(sys.argv[1], "rb").read()[-3 * 224 * 224 :], np.uint8)
((raw.astype(np.float32) - 127) / 128).tofile(sys.argv[2])
END
  same() {
    if cmp -s "$work/want.bin" "$work/out.bin"; then count=$((count + 1)); else say "FAILED $*"; bad=$((bad + 1)); fi
  }
  MARTLET_ISA=scalar "$release/martlet" infer "$net" --input "$work/in.bin" --output "$work/want.bin"
  for isa in $(isas | tr , ' '); do
    for threads in 1 2; do
      MARTLET_ISA=$isa "$release/martlet" infer "$net" --threads $threads --input "$work/in.bin" \
        --output "$work/out.bin"
      same "$isa, $threads threads"
    done
  done
  "$device/x86_64/martlet" infer "$net" --input "$work/in.bin" --output "$work/out.bin"
  same "device build"
  for cpu in cortex-a53 max; do
    run_aarch64 $cpu "$device/aarch64/martlet" infer "$net" --input "$work/in.bin" --output "$work/out.bin"
    same "aarch64 $cpu"
  done
  "$release/martlet-allocations" "$net" 2 "$root"/Models/photos/cat.jpg
  "$device/x86_64/martlet-allocations" "$net" 1 "$root"/Models/photos/cat.jpg
  say "$count passed, $bad failed"
  return $bad
}

links() {
  local tools
  tools=$(dirname "$(readlink -f "$(command -v swift)")")
  "$root/Tests/System/links" "$tools/llvm-nm" "$tools/llvm-objdump" "$root/.build-embedded/release"
  "$root/Tests/System/links" "$tools/llvm-nm" "$tools/llvm-objdump" \
    "$root/.build-embedded-aarch64/aarch64-none-none-elf/release"
}

# Runs on glibc 2.34: the whole command, language models included.
floor() {
  local architecture newest bad=0
  for architecture in x86_64 aarch64; do
    newest=$(glibc_floor "$device/$architecture/martlet")
    say "$architecture: glibc $newest"
    if [ "$(printf '%s\n2.34\n' "$newest" | sort -V | tail -1)" != 2.34 ]; then
      say "FAILED $architecture needs glibc $newest"
      bad=1
    fi
  done
  return $bad
}

# The bundle for a board, with one other runtime, in the emulator.
board() {
  source "$root/Tools/arm64.sh"
  need_qemu
  need_arm64_litert
  "$venv/bin/python" "$root/Tests/System/board" "$arm64_litert/root" "$sysroot" "$device/aarch64/martlet" \
    "$release/martlet-tools"
}

# Who uses whom, in the C of both architectures and between modules.
arrows() {
  "$root/Tests/System/arrows"
  "$root/Tests/System/arrows" --target=aarch64-linux-gnu --sysroot="$sysroot"
}

# Tests/README.md has a row for each step, and none for others; files and tests that CONTRIBUTING.md names are there.
documented() {
  local name bad=0 count=0 names
  names=$("$root/Tools/test" --list)
  for name in $names; do
    count=$((count + 1))
    grep -q "^| \`$name\` |" "$root/Tests/README.md" \
      || { say "FAILED $name is not in Tests/README.md"; bad=$((bad + 1)); }
  done
  sed -n 's/^| `\([a-z0-9-]*\)` |.*/\1/p' "$root/Tests/README.md" >"$logs/documented.names"
  while read -r name; do
    case $name in corpus | corpus-aarch64 | quantized-onnx) continue ;; esac
    grep -qx "$name" <<<"$names" || { say "FAILED $name is no step"; bad=$((bad + 1)); }
  done <"$logs/documented.names"
  # A text's lines are one here, since a name may stand at the end of one.
  tr '\n' ' ' <"$root/CONTRIBUTING.md" | grep -o '`[A-Za-z][A-Za-z0-9_./+-]*`' | tr -d '`' | sort -u \
    >"$logs/documented.names"
  while read -r name; do
    case $name in
      *NAME* | *...*) continue ;;
      *+*)
        [ -n "$(in_tree ls-files --others --exclude-standard "**/$name.swift")" ] \
          || { say "FAILED CONTRIBUTING.md names $name"; bad=$((bad + 1)); }
        ;;
      *.swift | *.c | *.h | *.py | *.md | *.yaml | *.5 | */*)
        [ -e "$root/$name" ] || [ -n "$(in_tree ls-files --others --exclude-standard "**/$name" "**/$name/**")" ] \
          || { say "FAILED CONTRIBUTING.md names $name"; bad=$((bad + 1)); }
        ;;
      [A-Z]*[a-z]* | [a-z]*[A-Z]*)
        in_tree grep --untracked -qw "${name##*.}" -- Sources Tests \
          || { say "FAILED CONTRIBUTING.md names $name"; bad=$((bad + 1)); }
        ;;
      *) continue ;;
    esac
    count=$((count + 1))
  done <"$logs/documented.names"
  say "$count passed, $bad failed"
  return $bad
}

commands() { "$root/Tests/System/commands" "$@"; }

# The quantizer's report, looked at in a browser.
report() {
  apt_need chromium
  "$release/martlet-tools" quantize "$root/Tests/Fixtures/onnx/classifier.onnx" --calibrate "$root/Models/photos" \
    --preset imagenet -o "$logs/report.martlet" --report "$logs/report.html"
  "$venv/bin/python" "$root/Tests/System/report" "$logs/report.html"
}

emulator=(qemu-aarch64-static -L "$sysroot" -cpu)

# The instruction sets that this machine can run.
isas() {
  local found=scalar isa
  for isa in avx2 avx512vnni; do
    if MARTLET_ISA=$isa "$release/martlet" bench "$model" --runs 1 >/dev/null 2>&1; then found+=,$isa; fi
  done
  say "$found"
}

# Generated models against LiteRT's reference kernels: here on every instruction set, and in the emulator.
differential() {
  oracle operators --tools "$release/martlet-tools" --martlet "$release/martlet" --isa "$(isas)" --threads 1,2 --every 4
}
differential_aarch64() {
  oracle operators --tools "$release/martlet-tools" --martlet "$release/martlet" --every 16 --jobs 1 \
    --runner "${emulator[*]} cortex-a53 $device/aarch64/martlet" --runner "${emulator[*]} max $device/aarch64/martlet"
}

# Tiny language models of every family against transformers, and one text on every instruction set and in the emulator.
language() {
  oracle language --tools "$release/martlet-tools" --martlet "$release/martlet" --isa "$(isas)" --threads 1,2
}
language_device() {
  oracle language --tools "$release/martlet-tools" --martlet "$device/x86_64/martlet" --weights f32,int8 \
    --only llama-tied,gemma3,stories
}
language_aarch64() {
  oracle language --tools "$release/martlet-tools" --martlet "$release/martlet" \
    --only llama-tied,gemma3,qwen3-wide,stories \
    --runner "${emulator[*]} cortex-a53 $device/aarch64/martlet" --runner "${emulator[*]} max $device/aarch64/martlet"
}
# What is read into a model and what comes out of it: against tokenizers and sentencepiece, jinja2, jsonschema.
tokenizers() { oracle tokenizers --tools "$release/martlet-tools" --martlet "$device/x86_64/martlet"; }
chat_formats() {
  oracle chat --tools "$release/martlet-tools"
  oracle chat_tokens --tools "$release/martlet-tools"
}
constraints() { oracle constraint --tools "$release/martlet-tools" --martlet "$release/martlet"; }
# A language model of 130 KB with random weights, which can chat, for as long as a test may take.
tiny=$logs/tiny/chat.martlet
tiny_model() {
  oracle language --write "$logs/tiny" --only llama-tied
  sed -i 's/"max_position_embeddings": 256/"max_position_embeddings": 2048/' "$logs/tiny/llama-tied/config.json"
  "$release/martlet-tools" convert "$logs/tiny/llama-tied" --chat-format chatml -o "$tiny"
}
language_commands() { "$root/Tests/System/language-commands" "$tiny" "$@"; }
language_allocations() {
  local threads
  for threads in 1 2; do
    "$release/martlet-allocations" "$tiny" $threads
    "$device/x86_64/martlet-allocations" "$tiny" $threads
  done
  run_aarch64 max "$device/aarch64/martlet-allocations" "$tiny" 1
}
# What the device command takes besides the weights and the arena: libraries, code, a stack. The kernel brings code in
# by pieces of 64 KB of the address, which is another one each time: the median of nine counts.
language_memory() {
  local threads turn bad=0
  for threads in 1 2; do
    for turn in 1 2 3 4 5 6 7 8 9; do
      "$device/x86_64/martlet" generate "$tiny" --prompt "Some words" --max-tokens 100 --threads $threads --json \
        >"$logs/memory-$turn.json"
    done
    "$venv/bin/python" - "$tiny" "$logs"/memory-?.json <<'END' || bad=$((bad + 1))
import json, os, sys
told = [json.load(open(name)) for name in sys.argv[2:]]
# How much of libc comes along with each page that is touched is a matter of where it was loaded: 448 to 576 KB. Not the
# luckiest of the nine, but one of the lucky ones.
beyond = sorted(run["peak_rss_bytes"] - run["arena_bytes"] for run in told)[2] - os.path.getsize(sys.argv[1])
print(f"resident beyond the file and the arena: {beyond:,} bytes")
sys.exit(beyond > 2 * 2**20)
END
  done
  say "$((2 - bad)) passed, $bad failed"
  return $bad
}
terminal() {
  apt_need tmux
  "$root/Tests/System/terminal"
  "$root/Tests/System/terminal" "$release/martlet" "$tiny"
}

# Random quantized ONNX graphs, a third of them ONNX Runtime's own, beside ONNX Runtime; hostile ones, which must be
# refused in order.
quantized_differential() {
  oracle quantized_differential --tools "$release/martlet-tools" --martlet "$release/martlet" --count "$graphs_count"
}
onnx_limits() { oracle onnx_limits --tools "$release/martlet-tools" --martlet "$release/martlet"; }

corpus() {
  oracle bits --tools "$release/martlet-tools" --martlet "$release/martlet" --inputs 2 --isa "$(isas)" --threads 1,2
}
corpus_aarch64() {
  oracle bits --tools "$release/martlet-tools" --martlet "$release/martlet" --inputs 1 --only pretrainedResnet \
    --runner "${emulator[*]} cortex-a53 $device/aarch64/martlet" --runner "${emulator[*]} max $device/aarch64/martlet"
}
