# The virtual device's root file systems, made of Debian's packages. Sourced by run after kernel.sh; what is written here
# is part of the cache's key.

# What the device command needs, with what a test asks the kernel with.
root_packages=(libc6 libjpeg62-turbo libpng16-16 libgpiod2 libyaml-0-2 zlib1g libv4lconvert0 libv4l-0 bash v4l-utils gpiod)

# What the system has besides: systemd, and what a package's scripts call.
system_packages=("${root_packages[@]}" systemd systemd-sysv udev kmod adduser passwd init-system-helpers procps)

make_root() {
  as_root mmdebstrap --quiet "$@" || fail "mmdebstrap cannot make a root file system of Debian's packages"
}

# need_root ARCHITECTURE : sets root_file to an initramfs with the libraries and programs. Its packages are unpacked, not
# installed, so that it can be made on any machine.
need_root() {
  local architecture=$1 name work sources
  name=root-$architecture-$(cat "$here/roots.sh" | key)
  root_file=$virtual/$name.cpio
  [ ! -f "$root_file" ] || return 0
  say "making a root file system of Debian $release for $architecture: ${root_packages[*]}" >&2
  apt_need mmdebstrap cpio >&2
  work=$(mktemp -d "$virtual/building.XXXXXX")
  mapfile -t sources < <(debian_source $release)
  make_root --variant=extract --architectures="$architecture" --include="$(IFS=,; echo "${root_packages[*]}")" \
    $release "$work/root.tar" "${sources[@]}"
  mkdir "$work/root"
  # What nobody reads in a test machine would be unpacked by the emulator at each start.
  tar -x -f "$work/root.tar" -C "$work/root" --no-same-owner --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' \
    --exclude='./usr/share/locale/*' --exclude='*/gconv/*' --exclude='./dev/*' --exclude='./usr/bin/cec-*' \
    --exclude='./var/*' --exclude='./usr/share/info/*'
  pack_cpio "$work/root" >"$work/root.cpio"
  mv "$work/root.cpio" "$root_file"
  rm -rf "$work"
  find "$virtual" -maxdepth 1 -name "root-$architecture-*" ! -name "$name.cpio" -mtime +1 -delete
}
