# SPDX-License-Identifier: Apache-2.0
# A running instance becomes one of another version: its structs have other shapes. Sourced by lab.

# The shared header with members that stand elsewhere, are narrower, are unknown to us, or (with the
# shape `lacking`) are called otherwise.
other_header() { # VERSION SHAPE
    local narrow=(-e 's/^\t__u16 cluster;/\t__u8 cluster;/' -e 's/^\t__u16 endpoint;/\t__u8 endpoint;/')
    local rename=()
    [ "$2" != lacking ] || rename=(-e 's/^\t__u32 last_ack;/\t__u32 newest_ack;/')
    sed -e "s/^\(#define DATAPATH_ABI_VERSION\) .*/\1 ${1}u/" \
        -e '/^struct flow_tuple {/,/^};/{/^\t__u32 protocol;/d}' \
        -e '/^struct flow_tuple {/a\	__u32 protocol;' \
        -e '/^struct flow_entry {/,/^};/{/^\t__u8 state;/d;/^\t__u32 flags;/d}' \
        -e '/^struct flow_entry {/a\	__u64 era;\n\t__u32 flags;\n\t__u8 state;\n\t__u8 spare[13];' \
        -e '/^struct flow_entry {/,/^};/{/^\t__u64 next_seq;/i\	__u32 temperature;' -e '}' \
        -e '/^struct name_entry {/,/^};/s/text\[64\]/text[48]/' \
        "${narrow[@]}" "${rename[@]}" "$here/../../bpf/abi/include/datapath_abi.h"
}

age_instance() { # VERSION SHAPE
    local version=$1 shape=${2:-moved} folder=$state/other bpf=$here/../../bpf pins=/sys/fs/bpf/sluice
    local ours
    case $shape in moved | lacking) ;; *) reject "a shape is moved or lacking, not $shape" ;; esac
    ours=$(sed -n 's/^#define DATAPATH_ABI_VERSION \([0-9]*\)u/\1/p' "$bpf/abi/include/datapath_abi.h")
    rm -rf "$folder"
    cp -r "$bpf" "$folder"
    other_header "$version" "$shape" >"$folder/abi/include/datapath_abi.h"
    if [ "$shape" = lacking ]; then sed -i 's/\blast_ack\b/newest_ack/g' "$folder"/*/*.h; fi
    clang -target bpf -mcpu=v3 -O2 -g -Wall -Werror -I "$folder" -I "$folder/abi/include" \
        -idirafter "/usr/include/$(uname -m)-linux-gnu" -c "$folder/datapath.bpf.c" \
        -o "$folder/datapath.o"
    mkdir -m 700 "$pins/$name-v$version"
    in_namespace balancer "$cache/age" "$folder/datapath.o" "$pins/$name-v$ours" \
        "$pins/$name-v$version"
}
