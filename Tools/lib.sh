# shellcheck shell=bash
# What the scripts in this folder share; sourced, not run. Installing is explicit and repeatable: whatever a script
# needs, a function here says what it puts on the machine, or finds it there and says nothing.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# What outlives a checkout: the arm64 sysroot, the Swift SDK bundle that points to it, the Python environment.
cache=${MARTLET_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/martlet}
sysroot=$cache/sysroot-arm64
sdks=$cache/swift-sdks
venv=$cache/venv

say() { printf '%s\n' "$*"; }
fail() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# show_help SCRIPT : the comment at its head.
show_help() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$1"; }

# in_tree ARGUMENT... : git over the tree's files that .gitignore does not exclude, be it a checkout or an unpacked
# archive: all of them are new to it.
in_tree() {
  local none=$cache/no-history
  [ -d "$none" ] || git --git-dir="$none" init -q
  (cd "$root" && git --git-dir="$none" --work-tree=. "$@")
}

# source_files : the tree's files in a language, new ones too, generated ones not, one a line: `swift|c|python|shell
# FILE`, by the name's ending or the first line; `sourced` is shell without a first line that says so.
source_files() {
  (
    cd "$root"
    in_tree ls-files --others --exclude-standard | in_tree check-attr --stdin linguist-generated \
      | sed -n 's/: linguist-generated: unspecified$//p' | while IFS= read -r file; do
        [ -f "$file" ] || continue
        head=''
        case $file in
          *.swift) say "swift $file" ;;
          *.c | *.h) say "c $file" ;;
          *.py) say "python $file" ;;
          *.sh | *.bash)
            read -r head <"$file"
            [[ $head == '#!'* ]] || say "sourced $file"
            ;;
          *.*) ;;
          *) read -r head <"$file" 2>/dev/null || true ;;
        esac
        case $head in
          '#!'*python*) say "python $file" ;;
          '#!'*sh) say "shell $file" ;;
        esac
      done
  )
}

# Runs a command that changes the system.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# apt_need NAME... : installs the Debian packages that are not there.
apt_need() {
  local missing=() name
  for name in "$@"; do
    [[ $(dpkg-query -W -f '${Status}' "$name" 2>/dev/null) == *'ok installed'* ]] || missing+=("$name")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${missing[*]}"
  # Steps of the tests run side by side: apt's own lock would make one of them fail.
  local lock
  mkdir -p "$cache"
  exec {lock}>"$cache/.apt.lock"
  flock "$lock"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  exec {lock}>&-
}

# What building and running the commands on this machine takes.
need_build() {
  command -v swift >/dev/null || fail "no swift on the PATH: install Swift 6.3 first"
  apt_need binutils libc6-dev libgpiod-dev libjpeg62-turbo-dev libpng-dev libyaml-dev zlib1g-dev
}

# The toolchain's llvm-objcopy knows every architecture, so that stripping needs no cross binutils.
llvm-objcopy() { "$(dirname "$(readlink -f "$(command -v swift)")")/llvm-objcopy" "$@"; }

