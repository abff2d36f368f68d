#!/usr/bin/env bash
# Makes what packages install beside the program: the manual page and the completions. Takes the program, if it is not the
# release build; writes to target/packaging.
set -euo pipefail
cd "$(dirname "$0")/.."
program=${1:-target/release/reinvite}
mkdir -p target/packaging
"$program" man > target/packaging/reinvite.1
"$program" completions bash > target/packaging/reinvite.bash
"$program" completions zsh > target/packaging/_reinvite
"$program" completions fish > target/packaging/reinvite.fish
