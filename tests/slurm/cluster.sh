#!/usr/bin/env bash
# A Slurm cluster of three virtual nodes on this one machine, for tests. Root on a Debian-like system, no systemd needed.
#
#   cluster.sh up       install what is missing, start the daemons, wait until every node is idle
#   cluster.sh down     cancel the jobs, stop the daemons, remove their state
#   cluster.sh kill N   node N (n1, n2 or n3) dies: its daemon and every process of its jobs, at once
#   cluster.sh start N  start the daemon of a node again
#
# Partitions: cpu (the default: n1 and n2, two days), short (the same nodes, one hour), gpu (n3, with a GPU by name only).
# No accounting: a job's fate is asked from `squeue`, as the profile's slurm-status-command can do.
# Exit status 77: Slurm cannot be installed or started here; the reason is the last line.
set -euo pipefail

STATE=${LINEAR_ATLAS_CLUSTER:-/tmp/linear-atlas-cluster}
CONF=/etc/slurm/slurm.conf   # `srun` inside a job looks nowhere else: the plugin takes SLURM_CONF from its environment
NODES=(n1 n2 n3)
for name in $(compgen -e SLURM || true); do unset "$name"; done

cannot() { echo "no Slurm here: $*"; exit 77; }

ours() { [ "$(readlink "$CONF" 2>/dev/null)" = "$STATE/slurm.conf" ]; }

install_packages() {
  command -v slurmctld >/dev/null && command -v slurmd >/dev/null && command -v munged >/dev/null && return
  command -v apt-get >/dev/null || cannot "slurm-wlm and munge are not installed, and there is no apt-get"
  apt-get update -q >/dev/null || cannot "apt-get update failed"
  DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends slurm-wlm munge >/dev/null \
    || cannot "apt-get install slurm-wlm munge failed"
}

start_munge() {
  munge -n >/dev/null 2>&1 && return
  [ -s /etc/munge/munge.key ] || { dd if=/dev/urandom of=/etc/munge/munge.key bs=128 count=1 status=none; }
  chown munge:munge /etc/munge/munge.key; chmod 600 /etc/munge/munge.key
  install -d -o munge -g munge -m 755 /run/munge
  runuser -u munge -- munged
  touch "$STATE/munged"
  for _ in $(seq 50); do munge -n >/dev/null 2>&1 && return; sleep 0.1; done
  cannot "munged did not start"
}

write_conf() {
  local memory
  memory=$(awk '/MemTotal/ {print int($2 / 1024)}' /proc/meminfo)
  [ "$memory" -gt 16000 ] || memory=16000   # the nodes share one memory; a job's own limit is what is tested
  mkdir -p "$STATE"/{state,spool,log} "$(dirname "$CONF")"
  echo "NodeName=n3 Name=gpu File=/dev/null" >"$STATE/gres.conf"
  cat >"$STATE/slurm.conf" <<CONF
ClusterName=atlas
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
SlurmctldPort=16817
StateSaveLocation=$STATE/state
SlurmdSpoolDir=$STATE/spool/%n
SlurmctldPidFile=$STATE/slurmctld.pid
SlurmdPidFile=$STATE/slurmd.%n.pid
SlurmctldLogFile=$STATE/log/slurmctld.log
SlurmdLogFile=$STATE/log/slurmd.%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=5,batch_sched_delay=0,bf_interval=5
ReturnToService=2
MpiDefault=none
SwitchType=switch/none
KillWait=2
MinJobAge=600
SlurmdTimeout=10
GresTypes=gpu
NodeName=n[1-2] NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=[17001-17002] CPUs=2 RealMemory=$memory State=UNKNOWN
NodeName=n3 NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=17003 CPUs=2 RealMemory=$memory Gres=gpu:1 State=UNKNOWN
PartitionName=cpu Nodes=n[1-2] Default=YES MaxTime=2-00:00:00 State=UP
PartitionName=short Nodes=n[1-2] MaxTime=01:00:00 State=UP
PartitionName=gpu Nodes=n3 MaxTime=2-00:00:00 State=UP
CONF
  ln -s "$STATE/slurm.conf" "$CONF"
}

start_node() { mkdir -p "$STATE/spool/$1"; slurmd -N "$1" -f "$STATE/slurm.conf"; }

# numbers of the processes of a node's jobs; one that left its process group is known by its environment
job_processes() {
  local jobs process
  jobs=$(squeue --noheader --nodelist="$1" --format=%A | paste -sd '|')
  for process in /proc/[0-9]*; do
    if { [ -n "$jobs" ] && tr '\0' ' ' <"$process/cmdline" | grep -qE "^slurmstepd: \\[($jobs)\\."; } \
      || tr '\0' '\n' <"$process/environ" | grep -qx "SLURMD_NODENAME=$1"; then echo "${process#/proc/}"; fi
  done 2>/dev/null
}

kill_node() {
  [ -s "$STATE/slurmd.$1.pid" ] || { echo "node $1 does not run"; exit 1; }
  local pids
  mapfile -t pids < <(cat "$STATE/slurmd.$1.pid"; job_processes "$1")
  kill -KILL "${pids[@]}" 2>/dev/null || true
  rm -f "$STATE/slurmd.$1.pid"
}

idle_nodes() { sinfo --noheader --Node --partition=cpu,gpu --format='%N %t' 2>/dev/null | grep -c ' idle$' || true; }

up() {
  [ "$(id -u)" = 0 ] || cannot "starting Slurm's daemons needs root"
  [ ! -e "$CONF" ] && [ ! -L "$CONF" ] || ours || cannot "$CONF exists: this machine belongs to another cluster"
  install_packages
  mkdir -p "$STATE"
  start_munge
  # without its file, scontrol would look for a controller on the network for a minute
  if ! { [ -s "$CONF" ] && scontrol ping 2>/dev/null | grep -q UP; }; then
    rm -rf "$STATE"/{state,spool,log}; rm -f "$CONF"
    write_conf
    slurmctld -f "$STATE/slurm.conf"
    for node in "${NODES[@]}"; do start_node "$node"; done
  fi
  for _ in $(seq 150); do
    [ "$(idle_nodes)" = 3 ] && return
    sleep 0.2
  done
  tail -n 5 "$STATE"/log/*.log || true
  cannot "the nodes did not become idle"
}

down() {
  [ -d "$STATE" ] || return 0
  if [ -s "$CONF" ] && ours; then
    scancel --user=root --full 2>/dev/null || true
    for _ in $(seq 50); do [ -z "$(squeue --noheader --states=RUNNING,COMPLETING 2>/dev/null)" ] && break; sleep 0.2; done
  fi
  local file node pids=()
  for node in "${NODES[@]}"; do mapfile -t -O ${#pids[@]} pids < <(job_processes "$node" 2>/dev/null); done
  [ ${#pids[@]} = 0 ] || kill -KILL "${pids[@]}" 2>/dev/null || true
  pids=()
  for file in "$STATE"/slurmd.*.pid "$STATE"/slurmctld.pid; do [ -s "$file" ] && pids+=("$(cat "$file")"); done
  [ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null || true
  for _ in $(seq 50); do kill -0 "${pids[@]}" 2>/dev/null || break; sleep 0.1; done
  [ ! -e "$STATE/munged" ] || runuser -u munge -- munged --stop >/dev/null 2>&1 || true
  ! ours || rm -f "$CONF"
  rm -rf "$STATE"
}

case ${1:-} in
  up) up ;;
  down) down ;;
  kill) kill_node "$2" ;;
  start) start_node "$2" ;;
  *) sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
