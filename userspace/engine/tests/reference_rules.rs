//! The reference rule file runs: synthetic events make its rules fire with the fields its authors expect.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use saker_engine::SourceFile;
use saker_engine::ruletest::TestFile;

fn reference() -> Option<Vec<Arc<SourceFile>>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/reference/rules/falco_rules.yaml");
    let found = SourceFile::read(Path::new(path)).ok();
    if found.is_none() {
        println!("skipped: reference/rules/falco_rules.yaml is not here");
    }
    found
}

/// Runs cases written like those of rule tests, against the reference rules.
fn check(cases: &str) {
    let Some(rules) = reference() else { return };
    let file = TestFile::parse("cases", cases).unwrap();
    let mut failures = Vec::new();
    for case in file.cases() {
        let report = case.run(&rules).unwrap_or_else(|err| panic!("{}: {err}", case.name()));
        failures.extend(report.failures.iter().map(|failure| format!("{}: {failure}", case.name())));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn reading_shadow_is_seen_however_it_is_named() {
    check(
        r#"
[[case]]
name = "by its path"
rules = []
events = [
  'clone3 pid=5 res=7 exe=bash comm=bash arg.tid=5 arg.pid=5 ptid=1',
  'execve pid=5 exe=bash args=[] trusted_exepath=/usr/bin/bash ptid=1',
  'execve pid=7 exe=cat args=[/etc/shadow] trusted_exepath=/usr/bin/cat ptid=5',
  'openat pid=7 name=/etc/shadow flags=O_RDONLY res=3',
]
[[case.alerts]]
rule = "Read sensitive file untrusted"
at = 4
[case.alerts.fields]
"container.id" = "host"
"container.image.repository" = ""
"container.image.tag" = ""
"container.name" = "host"
"evt.time" = 1767225600003000000
"evt.type" = "openat"
"fd.name" = "/etc/shadow"
"k8s.ns.name" = "<NA>"
"k8s.pod.name" = "<NA>"
"proc.cmdline" = "cat /etc/shadow"
"proc.exepath" = "/usr/bin/cat"
"proc.name" = "cat"
"proc.pname" = "bash"
"proc.tty" = 0
"user.loginuid" = -1
"user.name" = "root"
"user.uid" = 0

[[case]]
name = "through a link"
rules = []
events = ['execve pid=7 exe=cat', 'openat pid=7 name=/tmp/link realpath=/etc/shadow flags=O_RDONLY res=3']
alerts = [{ rule = "Read sensitive file untrusted", at = 2, fields = { "fd.name" = "/etc/shadow" } }]

[[case]]
name = "by a relative path"
rules = []
events = ['execve pid=7 exe=cat cwd=/etc/ssl', 'openat pid=7 name=../shadow flags=O_RDONLY res=3']
alerts = [{ rule = "Read sensitive file untrusted", at = 2, fields = { "fd.name" = "/etc/shadow" } }]

[[case]]
name = "below a directory descriptor"
rules = []
events = [
  'execve pid=7 exe=cat',
  'openat pid=7 name=/etc flags=O_RDONLY|O_DIRECTORY res=4',
  'openat pid=7 dirfd=4 name=shadow flags=O_RDONLY res=5',
]
alerts = [{ rule = "Read sensitive file untrusted", at = 3, fields = { "fd.name" = "/etc/shadow" } }]

[[case]]
name = "by a second thread"
rules = []
events = [
  'execve pid=7 exe=cat',
  'clone3 pid=7 tid=7 res=8 arg.tid=7 arg.pid=7 ptid=1 comm=cat exe=cat flags=CLONE_THREAD|CLONE_FILES|CLONE_VM|CLONE_FS uid=0 gid=0',
  'clone3 pid=7 tid=8 res=0 arg.tid=8 arg.pid=7 ptid=1 comm=cat exe=cat flags=CLONE_THREAD|CLONE_FILES|CLONE_VM|CLONE_FS uid=0 gid=0',
  'openat pid=7 tid=8 name=/etc/shadow flags=O_RDONLY res=3',
]
alerts = [{ rule = "Read sensitive file untrusted", at = 4 }]

[[case]]
name = "a failed open and a trusted program are no reads"
rules = []
events = [
  'execve pid=7 exe=cat',
  'openat pid=7 name=/etc/shadow flags=O_RDONLY res=EACCES',
  'execve pid=8 exe=/usr/sbin/unix_chkpwd',
  'openat pid=8 name=/etc/shadow flags=O_RDONLY res=3',
]
"#,
    );
}

#[test]
fn an_attack_is_seen_step_by_step() {
    check(
        r#"
[[case]]
name = "a link over a sensitive file"
rules = []
events = [
  'execve pid=7 exe=ln args=[-s, /etc/shadow, /tmp/shadow-link] trusted_exepath=/usr/bin/ln',
  'symlinkat pid=7 res=0 target=/etc/shadow linkdirfd=AT_FDCWD linkpath=/tmp/shadow-link',
]
[[case.alerts]]
rule = "Create Symlink Over Sensitive Files"
at = 2
[case.alerts.fields]
"evt.arg.linkpath" = "/tmp/shadow-link"
"evt.arg.target" = "/etc/shadow"
"evt.type" = "symlinkat"
"proc.cmdline" = "ln -s /etc/shadow /tmp/shadow-link"

[[case]]
name = "a search for keys"
rules = []
events = ['execve pid=7 exe=find args=[/, -xdev, -name, id_rsa] flags=EXE_WRITABLE trusted_exepath=/usr/bin/find']
alerts = [{ rule = "Search Private Keys or Passwords", at = 1, fields = { "evt.arg.flags" = "EXE_WRITABLE", "proc.name" = "find" } }]

[[case]]
name = "a program without a file"
rules = []
events = ['execve pid=7 exe=3 comm=3 flags=EXE_WRITABLE|EXE_FROM_MEMFD trusted_exepath=/memfd:payload']
[[case.alerts]]
rule = "Fileless execution via memfd_create"
at = 1
[case.alerts.fields]
"evt.arg.flags" = "EXE_WRITABLE|EXE_FROM_MEMFD"
"evt.res" = "SUCCESS"
"proc.cmdline" = "3"
"proc.cwd" = "/"
"proc.exepath" = "/memfd:payload"
"container.start_ts" = "<NA>"

[[case]]
name = "a log is emptied"
rules = []
events = [
  'execve pid=7 exe=bash args=[/attack.sh] trusted_exepath=/usr/bin/bash',
  'openat pid=7 name=/var/log/auth.log flags=O_WRONLY|O_CREAT|O_TRUNC mode=0644 res=3',
]
alerts = [{ rule = "Clear Log Activities", at = 2, fields = { "fd.name" = "/var/log/auth.log", "proc.cmdline" = "bash /attack.sh" } }]

[[case]]
name = "a program in shared memory"
rules = []
events = ['execve pid=7 exe=/dev/shm/id comm=id']
[[case.alerts]]
rule = "Execution from /dev/shm"
at = 1
[case.alerts.fields]
"fd.name" = "<NA>"
"group.gid" = 0
"group.name" = "root"
"user.loginname" = "<NA>"
"proc.exepath" = "/dev/shm/id"

[[case]]
name = "a relative program in shared memory"
rules = []
events = ['execve pid=7 exe=./id comm=id cwd=/dev/shm trusted_exepath=/dev/shm/id']
alerts = [{ rule = "Execution from /dev/shm", at = 1, fields = { "proc.cwd" = "/dev/shm/" } }]

[[case]]
name = "a database starts a shell"
rules = []
events = [
  'execve pid=6 exe=/tmp/mysqld args=[-c, "sh -c \"id; true\"; true"] comm=mysqld ptid=5',
  'execve pid=7 exe=sh args=[-c, "id; true"] trusted_exepath=/usr/bin/dash ptid=6',
]
[[case.alerts]]
rule = "Run shell untrusted"
at = 2
[case.alerts.fields]
"proc.cmdline" = "sh -c id; true"
"proc.exepath" = "/usr/bin/dash"
"proc.pcmdline" = 'mysqld -c sh -c "id; true"; true'
"proc.pexe" = "/tmp/mysqld"
"proc.pexepath" = "/tmp/mysqld"
"proc.pname" = "mysqld"

[[case]]
name = "another process is traced"
rules = []
events = ['execve pid=7 exe=inject', 'ptrace pid=7 res=0 request=PTRACE_POKETEXT arg.pid=9']
alerts = [{ rule = "PTRACE attached to process", at = 2 }]

[[case]]
name = "ordinary work"
rules = []
events = [
  'execve pid=7 exe=ls trusted_exepath=/usr/bin/ls',
  'openat pid=7 name=/etc/ld.so.cache flags=O_RDONLY|O_CLOEXEC res=3',
  'close pid=7 fd=3 res=0',
  'openat pid=7 name=. flags=O_RDONLY|O_DIRECTORY res=3',
  'getdents64 pid=7 fd=3 res=100',
]
"#,
    );
}
