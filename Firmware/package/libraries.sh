# The libraries of a Debian release that the device command is linked with; sourced by build-deb after Tools/lib.sh and
# Firmware/virtual/kernel.sh.

declare -A release_numbers=([bookworm]=12 [trixie]=13)

# library_packages RELEASE : what is linked, with its headers.
library_packages() {
  case $1 in
    bookworm) say libgpiod2 libgcc-12-dev libpng16-16 ;;
    trixie) say libgpiod3 libgcc-14-dev libpng16-16t64 ;;
  esac
  say libc6 libc6-dev linux-libc-dev libgcc-s1 libjpeg62-turbo libjpeg62-turbo-dev libpng-dev zlib1g zlib1g-dev \
    libgpiod-dev libyaml-0-2 libyaml-dev
}

# need_libraries RELEASE ARCHITECTURE : makes libraries-RELEASE-ARCHITECTURE in the cache: the packages unpacked (root)
# and what they say about their symbols (symbols).
need_libraries() (
  release=$1 architecture=$2 folder=$cache/libraries-$1-$2
  mapfile -t packages < <(library_packages "$release" | tr ' ' '\n')
  [ -f "$folder/.packages" ] && [ "$(cat "$folder/.packages")" = "${packages[*]}" ] && exit 0
  say "downloading libraries of Debian $release for $architecture: ${packages[*]}" >&2
  apt_need apt dpkg >&2
  mkdir -p "$virtual"
  work=$(mktemp -d "$cache/libraries.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  cd "$work"
  mkdir root symbols
  (mkdir packages && cd packages && download "$release" "$architecture" "${packages[@]}")
  for package in packages/*.deb; do
    dpkg -x "$package" root
    name=$(dpkg-deb -f "$package" Package)
    dpkg -e "$package" control
    for kind in symbols shlibs; do
      if [ -f "control/$kind" ]; then
        cp "control/$kind" "symbols/$name.$kind"
        break
      fi
    done
    rm -r control
  done
  rm -r packages
  # The two folders are one since Debian 12; here only packages decide. And absolute links would lead out of the root.
  for folder_name in lib lib64; do
    [ ! -d "root/$folder_name" ] || [ -L "root/$folder_name" ] || {
      mkdir -p "root/usr/$folder_name"
      cp -a "root/$folder_name/." "root/usr/$folder_name"
      rm -r "root/$folder_name"
    }
    [ ! -d "root/usr/$folder_name" ] || ln -sfn "usr/$folder_name" "root/$folder_name"
  done
  find root -type l -lname '/*' -print0 | while IFS= read -r -d '' link; do
    ln -sfrT "root$(readlink "$link")" "$link"
  done
  printf '%s' "${packages[*]}" >.packages
  chmod 755 .
  rm -rf "$folder"
  mv "$work" "$folder"
)

# dependencies RELEASE ARCHITECTURE PROGRAM : as they stand behind Depends:.
dependencies() {
  local files
  mapfile -t files < <(find "$cache/libraries-$1-$2/symbols" -type f | sort)
  readelf -dW --dyn-syms "$3" | awk -f "$root/Firmware/package/depends.awk" - "${files[@]}"
}
