//! Fields of synthetic events: each row is an event, a field and its value as an output shows it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use saker_engine::{Engine, Formatter, Ruleset};
use saker_event::parse_line;
use saker_filter::{Extracted, FieldRef, FieldRegistry, FieldSource};
use saker_state::Budget;

const PRELUDE: &[&str] = &[
    "clock ts=0 offset_ns=1767225600000000000",
    "host ts=0 hostname=box utc_offset_s=7200 boot_epoch_ns=1767225600000000000 num_cpus=2 kernel=7.0 self_pid=99",
    "useradded ts=0 uid=0 gid=0 name=root home=/root shell=/bin/bash",
    "useradded ts=0 uid=1000 gid=1000 name=ann home=/home/ann shell=/bin/zsh",
    "groupadded ts=0 gid=1000 name=staff",
    "task pid=1 ts=1 ppid=0 pgid=1 vpgid=1 sid=1 comm=init argv=[/sbin/init] exepath=/usr/sbin/init cwd=/ euid=0 egid=0 vtgid=1 vpid=1 start_time=0",
    "task pid=5 ts=1 ppid=1 pgid=5 vpgid=5 sid=5 comm=bash argv=[-bash, -i] exepath=/usr/bin/bash env=[\"HOME=/home/ann\", \"X=1\"] cwd=/home/ann euid=1000 egid=1000 vtgid=5 vpid=5 start_time=1000000000 tty=34816 loginuid=1000",
    "execve pid=7 ts=5000000000 res=0 exe=./run args=[-v, \"a b\"] arg.tid=7 arg.pid=7 ptid=5 comm=run cwd=/home/ann env=[\"PATH=/bin\", \"HOME=/home/ann\"] cgroups=[\"cpu=/a\", \"memory=/b\"] uid=1000 gid=1000 loginuid=1000 tty=34816 vpgid=5 pgid=5 sid=5 vtid=7 vpid=7 fdlimit=1024 vm_size=100 vm_rss=50 vm_swap=1 flags=EXE_WRITABLE cap_effective=3 cap_permitted=1 exe_ino=42 exe_ino_ctime=1767225602000000000 exe_ino_mtime=1767225601000000000 trusted_exepath=/home/ann/run start_time=4000000000",
];

/// Feeds all lines; the last one is the event that is looked at.
fn look<R>(lines: &[&str], look: impl FnOnce(&dyn FieldSource) -> R) -> R {
    let mut engine = Engine::new(Ruleset::empty(), Budget::default());
    let (last, before) = lines.split_last().unwrap();
    for line in PRELUDE.iter().chain(before) {
        let record = parse_line(line).unwrap_or_else(|err| panic!("{line}: {err}"));
        engine.view(record.raw().unwrap(), |_| ());
    }
    let record = parse_line(last).unwrap_or_else(|err| panic!("{last}: {err}"));
    engine.view(record.raw().unwrap(), |view| look(view)).unwrap()
}

fn check(lines: &[&str], rows: &[(&str, &str)]) {
    let wrong: Vec<String> = look(lines, |view| {
        let shown = |field: &str| Formatter::parse(&format!("%{field}")).unwrap().format(view).text;
        let differs = |(field, wanted): &&(&str, &str)| shown(field) != **wanted;
        rows.iter().filter(differs).map(|(field, wanted)| format!("{field} = {}, not {wanted}", shown(field))).collect()
    });
    assert!(wrong.is_empty(), "{lines:?}\n{}", wrong.join("\n"));
}

const OPEN: &str = "openat pid=7 ts=6500000000 cpu=1 dirfd=AT_FDCWD name=../ann/link/f flags=O_RDWR|O_CREAT|O_F_CREATED mode=0755 dev=0x801 ino=77 realpath=/data/f res=3";

