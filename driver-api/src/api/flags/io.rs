// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! Tables about io_uring, bpf, polling, quotas and semaphores.

use super::{table, Kind, Table};

// The third row has no kernel bit of its own among the flags a caller passes.
pub(super) const IO_URING_SETUP: Table = table!(set {
    "IORING_SETUP_IOPOLL" = 0x1 <- 0x1,
    "IORING_SETUP_SQPOLL" = 0x2 <- 0x2,
    "IORING_SQ_NEED_WAKEUP" = 0x4,
    "IORING_SETUP_SQ_AFF" = 0x8 <- 0x4,
    "IORING_SETUP_CQSIZE" = 0x10 <- 0x8,
    "IORING_SETUP_CLAMP" = 0x20 <- 0x10,
    "IORING_SETUP_ATTACH_RW" = 0x40 <- 0x20,
    "IORING_SETUP_R_DISABLED" = 0x80 <- 0x40,
});

pub(super) const IO_URING_FEATURES: Table = table!(set {
    "IORING_FEAT_SINGLE_MMAP" = 0x1 <- 0x1,
    "IORING_FEAT_NODROP" = 0x2 <- 0x2,
    "IORING_FEAT_SUBMIT_STABLE" = 0x4 <- 0x4,
    "IORING_FEAT_RW_CUR_POS" = 0x8 <- 0x8,
    "IORING_FEAT_CUR_PERSONALITY" = 0x10 <- 0x10,
    "IORING_FEAT_FAST_POLL" = 0x20 <- 0x20,
    "IORING_FEAT_POLL_32BITS" = 0x40 <- 0x40,
    "IORING_FEAT_SQPOLL_NONFIXED" = 0x80 <- 0x80,
    "IORING_FEAT_ENTER_EXT_ARG" = 0x100 <- 0x100,
    "IORING_FEAT_NATIVE_WORKERS" = 0x200 <- 0x200,
    "IORING_FEAT_RSRC_TAGS" = 0x400 <- 0x400,
});

pub(super) const IO_URING_ENTER: Table = table!(set {
    "IORING_ENTER_GETEVENTS" = 0x1 <- 0x1,
    "IORING_ENTER_SQ_WAKEUP" = 0x2 <- 0x2,
    "IORING_ENTER_SQ_WAIT" = 0x4 <- 0x4,
    "IORING_ENTER_EXT_ARG" = 0x8 <- 0x8,
});

pub(super) const IO_URING_REGISTER: Table = table!(one_or 0xffff {
    "IORING_REGISTER_BUFFERS" = 0 <- 0,
    "IORING_UNREGISTER_BUFFERS" = 1 <- 1,
    "IORING_REGISTER_FILES" = 2 <- 2,
    "IORING_UNREGISTER_FILES" = 3 <- 3,
    "IORING_REGISTER_EVENTFD" = 4 <- 4,
    "IORING_UNREGISTER_EVENTFD" = 5 <- 5,
    "IORING_REGISTER_FILES_UPDATE" = 6 <- 6,
    "IORING_REGISTER_EVENTFD_ASYNC" = 7 <- 7,
    "IORING_REGISTER_PROBE" = 8 <- 8,
    "IORING_REGISTER_PERSONALITY" = 9 <- 9,
    "IORING_UNREGISTER_PERSONALITY" = 10 <- 10,
    "IORING_REGISTER_RESTRICTIONS" = 11 <- 11,
    "IORING_REGISTER_ENABLE_RINGS" = 12 <- 12,
    "IORING_REGISTER_FILES2" = 13 <- 13,
    "IORING_REGISTER_FILES_UPDATE2" = 14 <- 14,
    "IORING_REGISTER_BUFFERS2" = 15 <- 15,
    "IORING_REGISTER_BUFFERS_UPDATE" = 16 <- 16,
    "IORING_REGISTER_IOWQ_AFF" = 17 <- 17,
    "IORING_UNREGISTER_IOWQ_AFF" = 18 <- 18,
    "IORING_REGISTER_IOWQ_MAX_WORKERS" = 19 <- 19,
    "IORING_REGISTER_RING_FDS" = 20 <- 20,
    "IORING_UNREGISTER_RING_FDS" = 21 <- 21,
    "IORING_REGISTER_PBUF_RING" = 22 <- 22,
    "IORING_UNREGISTER_PBUF_RING" = 23 <- 23,
});

