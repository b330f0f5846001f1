# shellcheck shell=bash
# What counting on arm64 takes (`Tools/bench arm64`, the thresholds); lib.sh is sourced before. All of it is unpacked
# into the cache, not installed.

# build_counter FILE : the plugin of QEMU that counts. build_counter FILE check : a program that checks its parts.
build_counter() {
  local source=$root/Tests/Benchmarks/counting/${2:-count}.c options=(-std=gnu11 -O2 -Wall -Wextra)
  [ -n "${2:-}" ] || options+=(-shared -fPIC)
  "$(dirname "$(readlink -f "$(command -v swift)")")/clang" "${options[@]}" "$source" -o "$1"
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

# need_arm64_bench ARGUMENT... : what `Tools/bench arm64` runs, as far as these arguments ask for it.
need_arm64_bench() {
  need_qemu
  need_sysroot
  need_llvm_mca
  case " $* " in *" --assembly "*) return ;; esac
  mkdir -p "$root/.build-device"
  build_counter "$root/.build-device/count.so"
  case " $* " in *" --no-litert "*) ;; *) need_arm64_litert ;; esac
  case " $* " in *" --martlet "*) ;; *) build_device aarch64 martlet >/dev/null ;; esac
  # Models that ship are converted already.
  case " $* " in
    *" --tools "*) ;;
    *) [ ! -d "${MARTLET_CORPUS:-$root/../shared/corpus}" ] || build_products martlet-tools ;;
  esac
}
