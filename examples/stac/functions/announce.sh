# Called for each message of a subscription, with the event on standard input. What it writes to standard error is its log,
# what it writes to standard output its result, which has to be JSON.
set -eu
bytes=$(wc -c)
echo "a radar scene was published; its message has $((bytes)) bytes" >&2
echo '{"announced": true}'
