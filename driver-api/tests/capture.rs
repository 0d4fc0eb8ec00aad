// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! Calls of a caller in memory, and every parameter that matters of the records they become.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod support;

use proptest::prelude::*;
use saker_driver_api::capture::unwrap_call;
use saker_driver_api::event::{Class, EventType};
use saker_driver_api::fillers::{self, filler_for};
use saker_driver_api::flags::FlagTable;
use saker_driver_api::param::ParamStatus;
use saker_driver_api::probe::{Call, Fact, ProbeContext};
use saker_driver_api::record::{Origin, RecordFlags};
use saker_driver_api::syscalls::nr;
use support::World;

const CWD: u64 = -100_i64 as u32 as u64;

fn openat(ret: i64) -> World {
    World::new(Origin::Syscall, 257, [CWD, 0x1000, 0o100 | 0o1, 0o644, 0, 0], ret)
        .with(0x1000, b"/tmp/x\0")
        .int(Fact::OpenedDev, 0x801)
        .int(Fact::OpenedIno, 99)
        .bytes(Fact::OpenedPath, b"/private/tmp/x")
        .int(Fact::OpenedFlags, 0)
}

#[test]
fn openat_has_what_was_asked_and_what_was_opened() {
    let mut world = openat(3);
    let got = world.capture();
    assert_eq!(got.filler.event, EventType::OpenatExit);
    let header = *got.event().header();
    assert_eq!((header.kind, header.tid, header.pid, header.flags), (307, 11, 10, 0));
    assert_eq!((got.int("fd"), got.int("dirfd"), got.text("name")), (3, -100, "/tmp/x".into()));
    assert_eq!((got.int("flags"), got.int("mode")), (2 | 4, 0o644));
    assert_eq!((got.int("dev"), got.int("ino"), got.text("realpath")), (0x801, 99, "/private/tmp/x".into()));
    assert_eq!(got.status("name"), ParamStatus::USER);
    assert_eq!(got.status("realpath"), ParamStatus::OK);
    assert_eq!((got.class, got.rounds), (Class::State, 1));
}

#[test]
fn a_failed_call_is_ordinary_and_asks_for_no_results() {
    let mut world = openat(-2);
    let got = world.capture();
    assert_eq!((got.int("fd"), got.text("name")), (-2, "/tmp/x".into()));
    assert_eq!(got.event().header().flags, RecordFlags::FAILED);
    assert_eq!(got.class, Class::Ordinary);
    assert!(world.gathered.is_empty(), "nothing but results was wanted");
    assert_eq!((got.value("dev"), got.value("realpath")), (None, None));
}

#[test]
fn a_mode_without_a_new_file_means_nothing() {
    let mut world = openat(3);
    world.call.args[2] = 0o1;
    assert_eq!(world.capture().int("mode"), 0);
    world.call.args[2] = 0o20_200_000 | 0o2;
    assert_eq!(world.capture().int("mode"), 0o644, "O_TMPFILE makes a file too");
    world.call.args[2] = 0o200_000;
    assert_eq!(world.capture().int("mode"), 0, "O_DIRECTORY is only a part of O_TMPFILE");
}

#[test]
fn a_file_that_the_call_made_is_told_from_one_that_was_there() {
    let flags = |mut world: World, param: &str| world.capture().int(param);
    assert_eq!(flags(openat(3).int(Fact::OpenedNew, 1), "flags"), 2 | 4 | 0x4000);
    assert_eq!(flags(openat(3).int(Fact::OpenedNew, 0), "flags"), 2 | 4);
    assert_eq!(flags(openat(-17).int(Fact::OpenedNew, 1), "flags"), 2 | 4, "a failed call made nothing");
    let openat2 = World::new(Origin::Syscall, 437, [CWD, 0x1000, 0x2000, 24, 0, 0], 3).with(0x1000, b"x\0");
    let openat2 = openat2.words(0x2000, &[0o101, 0o600, 0]).int(Fact::OpenedNew, 1);
    assert_eq!(flags(openat2, "flags"), 2 | 4 | 0x4000);
    let creat = || World::new(Origin::Syscall, 85, [0x1000, 0o600, 0, 0, 0, 0], 3).with(0x1000, b"x\0");
    assert_eq!((flags(creat(), "creat_flags"), flags(creat().int(Fact::OpenedNew, 1), "creat_flags")), (0, 0x4000));
    let tables = [FlagTable::Open, FlagTable::Creat].map(|table| table.by_name("O_F_CREATED"));
    assert_eq!(tables, [Some(0x4000); 2], "the same bit in both");
}

#[test]
fn a_page_that_is_away_is_brought_in_once() {
    let mut world = openat(3).swapped(0x1000);
    let got = world.capture();
    assert_eq!((got.text("name"), got.rounds, world.faults), ("/tmp/x".into(), 2, 1));
}