pub(super) const BPF: Table = table!(one_or 0xffff_ffff {
    "BPF_MAP_CREATE" = 0 <- 0,
    "BPF_MAP_LOOKUP_ELEM" = 1 <- 1,
    "BPF_MAP_UPDATE_ELEM" = 2 <- 2,
    "BPF_MAP_DELETE_ELEM" = 3 <- 3,
    "BPF_MAP_GET_NEXT_KEY" = 4 <- 4,
    "BPF_PROG_LOAD" = 5 <- 5,
    "BPF_OBJ_PIN" = 6 <- 6,
    "BPF_OBJ_GET" = 7 <- 7,
    "BPF_PROG_ATTACH" = 8 <- 8,
    "BPF_PROG_DETACH" = 9 <- 9,
    "BPF_PROG_TEST_RUN" = 10 <- 10,
    "BPF_PROG_RUN" = 10,
    "BPF_PROG_GET_NEXT_ID" = 11 <- 11,
    "BPF_MAP_GET_NEXT_ID" = 12 <- 12,
    "BPF_PROG_GET_FD_BY_ID" = 13 <- 13,
    "BPF_MAP_GET_FD_BY_ID" = 14 <- 14,
    "BPF_OBJ_GET_INFO_BY_FD" = 15 <- 15,
    "BPF_PROG_QUERY" = 16 <- 16,
    "BPF_RAW_TRACEPOINT_OPEN" = 17 <- 17,
    "BPF_BTF_LOAD" = 18 <- 18,
    "BPF_BTF_GET_FD_BY_ID" = 19 <- 19,
    "BPF_TASK_FD_QUERY" = 20 <- 20,
    "BPF_MAP_LOOKUP_AND_DELETE_ELEM" = 21 <- 21,
    "BPF_MAP_FREEZE" = 22 <- 22,
    "BPF_BTF_GET_NEXT_ID" = 23 <- 23,
    "BPF_MAP_LOOKUP_BATCH" = 24 <- 24,
    "BPF_MAP_LOOKUP_AND_DELETE_BATCH" = 25 <- 25,
    "BPF_MAP_UPDATE_BATCH" = 26 <- 26,
    "BPF_MAP_DELETE_BATCH" = 27 <- 27,
    "BPF_LINK_CREATE" = 28 <- 28,
    "BPF_LINK_UPDATE" = 29 <- 29,
    "BPF_LINK_GET_FD_BY_ID" = 30 <- 30,
    "BPF_LINK_GET_NEXT_ID" = 31 <- 31,
    "BPF_ENABLE_STATS" = 32 <- 32,
    "BPF_ITER_CREATE" = 33 <- 33,
    "BPF_LINK_DETACH" = 34 <- 34,
    "BPF_PROG_BIND_MAP" = 35 <- 35,
    "BPF_TOKEN_CREATE" = 36 <- 36,
});

pub(super) const POLL: Table = table!(set {
    "POLLIN" = 0x1 <- 0x1,
    "POLLPRI" = 0x2 <- 0x2,
    "POLLOUT" = 0x4 <- 0x4,
    "POLLRDHUP" = 0x8 <- 0x2000,
    "POLLERR" = 0x10 <- 0x8,
    "POLLHUP" = 0x20 <- 0x10,
    "POLLNVAL" = 0x40 <- 0x20,
    "POLLRDNORM" = 0x80 <- 0x40,
    "POLLRDBAND" = 0x100 <- 0x80,
    "POLLWRNORM" = 0x200 <- 0x100,
    "POLLWRBAND" = 0x400 <- 0x200,
});

