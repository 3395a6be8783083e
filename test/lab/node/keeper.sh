#!/bin/sh
# keeper.sh hold  <folder of the lab> <its address, with prefix length> <first program>
# keeper.sh clear <folder of the lab>
#
# `hold` owns one lab: it makes the folder, starts the first process and takes all down again when it gets TERM or when
# its standard input ends. The process that started the lab holds the other end, so a crash of that process, kill -9
# included, ends the lab. The line "keep" on standard input lets the lab outlive its starter.
#
# Everything in a lab lives in the first process's pid namespace: when that process dies, the kernel ends the rest,
# and the network and mount namespaces go with their last process. What stays is cgroups and files.
set -u

started_at() { # start time of a process, which tells it from a later one with the same pid
  read -r line 2>/dev/null <"/proc/$1/stat" || return 0
  set -- $line
  echo "${22}"
}

note_self() { # <file>: writes "<pid> <start time>" of this shell
  read -r line </proc/self/stat
  file=$1
  set -- $line
  echo "$1 ${22}" >"$file.new" && mv "$file.new" "$file"
}

is_running() { # <file written by note_self>
  [ -r "$1" ] && read -r pid started <"$1" && [ "$(started_at "$pid")" = "$started" ]
}

# A program run inside a node is the child of an nsenter outside. A stopped nsenter would never reap its child, and
# the kernel waits for that before it lets the pid namespace go.
end_entrances() { # <folder>
  while read -r target; do
    grep -lzxF -- "--target=$target" /proc/[0-9]*/cmdline 2>/dev/null | while read -r found; do
      found=${found#/proc/}
      kill -KILL "${found%/cmdline}" 2>/dev/null
    done
  done <"$1/pids"
}

clear_lab() { # <folder>
  dir=$1
  name=${dir##*/}
  if is_running "$dir/init"; then
    kill -KILL "$pid"
    [ -r "$dir/pids" ] && end_entrances "$dir"
    tries=600
    while is_running "$dir/init" && [ $tries -gt 0 ]; do
      sleep 0.05
      tries=$((tries - 1))
    done
  fi
  for root in /sys/fs/cgroup /sys/fs/cgroup/*; do
    top=$root/orrery-lab-$name
    tries=100
    while [ -d "$top" ] && [ $tries -gt 0 ]; do
      find "$top" -depth -type d -exec rmdir {} \; 2>/dev/null
      [ -d "$top" ] && sleep 0.05
      tries=$((tries - 1))
    done
  done
  if [ -n "${ORRERY_LAB_LOGS:-}" ]; then
    mkdir -p "$ORRERY_LAB_LOGS/$name" && cp "$dir"/*.log "$ORRERY_LAB_LOGS/$name/" 2>/dev/null
  fi
  rm -rf "$dir"
  rmdir "${dir%/*}" 2>/dev/null
  return 0
}

hold_lab() { # <folder> <address> <first program>
  dir=$1
  trap 'trap "" TERM INT HUP; clear_lab "$dir"; exit 0' TERM INT HUP
  exec 3<&0 </dev/null
  mkdir -p "$dir"
  exec >"$dir/keeper.log" 2>&1
  echo "$2" >"$dir/address"
  note_self "$dir/keeper"
  # If the keeper itself is killed, the lab's processes go too; its files are swept by the next start.
  setpriv --pdeathsig KILL unshare --pid --fork --kill-child --net --ipc \
    sh "${0%/*}/first-process.sh" "$dir" "$2" "$3" 3<&- &
  if read -r word <&3 && [ "$word" = keep ]; then
    exec 3<&-
    wait
  fi
  clear_lab "$dir"
}

case $1 in
  hold) hold_lab "$2" "$3" "$4" ;;
  clear) clear_lab "$2" ;;
esac
exit