#[test]
fn memory_that_is_gone_costs_the_parameter_and_not_the_event() {
    let mut world = openat(3);
    world.memory.clear();
    let got = world.capture();
    assert_eq!(got.status("name"), ParamStatus::UNREADABLE);
    assert_eq!(got.value("name"), None);
    assert_eq!((got.int("flags"), got.text("realpath")), (6, "/private/tmp/x".into()), "the rest is there");
    assert_eq!((got.rounds, world.faults), (2, 1));
}

#[test]
fn a_null_path_is_absent_and_an_empty_one_is_not() {
    let mut world = openat(-14);
    world.call.args[1] = 0;
    assert_eq!(world.capture().status("name"), ParamStatus::ABSENT);
    let mut world = openat(-2).with(0x1000, b"\0");
    assert_eq!(world.capture().text("name"), "");
}

#[test]
fn a_path_that_was_another_at_entry_is_marked() {
    let changed = ParamStatus::USER.with(ParamStatus::CHANGED);
    assert_eq!(openat(3).before(1, b"/tmp/x").capture().status("name"), ParamStatus::USER);
    let got = openat(3).before(1, b"/tmp/y").capture();
    assert_eq!((got.status("name"), got.text("name")), (changed, "/tmp/x".into()));
    assert_eq!(openat(3).before(1, b"/tmp/xy").capture().status("name"), changed, "also where it is only longer");
}

#[test]
fn a_path_longer_than_any_is_cut_and_marked() {
    let mut world = openat(3).with(0x1000, &[b'a'; 5000]).with(0x1000 + 5000, b"\0");
    let got = world.capture();
    assert_eq!(got.value("name").map(|v| v.len()), Some(4096));
    assert_eq!(got.status("name"), ParamStatus::USER.with(ParamStatus::TRUNCATED));
    assert_eq!(got.int("ino"), 99, "what follows is not harmed");
}

#[test]
fn openat2_reads_its_structure() {
    let mut world = World::new(Origin::Syscall, nr::OPENAT2, [5, 0x1000, 0x2000, 24, 0, 0], -2)
        .with(0x1000, b"f\0")
        .words(0x2000, &[0o100 | 0o2, 0o600, 0x8 | 0x2]);
    let got = world.capture();
    assert_eq!((got.int("dirfd"), got.int("flags"), got.int("mode"), got.int("resolve")), (5, 3 | 4, 0o600, 1 | 4));
}

#[test]
fn data_is_cut_at_the_snaplen() {
    let mut world = World::new(Origin::Syscall, nr::READ, [3, 0x1000, 500, 0, 0, 0], 200).with(0x1000, &[7; 200]);
    let got = world.capture();
    assert_eq!((got.int("res"), got.int("fd"), got.int("size")), (200, 3, 500));
    assert_eq!(got.value("data"), Some(vec![7; 80]));
    assert_eq!(got.status("data"), ParamStatus::USER.with(ParamStatus::TRUNCATED));
    world.snaplen = 1000;
    assert_eq!(world.capture().value("data"), Some(vec![7; 200]), "what was read, not what was asked");
    world.call.ret = -9;
    assert_eq!(world.capture().value("data"), None);
}

#[test]
fn a_failed_write_shows_what_it_wanted_to_write() {
    let mut world = World::new(Origin::Syscall, nr::WRITE, [1, 0x1000, 5, 0, 0, 0], -32).with(0x1000, b"hello");
    assert_eq!(world.capture().text("data"), "hello");
    world.call.ret = 2;
    assert_eq!(world.capture().text("data"), "he");
}

#[test]
fn buffers_are_joined_in_both_layouts() {
    let wide =
        World::new(Origin::Syscall, nr::WRITEV, [1, 0x2000, 2, 0, 0, 0], 5).words(0x2000, &[0x1000, 3, 0x1100, 4]);
    let narrow = World::new(Origin::Ia32, 146, [1, 0x2000, 2, 0, 0, 0], 5).halves(0x2000, &[0x1000, 3, 0x1100, 4]);
    for world in [wide, narrow] {
        let got = world.with(0x1000, b"abc").with(0x1100, b"defg").capture();
        assert_eq!((got.text("data"), got.int("size"), got.int("fd")), ("abcde".into(), 7, 1));
        assert_eq!(got.status("data"), ParamStatus::USER);
    }
}

#[test]
fn many_buffers_are_looked_at_up_to_a_bound() {
    let mut world = World::new(Origin::Syscall, nr::WRITEV, [1, 0x2000, 1024, 0, 0, 0], 1024).with(0x1000, b"x");
    for i in 0..1024 {
        world = world.words(0x2000 + i * 16, &[0x1000, 1]);
    }
    let got = world.capture();
    assert_eq!(got.value("data"), Some(vec![b'x'; 16]));
    assert!(got.status("data").has(ParamStatus::TRUNCATED) && got.status("size").has(ParamStatus::TRUNCATED));
}

