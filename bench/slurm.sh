#!/bin/bash
# mien predict as an array of Slurm: a cluster of two nodes on this machine, started here and stopped at the end.
#
#   apt-get install --no-install-recommends slurm-wlm munge    # Debian's; nothing of it is configured
#   MIEN_DATA=DIR bash bench/slurm.sh [TEXTS] [FACES]          # default: 1000 100; the figures are of 20000 2000
#
# 1. One process computes all items: what the array is compared with.
# 2. An array of eight tasks on both nodes; the process of one is killed with SIGKILL in the middle, and Slurm requeues
#    it. The parts, and the joined table, must equal those of 1 byte by byte.
# 3. Texts alone and faces alone in one task, then everything in 1, 2 and 4: items per second, by the clock and by
#    processor time; and what a task costs before its first item (the start of Node and of the model).
set -euo pipefail
TEXTS=${1:-1000} FACES=${2:-100}
ROOT=$(cd "$(dirname "$0")/.." && pwd)
MIEN="node $ROOT/packages/mien/bin/mien.js"
WORK=$(mktemp -d -t mien-slurm.XXXXXX)
PORT=${MIEN_SLURM_PORT:-17800}
# Small parts, so that each task of eight has several, but not smaller than what is recognised together.
ROWS=$((FACES / 8 > 32 ? FACES / 8 : 32))
((TEXTS >= 16 * ROWS)) || { echo "at least $((16 * ROWS)) texts are needed" >&2; exit 2; }
USER_NAME=$(id -un)
export SLURM_CONF=$WORK/slurm.conf
mkdir -p "$WORK"/{state,log,spool/n1,spool/n2}
chmod 755 "$WORK"

