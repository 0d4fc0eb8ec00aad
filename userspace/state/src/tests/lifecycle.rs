//! Birth, programs, relations, names, credentials, death.

use super::{Host, show};

#[test]
fn a_child_starts_as_its_parent() {
    let mut host = Host::with_shell();
    host.run(&[
        "openat pid=10 name=/etc/passwd flags=O_RDONLY res=3",
        "clone res=0 pid=11 tid=11 ptid=10 exe=bash args=[\"-l\"] comm=bash cwd=/root uid=0 gid=0 vtid=11 vpid=11",
    ]);
    let child = host.task(11);
    assert_eq!((show(child.cmdline()), show(&child.image().exepath)), ("bash -l".into(), "/usr/bin/bash".into()));
    assert_eq!((child.process().sid, child.process().pgid, child.process().vpgid), (10, 10, 10));
    assert_eq!((host.ancestors(11), host.fds(11)), ("bash init".into(), "3f/etc/passwd".into()));
    host.run(&["close pid=11 fd=3 res=0"]);
    assert_eq!((host.fds(11), host.fds(10)), (String::new(), "3f/etc/passwd".into()), "tables are copies");
}

#[test]
fn the_parents_record_makes_a_child_only_when_its_own_is_missing() {
    let mut host = Host::with_shell();
    host.run(&["clone res=11 pid=10"]);
    assert!(host.state.task(11).is_some());
    // The child's own record fills it in, whenever it comes.
    host.run(&["clone res=0 pid=11 tid=11 ptid=10 comm=sub vtid=11 vpid=11"]);
    assert_eq!((show(host.task(11).comm()), host.state.stats().reused), ("sub".into(), 0));
    // A vfork child may have ended before its parent goes on.
    host.run(&["procexit pid=11", "vfork res=11 pid=10"]);
    assert!(host.state.task(11).is_none(), "no child comes back from the dead");
    // Numbers of another PID namespace mean nothing here.
    host.run(&["clone res=5 pid=10 flags=CLONE_NEWPID"]);
    assert!(host.state.task(5).is_none());
    host.run(&["clone res=ENOMEM pid=10"]);
    assert_eq!(host.state.stats().threads, 2);
}

#[test]
fn a_child_told_after_its_maker_ended_is_still_what_its_maker_was() {
    let mut host = Host::with_shell();
    host.run(&[
        "openat pid=10 name=/etc/passwd flags=O_RDONLY res=3",
        "clone res=11 pid=10",
        "procexit pid=10",
        "clone res=0 pid=11 tid=11 ptid=1 exe=bash args=[\"-l\"] comm=bash cwd=/root uid=0 gid=0 vtid=11 vpid=11",
    ]);
    let child = host.task(11);
    assert_eq!((show(child.cmdline()), show(&child.image().exepath)), ("bash -l".into(), "/usr/bin/bash".into()));
    assert_eq!((child.process().sid, host.fds(11), host.ancestors(11)), (10, "3f/etc/passwd".into(), "init".into()));
}

#[test]
fn a_child_made_with_clone_parent_never_passes_for_its_parent() {
    let own =
        "clone res=0 pid=12 tid=12 ptid=10 exe=cat args=[\"x\"] comm=cat cwd=/root flags=CLONE_PARENT vtid=12 vpid=12";
    for (lines, at_first) in [
        ([own, "clone res=12 pid=11 flags=CLONE_PARENT"], ""),
        (["clone res=12 pid=11 flags=CLONE_PARENT", own], "/usr/bin/cat"),
    ] {
        let mut host = Host::with_shell();
        host.run(&[
            "clone res=0 pid=11 tid=11 ptid=10 comm=bash cwd=/root vtid=11 vpid=11",
            "execve res=0 pid=11 tid=11 ptid=10 exe=cat args=[\"x\"] comm=cat cwd=/root trusted_exepath=/usr/bin/cat",
            lines[0],
        ]);
        assert_eq!(show(&host.task(12).image().exepath), at_first);
        host.run(&[lines[1]]);
        let child = host.task(12);
        assert_eq!((show(child.cmdline()), show(&child.image().exepath)), ("cat x".into(), "/usr/bin/cat".into()));
        assert_eq!((host.ancestors(12), child.process().sid), ("bash init".into(), 10));
    }
}

