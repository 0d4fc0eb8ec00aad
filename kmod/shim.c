// SPDX-License-Identifier: GPL-2.0-only
/*
 * What no Rust binding reaches: inline functions of the kernel, and structures that bindgen leaves opaque.
 *
 * Nothing here decides anything. Each function is called with the lock of a ring held (so preemption is off and an
 * RCU reader is active) and sleeps nowhere, unless its comment says otherwise. Rust declares them in shim.rs; sizes
 * of shared structures are checked on both sides.
 */
#include <linux/audit.h>
#include <linux/binfmts.h>
#include <linux/cgroup.h>
#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/kdev_t.h>
#include <linux/kernfs.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/timer.h>
#include <linux/tracepoint.h>
#include <linux/tty.h>
#include <linux/uaccess.h>
#include <net/af_unix.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>

/* Steps of a walk over tasks that others may lengthen. */
#define MOST_STEPS 256

struct saker_inode {
	u64 ino;
	u64 dev;
	s64 ctime_s;
	s64 mtime_s;
	u32 ctime_ns;
	u32 mtime_ns;
	u32 uid;
	u32 gid;
	u32 mode;
	/* 1: no name leads to it any more. */
	u32 unlinked;
	/* On overlayfs: 1 in the upper layer, 2 in a lower one; else 0. */
	u32 layer;
	/* 1: the open made it. */
	u32 created;
};
static_assert(sizeof(struct saker_inode) == 64);

struct saker_socket {
	/* Addresses in network order, ports in host order. */
	u8 local[16];
	u8 peer[16];
	u64 ino;
	u64 peer_ino;
	u16 family;
	u16 local_port;
	u16 peer_port;
	/* Bytes of the path: that of the peer, or the socket's own where the peer has none. */
	u16 path_bytes;
	u32 backlog;
	u32 backlog_max;
	u8 path[112];
};
static_assert(sizeof(struct saker_socket) == 176);

struct saker_memory {
	u64 size_pages;
	u64 resident_pages;
	u64 swapped_pages;
};
static_assert(sizeof(struct saker_memory) == 24);

/* One end of a call: an entry of a directory, or with no entry the path itself. hooks.c makes them. */
struct saker_named {
	const struct path *path;
	const struct dentry *entry;
};

/* Prototypes, because the kernel warns without; Rust has its own. */
long saker_entry_path(const struct saker_named *named, const struct path *host, char *buf, int size, char **at);
long saker_path(const struct path *path, const struct path *host, char *buf, int size, char **at);
long saker_place(struct task_struct *task, bool root, const struct path *host, char *buf, int size, char **at);
void saker_host_root(struct path *root);
struct file *saker_exe_file(struct mm_struct *mm);
long saker_inode(const struct file *file, struct saker_inode *out);
long saker_socket(struct file *file, struct saker_socket *out);
void saker_memory(struct mm_struct *mm, struct saker_memory *out);
struct pt_regs *saker_current_regs(void);
u32 saker_reaper(struct task_struct *task);
long saker_cgroup(struct task_struct *task, char *buf, int size);
u32 saker_tty(void);
u32 saker_loginuid(struct task_struct *task);
u64 saker_first_start_ns(struct task_struct *task);
u32 saker_pid_in_own_namespace(struct task_struct *task, u32 type);
u64 saker_open_files_limit(struct task_struct *task);
const struct path *saker_file_path(const struct file *file);
const char *saker_program_name(const struct linux_binprm *bprm);
bool saker_program_by_descriptor(const struct linux_binprm *bprm);
void saker_timer_set_up(struct timer_list *timer, void (*run)(struct timer_list *));
void saker_timer_arm(struct timer_list *timer, u32 ms);
void saker_timer_end(struct timer_list *timer);
void saker_wait_for_probes(void);
long saker_copy_text(char *into, const char __user *from, long size);

/*
 * d_path() starts at the root of the current task. Where that is not the host's, the task borrows the file system
 * context of init_task meanwhile; task_lock keeps everybody else from looking. It is taken before the lock of an
 * fs_struct, as procfs does. Returns what to give back, or NULL.
 */
