# SPDX-License-Identifier: Apache-2.0
# A cell: one way and one work in namespaces of their own. TIME_WAIT entries of one cell would
# reject the SYNs of the next. Sourced by bench/run.

name=bench-$$
state=/run/sluice-lab/$name
way='' way_pid=''

begin_cell() { # WORK POINT
    local direct=()
    [ "$1" != flows ] || return 0 # brings a namespace of its own
    ! way_is_forwarding "$way" || direct=(--direct)
    "$lab" up "$name" "${direct[@]}"
    start_way "$way"
    prepare "$1" "$2"
}

# To its end, even if the terminal tells all of us to stop.
end_cell() {
    trap '' INT TERM
    stop_way
    [ ! -e "$state" ] || "$lab" down "$name"
}

# Appends one sample. A work whose connections fail still prints its figure.
measure() { # WORK POINT
    local background machine stolen processes figure
    background=$(quiet_background)
    machine=$(machine_busy) stolen=$(machine_stolen) processes=$(way_busy)
    figure=$("${1//-/_}" "$2") || [ -n "$figure" ]
    machine=$(($(machine_busy) - machine)) stolen=$(($(machine_stolen) - stolen))
    processes=$(($(way_busy) - processes))
    printf '{%s, "machine_ticks": %d, "stolen_ticks": %d, "background_percent": %d, "way_ticks": %d, "figure": %s}\n' \
        "$(cell_key "$1" "$2")" $machine $stolen "$background" $processes "$figure" >>"$samples"
}

cell_key() { # WORK POINT
    printf '"way": "%s", "work": "%s", "point": "%s", "round": %d' "$way" "$1" "${2#-}" "$round"
}

# In a shell of its own, so that the first failure ends it, whatever it was.
run_cell() ( # WORK POINT
    set -e
    trap end_cell EXIT
    trap 'exit 130' INT TERM
    begin_cell "$@"
    measure "$@"
)

# A cell that cannot be measured is a line of the report and does not end the run.
try_cell() { # WORK POINT
    local status words
    set +e
    run_cell "$@" 2>"$build/bench/cell.log"
    status=$?
    set -e
    case $status in
    0) ;;
    130) exit 130 ;;
    *)
        words=$(python3 -c 'import json, sys; print(json.dumps(sys.stdin.read()[-500:]))' \
            <"$build/bench/cell.log")
        printf '{%s, "error": %s}\n' "$(cell_key "$@")" "$words" >>"$samples"
        failed_cells=$((failed_cells + 1))
        ;;
    esac
}