#[test]
fn a_new_program_is_seen_with_its_own_event() {
    let mut host = Host::with_shell();
    host.run(&["clone res=0 pid=11 tid=11 ptid=10 comm=bash cwd=/root vtid=11 vpid=11"]);
    let seen = host.begin(
        "execve res=0 pid=11 tid=11 ptid=10 exe=cat args=[\"/etc/shadow\"] comm=cat cwd=/root uid=33 gid=33 trusted_exepath=/usr/bin/cat env=[\"A=1\",\"B=2\"] cgroups=[\"cpu=/a\",\"memory=/b\"] flags=1 cap_effective=0xff loginuid=1000 tty=34816",
    );
    let task = host.state.task_of(&seen.context).unwrap();
    assert_eq!((show(task.cmdline()), show(&task.image().exe)), ("cat /etc/shadow".into(), "cat".into()));
    assert_eq!((task.credentials().euid, task.credentials().cap_effective, task.image().flags), (33, 0xff, 1));
    assert_eq!(task.env().map(show).collect::<Vec<_>>(), ["A=1", "B=2"]);
    assert_eq!(task.cgroup(b"memory").map(show), Some("/b".into()));
    assert_eq!((task.process().loginuid, task.process().tty, task.process().exec_ns), (1000, 34816, host.now));
    host.finish(&seen);
    assert_eq!(show(host.task(10).cmdline()), "bash -l", "the parent keeps its program");
}

#[test]
fn a_failed_exec_is_judged_as_the_old_program() {
    let mut host = Host::with_shell();
    let version = host.task(10).version();
    let seen = host.begin("execve res=ENOENT pid=10 tid=10 exe=nope args=[\"x\"] comm=nope");
    assert_eq!(show(host.state.task_of(&seen.context).unwrap().cmdline()), "bash -l");
    host.finish(&seen);
    assert_eq!(host.task(10).version(), version);
}

#[test]
fn threads_share_what_their_flags_say() {
    let mut host = Host::with_shell();
    host.run(&[
        "clone res=0 pid=10 tid=12 ptid=1 comm=worker flags=CLONE_FILES|CLONE_FS|CLONE_THREAD|CLONE_VM vtid=12 vpid=10",
        "openat tid=12 pid=10 name=/a flags=O_RDONLY res=3",
        "chdir tid=12 pid=10 path=/tmp res=0",
        "prctl tid=12 pid=10 option=PR_SET_NAME arg2_str=renamed res=0",
        "setresuid tid=12 pid=10 res=0 ruid=5 euid=5 suid=5",
    ]);
    let (leader, worker) = (host.task(10), host.task(12));
    assert_eq!((leader.thread_count(), host.fds(10)), (2, "3f/a".into()));
    assert_eq!(show(&leader.fs().cwd), "/tmp");
    assert_eq!((show(leader.cmdline()), show(worker.cmdline())), ("bash -l".into(), "renamed -l".into()));
    assert_eq!((leader.credentials().euid, worker.credentials().euid), (0, 5), "credentials are each thread's own");
    assert!(leader.is_leader() && !worker.is_leader());
    host.run(&[
        "unshare tid=12 pid=10 res=0 flags=CLONE_FILES|CLONE_FS",
        "close tid=12 pid=10 fd=3 res=0",
        "chdir tid=12 pid=10 path=/ res=0",
    ]);
    assert_eq!((host.fds(10), show(&host.task(10).fs().cwd)), ("3f/a".into(), "/tmp".into()));
    host.run(&["procexit tid=12 pid=10"]);
    assert!(host.state.task(12).is_none());
    assert_eq!(host.task(10).thread_count(), 1);
}

