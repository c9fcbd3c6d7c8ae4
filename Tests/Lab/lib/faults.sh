# SPDX-License-Identifier: Apache-2.0
# Losses, by nftables in the client's and the endpoint's namespaces: the balancer's TC programs run
# before its netfilter, so rules there would see nothing. Sourced by lab.
#
# On the way out a packet is forwarded to a veth that leads nowhere: a plain drop would be told to
# the local TCP, which then behaves as if it had not sent.
#
# In the layout wan, an emulator does what these rules cannot (wan.c).

make_void() { # ROLE
    ip_in "$1" link show void >/dev/null 2>&1 && return
    ip_in "$1" link add void type veth peer name void-end
    ip_in "$1" link set void up arp off
    ip_in "$1" link set void-end up arp off
}

make_chains() { # ROLE
    make_void "$1"
    in_namespace "$1" nft -f - <<'RULES'
add table netdev faults
add chain netdev faults in { type filter hook ingress device "net0" priority 0; }
add chain netdev faults out { type filter hook egress device "net0" priority 0; }
RULES
}

add_fault() { # ROLE in|out MATCH...
    local role=$1 way=$2 end=drop
    shift 2
    [ "$way" = in ] || end='fwd to "void"'
    make_chains "$role"
    in_namespace "$role" nft "add rule netdev faults $way $* counter $end"
}

lose_share() { # PERCENT, decimals welcome
    local role way share
    # Half of it on either side of the balancer, in millionths.
    share=$(awk -v percent="$1" 'BEGIN { printf "%d", percent * 5000 }')
    for role in client endpoint; do
        for way in in out; do
            add_fault $role $way "meta l4proto tcp numgen random mod 1000000 < $share"
        done
    done
}

# The length that tells data from pure acknowledgements: headers with all their options and, on the
# way out, the Ethernet header, but less than any ClientHello.
drop_first() { # ROLE in|out KIND COUNT [PORT]
    local match port=
    [ $# -lt 5 ] || { [ "$2" = in ] && port="tcp dport $5" || port="tcp sport $5"; }
    case $3 in
    syn) match='tcp flags & (syn | ack) == syn' ;;
    syn-ack) match='tcp flags & (syn | ack) == (syn | ack)' ;;
    ack) match='tcp flags & (syn | fin | rst | ack) == ack meta length <= 114' ;;
    data) match='tcp flags & (syn | ack) == ack meta length > 160' ;;
    # In TLS 1.3 it begins with a record that changes the cipher, for middleboxes (RFC 8446 D.4).
    second) match='tcp flags & (syn | ack) == ack @ih,0,8 20' ;;
    *) reject "a kind is syn, syn-ack, ack, data or second, not $3" ;;
    esac
    add_fault "$1" "$2" "$port $match numgen inc mod 4294967295 < $4"
}

blackhole() { # PORT [ADDRESS]
    local match="tcp dport $1"
    case ${2-} in
    '') ;;
    *:*) match="ip6 daddr $2 $match" ;;
    *) match="ip daddr $2 $match" ;;
    esac
    add_fault endpoint in "$match"
}

start_wan() {
    : >"$state/wan.options"
    lab_spawn wan "$cache/wan" "$state" client front back endpoint >"$state/wan.pid"
    wait_for_counts
}

wait_for_counts() {
    for _ in {1..100}; do
        [ ! -e "$state/wan.counts" ] || return 0
        sleep 0.02
    done
    echo "lab: the emulator did not answer:" >&2
    cat "$state"/wan.*.log >&2
    return 1
}

# Tells what was done under the options that end.
set_wan() { # OPTION=VALUE...
    [ -e "$state/wan.pid" ] || reject "only a lab of the layout wan has an emulator"
    echo "$*" >"$state/wan.options"
    rm -f "$state/wan.counts"
    kill -HUP "$(cat "$state/wan.pid")"
    wait_for_counts
    cat "$state/wan.counts"
}

clear_faults() {
    local role
    for role in client endpoint; do
        in_namespace $role nft delete table netdev faults 2>/dev/null || true
    done
}

count_lost() {
    local role
    for role in client endpoint; do
        in_namespace $role nft list table netdev faults 2>/dev/null || true
    done | sed -n 's/.*counter packets \([0-9]*\).*/\1/p' | awk '{ n += $1 } END { print n + 0 }'
}
