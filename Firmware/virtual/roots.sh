# The virtual device's root file systems, made of Debian's packages. Sourced by run after kernel.sh; what is written here
# is part of the cache's key.

# What the device command needs, with what a test asks the kernel with.
root_packages=(libc6 libjpeg62-turbo libpng16-16 libgpiod2 libyaml-0-2 zlib1g libv4lconvert0 libv4l-0 bash v4l-utils gpiod)

# What the system has besides: systemd, and what a package's scripts call.
system_packages=("${root_packages[@]}" systemd systemd-sysv udev kmod adduser passwd init-system-helpers procps)

# What nobody reads in a test machine.
left_out=('/usr/share/doc/*' '/usr/share/locale/*' '/usr/share/man/*' '/usr/share/info/*')

# new_building : sets building to a working folder, which run removes at its end. What a killed one left goes first.
new_building() {
  find "$virtual" -maxdepth 1 -name 'building.*' -mtime +1 -exec rm -rf {} +
  building=$(mktemp -d "$virtual/building.XXXXXX")
}

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
  new_building
  work=$building
  mapfile -t sources < <(debian_source $release)
  make_root --variant=extract --architectures="$architecture" --include="$(IFS=,; echo "${root_packages[*]}")" \
    $release "$work/root.tar" "${sources[@]}"
  mkdir "$work/root"
  # All of it is unpacked by the emulator at each start.
  tar -x -f "$work/root.tar" -C "$work/root" --no-same-owner "${left_out[@]/#/--exclude=.}" \
    --exclude='*/gconv/*' --exclude='./dev/*' --exclude='./var/*' --exclude='./usr/bin/cec-*'
  pack_cpio "$work/root" >"$work/root.cpio"
  mv "$work/root.cpio" "$root_file"
  rm -rf "$work"
  find "$virtual" -maxdepth 1 -name "root-$architecture-*" ! -name "$name.cpio" -mtime +1 -delete
}

# need_system ARCHITECTURE : sets system_file to a disk with an installed Debian system that systemd starts. Installing
# runs the packages' own scripts, which this machine does for its own architecture only.
need_system() {
  local architecture=$1 name work sources part
  name=system-$architecture-$(cat "$here/roots.sh" | key)
  system_file=$virtual/$name.ext4
  [ ! -f "$system_file" ] || return 0
  apt_need mmdebstrap e2fsprogs >&2
  new_building
  work=$building part=$building/system.ext4
  mapfile -t sources < <(debian_source $release)
  say "installing a system of Debian $release for $architecture: ${system_packages[*]}" >&2
  make_root --variant=minbase --architectures="$architecture" --include="$(IFS=,; echo "${system_packages[*]}")" \
    "${left_out[@]/#/--dpkgopt=path-exclude=}" $release "$work/root.tar" "${sources[@]}"
  mkdir "$work/root"
  as_root tar -x -f "$work/root.tar" -C "$work/root" --numeric-owner --exclude='./dev/*'
  settle_system "$work/root"
  truncate -s 1G "$part"
  PATH=$PATH:/sbin:/usr/sbin as_root mkfs.ext4 -q -F -d "$work/root" "$part"
  as_root chown "$(id -u)" "$part"
  mv "$part" "$system_file"
  as_root rm -rf "$work"
  find "$virtual" -maxdepth 1 -name "system-$architecture-*" ! -name "$name.ext4" -mtime +1 -delete
}

# What a start would otherwise make out or wait for: the emulator is slow, and there is no terminal and no network.
settle_system() {
  local unit units=$1/etc/systemd/system
  as_root mkdir -p "$units" "$1/etc/systemd/system.conf.d"
  for unit in getty@.service getty-static.service serial-getty@.service apt-daily.timer apt-daily-upgrade.timer \
    dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer systemd-timesyncd.service \
    systemd-binfmt.service systemd-pstore.service; do
    as_root ln -sfn /dev/null "$units/$unit"
  done
  as_root ln -sfn /lib/systemd/system/multi-user.target "$units/default.target"
  printf '%s\n' 6d6172746c65740076697274756c0001 | as_root tee "$1/etc/machine-id" >/dev/null
  echo virtual | as_root tee "$1/etc/hostname" >/dev/null
  printf '127.0.0.1 localhost virtual\n' | as_root tee "$1/etc/hosts" >/dev/null
  printf '[Manager]\nDefaultTimeoutStopSec=20s\n' | as_root tee "$1/etc/systemd/system.conf.d/virtual.conf" >/dev/null
}
