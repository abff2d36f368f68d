#!/usr/bin/env bash
# Times reinvite beside other programs on generated captures, after checking that its counts are those of the generator.
#
#   benches/compare.sh [-r ROUNDS] [-s ROUNDS_OF_SLOW_ONES] [-d FOLDER] [CASE...]
#   benches/compare.sh -f CAPTURE [-r ROUNDS] [-b REINVITE]
#
# The first form makes the captures in FOLDER (build them once, they stay there), installs the other programs from Debian if
# it may, lets all take turns, and writes what came out to benches/runs/ and into the table of README.md. Cases: signalling
# flagged media pcapng gzip zstd threads; all if none is named. Programs with two minutes a round are the slow ones: tshark, sngrep.
# The second form only times reinvite and tcpdump on one capture, as a quick check of a change.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."

rounds=7 slow_rounds=5 folder=${TMPDIR:-/tmp}/reinvite-bench single='' reinvite=target/release/reinvite
while getopts 'r:s:d:f:b:' option; do
    case $option in
    r) rounds=$OPTARG ;;
    s) slow_rounds=$OPTARG ;;
    d) folder=$OPTARG ;;
    f) single=$OPTARG ;;
    b) reinvite=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
cases=("$@")
[[ ${#cases[@]} -gt 0 ]] || cases=(signalling flagged media pcapng gzip zstd threads)
timer=/usr/bin/time
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "compare: $*" >&2
    exit 1
}

# Runs a command, its output thrown away; appends its wall time in seconds and its peak memory in kB to a file.
measure() {
    local name=$1 start end
    shift
    start=$EPOCHREALTIME
    "$timer" -f '%M' -o "$work/last" "$@" >/dev/null 2>"$work/errors" || {
        # 124 is the time limit of `timeout`.
        [[ $? == 124 ]] && { echo "$name: stopped by its time limit" >&2; return; }
        cat "$work/errors" >&2
        fail "this failed: $*"
    }
    end=$EPOCHREALTIME
    # Seconds with six digits, without their point, are microseconds.
    tail -n 1 "$work/last" | awk -v took="$((${end/./} - ${start/./}))" '{ printf "%.3f %s\n", took / 1e6, $1 }' >>"$work/$name"
}

# The median of a column of a file.
median() {
    awk -v column="$2" '{ print $column }' "$work/$1" | sort -n |
        awk '{ value[NR] = $1 } END { print (value[int((NR + 1) / 2)] + value[int(NR / 2) + 1]) / 2 }'
}

spread() { awk '{ print $1 }' "$work/$1" | sort -n | awk 'NR == 1 { low = $1 } { high = $1 } END { print low " to " high }'; }

if [[ $single ]]; then
    [[ -r $single ]] || fail "cannot read $single"
    for ((round = -1; round < rounds; round++)); do
        # The first round fills the file cache and is not counted.
        ((round == 0)) && rm -f "$work/reinvite" "$work/tcpdump"
        measure reinvite "$reinvite" analyze "$single" -o /dev/null
        measure tcpdump tcpdump -n -r "$single" -w /dev/null port 5060
    done
    echo "capture: $single, $(stat -L -c %s "$single") bytes; $(nproc) cores; $(uname -srm)"
    for name in reinvite tcpdump; do
        echo "$name: $(awk '{ printf "%s ", $1 }' "$work/$name")s, median $(median "$name" 1) s, peak memory $(median "$name" 2) kB"
    done
    awk -v ours="$(median reinvite 1)" -v theirs="$(median tcpdump 1)" \
        'BEGIN { if (theirs > 0) printf "ratio reinvite / tcpdump: %.2f\n", ours / theirs; else print "ratio: too fast to tell" }'
    exit
fi

# --- the other programs and the captures

missing=()
for program in tshark tcpdump sngrep zstd python3; do command -v "$program" >/dev/null || missing+=("$program"); done
[[ -x $timer ]] || missing+=(time)
if [[ ${#missing[@]} -gt 0 && $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null || true
fi
for program in tcpdump zstd python3 "$timer"; do command -v "$program" >/dev/null || fail "$program is not there"; done
cargo build --release --locked --quiet
cargo build --release --locked --quiet --example generate
mkdir -p "$folder" benches/runs

# One call in twenty is redirected or refused, as in a network with a few stale entries.
few=plain=55,timer=25,auth=6,busy=5,cancelled=4,options=5,r301=1,r302=1,r301-not-followed=0.3,r301-no-contact=0.1
few+=,r301-chain=0.2,timer422=2,timer422-ladder=0.3,timer422-abandoned=0.3
generate() {
    local name=$1
    shift
    [[ -s $folder/$name ]] && return
    target/release/examples/generate "$folder/$name" --truth "$folder/${name%.*}.json" "$@"
}
generate signalling.pcap --mix "$few"
for case in "${cases[@]}"; do
    case $case in
    flagged) generate flagged.pcap ;;
    media) generate media.pcap --rtp 200 --size 930MB --hops 1 ;;
    pcapng) generate signalling-ng.pcapng --mix "$few" --format pcapng ;;
    gzip) [[ -s $folder/signalling.pcap.gz ]] || gzip -c "$folder/signalling.pcap" >"$folder/signalling.pcap.gz" ;;
    zstd) [[ -s $folder/signalling.pcap.zst ]] || zstd -q -c "$folder/signalling.pcap" >"$folder/signalling.pcap.zst" ;;
    signalling | threads) ;;
    *) fail "there is no case $case" ;;
    esac
