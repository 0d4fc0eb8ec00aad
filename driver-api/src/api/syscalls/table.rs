// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! The rows behind the functions of this module, made once from the kernel's `unistd` headers.

/// Numbers of system calls, named like the calls: those of x86-64, and from [`super::ONLY_32`] on those that only the
/// 32-bit ABI has.
macro_rules! calls {
    ($($ident:ident = $nr:literal $name:literal $code:literal)+) => {
        /// Numbers of system calls, under the names of the calls.
        #[allow(missing_docs, reason = "each constant is named like its call")]
        pub mod nr {
            $(pub const $ident: u32 = $nr;)+
        }

        /// Number, name and portable code (0 for none) of each call, by number.
        pub(super) const CALLS: &[(u16, &str, u16)] = &[$(($nr, $name, $code)),+];
    };
}

calls! {
    READ = 0 "read" 3
    WRITE = 1 "write" 4
    OPEN = 2 "open" 5
    CLOSE = 3 "close" 6
    STAT = 4 "stat" 14
    FSTAT = 5 "fstat" 20
    LSTAT = 6 "lstat" 50
    POLL = 7 "poll" 105
    LSEEK = 8 "lseek" 15
    MMAP = 9 "mmap" 55
    MPROTECT = 10 "mprotect" 75
    MUNMAP = 11 "munmap" 56
    BRK = 12 "brk" 32
    RT_SIGACTION = 13 "rt_sigaction" 107
    RT_SIGPROCMASK = 14 "rt_sigprocmask" 108
    RT_SIGRETURN = 15 "rt_sigreturn" 298
    IOCTL = 16 "ioctl" 34
    PREAD64 = 17 "pread64" 294
    PWRITE64 = 18 "pwrite64" 295
    READV = 19 "readv" 87
    WRITEV = 20 "writev" 88
    ACCESS = 21 "access" 23
    PIPE = 22 "pipe" 30
    SELECT = 23 "select" 84
    SCHED_YIELD = 24 "sched_yield" 99
    MREMAP = 25 "mremap" 104
    MSYNC = 26 "msync" 86
    MINCORE = 27 "mincore" 138
    MADVISE = 28 "madvise" 139
    SHMGET = 29 "shmget" 267
    SHMAT = 30 "shmat" 297
    SHMCTL = 31 "shmctl" 268
    DUP = 32 "dup" 29
    DUP2 = 33 "dup2" 40
    PAUSE = 34 "pause" 21
    NANOSLEEP = 35 "nanosleep" 103
    GETITIMER = 36 "getitimer" 66
    ALARM = 37 "alarm" 19
    SETITIMER = 38 "setitimer" 65
    GETPID = 39 "getpid" 16
    SENDFILE = 40 "sendfile" 116
    SOCKET = 41 "socket" 241
    CONNECT = 42 "connect" 243
    ACCEPT = 43 "accept" 245
    SENDTO = 44 "sendto" 249
    RECVFROM = 45 "recvfrom" 250
    SENDMSG = 46 "sendmsg" 254
    RECVMSG = 47 "recvmsg" 256
    SHUTDOWN = 48 "shutdown" 251
    BIND = 49 "bind" 242
    LISTEN = 50 "listen" 244
    GETSOCKNAME = 51 "getsockname" 246
    GETPEERNAME = 52 "getpeername" 247
    SOCKETPAIR = 53 "socketpair" 248
    SETSOCKOPT = 54 "setsockopt" 252
    GETSOCKOPT = 55 "getsockopt" 253
    CLONE = 56 "clone" 327
    FORK = 57 "fork" 303
    VFORK = 58 "vfork" 304
    EXECVE = 59 "execve" 324
    EXIT = 60 "exit" 2
    WAIT4 = 61 "wait4" 69
    KILL = 62 "kill" 25
    UNAME = 63 "uname" 67
    SEMGET = 64 "semget" 260
    SEMOP = 65 "semop" 259
    SEMCTL = 66 "semctl" 261
    SHMDT = 67 "shmdt" 266
    MSGGET = 68 "msgget" 264
    MSGSND = 69 "msgsnd" 262
    MSGRCV = 70 "msgrcv" 263
    MSGCTL = 71 "msgctl" 265
    FCNTL = 72 "fcntl" 35
    FLOCK = 73 "flock" 85
    FSYNC = 74 "fsync" 72
    FDATASYNC = 75 "fdatasync" 90
    TRUNCATE = 76 "truncate" 57
    FTRUNCATE = 77 "ftruncate" 58
    GETDENTS = 78 "getdents" 83
    GETCWD = 79 "getcwd" 113
    CHDIR = 80 "chdir" 10
    FCHDIR = 81 "fchdir" 80
    RENAME = 82 "rename" 26
    MKDIR = 83 "mkdir" 27
    RMDIR = 84 "rmdir" 28
    CREAT = 85 "creat" 7
    LINK = 86 "link" 8
    UNLINK = 87 "unlink" 9
    SYMLINK = 88 "symlink" 49
    READLINK = 89 "readlink" 51
    CHMOD = 90 "chmod" 13
    FCHMOD = 91 "fchmod" 59
    CHOWN = 92 "chown" 132
    FCHOWN = 93 "fchown" 127
    LCHOWN = 94 "lchown" 118
    UMASK = 95 "umask" 37
    GETTIMEOFDAY = 96 "gettimeofday" 47
    GETRLIMIT = 97 "getrlimit" 117
    GETRUSAGE = 98 "getrusage" 46
    SYSINFO = 99 "sysinfo" 71
    TIMES = 100 "times" 31
    PTRACE = 101 "ptrace" 18
    GETUID = 102 "getuid" 119
    SYSLOG = 103 "syslog" 64
    GETGID = 104 "getgid" 120
    SETUID = 105 "setuid" 133
    SETGID = 106 "setgid" 134
    GETEUID = 107 "geteuid" 121
    GETEGID = 108 "getegid" 122
    SETPGID = 109 "setpgid" 36
    GETPPID = 110 "getppid" 41
    GETPGRP = 111 "getpgrp" 42
    SETSID = 112 "setsid" 43
    SETREUID = 113 "setreuid" 123
    SETREGID = 114 "setregid" 124
    GETGROUPS = 115 "getgroups" 125
    SETGROUPS = 116 "setgroups" 126
    SETRESUID = 117 "setresuid" 128
    GETRESUID = 118 "getresuid" 129
    SETRESGID = 119 "setresgid" 130
    GETRESGID = 120 "getresgid" 131
    GETPGID = 121 "getpgid" 79
    SETFSUID = 122 "setfsuid" 135
    SETFSGID = 123 "setfsgid" 136
    GETSID = 124 "getsid" 89
    CAPGET = 125 "capget" 114
    CAPSET = 126 "capset" 115
    RT_SIGPENDING = 127 "rt_sigpending" 109
    RT_SIGTIMEDWAIT = 128 "rt_sigtimedwait" 110
    RT_SIGQUEUEINFO = 129 "rt_sigqueueinfo" 111
    RT_SIGSUSPEND = 130 "rt_sigsuspend" 112
    SIGALTSTACK = 131 "sigaltstack" 317
    UTIME = 132 "utime" 22
    MKNOD = 133 "mknod" 12
    USELIB = 134 "uselib" 52
    PERSONALITY = 135 "personality" 82
    USTAT = 136 "ustat" 39
    STATFS = 137 "statfs" 62
    FSTATFS = 138 "fstatfs" 63
    SYSFS = 139 "sysfs" 81
    GETPRIORITY = 140 "getpriority" 60
    SETPRIORITY = 141 "setpriority" 61
    SCHED_SETPARAM = 142 "sched_setparam" 95
    SCHED_GETPARAM = 143 "sched_getparam" 96
    SCHED_SETSCHEDULER = 144 "sched_setscheduler" 97
    SCHED_GETSCHEDULER = 145 "sched_getscheduler" 98
    SCHED_GET_PRIORITY_MAX = 146 "sched_get_priority_max" 100
    SCHED_GET_PRIORITY_MIN = 147 "sched_get_priority_min" 101
    SCHED_RR_GET_INTERVAL = 148 "sched_rr_get_interval" 102
    MLOCK = 149 "mlock" 91
    MUNLOCK = 150 "munlock" 92
    MLOCKALL = 151 "mlockall" 93
    MUNLOCKALL = 152 "munlockall" 94
    VHANGUP = 153 "vhangup" 68
    MODIFY_LDT = 154 "modify_ldt" 366
    PIVOT_ROOT = 155 "pivot_root" 137
    SYSCTL = 156 "_sysctl" 385
    PRCTL = 157 "prctl" 106
    ARCH_PRCTL = 158 "arch_prctl" 296
    ADJTIMEX = 159 "adjtimex" 74
    SETRLIMIT = 160 "setrlimit" 45
    CHROOT = 161 "chroot" 38
    SYNC = 162 "sync" 24
    ACCT = 163 "acct" 33
    SETTIMEOFDAY = 164 "settimeofday" 48
    MOUNT = 165 "mount" 17
    UMOUNT2 = 166 "umount2" 323
    SWAPON = 167 "swapon" 53
    SWAPOFF = 168 "swapoff" 70
    REBOOT = 169 "reboot" 54
    SETHOSTNAME = 170 "sethostname" 44
    SETDOMAINNAME = 171 "setdomainname" 73
    IOPL = 172 "iopl" 391
    IOPERM = 173 "ioperm" 344
    CREATE_MODULE = 174 "create_module" 381
    INIT_MODULE = 175 "init_module" 76
    DELETE_MODULE = 176 "delete_module" 77
    GET_KERNEL_SYMS = 177 "get_kernel_syms" 372
    QUERY_MODULE = 178 "query_module" 386
    QUOTACTL = 179 "quotactl" 78
    NFSSERVCTL = 180 "nfsservctl" 378
    GETPMSG = 181 "getpmsg" 375
    PUTPMSG = 182 "putpmsg" 0
    AFS_SYSCALL = 183 "afs_syscall" 0
    TUXCALL = 184 "tuxcall" 0
    SECURITY = 185 "security" 0
    GETTID = 186 "gettid" 140
    READAHEAD = 187 "readahead" 373
    SETXATTR = 188 "setxattr" 141
    LSETXATTR = 189 "lsetxattr" 142
    FSETXATTR = 190 "fsetxattr" 143
    GETXATTR = 191 "getxattr" 144
    LGETXATTR = 192 "lgetxattr" 145
    FGETXATTR = 193 "fgetxattr" 146
    LISTXATTR = 194 "listxattr" 147
    LLISTXATTR = 195 "llistxattr" 148
    FLISTXATTR = 196 "flistxattr" 149
    REMOVEXATTR = 197 "removexattr" 150
    LREMOVEXATTR = 198 "lremovexattr" 151
    FREMOVEXATTR = 199 "fremovexattr" 152
    TKILL = 200 "tkill" 153
    TIME = 201 "time" 11
    FUTEX = 202 "futex" 154
    SCHED_SETAFFINITY = 203 "sched_setaffinity" 155
    SCHED_GETAFFINITY = 204 "sched_getaffinity" 156
    SET_THREAD_AREA = 205 "set_thread_area" 157
    IO_SETUP = 206 "io_setup" 159
    IO_DESTROY = 207 "io_destroy" 160
    IO_GETEVENTS = 208 "io_getevents" 161
    IO_SUBMIT = 209 "io_submit" 162
    IO_CANCEL = 210 "io_cancel" 163
    GET_THREAD_AREA = 211 "get_thread_area" 158
    LOOKUP_DCOOKIE = 212 "lookup_dcookie" 365
    EPOLL_CREATE = 213 "epoll_create" 165
    EPOLL_CTL_OLD = 214 "epoll_ctl_old" 364
    EPOLL_WAIT_OLD = 215 "epoll_wait_old" 379
    REMAP_FILE_PAGES = 216 "remap_file_pages" 168
    GETDENTS64 = 217 "getdents64" 240
    SET_TID_ADDRESS = 218 "set_tid_address" 169
    RESTART_SYSCALL = 219 "restart_syscall" 1
    SEMTIMEDOP = 220 "semtimedop" 371
    FADVISE64 = 221 "fadvise64" 319
    TIMER_CREATE = 222 "timer_create" 170
    TIMER_SETTIME = 223 "timer_settime" 171
    TIMER_GETTIME = 224 "timer_gettime" 172
    TIMER_GETOVERRUN = 225 "timer_getoverrun" 173
    TIMER_DELETE = 226 "timer_delete" 174
    CLOCK_SETTIME = 227 "clock_settime" 175
    CLOCK_GETTIME = 228 "clock_gettime" 176
    CLOCK_GETRES = 229 "clock_getres" 177
    CLOCK_NANOSLEEP = 230 "clock_nanosleep" 178
    EXIT_GROUP = 231 "exit_group" 164
    EPOLL_WAIT = 232 "epoll_wait" 167
    EPOLL_CTL = 233 "epoll_ctl" 166
    TGKILL = 234 "tgkill" 179
    UTIMES = 235 "utimes" 180
    VSERVER = 236 "vserver" 0
    MBIND = 237 "mbind" 363
    SET_MEMPOLICY = 238 "set_mempolicy" 368
    GET_MEMPOLICY = 239 "get_mempolicy" 387
    MQ_OPEN = 240 "mq_open" 181
    MQ_UNLINK = 241 "mq_unlink" 182
    MQ_TIMEDSEND = 242 "mq_timedsend" 183
    MQ_TIMEDRECEIVE = 243 "mq_timedreceive" 184
    MQ_NOTIFY = 244 "mq_notify" 185
    MQ_GETSETATTR = 245 "mq_getsetattr" 186
    KEXEC_LOAD = 246 "kexec_load" 187
    WAITID = 247 "waitid" 188
    ADD_KEY = 248 "add_key" 189
    REQUEST_KEY = 249 "request_key" 190
    KEYCTL = 250 "keyctl" 191
    IOPRIO_SET = 251 "ioprio_set" 192
    IOPRIO_GET = 252 "ioprio_get" 193
    INOTIFY_INIT = 253 "inotify_init" 194
    INOTIFY_ADD_WATCH = 254 "inotify_add_watch" 195
    INOTIFY_RM_WATCH = 255 "inotify_rm_watch" 196
    MIGRATE_PAGES = 256 "migrate_pages" 357
    OPENAT = 257 "openat" 197
    MKDIRAT = 258 "mkdirat" 198
    MKNODAT = 259 "mknodat" 199
    FCHOWNAT = 260 "fchownat" 200
    FUTIMESAT = 261 "futimesat" 201
    NEWFSTATAT = 262 "newfstatat" 300
    UNLINKAT = 263 "unlinkat" 202
    RENAMEAT = 264 "renameat" 203
    LINKAT = 265 "linkat" 204
    SYMLINKAT = 266 "symlinkat" 205
    READLINKAT = 267 "readlinkat" 206
    FCHMODAT = 268 "fchmodat" 207
    FACCESSAT = 269 "faccessat" 208
    PSELECT6 = 270 "pselect6" 209
    PPOLL = 271 "ppoll" 210
    UNSHARE = 272 "unshare" 211
    SET_ROBUST_LIST = 273 "set_robust_list" 212
    GET_ROBUST_LIST = 274 "get_robust_list" 213
    SPLICE = 275 "splice" 214
    TEE = 276 "tee" 215
    SYNC_FILE_RANGE = 277 "sync_file_range" 388
    VMSPLICE = 278 "vmsplice" 216
    MOVE_PAGES = 279 "move_pages" 358
    UTIMENSAT = 280 "utimensat" 219
    EPOLL_PWAIT = 281 "epoll_pwait" 218
    SIGNALFD = 282 "signalfd" 220
    TIMERFD_CREATE = 283 "timerfd_create" 221
    EVENTFD = 284 "eventfd" 222
    FALLOCATE = 285 "fallocate" 299
    TIMERFD_SETTIME = 286 "timerfd_settime" 223
    TIMERFD_GETTIME = 287 "timerfd_gettime" 224
    ACCEPT4 = 288 "accept4" 258
    SIGNALFD4 = 289 "signalfd4" 225
    EVENTFD2 = 290 "eventfd2" 226
    EPOLL_CREATE1 = 291 "epoll_create1" 227
    DUP3 = 292 "dup3" 228
    PIPE2 = 293 "pipe2" 229
    INOTIFY_INIT1 = 294 "inotify_init1" 230
    PREADV = 295 "preadv" 231
    PWRITEV = 296 "pwritev" 232
    RT_TGSIGQUEUEINFO = 297 "rt_tgsigqueueinfo" 233
    PERF_EVENT_OPEN = 298 "perf_event_open" 234
    RECVMMSG = 299 "recvmmsg" 257
    FANOTIFY_INIT = 300 "fanotify_init" 235
    FANOTIFY_MARK = 301 "fanotify_mark" 393
    PRLIMIT64 = 302 "prlimit64" 236
    NAME_TO_HANDLE_AT = 303 "name_to_handle_at" 376
    OPEN_BY_HANDLE_AT = 304 "open_by_handle_at" 329
    CLOCK_ADJTIME = 305 "clock_adjtime" 237
    SYNCFS = 306 "syncfs" 238
    SENDMMSG = 307 "sendmmsg" 255
    SETNS = 308 "setns" 239
    GETCPU = 309 "getcpu" 217
    PROCESS_VM_READV = 310 "process_vm_readv" 301
    PROCESS_VM_WRITEV = 311 "process_vm_writev" 302
    KCMP = 312 "kcmp" 361
    FINIT_MODULE = 313 "finit_module" 314
    SCHED_SETATTR = 314 "sched_setattr" 362
    SCHED_GETATTR = 315 "sched_getattr" 383
    RENAMEAT2 = 316 "renameat2" 320
    SECCOMP = 317 "seccomp" 316
    GETRANDOM = 318 "getrandom" 318
    MEMFD_CREATE = 319 "memfd_create" 342
    KEXEC_FILE_LOAD = 320 "kexec_file_load" 345
    BPF = 321 "bpf" 315
    EXECVEAT = 322 "execveat" 325
    USERFAULTFD = 323 "userfaultfd" 321
    MEMBARRIER = 324 "membarrier" 390
    MLOCK2 = 325 "mlock2" 333
    COPY_FILE_RANGE = 326 "copy_file_range" 326
    PREADV2 = 327 "preadv2" 359
    PWRITEV2 = 328 "pwritev2" 360
    PKEY_MPROTECT = 329 "pkey_mprotect" 350
    PKEY_ALLOC = 330 "pkey_alloc" 349
    PKEY_FREE = 331 "pkey_free" 351
    STATX = 332 "statx" 367
    IO_PGETEVENTS = 333 "io_pgetevents" 369
    RSEQ = 334 "rseq" 380
    URETPROBE = 335 "uretprobe" 443
    UPROBE = 336 "uprobe" 452
    PIDFD_SEND_SIGNAL = 424 "pidfd_send_signal" 348
    IO_URING_SETUP = 425 "io_uring_setup" 330
    IO_URING_ENTER = 426 "io_uring_enter" 331
    IO_URING_REGISTER = 427 "io_uring_register" 332
    OPEN_TREE = 428 "open_tree" 339
    MOVE_MOUNT = 429 "move_mount" 340
    FSOPEN = 430 "fsopen" 338
    FSCONFIG = 431 "fsconfig" 335
    FSMOUNT = 432 "fsmount" 337
    FSPICK = 433 "fspick" 336
    PIDFD_OPEN = 434 "pidfd_open" 347
    CLONE3 = 435 "clone3" 328
    CLOSE_RANGE = 436 "close_range" 392
    OPENAT2 = 437 "openat2" 322
    PIDFD_GETFD = 438 "pidfd_getfd" 346
    FACCESSAT2 = 439 "faccessat2" 384
    PROCESS_MADVISE = 440 "process_madvise" 389
    EPOLL_PWAIT2 = 441 "epoll_pwait2" 356
    MOUNT_SETATTR = 442 "mount_setattr" 341
    QUOTACTL_FD = 443 "quotactl_fd" 353
    LANDLOCK_CREATE_RULESET = 444 "landlock_create_ruleset" 352
    LANDLOCK_ADD_RULE = 445 "landlock_add_rule" 355
    LANDLOCK_RESTRICT_SELF = 446 "landlock_restrict_self" 354
    MEMFD_SECRET = 447 "memfd_secret" 343
    PROCESS_MRELEASE = 448 "process_mrelease" 377
    FUTEX_WAITV = 449 "futex_waitv" 374
    SET_MEMPOLICY_HOME_NODE = 450 "set_mempolicy_home_node" 370
    CACHESTAT = 451 "cachestat" 412
    FCHMODAT2 = 452 "fchmodat2" 413
    MAP_SHADOW_STACK = 453 "map_shadow_stack" 414
    FUTEX_WAKE = 454 "futex_wake" 417
    FUTEX_WAIT = 455 "futex_wait" 419
    FUTEX_REQUEUE = 456 "futex_requeue" 418
    STATMOUNT = 457 "statmount" 438
    LISTMOUNT = 458 "listmount" 437
    LSM_GET_SELF_ATTR = 459 "lsm_get_self_attr" 439
    LSM_SET_SELF_ATTR = 460 "lsm_set_self_attr" 440
    LSM_LIST_MODULES = 461 "lsm_list_modules" 441
    MSEAL = 462 "mseal" 442
    SETXATTRAT = 463 "setxattrat" 447
    GETXATTRAT = 464 "getxattrat" 446
    LISTXATTRAT = 465 "listxattrat" 445
    REMOVEXATTRAT = 466 "removexattrat" 444
    OPEN_TREE_ATTR = 467 "open_tree_attr" 448
    FILE_GETATTR = 468 "file_getattr" 449
    FILE_SETATTR = 469 "file_setattr" 450
    LISTNS = 470 "listns" 451
    RSEQ_SLICE_YIELD = 471 "rseq_slice_yield" 453
    WAITPID = 519 "waitpid" 293
    BREAK = 529 "break" 0
    OLDSTAT = 530 "oldstat" 420
    UMOUNT = 534 "umount" 288
    STIME = 537 "stime" 291
    OLDFSTAT = 540 "oldfstat" 426
    STTY = 543 "stty" 0
    GTTY = 544 "gtty" 0
    NICE = 546 "nice" 290
    FTIME = 547 "ftime" 0
    PROF = 556 "prof" 0
    SIGNAL = 560 "signal" 289
    LOCK = 565 "lock" 0
    MPX = 568 "mpx" 0
    ULIMIT = 570 "ulimit" 0
    OLDOLDUNAME = 571 "oldolduname" 434
    SIGACTION = 579 "sigaction" 403
    SGETMASK = 580 "sgetmask" 284
    SSETMASK = 581 "ssetmask" 285
    SIGSUSPEND = 584 "sigsuspend" 407
    SIGPENDING = 585 "sigpending" 286
    OLDLSTAT = 596 "oldlstat" 423
    READDIR = 601 "readdir" 405
    PROFIL = 610 "profil" 0
    SOCKETCALL = 614 "socketcall" 277
    OLDUNAME = 621 "olduname" 287
    IDLE = 624 "idle" 408
    VM86OLD = 625 "vm86old" 0
    IPC = 629 "ipc" 276
    SIGRETURN = 631 "sigreturn" 410
    SIGPROCMASK = 638 "sigprocmask" 275
    BDFLUSH = 646 "bdflush" 274
    LLSEEK = 652 "_llseek" 292
    NEWSELECT = 654 "_newselect" 283
    VM86 = 678 "vm86" 433
    UGETRLIMIT = 703 "ugetrlimit" 273
    MMAP2 = 704 "mmap2" 282
    STAT64 = 707 "stat64" 278
    LSTAT64 = 708 "lstat64" 279
    FSTAT64 = 709 "fstat64" 280
    GETUID32 = 711 "getuid32" 306
    GETGID32 = 712 "getgid32" 309
    GETEUID32 = 713 "geteuid32" 308
    GETEGID32 = 714 "getegid32" 334
    SETRESUID32 = 720 "setresuid32" 310
    GETRESUID32 = 721 "getresuid32" 312
    SETRESGID32 = 722 "setresgid32" 311
    GETRESGID32 = 723 "getresgid32" 313
    SETUID32 = 725 "setuid32" 305
    SETGID32 = 726 "setgid32" 307
    FCNTL64 = 733 "fcntl64" 281
    SENDFILE64 = 751 "sendfile64" 272
    STATFS64 = 780 "statfs64" 269
    FSTATFS64 = 781 "fstatfs64" 270
    FSTATAT64 = 812 "fstatat64" 271
    SEND = 1020 "send" 395
    RECV = 1021 "recv" 394
}

