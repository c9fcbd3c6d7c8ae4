# SPDX-License-Identifier: Apache-2.0
# Namespaces, veth pairs, addresses, routes and sysctls. Sourced by lab.
#
# two-arm:  client net0 ──── front balancer back ──── net0 endpoint
# one-arm:  client net0 ──┐
#                         ├─ switch ── front balancer      (both networks on one interface)
#         endpoint net0 ──┘
# wan:      as two-arm, but both wires run through the emulator in the namespace wan (wan.c)
# tun:      as two-arm, but the client's wire is a pair of tun devices, without Ethernet (tun_wire.c)
# routed:   client net0 ── west ── front balancer back ── east ── net0 endpoint

vip4=192.0.2.1 vip6=2001:db8:f::1
client4=198.51.100.10 client6=2001:db8:c::10
front4=198.51.100.1 front6=2001:db8:c::1
back4=10.0.0.1 back6=fd00:e::1
west4=203.0.113.1 west6=2001:db8:a::1 routed_front4=203.0.113.2 routed_front6=2001:db8:a::2
east4=10.1.0.254 east6=fd00:b::254 routed_back4=10.1.0.1 routed_back6=fd00:b::1
endpoints4=(10.0.0.10 10.0.0.11) endpoints6=(fd00:e::10 fd00:e::11)

ip_in() { # ROLE ARGUMENTS...
    local role=$1
    shift
    ip -n "$name-$role" "$@"
}

sysctl_in() { # ROLE KEY=VALUE...
    local role=$1
    shift
    in_namespace "$role" sysctl -q -w "$@"
}

add_namespace() { # ROLE
    ip netns add "$name-$1"
    ip_in "$1" link set lo up
    # Nobody else is on these wires: addresses need no duplicate detection, hence no delay.
    sysctl_in "$1" net.ipv6.conf.{all,default}.accept_dad=0 \
        net.ipv6.conf.{all,default}.accept_ra=0 \
        net.ipv4.conf.{all,default}.{rp_filter,send_redirects,accept_redirects}=0 \
        net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0 \
        net.ipv4.tcp_tw_reuse=1 net.core.somaxconn=8192 net.ipv4.tcp_max_syn_backlog=8192
}

join() { # ROLE INTERFACE ROLE INTERFACE [INDEX of the first]
    ip link add "$2" ${5:+index "$5"} netns "$name-$1" type veth peer name "$4" netns "$name-$3"
    ip_in "$1" link set "$2" up
    ip_in "$3" link set "$4" up
}

wait_for_device() { # ROLE DEVICE
    for _ in {1..100}; do
        ! ip_in "$1" link show "$2" >/dev/null 2>&1 || return 0
        sleep 0.02
    done
    echo "lab: no device $2 in $name-$1" >&2
    return 1
}

make_namespaces() { # LAYOUT
    local role
    for role in client balancer endpoint; do add_namespace $role; done
    sysctl_in client net.ipv4.ip_local_port_range="10000 65535"
    case $1 in
    two-arm)
        join client net0 balancer front
        join balancer back endpoint net0
        ;;
    one-arm)
        add_namespace switch
        ip_in switch link add lan type bridge
        ip_in switch link set lan up
        join client net0 switch client
        join balancer front switch balancer
        join endpoint net0 switch endpoint
        for role in client balancer endpoint; do ip_in switch link set $role master lan; done
        ;;
    wan)
        add_namespace wan
        # Not a word of its own from this namespace.
        sysctl_in wan net.ipv6.conf.{all,default}.disable_ipv6=1
        join client net0 wan client
        join balancer front wan front
        join balancer back wan back
        join endpoint net0 wan endpoint
        ;;
    tun)
        lab_spawn balancer "$cache/tun_wire" "$name-client" net0 "$name-balancer" front >/dev/null
        for role in client:net0 balancer:front; do
            wait_for_device "${role%:*}" "${role#*:}"
            ip_in "${role%:*}" link set "${role#*:}" up
        done
        join balancer back endpoint net0
        ;;
    routed)
        for role in west east; do
            add_namespace $role
            sysctl_in $role net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
        done
        join client net0 west client
        join west balancer balancer front
        join balancer back east balancer
        join east endpoint endpoint net0
        ;;
    *) reject "layout is two-arm, one-arm, wan, tun or routed, not $1" ;;
    esac
}

