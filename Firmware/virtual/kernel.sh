# The virtual device's kernel: Debian 12's, unpacked and not installed, with the modules that Debian does not ship.
# Sourced by run after Tools/lib.sh; what is written here is part of the cache's key.

release=bookworm
virtual=$cache/virtual

# What is loaded on the way to a root file system, and what a script may load.
boot_modules=(virtio_pci virtio_blk virtio_console virtio-rng crc32c_generic ext4 9p 9pnet_virtio configfs)
other_modules=(vivid v4l2loopback gpio-sim vcan can-raw autofs4 softdog loop overlay)

declare -A triples=([amd64]=x86_64-linux-gnu [arm64]=aarch64-linux-gnu)
declare -A kernel_architectures=([amd64]=x86 [arm64]=arm64)

# A key is the start of a digest of what is read from stdin.
key() { sha256sum | cut -c 1-16; }

# debian_source RELEASE : lines of a sources.list. Where Debian is served from is what this machine is told.
debian_source() {
  local targets archive security keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  targets=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' | sort -u)
  if ! grep -q '^Debian|Debian|' <<<"$targets"; then
    as_root apt-get update -qq
    targets=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' | sort -u)
  fi
  archive=$(sed -n 's/^Debian|Debian|//p' <<<"$targets" | head -1)
  security=$(sed -n 's/^Debian|Debian-Security|//p' <<<"$targets" | head -1)
  [ -n "$archive" ] || fail "this machine's apt knows no Debian archive: the virtual device is made of Debian packages"
  say "deb [signed-by=$keyring] $archive $1 main"
  [ -z "$security" ] || say "deb [signed-by=$keyring] $security $1-security main"
}

# private_apt RELEASE ARCHITECTURE TOOL ARGUMENT... : apt with a state of its own; the machine's stays as it is.
private_apt() {
  local state=$virtual/apt-$1-$2 architecture=$2 tool=$3
  shift 3
  "$tool" -qq -o "Dir::State::lists=$state/lists" -o "Dir::State::status=$state/status" -o "Dir::Cache=$state/cache" \
    -o "Dir::Etc::sourcelist=$state/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o "APT::Architecture=$architecture" -o "APT::Architectures=$architecture" -o APT::Sandbox::User= "$@"
}

# refresh RELEASE ARCHITECTURE : a list of packages that is less than a day old, or the last one if there is no network.
refresh() {
  local state=$virtual/apt-$1-$2
  [ -z "$(find "$state/fresh" -mmin -1440 2>/dev/null)" ] || return 0
  say "reading the package lists of Debian $1 for $2" >&2
  mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
  : >"$state/status"
  debian_source "$1" >"$state/sources.list"
  if private_apt "$1" "$2" apt-get -o APT::Update::Error-Mode=any update >&2; then
    touch "$state/fresh"
  else
    [ -f "$state/fresh" ] || fail "the package lists of Debian $1 cannot be read"
    say "the package lists cannot be read now: going on with those of $(date -r "$state/fresh" +%F)" >&2
  fi
}

# download RELEASE ARCHITECTURE PACKAGE... : .deb files into the working folder.
download() {
  refresh "$1" "$2"
  private_apt "$1" "$2" apt-get download "${@:3}" >/dev/null || fail "cannot download: ${*:3}"
}

# kernel_abi ARCHITECTURE : as 6.1.0-56-amd64. It changes with security updates.
kernel_abi() {
  private_apt $release "$1" apt-cache depends "linux-image-$1" | sed -n 's/.*Depends: linux-image-//p' | head -1
}