/// Names of portable codes that are no call of these ABIs, for captures made elsewhere.
pub(super) const OTHER_CODES: &[(u16, &str)] = &[
    (396, "sched_process_exit"),
    (397, "sched_switch"),
    (398, "page_fault_user"),
    (399, "page_fault_kernel"),
    (400, "signal_deliver"),
    (401, "timerfd"),
    (402, "s390_pci_mmio_read"),
    (404, "s390_pci_mmio_write"),
    (406, "s390_sthyi"),
    (409, "s390_runtime_instr"),
    (411, "s390_guarded_storage"),
    (415, "riscv_flush_icache"),
    (416, "riscv_hwprobe"),
    (421, "switch_endian"),
    (422, "multiplexer"),
    (424, "spu_create"),
    (425, "sync_file_range2"),
    (427, "spu_run"),
    (428, "swapcontext"),
    (429, "pciconfig_write"),
    (430, "rtas"),
    (431, "pciconfig_read"),
    (432, "sys_debug_setcontext"),
    (435, "subpage_prot"),
    (436, "pciconfig_iobase"),
];

/// Marks a number that no call has.
pub(super) const NONE: u16 = u16::MAX;

/// Our number of each 32-bit call.
#[rustfmt::skip]
pub(super) const I386: [u16; 472] = [
    219, 60, 57, 0, 1, 2, 3, 519, 85, 86, 87, 59, 80, 201, 133, 90,
    94, 529, 530, 8, 39, 165, 534, 105, 102, 537, 101, 37, 540, 34, 132, 543,
    544, 21, 546, 547, 162, 62, 82, 83, 84, 32, 22, 100, 556, 12, 106, 104,
    560, 107, 108, 163, 166, 565, 16, 72, 568, 109, 570, 571, 95, 161, 136, 33,
    110, 111, 112, 579, 580, 581, 113, 114, 584, 585, 170, 160, 97, 98, 96, 164,
    115, 116, 23, 88, 596, 89, 134, 167, 169, 601, 9, 11, 76, 77, 91, 93,
    140, 141, 610, 137, 138, 173, 614, 103, 38, 36, 4, 6, 5, 621, 172, 153,
    624, 625, 61, 168, 99, 629, 74, 631, 56, 171, 63, 154, 159, 10, 638, 174,
    175, 176, 177, 179, 121, 81, 646, 139, 135, 183, 122, 123, 652, 78, 654, 73,
    26, 19, 20, 124, 75, 156, 149, 150, 151, 152, 142, 143, 144, 145, 24, 146,
    147, 148, 35, 25, 117, 118, 678, 178, 7, 180, 119, 120, 157, 15, 13, 14,
    127, 128, 129, 130, 17, 18, 92, 79, 125, 126, 131, 40, 181, 182, 58, 703,
    704, 76, 77, 707, 708, 709, 94, 711, 712, 713, 714, 113, 114, 115, 116, 93,
    720, 721, 722, 723, 92, 725, 726, 122, 123, 155, 27, 28, 217, 733, NONE, NONE,
    186, 187, 188, 189, 190, 191, 192, 193, 194, 195, 196, 197, 198, 199, 200, 751,
    202, 203, 204, 205, 211, 206, 207, 208, 209, 210, 221, NONE, 231, 212, 213, 233,
    232, 216, 218, 222, 223, 224, 225, 226, 227, 228, 229, 230, 780, 781, 234, 235,
    221, 236, 237, 239, 238, 240, 241, 242, 243, 244, 245, 246, 247, NONE, 248, 249,
    250, 251, 252, 253, 254, 255, 256, 257, 258, 259, 260, 261, 812, 263, 264, 265,
    266, 267, 268, 269, 270, 271, 272, 273, 274, 275, 277, 276, 278, 279, 309, 281,
    280, 282, 283, 284, 285, 286, 287, 289, 290, 291, 292, 293, 294, 295, 296, 297,
    298, 299, 300, 301, 302, 303, 304, 305, 306, 307, 308, 310, 311, 312, 313, 314,
    315, 316, 317, 318, 319, 321, 322, 41, 53, 49, 42, 50, 288, 55, 54, 51,
    52, 44, 46, 45, 47, 48, 323, 324, 325, 326, 327, 328, 329, 330, 331, 332,
    158, 333, 334, NONE, NONE, NONE, NONE, NONE, NONE, 64, 66, 29, 31, 30, 67, 68,
    69, 70, 71, 228, 227, 305, 229, 230, 224, 223, 287, 286, 280, 270, 271, NONE,
    333, 299, 242, 243, 220, 128, 202, 148, 424, 425, 426, 427, 428, 429, 430, 431,
    432, 433, 434, 435, 436, 437, 438, 439, 440, 441, 442, 443, 444, 445, 446, 447,
    448, 449, 450, 451, 452, 453, 454, 455, 456, 457, 458, 459, 460, 461, 462, 463,
    464, 465, 466, 467, 468, 469, 470, 471,
];

/// Our number of each x32 call from 512 on: the calls whose structures differ.
#[rustfmt::skip]
pub(super) const X32: [u16; 36] = [
    13, 15, 16, 19, 20, 45, 46, 47, 59, 101, 127, 128, 129, 131, 222, 244,
    246, 247, 273, 274, 278, 279, 295, 296, 297, 299, 307, 310, 311, 54, 55, 206,
    209, 322, 327, 328,
];
