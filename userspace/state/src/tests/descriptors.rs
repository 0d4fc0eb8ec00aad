//! Descriptors: opened, made, copied, closed.

use super::{Host, show};
use crate::{FdKind, PathFlags};

#[test]
fn opens_are_named_by_the_kernel_or_the_text() {
    for (line, about, lexical, raw, flags) in [
        ("openat pid=10 name=notes flags=O_RDONLY res=3", "f3 /root/notes", "/root/notes", "notes", PathFlags::LEXICAL),
        ("openat pid=10 dirfd=AT_FDCWD name=../x flags=O_DIRECTORY res=3", "d3 /x", "/x", "../x", PathFlags::LEXICAL),
        ("openat pid=10 dirfd=9 name=log flags=O_RDONLY res=3", "f3 /var/log", "/var/log", "log", PathFlags::LEXICAL),
        ("openat pid=10 dirfd=77 name=lost flags=O_RDONLY res=3", "f3 lost", "lost", "lost", PathFlags::LEXICAL),
        (
            "open pid=10 name=/tmp/link flags=O_RDONLY res=3 realpath=/etc/shadow",
            "f3 /etc/shadow",
            "/tmp/link",
            "/tmp/link",
            0,
        ),
        (
            "openat2 pid=10 name=/tmp/gone flags=O_RDWR res=3 realpath=/tmp/gone realflags=DELETED",
            "f3 /tmp/gone",
            "/tmp/gone",
            "/tmp/gone",
            PathFlags::DELETED,
        ),
        ("creat pid=10 name=new res=3", "f3 /root/new", "/root/new", "new", PathFlags::LEXICAL),
        (
            "open_by_handle_at pid=10 path=/h/file flags=O_RDONLY res=3",
            "f3 /h/file",
            "/h/file",
            "/h/file",
            PathFlags::LEXICAL,
        ),
        (
            "openat pid=10 name=/etc/none flags=O_RDONLY res=ENOENT",
            "f-1 /etc/none",
            "/etc/none",
            "/etc/none",
            PathFlags::LEXICAL,
        ),
    ] {
        let mut host = Host::with_shell();
        host.run(&["openat pid=10 name=/var flags=O_DIRECTORY res=9"]);
        let seen = host.begin(line);
        assert_eq!(host.about(&seen), about, "{line}");
        let file = host.state.fd_of(&seen.context).unwrap();
        assert_eq!(
            (show(file.lexical()), show(file.raw()), file.path_flags),
            (lexical.into(), raw.into(), flags),
            "{line}"
        );
        let failed = seen.record.event().unwrap().failed();
        assert_eq!(seen.context.fd_is_new(), !failed, "{line}");
        host.finish(&seen);
        assert_eq!(host.task(10).fd(3).is_some(), !failed, "{line}");
    }
}

#[test]
fn what_is_closed_is_seen_until_the_event_is_over() {
    let mut host = Host::with_shell();
    host.run(&["openat pid=10 name=/a flags=O_RDONLY res=3"]);
    let seen = host.begin("close pid=10 fd=3 res=0");
    assert_eq!(host.about(&seen), "f3 /a");
    host.finish(&seen);
    assert_eq!(host.fds(10), "");
    let seen = host.begin("close pid=10 fd=3 res=EBADF");
    assert_eq!(host.about(&seen), "?3");
    host.finish(&seen);
    host.run(&["openat pid=10 name=/a flags=O_RDONLY res=3", "close pid=10 fd=3 res=EIO"]);
    assert_eq!((host.fds(10), host.state.stats().files), ("3f/a".into(), 1), "a failed close closes nothing here");
}