done

# Compares the summary of a report with the generator's truth; prints packets and messages.
check() {
    "$reinvite" analyze "$1" -q -o "$work/report.json" || fail "reinvite failed on $1"
    python3 - "$work/report.json" "$2" <<'PYTHON' || fail "the counts of $1 are not those of the generator"
import json, sys
report, truth = (json.load(open(path)) for path in sys.argv[1:])
summary = report["summary"]
names = ["frames", "sip_messages", "requests", "responses", "calls", "invite_calls"]
found = {name: summary[name] for name in names}
found |= {name: {part: summary[name][part] for part in truth[name]} for name in ["redirects", "negotiations"]}
known = {name: truth[name] for name in found}
differ = [name for name in found if found[name] != known[name]]
for name in differ:
    print(f"{name}: {found[name]}, not {known[name]}", file=sys.stderr)
print(summary["frames"], summary["sip_messages"])
sys.exit(bool(differ))
PYTHON
}

run=benches/runs/$(date -u +%Y-%m-%dT%H%M).md
rows=$work/rows
line() { printf '%s\n' "$*" >>"$run"; }
: >"$run"
line "# $(date -u '+%Y-%m-%d %H:%M UTC'), $(git describe --always --dirty)"
line ''
line "$(nproc) cores ($(sed -n 's/^model name.*: //p' /proc/cpuinfo | sort -u | head -n 1)), $(awk '/MemTotal/ { printf "%.0f GB", $2 / 1e6 }' /proc/meminfo), $(uname -srm); $(rustc --version)"
for program in tshark tcpdump sngrep; do
    command -v "$program" >/dev/null && line "- $("$program" --version 2>&1 | grep -m 1 -i "$program.*[0-9]\.[0-9]")"
done
line '- sipnab: not timed; 0.5 needs a newer Rust than this project'
line ''
line 'Wall time in seconds: median (lowest to highest), whole process, warm file cache, programs in turns.'