#[test]
fn an_exec_by_another_thread_takes_the_leaders_number() {
    let mut host = Host::with_shell();
    let worker = "clone res=0 pid=10 tid=12 ptid=1 comm=worker flags=CLONE_FILES|CLONE_FS|CLONE_THREAD|CLONE_VM";
    host.run(&[worker, "openat tid=12 pid=10 name=/keep flags=O_RDONLY res=4"]);
    // The kernel ends the leader first; then the thread goes on under its number.
    host.run(&["procexit tid=10 pid=10"]);
    assert!(host.task(10).is_dead(), "a leader stays while threads live");
    host.run(&["execve res=0 pid=10 tid=10 exe=id comm=id"]);
    let task = host.task(10);
    assert!(!task.is_dead() && task.is_leader());
    assert_eq!((show(task.comm()), task.thread_count(), host.fds(10)), ("id".into(), 1, "4f/keep".into()));
    assert!(host.state.task(12).is_none());
    // A source may still name the thread by its old number.
    host.run(&[
        "clone res=0 pid=10 tid=13 ptid=1 flags=CLONE_THREAD|CLONE_FILES",
        "execve res=0 arg.pid=10 tid=13 pid=10 exe=ls comm=ls arg.tid=10",
    ]);
    assert!(host.state.task(13).is_none());
    assert_eq!((show(host.task(10).comm()), host.task(10).thread_count()), ("ls".into(), 1));
}

#[test]
fn the_dead_are_seen_until_their_event_is_over() {
    let mut host = Host::with_shell();
    host.run(&["clone res=0 pid=11 tid=11 ptid=10 comm=sub"]);
    let seen = host.begin("procexit pid=11 status=0");
    assert_eq!(show(host.state.task_of(&seen.context).unwrap().comm()), "sub");
    host.finish(&seen);
    assert!(host.state.task(11).is_none());
    assert_eq!((host.state.stats().threads, host.state.stats().threads_removed), (2, 1));
}

#[test]
fn orphans_go_to_the_reaper() {
    let mut host = Host::with_shell();
    host.run(&["clone res=0 pid=11 tid=11 ptid=10 comm=mid", "clone res=0 pid=12 tid=12 ptid=11 comm=leaf"]);
    let lineage = host.task(12).lineage_version();
    let seen = host.begin("procexit pid=11 reaper_tid=1");
    assert_eq!(host.ancestors(12), "mid bash init", "rules still see the old parent");
    host.finish(&seen);
    assert_eq!((host.ancestors(12), host.task(12).process().ppid), ("init".into(), 1));
    assert_ne!(host.task(12).lineage_version(), lineage);
}

#[test]
fn without_a_reaper_the_dead_parent_stays_as_ancestor() {
    let mut host = Host::with_shell();
    host.run(&[
        "clone res=0 pid=11 tid=11 ptid=10 comm=mid",
        "clone res=0 pid=12 tid=12 ptid=11 comm=leaf",
        "procexit pid=11",
    ]);
    assert_eq!(host.ancestors(12), "mid bash init");
    assert!(host.state.task(11).is_none(), "its number is free");
    host.run(&["clone res=0 pid=11 tid=11 ptid=1 comm=new"]);
    assert_eq!((host.ancestors(12), host.ancestors(11)), ("mid bash init".into(), "init".into()));
    host.run(&["procexit pid=12"]);
    assert_eq!(host.state.stats().threads, 3, "the last child takes the ended parent along");
}

#[test]
fn a_number_used_again_is_another_thread() {
    let mut host = Host::with_shell();
    host.run(&[
        "clone res=0 pid=11 tid=11 ptid=10 comm=old start_time=500",
        "openat pid=11 name=/x flags=O_RDONLY res=3",
        // The end of the first was lost.
        "clone res=0 pid=11 tid=11 ptid=1 comm=new start_time=900",
    ]);
    assert_eq!(
        (show(host.task(11).comm()), host.ancestors(11), host.fds(11)),
        ("new".into(), "init".into(), String::new())
    );
    assert_eq!(host.state.stats().reused, 1);
    // The number now is a thread of another process.
    host.run(&["getuid uid=0 tid=11 pid=10"]);
    assert_eq!((host.task(11).pid(), host.state.stats().reused), (10, 2));
    assert!(host.task(11).is_stub());
}

