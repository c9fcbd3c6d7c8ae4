# SPDX-License-Identifier: Apache-2.0
# A TC program that is not ours, at the ingress of the balancer's front interface. Sourced by lab.

attach_foreign() { # tcx|clsact
    local before after pin=/sys/fs/bpf/lab-$name-foreign status=0
    before=$(foreign_maps)
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
    for _ in {1..100}; do
        after=$(foreign_maps)
        [ "$after" = "$before" ] || break
        sleep 0.02
    done
    # The newest is ours: ids only rise.
    echo "$after" | tail -n 1 >"$state/foreign-map"
}

foreign_maps() {
    { bpftool map show name foreign_packets 2>/dev/null || true; } | sed -n 's/^\([0-9]*\):.*/\1/p' | sort -n
}

count_foreign() {
    bpftool -j map dump id "$(cat "$state/foreign-map")" \
        | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["formatted"]["value"])'
}
