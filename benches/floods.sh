#!/usr/bin/env bash
# Sends floods and bombs through the release build, and compares its time and memory with a bound for each.
#
#   benches/floods.sh [--keep] [NAME...]
#
# All if none is named. --keep writes what came out into the table of docs/reliability.md. Nothing big lies on a disk: floods are read from
# a pipe, as they are made, and bombs are some megabytes. Times are those of processors, of all threads together, so that it matters little
# what else the machine does.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."
mebibyte=$((1 << 20)) keep='' names=()
for argument; do
    if [[ $argument == --keep ]]; then keep=1; else names+=("$argument"); fi
done
cargo build --release --locked --quiet
cargo build --release --locked --quiet --example floods
reinvite=target/release/reinvite floods=target/release/examples/floods
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Name, seconds and MiB that it may take.
bounds='
call-ids 120 2560
one-shard 30 512
one-branch 30 2048
dialogs 30 1024
to-tags 30 1024
chain 60 2048
chain-of-calls 60 2560
vias 30 512
headers 30 512
contacts 30 512
endless-head 10 128
endless-body 10 128
half-open 10 768
begun 30 2048
websockets 30 2048
fragments 30 512
overlaps 60 512
tunnels 10 128
empty 30 256
times 60 2048
interfaces 10 256
long-blocks 30 128
options 30 128
zeros 10 128
gzip 30 128
zstd 30 128
xz 30 256
nested 1 64
'

# Two GiB of records of nothing, as the archive says; an archive of an archive.
bomb() {
    local pack=$1 part
    "$floods" zeros 0 | $pack
    part="$work/part"
    [[ -s $part.$pack ]] || head -c $((1024 * mebibyte)) /dev/zero | $pack >"$part.$pack"
    for _ in {1..2}; do cat "$part.$pack"; done
}

make() {
    case $1 in
    gzip | zstd | xz) bomb "$1" ;;
    nested) "$floods" call-ids 1000 | gzip | zstd | gzip ;;
    *) "$floods" "$1" ;;
    esac
}

what() {
    case $1 in
    gzip | zstd | xz) echo "2 GiB of nothing in $1" ;;
    nested) echo 'an archive in an archive in an archive' ;;
    *) "$floods" | awk -F'\t' -v name="$1" '$1 == name { print $2 " " $3 }' ;;
    esac
}

failed=0
while read -r name seconds memory; do
    [[ -n $name ]] || continue
    [[ ${#names[@]} == 0 || " ${names[*]} " == *" $name "* ]] || continue
    status=0
    # The limits that were reached are the last section of the report.
    make "$name" | { timeout $((10 * seconds + 60)) /usr/bin/time -f '%U %S %M' -o "$work/time" "$reinvite" analyze - -q 2>"$work/errors" || echo $? >"$work/status"; } |
        tail -c 4000 >"$work/end" || true
    [[ ! -s $work/status ]] || { status=$(cat "$work/status"); rm "$work/status"; }
    read -r user system peak < <(tail -n 1 "$work/time")
    limits=$(awk '/"limits_reached"/ { on = 1 } on { line = line $0 } /}/ && on { exit } END { print line }' "$work/end" |
        grep -oE '"[a-z_]+": [0-9]+' | cut -d'"' -f2 | paste -sd, | sed 's/,/, /g' || true)
    verdict=$(awk -v took="$user $system" -v peak="$peak" -v seconds="$seconds" -v memory="$memory" -v status="$status" 'BEGIN {
        split(took, part, " "); took = part[1] + part[2]
        fine = took <= seconds && peak / 1024 <= memory && (status == 0 || status == 2)
        printf "%.1f %.0f %s", took, peak / 1024, fine ? "ok" : "FAILED" }')
    read -r took mebibytes fine <<<"$verdict"
    [[ $fine == ok ]] || failed=1
    printf '%-15s %6s s of %4s  %5s MiB of %5s  exit %s  %s  %s\n' "$name" "$took" "$seconds" "$mebibytes" "$memory" "$status" "$fine" "$limits"
    echo "| $(what "$name") | $took s (of $seconds) | $mebibytes MiB (of $memory) | ${limits:-none} |" >>"$work/table"
done <<<"$bounds"

if [[ -n $keep && $failed == 0 ]]; then
    awk -v table="$work/table" '
        /<!-- benches\/floods.sh -->/ {
            print; print "| flood | processor time | peak memory | limits reached |"; print "| --- | --- | --- | --- |"
            while ((getline line < table) > 0) print line
            skip = 1
        }
        /<!-- end -->/ { skip = 0 }
        !skip { if (!/<!-- benches\/floods.sh -->/) print }
    ' docs/reliability.md >"$work/page"
    cp "$work/page" docs/reliability.md
fi
exit $failed