#[test]
fn event_fields() {
    check(
        &[OPEN],
        &[
            ("evt.num", "2"),
            ("evt.time", "02:00:06.500000000"),
            ("evt.time.s", "02:00:06"),
            ("evt.time.iso8601", "2026-01-01T00:00:06.500000000Z"),
            ("evt.datetime", "2026-01-01 02:00:06.500000000"),
            ("evt.datetime.s", "2026-01-01 02:00:06"),
            ("evt.rawtime", "1767225606500000000"),
            ("evt.rawtime.s", "1767225606"),
            ("evt.rawtime.ns", "500000000"),
            ("evt.reltime", "1500000000"),
            ("evt.reltime.s", "1"),
            ("evt.reltime.ns", "500000000"),
            ("evt.deltatime", "1500000000"),
            ("evt.hostname", "box"),
            ("evt.cpu", "1"),
            ("evt.type", "openat"),
            ("evt.type.is.openat", "1"),
            ("evt.type.is.open", "0"),
            ("evt.type.is.307", "1"),
            ("syscall.type", "openat"),
            ("evt.category", "file"),
            ("evt.arg.name", "/home/ann/link/f"),
            ("evt.arg.flags", "O_CREAT|O_RDWR|O_F_CREATED"),
            ("evt.arg[1]", "AT_FDCWD"),
            ("evt.arg[7]", "<NA>"),
            ("evt.arg.nothing", "<NA>"),
            ("evt.rawarg.mode", "493"),
            ("evt.rawarg.name", "../ann/link/f"),
            ("evt.abspath", "/data/f"),
            ("evt.res", "SUCCESS"),
            ("evt.rawres", "3"),
            ("evt.failed", "false"),
            ("evt.is_open_read", "true"),
            ("evt.is_open_write", "true"),
            ("evt.is_open_create", "true"),
            ("evt.is_open_exec", "true"),
            ("evt.is_io", "false"),
            ("evt.is_wait", "false"),
            ("evt.is_async", "false"),
            ("evt.source", "syscall"),
            ("evt.count", "1"),
            ("evt.count.error", "<NA>"),
            ("evt.count.exit", "1"),
            ("evt.asynctype", "<NA>"),
            ("evt.latency", "<NA>"),
        ],
    );
    let creat = |flags: &str| format!("creat pid=7 name=/f mode=0644 creat_flags={flags} res=3");
    check(&[&creat("0")], &[("evt.is_open_create", "false"), ("evt.is_open_write", "true")]);
    check(&[&creat("O_F_CREATED")], &[("evt.is_open_create", "true"), ("evt.is_open_exec", "false")]);
    check(
        &["openat pid=7 name=/no res=ENOENT"],
        &[
            ("evt.res", "ENOENT"),
            ("evt.rawres", "-2"),
            ("evt.failed", "true"),
            ("evt.count.error", "1"),
            ("evt.count.error.file", "1"),
            ("evt.count.error.net", "<NA>"),
            ("evt.is_open_exec", "false"),
            ("fd.num", "-1"),
            ("fd.name", "/no"),
            ("fd.typechar", "f"),
        ],
    );
}

#[test]
fn transfer_fields() {
    check(
        &[OPEN, "write pid=7 fd=3 data=hello size=9 res=9"],
        &[
            ("evt.buffer", "hello"),
            ("evt.buflen", "5"),
            ("evt.buflen.out", "9"),
            ("evt.buflen.in", "<NA>"),
            ("evt.buflen.file", "9"),
            ("evt.buflen.file.out", "9"),
            ("evt.buflen.net", "<NA>"),
            ("evt.io_dir", "w"),
            ("evt.is_io", "true"),
            ("evt.is_io_write", "true"),
            ("evt.is_io_read", "false"),
            ("evt.category", "file"),
            ("evt.is_syslog", "false"),
            ("fd.name", "/data/f"),
        ],
    );
    check(&[OPEN, "read pid=7 fd=3 res=4"], &[("evt.io_dir", "r"), ("evt.buflen.in", "4"), ("evt.buffer", "<NA>")]);
}