pub(super) const EPOLL_CREATE1: Table = table!(set { "EPOLL_CLOEXEC" = 1 <- 0o2000000 });

pub(super) const SPLICE: Table = table!(set {
    "SPLICE_F_MOVE" = 1 <- 1,
    "SPLICE_F_NONBLOCK" = 2 <- 2,
    "SPLICE_F_MORE" = 4 <- 4,
    "SPLICE_F_GIFT" = 8 <- 8,
});

// Numbers here are of the command alone: the caller's argument has the type of quota in its low byte.
pub(super) const QUOTA_COMMAND: Table = table!(one_or 0 {
    "Q_QUOTAON" = 0x1 <- 0x800002,
    "Q_QUOTAOFF" = 0x2 <- 0x800003,
    "Q_GETFMT" = 0x4 <- 0x800004,
    "Q_GETINFO" = 0x8 <- 0x800005,
    "Q_SETINFO" = 0x10 <- 0x800006,
    "Q_GETQUOTA" = 0x20 <- 0x800007,
    "Q_SETQUOTA" = 0x40 <- 0x800008,
    "Q_SYNC" = 0x80 <- 0x800001,
    "Q_XQUOTAON" = 0x100 <- 0x5801,
    "Q_XQUOTAOFF" = 0x200 <- 0x5802,
    "Q_XGETQUOTA" = 0x400 <- 0x5803,
    "Q_XSETQLIM" = 0x800 <- 0x5804,
    "Q_XGETQSTAT" = 0x1000 <- 0x5805,
    "Q_XQUOTARM" = 0x2000 <- 0x5806,
    "Q_XQUOTASYNC" = 0x4000 <- 0x5807,
    "Q_XGETQSTATV" = 0x8000 <- 0x5808,
    "Q_UNKNOWN" = 0,
});

pub(super) const QUOTA_TYPE: Table = table!(one_or 0 {
    "USRQUOTA" = 1 <- 0,
    "GRPQUOTA" = 2 <- 1,
    "PRJQUOTA" = 4 <- 2,
    "UNKNOWN" = 0,
});

pub(super) const QUOTA_FORMAT: Table = table!(one_or 1 {
    "QFMT_NOT_USED" = 1,
    "QFMT_VFS_OLD" = 2 <- 1,
    "QFMT_VFS_V0" = 4 <- 2,
    "QFMT_VFS_V1" = 8 <- 4,
});

pub(super) const QUOTA_DQI: Table = table!(one_or 0 {
    "DQF_NONE" = 1 <- 0,
    "V1_DQF_RSQUASH" = 2 <- 1,
    "UNKNOWN" = 0,
});

pub(super) const SEMOP: Table = table!(set {
    "IPC_NOWAIT" = 1 <- 0o4000,
    "SEM_UNDO" = 2 <- 0x1000,
});

pub(super) const SEMGET: Table = table!(set_keeping 0o777 {
    "IPC_EXCL" = 0x4000 <- 0o2000,
    "IPC_CREAT" = 0x2000 <- 0o1000,
});

pub(super) const SEMCTL: Table = table!(one_or 0 {
    "IPC_STAT" = 0x1 <- 2,
    "IPC_SET" = 0x2 <- 1,
    "IPC_RMID" = 0x4 <- 0,
    "IPC_INFO" = 0x8 <- 3,
    "SEM_INFO" = 0x10 <- 19,
    "SEM_STAT" = 0x20 <- 18,
    "GETALL" = 0x40 <- 13,
    "GETNCNT" = 0x80 <- 14,
    "GETPID" = 0x100 <- 11,
    "GETVAL" = 0x200 <- 12,
    "GETZCNT" = 0x400 <- 15,
    "SETALL" = 0x800 <- 17,
    "SETVAL" = 0x1000 <- 16,
    "UNKNOWN" = 0,
});
