#!/bin/sh
# first-process.sh <folder of the lab> <its address, with prefix length> <init program>
#
# The first process of a lab's pid namespace. Its network namespace holds the two bridges that all nodes hang on and
# has no link to the machine's own network:
#   br0  the nodes' own addresses: engines, controllers, agents
#   br1  an empty LAN on every node's eth1, for macvlan networks
set -eu
dir=$1
address=$2
init=$3

for bridge in br0 br1; do
  ip link add "$bridge" type bridge
  ip link set "$bridge" up
done
ip address add "$address" dev br0
ip link set lo up
# Frames between nodes must not run through a packet filter of this namespace.
echo 0 2>/dev/null >/proc/sys/net/bridge/bridge-nf-call-iptables || true

read -r line </proc/self/stat
set -- $line
echo "$1" >>"$dir/pids"
echo "$1 ${22}" >"$dir/init.new"
mv "$dir/init.new" "$dir/init"
exec "$init" -s -- sleep infinity
