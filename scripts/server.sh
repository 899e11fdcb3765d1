# shellcheck shell=bash
# What scripts/kafka and scripts/registry share: a Java server on loopback, its port, pid file and end.
# Sourced. The script that does has functions die and running_pid, and sets: dir (the server's folder) and what (its name
# for people).

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Below the range of outgoing connections: a client that retries a stopped server would else take its port.
free_port() {
    local port
    for _ in {1..100}; do
        port=$((15000 + (RANDOM * 32768 + RANDOM) % 17000))
        answers "$port" || {
            printf '%s' "$port"
            return
        }
    done
    die "no free port between 15000 and 32000"
}

# The pid in DIR's pid file, if its command line has a word that is $1: that tells it from a stranger that got the same
# pid after a reboot.
pid_with_word() {
    local pid
    [[ -f $dir/pid ]] || return 1
    pid=$(<"$dir/pid")
    [[ -r /proc/$pid/cmdline ]] && tr '\0' '\n' <"/proc/$pid/cmdline" | grep -qxF -- "$1" || return 1
    printf '%s' "$pid"
}

# Takes the port asked for, the one of before, or a free one; waits for what was killed there to let go of it.
choose_port() {
    local wanted=$1 before=$2
    port=${wanted:-$before}
    [[ -n $port ]] || port=$(free_port)
    # A killed server holds its port until it is quite gone.
    for _ in {1..30}; do
        answers "$port" || break
        sleep 0.1
    done
    if answers "$port"; then
        die "port $port is in use: name another with --port"
    fi
}

stop() {
    local pid
    pid=$(running_pid) || {
        rm -f "$dir/pid"
        return
    }
    kill -TERM "$pid"
    for _ in {1..300}; do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    if kill -KILL "$pid" 2>/dev/null; then
        printf 'scripts/%s: the %s did not stop within 30 s and was killed\n' "${0##*/}" "$what" >&2
    fi
    rm -f "$dir/pid"
}
