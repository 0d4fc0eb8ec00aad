// SPDX-License-Identifier: Apache-2.0
// What the tests trace: `tracee WHAT ARGS...` does exactly one thing, and checks its own result.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <time.h>
#include <unistd.h>

static const char *path;
static int count;

static void must(int ok, const char *what) {
    if (!ok) {
        perror(what);
        _exit(99);
    }
}

static void open_and_close(int times) {
    for (int i = 0; i < times; i++) {
        int fd = open(path, O_RDONLY);
        must(fd >= 0, "open");
        must(close(fd) == 0, "close");
    }
}

static void *opener(void *unused) {
    (void)unused;
    open_and_close(count);
    return NULL;
}

static void in_threads(int threads, void *(*body)(void *)) {
    pthread_t ids[256];
    for (int i = 0; i < threads; i++)
        must(pthread_create(&ids[i], NULL, body, NULL) == 0, "pthread_create");
    for (int i = 0; i < threads; i++)
        must(pthread_join(ids[i], NULL) == 0, "pthread_join");
}

static void fork_times(int times) {
    for (int i = 0; i < times; i++) {
        pid_t child = fork();
        must(child >= 0, "fork");
        if (child == 0)
            _exit(i & 1);
        int status;
        must(waitpid(child, &status, 0) == child, "waitpid");
        must(WIFEXITED(status) && WEXITSTATUS(status) == (i & 1), "status");
    }
}

/* A 32-bit call from 64-bit code; pointers must lie below 4 GiB. */
static long int80(long nr, long a, long b, long c) {
    long ret;
    __asm__ volatile("int $0x80" : "=a"(ret) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
    return ret;
}

static void open_32(void) {
    char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    must(low != MAP_FAILED, "mmap");
    strcpy(low, path);
    long fd = int80(5, (long)low, O_RDONLY, 0);
    must(fd >= 0, "32-bit open");
    must(int80(6, fd, 0, 0) == 0, "32-bit close");
    /* socketcall(SYS_SOCKET, AF_UNIX, SOCK_STREAM, 0) */
    uint32_t *args = (uint32_t *)(low + 2048);
    args[0] = AF_UNIX;
    args[1] = SOCK_STREAM;
    args[2] = 0;
    must(int80(102, 1, (long)args, 0) >= 0, "socketcall");
}

static void open_x32(void) {
    long ret = syscall(0x40000000 | SYS_openat, AT_FDCWD, path, O_RDONLY, 0);
    must(ret >= 0 || errno == ENOSYS, "x32 openat");
}

static volatile sig_atomic_t caught, caught_value, caught_pid;

static void on_signal(int signal, siginfo_t *info, void *unused) {
    (void)unused;
    caught = signal;
    caught_value = info->si_value.sival_int;
    caught_pid = info->si_pid;
}

static void catch(int signal) {
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    must(sigaction(signal, &action, NULL) == 0, "sigaction");
}

static void real_time_signal(void) {
    catch (SIGRTMIN + 3);
    union sigval value = {.sival_int = 4711};
    must(sigqueue(getpid(), SIGRTMIN + 3, value) == 0, "sigqueue");
    must(caught == SIGRTMIN + 3 && caught_value == 4711 && caught_pid == getpid(), "what came with the signal");
}

static void own_trap(void) {
    catch (SIGTRAP);
    __asm__ volatile("int3");
    must(caught == SIGTRAP, "SIGTRAP");
    must(raise(SIGTRAP) == 0 && caught_pid == getpid(), "raised SIGTRAP");
}

static void *wait_for_ever(void *unused) {
    (void)unused;
    for (;;)
        pause();
}

/* The C library sends a real-time signal to each thread, and waits for its answer. */
static void setuid_in_threads(void) {
    pthread_t id;
    for (int i = 0; i < 4; i++)
        must(pthread_create(&id, NULL, wait_for_ever, NULL) == 0, "pthread_create");
    must(setuid(getuid()) == 0, "setuid");
    must(pthread_cancel(id) == 0 && pthread_join(id, NULL) == 0, "pthread_cancel");
}

static char **program;

static void *exec_from_here(void *unused) {
    (void)unused;
    execv(program[0], program);
    must(0, "execv");
    return NULL;
}

static void thread_exec(void) {
    pthread_t id;
    for (int i = 0; i < 3; i++)
        must(pthread_create(&id, NULL, wait_for_ever, NULL) == 0, "pthread_create");
    must(pthread_create(&id, NULL, exec_from_here, NULL) == 0, "pthread_create");
    wait_for_ever(NULL);
}

static void vfork_exec(void) {
    pid_t child = vfork();
    if (child == 0) {
        execv(program[0], program);
        _exit(98);
    }
    int status;
    must(waitpid(child, &status, 0) == child && status == 0, "waitpid");
}

static void open_at(const char *dir, const char *name) {
    int fd = open(dir, O_RDONLY | O_DIRECTORY);
    must(fd >= 0, "open directory");
    must(openat(fd, name, O_RDONLY) >= 0, "openat");
    must(chdir(dir) == 0, "chdir");
    must(open(name, O_RDONLY) >= 0, "open in the working directory");
}

static void rename_and_unlink(const char *dir) {
    must(chdir(dir) == 0, "chdir");
    int fd = open("sub", O_RDONLY | O_DIRECTORY);
    must(fd >= 0, "open");
    must(renameat(AT_FDCWD, "link/old", fd, "new") == 0, "renameat");
    must(unlinkat(fd, "new", 0) == 0, "unlinkat");
    must(unlink("dangling") == 0, "unlink");
}

static void in_chroot(const char *root, const char *name) {
    must(chroot(root) == 0 && chdir("/") == 0, "chroot");
    must(open(name, O_RDONLY) >= 0, "open");
    must(unlink(name) == 0, "unlink");
}

static void connect_to(const char *port) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    must(connect(fd, (struct sockaddr *)&to, sizeof to) == 0, "connect");
    must(send(fd, "hello", 5, 0) == 5, "send");
}

