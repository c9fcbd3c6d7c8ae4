# SPDX-License-Identifier: Apache-2.0
# Certificates, files and the endpoints' servers. Sourced by lab.
#
# port 9093..9095  nginx, kafka1..3.server.test     port 9096  nginx, *.web.test
# port 9097        nginx, P-521 key shares only (HelloRetryRequest), asks for a client certificate
# port 9098        nginx, *.web.test behind a header of the PROXY protocol
# port 9443        stub: answers the first bytes of a connection with 8 bytes and closes

names=(kafka1.server.test kafka2.server.test kafka3.server.test)

# What is costly and the same for all labs. Each piece appears whole or not at all, since several
# labs may start at once.
prepare_cache() {
    mkdir -p "$cache"
    [ -e "$cache/certificates" ] || make_certificates
    [ -e "$cache/16.bin" ] || make_random "$cache/16.bin" $((16 << 20))
    [ -e "$cache/1KiB.bin" ] || make_random "$cache/1KiB.bin" 1024
    local tool
    for tool in hello_client hello_stub syn_flood wan tun_wire crowd; do
        compile "$tool" clang -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Werror
    done
    for tool in tcx age; do
        compile "$tool" clang -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Werror -x c
    done
    for tool in foreign.bpf arrivals.bpf; do
        compile "$tool" clang -target bpf -O2 -g -c -I"/usr/include/$(uname -m)-linux-gnu"
    done
}

declare -A libraries=([tcx]="-x none -l:libbpf.a -lelf -lz" [age]="-x none -l:libbpf.a -lelf -lz")

compile() { # NAME COMPILER...
    local name=$1 source=$here/$1.c
    shift
    [ "$cache/$name" -nt "$source" ] || {
        "$@" "$source" -o "$cache/$name.$$" ${libraries[$name]-} && mv "$cache/$name.$$" "$cache/$name"
    }
}

make_random() { # FILE BYTES
    head -c "$2" /dev/zero \
        | openssl enc -aes-128-ctr -nosalt -K "$(openssl rand -hex 16)" -iv 0 >"$1.$$" 2>/dev/null
    mv "$1.$$" "$1"
}

make_certificates() {
    local folder=$cache/certificates.$$ server
    mkdir "$folder"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
        -subj "/CN=Sluice lab" -keyout "$folder/ca.key" -out "$folder/ca.pem" 2>/dev/null
    for server in "${names[@]}" '*.web.test' client.test; do
        local file=$folder/${server/\*/wildcard}
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$server" \
            -keyout "$file.key" -out "$file.csr" 2>/dev/null
        openssl x509 -req -in "$file.csr" -CA "$folder/ca.pem" -CAkey "$folder/ca.key" \
            -days 3650 -extfile <(echo "subjectAltName=DNS:$server") -out "$file.pem" 2>/dev/null
    done
    mv -T "$folder" "$cache/certificates" 2>/dev/null || rm -rf "$folder"
}

# Starts nginx, the upload sink and the stub, and waits until all of them accept.
start_endpoints() {
    mkdir -p "$state/files" "$state/nginx"
    ln "$cache/16.bin" "$cache/1KiB.bin" "$state/files/" 2>/dev/null \
        || cp "$cache/16.bin" "$cache/1KiB.bin" "$state/files/"
    ln -s "$(realpath "$cache")/certificates" "$state/certificates"
    write_nginx_configuration 4096
    lab_spawn endpoint python3 "$here/upload_sink.py" 127.0.0.1 8000 >/dev/null
    lab_spawn endpoint "$cache/hello_stub" 9443 >/dev/null
    lab_spawn endpoint nginx -e "$state/nginx/error.log" -c "$state/nginx.conf" >/dev/null
    wait_for_ports 8000 9093 9098 9443
}

wait_for_ports() {
    local port
    for port in "$@"; do
        for _ in {1..100}; do
            [ -z "$(in_namespace endpoint ss -Htln "sport = :$port")" ] || continue 2
            sleep 0.02
        done
        echo "lab: nobody listens on port $port of the endpoint:" >&2
        cat "$state"/*.log "$state"/nginx/error.log >&2
        return 1
    done
}

write_nginx_configuration() { # KBYTES per second of /slow
    local port=9093 server
    {
        sed -e "s|@STATE@|$state|g" "$here/nginx.conf"
        for server in "${names[@]}" '*.web.test' strict proxied; do
            nginx_server "$server" $port "$1"
            port=$((port + 1))
        done
        echo "}"
    } >"$state/nginx.conf"
}

nginx_server() { # NAME PORT KBYTES
    local certificate=${1/\*/wildcard} endpoint=${1/\*.web.test/web} expects=
    if [ "$1" = proxied ]; then
        certificate=wildcard.web.test
        expects=proxy_protocol
    fi
    echo "    server {"
    echo "        listen $2 ssl reuseport backlog=8192 $expects;"
    echo "        listen [::]:$2 ssl reuseport ipv6only=on backlog=8192 $expects;"
    if [ "$1" = strict ]; then
        certificate=wildcard.web.test
        echo "        ssl_ecdh_curve secp521r1;"
        echo "        ssl_verify_client optional;"
        echo "        ssl_client_certificate $state/certificates/ca.pem;"
    fi
    echo "        ssl_certificate $state/certificates/$certificate.pem;"
    echo "        ssl_certificate_key $state/certificates/$certificate.key;"
    echo "        set \$endpoint $endpoint;"
    echo "        set \$pace ${3}k;"
    echo "        include $here/locations.conf;"
    echo "    }"
}

make_file() { # MEBIBYTES
    [ -e "$state/files/$1.bin" ] || make_random "$state/files/$1.bin" $(($1 << 20))
}

set_pace() { # KBYTES
    write_nginx_configuration "$1"
    in_namespace endpoint nginx -e "$state/nginx/error.log" -c "$state/nginx.conf" -s reload
}
