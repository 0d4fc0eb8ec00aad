//! The one table of fields: id, name, type, argument, class, flags and a line for the reader.
//!
//! Order is the order of `saker fields`. A row is all it takes to add a field; the engine's extractor matches
//! on [`FieldId`] and so fails to compile until it knows the new one.

use super::{ArgRule, Class, FieldFlags, FieldInfo, FieldType};

const NONE: ArgRule = ArgRule::NONE;
const NEED_NAME: ArgRule = ArgRule::required().name();
const MAY_NAME: ArgRule = ArgRule::optional().name();
const NEED_NAME_OR_INDEX: ArgRule = ArgRule::required().name().index();
const NEED_INDEX: ArgRule = ArgRule::required().index();
const MAY_INDEX: ArgRule = ArgRule::optional().index();
const NEED_KEY: ArgRule = ArgRule::required().key();
const MAY_KEY: ArgRule = ArgRule::optional().key();
const NEED_INDEX_OR_KEY: ArgRule = ArgRule::required().index().key();
const MAY_INDEX_OR_KEY: ArgRule = ArgRule::optional().index().key();

macro_rules! fields {
    ($($id:ident = $name:literal, $ty:ident, $arg:ident, $class:ident, [$($flag:ident),*], $text:literal;)+) => {
        /// Which field. The numbers are not stable between versions: store names, not numbers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum FieldId {
            $(#[doc = concat!("`", $name, "`: ", $text, ".")] $id,)+
        }

        /// Every field, indexed by [`FieldId`].
        pub(super) static FIELDS: [FieldInfo; [$($name),+].len()] = [
            $(FieldInfo {
                id: FieldId::$id,
                name: $name,
                ty: FieldType::$ty,
                arg: $arg,
                changes: Class::$class,
                flags: FieldFlags::PLAIN$(.with(FieldFlags::$flag))*,
                description: $text,
            },)+
        ];
    };
}

