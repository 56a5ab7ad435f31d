/* sandbox.c - what a process that meets the network may still ask of the kernel
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * All children share one user, so ids alone do not keep a captured worker from the store, the log,
 * the control socket and the other processes. A list of what is forbidden, not of what is allowed:
 * a C library that learns a new call must not take the mail down.
 *
 * The nfq process runs programs, with CAP_NET_ADMIN: it can undo the firewall, and no filter keeps
 * it from that. What it is kept from is all the rest: the store, the log, the other processes. */
#include "daemon/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <signal.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* Everything that Landlock's first version knows; later ones add what needs an open file anyway,
 * and truncate(), which is forbidden below. */
#define EVERY_ACCESS ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)
#define READ_ACCESS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define RUN_ACCESS (READ_ACCESS | LANDLOCK_ACCESS_FS_EXECUTE)
#define WRITE_ACCESS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)

#define FCHMODAT2 452	/* on every architecture; newer than libseccomp 2.5 */

/* What neither a worker nor a program of the firewall asks for. */
static const int forbidden[] = {
	/* other processes; clone3 hides what it is asked for and has its own rule */
	SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_send_signal), SCMP_SYS(pidfd_getfd),
	SCMP_SYS(rt_sigqueueinfo), SCMP_SYS(rt_tgsigqueueinfo), SCMP_SYS(tkill),
	SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev), SCMP_SYS(setpriority), SCMP_SYS(sched_setscheduler),
	/* names, files by other ways, System V's objects */
	SCMP_SYS(listen), SCMP_SYS(open_by_handle_at), SCMP_SYS(mount), SCMP_SYS(umount2),
	SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(setns), SCMP_SYS(unshare),
	SCMP_SYS(shmget), SCMP_SYS(msgget), SCMP_SYS(semget), SCMP_SYS(mq_open),
	/* by path, and Landlock's first version does not look */
	SCMP_SYS(truncate), SCMP_SYS(chmod), SCMP_SYS(fchmodat), SCMP_SYS(chown),
	SCMP_SYS(lchown), SCMP_SYS(fchownat), SCMP_SYS(utime), SCMP_SYS(utimes),
	SCMP_SYS(futimesat), SCMP_SYS(utimensat), SCMP_SYS(setxattr), SCMP_SYS(lsetxattr),
	SCMP_SYS(removexattr), SCMP_SYS(lremovexattr), FCHMODAT2,
	/* doors into the kernel that nothing here needs */
	SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(io_uring_setup),
	SCMP_SYS(userfaultfd), SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(request_key),
	SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load),
};

/* What a program of the firewall does and a worker does not. */
static const int forbidden_to_workers[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(clone),
	SCMP_SYS(kill), SCMP_SYS(prlimit64), SCMP_SYS(memfd_create),
};

#define NEW_NAMESPACE (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | \
	CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

/* allow: what is not there needs no leave. */
static bool
allow(int ruleset, const char *path, uint64_t access)
{
	struct landlock_path_beneath_attr beneath = { .allowed_access = access,
		.parent_fd = open(path, O_PATH | O_CLOEXEC) };

	if (beneath.parent_fd < 0)
		return true;
	bool done = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath,
	    0) == 0;
	close(beneath.parent_fd);
	return done;
}

/* The folder that a file is in. */
static bool
allow_folder(int ruleset, const char *file)
{
	char *folder = strdup(file);
	char *slash = folder != NULL ? strrchr(folder, '/') : NULL;
	bool done = folder != NULL;

	if (slash != NULL && slash != folder) {
		*slash = '\0';
		done = allow(ruleset, folder, READ_ACCESS);
	}
	free(folder);
	return done;
}

/* A link (/lib on newer systems) is followed to what it points to. */
static bool
allow_programs(int ruleset, const char *note)
{
	static const char *const run[] = { "/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc" };
	static const char *const read[] = { "/proc", "/sys" };
	static const char *const write[] = { "/run/xtables.lock", "/dev/null" };
	bool done = allow_folder(ruleset, note);

	for (size_t i = 0; done && i < sizeof(run) / sizeof(run[0]); i++)
		done = allow(ruleset, run[i], RUN_ACCESS);
	for (size_t i = 0; done && i < sizeof(read) / sizeof(read[0]); i++)
		done = allow(ruleset, read[i], READ_ACCESS);
	for (size_t i = 0; done && i < sizeof(write) / sizeof(write[0]); i++)
		done = allow(ruleset, write[i], WRITE_ACCESS);
	return done;
}

/* close_files: a ruleset that handles every access and grants none, but to a process with a note
 * what programs need. */
static bool
close_files(const char *note)
{
	struct landlock_ruleset_attr all = { .handled_access_fs = EVERY_ACCESS };
	int fd = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);

	if (fd < 0)
		return false;
	bool done = (note == NULL || allow_programs(fd, note)) &&
	    syscall(SYS_landlock_restrict_self, fd, 0) == 0;
	close(fd);
	return done;
}

static int
forbid(scmp_filter_ctx filter, int call)
{
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 0);
}

static int
forbid_each(scmp_filter_ctx filter, const int *calls, size_t len)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < len; i++)
		r = forbid(filter, calls[i]);
	return r;
}

static int
forbid_when(scmp_filter_ctx filter, int call, unsigned arg, enum scmp_compare how,
    uint64_t value)
{
	const struct scmp_arg_cmp when = { .arg = arg, .op = how, .datum_a = value };

	return seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), call, 1, &when);
}

