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

wait_for() {
    local deadline=$((SECONDS + 60))
    until "$@"; do
        ((SECONDS < deadline)) || die "waited too long for: $*"
        sleep 0.1
    done
}

# Pastes the quickstart of the README into a shell, with the way to install that begins with the
# words given, and without the other; in the folder given.
quickstart() {
    local way=$1 folder=$2 port
    for port in 6379 8000; do
        ! (: </dev/tcp/127.0.0.1/$port) 2>/dev/null || die "port $port of this machine is taken"
    done
    awk -v way="$way" '
        /^## / {here = /Quickstart/}
        /^```/ {
            other = block ~ /^(apt-get|scripts\/setup)/ && index(block, way) != 1
            if (code && !other) printf "%s", block
            code = here && /sh$/
            block = ""
            next
        }
        code {block = block $0 "\n"}' README.md >/tmp/quickstart
    grep -q "^$way" /tmp/quickstart || die "the quickstart has no $way"
    cd "$folder" || die "no $folder"
    bash /tmp/quickstart | tee /tmp/quickstart.output
    grep -q '^POST /hook$' /tmp/quickstart.output || die 'the receiver shows no request'
    grep -q '^main .* delivered$' /tmp/quickstart.output || die 'send does not show the delivery'
    rm /tmp/quickstart*
}
