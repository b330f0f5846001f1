# What the tests of the commands share; sourced. `program` is the command under test, `work` a scratch folder.
passed=0 failed=0

pass() { passed=$((passed + 1)); }
miss() {
  failed=$((failed + 1))
  printf 'FAILED %s\n' "$*"
}

# refuses CODE TEXT ARGUMENT... : ends with CODE and exactly one line on standard error, which holds TEXT.
refuses() {
  local code=$1 text=$2 found=0
  shift 2
  "${program[@]}" "$@" >"$work/out" 2>"$work/err" </dev/null || found=$?
  if [ "$found" != "$code" ]; then
    miss "$*: exit $found, not $code: $(head -1 "$work/err")"
  elif [ "$(wc -l <"$work/err")" != 1 ]; then
    miss "$*: $(wc -l <"$work/err") lines, not one"
  elif ! grep -qF -- "$text" "$work/err"; then
    miss "$*: '$(cat "$work/err")' does not say '$text'"
  else
    pass
  fi
}

# gives TEXT ARGUMENT... : succeeds, and standard output holds TEXT.
gives() {
  local text=$1 found=0
  shift
  "${program[@]}" "$@" >"$work/out" 2>"$work/err" </dev/null || found=$?
  if [ "$found" != 0 ]; then
    miss "$*: exit $found: $(head -1 "$work/err")"
  elif [ -n "$text" ] && ! grep -qF -- "$text" "$work/out"; then
    miss "$*: '$text' is not in the output"
  else
    pass
  fi
}

# agree FILE TEXT VERB... : every verb (with its arguments) refuses the file with 65 and one line, which holds TEXT.
agree() {
  local file=$1 text=$2 first="" verb words line
  shift 2
  for verb in "$@"; do
    read -ra words <<<"$verb"
    refuses 65 "$text" "${words[0]}" "$file" "${words[@]:1}"
    line=$(sed "s/^${words[0]}: //" "$work/err")
    [ -z "$first" ] && first=$line
    [ "$line" = "$first" ] && pass || miss "$verb says '$line', not '$first'"
  done
}