stop() {
  scancel --quiet --user "$USER_NAME" 2>/dev/null || true
  for pid in "$WORK"/*.pid; do
    [[ -f $pid ]] && kill "$(cat "$pid")" 2>/dev/null || true
  done
  # The daemons write to the folder until they end.
  for _ in $(seq 50); do
    running=0
    for pid in "$WORK"/*.pid; do [[ -f $pid ]] && kill -0 "$(cat "$pid")" 2>/dev/null && running=1; done
    ((running)) || break
    sleep 0.2
  done
  if [[ -n ${MIEN_SLURM_KEEP:-} ]]; then echo "kept: $WORK"; else rm -rf "$WORK"; fi
}
trap stop EXIT

echo "== cluster: two nodes of two processors each on $(nproc) cores ($(slurmctld -V))"
dd if=/dev/urandom of="$WORK/munge.key" bs=1024 count=1 status=none
chmod 600 "$WORK/munge.key"
# --force: the folder belongs to whoever runs this, which munge would otherwise only take from its own user.
munged --force --key-file="$WORK/munge.key" --socket="$WORK/munge.socket" --pid-file="$WORK/munged.pid" \
  --log-file="$WORK/log/munged.log" --seed-file="$WORK/munged.seed"
cat > "$SLURM_CONF" <<CONF
ClusterName=mien
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=$PORT
SlurmUser=$USER_NAME
SlurmdUser=$USER_NAME
AuthType=auth/munge
CredType=cred/munge
# A requeued task waits for as long as its credentials hold, else 120 seconds.
AuthInfo=socket=$WORK/munge.socket,cred_expire=20
StateSaveLocation=$WORK/state
SlurmdSpoolDir=$WORK/spool/%n
SlurmctldPidFile=$WORK/slurmctld.pid
SlurmdPidFile=$WORK/slurmd-%n.pid
SlurmctldLogFile=$WORK/log/slurmctld.log
SlurmdLogFile=$WORK/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
NodeName=n1 NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=$((PORT + 1)) CPUs=2
NodeName=n2 NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=$((PORT + 2)) CPUs=2
PartitionName=all Nodes=n1,n2 Default=YES State=UP
CONF
slurmctld
slurmd -N n1
slurmd -N n2
for _ in $(seq 60); do [[ $(sinfo -h -t idle -o %D 2>/dev/null) == 2 ]] && break || sleep 0.5; done
sinfo

echo "== items: $TEXTS texts, $FACES faces, parts of $ROWS rows"
(cd "$ROOT" && node --import tsx bench/slurm-items.ts "$WORK/items" "$TEXTS" "$FACES")

# What a task does: its share, given by Slurm's variables. A process that a signal ended is started again by Slurm; an
# error of the command itself is not.
cat > "$WORK/task.sh" <<TASK
#!/bin/bash
cd "$WORK"
name=\$SLURM_JOB_NAME-\$SLURM_ARRAY_TASK_ID
TIMEFORMAT="\$SLURM_JOB_NAME \$SLURM_ARRAY_TASK_ID \$SLURMD_NODENAME %R %U %S"
date +%s.%N >> "\$name.start"
{ time { $MIEN predict --input "\$INPUT" --out "\$OUT" --cropped --threads 1 --rows-per-part "\$ROWS" --format csv \
  > "\$name.out" 2>&1 & echo \$! > "\$name.process"; wait \$!; echo \$? > "\$name.status"; } ; } 2>> times
date +%s.%N > "\$name.end"
status=\$(cat "\$name.status")
((status <= 128)) || scontrol requeue "\${SLURM_ARRAY_JOB_ID}_\$SLURM_ARRAY_TASK_ID"
exit "\$status"
TASK

# submit NAME TASKS INPUT: an array of tasks that write to $WORK/NAME; prints its number.
submit() {
  INPUT=$3 OUT=$WORK/$1 ROWS=$ROWS sbatch --parsable --export=ALL --job-name="$1" --array="0-$(($2 - 1))" \
    --cpus-per-task=1 --requeue --open-mode=append --output="$WORK/log/$1-%a.log" "$WORK/task.sh"
}
finished() {
  while [[ -n $(squeue -h -j "$1" -o %i 2>/dev/null) ]]; do sleep 0.5; done
}
# measure NAME TASKS INPUT ITEMS: a line of the table.
measure() {
  finished "$(submit "$1" "$2" "$3")"
  local failed
  failed=$(cat "$WORK/$1"-*.status | grep -cv '^0$' || true)
  ((failed == 0)) || { echo "$failed tasks of $1 failed:" >&2; tail -n 5 "$WORK/$1"-*.out >&2; exit 1; }
  local first last
  first=$(sort -n "$WORK/$1"-*.start | head -n 1) last=$(sort -n "$WORK/$1"-*.end | tail -n 1)
  awk -v name="$1" -v n="$4" -v tasks="$2" -v wall="$(awk "BEGIN { print $last - $first }")" '
    $1 == name { cpu += $5 + $6 }
    END { printf "%-8s %6d %5d %8.1f %10.1f %9.1f %18.1f\n", name, n, tasks, wall, n / wall, cpu, n / cpu }
  ' "$WORK/times"
}

echo '== one process'
TIMEFORMAT='%R s, processor time %U s and %S s'
time $MIEN predict --input "$WORK/items/*.csv" --out "$WORK/one" --cropped --threads 1 --rows-per-part "$ROWS" \
  --format csv > "$WORK/one.out" 2>&1 || { cat "$WORK/one.out" >&2; exit 1; }

echo '== an array of eight, one task killed'
parts() { find "$WORK/array" -name 'part-*.csv' 2>/dev/null | wc -l; }
array=$(submit array 8 "$WORK/items/*.csv")
victim=2
# When the first part is there, the first four tasks have started; none of them has done all of its share.
until (($(parts) > 0)) && [[ -f $WORK/array-$victim.process ]]; do sleep 0.1; done
killed=$(cat "$WORK/array-$victim.process")
kill -KILL "$killed"
echo "SIGKILL to the process of task $victim after $(parts) of $(find "$WORK/one" -name 'part-*.csv' | wc -l) parts"
# Slurm delays a requeued task, at least until its credentials have expired.
finished "$array"
starts=$(wc -l < "$WORK/array-$victim.start")
((starts == 2)) || { echo "task $victim was started $starts times, not twice" >&2; exit 1; }
cat "$WORK"/array-*.status | sort | uniq -c | sed 's/^ */tasks with exit status: /'
diff -r "$WORK/one" "$WORK/array"
$MIEN predict merge "$WORK/one" "$WORK/one.csv"
$MIEN predict merge "$WORK/array" "$WORK/array.csv"
cmp "$WORK/one.csv" "$WORK/array.csv"
echo "equal byte by byte: $(find "$WORK/array" -type f | wc -l) files, $(sha256sum < "$WORK/array.csv" | cut -c1-16)"

echo '== rates (the clock counts everything else that the machine does; processor time does not)'
printf 'id,text\nfirst,At last we won!\n' > "$WORK/first.csv"
printf '%-8s %6s %5s %8s %10s %9s %18s\n' run items tasks seconds items/s cpu-s 'items/s of a core'
measure start 1 "$WORK/first.csv" 1
measure texts 1 "$WORK/items/texts.csv" "$TEXTS"
measure faces 1 "$WORK/items/faces.csv" "$FACES"
for tasks in 1 2 4; do measure "all-$tasks" "$tasks" "$WORK/items/*.csv" $((TEXTS + FACES)); done
# Seconds of processor time for ten million items, without the starts, and the hours on so many cores.
awk -v texts="$TEXTS" -v faces="$FACES" '
  { cpu[$1] += $5 + $6 }
  END {
    start = cpu["start"]
    kinds["texts"] = texts; kinds["faces"] = faces
    printf "start of a task: %.2f s of processor time\n", start
    for (kind in kinds) {
      each = (cpu[kind] - start) / kinds[kind]
      printf "ten million %s at %.2f ms: %.1f hours of a core", kind, 1000 * each, each * 1e7 / 3600
      for (cores = 8; cores <= 512; cores *= 8) printf "; %d cores %.2f h", cores, (each * 1e7 / cores + start) / 3600
      print ""
    }
  }' "$WORK/times"
