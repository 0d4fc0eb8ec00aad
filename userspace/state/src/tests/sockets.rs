//! Sockets: names, ends, roles, connections.

use super::Host;
use crate::{Connection, L4Proto, PathFlags, Role};

/// Runs the lines and tells what the last one is about: name, whether it changed, role, connection.
fn last(lines: &[&str]) -> (String, bool, Role, Connection) {
    let mut host = Host::with_shell();
    let (end, before) = lines.split_last().unwrap();
    host.run(before);
    let seen = host.begin(end);
    let socket = host.state.fd_of(&seen.context).and_then(|file| file.socket.clone()).unwrap_or_default();
    let out = (host.about(&seen), seen.context.fd_name_changed(), socket.role, socket.connection);
    host.finish(&seen);
    out
}

const TCP: &str = "socket pid=10 fd=3 domain=AF_INET type=1 proto=0";
const UDP: &str = "socket pid=10 fd=3 domain=AF_INET type=2 proto=0";
const UNIX: &str = "socket pid=10 fd=3 domain=AF_UNIX type=1 proto=0";

#[test]
fn connections_are_named_client_first() {
    for (lines, name, changed, role, connection) in [
        (&[TCP][..], "43 ", false, Role::None, Connection::None),
        (&[TCP, "bind pid=10 fd=3 addr=0.0.0.0:80 res=0"], "43 0.0.0.0:80", true, Role::None, Connection::None),
        (&[TCP, "bind pid=10 fd=3 addr=0.0.0.0:80 res=EADDRINUSE"], "43 ", false, Role::None, Connection::None),
        (
            &[TCP, "bind pid=10 fd=3 addr=0.0.0.0:80 res=0", "listen pid=10 fd=3 res=0"],
            "43 0.0.0.0:80",
            false,
            Role::Server,
            Connection::None,
        ),
        (
            &[TCP, "connect pid=10 fd=3 tuple=127.0.0.1:40000->10.0.0.1:443 res=0"],
            "43 127.0.0.1:40000->10.0.0.1:443",
            true,
            Role::Client,
            Connection::Done,
        ),
        (
            &[TCP, "connect pid=10 fd=3 addr=10.0.0.1:443 res=ECONNREFUSED"],
            "43 10.0.0.1:443",
            true,
            Role::Client,
            Connection::Failed,
        ),
        (
            &[TCP, "connect pid=10 fd=3 tuple=1.1.1.1:5->2.2.2.2:6 res=EINPROGRESS"],
            "43 1.1.1.1:5->2.2.2.2:6",
            true,
            Role::Client,
            Connection::Pending,
        ),
        (
            &["accept pid=10 fd=4 tuple=9.9.9.9:50000->10.0.0.2:80"],
            "44 9.9.9.9:50000->10.0.0.2:80",
            true,
            Role::Server,
            Connection::Done,
        ),
        (
            &["accept4 pid=10 fd=4 tuple=::1:50000->::1:80"],
            "64 ::1:50000->::1:80",
            true,
            Role::Server,
            Connection::Done,
        ),
        (&["socket pid=10 fd=3 domain=AF_NETLINK type=3"], "n3 ", false, Role::None, Connection::None),
        (
            &[UNIX, "connect pid=10 fd=3 addr=/var/run/nscd/socket res=ENOENT"],
            "u3 ",
            false,
            Role::Client,
            Connection::Failed,
        ),
        (
            &[UNIX, "connect pid=10 fd=3 tuple=\"ab->cd /run/s\" res=0"],
            "u3 ab->cd /run/s",
            true,
            Role::Client,
            Connection::Done,
        ),
        (&[UNIX, "bind pid=10 fd=3 addr=/run/s res=0"], "u3 /run/s", true, Role::None, Connection::None),
        (&["accept pid=10 fd=4 tuple=\"ab->cd /run/s\""], "u4 ab->cd /run/s", true, Role::Server, Connection::Done),
        // A socket no table knows is made from what the call says.
        (
            &["connect pid=10 fd=9 tuple=1.1.1.1:5->2.2.2.2:6 res=0"],
            "49 1.1.1.1:5->2.2.2.2:6",
            true,
            Role::Client,
            Connection::Done,
        ),
        (&["accept pid=10 fd=EAGAIN"], "?-11", false, Role::None, Connection::None),
    ] {
        assert_eq!(last(lines), (name.into(), changed, role, connection), "{lines:?}");
    }
}

