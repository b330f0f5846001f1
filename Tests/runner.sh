# shellcheck shell=bash
# Runs the steps that Tools/test declares; sourced by it, with `logs`, `mode`, `jobs` and `quick`.
#
# First the steps that are `alone`, one after the other, in the order of their declaration: builds, what has threads of
# its own, what measures time. Then the others, which need one core, two at a time, those that take `long` first. Lines
# are printed in the order of declaration, whichever step ends first.

steps=() commands=() kinds=() lines=()
passed=0 failed=0 shown=0
declare -A running=()

# step [alone|long] NAME COMMAND...
step() {
  local kind=short
  case $1 in alone | long) kind=$1 && shift ;; esac
  steps+=("$1") kinds+=("$kind") commands+=("$(printf '%q ' "${@:2}")") lines+=('')
}

# The sum of all closing lines in a log: 'N passed, N failed', or Swift Testing's.
tally() {
  awk '
    /^[0-9]+ passed, [0-9]+ failed$/ { good += $1; bad += $3 }
    /Test run with [0-9]+ tests?.* passed after/ { for (i = 1; i < NF; i++) if ($i == "with") good += $(i + 1) }
    /Test run with [0-9]+ tests?.* failed after/ { bad += 1 }
    END { print good + 0, bad + 0 }' "$1"
}

reasons() { grep -aE 'FAILED|✘|error:|[Ff]atal|fail' "$1" || tail -n 20 "$1"; }

# is_wanted NAME : by the mode, or by the names that were asked for.
is_wanted() {
  if [ ${#only[@]} -gt 0 ]; then [[ " ${only[*]} " == *" $1 "* ]]
  elif [ "$mode" = quick ]; then [[ $quick == *[[:space:]]"$1"[[:space:]]* ]]
  else true; fi
}

# start INDEX : in a process group of its own, so that all of it can be ended.
start() {
  set -m
  (
    set +m -euo pipefail
    eval "${commands[$1]}"
  ) </dev/null >"$logs/${steps[$1]}.log" 2>&1 &
  set +m
  running[$!]="$1 $SECONDS"
}

# await_one : waits for the next step that ends, adds up its 'N passed, N failed' (or counts it as one test), and says
# why it failed.
await_one() {
  local ended status=0 index begin good bad log
  wait -n -p ended "${!running[@]}" || status=$?
  read -r index begin <<<"${running[$ended]}"
  unset "running[$ended]"
  # What a step left running would disturb the next ones.
  kill -KILL -- "-$ended" 2>/dev/null || true
  log=$logs/${steps[$index]}.log
  read -r good bad <<<"$(tally "$log")"
  if [ "$good" = 0 ] && [ "$bad" = 0 ] && [ "$status" = 0 ]; then good=1; fi
  if [ "$status" != 0 ] && [ "$bad" = 0 ]; then bad=1; fi
  passed=$((passed + good)) failed=$((failed + bad))
  lines[index]=$(printf '%-26s %6d passed, %d failed   %d s' "${steps[$index]}" "$good" "$bad" "$((SECONDS - begin))")
  if [ "$bad" != 0 ]; then
    lines[index]+=$'\n'$(reasons "$log" | sed -n '1,40s/^/    /p')
  fi
  show_lines
}

# Prints what is known up to the first step that has not ended.
show_lines() {
  while [ $shown -lt ${#steps[@]} ] && { [ -n "${lines[shown]}" ] || ! is_wanted "${steps[shown]}"; }; do
    [ -z "${lines[shown]}" ] || say "${lines[shown]}"
    shown=$((shown + 1))
  done
}

end_all() {
  local group
  for group in "${!running[@]}"; do kill -TERM -- "-$group" 2>/dev/null || true; done
}

# run_steps NAME... : these, or all that the mode wants; ends with 'N passed, N failed'.
run_steps() {
  local kind index name limit
  only=("$@")
  trap end_all EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  for name in "${only[@]}"; do
    if [[ " ${steps[*]} " != *" $name "* ]]; then say "FAILED there is no step '$name'"; failed=$((failed + 1)); fi
  done
  for kind in alone long short; do
    limit=$jobs
    [ $kind != alone ] || limit=1
    for index in "${!steps[@]}"; do
      [ "${kinds[index]}" = $kind ] && is_wanted "${steps[index]}" || continue
      while [ ${#running[@]} -ge "$limit" ]; do await_one; done
      start "$index"
    done
    [ $kind != alone ] || while [ ${#running[@]} -gt 0 ]; do await_one; done
  done
  while [ ${#running[@]} -gt 0 ]; do await_one; done
  show_lines
  say "$passed passed, $failed failed"
  [ "$failed" = 0 ]
}