static void in_memory(void) {
    int fd = memfd_create("x", 0);
    must(fd >= 0, "memfd_create");
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    must(open(name, O_RDWR) >= 0, "open");
}

/* Opens what is there and what is not, in every way that may make a file. */
static void make_files(const char *dir) {
    must(chdir(dir) == 0, "chdir");
    int fd = open(".", O_RDONLY | O_DIRECTORY);
    must(fd >= 0, "open");
    for (int i = 0; i < 2; i++) {
        must(open("plain", O_WRONLY | O_CREAT, 0755) >= 0, "open");
        must(openat(fd, "at", O_RDWR | O_CREAT | O_TRUNC, 0644) >= 0, "openat");
        must(openat(fd, "link", O_RDWR | O_CREAT, 0644) >= 0, "openat through a link");
        must(syscall(SYS_open, "old", O_RDWR | O_CREAT, 0600) >= 0, "open");
        must(creat("creat", 0755) >= 0, "creat");
        uint64_t how[3] = {O_WRONLY | O_CREAT, 0600, 0};
        must(syscall(SYS_openat2, fd, "how", how, sizeof how) >= 0 || errno == ENOSYS, "openat2");
    }
    must(open("excl", O_WRONLY | O_CREAT | O_EXCL, 0600) >= 0, "open");
    must(open("excl", O_WRONLY | O_CREAT | O_EXCL, 0600) == -1, "open");
    must(open("/dev/null", O_WRONLY) >= 0, "open");
}

static char text[64];

static void *rewrite(void *unused) {
    (void)unused;
    for (;;) {
        __atomic_store_n(&text[0], 'b', __ATOMIC_RELAXED);
        __atomic_store_n(&text[0], 'a', __ATOMIC_RELAXED);
    }
    return NULL;
}

/* Names files that are not there while another thread changes the name. */
static void race(const char *dir, int times) {
    must(chdir(dir) == 0, "chdir");
    strcpy(text, "a-name");
    pthread_t id;
    must(pthread_create(&id, NULL, rewrite, NULL) == 0, "pthread_create");
    for (int i = 0; i < times; i++) {
        must(unlink(text) == -1, "unlink");
        must(unlink("constant") == -1, "unlink");
    }
}

