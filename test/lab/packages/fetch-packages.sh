#!/bin/sh
# fetch-packages.sh <suite> <new folder> <program package>...
#
# Unpacks Debian packages with the libraries they need into a folder. Nothing is installed: no package script runs and
# the machine's own package database is only read. Prints "name version" for each package that was unpacked.
set -eu
suite=$1
target=$2
shift 2
work=$target.work
trap 'rm -rf "$work"' EXIT
rm -rf "$work" "$target"
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/debs"
: >"$work/status"

# The mirror is the one the machine's own apt is set up with.
mirror() {
  apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' | sed -n 's/^Debian|Debian|//p' | head -n 1
}
uri=$(mirror)
for try in 1 2 3 4 5 6 7 8 9 10; do
  [ -n "$uri" ] && break
  # A new machine has no package lists yet. Another apt may be at it: it locks them.
  apt-get update -qq >&2 || sleep 3
  uri=$(mirror)
done
[ -n "$uri" ] || { echo 'apt knows no Debian mirror (apt-get indextargets lists none)' >&2; exit 1; }
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $suite main" >"$work/sources.list"

private_apt() {
  tool=$1
  shift
  "$tool" -qq -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::Etc::PreferencesParts=/dev/null -o Dir::State="$work/state" -o Dir::State::lists="$work/state/lists" \
    -o Dir::State::status="$work/status" \
    -o Dir::Cache="$work/cache" -o Dir::Cache::pkgcache=pkgcache.bin -o Dir::Cache::srcpkgcache=srcpkgcache.bin \
    -o Acquire::GzipIndexes=false -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Retries=3 "$@"
}
private_apt apt-get update -o APT::Update::Error-Mode=any >&2

# All that apt would install on an empty machine; of that, the programs and each library the machine lacks or has in
# an older version. Package managers, init systems and the like are no part of it.
private_apt apt-get install --simulate --no-install-recommends "$@" >"$work/plan"
requested=" $* "
sed -n 's/^Inst \([^ ]*\) (\([^ ]*\) .*/\1 \2/p' "$work/plan" | while read -r name version; do
  case $requested in *" $name "*) echo "$name $version" && continue ;; esac
  case $name in
    docker* | containerd | runc | iptables | tini*) ;; # what docker.io runs
    libjs-* | *-common | *-perl | libperl* | libpam* | libgdbm* | libsystemd-shared | libc-gconv-modules-extra) continue ;;
    lib*)
      have=$(dpkg-query --show --showformat '${Version}' "$name" 2>/dev/null || true)
      if [ -n "$have" ] && dpkg --compare-versions "$have" ge "$version"; then continue; fi
      ;;
    *) continue ;;
  esac
  echo "$name $version"
done >"$work/wanted"
(cd "$work/debs" && private_apt apt-get download $(tr ' ' = <"$work/wanted") >&2)

mkdir -p "$target/usr/bin" "$target/usr/sbin" "$target/usr/lib" "$target/usr/lib64"
for merged in bin sbin lib lib64; do ln -s "usr/$merged" "$target/$merged"; done
for deb in "$work"/debs/*.deb; do
  # Of /usr/share only what programs read.
  dpkg-deb --fsys-tarfile "$deb" | tar --extract --keep-directory-symlink --directory "$target" \
    --exclude ./usr/share/doc --exclude ./usr/share/man --exclude ./usr/share/locale --exclude ./usr/share/lintian
done
# What Debian's alternatives would set up. The engine's rules and the kernel agree on the older tables.
if [ -e "$target/usr/sbin/iptables-legacy" ]; then
  for program in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
    legacy=$(echo "$program" | sed 's/tables/tables-legacy/')
    ln -sf "$legacy" "$target/usr/sbin/$program"
  done
fi
cat "$work/wanted"
