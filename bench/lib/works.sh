# SPDX-License-Identifier: Apache-2.0
# The works: each is a function that prints one line of JSON with what was done, and what failed.
# Sourced by bench/run.

all_works=(
    bulk bulk-plain bulk-iperf3 keepalive new-tls connections server-hello request idle sizes loss
    syn-flood flows
)

work_title() {
    case $1 in
    bulk) echo "16 MiB TLS downloads, 16 at a time (wrk)" ;;
    bulk-plain) echo "16 MiB downloads without TLS, 16 at a time (wrk)" ;;
    bulk-iperf3) echo "raw TCP, 4 streams from client to endpoint (iperf3)" ;;
    keepalive) echo "TLS requests of 1 KiB, 64 connections kept alive (wrk, --tool)" ;;
    new-tls) echo "a TLS connection for each request of 1 KiB, 64 at a time (wrk, --tool)" ;;
    connections) echo "connections with a canned ClientHello to a stub endpoint, 64 at a time" ;;
    server-hello) echo "one after the other, connect() to the first byte of ServerHello" ;;
    request) echo "one after the other, connect() to the first byte of the answer to a GET" ;;
    idle) echo "memory of $connections idle connections" ;;
    sizes) echo "a TLS connection for each object of 1 KiB to 64 MiB, 8 at a time (wrk)" ;;
    loss) echo "as bulk, with 0, 0.1 and 1 % of all packets lost in each direction" ;;
    syn-flood) echo "honest connections beside spoofed SYNs from one processor" ;;
    flows) echo "time of a packet with 1 to 1,000,000 flows in the map (no peers)" ;;
    *) return 1 ;;
    esac
}

# Prints what a work goes over: each gets a cell of its own.
work_points() {
    case $1 in
    keepalive) printf '%s\n' "${tools[@]}" ;;
    new-tls) printf '%s\n' "${tools[@]}" | grep -vx h2load ;; # it does not connect anew
    sizes) printf '%s\n' 1KiB 16KiB 128KiB 1MiB 4MiB 16MiB 64MiB ;;
    loss) printf '%s\n' 0 0.1 1 ;;
    flows) printf '%s\n' 1 1000 100000 1000000 ;;
    *) echo - ;;
    esac
}

# Prints why a work cannot be done here; nothing if it can.
work_missing() {
    case $1 in
    bulk-iperf3) want iperf3 iperf3 ;;
    bulk | bulk-plain | sizes | loss) want wrk wrk ;;
    flows) [ -x "$products/packetcost" ] || echo "no $products/packetcost (swift build -c release)" ;;
    syn-flood) [ "$(nproc)" -gt 1 ] || echo "the flood needs a processor of its own" ;;
    esac
}

tool_package() { # prints what apt knows a tool by
    case $1 in
    wrk) echo wrk ;;
    ab) echo apache2-utils ;;
    h2load) echo nghttp2-client ;;
    bombardier) echo bombardier ;;
    *) return 1 ;;
    esac
}

tool_missing() {
    [ "$1" != bombardier ] || { command -v "$1" >/dev/null || echo "it is not installed"; return; }
    want "$1" "$(tool_package "$1")"
}

# Bounded in time, whatever hangs.
client() { "$lab" exec "$name-client" timeout --foreground $((seconds + 90)) "$@"; }

# What a work needs before it is timed: files, endpoints, hellos, losses.
prepare() { # WORK POINT
    # Clients take the SNI from the URL, so that the name must resolve.
    echo "$address kafka1.server.test" >"$state/hosts"
    case $1 in
    bulk-plain) start_endpoint 8080 nginx -e stderr -c "$(endpoint_configuration)" ;;
    bulk-iperf3) start_endpoint 5201 iperf3 -s -p 5201 ;;
    connections | syn-flood) make_hello stub.test ;;
    server-hello) make_hello kafka1.server.test ;;
    idle)
        make_hello idle.test
        start_endpoint 9444 "$build/bench/idle" serve 9444
        ;;
    sizes) add_file "$2" ;;
    esac
    case $1 in
    loss) "$lab" loss "$name" "$2" ;;
    syn-flood)
        # Neighbours that do not answer would hold the packets back.
        "$lab" exec "$name-balancer" ip route add 203.0.113.0/24 via 198.51.100.10
        "$lab" exec "$name-endpoint" ip route add 203.0.113.0/24 via 10.0.0.1
        ;;
    esac
}

start_endpoint() { # PORT COMMAND...
    local port=$1
    shift
    "$lab" spawn "$name" endpoint "$@" >/dev/null
    for _ in {1..100}; do
        [ -z "$("$lab" exec "$name-endpoint" ss -Htln "sport = :$port")" ] || return 0
        sleep 0.02
    done
    echo "bench: nobody listens on port $port of the endpoint" >&2
    return 1
}

endpoint_configuration() {
    mkdir -p "$state/plain"
    sed "s|@STATE@|$state|" "$here/peers/endpoint.conf" >"$state/plain.conf"
    echo "$state/plain.conf"
}

make_hello() { # NAME
    "$here/../Tests/Lab/make_hello.py" "$1" >"$state/hello"
}