#[test]
fn process_fields() {
    check(
        &[OPEN],
        &[
            ("proc.name", "run"),
            ("proc.exe", "./run"),
            ("proc.exepath", "/home/ann/run"),
            ("proc.args", "-v a b"),
            ("proc.args[1]", "a b"),
            ("proc.args[2]", "<NA>"),
            ("proc.cmdline", "run -v a b"),
            ("proc.exeline", "./run -v a b"),
            ("proc.cmdnargs", "2"),
            ("proc.cmdlenargs", "5"),
            ("proc.cwd", "/home/ann/"),
            ("proc.env", "PATH=/bin HOME=/home/ann"),
            ("proc.env[HOME]", "/home/ann"),
            ("proc.env[HOM]", "<NA>"),
            ("proc.pid", "7"),
            ("proc.ppid", "5"),
            ("proc.vpid", "7"),
            ("proc.pname", "bash"),
            ("proc.pexe", "-bash"),
            ("proc.pexepath", "/usr/bin/bash"),
            ("proc.pcmdline", "bash -i"),
            ("proc.pvpid", "5"),
            ("proc.aname", "(bash,init)"),
            ("proc.aname[0]", "run"),
            ("proc.aname[1]", "bash"),
            ("proc.aname[2]", "init"),
            ("proc.aname[3]", "<NA>"),
            ("proc.apid[1]", "5"),
            ("proc.apid", "(5,1)"),
            ("proc.aexepath[2]", "/usr/sbin/init"),
            ("proc.acmdline[1]", "bash -i"),
            ("proc.aargs[1]", "-i"),
            ("proc.aenv[X]", "1"),
            ("proc.aenv[1]", "HOME=/home/ann X=1"),
            ("proc.sid", "5"),
            ("proc.sname", "bash"),
            ("proc.sid.exepath", "/usr/bin/bash"),
            ("proc.pgid", "5"),
            ("proc.pgid.name", "bash"),
            ("proc.vpgid.exe", "-bash"),
            ("proc.is_sid_leader", "false"),
            ("proc.is_pgid_leader", "false"),
            ("proc.loginshellid", "5"),
            ("proc.tty", "34816"),
            ("proc.duration", "2500000000"),
            ("proc.pid.ts", "1767225604000000000"),
            ("proc.ppid.duration", "5500000000"),
            ("proc.exe_ino", "42"),
            ("proc.exe_ino.mtime", "1767225601000000000"),
            ("proc.exe_ino.ctime_duration_proc_start", "3000000000"),
            ("proc.is_exe_writable", "true"),
            ("proc.is_exe_from_memfd", "false"),
            ("proc.fdlimit", "1024"),
            ("proc.fdopencount", "1"),
            ("proc.fdusage", "0.10"),
            ("proc.vmsize", "100"),
            ("proc.nthreads", "1"),
            ("proc.nchilds", "0"),
            ("thread.tid", "7"),
            ("thread.vtid", "7"),
            ("thread.ismain", "true"),
            ("thread.nametid", "run7"),
            ("thread.cap_effective", "CAP_CHOWN CAP_DAC_OVERRIDE"),
            ("thread.cap_permitted", "CAP_CHOWN"),
            ("thread.cgroup.memory", "/b"),
            ("thread.cgroup.pids", "<NA>"),
            ("thread.cgroups", "cpu=/a memory=/b"),
            ("thread.vmrss.b", "51200"),
            ("user.uid", "1000"),
            ("user.name", "ann"),
            ("user.homedir", "/home/ann"),
            ("user.shell", "/bin/zsh"),
            ("user.loginuid", "1000"),
            ("user.loginname", "ann"),
            ("group.gid", "1000"),
            ("group.name", "staff"),
            ("container.id", "host"),
            ("container.image.repository", ""),
            ("container.privileged", "false"),
            ("container.start_ts", "<NA>"),
            ("k8s.pod.name", "<NA>"),
        ],
    );
}

#[test]
fn an_unknown_process_has_only_numbers() {
    check(
        &["openat pid=4000 tid=4001 name=/x flags=O_RDONLY res=3"],
        &[
            ("proc.name", "<NA>"),
            ("proc.pid", "4000"),
            ("thread.tid", "4001"),
            ("proc.exepath", "<NA>"),
            ("proc.pname", "<NA>"),
            ("user.uid", "<NA>"),
            ("user.name", "<NA>"),
            ("fd.name", "/x"),
        ],
    );
}

#[test]
fn file_fields() {
    check(
        &[OPEN],
        &[
            ("fd.num", "3"),
            ("fd.type", "file"),
            ("fd.typechar", "f"),
            ("fd.name", "/data/f"),
            ("fd.nameraw", "../ann/link/f"),
            ("fd.directory", "/data"),
            ("fd.filename", "f"),
            ("fd.containername", "host:/data/f"),
            ("fd.containerdirectory", "host:/data"),
            ("fd.dev", "2049"),
            ("fd.dev.major", "8"),
            ("fd.dev.minor", "1"),
            ("fd.ino", "77"),
            ("fd.uid", "73"),
            ("fd.types", "(file)"),
            ("fd.types[3]", "(file)"),
            ("fd.is_server", "false"),
            ("fd.is_upper_layer", "false"),
            ("fd.l4proto", "<NA>"),
            ("fd.sip", "<NA>"),
            ("fs.path.name", "/data/f"),
            ("fs.path.nameraw", "../ann/link/f"),
            ("fs.path.source", "<NA>"),
        ],
    );
    check(
        &["openat pid=7 name=/etc flags=O_DIRECTORY|O_RDONLY res=4"],
        &[("fd.directory", "/etc"), ("fd.filename", "<NA>")],
    );
    check(&["openat pid=7 name=/top flags=O_RDONLY res=4"], &[("fd.directory", "/"), ("fd.filename", "top")]);
}

