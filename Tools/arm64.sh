# shellcheck shell=bash
# What counting on arm64 takes besides lib.sh, which is sourced before: `Tools/bench arm64` and the thresholds. All of it
# is unpacked into the cache.

# build_counter FILE : the plugin of QEMU that counts.
build_counter() {
  local clang
  clang=$(dirname "$(readlink -f "$(command -v swift)")")/clang
  "$clang" -std=gnu11 -O2 -Wall -Wextra -shared -fPIC "$root/Tests/Benchmarks/counting/count.c" -o "$1"
}

# need_llvm_mca : llvm-mca and llvm-mc of a release that knows the pipelines of today's processors, and the libraries
# that they load.
llvm=$cache/llvm-19
need_llvm_mca() {
  unpack_debian "$(dpkg --print-architecture)" "$llvm" \
    llvm-19 libllvm19 libedit2 libbsd0 libmd0 libffi8 libxml2 libicu72 libz3-4 libzstd1 libtinfo6
}

# need_arm64_litert : LiteRT for arm64, of the version that Tests/Harness names, and an arm64 Python that runs it.
arm64_litert=$cache/arm64-litert
need_arm64_litert() {
  local wanted wheels wheel
  unpack_debian arm64 "$arm64_litert/root" libc6 libgcc-s1 libstdc++6 zlib1g libexpat1 libffi8 \
    libpython3.11-minimal libpython3.11-stdlib python3.11-minimal
  wanted=$(grep '^ai-edge-litert==' "$root/Tests/Harness/requirements.txt")
  # The newest for this Python.
  wanted+=' numpy==2.3.5'
  [ "$(cat "$arm64_litert/.wanted" 2>/dev/null)" = "$wanted" ] && return 0
  say "unpacking for arm64 into $arm64_litert: $wanted"
  wheels=$(mktemp -d)
  # shellcheck disable=SC2086  # two requirements
  "$venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --only-binary :all: --dest "$wheels" \
    --platform manylinux_2_27_aarch64 --platform manylinux_2_28_aarch64 --platform manylinux2014_aarch64 \
    --python-version 311 --implementation cp --abi cp311 $wanted
  rm -rf "$arm64_litert/site" "$arm64_litert/counted"
  mkdir "$arm64_litert/site"
  for wheel in "$wheels"/*.whl; do "$venv/bin/python" -m zipfile -e "$wheel" "$arm64_litert/site"; done
  printf '%s' "$wanted" >"$arm64_litert/.wanted"
  rm -rf "$wheels"
}