#[test]
fn descriptors_of_every_kind() {
    for (line, about) in [
        ("eventfd pid=10 res=3", "e3 "),
        ("eventfd2 pid=10 res=3 flags=O_CLOEXEC", "e3 "),
        ("signalfd pid=10 res=3 fd=-1", "s3 "),
        ("signalfd4 pid=10 res=3 fd=-1", "s3 "),
        ("timerfd_create pid=10 res=3", "t3 "),
        ("inotify_init pid=10 res=3", "i3 "),
        ("inotify_init1 pid=10 res=3", "i3 "),
        ("epoll_create pid=10 res=3", "l3 "),
        ("epoll_create1 pid=10 res=3", "l3 "),
        ("userfaultfd pid=10 res=3", "u3 "),
        ("io_uring_setup pid=10 res=3", "r3 "),
        ("memfd_create pid=10 fd=3 name=payload", "m3 payload"),
        ("pidfd_open pid=10 fd=3 arg.pid=1", "P3 "),
        ("bpf pid=10 fd=3 cmd=BPF_MAP_CREATE", "b3 "),
        ("bpf pid=10 fd=0 cmd=BPF_MAP_LOOKUP_ELEM", "?0"),
        ("pipe pid=10 res=0 fd1=3 fd2=4 ino=9", "p3 "),
        ("pipe2 pid=10 res=0 fd1=3 fd2=4 ino=9", "p3 "),
        ("eventfd pid=10 res=EMFILE", "?-24"),
    ] {
        let mut host = Host::with_shell();
        let seen = host.begin(line);
        assert_eq!(host.about(&seen), about, "{line}");
        host.finish(&seen);
        assert_eq!(host.task(10).fd(3).is_some(), seen.context.fd_is_new(), "{line}");
    }
}

#[test]
fn copies_share_the_open_file() {
    let mut host = Host::with_shell();
    host.run(&["openat pid=10 name=/a flags=O_RDONLY|O_CLOEXEC res=3", "openat pid=10 name=/b flags=O_RDONLY res=5"]);
    for (line, about, fds) in [
        ("dup pid=10 oldfd=3 res=4", "f4 /a", "3f/a 4f/a 5f/b"),
        ("dup2 pid=10 oldfd=3 newfd=5 res=5", "f5 /a", "3f/a 4f/a 5f/a"),
        ("dup3 pid=10 oldfd=3 newfd=6 flags=O_CLOEXEC res=6", "f6 /a", "3f/a 4f/a 5f/a 6f/a"),
        ("fcntl pid=10 fd=3 cmd=F_DUPFD arg=10 res=10", "f10 /a", "3f/a 4f/a 5f/a 6f/a 10f/a"),
        ("fcntl pid=10 fd=3 cmd=F_DUPFD_CLOEXEC arg=11 res=11", "f11 /a", "3f/a 4f/a 5f/a 6f/a 10f/a 11f/a"),
        ("dup2 pid=10 oldfd=3 newfd=3 res=3", "f3 /a", "3f/a 4f/a 5f/a 6f/a 10f/a 11f/a"),
        ("dup2 pid=10 oldfd=99 newfd=4 res=EBADF", "?99", "3f/a 4f/a 5f/a 6f/a 10f/a 11f/a"),
        // The table missed 98: then what 4 is now is not known either.
        ("dup2 pid=10 oldfd=98 newfd=4 res=4", "?4", "3f/a 5f/a 6f/a 10f/a 11f/a"),
    ] {
        let seen = host.begin(line);
        assert_eq!(host.about(&seen), about, "{line}");
        host.finish(&seen);
        assert_eq!(host.fds(10), fds, "{line}");
    }
    assert_eq!(host.state.stats().files, 1);
    host.run(&["fcntl pid=10 fd=5 cmd=F_SETFL arg=02000 res=0"]);
    assert_eq!(host.task(10).fd(3).unwrap().open_flags & 8, 8, "status flags are the file's");
}