const TUPLE: [u8; 13] = [2, 10, 0, 0, 1, 0x39, 0x30, 0, 0, 0, 0, 0, 0];

/// The same socket as a receiving call sees it.
const INBOUND: [u8; 13] = [2, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1, 0x39, 0x30];

#[test]
fn connect_has_the_address_asked_and_the_tuple_in_use() {
    let mut world = World::new(Origin::Syscall, nr::CONNECT, [4, 0x1000, 16, 0, 0, 0], -115)
        .with(0x1000, &[2, 0, 0x01, 0xbb, 192, 0, 2, 1])
        .bytes(Fact::Tuple, &TUPLE);
    let got = world.capture();
    assert_eq!(got.value("addr"), Some(vec![2, 192, 0, 2, 1, 0xbb, 0x01]), "the port in host order");
    assert_eq!(got.value("tuple"), Some(TUPLE.to_vec()), "also where the call has failed for now");
}

#[test]
fn socket_addresses_of_each_family() {
    let bind = |bytes: &[u8]| {
        let len = bytes.len() as u64;
        World::new(Origin::Syscall, nr::BIND, [4, 0x1000, len, 0, 0, 0], 0).with(0x1000, bytes).capture()
    };
    let mut v6 = vec![10, 0, 0, 80, 0, 0, 0, 0];
    v6.extend([0x20; 16]);
    v6.extend([0; 4]);
    let mut wanted = vec![10];
    wanted.extend([0x20; 16]);
    wanted.extend([80, 0]);
    assert_eq!(bind(&v6).value("addr"), Some(wanted));
    assert_eq!(bind(b"\x01\0/run/s\0junk").value("addr"), Some(b"\x01/run/s".to_vec()));
    assert_eq!(bind(b"\x01\0\0name").value("addr"), Some(b"\x01@name".to_vec()), "an abstract name");
    assert_eq!(bind(b"\x01\0").value("addr"), Some(vec![1]), "an unnamed one");
    assert_eq!(bind(b"\x10\0\0\0\x05\0\0\0\0\0\0\0").value("addr"), Some(vec![16]), "netlink");
    assert_eq!(bind(b"\x02\0\x01").value("addr"), Some(vec![2]));
    assert!(bind(b"\x02\0\x01").status("addr").has(ParamStatus::TRUNCATED));
    assert_eq!(bind(b"\x02").value("addr"), None);
}

#[test]
fn a_datagram_goes_from_the_socket_to_the_given_address() {
    let world = |to| {
        World::new(Origin::Syscall, nr::SENDTO, [4, 0x3000, 2, 0, to, 16], 2)
            .with(0x3000, b"hi")
            .with(0x1000, &[2, 0, 0, 53, 192, 0, 2, 1])
            .bytes(Fact::Tuple, &TUPLE)
    };
    let mut wanted = TUPLE[..7].to_vec();
    wanted.extend([192, 0, 2, 1, 53, 0]);
    assert_eq!(world(0x1000).capture().value("tuple"), Some(wanted));
    assert_eq!(world(0).capture().value("tuple"), Some(TUPLE.to_vec()));
}

#[test]
fn a_datagram_comes_from_the_given_address_to_the_socket() {
    let recvfrom = |from: &[u8], tuple: &[u8]| {
        World::new(Origin::Syscall, nr::RECVFROM, [4, 0x3000, 9, 0, 0x1000, 0x2000], 2)
            .with(0x3000, b"hi")
            .with(0x1000, from)
            .halves(0x2000, &[from.len() as u32])
            .bytes(Fact::Tuple, tuple)
            .capture()
    };
    let v4 = [2, 0, 0, 53, 192, 0, 2, 1];
    let wanted = vec![2, 192, 0, 2, 1, 53, 0, 10, 0, 0, 1, 0x39, 0x30];
    assert_eq!(recvfrom(&v4, &INBOUND).value("tuple"), Some(wanted));
    assert_eq!(recvfrom(&[], &INBOUND).value("tuple"), Some(INBOUND.to_vec()));
    let mut other = vec![2, 192, 0, 2, 1, 53, 0];
    other.extend([0; 6]);
    assert_eq!(recvfrom(&v4, &[1; 17]).value("tuple"), Some(other), "an end of another family is not mixed in");
    let mut unix = vec![1];
    unix.extend([0; 8]);
    unix.extend([8; 8]);
    unix.extend(b"/s");
    let mut own = vec![1];
    own.extend([7; 8]);
    own.extend([8; 8]);
    assert_eq!(recvfrom(b"\x01\0/s\0", &own).value("tuple"), Some(unix));
}

