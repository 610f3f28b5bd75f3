#!/usr/bin/env bash
# bench/elements.sh [N] [DIR]: what the elements of a list cost, against records of a file of their own.
# N orders (100,000 if not said) of five lines each between two folders of JSON Lines: the orders alone, with their lines as
# elements (`Orders[lines]`), and with the same lines in a file of their own that refers to the orders.
# Prints the processor time per line of the first run and of one with 1 % of the lines changed, and their ratios.
# LOCKSTEP names the program to measure; without it the release build is made and measured.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
exec python3 "$here/elements.py" "$@"
