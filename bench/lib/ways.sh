# SPDX-License-Identifier: Apache-2.0
# The ways from client to endpoint: what each needs, its version, and how it starts. Their
# configurations are in bench/peers. Sourced by bench/run.
#
# Sets for the works: address, and the ports of tls, stub, idle, plain and iperf3. All but nft tell TLS
# endpoints apart by SNI, so that three of the ports are one.
# shellcheck disable=SC2034 # they are read in works.sh

usual_ways=(direct nft nginx haproxy haproxy-splice envoy sluice)
more_ways=(wire nginx-64k haproxy-64k)

way_title() {
    case $1 in
    direct) echo "plain forwarding by the kernel" ;;
    wire) echo "nothing in between: a veth from client to endpoint, the least that any way can cost" ;;
    nft) echo "DNAT by nftables" ;;
    nginx) echo "nginx stream with ssl_preread" ;;
    nginx-64k) echo "the same with 64 KiB buffers" ;;
    haproxy) echo "HAProxy in TCP mode, SNI by inspection" ;;
    haproxy-64k) echo "the same with 64 KiB buffers" ;;
    haproxy-splice) echo "HAProxy with splicing in the kernel forced" ;;
    envoy) echo "Envoy tcp_proxy with tls_inspector" ;;
    sluice) echo "this tree's" ;;
    *) return 1 ;;
    esac
}

envoy_program() {
    local program
    for program in "${ENVOY-}" "$build/envoy/envoy/_bin/envoy" "$(command -v envoy)"; do
        [ ! -x "$program" ] || { echo "$program"; return; }
    done
}

want() { # PROGRAM PACKAGE
    command -v "$1" >/dev/null || echo "$1 is not installed (apt install $2)"
}

# Prints why a way cannot run here, and what would help; nothing if it can.
way_missing() {
    case $1 in
    direct | wire) ;;
    nft) want nft nftables ;;
    nginx*)
        want nginx nginx-light
        [ -e /usr/lib/nginx/modules/ngx_stream_module.so ] \
            || echo "nginx has no stream module (apt install libnginx-mod-stream)"
        ;;
    haproxy*) want haproxy haproxy ;;
    envoy)
        [ -n "$(envoy_program)" ] \
            || echo "no envoy in PATH, \$ENVOY or .build/envoy (.ci/install-envoy puts it there)"
        ;;
    sluice) [ -x "$products/sluice" ] || echo "no $products/sluice (swift build -c release)" ;;
    esac
}

way_version() {
    case $1 in
    direct | wire) uname -sr ;;
    nft) nft --version ;;
    nginx*) nginx -v 2>&1 | sed 's/.*: //' ;;
    haproxy*) haproxy -v | sed -n '1s/ - .*//p' ;;
    envoy) "$(envoy_program)" --version | grep -o '/[0-9.]*/' | sed 's|/\(.*\)/|Envoy \1|' ;;
    sluice) echo "$("$products/sluice" --version), commit $(git -C "$here" describe --always --dirty)" ;;
    esac
}

# What a way's configuration says about itself in its second line.
way_settings() {
    local file
    file=$(way_template "$1")
    [ -z "$file" ] || way_configuration "$1" <"$file" | sed -n 's/^# settings: //p'
}

way_template() {
    case $1 in
    direct | wire) ;;
    nft) echo "$here/peers/nft.nft" ;;
    nginx*) echo "$here/peers/nginx.conf" ;;
    haproxy*) echo "$here/peers/haproxy.cfg" ;;
    envoy) echo "$here/peers/envoy.yaml" ;;
    sluice) echo "$here/peers/sluice.yaml" ;;
    esac
}

way_configuration() { # WAY, template on stdin
    local buffer=16 splice='#' splicing=off
    [[ $1 != *-64k ]] || buffer=64
    [[ $1 != *-splice ]] || splice='' splicing=forced
    sed -e "s|@NAME@|$name|; s|@STATE@|$state|; s|@BUFFER@|$buffer|" \
        -e "s|@BUFFER_BYTES@|$((buffer << 10))|; s|@SPLICE@|$splice|; s|@SPLICING@|$splicing|"
}

# Starts a way in the balancer's namespace and waits until it serves.
start_way() {
    local template file
    template=$(way_template "$1")
    file=$state/way.${template##*.} # Envoy goes by the ending
    address=192.0.2.1 way_pid=
    tls_port=443 stub_port=443 idle_port=443 plain_port=80 iperf3_port=5201
    [ -z "$template" ] || way_configuration "$1" <"$template" >"$file"
    case $1 in
    direct) take_endpoint_ports 10.0.0.10 ;;
    wire)
        lay_wire
        take_endpoint_ports 10.77.0.2
        ;;
    nft)
        stub_port=444 idle_port=445
        "$lab" exec "$name-balancer" nft -f "$file"
        ;;
    nginx*) start_proxy nginx -e stderr -c "$file" ;;
    haproxy*) start_proxy haproxy -db -f "$file" ;;
    envoy)
        start_proxy "$(envoy_program)" --concurrency 2 --disable-hot-restart --log-level error \
            -c "$file"
        ;;
    sluice)
        start_process "$products/sluice" --config "$file"
        wait_for_way grep -q ready "$state/way.log"
        ;;
    esac
}

# Clients speak to the endpoint itself.
take_endpoint_ports() { # ADDRESS
    address=$1 tls_port=9093 stub_port=9443 idle_port=9444 plain_port=8080
}

# Goes with the namespaces.
lay_wire() {
    ip -n "$name-client" link add wire type veth peer name wire netns "$name-endpoint"
    ip -n "$name-client" address add 10.77.0.1/24 dev wire
    ip -n "$name-endpoint" address add 10.77.0.2/24 dev wire
    ip -n "$name-client" link set wire up
    ip -n "$name-endpoint" link set wire up
}

# Whether a way needs the kernel to forward, and the endpoint to know the client's network.
way_is_forwarding() {
    [ "$1" = direct ] || [ "$1" = nft ]
}

start_process() {
    "$lab" exec "$name-balancer" "$@" >"$state/way.log" 2>&1 &
    way_pid=$!
}

# Proxies connect from the balancer's own address and want its ports.
start_proxy() {
    "$lab" exec "$name-balancer" sysctl -q -w net.ipv4.ip_local_port_range="10000 65535"
    start_process "$@"
    wait_for_way way_listens
}

way_listens() {
    local port
    for port in 443 80 5201; do
        [ -n "$("$lab" exec "$name-balancer" ss -Htln "sport = :$port")" ] || return 1
    done
}

wait_for_way() { # COMMAND...
    for _ in {1..200}; do
        ! "$@" 2>/dev/null || return 0
        kill -0 "$way_pid" 2>/dev/null || break
        sleep 0.05
    done
    echo "bench: $way did not get ready; its last words:" >&2
    tail -n 5 "$state/way.log" >&2
    return 1
}

stop_way() {
    [ -n "$way_pid" ] || return 0
    kill "$way_pid" 2>/dev/null || true
    for _ in {1..100}; do
        kill -0 "$way_pid" 2>/dev/null || break
        sleep 0.05
    done
    kill -KILL "$way_pid" 2>/dev/null || true
    wait "$way_pid" 2>/dev/null || true
    way_pid=
}