#[test]
fn path_fields() {
    check(
        &["rename pid=7 res=0 oldpath=a newpath=/tmp/b realold=/data/a"],
        &[
            ("fs.path.name", "<NA>"),
            ("fs.path.source", "/data/a"),
            ("fs.path.sourceraw", "a"),
            ("fs.path.target", "/tmp/b"),
            ("fs.path.targetraw", "/tmp/b"),
            ("evt.abspath.src", "/data/a"),
            ("evt.abspath.dst", "/tmp/b"),
        ],
    );
    check(&[OPEN, "fchmod pid=7 res=0 fd=3 mode=0777"], &[("fs.path.name", "/data/f")]);
}

#[test]
fn a_path_has_a_resolved_and_a_lexical_value() {
    look(&[OPEN], |view| {
        for (field, resolved, lexical) in [
            ("fd.name", "/data/f", "/home/ann/link/f"),
            ("fd.directory", "/data", "/home/ann/link"),
            ("fs.path.name", "/data/f", "/home/ann/link/f"),
        ] {
            let path = view.extract(&FieldRef::parse_exact(field).unwrap());
            let expected =
                Extracted::Path { resolved: resolved.as_bytes().into(), lexical: Some(lexical.as_bytes().into()) };
            assert_eq!(path, expected, "{field}");
        }
    });
}

#[test]
fn socket_fields() {
    let socket = "socket pid=7 domain=AF_INET type=1 proto=6 res=5";
    let connect = "connect pid=7 res=0 fd=5 tuple=10.0.0.2:40000->192.0.2.9:443 addr=192.0.2.9:443";
    check(
        &[socket, connect],
        &[
            ("fd.name", "10.0.0.2:40000->192.0.2.9:443"),
            ("fd.type", "ipv4"),
            ("fd.typechar", "4"),
            ("fd.sockfamily", "ip"),
            ("fd.l4proto", "tcp"),
            ("fd.cip", "10.0.0.2"),
            ("fd.sip", "192.0.2.9"),
            ("fd.lip", "10.0.0.2"),
            ("fd.rip", "192.0.2.9"),
            ("fd.cport", "40000"),
            ("fd.sport", "443"),
            ("fd.sproto", "https"),
            ("fd.cproto", "40000"),
            ("fd.lport", "40000"),
            ("fd.rport", "443"),
            ("fd.is_server", "false"),
            ("fd.connected", "true"),
            ("fd.name_changed", "true"),
            ("fd.sip.name", "<NA>"),
            ("evt.category", "net"),
        ],
    );
    check(
        &[socket, connect, "poll pid=7 res=1 fds=[\"5:1\"]"],
        &[
            ("fdlist.nums", "5"),
            ("fdlist.names", "10.0.0.2:40000->192.0.2.9:443"),
            ("fdlist.sips", "192.0.2.9"),
            ("fdlist.cports", "40000"),
            ("evt.is_wait", "true"),
        ],
    );
}

#[test]
fn every_field_of_every_event_can_be_asked() {
    let arguments = ["", ".name", "[1]", "[key]", "[\"a b\"]"];
    let texts = FieldRegistry::iter().flat_map(|info| arguments.iter().map(move |arg| format!("{}{arg}", info.name)));
    let fields: Vec<FieldRef> = texts.filter_map(|text| FieldRef::parse_exact(&text).ok()).collect();
    assert!(fields.len() > 250);
    for kind in saker_event::EventType::ALL {
        let record = saker_event::EventBuilder::new(*kind).pid(7).ts(7_000_000_000).build().unwrap();
        let mut engine = Engine::new(Ruleset::empty(), Budget::default());
        engine.view(record.raw().unwrap(), |view| {
            for field in &fields {
                let answer = view.extract(field);
                if field.id.info().is_deprecated() {
                    assert_eq!(answer, Extracted::Absent, "{field}");
                }
            }
        });
    }
}
