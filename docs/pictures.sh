#!/usr/bin/env bash
# Makes the pictures of the documents from the release build; needs chromium.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --locked
program=target/release/reinvite
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$program" analyze fixtures/lab/messy-udp.pcap --quiet -o "$folder/report.html"
shoot() {
    chromium --headless --no-sandbox --hide-scrollbars --disable-gpu --window-size="$2" --screenshot="docs/$1.png" "$3" 2> "$folder/log"
}
shoot report 1440,1150 "file://$folder/report.html"
shoot ladder 1440,1250 "file://$folder/report.html#call-0-29-3"
