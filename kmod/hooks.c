// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hooks in the kernel's own security functions: what a call really names, taken where the kernel is about to use it.
 *
 * Each function is called with directory and entry that the kernel has found, after it has copied the path from the
 * caller and followed links; nothing the caller does later changes them. The hooks run with preemption off and sleep
 * nowhere. They cost only the calls that they are on.
 */
#include <linux/dcache.h>
#include <linux/fprobe.h>
#include <linux/fs.h>
#include <linux/path.h>
#include <linux/slab.h>

/* One end of a call: an entry of a directory, or with no entry the path itself. */
struct saker_named {
	const struct path *path;
	const struct dentry *entry;
};

/* In Rust: keeps the paths of one call of the current task until it returns. */
void saker_named_by_call(const void *capture, const struct saker_named *first, const struct saker_named *second);

/* Prototypes, because the kernel warns without; Rust has its own. */
void *saker_hooks_attach(const void *capture);
void saker_hooks_detach(void *hooks);
long saker_hooks_error(const void *hooks);

/* In Rust: keeps what the current task's call opens, or the address that it asks for, until it returns. */
void saker_opened_by_call(const void *capture, struct file *file);
void saker_asked_by_call(const void *capture, const void *address, int bytes);

struct hook {
	struct fprobe probe;
	const void *capture;
};

static const void *capture_of(struct fprobe *probe)
{
	return container_of(probe, struct hook, probe)->capture;
}

#define ARGUMENT(n) ((void *)ftrace_regs_get_argument(regs, n))
#define HANDLER(name)                                                                                  \
	static int name(struct fprobe *probe, unsigned long ip, unsigned long ret, struct ftrace_regs *regs, \
			void *data)

/* (directory, entry, ...) */
HANDLER(on_entry)
{
	struct saker_named first = { ARGUMENT(0), ARGUMENT(1) };

	saker_named_by_call(capture_of(probe), &first, NULL);
	return 0;
}

/* (path, ...) */
HANDLER(on_path)
{
	struct saker_named first = { ARGUMENT(0), NULL };

	saker_named_by_call(capture_of(probe), &first, NULL);
	return 0;
}

/* (name of the device, path, ...) */
HANDLER(on_second_path)
{
	struct saker_named first = { ARGUMENT(1), NULL };

	saker_named_by_call(capture_of(probe), &first, NULL);
	return 0;
}

/* (old directory, old entry, new directory, new entry, ...) */
HANDLER(on_rename)
{
	struct saker_named first = { ARGUMENT(0), ARGUMENT(1) };
	struct saker_named second = { ARGUMENT(2), ARGUMENT(3) };

	saker_named_by_call(capture_of(probe), &first, &second);
	return 0;
}

/* (old entry, new directory, new entry): a link stays inside one mount. */
HANDLER(on_link)
{
	const struct path *directory = ARGUMENT(1);
	struct path old = { .mnt = directory->mnt, .dentry = ARGUMENT(0) };
	struct saker_named first = { &old, NULL };
	struct saker_named second = { directory, ARGUMENT(2) };

	saker_named_by_call(capture_of(probe), &first, &second);
	return 0;
}

/* (file) */
HANDLER(on_open)
{
	struct file *file = ARGUMENT(0);

	/* The file of a layer behind the one that the caller opens is not what it asked for. */
	if (!(file->f_mode & FMODE_BACKING))
		saker_opened_by_call(capture_of(probe), file);
	return 0;
}

/* (socket, address in kernel memory, its length) */
HANDLER(on_connect)
{
	saker_asked_by_call(capture_of(probe), ARGUMENT(1), (long)ARGUMENT(2));
	return 0;
}

static const struct {
	const char *function;
	fprobe_entry_cb handler;
} hooked[] = {
	{ "security_path_unlink", on_entry },
	{ "security_path_rmdir", on_entry },
	{ "security_path_mkdir", on_entry },
	{ "security_path_mknod", on_entry },
	{ "security_path_symlink", on_entry },
	{ "security_path_link", on_link },
	{ "security_path_rename", on_rename },
	{ "security_path_chmod", on_path },
	{ "security_path_chown", on_path },
	{ "security_sb_mount", on_second_path },
	{ "security_file_open", on_open },
	{ "security_socket_connect", on_connect },
};

/* Hooks every function of the table for a capture, or returns an error for saker_hooks_error(). Sleeps. */
void *saker_hooks_attach(const void *capture)
{
	struct hook *hooks = kcalloc(ARRAY_SIZE(hooked), sizeof(*hooks), GFP_KERNEL);
	int i, err;

	if (!hooks)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < ARRAY_SIZE(hooked); i++) {
		const char *symbol = hooked[i].function;

		hooks[i].capture = capture;
		hooks[i].probe.entry_handler = hooked[i].handler;
		err = register_fprobe_syms(&hooks[i].probe, &symbol, 1);
		/* A kernel without the function does without its paths. */
		if (err && err != -ENOENT) {
			saker_hooks_detach(hooks);
			return ERR_PTR(err);
		}
	}
	return hooks;
}

/* Unhooks and waits until no handler runs. Sleeps. */
void saker_hooks_detach(void *all)
{
	struct hook *hooks = all;
	int i;

	for (i = 0; i < ARRAY_SIZE(hooked); i++)
		if (hooks[i].probe.hlist_array)
			unregister_fprobe(&hooks[i].probe);
	kfree(hooks);
}

long saker_hooks_error(const void *hooks)
{
	return IS_ERR(hooks) ? PTR_ERR(hooks) : 0;
}