#[test]
fn a_message_is_read_in_both_layouts() {
    let wide = World::new(Origin::Syscall, nr::RECVMSG, [4, 0x2000, 0, 0, 0, 0], 3)
        .words(0x2000, &[0x1000, 16, 0x2100, 1, 0x2200, 4, 0])
        .words(0x2100, &[0x3000, 64]);
    let narrow = World::new(Origin::Ia32, 372, [4, 0x2000, 0, 0, 0, 0], 3)
        .halves(0x2000, &[0x1000, 16, 0x2100, 1, 0x2200, 4, 0])
        .halves(0x2100, &[0x3000, 64]);
    for world in [wide, narrow] {
        let got = world
            .with(0x1000, &[2, 0, 0, 53, 192, 0, 2, 1])
            .with(0x2200, b"ctrl")
            .with(0x3000, b"abcdef")
            .bytes(Fact::Tuple, &INBOUND)
            .capture();
        assert_eq!((got.text("data"), got.int("size"), got.text("msgcontrol")), ("abc".into(), 64, "ctrl".into()));
        assert_eq!(got.value("tuple"), Some(vec![2, 192, 0, 2, 1, 53, 0, 10, 0, 0, 1, 0x39, 0x30]));
    }
}

#[test]
fn of_several_messages_the_first_is_shown() {
    let wide = World::new(Origin::Syscall, nr::SENDMMSG, [4, 0x2000, 2, 0, 0, 0], 2)
        .words(0x2000, &[0, 0, 0x2100, 1, 0, 0, 0, 5])
        .words(0x2100, &[0x3000, 6]);
    let narrow = World::new(Origin::Ia32, 345, [4, 0x2000, 2, 0, 0, 0], 2)
        .halves(0x2000, &[0, 0, 0x2100, 1, 0, 0, 0, 5])
        .halves(0x2100, &[0x3000, 6]);
    for world in [wide, narrow] {
        let mut world = world.with(0x3000, b"abcdef").bytes(Fact::Tuple, &TUPLE);
        let got = world.capture();
        assert_eq!((got.int("res"), got.text("data"), got.int("size")), (2, "abcde".into(), 6));
        assert_eq!(got.value("tuple"), Some(TUPLE.to_vec()));
        world.call.ret = -32;
        assert_eq!(world.capture().text("data"), "abcdef", "what it wanted to send");
    }
}

#[test]
fn socketcall_becomes_the_call_it_stands_for() {
    let mut world = World::new(Origin::Ia32, 102, [3, 0x2000, 0, 0, 0, 0], 0)
        .halves(0x2000, &[4, 0x1000, 8])
        .with(0x1000, &[2, 0, 0, 80, 127, 0, 0, 1])
        .swapped(0x2000);
    world.call = unwrap_call(&mut world);
    assert_eq!((world.call.nr, world.call.native_nr, world.call.args), (nr::CONNECT, 102, [4, 0x1000, 8, 0, 0, 0]));
    let got = world.capture();
    assert_eq!((got.filler.event, got.int("fd")), (EventType::ConnectExit, 4));
    assert_eq!(got.value("addr"), Some(vec![2, 127, 0, 0, 1, 80, 0]));
}

#[test]
fn socketcall_that_cannot_be_read_stays_generic() {
    for args in [[3, 0x9000, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], [99, 0, 0, 0, 0, 0]] {
        let mut world = World::new(Origin::Ia32, 102, args, -14);
        world.call = unwrap_call(&mut world);
        let got = world.capture();
        assert_eq!((got.filler.event, got.int("ID"), got.int("nativeID")), (EventType::GenericExit, 277, 102));
    }
}

#[test]
fn other_32_bit_wrappers_are_unwrapped() {
    let unwrapped = |native, args, memory: &[u32]| {
        let mut world = World::new(Origin::Ia32, native, args, 0).halves(0x2000, memory);
        let call = unwrap_call(&mut world);
        (call.nr, call.args)
    };
    assert_eq!(
        unwrapped(90, [0x2000, 0, 0, 0, 0, 0], &[0, 4096, 3, 0x22, u32::MAX, 0]),
        (nr::MMAP, [0, 4096, 3, 0x22, 0xffff_ffff, 0])
    );
    assert_eq!(unwrapped(117, [1 << 16 | 1, 7, 2, 0, 0x2000, 0], &[]), (nr::SEMOP, [7, 0x2000, 2, 0, 0, 0]));
    let mut wide = World::new(Origin::Syscall, nr::MMAP, [1, 2, 3, 4, 5, 6], 0);
    assert_eq!(unwrap_call(&mut wide).args, [1, 2, 3, 4, 5, 6]);
}