#[test]
fn a_pending_connection_stands_when_something_shows_it() {
    let pending = [TCP, "connect pid=10 fd=3 tuple=1.1.1.1:5->2.2.2.2:6 res=EINPROGRESS"];
    for (line, connection) in [
        ("getsockopt pid=10 fd=3 level=SOL_SOCKET optname=SO_ERROR val=0 res=0", Connection::Done),
        ("getsockopt pid=10 fd=3 level=SOL_SOCKET optname=SO_ERROR val=111 res=0", Connection::Failed),
        ("getsockopt pid=10 fd=3 level=SOL_SOCKET optname=1 val=0 res=0", Connection::Pending),
        ("sendto pid=10 fd=3 res=5", Connection::Done),
        ("recvfrom pid=10 fd=3 res=EAGAIN", Connection::Pending),
    ] {
        let lines: Vec<_> = pending.iter().copied().chain([line]).collect();
        assert_eq!(last(&lines).3, connection, "{line}");
    }
}

#[test]
fn datagrams_name_their_peer() {
    let bound = "bind pid=10 fd=3 addr=127.0.0.1:6666 res=0";
    let hello = "recvfrom pid=10 fd=3 tuple=127.0.0.1:45166->127.0.0.1:6666 res=4";
    for (lines, name, changed, role) in [
        (
            &[UDP, "sendto pid=10 fd=3 tuple=10.0.0.5:3000->8.8.8.8:53 res=9"][..],
            "43 10.0.0.5:3000->8.8.8.8:53",
            true,
            Role::Client,
        ),
        (&[UDP, "sendto pid=10 fd=3 tuple=10.0.0.5:3000->8.8.8.8:53 res=EPERM"], "43 ", false, Role::None),
        (&[UDP, bound, hello], "43 127.0.0.1:45166->127.0.0.1:6666", true, Role::Server),
        (&[UDP, bound, hello, hello], "43 127.0.0.1:45166->127.0.0.1:6666", false, Role::Server),
        // The server's answer keeps the client in front.
        (
            &[UDP, bound, hello, "sendto pid=10 fd=3 tuple=127.0.0.1:6666->127.0.0.1:45166 res=4"],
            "43 127.0.0.1:45166->127.0.0.1:6666",
            false,
            Role::Server,
        ),
        (
            &[UDP, bound, hello, "recvmsg pid=10 fd=3 tuple=127.0.0.1:9->127.0.0.1:6666 res=4"],
            "43 127.0.0.1:9->127.0.0.1:6666",
            true,
            Role::Server,
        ),
        // The client's answer arrives with the server as its source.
        (
            &[
                UDP,
                "sendto pid=10 fd=3 tuple=1.0.0.5:3->8.8.8.8:53 res=9",
                "recvfrom pid=10 fd=3 tuple=8.8.8.8:53->1.0.0.5:3 res=9",
            ],
            "43 1.0.0.5:3->8.8.8.8:53",
            false,
            Role::Client,
        ),
        // A connected stream does not change by being used.
        (
            &[
                TCP,
                "connect pid=10 fd=3 tuple=1.1.1.1:5->2.2.2.2:6 res=0",
                "sendto pid=10 fd=3 tuple=1.1.1.1:5->9.9.9.9:9 res=1",
            ],
            "43 1.1.1.1:5->2.2.2.2:6",
            false,
            Role::Client,
        ),
    ] {
        let (got, new, side, _) = last(lines);
        assert_eq!((got, new, side), (name.into(), changed, role), "{lines:?}");
    }
}