/* A child with a child of its own ends; the orphan says who had it and who has it now, and ends once that is over. */
static void orphan(int subreaper) {
    int told[2], over[2];
    char byte;
    must(pipe(told) == 0 && pipe(over) == 0 && prctl(PR_SET_CHILD_SUBREAPER, subreaper) == 0, "prepare");
    pid_t root = getpid(), middle = fork();
    if (middle == 0) {
        pid_t own = getpid();
        if (fork() != 0)
            _exit(0);
        close(over[1]);
        must(read(over[0], &byte, 1) == 0, "end of the parent");
        printf("%d %d %d\n", root, own, getppid());
        exit(0);
    }
    close(told[1]);
    close(over[0]);
    must(waitpid(middle, NULL, 0) == middle, "waitpid");
    close(over[1]);
    must(read(told[0], &byte, 1) == 0, "end of the orphan");
    while (wait(NULL) > 0)
        ;
}

static void make_pairs(void) {
    int fds[2];
    must(pipe(fds) == 0 && pipe2(fds, O_CLOEXEC) == 0, "pipe");
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0, "socketpair");
    int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    must(bind(listener, (struct sockaddr *)&at, len) == 0 && listen(listener, 5) == 0, "listen");
    must(getsockname(listener, (struct sockaddr *)&at, &len) == 0, "getsockname");
    must(connect(client, (struct sockaddr *)&at, len) == 0, "connect");
    must(accept(listener, NULL, NULL) >= 0, "accept");
}

static void trace_me(void) {
    must(ptrace(PTRACE_TRACEME, 0, 0, 0) == -1 && errno == EPERM, "ptrace");
}

static void clone_untraced(void) {
    long child = syscall(SYS_clone, 0x800000 | SIGCHLD, 0, 0, 0, 0);
    if (child == 0)
        _exit(0);
    int status;
    must(waitpid(child, &status, 0) == child, "waitpid");
}

/* Opens and closes once a millisecond until told to stop, in two threads and a child. */
static void *busy(void *unused) {
    struct timespec pause = {.tv_nsec = 1000000};
    for (;;) {
        open_and_close(1);
        nanosleep(&pause, NULL);
    }
    return unused;
}

static void be_busy(void) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        busy(NULL);
    }
    pthread_t id;
    must(pthread_create(&id, NULL, busy, NULL) == 0, "pthread_create");
    busy(NULL);
}

static void hide_and_open(void) {
    must(prctl(PR_SET_DUMPABLE, 0) == 0, "prctl");
    open_and_close(1);
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    path = argc > 2 ? argv[2] : "/dev/null";
    count = argc > 3 ? atoi(argv[3]) : 1;
    program = argv + 2;
    if (!strcmp(what, "open"))
        open_and_close(count);
    else if (!strcmp(what, "threads"))
        in_threads(atoi(argv[4]), opener);
    else if (!strcmp(what, "forks"))
        fork_times(count);
    else if (!strcmp(what, "open32"))
        open_32();
    else if (!strcmp(what, "openx32"))
        open_x32();
    else if (!strcmp(what, "rtsig"))
        real_time_signal();
    else if (!strcmp(what, "trap"))
        own_trap();
    else if (!strcmp(what, "setuid"))
        setuid_in_threads();
    else if (!strcmp(what, "threadexec"))
        thread_exec();
    else if (!strcmp(what, "vfork"))
        vfork_exec();
    else if (!strcmp(what, "openat"))
        open_at(argv[2], argv[3]);
    else if (!strcmp(what, "unlink"))
        rename_and_unlink(argv[2]);
    else if (!strcmp(what, "chroot"))
        in_chroot(argv[2], argv[3]);
    else if (!strcmp(what, "connect"))
        connect_to(argv[2]);
    else if (!strcmp(what, "memfd"))
        in_memory();
    else if (!strcmp(what, "create"))
        make_files(argv[2]);
    else if (!strcmp(what, "race"))
        race(argv[2], count);
    else if (!strcmp(what, "orphan"))
        orphan(count);
    else if (!strcmp(what, "pairs"))
        make_pairs();
    else if (!strcmp(what, "traceme"))
        trace_me();
    else if (!strcmp(what, "untraced"))
        clone_untraced();
    else if (!strcmp(what, "busy"))
        be_busy();
    else if (!strcmp(what, "hide"))
        hide_and_open();
    else
        return 97;
    return 0;
}