static struct fs_struct *borrow_host(const struct path *host)
{
	struct fs_struct *own = current->fs;

	if (!own || path_equal(&own->root, host))
		return NULL;
	task_lock(current);
	current->fs = init_task.fs;
	return own;
}

static void give_back(struct fs_struct *own)
{
	if (!own)
		return;
	current->fs = own;
	task_unlock(current);
}

static long path_text(const struct path *path, char *buf, int size, char **at)
{
	char *text = d_path(path, buf, size);

	if (IS_ERR(text))
		return PTR_ERR(text);
	*at = text;
	return buf + size - 1 - text;
}

/* Writes a path as the root of the host sees it, at the end of buf. The caller holds a reference to it. */
long saker_path(const struct path *path, const struct path *host, char *buf, int size, char **at)
{
	struct fs_struct *own;
	long len;

	if (!current->fs)
		return -ENOENT;
	own = borrow_host(host);
	len = path_text(path, buf, size, at);
	give_back(own);
	return len;
}

/*
 * Writes the path of an entry of a directory, or of the path itself where there is no entry, as saker_path() does. The
 * entry need not exist yet; its name is stable as long as the directory is locked.
 */
long saker_entry_path(const struct saker_named *named, const struct path *host, char *buf, int size, char **at)
{
	const struct qstr *name;
	long len;

	if (!named->entry)
		return saker_path(named->path, host, buf, size, at);
	name = &named->entry->d_name;
	if (name->len + 2 > size)
		return -ENAMETOOLONG;
	len = saker_path(named->path, host, buf, size - name->len - 1, at);
	if (len < 0)
		return len;
	/* The directory's text ends with its NUL in front of the room for the name. */
	if (len == 1) {
		/* The root is the only one that ends with a slash. */
		*at += 1;
		len = 0;
	}
	(*at)[len] = '/';
	memcpy(*at + len + 1, name->name, name->len);
	(*at)[len + 1 + name->len] = 0;
	return len + 1 + name->len;
}

/* Writes the root or working directory of a task: the current one, or one that does not run yet. */
long saker_place(struct task_struct *task, bool root, const struct path *host, char *buf, int size, char **at)
{
	struct fs_struct *fs = task->fs, *own;
	long len;

	if (!fs || !current->fs)
		return -ENOENT;
	own = borrow_host(host);
	/* Excludes writers, so what it names keeps existing; readers such as d_path() go on. */
	read_seqlock_excl(&fs->seq);
	len = path_text(root ? &fs->root : &fs->pwd, buf, size, at);
	read_sequnlock_excl(&fs->seq);
	give_back(own);
	return len;
}

/* Takes a reference to the root of the first process: sleeps. */
void saker_host_root(struct path *root)
{
	struct task_struct *first = NULL;

	rcu_read_lock();
	first = READ_ONCE(init_pid_ns.child_reaper);
	get_task_struct(first);
	rcu_read_unlock();
	task_lock(first);
	get_fs_root(first->fs ?: init_task.fs, root);
	task_unlock(first);
	put_task_struct(first);
}

struct file *saker_exe_file(struct mm_struct *mm)
{
	return get_file_rcu(&mm->exe_file);
}

long saker_inode(const struct file *file, struct saker_inode *out)
{
	const struct inode *inode = file_inode(file);

	out->ino = inode->i_ino;
	out->dev = new_encode_dev(inode->i_sb->s_dev);
	out->ctime_s = inode_get_ctime_sec(inode);
	out->ctime_ns = inode_get_ctime_nsec(inode);
	out->mtime_s = inode_get_mtime_sec(inode);
	out->mtime_ns = inode_get_mtime_nsec(inode);
	out->uid = __kuid_val(inode->i_uid);
	out->gid = __kgid_val(inode->i_gid);
	out->mode = inode->i_mode;
	out->unlinked = d_unlinked(file->f_path.dentry) || inode->i_nlink == 0;
	out->created = !!(file->f_mode & FMODE_CREATED);
	out->layer = 0;
	if (inode->i_sb->s_magic == OVERLAYFS_SUPER_MAGIC) {
		/* overlayfs puts the dentry of the upper layer right behind its inode; its structure is private. */
		const void *upper = READ_ONCE(*(const void *const *)(inode + 1));

		out->layer = upper ? 1 : 2;
	}
	return 0;
}