#[test]
fn ends_are_told_by_role() {
    let mut host = Host::with_shell();
    host.run(&[
        "accept pid=10 fd=4 tuple=9.9.9.9:50000->10.0.0.2:80",
        TCP,
        "connect pid=10 fd=3 tuple=10.0.0.2:7->1.2.3.4:443 res=0",
        "socket pid=10 fd=5 domain=AF_INET type=2 proto=0",
        "bind pid=10 fd=5 addr=0.0.0.0:53 res=0",
    ]);
    let ends = |fd: i64| {
        let socket = host.task(10).fd(fd).unwrap().socket.as_deref().unwrap();
        let text = |end: Option<std::net::SocketAddr>| end.map_or("-".to_owned(), |end| end.to_string());
        let ends = [socket.local, socket.remote, socket.client(), socket.server()].map(text).join(" ");
        (ends, socket.is_server(), socket.l4proto)
    };
    assert_eq!(ends(4), ("10.0.0.2:80 9.9.9.9:50000 9.9.9.9:50000 10.0.0.2:80".into(), true, L4Proto::Tcp));
    assert_eq!(ends(3), ("10.0.0.2:7 1.2.3.4:443 10.0.0.2:7 1.2.3.4:443".into(), false, L4Proto::Tcp));
    assert_eq!(ends(5), ("0.0.0.0:53 - - 0.0.0.0:53".into(), true, L4Proto::Udp));
}

#[test]
fn a_pair_has_two_ends() {
    let mut host = Host::with_shell();
    let seen = host.begin("socketpair pid=10 res=0 fd1=6 fd2=7 source=0xab peer=0xcd domain=AF_UNIX type=1");
    assert_eq!(host.about(&seen), "u6 ab->cd ");
    assert_eq!(host.state.second_fd_of(&seen.context).map(|file| file.ino), Some(0xcd));
    host.finish(&seen);
    assert_eq!(host.fds(10), "6uab->cd  7ucd->ab ");
}

#[test]
fn sockets_obey_close_on_exec() {
    let mut host = Host::with_shell();
    host.run(&[
        "socket pid=10 fd=3 domain=AF_INET type=1 flags=SOCK_CLOEXEC",
        "socket pid=10 fd=4 domain=AF_INET type=1",
        "accept4 pid=10 fd=5 tuple=1.1.1.1:1->2.2.2.2:2 flags=0x80000",
        "execve res=0 pid=10 tid=10 exe=x comm=x",
    ]);
    assert_eq!(host.fds(10), "44");
}

#[test]
fn received_descriptors_are_known_to_be_unknown() {
    let mut host = Host::with_shell();
    host.run(&[UNIX, "openat pid=10 name=/stale flags=O_RDONLY res=8"]);
    // struct cmsghdr { len = 24, SOL_SOCKET, SCM_RIGHTS } and two descriptors, 8 and 9.
    let control = "\\x18\\0\\0\\0\\0\\0\\0\\0\\x01\\0\\0\\0\\x01\\0\\0\\0\\x08\\0\\0\\0\\x09\\0\\0\\0";
    let seen = host.begin(&format!("recvmsg pid=10 fd=3 res=1 msgcontrol=\"{control}\""));
    assert_eq!(host.about(&seen), "u3 ", "the event is about its socket");
    host.finish(&seen);
    assert_eq!(host.fds(10), "3u 8o 9o");
    assert_eq!(host.task(10).fd(8).unwrap().path_flags, PathFlags::FOREIGN);
}

#[test]
fn every_use_of_a_file_shows_the_same_name() {
    let mut host = Host::with_shell();
    host.run(&[TCP, "dup pid=10 oldfd=3 res=4", "clone res=0 pid=11 tid=11 ptid=10 comm=sub"]);
    host.run(&["connect pid=11 fd=4 tuple=1.1.1.1:5->2.2.2.2:6 res=0"]);
    assert_eq!(host.fds(10), "341.1.1.1:5->2.2.2.2:6 441.1.1.1:5->2.2.2.2:6");
}
