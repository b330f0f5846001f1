# What a program depends on: packages with the least version that has every symbol that it takes, by the packages'
# symbols files (deb-symbols(5)) or, where a package has none, its shlibs file, as dpkg-shlibdeps does it, for any
# architecture.
#
#   readelf -dW --dyn-syms PROGRAM | awk -f depends.awk - FILE.symbols... FILE.shlibs...
#
# Prints "NAME (>= VERSION), ...". The status is 1 when a library or a symbol is in none of the files.

FILENAME == "-" && /\(NEEDED\)/ { gsub(/.*\[|\].*/, ""); needed[$0] = 1; next }
FILENAME == "-" && $7 == "UND" && $8 != "" {
  symbol = $8
  sub(/@@/, "@", symbol)
  if (symbol !~ /@/) symbol = symbol "@Base"
  # A weak one may be missing.
  wanted[symbol] = $5 == "WEAK" ? 0 : 1
  next
}
FILENAME == "-" { next }
FILENAME ~ /\.shlibs$/ {
  library = $1 ".so." $2
  if (library in needed) {
    found[library] = $3
    # Such a file knows no symbols: any may be its library's.
    is_open = 1
    if ($5 != "") least[$3] = substr($5, 1, length($5) - 1)
  }
  next
}
/^[^ |*]/ { library = $1; package = $2; used = library in needed; if (used) found[library] = package; next }
/^ / && used && $1 in wanted && !($1 in seen) {
  seen[$1] = 1
  if (!(package in least) || newer($2, least[package])) least[package] = $2
}

function newer(a, b) { return system("dpkg --compare-versions " a " gt " b) == 0 }

END {
  for (library in needed) {
    if (library in found || library ~ /^ld-linux/) continue
    print "depends: no package has " library > "/dev/stderr"
    exit 1
  }
  for (symbol in wanted) {
    if (!wanted[symbol] || symbol in seen || (is_open && symbol !~ /@GLIBC/)) continue
    print "depends: no library has " symbol > "/dev/stderr"
    exit 1
  }
  count = 0
  for (library in found) packages[found[library]] = 1
  for (package in packages) {
    entry = package
    if (package in least && least[package] != "0") entry = entry " (>= " least[package] ")"
    list[++count] = entry
  }
  for (i = 2; i <= count; i++)
    for (j = i; j > 1 && list[j] < list[j - 1]; j--) { swap = list[j]; list[j] = list[j - 1]; list[j - 1] = swap }
  for (i = 1; i <= count; i++) printf "%s%s", (i > 1 ? ", " : ""), list[i]
  print ""
}