#[test]
fn old_32_bit_calls_have_narrow_ids_and_times() {
    let mut chown = World::new(Origin::Ia32, 182, [0x1000, 0xffff, 0x1_03e8, 0, 0, 0], 0).with(0x1000, b"f\0");
    let got = chown.capture();
    assert_eq!((got.int("uid"), got.int("gid")), (0xffff_ffff, 1000));
    chown.call = Call { native_nr: 212, ..chown.call };
    assert_eq!(chown.capture().int("gid"), 0x1_03e8);

    let narrow = World::new(Origin::Ia32, 162, [0x1000, 0, 0, 0, 0, 0], 0).halves(0x1000, &[2, 5]);
    let wide = World::new(Origin::Syscall, nr::NANOSLEEP, [0x1000, 0, 0, 0, 0, 0], 0).words(0x1000, &[2, 5]);
    let x32 = World::new(Origin::X32, nr::NANOSLEEP, [0x1000, 0, 0, 0, 0, 0], 0).words(0x1000, &[2, 5]);
    for mut world in [narrow, wide, x32] {
        assert_eq!(world.capture().int("interval"), 2_000_000_005);
    }
    let mut time64 = World::new(Origin::Ia32, 414, [0, 0, 0x1000, 0, 0, 0], 0).words(0x1000, &[1, 1]);
    let got = time64.capture();
    assert_eq!((got.filler.event, got.int("timeout")), (EventType::PpollExit, 1_000_000_001));
}

#[test]
fn limits_and_positions_follow_the_abi() {
    let mut limit = World::new(Origin::Ia32, 75, [7, 0x1000, 0, 0, 0, 0], 0).halves(0x1000, &[1024, u32::MAX]);
    let got = limit.capture();
    assert_eq!((got.int("cur"), got.int("max"), got.int("resource")), (1024, -1, 7));
    let mut pread = World::new(Origin::Ia32, 180, [3, 0x1000, 1, 5, 1, 0], 0).with(0x1000, b"x");
    assert_eq!(pread.capture().int("pos"), 1 << 32 | 5);
    pread = World::new(Origin::Syscall, nr::PREAD64, [3, 0x1000, 1, 5, 1, 0], 0);
    assert_eq!(pread.capture().int("pos"), 5);
    let mut seek = World::new(Origin::Ia32, 19, [3, 0xffff_fff6, 1, 0, 0, 0], -22);
    assert_eq!((seek.capture().int("offset"), seek.capture().int("whence")), (-10, 1));
    let mut llseek = World::new(Origin::Ia32, 140, [3, 1, 2, 0x1000, 0, 0], 0);
    assert_eq!(llseek.capture().int("offset"), 1 << 32 | 2);
}

#[test]
fn what_the_kernel_would_have_written_is_absent_after_a_failure() {
    let mut cwd = World::new(Origin::Syscall, nr::GETCWD, [0x1000, 100, 0, 0, 0, 0], 5)
        .with(0x1000, b"/tmp\0")
        .before(0, b"garbage");
    let got = cwd.capture();
    assert_eq!((got.text("path"), got.status("path")), ("/tmp".into(), ParamStatus::USER), "written, so not changed");
    cwd.call.ret = -34;
    assert_eq!(cwd.capture().status("path"), ParamStatus::ABSENT);
    let mut limit = World::new(Origin::Syscall, nr::GETRLIMIT, [7, 0x1000, 0, 0, 0, 0], -22).words(0x1000, &[1, 2]);
    assert_eq!(limit.capture().value("cur"), None);
    let mut chdir = World::new(Origin::Syscall, nr::CHDIR, [0x1000, 0, 0, 0, 0, 0], 0)
        .with(0x1000, b"sub\0")
        .bytes(Fact::Cwd, b"/home/sub");
    assert_eq!(chdir.capture().text("realpath"), "/home/sub");
    chdir.call.ret = -2;
    assert_eq!((chdir.capture().text("path"), chdir.capture().value("realpath")), ("sub".into(), None));
}

#[test]
fn a_failed_exec_shows_what_was_to_run() {
    let mut world = World::new(Origin::Syscall, nr::EXECVE, [0x1000, 0x2000, 0x2100, 0, 0, 0], -2)
        .with(0x1000, b"/no/such\0")
        .words(0x2000, &[0x3000, 0x3010, 0x3020, 0])
        .words(0x2100, &[0x3030, 0])
        .with(0x3000, b"such\0")
        .with(0x3010, b"-a\0")
        .with(0x3020, b"\0")
        .with(0x3030, b"A=1\0")
        .bytes(Fact::Comm, b"sh")
        .int(Fact::Pid, 10);
    let got = world.capture();
    assert_eq!((got.int("res"), got.text("exe"), got.text("args")), (-2, "such".into(), "-a\0\0".into()));
    assert_eq!(
        (got.text("env"), got.text("filename"), got.text("comm")),
        ("A=1\0".into(), "/no/such".into(), "sh".into())
    );
    assert_eq!(got.class, Class::Ordinary);
}