#[test]
fn credentials_come_from_the_kernel_or_from_the_call() {
    for (line, euid, egid, effective) in [
        ("setuid pid=10 res=0 uid=1000", 1000, 0, 0),
        ("setuid pid=10 res=EPERM uid=1000", 0, 0, 0),
        ("setuid pid=10 res=0 uid=1000 cred_euid=101000 cred_egid=7 cap_effective=3", 101_000, 7, 3),
        ("setreuid pid=10 res=0 ruid=-1 euid=42", 42, 0, 0),
        ("setresuid pid=10 res=0 ruid=1 euid=-1 suid=3", 0, 0, 0),
        ("setgid pid=10 res=0 gid=8", 0, 8, 0),
        ("setregid pid=10 res=0 rgid=1 egid=9", 0, 9, 0),
        ("setresgid pid=10 res=0 rgid=1 egid=6 sgid=3", 0, 6, 0),
        ("capset pid=10 res=0 cap_effective=0x21", 0, 0, 0x21),
    ] {
        let mut host = Host::with_shell();
        host.run(&[line]);
        let now = *host.task(10).credentials();
        assert_eq!((now.euid, now.egid, now.cap_effective), (euid, egid, effective), "{line}");
    }
}

#[test]
fn directories_follow_the_kernel_or_the_text() {
    let mut host = Host::with_shell();
    for (line, cwd, root) in [
        ("chdir pid=10 path=work/../src res=0", "/root/src", "/"),
        ("chdir pid=10 path=nowhere res=ENOENT", "/root/src", "/"),
        ("chdir pid=10 path=link res=0 realpath=/data/real", "/data/real", "/"),
        ("openat pid=10 name=/var flags=O_DIRECTORY res=5", "/data/real", "/"),
        ("fchdir pid=10 fd=5 res=0", "/var", "/"),
        ("chroot pid=10 path=jail res=0 cwd=/var", "/var", "/var/jail"),
        ("chdir pid=10 path=/ res=0", "/var/jail", "/var/jail"),
        ("setns pid=10 fd=5 nstype=CLONE_NEWNS res=0", "/", "/"),
    ] {
        host.run(&[line]);
        let fs = host.task(10).fs();
        assert_eq!((show(&fs.cwd), show(&fs.root)), (cwd.into(), root.into()), "{line}");
    }
}

#[test]
fn names_change_by_prctl_and_by_file() {
    let mut host = Host::with_shell();
    host.run(&["prctl pid=10 option=PR_SET_NAME arg2_str=a-name-longer-than-fifteen res=0"]);
    assert_eq!(show(host.task(10).cmdline()), "a-name-longer-t -l");
    host.run(&["openat pid=1 name=/proc/10/comm flags=O_WRONLY res=3", "write pid=1 fd=3 res=4 data=\"sshd\\n\""]);
    assert_eq!(show(host.task(10).comm()), "sshd");
    host.run(&["write pid=1 fd=3 res=EINVAL data=\"other\""]);
    assert_eq!(show(host.task(10).comm()), "sshd");
}

#[test]
fn sessions_and_groups_move() {
    let mut host = Host::with_shell();
    host.run(&[
        "clone res=0 pid=11 tid=11 ptid=10 comm=job vtid=11 vpid=11",
        "clone res=0 pid=12 tid=12 ptid=10 comm=pipe vtid=12 vpid=12",
    ]);
    let ids = |host: &Host, pid| {
        let process = host.task(pid).process();
        (process.sid, process.pgid, process.vpgid)
    };
    host.run(&["setpgid pid=10 arg.pid=11 pgid=0 res=0", "setpgid pid=12 arg.pid=0 pgid=11 res=0"]);
    assert_eq!((ids(&host, 11), ids(&host, 12)), ((10, 11, 11), (10, 11, 11)), "the parent moves a child too");
    assert_eq!(host.task(12).group_leader().map(|task| show(task.comm())), Some("job".into()));
    assert_eq!(host.task(12).session_leader().map(|task| show(task.comm())), Some("bash".into()));
    host.run(&["setpgid pid=12 arg.pid=0 pgid=0 res=EPERM"]);
    assert_eq!(ids(&host, 12), (10, 11, 11));
    host.run(&["setsid pid=12 res=12"]);
    assert_eq!((ids(&host, 12), host.task(12).process().tty), ((12, 12, 12), 0));
    host.run(&["procexit pid=11 reaper_tid=1"]);
    assert_eq!(host.task(12).session_leader().map(|task| task.pid()), Some(12));
}