static void saker_unix_path(struct sock *sk, struct saker_socket *out)
{
	const struct unix_address *addr = smp_load_acquire(&unix_sk(sk)->addr);
	int bytes;

	if (!addr)
		return;
	bytes = addr->len - (int)offsetof(struct sockaddr_un, sun_path);
	if (bytes <= 0)
		return;
	bytes = min_t(int, bytes, UNIX_PATH_MAX);
	/* A path ends at its NUL; an abstract name starts with one. */
	if (addr->name->sun_path[0])
		bytes = strnlen(addr->name->sun_path, bytes);
	memcpy(out->path, addr->name->sun_path, bytes);
	out->path_bytes = bytes;
}

static void saker_unix_ends(struct sock *sk, struct saker_socket *out)
{
	struct sock *peer;

	unix_state_lock(sk);
	peer = unix_peer(sk);
	if (peer)
		sock_hold(peer);
	unix_state_unlock(sk);
	if (peer) {
		out->peer_ino = sock_i_ino(peer);
		saker_unix_path(peer, out);
		sock_put(peer);
	}
	if (!out->path_bytes)
		saker_unix_path(sk, out);
}

static void saker_inet6_ends(struct sock *sk, struct saker_socket *out)
{
#if IS_ENABLED(CONFIG_IPV6)
	const struct in6_addr *local = &sk->sk_v6_rcv_saddr;

	if (ipv6_addr_any(local) && inet6_sk(sk))
		local = &inet6_sk(sk)->saddr;
	memcpy(out->local, local, 16);
	if (out->peer_port)
		memcpy(out->peer, &sk->sk_v6_daddr, 16);
#endif
}

/*
 * Describes the two ends of a socket as the kernel has them now. No lock of the socket is taken: the addresses of a
 * socket that another thread connects at this moment may be those from before or after.
 */
long saker_socket(struct file *file, struct saker_socket *out)
{
	struct socket *socket = sock_from_file(file);
	struct sock *sk = socket ? READ_ONCE(socket->sk) : NULL;

	if (!sk)
		return -ENOTSOCK;
	memset(out, 0, sizeof(*out));
	out->ino = file_inode(file)->i_ino;
	out->family = sk->sk_family;
	out->backlog = READ_ONCE(sk->sk_ack_backlog);
	out->backlog_max = READ_ONCE(sk->sk_max_ack_backlog);
	if (sk->sk_family == AF_UNIX) {
		saker_unix_ends(sk, out);
	} else if (sk->sk_family == AF_INET || sk->sk_family == AF_INET6) {
		const struct inet_sock *inet = inet_sk(sk);

		out->local_port = ntohs(inet->inet_sport);
		out->peer_port = ntohs(inet->inet_dport);
		if (sk->sk_family == AF_INET6) {
			saker_inet6_ends(sk, out);
		} else {
			__be32 local = inet->inet_rcv_saddr ?: inet->inet_saddr;

			memcpy(out->local, &local, 4);
			if (out->peer_port)
				memcpy(out->peer, &inet->inet_daddr, 4);
		}
	}
	return 0;
}

void saker_memory(struct mm_struct *mm, struct saker_memory *out)
{
	out->size_pages = READ_ONCE(mm->total_vm);
	out->resident_pages = get_mm_counter(mm, MM_FILEPAGES) + get_mm_counter(mm, MM_ANONPAGES) +
			      get_mm_counter(mm, MM_SHMEMPAGES);
	out->swapped_pages = get_mm_counter(mm, MM_SWAPENTS);
}

struct pt_regs *saker_current_regs(void)
{
	return task_pt_regs(current);
}

