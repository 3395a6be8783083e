#!/bin/sh
# reboot.sh <folder of the lab> <eth0's address> <eth1's address>...
#
# Run inside a node once all of its processes have ended: takes away what a host does not have after a reboot. What is
# under /var, /etc and /usr stays.
set -eu
dir=$1
eth0=$2
shift 2

# Containers' root file systems and network namespaces. With the last mount of a namespace its links go.
mounts=$(cat /proc/self/mountinfo)
while read -r _ _ _ _ point _; do
  case $point in
    "$dir" | "$dir"/*) ;;
    /run/* | /var/lib/docker/*) umount -l "$point" 2>/dev/null || true ;;
  esac
done <<END
$mounts
END
# The lab's folder is another file system: neither it nor the way to it can be deleted.
find /run -xdev -depth -mindepth 1 ! -path "$dir" ! -path "$dir/*" -delete 2>/dev/null || true
mkdir -p /run/lock

ip -o link show | while IFS=': ' read -r _ link _; do
  link=${link%@*}
  case $link in
    lo | eth0 | eth1) ;;
    *) ip link delete "$link" 2>/dev/null || true ;; # gone with another, or the kernel's own
  esac
done
for link in lo eth0 eth1; do
  # Down, a link loses its routes and neighbours.
  ip link set "$link" down promisc off allmulticast off alias ''
  ip address flush dev "$link"
done
ip route flush table main
ip address add "$eth0" dev eth0
for address in "$@"; do ip address add "$address" dev eth1; done
for link in lo eth0 eth1; do ip link set "$link" up; done

for program in iptables ip6tables; do
  for table in filter nat mangle raw; do
    "$program" -t "$table" -F && "$program" -t "$table" -X || true
  done 2>/dev/null
  for chain in INPUT FORWARD OUTPUT; do "$program" -P "$chain" ACCEPT 2>/dev/null || true; done
done
echo 0 >/proc/sys/net/ipv4/ip_forward
