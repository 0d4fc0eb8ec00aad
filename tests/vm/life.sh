#!/bin/sh
# Run in a guest of `scripts/vm`, with the module loaded: it must be found, record what happens, and go away and come back.
set -eu

fail() {
    echo "failed: $*"
    exit 1
}

saker driver status --json | grep -q '"loaded":true' || fail "status does not see the module"
saker driver load >/dev/null 2>/tmp/errors && fail "a loaded module was loaded again"
grep -q 'loaded already' /tmp/errors || fail "loading twice says: $(cat /tmp/errors)"

echo marked >/tmp/marked
saker record --source kmod -o /tmp/life.skr -- cat /tmp/marked >/dev/null
saker events --filter 'fd.name = /tmp/marked and proc.name = cat' --count /tmp/life.skr | grep -q open ||
    fail "the open of a watched program was not recorded"

# Someone who holds the device keeps the module.
sleep 100 3</dev/saker &
holder=$!
while [ ! -e "/proc/$holder/fd/3" ] || [ "$(readlink "/proc/$holder/fd/3")" != /dev/saker ]; do :; done
saker driver unload 2>/tmp/errors && fail "the module was unloaded under an open device"
grep -q "(pid $holder)" /tmp/errors || fail "the holder is not named: $(cat /tmp/errors)"
kill "$holder"
wait "$holder" || true

round=0
while [ $round -lt 5 ]; do
    saker driver unload || fail "unload, round $round"
    saker driver status --json | grep -q '"loaded":false' || fail "status sees a module that is gone"
    saker driver load >/dev/null || fail "load, round $round"
    round=$((round + 1))
done

# One byte changed, and the manifest does not fit any more.
module=/lib/modules/$(uname -r)/updates/saker.ko
saker driver unload
cp "$module" /tmp/changed.ko
cp "${module%.ko}.json" /tmp/changed.json
printf x >>/tmp/changed.ko
saker driver load /tmp/changed.ko 2>/tmp/errors && fail "a changed module was loaded"
grep -q SHA-256 /tmp/errors || fail "the change is not named: $(cat /tmp/errors)"

# An ordinary user is told what is missing.
su user -c 'saker driver load' 2>/tmp/errors && fail "a user loaded the module"
grep -q 'needs root' /tmp/errors || fail "a user is told: $(cat /tmp/errors)"
echo "loaded, recorded, refused and unloaded as it should"
