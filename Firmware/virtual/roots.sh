# The virtual device's root file systems, made of Debian's packages. Sourced by run after kernel.sh; what is written here
# is part of the cache's key.

# What the device command needs, with what a test asks the kernel with: by release, since some have other names in each.
common_packages='libc6 libjpeg62-turbo libyaml-0-2 zlib1g bash v4l-utils gpiod'
declare -A root_packages=(
  [bookworm]="$common_packages libpng16-16 libgpiod2 libv4lconvert0 libv4l-0"
  [trixie]="$common_packages libpng16-16t64 libgpiod3 libv4lconvert0t64 libv4l-0t64"
)

# What the system has besides: systemd, and what a package's scripts call.
system_packages='systemd systemd-sysv udev kmod adduser passwd init-system-helpers procps'

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
  say "making a root file system of Debian $release for $architecture: ${root_packages[$release]}" >&2
  apt_need mmdebstrap cpio >&2
  new_building
  work=$building
  mapfile -t sources < <(debian_source $release)
  make_root --variant=extract --architectures="$architecture" --include="${root_packages[$release]// /,}" \
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

# need_system ARCHITECTURE RELEASE : sets system_file to a disk with an installed Debian system that systemd starts.
need_system() {
  local architecture=$1 release=$2 name work sources packages
  name=system-$2-$1-$(cat "$here/roots.sh" "$here/guest/second-stage" | key)
  system_file=$virtual/$name.ext4
  [ ! -f "$system_file" ] || return 0
  apt_need mmdebstrap debootstrap e2fsprogs >&2
  new_building
  work=$building
  mapfile -t sources < <(debian_source "$release")
  packages="${root_packages[$release]} $system_packages"
  say "installing a system of Debian $release for $architecture: $packages" >&2
  packages=${packages// /,}
  mkdir "$work/root"
  if [ "$architecture" = "$(dpkg --print-architecture)" ]; then install_system; else unpack_system; fi
  find "$virtual" -maxdepth 1 -name "system-$2-$1-*" ! -name "$name.ext4" -mtime +1 -delete
}

# install_system : here, by this machine's processor.
install_system() {
  make_root --variant=minbase --architectures="$architecture" --include="$packages" \
    "${left_out[@]/#/--dpkgopt=path-exclude=}" "$release" "$work/root.tar" "${sources[@]}"
  as_root tar -x -f "$work/root.tar" -C "$work/root" --numeric-owner --exclude='./dev/*'
  system_disk
  mv "$work/system.ext4" "$system_file"
  as_root rm -rf "$work"
}

# unpack_system : installing runs the packages' own scripts, which another architecture's processor must do: they are
# unpacked here and installed in the virtual device.
unpack_system() {
  local mirror
  mirror=$(sed -n '1s/.*\] \([^ ]*\) .*/\1/p' <<<"${sources[0]}")
  as_root debootstrap --foreign --arch="$architecture" --variant=minbase --include="$packages" \
    --keyring=/usr/share/keyrings/debian-archive-keyring.gpg "$release" "$work/root" "$mirror" >"$work/debootstrap.log" \
    || { tail -5 "$work/debootstrap.log" >&2; fail "debootstrap cannot unpack Debian's packages"; }
  as_root mkdir -p "$work/root/etc/dpkg/dpkg.cfg.d"
  printf 'path-exclude=%s\n' "${left_out[@]}" | as_root tee "$work/root/etc/dpkg/dpkg.cfg.d/virtual" >/dev/null
  system_disk
  say "installing them in the virtual device: this is done once, and takes several minutes" >&2
  "$here/run" "$architecture" --disk "$work/system.ext4" --cpus 2 --memory 1024 --timeout 3600 "$here/guest/second-stage" \
    "${left_out[@]}" >&2 || fail "the packages cannot be installed in the virtual device"
  mv "$work/system.ext4" "$system_file"
  as_root rm -rf "$work"
}

# system_disk : makes a disk of the folder.
system_disk() {
  settle_system "$work/root"
  truncate -s 1G "$work/system.ext4"
  PATH=$PATH:/sbin:/usr/sbin as_root mkfs.ext4 -q -F -d "$work/root" "$work/system.ext4"
  as_root chown "$(id -u)" "$work/system.ext4"
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