add_file() { # SIZE with its unit
    local file=$build/bench/$1.bin bytes
    bytes=$(numfmt --from=iec-i "${1%B}")
    [ -e "$file" ] || { head -c "$bytes" /dev/urandom >"$file.new" && mv "$file.new" "$file"; }
    ln -sf "$file" "$state/files/$1.bin"
}

# In a mount namespace of its own, for the sake of the name.
named_client() {
    # shellcheck disable=SC2016 # for the inner shell
    client unshare -m sh -c 'mount --bind "$1" /etc/hosts && shift && exec "$@"' sh "$state/hosts" "$@"
}

run_wrk() { # CONNECTIONS URL [OPTION...]
    local count=$1 url=$2
    shift 2
    named_client wrk -t 2 -c "$count" -d "$seconds" --timeout 30 "$@" \
        -s "$here/clients/wrk_report.lua" "$url" | tail -n 1
}

tls_url() { echo "https://kafka1.server.test:$tls_port/$1"; }

bulk() { run_wrk 16 "$(tls_url 16.bin)"; }

bulk_plain() { run_wrk 16 "http://kafka1.server.test:$plain_port/16.bin"; }

bulk_iperf3() { client "$here/clients/iperf3.py" "$address" "$iperf3_port" "$seconds"; }

keepalive() { # TOOL
    if [ "$1" = wrk ]; then
        run_wrk 64 "$(tls_url 1KiB.bin)"
    else
        named_client "$here/clients/http_tool.py" "$1" keep "$seconds" "$(tls_url 1KiB.bin)"
    fi
}

new_tls() { # TOOL
    if [ "$1" = wrk ]; then
        run_wrk 64 "$(tls_url 1KiB.bin)" -H "Connection: close"
    else
        named_client "$here/clients/http_tool.py" "$1" close "$seconds" "$(tls_url 1KiB.bin)"
    fi
}

connections() {
    client "$lab_tools/hello_client" -p 64 -s "$seconds" "$address" "$stub_port" "$state/hello"
}

server_hello() {
    client "$lab_tools/hello_client" -f -s "$seconds" "$address" "$tls_port" "$state/hello"
}

request() {
    client "$here/clients/tls_requests.py" "$address" "$tls_port" kafka1.server.test "$seconds"
}

sizes() { run_wrk 8 "$(tls_url "$1.bin")" -H "Connection: close"; }

loss() { bulk; }

# Memory before and after the connections are there: of the way's processes, and of the kernel.
idle() {
    local fifo=$state/idle rss slab figure
    # Some first, for what is allocated once.
    client "$build/bench/idle" hold "$address" "$idle_port" "$state/hello" 100 </dev/null >/dev/null
    sleep 1
    rss=$(way_rss_kib) slab=$(slab_kib)
    mkfifo "$fifo"
    client "$build/bench/idle" hold "$address" "$idle_port" "$state/hello" "$connections" \
        <"$fifo" >"$state/idle.json" &
    exec {hold}>"$fifo"
    for _ in {1..600}; do
        [ ! -s "$state/idle.json" ] || break
        sleep 0.05
    done
    sleep 1
    rss=$(($(way_rss_kib) - rss)) slab=$(($(slab_kib) - slab))
    exec {hold}>&-
    wait $!
    figure=$(cat "$state/idle.json")
    printf '%s, "rss_kib": %d, "slab_kib": %d, "map_bytes_per_flow": %s}\n' "${figure%\}}" \
        "$rss" "$slab" "$(map_bytes_per_flow)"
}

# Two entries a flow.
map_bytes_per_flow() {
    [ "$way" = sluice ] || { echo null; return; }
    bpftool -j map show pinned "$(echo /sys/fs/bpf/sluice/"$name"-v*/flows)" | python3 -c \
        'import json, sys; map = json.load(sys.stdin); print(2 * map["bytes_memlock"] / map["max_entries"])'
}

# A SYN's way through veth pairs is walked by its sender's processor: the flood and the answers to
# it take one, and all others have the rest.
syn_flood() {
    local rss busy flood figure sent
    rss=$(way_rss_kib) busy=$(way_busy)
    # The count bounds it if nobody does; `lab down` would end it too.
    flood=$("$lab" spawn "$name" client taskset -c 0 "$lab_tools/syn_flood" \
        "$address" "$stub_port" 100000000 100000000)
    sleep 0.2
    figure=$(client "$lab_tools/hello_client" -p 4 -t 1 -s "$seconds" "$address" "$stub_port" \
        "$state/hello") || [ -n "$figure" ]
    rss=$(($(way_rss_kib) - rss)) busy=$(($(way_busy) - busy))
    kill "$flood"
    for _ in {1..100}; do
        sent=$(cat "$state"/taskset.*.log)
        [ -z "$sent" ] || break
        sleep 0.02
    done
    printf '%s, "syns": %d, "rss_kib": %d, "way_busy_ticks": %d}\n' "${figure%\}}" "$sent" $rss $busy
}

flows() { # COUNT
    "$products/packetcost" --flows "$1"
}