fields! {
    // evt.*
    EvtAbspath = "evt.abspath", Text, MAY_NAME, Event, [PATH], "absolute path of a call that takes a directory and a name; .src and .dst pick one of two";
    EvtArg = "evt.arg", Text, NEED_NAME_OR_INDEX, Event, [], "one parameter of the event as text, picked by name or by position";
    EvtArgs = "evt.args", Text, NONE, Event, [], "all parameters as one line of text";
    EvtAround = "evt.around", Uint64, NEED_INDEX, Event, [FILTER_ONLY, NO_RHS, NO_TRANSFORMER], "distance in milliseconds from a given raw time";
    EvtAsynctype = "evt.asynctype", Text, NONE, Event, [], "name of the async event";
    EvtBuffer = "evt.buffer", Bytes, NONE, Event, [], "the bytes an input or output call moved, up to the capture limit";
    EvtBuflen = "evt.buflen", Uint64, NONE, Event, [], "size of the captured I/O data";
    EvtBuflenFile = "evt.buflen.file", Uint64, NONE, Event, [UNLISTED], "I/O size on files";
    EvtBuflenFileIn = "evt.buflen.file.in", Uint64, NONE, Event, [UNLISTED], "I/O size on files, input";
    EvtBuflenFileOut = "evt.buflen.file.out", Uint64, NONE, Event, [UNLISTED], "I/O size on files, output";
    EvtBuflenIn = "evt.buflen.in", Uint64, NONE, Event, [UNLISTED], "I/O size, input only";
    EvtBuflenNet = "evt.buflen.net", Uint64, NONE, Event, [UNLISTED], "I/O size on sockets";
    EvtBuflenNetIn = "evt.buflen.net.in", Uint64, NONE, Event, [UNLISTED], "I/O size on sockets, input";
    EvtBuflenNetOut = "evt.buflen.net.out", Uint64, NONE, Event, [UNLISTED], "I/O size on sockets, output";
    EvtBuflenOut = "evt.buflen.out", Uint64, NONE, Event, [UNLISTED], "I/O size, output only";
    EvtCategory = "evt.category", Text, NONE, Event, [], "family of the event, such as file, net or process";
    EvtCount = "evt.count", Uint32, NONE, Event, [], "always 1, for summing";
    EvtCountError = "evt.count.error", Uint32, NONE, Event, [], "1 when the event failed";
    EvtCountErrorFile = "evt.count.error.file", Uint32, NONE, Event, [], "1 when a file call failed";
    EvtCountErrorMemory = "evt.count.error.memory", Uint32, NONE, Event, [], "1 when a memory call failed";
    EvtCountErrorNet = "evt.count.error.net", Uint32, NONE, Event, [], "1 when a network call failed";
    EvtCountErrorOther = "evt.count.error.other", Uint32, NONE, Event, [], "1 when any other call failed";
    EvtCountExit = "evt.count.exit", Uint32, NONE, Event, [], "1 for exit events";
    EvtCountProcinfo = "evt.count.procinfo", Uint32, NONE, Event, [UNLISTED], "1 for procinfo events of main threads";
    EvtCountThreadinfo = "evt.count.threadinfo", Uint32, NONE, Event, [UNLISTED], "1 for procinfo events";
    EvtCpu = "evt.cpu", Int16, NONE, Event, [], "number of the CPU the event was taken on";
    EvtDatetime = "evt.datetime", Text, NONE, Event, [], "local date and time with nanoseconds";
    EvtDatetimeS = "evt.datetime.s", Text, NONE, Event, [], "local date and time in whole seconds";
    EvtDeltatime = "evt.deltatime", RelTime, NONE, Event, [], "nanoseconds since the previous event";
    EvtDeltatimeNs = "evt.deltatime.ns", RelTime, NONE, Event, [], "nanosecond part of the time since the previous event";
    EvtDeltatimeS = "evt.deltatime.s", RelTime, NONE, Event, [], "seconds part of the time since the previous event";
    EvtDir = "evt.dir", Text, NONE, Event, [DEPRECATED], "direction of the event, always that of an exit here";
    EvtFailed = "evt.failed", Bool, NONE, Event, [], "true when the call returned an error";
    EvtHostname = "evt.hostname", Text, NONE, Event, [], "name of the host";
    EvtInfo = "evt.info", Text, NONE, Event, [], "same as evt.args";
    EvtInfraDockerContainerId = "evt.infra.docker.container.id", Text, NONE, Event, [UNLISTED], "container id in a docker infrastructure event";
    EvtInfraDockerContainerImage = "evt.infra.docker.container.image", Text, NONE, Event, [UNLISTED], "image in a docker infrastructure event";
    EvtInfraDockerContainerName = "evt.infra.docker.container.name", Text, NONE, Event, [UNLISTED], "container name in a docker infrastructure event";
    EvtInfraDockerName = "evt.infra.docker.name", Text, NONE, Event, [UNLISTED], "name of a docker infrastructure event";
    EvtIoDir = "evt.io_dir", Text, NONE, Event, [], "'r' or 'w' for I/O calls";
    EvtIsAsync = "evt.is_async", Bool, NONE, Event, [], "whether the event was injected asynchronously";
    EvtIsIo = "evt.is_io", Bool, NONE, Event, [], "true for calls that move data through a descriptor";
    EvtIsIoRead = "evt.is_io_read", Bool, NONE, Event, [], "true for input calls";
    EvtIsIoWrite = "evt.is_io_write", Bool, NONE, Event, [], "true for output calls";
    EvtIsOpenCreate = "evt.is_open_create", Bool, NONE, Event, [], "an open call made a new file";
    EvtIsOpenExec = "evt.is_open_exec", Bool, NONE, Event, [], "an open call made a file with an execute bit";
    EvtIsOpenRead = "evt.is_open_read", Bool, NONE, Event, [], "an open call asked to read";
    EvtIsOpenWrite = "evt.is_open_write", Bool, NONE, Event, [], "an open call asked to write";
    EvtIsSyslog = "evt.is_syslog", Bool, NONE, Event, [], "true for writes to /dev/log";
    EvtIsWait = "evt.is_wait", Bool, NONE, Event, [], "true for calls that block by design";
    EvtLatency = "evt.latency", RelTime, NONE, Event, [DEPRECATED], "time between the enter and the exit event";
    EvtLatencyHuman = "evt.latency.human", Text, NONE, Event, [DEPRECATED], "latency in friendly units";
    EvtLatencyNs = "evt.latency.ns", RelTime, NONE, Event, [DEPRECATED], "ns remainder of the latency";
    EvtLatencyQuantized = "evt.latency.quantized", Uint64, NONE, Event, [DEPRECATED, UNLISTED], "log10 bucket of the latency";
    EvtLatencyS = "evt.latency.s", RelTime, NONE, Event, [DEPRECATED], "seconds part of the latency";
    EvtNum = "evt.num", Uint64, NONE, Event, [], "position of the event in the stream, counted from 1";
    EvtOutputtime = "evt.outputtime", Text, NONE, Event, [PRINT_ONLY], "time in the form chosen on the command line";
    EvtPlugininfo = "evt.plugininfo", Text, NONE, Event, [], "summary of an event by the plugin that made it";
    EvtPluginname = "evt.pluginname", Text, NONE, Event, [], "plugin that made the event";
    EvtRawarg = "evt.rawarg", Dynamic, NEED_NAME, Event, [NO_RHS, NO_TRANSFORMER], "one parameter of the event by name, in its own type";
    EvtRawres = "evt.rawres", Int64, NONE, Event, [], "outcome as a signed number";
    EvtRawtime = "evt.rawtime", AbsTime, NONE, Event, [], "time in nanoseconds since the epoch";
    EvtRawtimeNs = "evt.rawtime.ns", AbsTime, NONE, Event, [], "nanosecond part of the time since the epoch";
    EvtRawtimeS = "evt.rawtime.s", AbsTime, NONE, Event, [], "seconds part of the time since the epoch";
    EvtReltime = "evt.reltime", RelTime, NONE, Event, [], "nanoseconds since the first event";
    EvtReltimeNs = "evt.reltime.ns", RelTime, NONE, Event, [], "nanosecond part of the time since the first event";
    EvtReltimeS = "evt.reltime.s", RelTime, NONE, Event, [], "seconds part of the time since the first event";
    EvtRes = "evt.res", Text, NONE, Event, [], "outcome as text: SUCCESS or the name of the error";
    EvtSource = "evt.source", Text, NONE, Event, [], "name of the source of the event";
    EvtTime = "evt.time", Text, NONE, Event, [], "local time of day with nanoseconds";
    EvtTimeIso8601 = "evt.time.iso8601", Text, NONE, Event, [], "time in ISO 8601, UTC, with nanoseconds";
    EvtTimeS = "evt.time.s", Text, NONE, Event, [], "local time of day in whole seconds";
    EvtType = "evt.type", Text, NONE, Event, [NO_TRANSFORMER, EVENT_NAME], "name of the event, for a syscall the name of the call";
    EvtTypeIs = "evt.type.is", Uint32, NEED_NAME, Event, [], "1 if the event is of the named type, else 0";
    EvtWaitLatency = "evt.wait_latency", RelTime, NONE, Event, [DEPRECATED], "time spent blocked";

    // syscall.*
    SyscallType = "syscall.type", Text, NONE, Event, [NO_TRANSFORMER, EVENT_NAME], "syscall name, unset for non-syscall events";

    // proc.*
    ProcAargs = "proc.aargs", Text, MAY_INDEX, Lineage, [ANCESTORS], "arguments of an ancestor, 1 is the parent; without a level, of any ancestor";
    ProcAcmdline = "proc.acmdline", Text, MAY_INDEX, Lineage, [NO_RHS, NO_TRANSFORMER, ANCESTORS], "command line of an ancestor, 1 is the parent; without a level, of any ancestor";
    ProcAenv = "proc.aenv", Text, MAY_INDEX_OR_KEY, Lineage, [NO_RHS, NO_TRANSFORMER, ANCESTORS], "environment of an ancestor by level, one variable of the nearest ancestor that has it, or any ancestor's";
    ProcAexe = "proc.aexe", Text, MAY_INDEX, Lineage, [NO_RHS, NO_TRANSFORMER, ANCESTORS], "first argument of an ancestor, 1 is the parent; without a level, of any ancestor";
    ProcAexepath = "proc.aexepath", Text, MAY_INDEX, Lineage, [NO_RHS, NO_TRANSFORMER, ANCESTORS], "executable path of an ancestor, 1 is the parent; without a level, of any ancestor";
    ProcAname = "proc.aname", Text, MAY_INDEX, Lineage, [NO_RHS, NO_TRANSFORMER, ANCESTORS], "short name of an ancestor, 1 is the parent; without a level, of any ancestor";
    ProcApid = "proc.apid", Int64, MAY_INDEX, Lineage, [NO_RHS, NO_TRANSFORMER, ANCESTORS], "process id of an ancestor, 1 is the parent; without a level, of any ancestor";
    ProcArgs = "proc.args", Text, MAY_INDEX, Process, [], "arguments after the first, joined with blanks; an index picks one";
    ProcCmdlenargs = "proc.cmdlenargs", Uint64, NONE, Process, [], "total argument characters without blanks";
    ProcCmdline = "proc.cmdline", Text, NONE, Process, [], "process name followed by its arguments";
    ProcCmdnargs = "proc.cmdnargs", Uint64, NONE, Process, [], "number of arguments";
    ProcCwd = "proc.cwd", Text, NONE, Process, [], "working directory";
    ProcDuration = "proc.duration", RelTime, NONE, Event, [], "nanoseconds since the process started";
    ProcEnv = "proc.env", Text, MAY_KEY, Process, [], "environment as one text; a name in brackets picks one variable";
    ProcExe = "proc.exe", Text, NONE, Process, [], "first argument of the process";
    ProcExeIno = "proc.exe_ino", Int64, NONE, Process, [], "inode number of the executable";
    ProcExeInoCtime = "proc.exe_ino.ctime", AbsTime, NONE, Process, [], "executable's inode change time, epoch ns";
    ProcExeInoCtimeDurationPidnsStart = "proc.exe_ino.ctime_duration_pidns_start", AbsTime, NONE, Process, [], "ns from PID namespace start to executable ctime (if later)";
    ProcExeInoCtimeDurationProcStart = "proc.exe_ino.ctime_duration_proc_start", AbsTime, NONE, Process, [], "ns from executable ctime to process start";
    ProcExeInoMtime = "proc.exe_ino.mtime", AbsTime, NONE, Process, [], "executable's content modification time, epoch ns";
    ProcExeline = "proc.exeline", Text, NONE, Process, [], "first argument and the others, joined with blanks";
    ProcExepath = "proc.exepath", Text, NONE, Process, [], "path of the executable file with links followed";
    ProcFdlimit = "proc.fdlimit", Int64, NONE, Process, [], "descriptor limit of the process";
    ProcFdopencount = "proc.fdopencount", Uint64, NONE, Event, [], "open descriptors of the process";
    ProcFdusage = "proc.fdusage", Double, NONE, Event, [], "open descriptors / limit";
    ProcIsContainerHealthcheck = "proc.is_container_healthcheck", Bool, NONE, Process, [DEPRECATED], "process is the container's health check";
    ProcIsContainerLivenessProbe = "proc.is_container_liveness_probe", Bool, NONE, Process, [DEPRECATED], "process is the liveness probe";
    ProcIsContainerReadinessProbe = "proc.is_container_readiness_probe", Bool, NONE, Process, [DEPRECATED], "process is the readiness probe";
    ProcIsExeFromMemfd = "proc.is_exe_from_memfd", Bool, NONE, Process, [], "the executable is an anonymous memory file";
    ProcIsExeLowerLayer = "proc.is_exe_lower_layer", Bool, NONE, Process, [], "the executable is in a read-only layer of the container's file system";
    ProcIsExeUpperLayer = "proc.is_exe_upper_layer", Bool, NONE, Process, [], "the executable is in the writable layer of the container's file system";
    ProcIsExeWritable = "proc.is_exe_writable", Bool, NONE, Process, [], "executable is writable by the user that ran it";
    ProcIsPgidLeader = "proc.is_pgid_leader", Bool, NONE, Process, [], "process leads its process group";
    ProcIsSidLeader = "proc.is_sid_leader", Bool, NONE, Process, [], "process leads its session";
    ProcIsVpgidLeader = "proc.is_vpgid_leader", Bool, NONE, Process, [], "process leads its namespace process group";
    ProcLoginshellid = "proc.loginshellid", Int64, NONE, Lineage, [], "pid of the oldest shell ancestor";
    ProcName = "proc.name", Text, NONE, Process, [], "short name of the process as the kernel keeps it, at most 15 bytes";
    ProcNchilds = "proc.nchilds", Uint64, NONE, Event, [], "live threads of the process without its leader";
    ProcNthreads = "proc.nthreads", Uint64, NONE, Event, [], "live threads of the process";
    ProcPcmdline = "proc.pcmdline", Text, NONE, Lineage, [], "command line of the parent";
    ProcPexe = "proc.pexe", Text, NONE, Lineage, [], "first argument of the parent";
    ProcPexepath = "proc.pexepath", Text, NONE, Lineage, [], "executable path of the parent";
    ProcPgid = "proc.pgid", Int64, NONE, Process, [], "process group id in the host PID namespace";
    ProcPgidExe = "proc.pgid.exe", Text, NONE, Lineage, [], "first argument of the group leader";
    ProcPgidExepath = "proc.pgid.exepath", Text, NONE, Lineage, [], "executable path of the group leader";
    ProcPgidName = "proc.pgid.name", Text, NONE, Lineage, [], "comm of the group leader";
    ProcPid = "proc.pid", Int64, NONE, Process, [], "process id";
    ProcPidTs = "proc.pid.ts", RelTime, NONE, Process, [], "process start, epoch ns";
    ProcPidnsInitStartTs = "proc.pidns_init_start_ts", Uint64, NONE, Process, [], "start of the PID namespace's init, epoch ns";
    ProcPname = "proc.pname", Text, NONE, Lineage, [], "short name of the parent process";
    ProcPpid = "proc.ppid", Int64, NONE, Lineage, [], "parent process id";
    ProcPpidDuration = "proc.ppid.duration", RelTime, NONE, Event, [], "ns since the parent started";
    ProcPpidTs = "proc.ppid.ts", RelTime, NONE, Lineage, [], "parent start, epoch ns";
    ProcPvpid = "proc.pvpid", Int64, NONE, Lineage, [], "parent's id inside its PID namespace";
    ProcSid = "proc.sid", Int64, NONE, Process, [], "session id";
    ProcSidExe = "proc.sid.exe", Text, NONE, Lineage, [], "first argument of the session leader";
    ProcSidExepath = "proc.sid.exepath", Text, NONE, Lineage, [], "executable path of the session leader";
    ProcSname = "proc.sname", Text, NONE, Lineage, [], "comm of the session leader";
    ProcStderrName = "proc.stderr.name", Text, NONE, Process, [], "descriptor name of fd 2";
    ProcStderrType = "proc.stderr.type", Text, NONE, Process, [], "descriptor type of fd 2";
    ProcStdinName = "proc.stdin.name", Text, NONE, Process, [], "descriptor name of fd 0";
    ProcStdinType = "proc.stdin.type", Text, NONE, Process, [], "descriptor type of fd 0";
    ProcStdoutName = "proc.stdout.name", Text, NONE, Process, [], "descriptor name of fd 1";
    ProcStdoutType = "proc.stdout.type", Text, NONE, Process, [], "descriptor type of fd 1";
    ProcTty = "proc.tty", Uint32, NONE, Process, [], "number of the controlling terminal, 0 when there is none";
    ProcVmrss = "proc.vmrss", Uint64, NONE, Event, [], "resident memory in KiB";
    ProcVmsize = "proc.vmsize", Uint64, NONE, Event, [], "virtual memory in KiB";
    ProcVmswap = "proc.vmswap", Uint64, NONE, Event, [], "swapped memory in KiB";
    ProcVpgid = "proc.vpgid", Int64, NONE, Process, [], "process group id inside the PID namespace";
    ProcVpgidExe = "proc.vpgid.exe", Text, NONE, Lineage, [], "first argument of the namespace group leader";
    ProcVpgidExepath = "proc.vpgid.exepath", Text, NONE, Lineage, [], "executable path of the namespace group leader";
    ProcVpgidName = "proc.vpgid.name", Text, NONE, Lineage, [], "comm of the namespace group leader";
    ProcVpid = "proc.vpid", Int64, NONE, Process, [], "process id inside its PID namespace";

    // thread.*
    ThreadCapEffective = "thread.cap_effective", Text, NONE, Process, [], "effective capability names";
    ThreadCapInheritable = "thread.cap_inheritable", Text, NONE, Process, [], "inheritable capability names";
    ThreadCapPermitted = "thread.cap_permitted", Text, NONE, Process, [], "permitted capability names";
    ThreadCgroup = "thread.cgroup", Text, NEED_NAME, Process, [], "cgroup path for one subsystem";
    ThreadCgroups = "thread.cgroups", Text, NONE, Process, [], "all cgroup paths of the thread in one text";
    ThreadCpu = "thread.cpu", Double, NONE, Event, [], "CPU share in the last second";
    ThreadCpuSystem = "thread.cpu.system", Double, NONE, Event, [], "system CPU share in the last second";
    ThreadCpuUser = "thread.cpu.user", Double, NONE, Event, [], "user CPU share in the last second";
    ThreadExectime = "thread.exectime", RelTime, NONE, Event, [], "CPU time of the last scheduling slice (switch events)";
    ThreadIsmain = "thread.ismain", Bool, NONE, Process, [], "thread is the group leader";
    ThreadNametid = "thread.nametid", Text, NONE, Process, [UNLISTED], "comm and tid joined";
    ThreadPfmajor = "thread.pfmajor", Uint64, NONE, Event, [], "major faults since thread start";
    ThreadPfminor = "thread.pfminor", Uint64, NONE, Event, [], "minor faults since thread start";
    ThreadTid = "thread.tid", Int64, NONE, Process, [], "thread id";
    ThreadTotexectime = "thread.totexectime", RelTime, NONE, Event, [], "CPU time since capture start (switch events)";
    ThreadVmrss = "thread.vmrss", Uint64, NONE, Event, [], "resident memory KiB, main thread only";
    ThreadVmrssB = "thread.vmrss.b", Uint64, NONE, Event, [UNLISTED], "resident memory bytes, main thread only";
    ThreadVmsize = "thread.vmsize", Uint64, NONE, Event, [], "virtual memory KiB, main thread only";
    ThreadVmsizeB = "thread.vmsize.b", Uint64, NONE, Event, [UNLISTED], "virtual memory bytes, main thread only";
    ThreadVtid = "thread.vtid", Int64, NONE, Process, [], "thread id inside its PID namespace";

    // fd.*
    FdCip = "fd.cip", Ip, NONE, Descriptor, [], "client address";
    FdCipName = "fd.cip.name", Text, NONE, Descriptor, [NO_RHS, NO_TRANSFORMER], "client address matches the resolved addresses of a domain";
    FdCnet = "fd.cnet", Net, NONE, Descriptor, [FILTER_ONLY, NO_RHS, NO_TRANSFORMER], "client address in a CIDR";
    FdConnected = "fd.connected", Bool, NONE, Descriptor, [], "socket is connected";
    FdContainerdirectory = "fd.containerdirectory", Text, NONE, Event, [PATH], "container id and directory joined";
    FdContainername = "fd.containername", Text, NONE, Event, [PATH], "container id and fd name joined";
    FdCport = "fd.cport", Port, NONE, Descriptor, [], "client port";
    FdCproto = "fd.cproto", Text, NONE, Descriptor, [], "client service name";
    FdDev = "fd.dev", Int32, NONE, Descriptor, [], "device number of the file";
    FdDevMajor = "fd.dev.major", Int32, NONE, Descriptor, [], "major device number";
    FdDevMinor = "fd.dev.minor", Int32, NONE, Descriptor, [], "minor device number";
    FdDirectory = "fd.directory", Text, NONE, Descriptor, [PATH], "directory part of the file's path";
    FdFilename = "fd.filename", Text, NONE, Descriptor, [PATH], "last component of the file's path";
    FdIno = "fd.ino", Int64, NONE, Descriptor, [], "inode number";
    FdIp = "fd.ip", Ip, NONE, Descriptor, [FILTER_ONLY, NO_RHS, NO_TRANSFORMER, ENDPOINTS], "address of either end of the connection";
    FdIsLowerLayer = "fd.is_lower_layer", Bool, NONE, Descriptor, [], "file is in the overlayfs lower layer";
    FdIsServer = "fd.is_server", Bool, NONE, Descriptor, [], "process is the server end";
    FdIsUpperLayer = "fd.is_upper_layer", Bool, NONE, Descriptor, [], "file is in the overlayfs upper layer";
    FdL4proto = "fd.l4proto", Text, NONE, Descriptor, [], "tcp, udp, icmp, raw";
    FdLip = "fd.lip", Ip, NONE, Descriptor, [], "local address";
    FdLipName = "fd.lip.name", Text, NONE, Descriptor, [NO_RHS, NO_TRANSFORMER], "local address matches a domain";
    FdLnet = "fd.lnet", Net, NONE, Descriptor, [FILTER_ONLY, NO_RHS, NO_TRANSFORMER], "local address in a CIDR";
    FdLport = "fd.lport", Port, NONE, Descriptor, [], "local port";
    FdLproto = "fd.lproto", Text, NONE, Descriptor, [], "local service name";
    FdName = "fd.name", Text, NONE, Descriptor, [PATH], "full path of a file, or the address tuple of a socket";
    FdNameChanged = "fd.name_changed", Bool, NONE, Event, [], "this event changed the descriptor's tuple/name";
    FdNameraw = "fd.nameraw", Text, NONE, Descriptor, [], "path as the caller wrote it";
    FdNet = "fd.net", Net, NONE, Descriptor, [FILTER_ONLY, NO_RHS, NO_TRANSFORMER, ENDPOINTS], "network that holds the address of either end";
    FdNum = "fd.num", Int64, NONE, Event, [], "descriptor number";
    FdPort = "fd.port", Port, NONE, Descriptor, [FILTER_ONLY, NO_RHS, NO_TRANSFORMER, ENDPOINTS], "port of either end of the connection";
    FdProto = "fd.proto", Port, NONE, Descriptor, [FILTER_ONLY, NO_RHS, NO_TRANSFORMER, ENDPOINTS], "service of either end of the connection";
    FdRip = "fd.rip", Ip, NONE, Descriptor, [], "remote address";
    FdRipName = "fd.rip.name", Text, NONE, Descriptor, [NO_RHS, NO_TRANSFORMER], "remote address matches a domain";
    FdRnet = "fd.rnet", Net, NONE, Descriptor, [FILTER_ONLY, NO_RHS, NO_TRANSFORMER], "remote address in a CIDR";
    FdRport = "fd.rport", Port, NONE, Descriptor, [], "remote port";
    FdRproto = "fd.rproto", Text, NONE, Descriptor, [], "remote service name";
    FdSip = "fd.sip", Ip, NONE, Descriptor, [], "server address";
    FdSipName = "fd.sip.name", Text, NONE, Descriptor, [NO_RHS, NO_TRANSFORMER], "server address matches a domain";
    FdSnet = "fd.snet", Net, NONE, Descriptor, [FILTER_ONLY, NO_RHS, NO_TRANSFORMER], "server address in a CIDR";
    FdSockfamily = "fd.sockfamily", Text, NONE, Descriptor, [], "ip or unix";
    FdSport = "fd.sport", Port, NONE, Descriptor, [], "server port";
    FdSproto = "fd.sproto", Text, NONE, Descriptor, [], "server service name";
    FdType = "fd.type", Text, NONE, Descriptor, [], "kind of descriptor as a word, such as file, ipv4 or pipe";
    FdTypechar = "fd.typechar", Text, NONE, Descriptor, [], "kind of descriptor as one letter";
    FdTypes = "fd.types", Text, MAY_INDEX, Event, [NO_RHS, LIST], "kinds of the descriptors the process has open; a number in brackets picks one";
    FdUid = "fd.uid", Text, NONE, Event, [], "fd number and tid joined";

    // fdlist.*
    FdlistCips = "fdlist.cips", Text, NONE, Event, [], "client addresses of a poll set";
    FdlistCports = "fdlist.cports", Text, NONE, Event, [], "client ports of a poll set";
    FdlistNames = "fdlist.names", Text, NONE, Event, [], "fd names of a poll set";
    FdlistNums = "fdlist.nums", Text, NONE, Event, [], "fd numbers of a poll set, comma joined";
    FdlistSips = "fdlist.sips", Text, NONE, Event, [], "server addresses of a poll set";
    FdlistSports = "fdlist.sports", Text, NONE, Event, [], "server ports of a poll set";

    // fs.*
    FsPathName = "fs.path.name", Text, NONE, Event, [PATH], "resolved path a file system call acts on";
    FsPathNameraw = "fs.path.nameraw", Text, NONE, Event, [], "path a file system call acts on, as the caller wrote it";
    FsPathSource = "fs.path.source", Text, NONE, Event, [PATH], "resolved path a two-path call reads from";
    FsPathSourceraw = "fs.path.sourceraw", Text, NONE, Event, [], "source path of a two-path call, as the caller wrote it";
    FsPathTarget = "fs.path.target", Text, NONE, Event, [PATH], "resolved path a two-path call writes to";
    FsPathTargetraw = "fs.path.targetraw", Text, NONE, Event, [], "target path of a two-path call, as the caller wrote it";

    // user.*
    UserHomedir = "user.homedir", Text, NONE, Process, [], "home directory of the user";
    UserLoginname = "user.loginname", Text, NONE, Process, [], "name for the audit uid";
    UserLoginuid = "user.loginuid", Int64, NONE, Process, [], "user id the session logged in with, -1 when unset";
    UserName = "user.name", Text, NONE, Process, [], "name of the user the thread acts as";
    UserShell = "user.shell", Text, NONE, Process, [], "login shell of the user";
    UserUid = "user.uid", Uint32, NONE, Process, [], "effective user id of the thread";

    // group.*
    GroupGid = "group.gid", Uint32, NONE, Process, [], "group id of the thread";
    GroupName = "group.name", Text, NONE, Process, [], "group name";

    // container.*
    ContainerCniJson = "container.cni.json", Text, NONE, Process, [], "CNI result text of the pod";
    ContainerDuration = "container.duration", RelTime, NONE, Event, [], "ns since container.start_ts";
    ContainerFullId = "container.full_id", Text, NONE, Process, [], "whole container id (from the runtime)";
    ContainerHealthcheck = "container.healthcheck", Text, NONE, Process, [DEPRECATED], "health check command line";
    ContainerHostIpc = "container.host_ipc", Bool, NONE, Process, [], "shares the host IPC namespace";
    ContainerHostNetwork = "container.host_network", Bool, NONE, Process, [], "shares the host network namespace";
    ContainerHostPid = "container.host_pid", Bool, NONE, Process, [], "shares the host PID namespace";
    ContainerId = "container.id", Text, NONE, Process, [SUGGESTED], "first 12 characters of the container id, or host";
    ContainerImage = "container.image", Text, NONE, Process, [], "image reference";
    ContainerImageDigest = "container.image.digest", Text, NONE, Process, [], "image digest";
    ContainerImageId = "container.image.id", Text, NONE, Process, [], "image id";
    ContainerImageRepository = "container.image.repository", Text, NONE, Process, [SUGGESTED], "name of the container image without its tag";
    ContainerImageTag = "container.image.tag", Text, NONE, Process, [SUGGESTED], "image tag";
    ContainerIp = "container.ip", Text, NONE, Process, [], "primary IPv4 of the container/pod";
    ContainerLabel = "container.label", Text, NEED_KEY, Process, [], "one label by key";
    ContainerLabels = "container.labels", Text, NONE, Process, [], "all labels, key:value comma joined";
    ContainerLivenessProbe = "container.liveness_probe", Text, NONE, Process, [DEPRECATED], "liveness probe command line";
    ContainerMount = "container.mount", Text, NEED_INDEX_OR_KEY, Process, [], "one mount picked by index or source glob";
    ContainerMountDest = "container.mount.dest", Text, NEED_INDEX_OR_KEY, Process, [], "destination of one mount, picked by index or source glob";
    ContainerMountMode = "container.mount.mode", Text, NEED_INDEX_OR_KEY, Process, [], "mode of one mount";
    ContainerMountPropagation = "container.mount.propagation", Text, NEED_INDEX_OR_KEY, Process, [], "propagation of one mount";
    ContainerMountRdwr = "container.mount.rdwr", Text, NEED_INDEX_OR_KEY, Process, [], "read/write flag of one mount";
    ContainerMountSource = "container.mount.source", Text, NEED_INDEX_OR_KEY, Process, [], "source of one mount, picked by index or dest glob";
    ContainerMounts = "container.mounts", Text, NONE, Process, [], "all mounts as source:dest:mode:rdwr:propagation, blank joined";
    ContainerName = "container.name", Text, NONE, Process, [SUGGESTED], "container name from the runtime; 'host' outside";
    ContainerPrivileged = "container.privileged", Bool, NONE, Process, [], "container was started privileged";
    ContainerReadinessProbe = "container.readiness_probe", Text, NONE, Process, [DEPRECATED], "readiness probe command line";
    ContainerStartTs = "container.start_ts", AbsTime, NONE, Process, [], "container start, epoch ns, from the PID namespace start";
    ContainerType = "container.type", Text, NONE, Process, [], "runtime kind (docker, containerd, cri-o, podman, lxc, ...)";

    // k8s.*
    K8sDeploymentId = "k8s.deployment.id", Text, NONE, Process, [DEPRECATED], "deployment id (never has a value)";
    K8sDeploymentLabel = "k8s.deployment.label", Text, NEED_KEY, Process, [DEPRECATED], "one label of the deployment (never has a value)";
    K8sDeploymentLabels = "k8s.deployment.labels", Text, NONE, Process, [DEPRECATED], "all labels of the deployment (never has a value)";
    K8sDeploymentName = "k8s.deployment.name", Text, NONE, Process, [DEPRECATED], "deployment name (never has a value)";
    K8sNsId = "k8s.ns.id", Text, NONE, Process, [DEPRECATED], "namespace id (never has a value)";
    K8sNsLabel = "k8s.ns.label", Text, NEED_KEY, Process, [DEPRECATED], "one label of the namespace (never has a value)";
    K8sNsLabels = "k8s.ns.labels", Text, NONE, Process, [DEPRECATED], "all labels of the namespace (never has a value)";
    K8sNsName = "k8s.ns.name", Text, NONE, Process, [SUGGESTED], "namespace name from the runtime's labels";
    K8sPodCniJson = "k8s.pod.cni.json", Text, NONE, Process, [], "CNI result of the pod";
    K8sPodFullSandboxId = "k8s.pod.full_sandbox_id", Text, NONE, Process, [], "whole sandbox id";
    K8sPodId = "k8s.pod.id", Text, NONE, Process, [DEPRECATED], "old alias of the pod uid";
    K8sPodIp = "k8s.pod.ip", Text, NONE, Process, [], "pod IP";
    K8sPodLabel = "k8s.pod.label", Text, NEED_KEY, Process, [], "one pod label";
    K8sPodLabels = "k8s.pod.labels", Text, NONE, Process, [], "all pod labels";
    K8sPodName = "k8s.pod.name", Text, NONE, Process, [SUGGESTED], "pod name from the runtime's labels";
    K8sPodSandboxId = "k8s.pod.sandbox_id", Text, NONE, Process, [], "first 12 characters of the sandbox id";
    K8sPodUid = "k8s.pod.uid", Text, NONE, Process, [], "pod uid";
    K8sRcId = "k8s.rc.id", Text, NONE, Process, [DEPRECATED], "replication controller id (never has a value)";
    K8sRcLabel = "k8s.rc.label", Text, NEED_KEY, Process, [DEPRECATED], "one label of the replication controller (never has a value)";
    K8sRcLabels = "k8s.rc.labels", Text, NONE, Process, [DEPRECATED], "all labels of the replication controller (never has a value)";
    K8sRcName = "k8s.rc.name", Text, NONE, Process, [DEPRECATED], "replication controller name (never has a value)";
    K8sRsId = "k8s.rs.id", Text, NONE, Process, [DEPRECATED], "replica set id (never has a value)";
    K8sRsLabel = "k8s.rs.label", Text, NEED_KEY, Process, [DEPRECATED], "one label of the replica set (never has a value)";
    K8sRsLabels = "k8s.rs.labels", Text, NONE, Process, [DEPRECATED], "all labels of the replica set (never has a value)";
    K8sRsName = "k8s.rs.name", Text, NONE, Process, [DEPRECATED], "replica set name (never has a value)";
    K8sSvcId = "k8s.svc.id", Text, NONE, Process, [DEPRECATED], "service id (never has a value)";
    K8sSvcLabel = "k8s.svc.label", Text, NEED_KEY, Process, [DEPRECATED], "one label of the service (never has a value)";
    K8sSvcLabels = "k8s.svc.labels", Text, NONE, Process, [DEPRECATED], "all labels of the service (never has a value)";
    K8sSvcName = "k8s.svc.name", Text, NONE, Process, [DEPRECATED], "service name (never has a value)";

    // static.*
    Static = "static", Text, NEED_NAME, Process, [], "constant set by the operator in the configuration";
}
