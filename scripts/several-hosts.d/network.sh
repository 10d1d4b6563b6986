# Two hosts of one machine: network namespaces with names of their own, joined by a pair of veth that lets 1 Gbit/s
# through. `opah launch --hosts` starts the second host's process through an agent instead of ssh; nothing else
# differs.

host_a=opah-a-$$ host_b=opah-b-$$ cable_a=oa$$ cable_b=ob$$
address_a=10.77.0.1 address_b=10.77.0.2

network_up() {
    ip netns add "$host_a" && ip netns add "$host_b" || return 1
    ip link add "$cable_a" netns "$host_a" type veth peer name "$cable_b" netns "$host_b" || return 1
    local side
    for side in a b; do
        local host=host_$side cable=cable_$side address=address_$side
        ip -n "${!host}" address add "${!address}/24" dev "${!cable}" && ip -n "${!host}" link set "${!cable}" up &&
            ip -n "${!host}" link set lo up || return 1
        # 0.1 ms each way where the kernel can, so 0.2 ms there and back.
        local where=(root) delay="no delay (this kernel has no netem)"
        if ip netns exec "${!host}" tc qdisc add dev "${!cable}" root handle 1: netem delay 100us 2>/dev/null; then
            where=(parent 1:1) delay="0.2 ms"
        fi
        ip netns exec "${!host}" tc qdisc add dev "${!cable}" "${where[@]}" handle 2: tbf rate 1gbit burst 256kb latency 50ms || return 1
    done
    cat >agent <<AGENT
#!/bin/bash
# In the place of ssh: HOST COMMAND...
shift
exec ip netns exec $host_b unshare --uts bash -c "hostname opah-b; \$*"
AGENT
    chmod +x agent
    echo "1 Gbit/s, $delay"
}

network_down() {
    ip netns del "$host_a"
    ip netns del "$host_b"
}

# Runs a command on the first host.
on_a() { ip netns exec "$host_a" unshare --uts bash -c 'hostname opah-a; exec "$@"' bash "$@"; }
on_b() { ip netns exec "$host_b" "$@"; }
# The documented command on both.
launch() {
    shift # the program: launch starts itself
    OMPI_MCA_plm_rsh_agent=$work/agent OMPI_MCA_btl=self,tcp OMPI_MCA_btl_tcp_if_include=10.77.0.0/24 OMPI_MCA_oob_tcp_if_include=10.77.0.0/24 \
        on_a "$opah" launch --hosts $address_a,$address_b -- "$@"
}
# The process on the second host whose words contain $1.
remote_rank() {
    local pid wanted
    wanted=$(stat -Lc %i "/run/netns/$host_b")
    for pid in $(processes "$1"); do
        [ "$(stat -Lc %i "/proc/$pid/ns/net" 2>/dev/null)" = "$wanted" ] && echo "$pid" && return
    done
}

network_same_bytes() {
    train 0 net 6 launch && train 0 net1 6 alone && same net net1 6
}

# Of a model large enough that a step is arithmetic: seconds of the processor in training, of each process.
network_processor_time() {
    local one two script=$checkout/scripts/several-hosts.d/processor-time.lua
    one=$(alone "$opah" "$script" 2>>"$log") && two=$(launch "$opah" "$script" 2>>"$log") || { echo "did not run"; return 1; }
    echo "$one $two" | awk '{ most = $2 > $3 ? $2 : $3; printf "%.1f s alone, %.1f and %.1f s on two: %.2f", $1, $2, $3, most / $1; exit most > 0.55 * $1 }'
}

# The same bytes both ways at once as one exchange of 20 MB between two: 10 MB of the other's half, 10 MB of the sum.
network_exchange() {
    local raw own
    on_b python3 "$checkout/scripts/several-hosts.d/bare-network.py" listen $address_b 20000000 10 2>>"$log" &
    sleep 0.5
    raw=$(on_a python3 "$checkout/scripts/several-hosts.d/bare-network.py" connect $address_b 20000000 10 2>>"$log") || return 1
    wait $!
    own=$(launch "$opah" "$checkout/scripts/several-hosts.d/exchange-time.lua" 2>>"$log") || return 1
    echo "$own $raw" | awk '{ printf "%.0f ms, bare network %.0f ms: %.2f", $1 * 1e3, $2 * 1e3, $1 / $2; exit $1 > 2 * $2 }'
}

network_extraction() {
    cp -r raw net-codes
    launch "$opah" run extract-vq net-codes "${codec[@]}" >net-codes.log 2>&1 || { echo "ended with code $?"; return 1; }
    same_codes net-codes "$(newly_made net-codes.log)"
}

network_killed_host() {
    training killed 60
    launch "$opah" "${words[@]}" >>"$log" 2>&1 &
    local pid=$! step
    reach killed 5 $pid || return 1
    kill -9 "$(remote_rank project=killed)"
    finish $pid 30 || return 1
    [ "$code" -ne 0 ] || { echo "the run did not notice"; return 1; }
    step=$(last_step killed) || { echo "$step"; return 1; }
    train 0 killed 60 alone && same killed whole 60 && echo "code $code, went on from step $step"
}

# The first process saves and ends while the cable is cut. Open MPI's launcher cannot reach the other host to end what
# is left there, and waits for the cable.
network_cut_cable() {
    training cut 60
    OPAH_DIST_TIMEOUT=5 launch "$opah" "${words[@]}" >cut.log 2>&1 &
    local pid=$! step began
    reach cut 5 $pid || return 1
    ip -n "$host_b" link set "$cable_b" down
    began=$SECONDS
    until grep -q '^checkpoint: ' cut.log || [ $((SECONDS - began)) -gt 60 ]; do sleep 0.1; done
    local seconds=$((SECONDS - began))
    step=$(last_step cut) || { echo "$step"; return 1; }
    ip -n "$host_b" link set "$cable_b" up
    cat cut.log >&2
    grep -q '^checkpoint: ' cut.log || { echo "nothing was saved in $seconds s"; return 1; }
    finish $pid 60 || return 1
    [ "$code" -eq 130 ] || { echo "ended with code $code, not 130"; return 1; }
    train 0 cut 60 alone && same cut whole 60 && echo "step $step was safe after $seconds s"
}

network_checks() {
    check "two hosts and a cable between them" network_up
    [ $failures -eq 0 ] || return
    check "opah launch --hosts a,b: the bytes of one process" network_same_bytes
    check "processor time of a process, at most 0.55 of one alone" network_processor_time
    check "exchange of 20 MB, at most twice the bare network's" network_exchange
    check "extract-vq on both: every clip once, the same bytes" network_extraction
    check "a process on the other host killed: others go on" network_killed_host
    check "the cable cut: saved, 130, others go on" network_cut_cable
}