make_addresses() { # LAYOUT
    make_endpoints_addresses
    case $1 in
    routed) make_routers_addresses ;;
    one-arm)
        make_front_addresses
        make_back_addresses front
        ;;
    *)
        make_front_addresses
        make_back_addresses back
        ;;
    esac
    make_vip
    make_clients_addresses
}

make_front_addresses() {
    ip_in balancer addr add $front4/24 dev front
    ip_in balancer addr add $front6/64 dev front nodad
}

make_back_addresses() { # INTERFACE
    ip_in balancer addr add $back4/24 dev "$1"
    ip_in balancer addr add $back6/64 dev "$1" nodad
}

make_vip() {
    ip_in balancer addr add $vip4/32 dev front
    ip_in balancer addr add $vip6/128 dev front nodad
}

make_clients_addresses() {
    ip_in client addr add $client4/24 dev net0
    ip_in client addr add $client6/64 dev net0 nodad
    ip_in client route add default via $front4
    ip_in client -6 route add default via $front6
}

make_endpoints_addresses() {
    local address
    for address in "${endpoints4[@]}"; do ip_in endpoint addr add "$address/24" dev net0; done
    for address in "${endpoints6[@]}"; do ip_in endpoint addr add "$address/64" dev net0 nodad; done
}

# Deletes the interfaces of a wire of the layout two-arm, and with them addresses and routes.
unplug() { # front|back
    ip_in balancer link del "$1"
}

# Makes them anew, with other indexes unless one is asked for. The balancer has its addresses before the other end.
plug() { # front|back [INDEX]
    case $1 in
    front)
        join balancer front client net0 "${2-}"
        make_front_addresses
        make_vip
        make_clients_addresses
        ;;
    back)
        join balancer back endpoint net0 "${2-}"
        make_back_addresses back
        make_endpoints_addresses
        ;;
    *) reject "a wire is front or back, not $1" ;;
    esac
}

# The routers have the addresses that are the balancer's elsewhere: clients and endpoints see no
# difference.
make_routers_addresses() {
    ip_in west addr add $front4/24 dev client
    ip_in west addr add $front6/64 dev client nodad
    ip_in west addr add $west4/24 dev balancer
    ip_in west addr add $west6/64 dev balancer nodad
    ip_in west route add default via $routed_front4
    ip_in west -6 route add default via $routed_front6
    ip_in balancer addr add $routed_front4/24 dev front
    ip_in balancer addr add $routed_front6/64 dev front nodad
    ip_in balancer route add ${client4%.*}.0/24 via $west4
    ip_in balancer -6 route add ${client6%::*}::/64 via $west6
    ip_in balancer addr add $routed_back4/24 dev back
    ip_in balancer addr add $routed_back6/64 dev back nodad
    ip_in balancer route add ${back4%.*}.0/24 via $east4
    ip_in balancer -6 route add ${back6%::*}::/64 via $east6
    ip_in east addr add $east4/24 dev balancer
    ip_in east addr add $east6/64 dev balancer nodad
    ip_in east addr add $back4/24 dev endpoint
    ip_in east addr add $back6/64 dev endpoint nodad
    ip_in east route add default via $routed_back4
    ip_in east -6 route add default via $routed_back6
    ip_in endpoint route add ${routed_back4%.*}.0/24 via $back4
    ip_in endpoint -6 route add ${routed_back6%::*}::/64 via $back6
}

# Endpoints know the balancer's network alone, unless plain forwarding is asked for.
set_direct() { # on|off
    local value=0 verb=del
    [ "$1" = off ] || { value=1 verb=replace; }
    sysctl_in balancer net.ipv4.ip_forward=$value net.ipv6.conf.all.forwarding=$value
    ip_in endpoint route $verb ${client4%.*}.0/24 via $back4
    ip_in endpoint -6 route $verb ${client6%::*}::/64 via $back6
}

set_offloads() { # on|off
    local role device
    for role in client balancer endpoint switch wan west east; do
        [ -e "/run/netns/$name-$role" ] || continue
        for device in net0 front back client balancer endpoint; do
            ip_in $role link show $device >/dev/null 2>&1 || continue
            in_namespace $role ethtool -K $device tso "$1" gso "$1" gro "$1" tx "$1" >/dev/null 2>&1
        done
    done
}

remove_namespaces() {
    local role
    for role in client balancer endpoint switch wan west east; do
        [ ! -e "/run/netns/$name-$role" ] || ip netns del "$name-$role"
    done
}