#[test]
fn groups_in_a_pid_namespace_are_translated() {
    let mut host = Host::with_shell();
    host.run(&[
        "clone res=0 pid=200 tid=200 ptid=10 comm=init2 vtid=1 vpid=1",
        "setsid pid=200 res=1",
        "clone res=0 pid=201 tid=201 ptid=200 comm=sub vtid=2 vpid=2",
        "setpgid pid=200 arg.pid=2 pgid=2 res=0",
    ]);
    let process = host.task(201).process();
    assert_eq!((process.pgid, process.vpgid, process.sid), (201, 2, 200));
}

#[test]
fn unknown_threads_become_stubs_and_idle_ones_do_not() {
    let mut host = Host::new();
    host.run(&["getuid uid=0 tid=77 pid=70", "switch tid=55 pid=55", "switch tid=0 pid=0"]);
    assert_eq!((host.state.stats().stubs, host.state.stats().threads), (1, 1));
    let stub = host.task(77);
    assert!(stub.is_stub() && !stub.is_leader());
    assert_eq!(
        (stub.pid(), stub.thread().credentials.euid, show(stub.cmdline())),
        (70, crate::UNSET_ID, String::new())
    );
    host.run(&["execve res=0 pid=70 tid=70 ptid=1 exe=x comm=x"]);
    assert!(!host.task(70).is_stub() && host.state.task(77).is_none());
}

#[test]
fn parents_never_form_a_circle() {
    let mut host = Host::new();
    host.run(&[
        "clone res=0 pid=2 tid=2 ptid=3 comm=a",
        "clone res=0 pid=3 tid=3 ptid=2 comm=b",
        "clone res=0 pid=4 tid=4 ptid=4 comm=self",
    ]);
    assert!(host.task(2).ancestors().count() + host.task(3).ancestors().count() <= 2);
    assert_eq!(host.task(4).ancestors().count(), 0);
    // And very long chains are cut.
    for pid in 100..1000 {
        host.run(&[&format!("clone res=0 pid={} tid={} ptid={pid} comm=deep", pid + 1, pid + 1)]);
    }
    assert!(host.task(1000).ancestors().count() <= crate::MAX_ANCESTORS);
}

#[test]
fn versions_move_with_what_they_cover() {
    let mut host = Host::with_shell();
    host.run(&["clone res=0 pid=11 tid=11 ptid=10 comm=sub vtid=11 vpid=11"]);
    let mut last = host.task(11).version();
    for line in [
        "prctl pid=11 option=PR_SET_NAME arg2_str=other res=0",
        "chdir pid=11 path=/tmp res=0",
        "setuid pid=11 res=0 uid=5",
        "capset pid=11 res=0 cap_effective=1",
        "setsid pid=11 res=11",
        "openat pid=11 name=/log flags=O_WRONLY res=1",
        "close pid=11 fd=1 res=0",
        "useradded uid=5 gid=5 name=five",
        "execve res=0 pid=11 tid=11 exe=y comm=y",
    ] {
        host.run(&[line]);
        let now = host.task(11).version();
        assert!(now > last, "{line}");
        last = now;
    }
    for line in ["getuid uid=0 pid=11", "openat pid=11 name=/log flags=O_WRONLY res=7", "brk res=1 pid=11 vm_size=9"] {
        host.run(&[line]);
        assert_eq!(host.task(11).version(), last, "{line}");
    }
    let lineage = host.task(11).lineage_version();
    host.run(&["execve res=0 pid=10 tid=10 exe=z comm=z"]);
    assert!(host.task(11).version() == last && host.task(11).lineage_version() != lineage);
}

#[test]
fn cpu_time_comes_from_switches() {
    let mut host = Host::with_shell();
    host.run(&[
        "switch tid=0 cpu=1 ts=5000",
        "switch pid=10 cpu=1 ts=5300",
        "switch tid=0 cpu=1 ts=9000",
        "switch pid=10 cpu=1 ts=9100",
    ]);
    assert_eq!((host.task(10).thread().slice_ns, host.task(10).thread().cpu_ns), (100, 400));
}
