# SPDX-License-Identifier: Apache-2.0
# What the whole machine and single processes spend. Sourced by bench/run.

machine_busy() { # prints clock ticks that all processors were busy, without idle and I/O wait
    awk '/^cpu / { print $2 + $3 + $4 + $7 + $8 }' /proc/stat
}

machine_stolen() { # prints clock ticks that the host gave to others
    awk '/^cpu / { print $9 }' /proc/stat
}

# The kernel's slab, less inodes of /proc and their dentries: they stay behind wherever somebody
# looked at processes, one for each open file, and are no matter of connections.
slab_kib() {
    awk -v page="$(getconf PAGESIZE)" '
        NR < 3 { next }
        $1 == "proc_inode_cache" { inodes = $3; next }
        $1 == "dentry" { dentry = $4 }
        { bytes += $15 * $6 * page }
        END { printf "%d\n", (bytes - inodes * dentry) / 1024 }' /proc/slabinfo
}

# Prints a process and all below it.
process_tree() { # PID
    local pid queue=("$@")
    while [ ${#queue[@]} -gt 0 ]; do
        pid=${queue[0]} queue=("${queue[@]:1}")
        [ -e "/proc/$pid/stat" ] || continue
        echo "$pid"
        # shellcheck disable=SC2207 # numbers
        queue+=($(cat "/proc/$pid/task/"*/children 2>/dev/null))
    done
}

# The way's processes; ways that live in the kernel have none.
way_processes() {
    [ -z "$way_pid" ] || process_tree "$way_pid"
}

way_busy() { # prints clock ticks of the way's processes
    local pid
    for pid in $(way_processes); do
        sed 's/.*) //' "/proc/$pid/stat"
    done | awk '{ ticks += $12 + $13 } END { print ticks + 0 }'
}

way_rss_kib() {
    local pid
    for pid in $(way_processes); do
        grep ^Rss: "/proc/$pid/smaps_rollup"
    done | awk '{ kib += $2 } END { print kib + 0 }'
}

# Prints how busy others keep the machine, in percent of it, seen over half a second.
background_percent() {
    local before
    before=$(busy_and_all)
    sleep 0.5
    echo "$before $(busy_and_all)" | awk '{ printf "%.0f", 100 * ($3 - $1) / ($4 - $2) }'
}

busy_and_all() { # prints ticks that the processors were busy, and all ticks there were
    awk '/^cpu / { print $2 + $3 + $4 + $7 + $8, $2 + $3 + $4 + $5 + $6 + $7 + $8 + $9 }' /proc/stat
}

# The same, after waiting for a quiet moment as long as patience allows.
quiet_background() {
    local percent until=$((SECONDS + patience))
    percent=$(background_percent)
    while [ "$percent" -gt 5 ] && [ $SECONDS -lt $until ]; do
        percent=$(background_percent)
    done
    echo "$percent"
}