# unpack_debian ARCHITECTURE FOLDER PACKAGE... : Debian packages unpacked, not installed, unless they are there. apt
# reads a state of its own, so that the machine's package lists and architectures stay as they are.
unpack_debian() {
  local architecture=$1 folder=$2 wanted="${*:3}" work apt link target
  [ -f "$folder/.packages" ] && [ "$(cat "$folder/.packages")" = "$wanted" ] && return 0
  say "unpacking for $architecture into $folder: $wanted"
  apt_need apt dpkg
  work=$(mktemp -d)
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/root" "$cache"
  : >"$work/status"
  apt=(apt-get -qq -o "Dir::State::lists=$work/lists" -o "Dir::State::status=$work/status" -o "Dir::Cache=$work/cache"
    -o "APT::Architecture=$architecture" -o "APT::Architectures=$architecture" -o APT::Sandbox::User=)
  "${apt[@]}" update
  (cd "$work" && "${apt[@]}" download "${@:3}" >/dev/null)
  for package in "$work"/*.deb; do dpkg -x "$package" "$work/root"; done
  # Absolute links would lead out of the folder.
  find "$work/root" -type l -lname '/*' -print0 | while IFS= read -r -d '' link; do
    target=$(readlink "$link")
    ln -sfrT "$work/root$target" "$link"
  done
  printf '%s' "$wanted" >"$work/root/.packages"
  rm -rf "$folder"
  mkdir -p "$(dirname "$folder")"
  chmod 755 "$work/root"
  mv "$work/root" "$folder"
  rm -rf "$work"
}

# need_sysroot : the C library, compiler support files and the libraries that are linked, for arm64.
sysroot_packages=(libc6 libc6-dev linux-libc-dev libgcc-12-dev libgcc-s1 libjpeg62-turbo libjpeg62-turbo-dev
  libpng16-16 libpng-dev zlib1g zlib1g-dev libgpiod2 libgpiod-dev libyaml-0-2 libyaml-dev)
need_sysroot() { unpack_debian arm64 "$sysroot" "${sysroot_packages[@]}"; }

# need_sdk : the Swift SDK bundle for the aarch64 device build, written for this machine's paths.
#
# Swift's own toolchain has an Embedded standard library for aarch64-none-none-elf, whose ABI is that of aarch64 Linux;
# its clang and lld compile and link against the sysroot.
need_sdk() {
  need_sysroot
  local bundle=$sdks/martlet-aarch64.artifactbundle
  mkdir -p "$bundle/sdk"
  cat >"$bundle/info.json" <<END
{ "schemaVersion": "1.0",
  "artifacts": { "martlet-aarch64": { "type": "swiftSDK", "version": "1.0",
    "variants": [{ "path": "sdk" }] } } }
END
  cat >"$bundle/sdk/swift-sdk.json" <<END
{ "schemaVersion": "4.0",
  "targetTriples": { "aarch64-none-none-elf": { "sdkRootPath": "$sysroot", "toolsetPaths": ["toolset.json"] } } }
END
  cat >"$bundle/sdk/toolset.json" <<END
{ "schemaVersion": "1.0",
  "swiftCompiler": { "extraCLIOptions": ["-Xcc", "--sysroot=$sysroot", "-Xcc", "--target=aarch64-linux-gnu",
    "-use-ld=lld", "-Xclang-linker", "--target=aarch64-linux-gnu", "-Xclang-linker", "--sysroot=$sysroot"] },
  "cCompiler": { "extraCLIOptions": ["--target=aarch64-linux-gnu", "--sysroot=$sysroot"] } }
END
}

# need_virtual ARCHITECTURE : the emulator of the virtual device, amd64 or arm64.
need_virtual() {
  case $1 in
    amd64) apt_need qemu-system-x86 ;;
    arm64) apt_need qemu-system-arm ;;
  esac
  apt_need e2fsprogs util-linux cpio
}

# qemu-user-static needs nothing besides itself; only qemu-user takes plugins.
need_qemu() { apt_need qemu-user-static qemu-user; }

# run_aarch64 CPU PROGRAM ARGUMENT... : cortex-a53 has no dot-product, max has everything that qemu knows.
run_aarch64() {
  local cpu=$1
  shift
  qemu-aarch64-static -cpu "$cpu" -L "$sysroot" "$@"
}

# build_device ARCHITECTURE PRODUCT : prints the path of the device build's executable, not stripped. A caller that
# builds for another release of Debian sets these two.
device_scratch=$root/.build-embedded device_options=()

build_device() {
  local architecture=$1 product=$2 scratch=$device_scratch options
  # The program's own folder is no place to look for libraries.
  options=(-c release --product "$2" --disable-local-rpath "${device_options[@]}")
  need_build >&2
  if [ "$architecture" = aarch64 ]; then
    need_sdk >&2
    scratch=$device_scratch-aarch64
    options+=(--swift-sdks-path "$sdks" --swift-sdk martlet-aarch64)
  fi
  options+=(--scratch-path "$scratch" --package-path "$root")
  MARTLET_EMBEDDED=1 swift build "${options[@]}" >&2 || fail "$product does not build"
  say "$(MARTLET_EMBEDDED=1 swift build "${options[@]}" --show-bin-path)/$product"
}

# glibc_floor EXECUTABLE : the oldest glibc that it runs on.
glibc_floor() {
  readelf --dyn-syms -W "$1" | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//' | sort -uV | tail -1
}

# need_python : numpy, the peers LiteRT and ONNX Runtime, and what Tests/Oracle and Tests/Benchmarks need besides.
# LiteRT's reference kernels are what Martlet must equal.
need_python() {
  local wanted=$root/Tests/Harness/requirements.txt
  cmp -s "$wanted" "$venv/.requirements" && return 0
  apt_need python3-venv
  say "installing $(grep -v '^#' "$wanted" | tr '\n' ' ')into $venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$wanted"
  cp "$wanted" "$venv/.requirements"
}

# need_format : what Tools/format runs, in a Python environment of its own.
need_format() {
  local wanted=$root/Tools/requirements-format.txt
  apt_need git shellcheck
  cmp -s "$wanted" "$cache/format/.requirements" && return 0
  apt_need python3-venv
  say "installing $(grep -v '^#' "$wanted" | tr '\n' ' ')into $cache/format" >&2
  python3 -m venv "$cache/format"
  "$cache/format/bin/pip" install --quiet --disable-pip-version-check -r "$wanted"
  cp "$wanted" "$cache/format/.requirements"
}

# need_llama : llama.cpp, the peer of language models, as llama-cpp-python builds it for this processor.
need_llama() {
  need_python
  local wanted=$root/Tests/Benchmarks/requirements.txt
  "$venv/bin/python" -c 'import llama_cpp' 2>/dev/null && return 0
  apt_need cmake g++
  say "building $(grep -v '^#' "$wanted" | tr '\n' ' ')into $venv: some twenty minutes"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$wanted"
}

# oracle MODULE ARGUMENT... : runs a module of Tests/Oracle; benchmark, one of Tests/Benchmarks. LiteRT's notices at
# start-up are left out.
oracle() { python_module "oracle.$1" "${@:2}"; }
benchmark() { python_module "benchmarks.$1" "${@:2}"; }
python_module() {
  PYTHONPATH=$root/Tests/Harness:$root/Tests/Oracle:$root/Tests/Benchmarks "$venv/bin/python" -W ignore -m "$@" \
    2> >(grep -v -e '^INFO:' -e '^WARNING: ' >&2)
}

# build_products PRODUCT... : of the ordinary release build, into $release. Never all at once: that is the packages' own
# programs too, protobuf's compiler among them, as soon as a single product was built before.
release=$root/.build/release
build_products() {
  need_build
  local product
  for product in "$@"; do (cd "$root" && swift build -c release --product "$product" >&2); done
}

# The workstation command of the release build.
build_tools() {
  build_products martlet-tools
  tools=$release/martlet-tools
}

# fuzz_configurations FOLDER : what there is of them, in FOLDER/configuration.
fuzz_configurations() {
  mkdir -p "$1/configuration"
  cp "$root"/Firmware/martlet.yaml "$root"/Tests/Fixtures/configuration/*.yaml "$1/configuration"
}

# fuzz_seeds FOLDER : small real models, as .tflite in FOLDER/importer, as .onnx in FOLDER/onnx, language models' files
# in FOLDER/language, all as .martlet in FOLDER/loader, and small pictures in FOLDER/pictures.
fuzz_seeds() {
  local folder=$1 source format
  # Those of another format would be refused at their first bytes.
  format=$(cksum <"$root/Sources/Martlet/Model/ModelFormat.swift")
  [ "$(cat "$folder/.ready" 2>/dev/null)" = "$format" ] && [ -d "$folder/language" ] && return 0
  rm -rf "$folder/loader"
  build_tools
  need_python
  mkdir -p "$folder/importer" "$folder/loader" "$folder/onnx" "$folder/pictures"
  cp "$root"/Tests/Fixtures/onnx/*.onnx "$folder/onnx"
  oracle onnx_limits --write "$folder/onnx"
  find "$root/Tests/Fixtures/pictures" -size -4k -name '*.[jpb][pnm][gp]' -exec cp {} "$folder/pictures" \;
  printf 'P6\n2 2\n255\n123456789abc' >"$folder/pictures/colour.ppm"
  printf 'P5 2 2 65535\n12345678' >"$folder/pictures/grey.pgm"
  oracle seeds "$folder/importer"
  if [ -d "$root/../shared/corpus/layers" ]; then
    for source in "$root"/../shared/corpus/onnx_node/*/model.onnx; do
      cp "$source" "$folder/onnx/$(basename "$(dirname "$source")").onnx"
    done
    find "$root/../shared/corpus/layers" -name '*.tflite' -size -20k -exec cp {} "$folder/importer" \;
  fi
  for source in "$folder"/importer/*.tflite; do
    "$tools" convert "$source" -o "$folder/loader/$(basename "$source" .tflite).martlet" >/dev/null 2>&1 || true
  done
  oracle language_seeds "$folder"
  local target
  for source in "$folder"/sources/*/ "$root"/Tests/Fixtures/language-files/*.gguf; do
    target=$folder/loader/text-$(basename "$source").martlet
    # A chat format where there is a tokenizer. (Two of the files are no models, but hold every type of value.)
    "$tools" convert "$source" -o "$target" --chat-format chatml >/dev/null 2>&1 \
      || "$tools" convert "$source" -o "$target" >/dev/null 2>&1 || true
  done
  for source in "$folder"/sources/*.bin; do
    "$tools" convert "$source" --tokenizer "${source%.bin}.tokenizer" --chat-format llama2 \
      -o "$folder/loader/text-$(basename "$source").martlet" >/dev/null
  done
  say "$format" >"$folder/.ready"
}
