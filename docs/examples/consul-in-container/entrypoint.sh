#!/bin/sh
# Starts your program in the background and becomes a Consul agent that registers it, so that the agent is process 1: it gets
# SIGTERM from `docker stop`, and leaves the cluster in good order (leave_on_terminate) instead of failing.
#
#   CONSUL_JOIN    a server to join: consul.example
#   SERVICE_NAME   the name in Consul
#   SERVICE_PORT   where the program listens; 80
#   CONSUL_SUBNET  what the address of the routable network begins with: 172.80.
set -eu
: "${CONSUL_JOIN:?name a Consul server to join}" "${SERVICE_NAME:?name the service}"
port=${SERVICE_PORT:-80}
address=$(ip -4 -o addr show | awk -v subnet="${CONSUL_SUBNET:-}" '{ sub("/.*", "", $4) } $2 != "lo" && index($4, subnet) == 1 { print $4; exit }')
[ -n "$address" ] || { echo "no address that begins with '${CONSUL_SUBNET:-}'" >&2; exit 1; }

mkdir -p /tmp/consul/config
cat >/tmp/consul/config/agent.json <<JSON
{
  "data_dir": "/tmp/consul/data",
  "node_name": "$(hostname)",
  "bind_addr": "$address",
  "retry_join": ["$CONSUL_JOIN"],
  "leave_on_terminate": true,
  "disable_update_check": true,
  "service": {
    "name": "$SERVICE_NAME",
    "address": "$address",
    "port": $port,
    "check": { "tcp": "$address:$port", "interval": "2s", "timeout": "1s" }
  }
}
JSON

"$@" &
# Last, and with exec: nothing stands between Docker's signals and the agent.
exec consul agent -config-dir /tmp/consul/config
