#!/bin/sh
# make-tokens.sh [--rotate | --finish] [file]
#
# The tokens of the stack, made on a manager: with one, callers scale; with the other, people look (the dashboard, metrics
# of others). They are kept in the file (orrery-tokens), and given to the Swarm as the secret `orrery-tokens`, for the
# controllers. Agents need none: they are known by their node's Swarm certificate. What is there already stays as it is.
#
#   --rotate   new tokens beside the old ones, of the same roles and names: both count, until every caller has the new ones
#   --finish   the old ones count no longer
#
# A Docker secret never changes, so each of these makes another one (orrery-tokens-2, …), gives it to the controllers that
# run, one after another, and removes the secrets that nobody uses any more.
set -eu
mode=first
case ${1:-} in --rotate | --finish)
  mode=${1#--}
  shift
  ;;
esac
file=${1:-orrery-tokens}
until='# Until make-tokens.sh --finish, these count too:'

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
keep() { (umask 077 && cat >"$file.new") && mv "$file.new" "$file"; }
versions() { docker secret ls --format '{{.Name}}' | sed -n 's/^orrery-tokens$/1/p; s/^orrery-tokens-\([0-9][0-9]*\)$/\1/p' | sort -n; }
named() { if [ "$1" = 1 ]; then echo orrery-tokens; else echo "orrery-tokens-$1"; fi; }
make() {
  docker secret create --label orrery.role=tokens "$1" - <"$file" >/dev/null
  echo "the secret $1 is made"
}
# The lines that are to stay.
current() { sed "/^$until\$/,\$d" "$file"; }
renewed() {
  current | while read -r role token name; do
    case $role in
    '' | '#'*) ;;
    *) echo "$role $(random)${name:+ $name}" ;;
    esac
  done
}

if [ "$mode" = first ]; then
  if [ ! -e "$file" ] && [ -n "$(versions)" ]; then
    echo "the secret $(named "$(versions | tail -n 1)") is there already, and its tokens are not in $file: name the file that has them" >&2
    exit 1
  fi
  if [ -e "$file" ]; then
    echo "$file is there already: its tokens are used"
  else
    printf 'scale %s\nread %s\n' "$(random)" "$(random)" | keep
    echo "two tokens are in $file: whoever has that of the role scale may scale, and that of the role read only looks"
  fi
  if [ -n "$(versions)" ]; then
    echo "the secret $(named "$(versions | tail -n 1)") is there already and stays as it is; to replace it: sh scripts/make-tokens.sh --rotate"
  else
    make orrery-tokens
  fi
  exit
fi

[ -e "$file" ] || {
  echo "$file is not there: name the file with the tokens that count now" >&2
  exit 1
}
if [ "$mode" = rotate ]; then
  { renewed && echo "$until" && grep -vxF "$until" "$file"; } | keep
else
  current | keep
fi
last=$(versions | tail -n 1)
name=$(named $((${last:-0} + 1)))
make "$name"
for service in $(docker service ls --quiet --filter label=orrery.role=controller); do
  old=$(docker service inspect --format '{{range .Spec.TaskTemplate.ContainerSpec.Secrets}}{{.SecretName}} {{end}}' "$service" |
    tr ' ' '\n' | grep '^orrery-tokens' || true)
  echo "controllers are replaced one after another"
  # shellcheck disable=SC2086
  docker service update --quiet $(printf ' --secret-rm %s' $old) \
    --secret-add "source=$name,target=orrery-tokens" "$service" >/dev/null || {
    echo "the controllers were not all replaced: docker service ps $service; the secrets of before are kept" >&2
    exit 1
  }
done
for version in $(versions); do
  old=$(named "$version")
  if [ "$old" != "$name" ] && docker secret rm "$old" >/dev/null 2>&1; then echo "the secret $old is removed"; fi
done
if [ "$mode" = rotate ]; then
  echo "old and new tokens count now. Give callers the new ones, the first lines of $file, then: sh scripts/make-tokens.sh --finish"
else
  echo "the old tokens count no longer"
fi
echo "from now on deploy with ORRERY_TOKENS_SECRET=$name"
