#!/usr/bin/env bash
# A Slurm cluster of three virtual nodes on this one machine, for tests. Root on a Debian-like system, no systemd needed.
#
#   cluster.sh up       install what is missing, start the daemons, wait until every node is idle
#   cluster.sh down     stop the daemons and remove their state
#   cluster.sh conf     print the path of slurm.conf, for SLURM_CONF
#   cluster.sh node N   start the daemon of one node again (n1, n2 or n3)
#
# No accounting: a job's fate is asked from `squeue`, as the profile's slurm-status-command can do.
# Exit status 77: Slurm cannot be installed here; the reason is the last line.
set -euo pipefail

STATE=${LINEAR_ATLAS_CLUSTER:-/tmp/linear-atlas-cluster}
NODES=(n1 n2 n3)
export SLURM_CONF=$STATE/slurm.conf
for name in $(compgen -e SLURM_ || true); do [ "$name" = SLURM_CONF ] || unset "$name"; done

cannot() { echo "no Slurm here: $*"; exit 77; }

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
  for _ in $(seq 50); do munge -n >/dev/null 2>&1 && return; sleep 0.1; done
  cannot "munged did not start"
}

write_conf() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/MemTotal/ {print int($2 / 1024)}' /proc/meminfo)
  [ "$memory" -gt 3000 ] || memory=3000
  mkdir -p "$STATE"/{state,spool,log}
  cat >"$SLURM_CONF" <<CONF
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
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=5,batch_sched_delay=0
ReturnToService=2
MpiDefault=none
SwitchType=switch/none
KillWait=2
MinJobAge=600
SlurmdTimeout=10
OverTimeLimit=0
NodeName=n[1-3] NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=[17001-17003] CPUs=$cores RealMemory=$memory State=UNKNOWN
PartitionName=short Nodes=n[1-3] Default=YES MaxTime=02:00:00 State=UP
PartitionName=long Nodes=n[2-3] MaxTime=24:00:00 State=UP
CONF
}

start_node() { mkdir -p "$STATE/spool/$1"; slurmd -N "$1" -f "$SLURM_CONF"; }

idle_nodes() { sinfo --noheader --Node --partition=short --format='%N %t' 2>/dev/null | grep -c ' idle$' || true; }

up() {
  [ "$(id -u)" = 0 ] || cannot "starting Slurm's daemons needs root"
  install_packages
  start_munge
  # without its file, scontrol would look for a controller on the network for a minute
  if ! { [ -s "$SLURM_CONF" ] && scontrol ping 2>/dev/null | grep -q UP; }; then
    rm -rf "$STATE"
    write_conf
    slurmctld -f "$SLURM_CONF"
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
  scancel --state=PENDING --state=RUNNING --user=root 2>/dev/null || true
  for file in "$STATE"/slurmd.*.pid "$STATE"/slurmctld.pid; do
    [ -s "$file" ] && kill "$(cat "$file")" 2>/dev/null || true
  done
  sleep 1
  rm -rf "$STATE"
}

case ${1:-} in
  up) up ;;
  down) down ;;
  conf) echo "$SLURM_CONF" ;;
  node) start_node "$2" ;;
  *) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
