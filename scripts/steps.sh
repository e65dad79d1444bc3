# shellcheck shell=bash
# Sourced by what runs in scripts/chroot: one step after the other; what a step prints is shown when
# it fails.

step() {
    local name=$1 log=/var/log/step start=$SECONDS
    shift
    printf '=== %s\n' "$name"
    # In the background: where a status is asked for, bash would not heed -e.
    ("$@") >"$log" 2>&1 </dev/null &
    if ! wait $!; then
        tail -n 100 "$log" >&2
        die "$name failed after $((SECONDS - start)) s; above is the end of what it printed"
    fi
    printf '    done in %d s\n' $((SECONDS - start))
}

die() {
    printf '%s: %s\n' "$(basename "$0")" "$1" >&2
    exit 1
}
