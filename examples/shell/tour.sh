#!/bin/sh
# modeld from the shell: what `modelctl` prints with --json are the protocol's messages, one a line. Without jq.
#
#     ./tour.sh MODEL ["a question"]
set -eu

model=${1:?usage: tour.sh MODEL [QUESTION]}
question=${2:-Why is the sky blue?}

# Prints one field of each JSON message that has it: `field model.loaded.context_size`.
field() {
    python3 -c '
import json, sys
for line in sys.stdin:
    found = json.loads(line)
    for name in sys.argv[1].split("."):
        found = found.get(name) if isinstance(found, dict) else None
    if found is not None:
        print(found)
' "$1"
}

modelctl up --json >/dev/null

state=$(modelctl show "$model" --json | field model.state)
echo "$model is $state"
[ "$state" != absent ] || modelctl pull "$model"

# Exit codes tell what happened: 4 is "not found", 5 "refused" (see README.md).
modelctl show no-such-model --json 2>/dev/null || [ $? -eq 4 ]

# Events go to a file while the model works; the first heartbeat says that they are being received.
news=$(mktemp)
modelctl watch daemon.heartbeat "model.$model" --json >"$news" 2>/dev/null &
watcher=$!
trap 'kill "$watcher" 2>/dev/null || true; rm -f "$news"' EXIT
until [ -s "$news" ]; do sleep 0.1; done

size=$(modelctl load "$model" --json | field model.loaded.context_size)
echo "context: $size tokens"

# A streamed answer is one chunk a line, then how it ended.
modelctl run "$model" "$question" --max-tokens 16 --json >"$news.answer"
field text <"$news.answer" | tr -d '\n'
echo
echo "tokens: $(field generation.completion_tokens <"$news.answer")"
rm -f "$news.answer"

# A reason comes with the state that needs one: unloading, here.
modelctl unload "$model" --json >/dev/null
until grep -q '"reason":"[^"]' "$news"; do sleep 0.1; done
echo "states: $(field model.state <"$news" | uniq | tr '\n' ' ')"