#[test]
fn a_new_program_is_told_by_the_kernel() {
    let mut world = World::new(Origin::Syscall, nr::EXECVE, [0x1000, 0x2000, 0x2100, 0, 0, 0], -2)
        .before(0, b"./run")
        .bytes(Fact::Exe, b"run")
        .bytes(Fact::Args, b"-v\0")
        .bytes(Fact::ExePath, b"/bin/run");
    let got = world.capture_with(&fillers::EXEC);
    assert_eq!((got.int("res"), got.text("exe"), got.text("args")), (0, "run".into(), "-v\0".into()));
    assert_eq!((got.text("filename"), got.text("trusted_exepath")), ("./run".into(), "/bin/run".into()));
    assert_eq!((got.class, got.event().header().flags, got.rounds), (Class::Critical, 0, 1), "no memory was read");
}

#[test]
fn a_thousand_arguments_are_bounded() {
    let count = 3000;
    let mut world = World::new(Origin::Syscall, nr::EXECVE, [0x1000, 0x10_0000, 0, 0, 0, 0], -7)
        .with(0x1000, b"/x\0")
        .with(0x2000, b"arg\0");
    for i in 0..count {
        world = world.words(0x10_0000 + i * 8, &[0x2000]);
    }
    let got = world.words(0x10_0000 + count * 8, &[0]).capture();
    assert_eq!(got.value("args").map(|v| v.len()), Some(999 * 4));
    assert!(got.status("args").has(ParamStatus::TRUNCATED));
    assert_eq!(got.text("filename"), "/x", "and what follows is there");
}

#[test]
fn children_exits_and_signals_come_from_facts() {
    let mut child = World::new(Origin::Syscall, nr::CLONE, [0x1200011, 0, 0, 0, 0, 0], 77)
        .int(Fact::Tid, 77)
        .int(Fact::Vtid, 2)
        .int(Fact::CloneFlags, 0x2000_0000);
    let got = child.capture_with(fillers::child_filler_for(nr::CLONE).expect("clone makes tasks"));
    assert_eq!((got.int("res"), got.int("tid"), got.int("vtid"), got.int("flags")), (0, 77, 2, 0x2000_0000));
    assert_eq!(child.capture().int("res"), 77, "the parent's side");
    assert_eq!(child.capture().int("flags"), 0x180_0000, "CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID");

    let mut exit = World::new(Origin::Syscall, 60, [0; 6], -1)
        .int(Fact::ExitStatus, 0x8b)
        .int(Fact::ExitSignal, 11)
        .int(Fact::ExitCore, 1);
    let got = exit.capture_with(&fillers::PROC_EXIT);
    assert_eq!((got.int("status"), got.int("sig"), got.int("core")), (0x8b, 11, 1));
    assert_eq!((got.class, got.event().header().flags), (Class::State, 0), "an exit does not fail");

    let mut signal = World::new(Origin::Syscall, 0, [5, 10, 9, 0, 0, 0], 0);
    let got = signal.capture_with(&fillers::SIGNAL_DELIVER);
    assert_eq!((got.int("spid"), got.int("dpid"), got.int("sig")), (5, 10, 9));
}

#[test]
fn values_whose_encoding_depends_on_the_call() {
    let mut option = World::new(Origin::Syscall, nr::SETSOCKOPT, [3, 1, 2, 0x1000, 4, 0], 0).halves(0x1000, &[1]);
    let got = option.capture();
    assert_eq!((got.int("level"), got.int("optname"), got.value("val")), (1, 2, Some(vec![2, 1, 0, 0, 0])));
    option = World::new(Origin::Syscall, nr::SETSOCKOPT, [3, 6, 1, 0x1000, 4, 0], 0).halves(0x1000, &[1]);
    let got = option.capture();
    assert_eq!((got.int("level"), got.int("optname"), got.value("val")), (2, 0, Some(vec![0, 1, 0, 0, 0])));
    option = World::new(Origin::Syscall, nr::SETSOCKOPT, [3, 1, 20, 0x1000, 16, 0], 0).words(0x1000, &[1, 500_000]);
    let mut time = vec![4];
    time.extend(1_500_000_000_u64.to_le_bytes());
    assert_eq!(option.capture().value("val"), Some(time));

    let mut ptrace = World::new(Origin::Syscall, nr::PTRACE, [7, 42, 1, 19, 0, 0], 0);
    let got = ptrace.capture();
    assert_eq!((got.int("request"), got.int("pid"), got.value("data")), (8, 42, Some(vec![1, 19])));
    assert_eq!(got.class, Class::Critical);

    let mut name = World::new(Origin::Syscall, nr::PRCTL, [15, 0x1000, 0, 0, 0, 0], 0).with(0x1000, b"new\0");
    let got = name.capture();
    assert_eq!((got.text("arg2_str"), got.int("arg2_int")), ("new".into(), 0));
    name.call.args = [38, 1, 0, 0, 0, 0];
    let got = name.capture();
    assert_eq!((got.value("arg2_str"), got.int("arg2_int")), (None, 1));

    let mut keys = World::new(Origin::Syscall, nr::KEYCTL, [1, 0x1000, 5, 5, 5, 0], 9).with(0x1000, b"ring\0");
    let got = keys.capture();
    assert_eq!((got.value("arg2"), got.value("arg3")), (Some(b"\x01ring".to_vec()), Some(vec![0; 9])));

    let mut caps = World::new(Origin::Syscall, nr::CAPSET, [0x1000, 0x2000, 0, 0, 0, 0], 0)
        .halves(0x1000, &[0x2008_0522, 0])
        .halves(0x2000, &[1, 2, 3, 4, 5, 6]);
    let got = caps.capture();
    assert_eq!(
        (got.int("cap_effective"), got.int("cap_permitted"), got.int("cap_inheritable")),
        (1 | 4 << 32, 2 | 5 << 32, 3 | 6 << 32)
    );
}

