# What the tests of the device share inside it; sourced, in the folder with martlet, models and frames.
#
# What is seen goes into the folder `out`, where the caller reads it; what can be judged here is counted here.
set -uo pipefail
work=$(mktemp -d)
out=$PWD/out
cp martlet "$work/martlet"
chmod 755 "$work" "$work/martlet"
martlet=$work/martlet
program=(timeout 60 "$martlet")
socket=$work/status.sock
source ./checks.sh

check() { if eval "$2"; then pass; else miss "$1"; fi; }
say() { printf '%s\n' "$*"; }

# until LIMIT CONDITION : waits until it holds, at most LIMIT seconds.
until_true() {
  local end=$((${EPOCHREALTIME/./} + $1 * 1000000))
  until eval "$2"; do
    [ "${EPOCHREALTIME/./}" -lt $end ] || return 1
    sleep 0.05
  done
}

# awaits WHAT LIMIT CONDITION : a check that something happens in time.
awaits() { if until_true "$2" "$3"; then pass; else miss "$1: not within $2 s"; fi; }

# feed NODE FOURCC WIDTH HEIGHT FPS LOOPS FILE... : frames into a loop camera, in the background; sets `feeder`.
feed() {
  frame-feeder --device "$1" --fourcc "$2" --width "$3" --height "$4" --fps "$5" --loops "$6" --hold "${hold:-0}" \
    "${@:7}" 2>>"$work/feeder.log" &
  feeder=$!
  # A camera captures when the first frame is there.
  local node=${1##*/}
  until_true 10 "v4l2-ctl -d $1 --get-fmt-video 2>/dev/null | grep -q \"'$2'\"" || miss "no frames in $node"
}
unfeed() { kill $feeder 2>/dev/null; wait $feeder 2>/dev/null; }

# service NAME : starts the configuration NAME.yaml of the work folder; sets `pid`. What it says goes into out/NAME.err.
service() {
  name=$1
  "$martlet" run "$work/$name.yaml" >>"$out/$name.out" 2>>"$out/$name.err" &
  pid=$!
  until_true 30 "[ -S $socket ] || ! kill -0 $pid 2>/dev/null" || true
  kill -0 $pid 2>/dev/null || miss "$name did not start: $(tail -1 "$out/$name.err")"
}
stop() {
  kill -TERM $pid 2>/dev/null
  local ended=0
  wait $pid || ended=$?
  check "$name: ended with $ended" '[ $ended = 0 ]'
  cat "$out/$name.err" >>"$out/all.err"
}

status() { "$martlet" status "$socket" --json; }
# field KEY [N] : of the status, the Nth place where the key is.
field() { status 2>/dev/null | sed -n "s/.*\"$1\": \"\\{0,1\\}\\([^\",]*\\).*/\\1/p" | sed -n "${2:-1}p"; }
# at_least KEY VALUE
at_least() {
  local found
  found=$(field "$1" "${3:-1}")
  [ -n "$found" ] && [ "$found" -ge "$2" ]
}
told() { grep -q -- "$1" "$out/$name.err" 2>/dev/null; }
lines_of() { if [ -f "$1" ]; then wc -l <"$1"; else echo 0; fi; }

# The kernel's trace of what was done to lines; times are CLOCK_MONOTONIC, as the log's.
trace=/sys/kernel/tracing
trace_lines() {
  mount -t tracefs none $trace 2>/dev/null || true
  echo mono >$trace/trace_clock && echo 1 >$trace/events/gpio/gpio_value/enable && : >$trace/trace \
    || miss "no trace of GPIO values"
}
# A sleeper that does nothing else, beside what is measured: what the machine itself adds to 60 ms, in ms, goes into
# out/sleeps.
sleep_beside() {
  local began now
  exec 9<> <(:)
  while :; do
    began=${EPOCHREALTIME/./}
    read -rt 0.06 -u 9
    now=${EPOCHREALTIME/./}
    echo $(((now - began) / 1000 - 60))
  done >"$out/sleeps" &
  sleeper=$!
}
# number LABEL : of a chip's first line in the trace.
number() { cat "$(dirname "$(grep -lx "$1" /sys/class/gpio/gpiochip*/label)")/base"; }
value() { gpio-sim-value bench "$1"; }

finish() {
  say "$passed passed, $failed failed"
  [ "$failed" = 0 ]
}
