#!/usr/bin/env bash
# Times reinvite against tcpdump on one capture: the whole analysis against a mere port filter.
#
#   benches/compare_tcpdump.sh CAPTURE [REINVITE] [ROUNDS]
#
# REINVITE is target/release/reinvite unless given, ROUNDS is 5. Both programs run in turns, after one round that is not
# counted and fills the file cache. Prints every time, the medians, their ratio, and the peak memory of reinvite.
set -euo pipefail
export LC_ALL=C

capture=${1:?usage: compare_tcpdump.sh CAPTURE [REINVITE] [ROUNDS]}
reinvite=${2:-target/release/reinvite}
rounds=${3:-5}
timer=/usr/bin/time

[[ -r $capture ]] || { echo "compare_tcpdump: cannot read $capture" >&2; exit 2; }
for program in "$reinvite" tcpdump "$timer"; do
    command -v "$program" >/dev/null || { echo "compare_tcpdump: $program is not there" >&2; exit 2; }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Runs a command; its wall time in seconds and peak memory in kB are appended to a file.
measure() {
    local name=$1 start end
    shift
    start=$EPOCHREALTIME
    if ! "$timer" -f '%M' -o "$work/last" "$@" >/dev/null 2>"$work/errors"; then
        cat "$work/errors" >&2
        echo "compare_tcpdump: failed: $*" >&2
        exit 1
    fi
    end=$EPOCHREALTIME
    # Seconds with six digits, without their point, are microseconds.
    awk -v took="$((${end/./} - ${start/./}))" '{ printf "%.3f %s\n", took / 1e6, $1 }' "$work/last" >>"$work/$name"
}

# The median of a column of a file.
median() {
    awk -v column="$2" '{ print $column }' "$work/$1" | sort -n |
        awk '{ value[NR] = $1 } END { print (value[int((NR + 1) / 2)] + value[int(NR / 2) + 1]) / 2 }'
}

run_reinvite() { measure reinvite "$reinvite" analyze "$capture" -o /dev/null; }
run_tcpdump() { measure tcpdump tcpdump -n -r "$capture" -w /dev/null port 5060; }

run_reinvite
run_tcpdump
rm "$work/reinvite" "$work/tcpdump"
for ((round = 0; round < rounds; round++)); do
    run_reinvite
    run_tcpdump
done

echo "capture: $capture, $(stat -L -c %s "$capture") bytes; $(nproc) cores; $(uname -srm)"
for name in reinvite tcpdump; do
    echo "$name: $(awk '{ printf "%s ", $1 }' "$work/$name")s, median $(median "$name" 1) s, peak memory $(median "$name" 2) kB"
done
awk -v ours="$(median reinvite 1)" -v theirs="$(median tcpdump 1)" \
    'BEGIN { if (theirs > 0) printf "ratio reinvite / tcpdump: %.2f\n", ours / theirs; else print "ratio: too fast to tell" }'
