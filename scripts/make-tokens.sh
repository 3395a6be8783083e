#!/bin/sh
# make-tokens.sh [file]
#
# The tokens of the stack, made on a manager: with one, callers scale; with the other, people look (the dashboard, metrics
# of others). They are kept in the file (orrery-tokens), and given to the Swarm as the secret `orrery-tokens`, for the
# controllers. Agents need none: they are known by their node's Swarm certificate. What is there already stays as it is.
set -eu
file=${1:-orrery-tokens}

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

if [ -e "$file" ]; then
  echo "$file is there already: its tokens are used"
else
  (umask 077 && printf 'scale %s\nread %s\n' "$(random)" "$(random)" >"$file")
  echo "two tokens are in $file: whoever has that of the role scale may scale, and that of the role read only looks"
fi
if docker secret inspect orrery-tokens >/dev/null 2>&1; then
  echo "the secret orrery-tokens is there already and stays as it is; to replace it: docker secret rm orrery-tokens, and run this again"
else
  docker secret create orrery-tokens - <"$file" >/dev/null
  echo "the secret orrery-tokens is made"
fi
