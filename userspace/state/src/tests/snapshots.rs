//! Scans, gaps, users, the host, the clock, and checkpoints.

use super::{Host, dump, restored, show};
use crate::{Role, State};
use proptest::prelude::*;

const SCAN: &str = "task pid=50 tid=50 ppid=1 comm=sshd argv=[\"/usr/sbin/sshd\",\"-D\"] exepath=/usr/sbin/sshd cwd=/ root=/ euid=0 egid=0 vpid=50 vtgid=50 sid=50 pgid=50 start_time=77";

#[test]
fn a_scan_tells_a_task_and_its_files() {
    let mut host = Host::new();
    host.run(&[
        SCAN,
        "task_file_regular pid=50 fd=0 path=/dev/null flags=O_RDWR ino_num=5",
        "task_file_pipe pid=50 fd=1 path=pipe:[9] ino_num=9",
        "task_file_socket_inet pid=50 fd=3 sk_type=1 sk_proto=6 local_ip=0.0.0.0 local_port=22 listening=true",
        "task_file_socket_inet pid=50 fd=4 sk_type=1 sk_proto=6 local_ip=10.0.0.1 local_port=22 remote_ip=10.0.0.9 remote_port=4000",
        "task_file_socket_inet6 pid=50 fd=5 sk_type=1 sk_proto=6 local_ip=::1 local_port=999 remote_ip=::1 remote_port=80",
        "task_file_socket_unix pid=50 fd=6 sun_path=/run/x ino_num=10 peer_ino=11",
        "task_file_socket_netlink pid=50 fd=7",
        "task_file_anon_inode pid=50 fd=8 fd_type=ANON_INODE_FD_TYPE_EVENTPOLL path=anon_inode:[eventpoll]",
        "task_file_directory pid=50 fd=9 path=/root",
        "task_file_memfd pid=50 fd=10 path=/memfd:x",
    ]);
    let task = host.task(50);
    assert_eq!((show(task.cmdline()), show(&task.image().exe)), ("sshd -D".into(), "/usr/sbin/sshd".into()));
    assert_eq!((task.thread().start_ns, task.is_stub(), host.ancestors(50)), (77, false, String::new()));
    let want = "0f/dev/null 1ppipe:[9] 340.0.0.0:22 4410.0.0.9:4000->10.0.0.1:22 56::1:999->::1:80 6ua->b /run/x 7n 8lanon_inode:[eventpoll] 9d/root 10m/memfd:x";
    assert_eq!(host.fds(50), want);
    assert_eq!(task.fd(4).unwrap().socket.as_ref().map(|socket| socket.role), Some(Role::Server));
    assert_eq!(task.parent().map(|parent| (parent.pid(), parent.is_stub())), Some((1, true)));
}

#[test]
fn events_older_than_the_scan_change_nothing_but_are_judged() {
    let mut host = Host::new();
    host.run(&[&format!("{SCAN} ts=5000")]);
    let seen = host.begin("openat pid=50 name=x flags=O_RDONLY res=3 ts=4000");
    assert!(seen.context.is_stale());
    assert_eq!(host.state.task_of(&seen.context).map(|task| show(task.comm())), Some("sshd".into()));
    host.finish(&seen);
    host.run(&[
        "procexit pid=50 ts=4500",
        "execve res=0 pid=50 tid=50 comm=old ts=4600",
        "chdir pid=50 path=/x res=0 ts=4700",
    ]);
    assert_eq!((host.fds(50), show(host.task(50).comm()), host.state.stats().stale), (String::new(), "sshd".into(), 4));
    host.run(&["openat pid=50 name=/y flags=O_RDONLY res=3 ts=6000"]);
    assert_eq!(host.fds(50), "3f/y");
}

#[test]
fn what_is_known_newer_survives_a_scan() {
    let mut host = Host::with_shell();
    host.run(&[
        "openat pid=10 name=/now flags=O_RDONLY res=3 ts=9000",
        "close pid=10 fd=4 res=0 ts=9100",
        "execve res=0 pid=10 tid=10 exe=new comm=new ts=9200",
        "task pid=10 tid=10 comm=older ts=8000",
        "task_file_regular pid=10 fd=3 path=/older ts=8000",
        "task_file_regular pid=10 fd=4 path=/older ts=8000",
        "task_file_regular pid=10 fd=5 path=/fresh ts=9999",
    ]);
    assert_eq!((show(host.task(10).comm()), host.fds(10)), ("new".into(), "3f/now 5f/fresh".into()));
    // Another start time means another process.
    host.run(&["task pid=10 tid=10 comm=reborn start_time=99999 ts=9999"]);
    assert_eq!((show(host.task(10).comm()), host.fds(10)), ("reborn".into(), String::new()));
    host.run(&["task pid=10 tid=10 comm=before start_time=55 ts=99999"]);
    assert_eq!(show(host.task(10).comm()), "reborn");
}