#[test]
fn polled_descriptors_are_listed_with_their_answers() {
    let entry = |fd: u32, asked: u16, got: u16| [fd, u32::from(asked) | u32::from(got) << 16];
    let entries = [entry(3, 1, 1), entry(u32::MAX, 4, 0x2010)].concat();
    let mut world = World::new(Origin::Syscall, nr::POLL, [0x1000, 2, 500, 0, 0, 0], 1).halves(0x1000, &entries);
    let mut wanted = vec![2, 0];
    wanted.extend(3_i64.to_le_bytes());
    wanted.extend([1, 0]);
    wanted.extend((-1_i64).to_le_bytes());
    wanted.extend([0x28, 0]);
    let got = world.capture();
    assert_eq!((got.value("fds"), got.int("timeout")), (Some(wanted), 500));
    world.call.args = [0x1000, 100, 0xffff_ffff, 0, 0, 0];
    let mut world = world.with(0x1000, &[0; 800]);
    let got = world.capture();
    assert_eq!((got.value("fds").map(|v| v.len()), got.int("timeout")), (Some(2 + 64 * 10), -1));
    assert!(got.status("fds").has(ParamStatus::TRUNCATED));
}

#[test]
fn what_one_fact_takes_is_bounded() {
    let big = vec![b'x'; 40_000];
    let mut world = World::new(Origin::Syscall, nr::EXECVE, [0; 6], 0);
    for fact in Fact::ALL {
        world = world.bytes(*fact, &big);
    }
    for (i, fact) in (0..).zip([Fact::ExeIno, Fact::Pid, Fact::Euid]) {
        world = world.int(fact, i);
    }
    let got = world.capture_with(&fillers::EXEC);
    assert_eq!(got.value("args").map(|v| v.len()), Some(12 << 10));
    assert!(got.status("args").has(ParamStatus::TRUNCATED));
}

#[test]
fn a_fact_that_cannot_be_found_out_is_told_from_one_that_does_not_exist() {
    let mut world = openat(3);
    world.facts.remove(&(Fact::OpenedFlags as u8));
    world.facts.insert(Fact::OpenedPath as u8, support::Known::Unreadable);
    let got = world.capture();
    assert_eq!(got.status("realpath"), ParamStatus::UNREADABLE);
    assert_eq!(got.status("realflags"), ParamStatus::ABSENT);
}

#[test]
fn setuid_shows_what_the_task_got() {
    let mut world =
        World::new(Origin::Syscall, nr::SETUID, [0; 6], 0).int(Fact::Euid, 100_000).int(Fact::CapEffective, 0x1ff);
    let got = world.capture();
    assert_eq!((got.int("uid"), got.int("cred_euid"), got.int("cap_effective")), (0, 100_000, 0x1ff));
}

#[test]
fn calls_without_an_event_are_generic() {
    let mut world = World::new(Origin::Syscall, nr::WAIT4, [0; 6], -10);
    let got = world.capture();
    assert_eq!((got.int("ID"), got.int("nativeID"), got.int("res")), (69, 61, -10));
    let mut unknown = World::new(Origin::Syscall, 9999, [0; 6], -38);
    assert_eq!((unknown.call().nr, unknown.capture().int("nativeID")), (Call::UNKNOWN, 9999));
}

fn origins() -> impl Strategy<Value = Origin> {
    prop_oneof![Just(Origin::Syscall), Just(Origin::Ia32), Just(Origin::X32)]
}

