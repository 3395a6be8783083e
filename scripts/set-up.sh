#!/bin/sh
# set-up.sh <program> [argument]...
#
# Makes sure that the packages of package-lock.json are installed, then becomes the program. `npm run demo` and
# `npm test` go through here, so that a fresh clone needs no step by hand.
set -eu
root=$(dirname "$0")/..

installed() {
  # npm writes this file last: it is not there, or older, when an install is missing, was cut off or is out of date.
  [ "$root/node_modules/.package-lock.json" -nt "$root/package-lock.json" ]
}

if ! installed; then
  # Two first runs at once must not install into one folder.
  exec 9<"$root/package-lock.json"
  command -v flock >/dev/null && flock 9
  if ! installed; then
    echo 'installing the packages of package-lock.json (once, about 20 s)'
    (cd "$root" && npm ci --include=dev)
  fi
  exec 9<&-
fi
exec "$@"