#[test]
fn exec_closes_what_is_marked_after_rules_looked() {
    let mut host = Host::with_shell();
    host.run(&[
        "openat pid=10 name=/gone flags=O_RDONLY|O_CLOEXEC res=3",
        "openat pid=10 name=/kept flags=O_RDONLY res=4",
        "openat pid=10 name=/marked flags=O_RDONLY res=5",
        "fcntl pid=10 fd=5 cmd=F_SETFD arg=1 res=0",
        "dup pid=10 oldfd=3 res=6",
        "openat pid=10 name=/cleared flags=O_RDONLY|O_CLOEXEC res=7",
        "fcntl pid=10 fd=7 cmd=F_SETFD arg=0 res=0",
        "clone res=0 pid=20 tid=20 ptid=10 comm=shares flags=CLONE_FILES",
    ]);
    let seen = host.begin("execve res=0 pid=10 tid=10 exe=x comm=x");
    assert_eq!(host.task(10).fd_count(), 5);
    host.finish(&seen);
    assert_eq!(host.fds(10), "4f/kept 6f/gone 7f/cleared");
    assert_eq!(host.task(20).fd_count(), 5, "the sharer keeps the table");
    host.run(&["execve res=EACCES pid=20 tid=20 exe=x comm=x"]);
    assert_eq!(host.task(20).fd_count(), 5);
}

#[test]
fn close_range_closes_marks_or_unshares() {
    let opened = [
        "openat pid=10 name=/a flags=O_RDONLY res=3",
        "openat pid=10 name=/b flags=O_RDONLY res=5000",
        "clone res=0 pid=20 tid=20 ptid=10 flags=CLONE_FILES",
    ];
    for (line, own, shared) in [
        ("close_range pid=10 first=3 last=0xffffffff res=0", "", ""),
        ("close_range pid=10 first=4 last=0xffffffff res=0", "3f/a", "3f/a"),
        ("close_range pid=10 first=3 last=9 flags=CLOSE_RANGE_UNSHARE res=0", "5000f/b", "3f/a 5000f/b"),
        ("close_range pid=10 first=3 last=9 res=EINVAL", "3f/a 5000f/b", "3f/a 5000f/b"),
        ("close_range pid=10 first=3 last=9 flags=CLOSE_RANGE_CLOEXEC res=0", "3f/a 5000f/b", "3f/a 5000f/b"),
    ] {
        let mut host = Host::with_shell();
        host.run(&opened);
        host.run(&[line]);
        assert_eq!((host.fds(10), host.fds(20)), (own.into(), shared.into()), "{line}");
        if line.contains("CLOEXEC") {
            host.run(&["execve res=0 pid=10 tid=10 exe=x comm=x"]);
            assert_eq!(host.fds(10), "5000f/b");
        }
    }
}

#[test]
fn what_an_install_replaces_is_seen_until_the_event_is_over() {
    let mut host = Host::with_shell();
    host.run(&["openat pid=10 name=/old flags=O_RDONLY res=1", "openat pid=10 name=/new flags=O_RDONLY res=3"]);
    let seen = host.begin("dup2 pid=10 oldfd=3 newfd=1 res=1");
    assert_eq!((host.about(&seen), host.state.stats().files), ("f1 /new".into(), 2));
    host.finish(&seen);
    assert_eq!((host.fds(10), host.state.stats().files), ("1f/new 3f/new".into(), 1));
}

#[test]
fn another_process_lends_its_descriptor() {
    let mut host = Host::with_shell();
    host.run(&[
        "openat pid=1 name=/secret flags=O_RDONLY res=7",
        "pidfd_open pid=10 fd=3 arg.pid=1",
        "pidfd_getfd pid=10 fd=4 pid_fd=3 target_fd=7",
        "pidfd_getfd pid=10 fd=5 pid_fd=3 target_fd=8",
    ]);
    assert_eq!(host.fds(10), "3P 4f/secret 5o");
    assert_eq!(host.task(10).fd(5).unwrap().path_flags, PathFlags::FOREIGN);
}

#[test]
fn numbers_no_kernel_gives_are_not_kept() {
    let mut host = Host::with_shell();
    host.run(&["openat pid=10 name=/a flags=O_RDONLY res=0x7fffffffffff", "dup pid=10 oldfd=3 res=0x40000000"]);
    assert_eq!((host.task(10).fd_count(), host.state.stats().files), (0, 0));
}

