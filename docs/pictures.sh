#!/usr/bin/env bash
# Makes the pictures of the documents from the release build; needs chromium.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --locked
program=target/release/reinvite
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$program" analyze fixtures/lab/messy-udp.pcap --quiet -o "$folder/report.html"
# What is scrolled to is only on a picture if the page that is photographed itself is not scrolled.
shoot() {
    echo "<body style='margin:0'><iframe src='report.html#$2' style='border:0;display:block;width:100vw;height:100vh'></iframe>" > "$folder/frame.html"
    chromium --headless --no-sandbox --hide-scrollbars --disable-gpu --allow-file-access-from-files --virtual-time-budget=5000 \
        --blink-settings=preferredColorScheme="$4" --window-size="$3" --screenshot="docs/$1.png" "file://$folder/frame.html" 2> "$folder/log"
    grep -q 'written to file' "$folder/log" || { cat "$folder/log" >&2; exit 1; }
}
dark=0 light=1
shoot report summary 1440,1150 "$light"
shoot ladder call-0-29-3 1440,1000 "$dark"
