#!/bin/sh
# Usage, in a virtual machine whose root has busybox, saker and trigger (tests/triggers) in PATH and the module loaded:
#
#   sh tests/vm/kmod.sh
#
# Proves of the kernel source what no test outside a virtual machine can: floods of one process cost no other process a
# critical event, books balance, a second consumer is refused, a dead one leaves nothing behind, processors may come and go,
# and the kernel has nothing to complain about. Exit status 0: all of it held.
# shellcheck disable=SC2317 # `check` calls functions by name.
set -u

work=$(mktemp -d)
failed=0

check() { # DESCRIPTION CONDITION...
    what=$1
    shift
    if "$@"; then echo "ok    $what"; else echo "FAIL  $what"; failed=$((failed + 1)); fi
}

# Starts a capture of the whole machine and waits until its scan of /proc is done.
begin() {
    saker record --source kmod --ring-mib 1 -o "$work/run.skr" --stats 2>"$work/stats" &
    saker=$!
    sleep 2
}

finish() {
    kill "$saker"
    wait "$saker"
    status=$?
}

balanced() { ! grep -q 'DOES NOT BALANCE' "$work/stats" && grep -q '^critical: seen' "$work/stats"; }
critical_lost() { ! grep -q '^critical: .* dropped 0$' "$work/stats"; }
executions() { saker events "$work/run.skr" --count --filter "evt.type = execve and proc.args contains $1" | awk '$2 == "execve" { print $1 }'; }
clean_log() { ! dmesg | grep -E 'BUG|WARNING|Oops|general protection|stall|hung task'; }

for kind in getpid dup open path fork connect; do
    begin
    trigger flood "$kind" 3 &
    flood=$!
    n=0
    while [ $n -lt 20 ]; do
        busybox true "mark-$kind"
        n=$((n + 1))
    done
    wait $flood
    finish
    check "flood of $kind: saker ends well" [ $status -eq 0 ]
    check "flood of $kind: books balance" balanced
    check "flood of $kind: no critical event is lost" eval '! critical_lost'
    check "flood of $kind: each of 20 programs of another process is recorded" [ "$(executions "mark-$kind")" = 20 ]
    rm -f "$work/run.skr"
done

begin
saker record --source kmod -o "$work/second.skr" 2>"$work/refused"
check "a second consumer is refused" [ $? -eq 2 ]
check "and told who captures" grep -q "process $saker (\`saker\`) captures already" "$work/refused"
kill -9 "$saker"
wait "$saker" 2>/dev/null
saker record --source kmod -o "$work/third.skr" -- busybox true
check "after a consumer is killed the next one captures" [ $? -eq 0 ]
rm -f "$work/run.skr"

if [ -w /sys/devices/system/cpu/cpu1/online ]; then
    begin
    trigger flood fork 4 &
    flood=$!
    n=0
    while [ $n -lt 4 ]; do
        echo 0 >/sys/devices/system/cpu/cpu1/online
        sleep 0.3
        echo 1 >/sys/devices/system/cpu/cpu1/online
        sleep 0.3
        n=$((n + 1))
    done
    wait $flood
    finish
    check "processors come and go: books balance" balanced
    rm -f "$work/run.skr"
fi

check "the device is for root alone" [ "$(stat -c %a /dev/saker)" = 600 ]
check "the module stays while the device is open" sh -c 'exec 3</dev/saker; ! rmmod saker 2>/dev/null'
check "the kernel has nothing to complain about" clean_log
rm -rf "$work"
exit $((failed > 0))
