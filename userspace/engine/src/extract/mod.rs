//! Values of fields for one event, from the record and the state.
//!
//! `EventView` answers between `State::before` and `State::after` of its event. The match in [`EventView::extract`] has
//! an arm for every field and no catch-all: a field added to the table does not compile until it is answered here.
//!
//! Paths come with two values where the state has both: what the kernel opened and what the caller's text reads. What is
//! not known is absent, never a made-up number; only where rules of others count on it does a name that is not known
//! read `<NA>` (`proc.name`, `user.name`, ...).

mod container;
mod evt;
mod fd;
mod fspath;
mod process;
mod thread;
mod time;
mod user;

use std::borrow::Cow;

use saker_event::Event;
use saker_filter::{Extracted, FieldId, FieldRef, FieldSource, Value};
use saker_state::{Context, FdInfo, State, Task};

pub(crate) use time::{iso8601, time_of_day};

/// Stands for a name that is not known.
const UNKNOWN_NAME: &[u8] = b"<NA>";

/// Times of other events that fields refer to, on the boot clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// The first event of the stream, in nanoseconds.
    pub first_ns: u64,
    /// The event before this one, in nanoseconds.
    pub previous_ns: u64,
}

/// An event with all that its fields can be asked of.
#[derive(Clone, Copy)]
pub struct EventView<'e> {
    event: Event<'e>,
    state: &'e State,
    context: &'e Context,
    num: u64,
    times: Times,
}

impl<'e> EventView<'e> {
    /// Puts an event and its state together. `num` is its position in the stream, counted from 1.
    #[must_use]
    pub fn new(event: Event<'e>, state: &'e State, context: &'e Context, num: u64, times: Times) -> Self {
        Self { event, state, context, num, times }
    }

    /// Position of the event in the stream, from 1.
    #[must_use]
    pub fn num(&self) -> u64 {
        self.num
    }

    /// The event.
    #[must_use]
    pub fn event(&self) -> &Event<'e> {
        &self.event
    }

    /// Its time in epoch nanoseconds; the boot clock's before the first clock record.
    #[must_use]
    pub fn epoch_ns(&self) -> u64 {
        self.state.epoch_ns(self.event.ts_ns()).unwrap_or(self.event.ts_ns())
    }

    /// Offset of local time from UTC, in seconds.
    #[must_use]
    pub fn utc_offset_s(&self) -> i32 {
        self.state.host().map_or(0, |host| host.utc_offset_s)
    }

    /// Name of the host, empty if not known.
    #[must_use]
    pub fn hostname(&self) -> &'e [u8] {
        self.state.host().map_or(&[], |host| &host.hostname)
    }

    /// Whether records about the process were lost, so that what is known of it may be wrong.
    #[must_use]
    pub fn is_suspect(&self) -> bool {
        self.task().is_some_and(|task| task.is_suspect())
    }

    fn task(&self) -> Option<Task<'e>> {
        self.state.task_of(self.context)
    }

    /// The thread, if more than its number is known.
    fn known_task(&self) -> Option<Task<'e>> {
        self.task().filter(|task| !task.is_stub())
    }

    fn fd(&self) -> Option<&'e FdInfo> {
        self.state.fd_of(self.context)
    }
}

fn absent<'a>() -> Extracted<'a> {
    Extracted::Absent
}

fn text<'a>(value: Option<&'a [u8]>) -> Extracted<'a> {
    value.map_or(Extracted::Absent, Extracted::text)
}

/// A text of which an empty one means that it is not known.
fn known_text(value: &[u8]) -> Extracted<'_> {
    text(Some(value).filter(|value| !value.is_empty()))
}

fn word<'a>(value: Option<&'static str>) -> Extracted<'a> {
    text(value.map(str::as_bytes))
}

fn owned<'a>(value: Option<Vec<u8>>) -> Extracted<'a> {
    value.map_or(Extracted::Absent, |value| Extracted::One(Value::Text(Cow::Owned(value))))
}

fn string<'a>(value: String) -> Extracted<'a> {
    owned(Some(value.into_bytes()))
}

fn flag<'a>(value: Option<bool>) -> Extracted<'a> {
    value.map_or(Extracted::Absent, |value| Extracted::One(Value::Bool(value)))
}