# need_kernel ARCHITECTURE : sets kernel to a folder with the kernel `image`, `boot.cpio` (the modules, busybox) and the
# programs that are compiled for the machine.
need_kernel() {
  local architecture=$1 abi version name
  refresh $release "$architecture"
  abi=$(kernel_abi "$architecture")
  version=$(private_apt $release "$architecture" apt-cache policy "linux-image-$abi" | sed -n 's/ *Candidate: //p')
  [ -n "$abi" ] && [ -n "$version" ] || fail "Debian $release has no linux-image-$architecture"
  name=kernel-$architecture-$(cat "$here"/kernel.sh "$here"/*.c - <<<"$abi $version" | key)
  kernel=$virtual/$name
  [ -f "$kernel/image" ] && return 0
  say "downloading Linux $abi ($version) with its source and headers, and building gpio-sim and v4l2loopback" >&2
  apt_need apt dpkg xz-utils kmod cpio make gcc binutils libelf1 >&2
  if [ "$architecture" != "$(dpkg --print-architecture)" ]; then
    apt_need "gcc-${triples[$architecture]//_/-}" "libc6-dev-$architecture-cross" >&2
  fi
  build_kernel "$architecture" "$abi" "$name"
  find "$virtual" -maxdepth 1 -name "kernel-$architecture-*" ! -name "$name" -mtime +1 -exec rm -rf {} +
}

build_kernel() (
  architecture=$1 abi=$2 host=$(dpkg --print-architecture)
  work=$(mktemp -d "$virtual/building.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  cd "$work"
  download $release "$architecture" "linux-image-$abi" "linux-headers-$abi" "linux-headers-${abi%-*}-common" \
    linux-source-6.1 busybox-static
  # The build tools of the headers run here.
  download $release "$host" linux-kbuild-6.1
  # Debian 12's own v4l2loopback says a wrong length for the first MJPG frame.
  download trixie "$host" v4l2loopback-dkms
  mkdir root source out out/bin
  for package in linux-image-* linux-headers-* linux-kbuild-* v4l2loopback-* busybox-*; do dpkg -x "$package" root; done
  dpkg --fsys-tarfile linux-source-*.deb | tar -xO ./usr/src/linux-source-6.1.tar.xz | xz -dcT0 \
    | tar -x -C source --strip-components=1 --wildcards '*/drivers/gpio/gpio-sim.c' '*/drivers/gpio/gpiolib.h' \
      '*/kernel/irq/irq_sim.c' '*/scripts/extract-vmlinux'

  # Booting an image that is already unpacked saves the emulator seconds.
  case $architecture in
    amd64) bash source/scripts/extract-vmlinux "root/boot/vmlinuz-$abi" >out/image 2>/dev/null ;;
    arm64) cp "root/boot/vmlinuz-$abi" out/image ;;
  esac
  [ -s out/image ] || fail "no kernel could be taken from vmlinuz-$abi"

  build_modules
  modules_file
  compile_programs
  mv out "$virtual/.$3" && rm -rf "${virtual:?}/$3" && mv "$virtual/.$3" "$virtual/$3"
)

# gpio-sim's interrupts come from irq_sim, which Debian's kernel lacks too: it becomes a part of the module. What it
# calls inside the kernel is not exported to modules; the exported way leads to the same descriptor.
build_modules() {
  local log=$work/build.log module
  mkdir module
  cp source/drivers/gpio/{gpio-sim.c,gpiolib.h} source/kernel/irq/irq_sim.c module
  mv module/gpio-sim.c module/gpio-sim-main.c
  sed -i -e 's/irq_to_desc(\([^)]*\))/irq_data_to_desc(irq_get_irq_data(\1))/' \
    -e '/^#include <linux.slab.h>/a #include <linux/irqdesc.h>\n#include <linux/module.h>' module/irq_sim.c
  cp root/usr/src/v4l2loopback-*/*.[ch] module
  printf '%s\n' 'obj-m := gpio-sim.o v4l2loopback.o' 'gpio-sim-y := gpio-sim-main.o irq_sim.o' >module/Makefile
  # The headers expect to be installed.
  sed -i "s,/usr/src/,$work/root/usr/src/," "root/usr/src/linux-headers-$abi/Makefile"
  make -j"$(nproc)" -C "root/usr/src/linux-headers-$abi" M="$work/module" ARCH="${kernel_architectures[$architecture]}" \
    CROSS_COMPILE="${triples[$architecture]}-" modules >"$log" 2>&1 \
    || { tail -20 "$log" >&2; fail "the kernel modules do not build"; }
  mkdir -p "root/lib/modules/$abi/updates"
  for module in gpio-sim v4l2loopback; do
    "${triples[$architecture]}-strip" --strip-debug "module/$module.ko"
    cp "module/$module.ko" "root/lib/modules/$abi/updates"
  done
}

# boot.cpio: busybox, and of the kernel's thousands of modules those that are named above and those that they need.
modules_file() {
  local file boot=$work/boot
  PATH=$PATH:/sbin:/usr/sbin
  mkdir -p "$boot/bin" "$boot/lib/modules/$abi"
  depmod -b root "$abi"
  modprobe -d root -S "$abi" --show-depends -a "${boot_modules[@]}" "${other_modules[@]}" >modules.list
  sed -n 's/^insmod \([^ ]*\).*/\1/p' modules.list | sort -u | while read -r file; do
    file=lib/modules/$abi/${file#*/lib/modules/"$abi"/}
    mkdir -p "$boot/$(dirname "$file")"
    cp "root/$file" "$boot/$file"
  done
  cp "root/lib/modules/$abi"/modules.{builtin,builtin.modinfo,order} "$boot/lib/modules/$abi"
  depmod -b "$boot" "$abi"
  cp root/bin/busybox "$boot/bin"
  say "${boot_modules[*]}" >"$boot/boot-modules"
  pack_cpio "$boot" >out/boot.cpio
}

# pack_cpio FOLDER : an initramfs; the kernel takes several, one after the other.
pack_cpio() { (cd "$1" && find . -mindepth 1 -print0 | LC_ALL=C sort -z | cpio --quiet -0 -o -H newc -R 0:0); }

compile_programs() {
  local source
  for source in "$here"/*.c; do
    "${triples[$architecture]}-gcc" -std=gnu11 -O2 -Wall -Wextra -Werror -static -s -I module "$source" \
      -o "out/bin/$(basename "$source" .c)" || fail "$(basename "$source") does not compile"
  done
}