#[test]
fn a_gap_makes_suspect_and_a_scan_heals() {
    let mut host = Host::with_shell();
    host.run(&[
        "openat pid=10 name=/lost flags=O_RDONLY res=3",
        "gap lost_state=5 lost_ordinary=2 pids=\"\\x0a\\0\\0\\0\\xff\\0\\0\\0\"",
    ]);
    assert!(host.task(10).is_suspect() && !host.task(1).is_suspect());
    host.run(&["clone res=0 pid=11 tid=11 ptid=10 comm=sub"]);
    assert!(host.task(11).is_suspect(), "doubt is inherited");
    assert_eq!((host.state.stats().lost, host.state.stats().suspects), (7, 1));
    host.run(&["task pid=10 tid=10 ppid=1 comm=bash", "task_file_regular pid=10 fd=4 path=/kept"]);
    assert!(!host.task(10).is_suspect());
    assert_eq!(host.fds(10), "4f/kept", "what the scan did not find is gone");
    host.run(&["gap lost_ordinary=9"]);
    assert!(!host.task(1).is_suspect());
    host.run(&["gap lost_critical=1"]);
    assert!(host.task(1).is_suspect() && host.task(10).is_suspect(), "nobody knows whose records they were");
}

#[test]
fn users_groups_clock_and_host() {
    let mut host = Host::new();
    assert_eq!((host.state.epoch_ns(5), host.state.host()), (None, None));
    host.run(&[
        "useradded uid=33 gid=33 name=www home=/var/www shell=/bin/false",
        "useradded uid=33 gid=1 name=other container_id=abc",
        "groupadded gid=33 name=www-data",
        "groupadded gid=5 name=gone",
        "groupdeleted gid=5 name=gone",
        "clock offset_ns=1000",
        "host hostname=box kernel=7.3.4 utc_offset_s=-3600 boot_epoch_ns=9 num_cpus=2 self_pid=4",
    ]);
    let state = &host.state;
    assert_eq!(
        state.user(33).map(|user| (show(&user.name), show(&user.home))),
        Some(("www".into(), "/var/www".into()))
    );
    assert_eq!(state.users.user(b"abc", 33).map(|user| show(&user.name)), Some("other".into()));
    assert_eq!((state.group(33).map(show), state.group(5)), (Some("www-data".into()), None));
    assert_eq!(state.epoch_ns(5), Some(1005));
    let told = state.host().unwrap();
    assert_eq!((show(&told.hostname), told.utc_offset_s, told.num_cpus, told.self_pid), ("box".into(), -3600, 2, 4));
    host.run(&[
        "userdeleted uid=33 name=other container_id=abc",
        "userdeleted uid=33 name=www",
        "groupdeleted gid=33 name=x",
    ]);
    assert_eq!((host.state.users.user(b"abc", 33), host.state.users.bytes()), (None, 0));
}

#[test]
fn a_checkpoint_builds_an_equal_state() {
    let mut host = Host::with_shell();
    host.run(&[
        "clock offset_ns=77",
        "host hostname=box",
        "useradded uid=1 gid=2 name=one container_id=c",
        "groupadded gid=2 name=two",
        "openat pid=10 name=../etc/x flags=O_RDWR|O_CLOEXEC res=3 realpath=/real/x ino=5 dev=6",
        "dup pid=10 oldfd=3 res=5000",
        "clone res=0 pid=10 tid=12 ptid=1 comm=worker flags=CLONE_FILES|CLONE_FS|CLONE_THREAD vtid=12",
        "clone res=0 pid=20 tid=20 ptid=10 comm=mid flags=CLONE_FILES cgroups=[\"cpu=/a\"]",
        "clone res=0 pid=21 tid=21 ptid=20 comm=leaf cwd=/leaf",
        "socket pid=21 fd=7 domain=AF_INET type=2",
        "sendto pid=21 fd=7 tuple=1.1.1.1:5->2.2.2.2:6 res=1",
        "socketpair pid=21 res=0 fd1=8 fd2=9 source=1 peer=2 domain=AF_UNIX type=1",
        "chroot pid=21 path=/jail res=0",
        "procexit pid=20",
        "clone res=0 pid=20 tid=20 ptid=1 comm=again",
        "procexit pid=10 tid=10",
        "getuid uid=0 pid=333",
        "gap lost_state=1 pids=\"\\x15\\0\\0\\0\"",
    ]);
    assert_eq!(host.ancestors(21), "mid bash init");
    let copy = restored(&host.state);
    assert_eq!(dump(&copy), dump(&host.state));
    assert_eq!(dump(&restored(&copy)), dump(&copy));
}