static struct task_struct *saker_living_thread(struct task_struct *of)
{
	struct task_struct *thread;
	int steps = 0;

	for_each_thread(of, thread) {
		if (!(READ_ONCE(thread->flags) & PF_EXITING))
			return thread;
		if (++steps > MOST_STEPS)
			break;
	}
	return NULL;
}

/* Says who adopts the children of a task that ends, as find_new_reaper() will decide; 0 where it has none. */
u32 saker_reaper(struct task_struct *task)
{
	struct task_struct *heir, *ancestor;
	int steps = 0;

	if (list_empty(&task->children) && list_empty(&task->ptraced))
		return 0;
	heir = saker_living_thread(task);
	if (heir)
		return task_pid_nr(heir);
	ancestor = rcu_dereference(task->real_parent);
	while (task->signal->has_child_subreaper && ancestor != &init_task && ++steps < MOST_STEPS &&
	       task_pid(ancestor)->level == task_pid(task)->level) {
		if (ancestor->signal->is_child_subreaper) {
			heir = saker_living_thread(ancestor);
			if (heir)
				return task_pid_nr(heir);
		}
		ancestor = rcu_dereference(ancestor->real_parent);
	}
	heir = task_active_pid_ns(task)->child_reaper;
	return heir ? task_pid_nr(heir) : 0;
}

/* Writes the path of the task's control group in the unified hierarchy; returns its length or an error. */
long saker_cgroup(struct task_struct *task, char *buf, int size)
{
	return kernfs_path_from_node(task_dfl_cgroup(task)->kn, NULL, buf, size);
}

/* Returns the terminal of the current task as a device number, or 0. */
u32 saker_tty(void)
{
	struct tty_struct *tty = get_current_tty();
	u32 number;

	if (!tty)
		return 0;
	number = new_encode_dev(tty_devnum(tty));
	tty_kref_put(tty);
	return number;
}

u32 saker_loginuid(struct task_struct *task)
{
	return __kuid_val(audit_get_loginuid(task));
}

/* Returns when the first process of the task's PID namespace started, on the boot clock, or 0. */
u64 saker_first_start_ns(struct task_struct *task)
{
	struct pid_namespace *namespace = task_active_pid_ns(task);
	struct task_struct *first = namespace ? READ_ONCE(namespace->child_reaper) : NULL;

	return first ? first->start_boottime : 0;
}

u32 saker_pid_in_own_namespace(struct task_struct *task, u32 type)
{
	return __task_pid_nr_ns(task, type, task_active_pid_ns(task));
}

u64 saker_open_files_limit(struct task_struct *task)
{
	return task_rlimit(task, RLIMIT_NOFILE);
}

const struct path *saker_file_path(const struct file *file)
{
	return &file->f_path;
}

const char *saker_program_name(const struct linux_binprm *bprm)
{
	return bprm->filename;
}

bool saker_program_by_descriptor(const struct linux_binprm *bprm)
{
	return bprm->fdpath;
}

/* The timer runs on the CPU that arms it, so what it reads was written there. */
void saker_timer_set_up(struct timer_list *timer, void (*run)(struct timer_list *))
{
	timer_setup(timer, run, TIMER_PINNED);
}

void saker_timer_arm(struct timer_list *timer, u32 ms)
{
	mod_timer(timer, jiffies + msecs_to_jiffies(ms));
}

/* Waits for the timer and keeps it from being armed again: sleeps. */
void saker_timer_end(struct timer_list *timer)
{
	timer_shutdown_sync(timer);
}

/* Waits until no probe runs that was detached before: sleeps, for seconds. */
void saker_wait_for_probes(void)
{
	tracepoint_synchronize_unregister();
}

/* Copies text up to its NUL without faulting; returns its length, size where it is longer, or -EFAULT. */
long saker_copy_text(char *into, const char __user *from, long size)
{
	long len;

	pagefault_disable();
	len = strncpy_from_user(into, from, size);
	pagefault_enable();
	return len;
}