/// Arguments that are often small, often pointers into memory that exists, and sometimes anything.
fn argument() -> impl Strategy<Value = u64> {
    prop_oneof![0..64_u64, 0x1000..0x1200_u64, any::<u32>().prop_map(u64::from), any::<u64>(), Just(0)]
}

fn memory() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![0..64_u64, 0x1000..0x1200_u64, any::<u64>()];
    prop::collection::vec(word, 1..64).prop_map(|words| words.iter().flat_map(|w| w.to_le_bytes()).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 8 } else { 2000 }))]

    /// `capture` itself checks that the record parses and stays in its bound.
    #[test]
    fn any_call_becomes_a_record(
        native in 0..480_u32,
        origin in origins(),
        args in prop::array::uniform6(argument()),
        ret in prop_oneof![-40..200_i64, any::<i64>()],
        memory in memory(),
        snaplen in prop_oneof![0..200_usize, Just(usize::MAX)],
        swapped in any::<bool>(),
    ) {
        let mut world = World::new(origin, native, args, ret).with(0x1000, &memory).bytes(Fact::Tuple, &TUPLE);
        if swapped {
            world = world.swapped(0x1000);
        }
        world.snaplen = snaplen;
        world.call = unwrap_call(&mut world);
        let got = world.capture();
        prop_assert!(got.rounds <= 2 && got.bound <= 64 << 10);
        let event = got.event();
        prop_assert_eq!(event.nparams(), got.filler.event.info().params.len());
        for (i, param) in got.filler.event.info().params.iter().enumerate() {
            if let (Some(value), Some(width)) = (event.value(i), param.ty.width()) {
                prop_assert_eq!(value.len(), width, "{} of {:?}", param.name, got.filler.event);
            }
            if let (Some((value, status)), true) = (event.param(i), param.ty.is_text()) {
                prop_assert!(!value.contains(&0), "{} of {:?}", param.name, got.filler.event);
                prop_assert!(status.is_present() || value.is_empty());
            }
        }
    }

    /// The tracepoint-like hooks as well, whatever the facts are.
    #[test]
    fn any_facts_become_a_record(seed in prop::collection::vec(any::<u8>(), 0..6000), which in 0..8_usize) {
        let table = [
            &fillers::EXEC, &fillers::EXECVEAT, &fillers::CLONE_CHILD, &fillers::FORK_CHILD,
            &fillers::VFORK_CHILD, &fillers::CLONE3_CHILD, &fillers::PROC_EXIT, &fillers::SIGNAL_DELIVER,
        ];
        let mut world = World::new(Origin::Syscall, 0, [0; 6], 0);
        for fact in Fact::ALL {
            world = world.bytes(*fact, &seed);
        }
        let got = world.capture_with(table[which]);
        prop_assert_eq!(got.event().nparams(), table[which].event.info().params.len());
    }
}

#[test]
fn a_span_that_is_too_small_is_refused() {
    use saker_driver_api::capture::{write_record, Attempt};
    let mut world = openat(3);
    assert_eq!(write_record(&mut world, filler_for(nr::OPENAT), &mut [0; 40], Attempt::First), Ok(0));
}

#[test]
fn plain_numbers_have_their_widths_and_leave_nothing_behind() {
    #[repr(align(8))]
    struct Span([u8; 256]);
    let mut plain = 0;
    for filler in fillers::all().filter(|filler| filler.plain) {
        plain += 1;
        let call = Call {
            nr: *filler.calls.first().unwrap(),
            native_nr: 7,
            origin: Origin::Syscall,
            args: [u64::MAX; 6],
            ret: -1,
        };
        let mut span = Span([0xaa; 256]);
        let header = saker_driver_api::record::EventHeader::default();
        let len = saker_driver_api::capture::write_numbers(&call, header, filler, &mut span.0);
        let event = saker_driver_api::record::RawEvent::parse(&span.0[..len]).unwrap();
        assert_eq!((event.header().kind, event.header().flags), (filler.event as u16, RecordFlags::FAILED));
        assert_eq!(event.nparams(), filler.info.params.len());
        let mut end = saker_driver_api::record::fixed_bytes(event.nparams());
        for (index, param) in filler.info.params.iter().enumerate() {
            let (bytes, status) = event.param(index).unwrap();
            assert_eq!((Some(bytes.len()), status), (param.ty.width(), ParamStatus::OK), "{}", param.name);
            end += bytes.len();
        }
        assert!(span.0[end..len].iter().all(|byte| *byte == 0), "{:?}: padding", filler.event);
        assert!(span.0[len..].iter().all(|byte| *byte == 0xaa), "{:?}: past the record", filler.event);
        assert_eq!(saker_driver_api::capture::write_numbers(&call, header, filler, &mut span.0[..len - 8]), 0);
    }
    assert!(plain > 20, "{plain} fillers are plain");
}
