#!/usr/bin/env bash
# Counts the instructions of a run on three small captures with callgrind, which are the same whatever else the machine does, and prints
# them beside those that benches/instructions.tsv holds.
#
#   benches/instructions.sh [--keep]
#
# --keep writes the counts into that file: with a change that is meant to cost or save something.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."
command -v valgrind >/dev/null || { echo 'instructions: valgrind is not there'; exit 0; }
cargo build --release --locked --quiet
cargo build --release --locked --quiet --example generate
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
target/release/examples/generate "$work/generated.pcap" --calls 1000 >/dev/null
count() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null target/release/reinvite analyze "$1" --threads 1 -q -o /dev/null 2>&1 |
        awk '/Collected/ { print $NF }'
}
table=benches/instructions.tsv
for capture in fixtures/lab/messy-udp.pcap fixtures/lab/messy-tcp.pcap "$work/generated.pcap"; do
    name=$(basename "$capture") now=$(count "$capture")
    before=$(awk -v name="$name" '$1 == name { print $2 }' "$table" 2>/dev/null || true)
    awk -v name="$name" -v now="$now" -v before="${before:-0}" 'BEGIN {
        printf "%-16s %12d instructions%s\n", name, now, (before > 0 ? sprintf(", %+.1f %%", (now / before - 1) * 100) : "")
    }'
    printf '%s\t%s\n' "$name" "$now" >>"$work/new"
done
if [[ ${1:-} == --keep ]]; then cp "$work/new" "$table"; fi
