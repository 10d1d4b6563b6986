# A SLURM cluster of two nodes on one machine: daemons with ports, keys and folders of their own, none of the system's.
# Each node's daemon has a mount namespace, since both would put PMIx's files into the same place.

slurm_daemons=()

slurm_up() {
    local here node
    here=$(hostname)
    mkdir -p slurm/state slurm/pmix slurm/spool-n1 slurm/spool-n2 && chmod 700 slurm
    head -c 1024 /dev/urandom >slurm/munge.key && chmod 400 slurm/munge.key
    cat >slurm/slurm.conf <<CONF
ClusterName=several
SlurmctldHost=$here(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$work/slurm/munge.socket
CryptoType=crypto/munge
SlurmctldPort=16817
SlurmctldPidFile=$work/slurm/slurmctld.pid
SlurmctldLogFile=$work/slurm/slurmctld.log
StateSaveLocation=$work/slurm/state
SlurmdPidFile=$work/slurm/%n.pid
SlurmdLogFile=$work/slurm/%n.log
SlurmdSpoolDir=$work/slurm/spool-%n
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
KillWait=5
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
NodeName=n1 NodeHostname=$here NodeAddr=127.0.0.1 Port=16821 CPUs=2
NodeName=n2 NodeHostname=$here NodeAddr=127.0.0.1 Port=16822 CPUs=2
PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
CONF
    echo "PMIxCliTmpDirBase=$work/slurm/pmix" >slurm/mpi.conf
    export SLURM_CONF=$work/slurm/slurm.conf
    (cd slurm && exec munged -F --force --key-file=munge.key --socket="$PWD/munge.socket" --pid-file="$PWD/munged.pid" \
        --log-file="$PWD/munged.log" --seed-file="$PWD/munged.seed" --num-threads=2) >>"$log" 2>&1 &
    slurm_daemons+=($!)
    slurm_wait "munged" 30 test -S slurm/munge.socket || return 1
    slurmctld -D -i >>"$log" 2>&1 &
    slurm_daemons+=($!)
    for node in n1 n2; do
        mkdir -p slurm/pmix-$node
        unshare --mount bash -c "mount --bind '$work/slurm/pmix-$node' '$work/slurm/pmix' && exec slurmd -D -N $node" >>"$log" 2>&1 &
        slurm_daemons+=($!)
    done
    slurm_wait "both nodes" 30 bash -c '[ "$(sinfo -h -o "%t %D")" = "idle 2" ]' || return 1
    sinfo --version
}

slurm_wait() { # what seconds command...
    local what=$1 end=$((SECONDS + $2))
    shift 2
    until "$@" >>"$log" 2>&1; do
        [ $SECONDS -lt $end ] || { echo "$what did not come"; return 1; }
        sleep 0.2
    done
}

slurm_down() {
    scancel --quiet --signal=KILL --full "--user=$(id -un)"
    local daemon
    for daemon in "${slurm_daemons[@]}"; do kill "$daemon"; done
    sleep 1
    for daemon in "${slurm_daemons[@]}"; do kill -9 "$daemon"; done
    wait
}

# Both nodes are one machine, where Open MPI's shared memory would take them for the same host twice.
over() { OMPI_MCA_btl=self,tcp OMPI_MCA_btl_tcp_if_include=lo srun -K1 -N2 -n2 "$@"; }
pmix() { over --mpi=pmix "$@"; }
pmi2() { over --mpi=pmi2 "$@"; }

slurm_pmix() { train 0 pmix 6 pmix && train 0 pmix1 6 alone && same pmix pmix1 6; }
slurm_pmi2() { train 0 pmi2 6 pmi2 && train 0 pmi21 6 alone && same pmi2 pmi21 6; }

# The number of the job that is running.
slurm_job() { squeue -h -t running -o %A | head -1; }

slurm_signal() {
    training signalled 60
    pmix "$opah" "${words[@]}" >signalled.log 2>&1 &
    local pid=$! step saved
    reach signalled 5 $pid || return 1
    scancel --signal=USR1 "$(slurm_job)"
    finish $pid 60 || return 1
    cat signalled.log >&2
    [ "$code" -eq 130 ] || { echo "ended with code $code, not 130"; return 1; }
    step=$(last_step signalled) || { echo "$step"; return 1; }
    saved=$(grep -c "^saved .*step_0*$step.ckpt" signalled.log)
    [ "$saved" -eq 1 ] || { echo "step $step was saved $saved times"; return 1; }
    [ "$step" -lt 60 ] || { echo "it was not stopped"; return 1; }
    train 0 signalled 60 alone && same signalled whole 60 && echo "saved step $step once, went on alone"
}

slurm_killed_rank() {
    training lost 60
    pmix "$opah" "${words[@]}" >>"$log" 2>&1 &
    local pid=$! began
    reach lost 5 $pid || return 1
    local ranks
    ranks=$(processes project=lost)
    began=$SECONDS
    kill -9 "${ranks##*$'\n'}"
    finish $pid 20 || return 1
    [ "$code" -ne 0 ] || { echo "the run did not notice"; return 1; }
    local seconds=$((SECONDS - began))
    last_step lost >/dev/null || { echo "half-written files"; return 1; }
    train 0 lost 60 pmix && same lost whole 60 && echo "code $code after $seconds s, went on with two"
}

# Four shards as an array; the third is killed when the first of its codes are there, then its task is run again.
slurm_array() {
    local copy job left said first
    mkdir many
    for copy in $(seq 24); do cp -r raw many/"$copy"; done
    cp -r many array
    "$opah" run extract-vq many "${codec[@]}" >&2 || return 1
    first=$("$opah" -e 'local fs, shard = require "opah.fs", require "opah.dist".shard("3/4")
        for _, path in ipairs(fs.list("many", { recursive = true, extension = "npy" })) do
            local stem = fs.relative(path, "many"):gsub("%.npy$", "")
            if shard:owns(stem) then print("array/" .. stem .. ".npy") break end
        end')
    cat >array.sh <<BATCH
#!/bin/bash
"$opah" run extract-vq array --shard "\$SLURM_ARRAY_TASK_ID/4" ${codec[*]@Q} &
if [ "\$KILLED" = "\$SLURM_ARRAY_TASK_ID" ]; then
    until [ -e "$first" ] || ! kill -0 \$!; do sleep 0.01; done
    kill -9 \$!
fi
wait \$!
BATCH
    job=$(KILLED=3 sbatch --parsable --array=1-4 --output="$work/array-%a-%A.log" array.sh) || { echo "no job"; return 1; }
    slurm_wait "the array's end" 300 bash -c '[ -z "$(squeue -h)" ]' || return 1
    cat array-*-"$job".log >&2
    left=$(($(find many -name '*.npy' | wc -l) - $(find array -name '*.npy' | wc -l)))
    ! grep -q "clips have codes" array-3-"$job".log && [ "$left" -gt 0 ] || { echo "the third shard was not killed in its work"; return 1; }
    [ -e array/.extract-vq.run.lock-3-of-4 ] || { echo "the killed shard had no lock"; return 1; }
    job=$(sbatch --parsable --wait --array=3 --output="$work/array-%a-%A.log" array.sh) || { echo "the rerun failed"; return 1; }
    cat array-3-"$job".log >&2
    # Codes that were there without a word of what made them are made again, to the same bytes.
    [ "$(newly_made array-3-"$job".log)" -ge "$left" ] || { echo "the rerun made $(newly_made array-3-"$job".log), and $left were missing"; return 1; }
    said=$(same_codes array "$(find array -name '*.npy' | wc -l)" many) || { echo "$said"; return 1; }
    sed -n "s/.*: \([0-9]*\) clips have codes.*/$said; of the killed shard's \1 its rerun made $left/p" array-3-"$job".log
}

# In a batch script without srun, SLURM's variables count two tasks, and there is one process.
slurm_bare() {
    cp -r raw bare
    printf '#!/bin/bash\nexec %q run extract-vq bare %s\n' "$opah" "${codec[*]@Q}" >bare.sh
    sbatch --quiet --wait -N2 -n2 --output="$work/bare.log" bare.sh || { cat bare.log >&2; echo "failed"; return 1; }
    cat bare.log >&2
    same_codes bare "$(newly_made bare.log)"
}

slurm_step_shares() {
    cp -r raw step
    pmix "$opah" run extract-vq step "${codec[@]}" >step.log 2>&1 || { cat step.log >&2; echo "ended with code $?"; return 1; }
    cat step.log >&2
    same_codes step "$(newly_made step.log)"
}

slurm_checks() {
    local before=$failures
    check "a SLURM cluster of two nodes" slurm_up
    [ $failures -eq "$before" ] || return
    check "srun --mpi=pmix (Open MPI): the bytes of one process" slurm_pmix
    check "srun --mpi=pmi2 (MPICH): the bytes of one process" slurm_pmi2
    check "scancel --signal=USR1: saved once, 130, goes on" slurm_signal
    check "srun -K1, a rank killed: all end, goes on" slurm_killed_rank
    check "array of 4 shards, one killed and rerun: all clips once" slurm_array
    check "sbatch without srun is one process: all clips" slurm_bare
    check "srun shares extract-vq by rank: every clip once" slurm_step_shares
}