/* forbid_families: all but AF_INET (2), AF_INET6 (10) and perhaps AF_NETLINK (16). */
static int
forbid_families(scmp_filter_ctx filter, bool netlink)
{
	unsigned last = netlink ? AF_NETLINK : AF_INET6;
	int r = forbid_when(filter, SCMP_SYS(socket), 0, SCMP_CMP_GT, last);

	for (unsigned family = 0; r == 0 && family < last; family++)
		if (family != AF_INET && family != AF_INET6)
			r = forbid_when(filter, SCMP_SYS(socket), 0, SCMP_CMP_EQ, family);
	return r;
}

/* forbid_raw: packets made by hand; netlink's sockets are called raw too and are not meant. */
static int
forbid_raw(scmp_filter_ctx filter)
{
	static const unsigned families[] = { AF_INET, AF_INET6 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(families) / sizeof(families[0]); i++) {
		const struct scmp_arg_cmp when[] = {
			{ .arg = 0, .op = SCMP_CMP_EQ, .datum_a = families[i] },
			{ .arg = 1, .op = SCMP_CMP_MASKED_EQ, .datum_a = 0xf,
			    .datum_b = SOCK_RAW },
		};

		r = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 2,
		    when);
	}
	return r;
}

/* forbid_signals: a signal can look like the policy process's crash over its store, which is set
 * aside after two (death.c), and with it what it protects. abort() signals its own process; the
 * kernel sends whatever signal, to whomever, when something comes to a file with an owner. */
static int
forbid_signals(scmp_filter_ctx filter)
{
	static const struct {
		int call;
		unsigned word;
	} owners[] = {
		{ SCMP_SYS(fcntl), F_SETOWN }, { SCMP_SYS(fcntl), F_SETOWN_EX },
		{ SCMP_SYS(fcntl), F_SETSIG }, { SCMP_SYS(ioctl), FIOSETOWN },
		{ SCMP_SYS(ioctl), SIOCSPGRP },
	};
	int r = forbid_when(filter, SCMP_SYS(tgkill), 0, SCMP_CMP_NE, (uint64_t)getpid());

	for (size_t i = 0; r == 0 && i < sizeof(owners) / sizeof(owners[0]); i++) {
		/* The kernel looks at the low half alone. */
		const struct scmp_arg_cmp when = { .arg = 1, .op = SCMP_CMP_MASKED_EQ,
			.datum_a = UINT32_MAX, .datum_b = owners[i].word };

		r = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), owners[i].call, 1,
		    &when);
	}
	return r;
}

static int
forbid_to_worker(scmp_filter_ctx filter, bool may_bind)
{
	int r = forbid_each(filter, forbidden_to_workers,
	    sizeof(forbidden_to_workers) / sizeof(forbidden_to_workers[0]));

	if (r == 0)
		r = forbid(filter, SCMP_SYS(clone3));
	if (r == 0 && !may_bind)
		r = forbid(filter, SCMP_SYS(bind));
	if (r == 0)
		r = forbid_families(filter, false);
	return r == 0 ? forbid_raw(filter) : r;	/* with source: client it has CAP_NET_RAW */
}

/* Processes may be made, but in no new namespace; of clone3, which cannot be looked into, libc is
 * told that this kernel has none. Limits of other processes are not to be changed. */
static int
forbid_to_programs(scmp_filter_ctx filter)
{
	int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	for (uint64_t flag = 1; r == 0 && flag <= NEW_NAMESPACE; flag <<= 1) {
		const struct scmp_arg_cmp when = { .arg = 0, .op = SCMP_CMP_MASKED_EQ,
			.datum_a = flag, .datum_b = flag };

		if (flag & NEW_NAMESPACE)
			r = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM),
			    SCMP_SYS(clone), 1, &when);
	}
	if (r == 0)
		r = forbid_when(filter, SCMP_SYS(prlimit64), 0, SCMP_CMP_NE, 0);
	if (r == 0)	/* programs that do not end */
		r = forbid_when(filter, SCMP_SYS(kill), 1, SCMP_CMP_NE, SIGKILL);
	if (r == 0)
		r = forbid_families(filter, true);
	return r == 0 ? forbid_raw(filter) : r;
}

enum kind { WORKER, BINDING_WORKER, PROGRAMS };

static int
close_calls(enum kind kind)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int r;

	if (filter == NULL)
		return -ENOMEM;
	r = forbid_each(filter, forbidden, sizeof(forbidden) / sizeof(forbidden[0]));
	if (r == 0)
		r = forbid_signals(filter);
	if (r == 0)
		r = kind == PROGRAMS ? forbid_to_programs(filter) :
		    forbid_to_worker(filter, kind == BINDING_WORKER);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}

static bool
enter(enum kind kind, const char *note, char *why, size_t size)
{
	why[0] = '\0';
	if (SANITIZED)
		return true;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		snprintf(why, size, "no_new_privs: %s", strerror(errno));
		return false;
	}
	if (!close_files(note))
		snprintf(why, size, "Landlock: %s; files are kept out by their modes alone",
		    strerror(errno));
	int r = close_calls(kind);
	if (r != 0)
		snprintf(why, size, "seccomp: %s", strerror(-r));
	return r == 0;
}

bool
sandbox_worker(bool may_bind, char *why, size_t size)
{
	return enter(may_bind ? BINDING_WORKER : WORKER, NULL, why, size);
}

bool
sandbox_nfq(const char *note, char *why, size_t size)
{
	return enter(PROGRAMS, note, why, size);
}