fn signed<'a>(value: Option<i64>) -> Extracted<'a> {
    value.map_or(Extracted::Absent, |value| Extracted::One(Value::I64(value)))
}

fn unsigned<'a>(value: Option<impl Into<u64>>) -> Extracted<'a> {
    value.map_or(Extracted::Absent, |value| Extracted::One(Value::U64(value.into())))
}

/// A number of which zero means that it is not known.
fn known_number<'a>(value: Option<impl Into<u64>>) -> Extracted<'a> {
    unsigned(value.map(Into::into).filter(|value| *value != 0))
}

/// An id of which a negative one means that it is not known.
fn known_id<'a>(value: Option<i64>) -> Extracted<'a> {
    signed(value.filter(|id| *id >= 0))
}

impl FieldSource for EventView<'_> {
    fn extract<'a>(&'a self, field: &FieldRef) -> Extracted<'a> {
        use FieldId as F;
        let view = self;
        let arg = &field.arg;
        match field.id {
            F::EvtAbspath => fspath::abspath(view, arg),
            F::EvtArg => evt::arg(view, arg),
            F::EvtArgs | F::EvtInfo => evt::args(view),
            F::EvtAround => evt::around(view, arg),
            F::EvtBuffer => evt::buffer(view),
            F::EvtBuflen => evt::buflen(view),
            F::EvtBuflenFile => evt::transferred(view, evt::Moves::Any, evt::On::File),
            F::EvtBuflenFileIn => evt::transferred(view, evt::Moves::In, evt::On::File),
            F::EvtBuflenFileOut => evt::transferred(view, evt::Moves::Out, evt::On::File),
            F::EvtBuflenIn => evt::transferred(view, evt::Moves::In, evt::On::Any),
            F::EvtBuflenNet => evt::transferred(view, evt::Moves::Any, evt::On::Net),
            F::EvtBuflenNetIn => evt::transferred(view, evt::Moves::In, evt::On::Net),
            F::EvtBuflenNetOut => evt::transferred(view, evt::Moves::Out, evt::On::Net),
            F::EvtBuflenOut => evt::transferred(view, evt::Moves::Out, evt::On::Any),
            F::EvtCategory => word(Some(evt::category(view))),
            F::EvtCount => unsigned(Some(1_u64)),
            F::EvtCountError => evt::count_error(view, &[]),
            F::EvtCountErrorFile => evt::count_error(view, &["file"]),
            F::EvtCountErrorMemory => evt::count_error(view, &["memory"]),
            F::EvtCountErrorNet => evt::count_error(view, &["net"]),
            F::EvtCountErrorOther => evt::count_error_other(view),
            F::EvtCountExit => evt::count_exit(view),
            F::EvtCountProcinfo | F::EvtCountThreadinfo => evt::count_procinfo(view, field.id),
            F::EvtCpu => signed(Some(view.event.cpu().into())),
            F::EvtDatetime => string(time::date_time(view.epoch_ns(), view.utc_offset_s(), true)),
            F::EvtDatetimeS => string(time::date_time(view.epoch_ns(), view.utc_offset_s(), false)),
            F::EvtDeltatime => unsigned(Some(evt::delta_ns(view))),
            F::EvtDeltatimeNs => unsigned(Some(evt::delta_ns(view) % time::SECOND_NS)),
            F::EvtDeltatimeS => unsigned(Some(evt::delta_ns(view) / time::SECOND_NS)),
            F::EvtFailed => flag(view.event.res().map(|res| res < 0)),
            F::EvtHostname => known_text(view.hostname()),
            F::EvtIoDir => evt::io_dir(view),
            F::EvtIsAsync => flag(Some(false)),
            F::EvtIsIo => flag(Some(evt::moves(view, evt::Moves::Any))),
            F::EvtIsIoRead => flag(Some(evt::moves(view, evt::Moves::In))),
            F::EvtIsIoWrite => flag(Some(evt::moves(view, evt::Moves::Out))),
            F::EvtIsOpenCreate => flag(Some(evt::open_created(view))),
            F::EvtIsOpenExec => flag(Some(evt::open_executable(view))),
            F::EvtIsOpenRead => flag(Some(evt::open_reads(view))),
            F::EvtIsOpenWrite => flag(Some(evt::open_writes(view))),
            F::EvtIsSyslog => flag(Some(evt::is_syslog(view))),
            F::EvtIsWait => flag(Some(evt::is_wait(view))),
            F::EvtNum => unsigned(Some(view.num)),
            F::EvtOutputtime | F::EvtTime => string(time_of_day(view.epoch_ns(), view.utc_offset_s(), true)),
            F::EvtRawarg => evt::raw_arg(view, arg),
            F::EvtRawres => signed(view.event.res()),
            F::EvtRawtime => unsigned(Some(view.epoch_ns())),
            F::EvtRawtimeNs => unsigned(Some(view.epoch_ns() % time::SECOND_NS)),
            F::EvtRawtimeS => unsigned(Some(view.epoch_ns() / time::SECOND_NS)),
            F::EvtReltime => unsigned(Some(evt::relative_ns(view))),
            F::EvtReltimeNs => unsigned(Some(evt::relative_ns(view) % time::SECOND_NS)),
            F::EvtReltimeS => unsigned(Some(evt::relative_ns(view) / time::SECOND_NS)),
            F::EvtRes => evt::result(view),
            F::EvtSource => word(Some(crate::SOURCE)),
            F::EvtTimeIso8601 => string(iso8601(view.epoch_ns())),
            F::EvtTimeS => string(time_of_day(view.epoch_ns(), view.utc_offset_s(), false)),
            F::EvtType => word(Some(view.event.name())),
            F::EvtTypeIs => evt::type_is(view, arg),
            F::SyscallType => evt::syscall_type(view),
            // There are no async, plugin or infrastructure events.
            F::EvtAsynctype | F::EvtPlugininfo | F::EvtPluginname => absent(),
            F::EvtInfraDockerContainerId
            | F::EvtInfraDockerContainerImage
            | F::EvtInfraDockerContainerName
            | F::EvtInfraDockerName => absent(),

            F::ProcAargs => process::of_ancestors(view, arg, |task| text(Some(task.args_joined()))),
            F::ProcAcmdline => process::of_ancestors(view, arg, process::cmdline),
            F::ProcAenv => process::ancestors_env(view, arg),
            F::ProcAexe => process::of_ancestors(view, arg, |task| text(Some(&task.image().exe))),
            F::ProcAexepath => process::of_ancestors(view, arg, |task| known_text(&task.image().exepath)),
            F::ProcAname => process::of_ancestors(view, arg, |task| known_text(task.comm())),
            F::ProcApid => process::of_ancestors(view, arg, |task| signed(Some(task.pid().into()))),
            F::ProcArgs => process::args(view, arg),
            F::ProcCmdlenargs => process::args_bytes(view),
            F::ProcCmdline => process::of(view.task(), process::cmdline),
            F::ProcCmdnargs => process::args_count(view),
            F::ProcCwd => process::cwd(view),
            F::ProcDuration => process::age(view, view.task()),
            F::ProcEnv => process::env(view, arg),
            F::ProcExe => text(view.known_task().map(|task| &*task.image().exe)),
            F::ProcExeIno => process::exe_ino(view),
            F::ProcExeInoCtime => known_number(view.task().map(|task| task.image().ctime_ns)),
            F::ProcExeInoCtimeDurationPidnsStart => process::ctime_after_pidns_start(view),
            F::ProcExeInoCtimeDurationProcStart => process::start_after_ctime(view),
            F::ProcExeInoMtime => known_number(view.task().map(|task| task.image().mtime_ns)),
            F::ProcExeline => process::exeline(view),
            F::ProcExepath => process::of(view.task(), |task| known_text(&task.image().exepath)),
            F::ProcFdlimit => known_id(view.known_task().map(|task| task.process().fdlimit)),
            F::ProcFdopencount => process::fd_count(view),
            F::ProcFdusage => process::fd_usage(view),
            F::ProcIsExeFromMemfd => process::exec_flag(view, saker_state::ExecFlags::FROM_MEMFD),
            F::ProcIsExeLowerLayer => process::exec_flag(view, saker_state::ExecFlags::LOWER_LAYER),
            F::ProcIsExeUpperLayer => process::exec_flag(view, saker_state::ExecFlags::UPPER_LAYER),
            F::ProcIsExeWritable => process::exec_flag(view, saker_state::ExecFlags::WRITABLE),
            F::ProcIsPgidLeader => flag(view.known_task().map(|task| task.process().pgid == i64::from(task.pid()))),
            F::ProcIsSidLeader => flag(view.known_task().map(|task| task.process().sid == i64::from(task.pid()))),
            F::ProcIsVpgidLeader => flag(view.known_task().map(|task| task.process().vpgid == task.process().vpid)),
            F::ProcLoginshellid => process::login_shell(view),
            F::ProcName => process::name(view),
            F::ProcNchilds => unsigned(view.task().map(|task| task.thread_count().saturating_sub(1))),
            F::ProcNthreads => unsigned(view.task().map(|task| task.thread_count())),
            F::ProcPcmdline => process::of(process::parent(view), process::cmdline),
            F::ProcPexe => process::of(process::parent(view), |task| text(Some(&task.image().exe))),
            F::ProcPexepath => process::of(process::parent(view), |task| known_text(&task.image().exepath)),
            F::ProcPgid => known_id(view.known_task().map(|task| task.process().pgid)),
            F::ProcPgidExe => process::of(process::group_leader(view), |task| text(Some(&task.image().exe))),
            F::ProcPgidExepath => process::of(process::group_leader(view), |task| known_text(&task.image().exepath)),
            F::ProcPgidName => process::of(process::group_leader(view), |task| known_text(task.comm())),
            F::ProcPid => process::pid(view),
            F::ProcPidTs => process::started(view, view.task()),
            F::ProcPidnsInitStartTs => known_number(view.task().map(|task| task.process().pidns_init_start_ns)),
            F::ProcPname => process::of(process::parent(view), |task| known_text(task.comm())),
            F::ProcPpid => signed(view.known_task().map(|task| task.process().ppid.into())),
            F::ProcPpidDuration => process::age(view, process::parent(view)),
            F::ProcPpidTs => process::started(view, process::parent(view)),
            F::ProcPvpid => known_id(process::parent(view).map(|task| task.process().vpid)),
            F::ProcSid => known_id(view.known_task().map(|task| task.process().sid)),
            F::ProcSidExe => process::of(process::session_leader(view), |task| text(Some(&task.image().exe))),
            F::ProcSidExepath => process::of(process::session_leader(view), |task| known_text(&task.image().exepath)),
            F::ProcSname => process::of(process::session_leader(view), |task| known_text(task.comm())),
            F::ProcStderrName => process::standard_name(view, 2),
            F::ProcStderrType => process::standard_type(view, 2),
            F::ProcStdinName => process::standard_name(view, 0),
            F::ProcStdinType => process::standard_type(view, 0),
            F::ProcStdoutName => process::standard_name(view, 1),
            F::ProcStdoutType => process::standard_type(view, 1),
            F::ProcTty => unsigned(view.known_task().map(|task| task.process().tty)),
            F::ProcVmrss => unsigned(view.known_task().map(|task| task.process().vm_rss)),
            F::ProcVmsize => unsigned(view.known_task().map(|task| task.process().vm_size)),
            F::ProcVmswap => unsigned(view.known_task().map(|task| task.process().vm_swap)),
            F::ProcVpgid => known_id(view.known_task().map(|task| task.process().vpgid)),
            F::ProcVpgidExe => process::of(process::vgroup_leader(view), |task| text(Some(&task.image().exe))),
            F::ProcVpgidExepath => process::of(process::vgroup_leader(view), |task| known_text(&task.image().exepath)),
            F::ProcVpgidName => process::of(process::vgroup_leader(view), |task| known_text(task.comm())),
            F::ProcVpid => known_id(view.known_task().map(|task| task.process().vpid)),

            F::ThreadCapEffective => thread::capabilities(view, |of| of.cap_effective),
            F::ThreadCapInheritable => thread::capabilities(view, |of| of.cap_inheritable),
            F::ThreadCapPermitted => thread::capabilities(view, |of| of.cap_permitted),
            F::ThreadCgroup => thread::cgroup(view, arg),
            F::ThreadCgroups => thread::cgroups(view),
            F::ThreadExectime => known_number(view.task().map(|task| task.thread().slice_ns)),
            F::ThreadIsmain => flag(view.task().map(|task| task.is_leader())),
            F::ThreadNametid => thread::name_tid(view),
            F::ThreadPfmajor => unsigned(view.known_task().map(|task| task.thread().faults_major)),
            F::ThreadPfminor => unsigned(view.known_task().map(|task| task.thread().faults_minor)),
            F::ThreadTid => signed(Some(view.event.tid().into())),
            F::ThreadTotexectime => known_number(view.task().map(|task| task.thread().cpu_ns)),
            F::ThreadVmrss => thread::memory(view, |of| of.vm_rss, 1),
            F::ThreadVmrssB => thread::memory(view, |of| of.vm_rss, 1024),
            F::ThreadVmsize => thread::memory(view, |of| of.vm_size, 1),
            F::ThreadVmsizeB => thread::memory(view, |of| of.vm_size, 1024),
            F::ThreadVtid => known_id(view.known_task().map(|task| task.thread().vtid)),
            // Shares of the last second need scheduler events at every switch, which no source delivers.
            F::ThreadCpu | F::ThreadCpuSystem | F::ThreadCpuUser => absent(),

            F::FdCip => fd::address(view, |socket| socket.client()),
            F::FdCnet => fd::address(view, |socket| socket.client()),
            F::FdConnected => flag(view.fd().map(FdInfo::is_connected)),
            F::FdContainerdirectory => fd::in_container(view, fd::directory(view)),
            F::FdContainername => fd::in_container(view, fd::name(view)),
            F::FdCport => fd::port(view, |socket| socket.client()),
            F::FdCproto => fd::service(view, |socket| socket.client()),
            F::FdDev => fd::device(view, |dev| dev.into()),
            F::FdDevMajor => fd::device(view, |dev| saker_driver_api::flags::decode_dev(dev).0.into()),
            F::FdDevMinor => fd::device(view, |dev| saker_driver_api::flags::decode_dev(dev).1.into()),
            F::FdDirectory => fd::directory(view),
            F::FdFilename => fd::filename(view),
            F::FdIno => fd::inode(view),
            F::FdIp | F::FdNet => fd::either_address(view),
            F::FdIsLowerLayer => fd::layer(view, "FD_LOWER_LAYER"),
            F::FdIsServer => flag(view.fd().map(|fd| fd.socket.as_ref().is_some_and(|socket| socket.is_server()))),
            F::FdIsUpperLayer => fd::layer(view, "FD_UPPER_LAYER"),
            F::FdL4proto => word(fd::ip_socket(view).and_then(|socket| socket.l4proto.word())),
            F::FdLip => fd::address(view, |socket| socket.local),
            F::FdLnet => fd::address(view, |socket| socket.local),
            F::FdLport => fd::port(view, |socket| socket.local),
            F::FdLproto => fd::service(view, |socket| socket.local),
            F::FdName => fd::name(view),
            F::FdNameChanged => flag(view.fd().map(|_| view.context.fd_name_changed())),
            F::FdNameraw => fd::raw_name(view),
            F::FdNum => signed(view.context.fd_num()),
            F::FdPort | F::FdProto => fd::either_port(view),
            F::FdRip => fd::address(view, |socket| socket.remote),
            F::FdRnet => fd::address(view, |socket| socket.remote),
            F::FdRport => fd::port(view, |socket| socket.remote),
            F::FdRproto => fd::service(view, |socket| socket.remote),
            F::FdSip => fd::address(view, |socket| socket.server()),
            F::FdSnet => fd::address(view, |socket| socket.server()),
            F::FdSockfamily => word(fd::family(view)),
            F::FdSport => fd::port(view, |socket| socket.server()),
            F::FdSproto => fd::service(view, |socket| socket.server()),
            F::FdType => word(view.fd().and_then(|fd| fd.kind.word())),
            F::FdTypechar => fd::typechar(view),
            F::FdTypes => fd::types(view, arg),
            F::FdUid => fd::uid(view),
            // Names of addresses would have to be resolved while watching and recorded; no source does so.
            F::FdCipName | F::FdLipName | F::FdRipName | F::FdSipName => absent(),

            F::FdlistCips => fd::polled(view, |fd| fd::ip_text(fd?.socket.as_ref()?.client())),
            F::FdlistCports => fd::polled(view, |fd| fd::port_text(fd?.socket.as_ref()?.client())),
            F::FdlistNames => fd::polled(view, |fd| Some(fd?.name.to_vec())),
            F::FdlistNums => fd::polled_numbers(view),
            F::FdlistSips => fd::polled(view, |fd| fd::ip_text(fd?.socket.as_ref()?.server())),
            F::FdlistSports => fd::polled(view, |fd| fd::port_text(fd?.socket.as_ref()?.server())),

            F::FsPathName => fspath::name(view),
            F::FsPathNameraw => fspath::raw_name(view),
            F::FsPathSource => fspath::source(view),
            F::FsPathSourceraw => fspath::raw_source(view),
            F::FsPathTarget => fspath::target(view),
            F::FsPathTargetraw => fspath::raw_target(view),

            F::UserHomedir => user::of(view, |user| &user.home),
            F::UserLoginname => user::login_name(view),
            F::UserLoginuid => user::login_uid(view),
            F::UserName => user::of(view, |user| &user.name),
            F::UserShell => user::of(view, |user| &user.shell),
            F::UserUid => unsigned(user::uid(view)),
            F::GroupGid => unsigned(user::gid(view)),
            F::GroupName => user::group_name(view),

            F::ContainerId | F::ContainerName | F::ContainerType => text(Some(container::HOST)),
            F::ContainerFullId
            | F::ContainerImage
            | F::ContainerImageDigest
            | F::ContainerImageId
            | F::ContainerImageRepository
            | F::ContainerImageTag
            | F::ContainerIp
            | F::ContainerCniJson
            | F::ContainerLabels
            | F::ContainerMounts => container::host_text(),
            F::ContainerHostIpc | F::ContainerHostNetwork | F::ContainerHostPid | F::ContainerPrivileged => {
                container::host_flag()
            }
            F::ContainerDuration | F::ContainerStartTs | F::ContainerLabel => absent(),
            F::ContainerMount
            | F::ContainerMountDest
            | F::ContainerMountMode
            | F::ContainerMountPropagation
            | F::ContainerMountRdwr
            | F::ContainerMountSource => absent(),
            F::K8sNsName
            | F::K8sPodCniJson
            | F::K8sPodFullSandboxId
            | F::K8sPodIp
            | F::K8sPodLabel
            | F::K8sPodLabels
            | F::K8sPodName
            | F::K8sPodSandboxId
            | F::K8sPodUid => absent(),
            // The configuration defines none.
            F::Static => absent(),

            // Deprecated: understood so that old rules load, never filled.
            F::EvtDir
            | F::EvtLatency
            | F::EvtLatencyHuman
            | F::EvtLatencyNs
            | F::EvtLatencyQuantized
            | F::EvtLatencyS
            | F::EvtWaitLatency => absent(),
            F::ProcIsContainerHealthcheck
            | F::ProcIsContainerLivenessProbe
            | F::ProcIsContainerReadinessProbe
            | F::ContainerHealthcheck
            | F::ContainerLivenessProbe
            | F::ContainerReadinessProbe => absent(),
            F::K8sDeploymentId
            | F::K8sDeploymentLabel
            | F::K8sDeploymentLabels
            | F::K8sDeploymentName
            | F::K8sNsId
            | F::K8sNsLabel
            | F::K8sNsLabels
            | F::K8sPodId
            | F::K8sRcId
            | F::K8sRcLabel
            | F::K8sRcLabels
            | F::K8sRcName
            | F::K8sRsId
            | F::K8sRsLabel
            | F::K8sRsLabels
            | F::K8sRsName
            | F::K8sSvcId
            | F::K8sSvcLabel
            | F::K8sSvcLabels
            | F::K8sSvcName => absent(),
        }
    }
}
