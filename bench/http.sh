#!/usr/bin/env bash
# bench/http.sh [--latency-ms 100] [--at-once 16] [--records 1000] [--pages 20000] [--rate 100] [--calls 200] [DIR]
# Whole runs against a little system over HTTP (bench/http_server.py) that takes its time and allows so many requests at once, or a second.
# Prints each figure beside what is possible at best: requests × latency / at once, or requests / rate.
# LOCKSTEP names the program to measure; without it the release build is made and measured.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
exec python3 "$here/over_http.py" "$@"
