#!/bin/sh
# node.sh <folder of the lab> <host name> <unpacked packages> <init program> <shared folder>...
#
# The first process of one node, in namespaces of its own (pid, mount, net, uts, ipc). It sees the machine's files,
# with the engine's packages laid over /usr. What it writes to /usr, /etc, /var and /run stays in memory of its own
# and is gone with the node; shared folders are the machine's own even there. Writes its pid, as seen from outside, to
# <folder>/<host name>.pid once it stands.
set -eu
dir=$1
host=$2
packages=$3
init=$4
shift 4

hostname "$host"
read -r pid rest </proc/self/stat # /proc is still the machine's own
echo "$pid" >>"$dir/pids"
trap 'echo failed >"$dir/$host.pid"' EXIT # not reached by exec

# Memory for everything the node writes; /mnt is as good as any folder that is empty on every Debian.
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir /mnt/lab
mount --bind "$dir" /mnt/lab
for shared in "$@"; do
  mkdir -p "/mnt/shared$shared"
  mount --bind "$shared" "/mnt/shared$shared"
done
for tree in usr etc var; do
  mkdir "/mnt/$tree" "/mnt/$tree.work"
  lower=/$tree
  [ "$tree" = usr ] && lower=$packages/usr:/usr
  mount -t overlay -o "lowerdir=$lower,upperdir=/mnt/$tree,workdir=/mnt/$tree.work" overlay "/$tree"
done
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p "$dir" /run/lock
mount --move /mnt/lab "$dir"
for shared in "$@"; do
  mkdir -p "$shared"
  mount --move "/mnt/shared$shared" "$shared"
done

# Not on the overlay: overlay2 needs a file system that is none itself. In memory the Raft log costs no disk syncs.
mkdir -p /var/lib/docker
mount -t tmpfs -o mode=710 tmpfs /var/lib/docker

# A sysfs of this network namespace, with the machine's cgroups.
mkdir /mnt/cgroup
mount --rbind /sys/fs/cgroup /mnt/cgroup
mount -t sysfs sysfs /sys
mount --rbind /mnt/cgroup /sys/fs/cgroup
umount -R /mnt/cgroup
mount -t proc proc /proc

# A name server that refuses at once: otherwise each look-up of an image takes 10 to 20 s.
rm -f /etc/resolv.conf /etc/hosts
echo 'nameserver 127.0.0.1' >/etc/resolv.conf
cp "$dir/hosts" /etc/hosts
ip link set lo up

# TCP waits ever longer between its tries. Once a second, so that a healed node is back in seconds, not in a minute.
echo 1000 2>/dev/null >/proc/sys/net/ipv4/tcp_rto_max_ms || true # kernels before 6.15 have no such limit

# As on a machine with systemd, so that containers may ask for shared mounts. Nothing reaches the machine outside.
mount --make-rshared /

echo "$pid" >"$dir/$host.pid.new"
mv "$dir/$host.pid.new" "$dir/$host.pid"
exec "$init" -s -- sleep infinity
