#!/bin/sh
# make-tokens.sh [file]
#
# The tokens of the stack, made on a manager: one with which callers scale, one with which agents report. They are kept in
# the file (orrery-tokens), and given to the Swarm as two secrets: `orrery-tokens`, all of them, for the controllers, and
# `orrery-agent-token` for the agents, which must not be able to scale. What is there already stays as it is.
set -eu
file=${1:-orrery-tokens}

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

if [ -e "$file" ]; then
  echo "$file is there already: its tokens are used"
else
  (umask 077 && printf 'scale %s\nagent %s\n' "$(random)" "$(random)" >"$file")
  echo "the tokens are in $file: whoever has the one after \"scale\" may scale"
fi
agent=$(sed -n 's/^agent //p' "$file" | head -n 1)
if [ -z "$agent" ]; then
  echo "$file has no line \"agent <token>\": add one, or move the file away to have new tokens made" >&2
  exit 1
fi

# $1: name of the secret; what it holds comes in.
secret() {
  if docker secret inspect "$1" >/dev/null 2>&1; then
    echo "the secret $1 is there already and stays as it is; to replace it: docker secret rm $1, and run this again"
    cat >/dev/null
  else
    docker secret create "$1" - >/dev/null
    echo "the secret $1 is made"
  fi
}
secret orrery-tokens <"$file"
printf '%s' "$agent" | secret orrery-agent-token
