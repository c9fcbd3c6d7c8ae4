# SPDX-License-Identifier: Apache-2.0
# TC programs that are not ours: somebody else's at the ingress of the balancer's front interface,
# and one that watches how super-packets reach a client or an endpoint. Sourced by lab.

attach_foreign() { # tcx|clsact
    local before pin=/sys/fs/bpf/lab-$name-foreign status=0
    before=$(maps_named foreign_packets)
    case $1 in
    clsact)
        in_namespace balancer tc qdisc add dev front clsact
        # Not loaded by tc, which leaves directories of its own behind (/sys/fs/bpf/tc).
        bpftool prog load "$cache/foreign.bpf" "$pin"
        in_namespace balancer tc filter add dev front ingress pref 1 bpf direct-action \
            object-pinned "$pin" || status=$?
        rm "$pin"
        [ "$status" = 0 ] || exit "$status"
        ;;
    tcx) lab_spawn balancer "$cache/tcx" hold front "$cache/foreign.bpf" >/dev/null ;;
    *) reject "a foreign program is tcx or clsact, not $1" ;;
    esac
    await_map foreign_packets "$before" >"$state/foreign-map"
}

# Ids of all maps of that name, in order; ids only rise.
maps_named() { # MAP
    { bpftool map show name "$1" 2>/dev/null || true; } | sed -n 's/^\([0-9]*\):.*/\1/p' | sort -n
}

# Prints the id of the map that appears beside those of before.
await_map() { # MAP BEFORE
    local after
    for _ in {1..100}; do
        after=$(maps_named "$1")
        [ "$after" = "$2" ] || { echo "$after" | tail -n 1; return; }
        sleep 0.02
    done
    echo "lab: no map $1 appeared within 2 s; is the program attached?" >&2
    return 1
}

count_foreign() {
    bpftool -j map dump id "$(cat "$state/foreign-map")" \
        | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["formatted"]["value"])'
}

watch_arrivals() { # client|endpoint
    local before
    before=$(maps_named arrivals)
    lab_spawn "$1" "$cache/tcx" hold net0 "$cache/arrivals.bpf" >/dev/null
    await_map arrivals "$before" >"$state/arrivals-$1"
}

count_arrivals() { # client|endpoint
    bpftool -j map dump id "$(cat "$state/arrivals-$1")" | python3 -c '
import json, sys
seen = json.load(sys.stdin)[0]["formatted"]["value"]
print(seen["all"], seen["clones"])'
}