#[test]
fn kinds_have_letters_words_and_numbers() {
    for number in 0..=21 {
        let kind = FdKind::from_scap(number);
        let base = match number {
            5 => 3,
            6 => 4,
            16 => 1,
            0 => 10,
            other => other,
        };
        assert_eq!(kind.scap_number(), base);
        assert_eq!(kind.word().is_none(), kind == FdKind::Unknown);
    }
}

#[test]
fn paths_of_calls_with_two() {
    use crate::{PathRole, event_path};
    let mut host = Host::with_shell();
    host.run(&["openat pid=10 name=/dir flags=O_DIRECTORY res=3"]);
    for (line, role, raw, lexical, resolved) in [
        ("unlink pid=10 res=0 path=a realpath=/real/a", PathRole::Source, "a", "/root/a", Some("/real/a")),
        ("unlinkat pid=10 res=0 dirfd=3 name=b", PathRole::Source, "b", "/dir/b", None),
        (
            "renameat pid=10 res=0 olddirfd=3 oldpath=x newdirfd=AT_FDCWD newpath=y realnew=/root/y",
            PathRole::Source,
            "x",
            "/dir/x",
            None,
        ),
        (
            "renameat pid=10 res=0 olddirfd=3 oldpath=x newdirfd=AT_FDCWD newpath=y realnew=/root/y",
            PathRole::Target,
            "y",
            "/root/y",
            Some("/root/y"),
        ),
        (
            "symlinkat pid=10 res=0 target=t linkdirfd=3 linkpath=l reallink=/dir/l",
            PathRole::Target,
            "l",
            "/dir/l",
            Some("/dir/l"),
        ),
        ("symlinkat pid=10 res=0 target=/t linkdirfd=3 linkpath=l reallink=/dir/l", PathRole::Source, "/t", "/t", None),
        ("mount pid=10 res=0 dir=/mnt realdir=/mnt", PathRole::Source, "/mnt", "/mnt", Some("/mnt")),
        ("mkdir pid=10 res=EEXIST path=d", PathRole::Source, "d", "/root/d", None),
    ] {
        let seen = host.begin(line);
        let event = seen.record.event().unwrap();
        let path = event_path(&event, role).unwrap_or_else(|| panic!("{line}: no path"));
        let mut out = Vec::new();
        assert!(host.state.push_lexical(&seen.context, &path, &mut out));
        assert_eq!(
            (show(path.raw), show(&out), path.resolved.map(show)),
            (raw.into(), lexical.into(), resolved.map(Into::into)),
            "{line}"
        );
        host.finish(&seen);
    }
    let seen = host.begin("execve res=ENOENT pid=10 filename=/bin/x");
    assert_eq!(event_path(&seen.record.event().unwrap(), PathRole::Source), None);
}

#[test]
fn arguments_are_rendered_with_names() {
    let mut host = Host::with_shell();
    host.run(&["useradded uid=0 gid=0 name=root", "openat pid=10 name=/etc/passwd flags=O_RDONLY res=3"]);
    let show_args = |host: &mut Host, line: &str| {
        let seen = host.begin(line);
        let mut out = Vec::new();
        saker_event::render::push_args(&seen.record.event().unwrap(), &host.state.names(&seen.context), &mut out);
        host.finish(&seen);
        show(&out)
    };
    assert_eq!(show_args(&mut host, "close pid=10 fd=3 res=0"), "res=0 fd=3(<f>/etc/passwd)");
    assert_eq!(show_args(&mut host, "setuid pid=10 res=0 uid=0"), "res=0 uid=0(root)");
    assert_eq!(show_args(&mut host, "kill pid=10 res=0 arg.pid=1 sig=SIGTERM"), "res=0 pid=1(init) sig=15(SIGTERM)");
    assert_eq!(show_args(&mut host, "unlink pid=10 res=ENOENT path=x"), "res=-2(ENOENT) path=x(/root/x)");
}