/// Lines about a few tasks and descriptors, so that they meet often.
fn any_line() -> impl Strategy<Value = String> {
    let pid = 1u32..8;
    let fd = 0i64..5;
    prop_oneof![
        (pid.clone(), 0u32..8, prop_oneof![Just(""), Just("CLONE_FILES"), Just("CLONE_FS|CLONE_FILES")]).prop_map(
            |(pid, parent, flags)| format!(
                "clone res=0 pid={pid} tid={pid} ptid={parent} comm=c{pid} cwd=/c flags=0x0|{}",
                if flags.is_empty() { "0" } else { flags }
            )
        ),
        (pid.clone(), 10u32..14).prop_map(|(pid, tid)| format!(
            "clone res=0 pid={pid} tid={tid} ptid=0 comm=t flags=CLONE_THREAD|CLONE_FILES|CLONE_FS"
        )),
        pid.clone().prop_map(|pid| format!(
            "execve res=0 pid={pid} tid={pid} exe=e args=[\"{pid}\"] comm=e trusted_exepath=/e"
        )),
        (pid.clone(), prop_oneof![Just(0u32), 1u32..8])
            .prop_map(|(pid, reaper)| format!("procexit pid={pid} reaper_tid={reaper}")),
        (pid.clone(), 10u32..14).prop_map(|(pid, tid)| format!("procexit pid={pid} tid={tid}")),
        (pid.clone(), fd.clone(), "[a-b./]{1,4}")
            .prop_map(|(pid, fd, name)| format!("openat pid={pid} name={name} flags=O_RDONLY|O_CLOEXEC res={fd}")),
        (pid.clone(), fd.clone()).prop_map(|(pid, fd)| format!("close pid={pid} fd={fd} res=0")),
        (pid.clone(), fd.clone(), fd.clone())
            .prop_map(|(pid, old, new)| format!("dup2 pid={pid} oldfd={old} newfd={new} res={new}")),
        (pid.clone(), fd.clone())
            .prop_map(|(pid, fd)| format!("connect pid={pid} fd={fd} tuple=1.1.1.1:1->2.2.2.2:2 res=0")),
        (pid.clone(), fd.clone()).prop_map(|(pid, fd)| format!(
            "socketpair pid={pid} res=0 fd1={fd} fd2={} source=1 peer=2 domain=AF_UNIX",
            fd + 1
        )),
        (pid.clone(), "[a-b./]{1,4}").prop_map(|(pid, path)| format!("chdir pid={pid} path={path} res=0")),
        (pid.clone(), 0u32..8, 0u32..8)
            .prop_map(|(pid, who, group)| format!("setpgid pid={pid} arg.pid={who} pgid={group} res=0")),
        pid.clone().prop_map(|pid| format!("setsid pid={pid} res={pid}")),
        pid.clone().prop_map(|pid| format!("unshare pid={pid} res=0 flags=CLONE_FILES|CLONE_FS")),
        (pid.clone(), fd.clone()).prop_map(|(pid, fd)| format!("close_range pid={pid} first={fd} last=3 res=0")),
        pid.clone().prop_map(|pid| format!("gap lost_state=1 pids=\"\\x0{pid}\\0\\0\\0\"")),
        pid.prop_map(|pid| format!("task pid={pid} tid={pid} ppid=1 comm=s argv=[\"s\"] cwd=/s")),
    ]
}

/// Counts that must agree whatever happened: users of tables and files, lists, indexes.
pub(super) fn check(state: &State) {
    let mut table_users = std::collections::HashMap::new();
    for (_, thread) in state.threads.iter() {
        *table_users.entry(thread.files.id()).or_insert(0) += 1;
        assert!(state.processes.get(thread.process).is_some() && state.fs.get(thread.fs).is_some());
    }
    *table_users.entry(state.no_files.id()).or_insert(0) += 1;
    let mut file_users = std::collections::HashMap::new();
    for (key, table) in state.tables.iter() {
        assert_eq!(Some(&state.tables.users(key)), table_users.get(&key.id()), "users of a table");
        assert_eq!(table.iter().count(), table.len());
        table.iter().for_each(|(_, entry)| *file_users.entry(entry.file.id()).or_insert(0) += 1);
    }
    for (key, _) in state.files.iter() {
        assert_eq!(Some(&state.files.users(key)), file_users.get(&key.id()), "users of a file");
    }
    assert_eq!(state.files.len(), file_users.len());
    let mut listed = 0;
    for (key, process) in state.processes.iter() {
        let threads = state.threads_of(key);
        let live = threads.iter().filter(|key| !state.threads.get(**key).unwrap().dead).count();
        assert_eq!(live as u32, process.live_threads, "live threads of {}", process.pid);
        let reading = !state.nodes.is_empty();
        assert!(
            reading || process.live_threads > 0 || process.first_child.is_some() || threads.is_empty(),
            "{} is kept for nothing",
            process.pid
        );
        listed += threads.len();
        for child in state.children_of(key) {
            assert_eq!(state.processes.get(child).unwrap().parent, Some(key));
        }
    }
    assert_eq!(listed, state.threads.len());
    assert!(state.by_tid.values().all(|key| state.threads.get(*key).is_some()));
    assert!(state.by_pid.values().all(|key| state.processes.get(*key).is_some()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_sequence_keeps_the_books_and_survives_a_checkpoint(lines in proptest::collection::vec(any_line(), 1..60)) {
        let mut host = Host::new();
        for line in &lines {
            host.run(&[line]);
            check(&host.state);
        }
        let copy = restored(&host.state);
        check(&copy);
        prop_assert_eq!(dump(&copy), dump(&host.state));
    }
}
