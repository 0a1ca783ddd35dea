#!/bin/sh
# Prints {"digit": n}: 8 or 9 in FAILURE_PERCENT of a hundred calls, otherwise 0 to 7.
set -eu
number() { od -An -N4 -tu4 /dev/urandom | tr -d ' '; }
if [ "$(($(number) % 100))" -lt "${FAILURE_PERCENT:-20}" ]; then
	printf '{"digit": %d}\n' "$(($(number) % 2 + 8))"
else
	printf '{"digit": %d}\n' "$(($(number) % 8))"
fi