# Times programs on a capture, given as pairs of a name and a command, and writes a table.
# Names that begin with "slow" get fewer rounds.
compare() {
    local title=$1 capture=$2 truth=$3 counts
    rm -f "$work/tcpdump" "$work/slow-tshark"
    shift 3
    counts=$(check "$capture" "$truth")
    local names=() commands=()
    while (($#)); do
        names+=("$1") commands+=("$2")
        shift 2
    done
    rm -f "${names[@]/#/$work/}"
    for ((round = -1; round < (rounds > slow_rounds ? rounds : slow_rounds); round++)); do
        ((round == 0)) && rm -f "${names[@]/#/$work/}"
        for index in "${!names[@]}"; do
            if [[ ${names[index]} == slow-* ]]; then
                ((round >= 0 && round < slow_rounds)) || continue
            elif ((round >= rounds)); then
                continue
            fi
            read -ra words <<<"${commands[index]}"
            measure "${names[index]}" "${words[@]}"
        done
    done
    line ''
    line "## $title"
    line ''
    line "$(basename "$capture"): $(stat -L -c %s "$capture") bytes, ${counts% *} packets, ${counts#* } SIP messages."
    line ''
    line '| program | seconds | peak memory | times reinvite | command |'
    line '| --- | --- | --- | --- | --- |'
    for index in "${!names[@]}"; do
        local name=${names[index]} command=${commands[index]//$folder\//}
        # Where the report went is of no interest.
        command=${command//$work\//}
        if [[ ! -s $work/$name ]]; then
            line "| ${name#slow-} | over the time limit | | | \`$command\` |"
            continue
        fi
        line "| ${name#slow-} | $(median "$name" 1) ($(spread "$name")) | $(awk -v kb="$(median "$name" 2)" 'BEGIN { printf "%.0f MB", kb / 1e3 }') | $(awk -v a="$(median "$name" 1)" -v b="$(median reinvite 1)" 'BEGIN { printf "%.2f", a / b }') | \`$command\` |"
    done
    awk -v title="$title" -v frames="${counts% *}" -v messages="${counts#* }" -v ours="$(median reinvite 1)" \
        -v memory="$(median reinvite 2)" -v tcpdump="$([[ -s $work/tcpdump ]] && median tcpdump 1)" \
        -v tshark="$([[ -s $work/slow-tshark ]] && median slow-tshark 1)" 'BEGIN {
            printf "| %s | %.2f M | %.2f M | %.2f s | %s | %s | %.0f MB |\n", title, frames / 1e6, messages / 1e6, ours,
                tcpdump == "" ? "" : sprintf("%.2f s (%.1f times)", tcpdump, ours / tcpdump),
                tshark == "" ? "" : sprintf("%.0f s (1/%.0f)", tshark, tshark / ours), memory / 1e3 }' >>"$rows"
}

ours() { echo "$reinvite analyze $1 -q -o $work/report.json${2:+ $2}"; }
filter() { echo "tcpdump -n -r $1 -w /dev/null port 5060"; }
peers=()
use_peers() {
    peers=()
    command -v tshark >/dev/null && peers+=(slow-tshark "tshark -q -z sip,stat -r $1")
    command -v sngrep >/dev/null && peers+=(slow-sngrep "timeout 120 sngrep -N -q -I $1")
    return 0
}

for case in "${cases[@]}"; do
    signalling=$folder/signalling.pcap truth=$folder/signalling.json
    case $case in
    signalling)
        use_peers "$signalling"
        compare 'signalling, one call in twenty flagged' "$signalling" "$truth" reinvite "$(ours "$signalling")" \
            tcpdump "$(filter "$signalling")" read "dd if=$signalling of=/dev/null bs=256k" "${peers[@]}"
        ;;
    flagged)
        compare 'signalling, one call in four flagged' "$folder/flagged.pcap" "$folder/flagged.json" \
            reinvite "$(ours "$folder/flagged.pcap")" tcpdump "$(filter "$folder/flagged.pcap")"
        ;;
    media)
        use_peers "$folder/media.pcap"
        compare 'media-heavy' "$folder/media.pcap" "$folder/media.json" reinvite "$(ours "$folder/media.pcap")" \
            tcpdump "$(filter "$folder/media.pcap")" read "dd if=$folder/media.pcap of=/dev/null bs=256k" "${peers[@]}"
        ;;
    pcapng)
        compare 'signalling as pcapng' "$folder/signalling-ng.pcapng" "$folder/signalling-ng.json" \
            reinvite "$(ours "$folder/signalling-ng.pcapng")" tcpdump "$(filter "$folder/signalling-ng.pcapng")" \
            pcap "$(ours "$signalling")"
        ;;
    gzip)
        compare 'signalling, gzip' "$signalling.gz" "$truth" reinvite "$(ours "$signalling.gz")" zcat "zcat $signalling.gz" \
            plain "$(ours "$signalling")"
        ;;
    zstd)
        compare 'signalling, zstd' "$signalling.zst" "$truth" reinvite "$(ours "$signalling.zst")" \
            zstdcat "zstdcat $signalling.zst" plain "$(ours "$signalling")"
        ;;
    threads)
        compare 'signalling, two threads' "$signalling" "$truth" reinvite "$(ours "$signalling" '--threads 2')" \
            one-thread "$(ours "$signalling" '--threads 1')"
        ;;
    esac
done

# --- the table of README.md

python3 - README.md "$rows" "$run" <<'PYTHON'
import sys
readme, rows, run = sys.argv[1:]
text = open(readme).read()
start, end = "<!-- benches/compare.sh -->\n", "<!-- end -->\n"
before, _, rest = text.partition(start)
_, _, after = rest.partition(end)
table = "| generated capture | packets | SIP messages | reinvite | tcpdump | tshark | peak memory |\n"
table += "| --- | --- | --- | --- | --- | --- | --- |\n" + open(rows).read()
open(readme, "w").write(f"{before}{start}{table}\n[The whole run]({run}).\n{end}{after}")
PYTHON
echo "written to $run and README.md"
