/* sandbox.c - what a process that meets the network may still ask of the kernel
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * All children share one user, so ids alone do not keep a captured worker from the store, the log,
 * the control socket and the other processes. A list of what is forbidden, not of what is allowed:
 * a C library that learns a new call must not take the mail down. */
#include "daemon/sandbox.h"

#include <errno.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
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

/* Everything that Landlock's first version knows; later ones add what needs an open file anyway. */
#define EVERY_ACCESS ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

static const int forbidden[] = {
	/* other programs and processes */
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(clone),
	SCMP_SYS(clone3), SCMP_SYS(kill), SCMP_SYS(tkill), SCMP_SYS(rt_sigqueueinfo),
	SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_send_signal), SCMP_SYS(pidfd_getfd),
	SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
	SCMP_SYS(prlimit64), SCMP_SYS(setpriority), SCMP_SYS(sched_setscheduler),
	/* names, files by other ways, System V's objects */
	SCMP_SYS(bind), SCMP_SYS(listen), SCMP_SYS(open_by_handle_at), SCMP_SYS(mount),
	SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(setns),
	SCMP_SYS(unshare), SCMP_SYS(memfd_create), SCMP_SYS(shmget), SCMP_SYS(msgget),
	SCMP_SYS(semget), SCMP_SYS(mq_open),
	/* doors into the kernel that nothing here needs */
	SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(io_uring_setup),
	SCMP_SYS(userfaultfd), SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(request_key),
	SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(kexec_load),
};

/* no_files: a ruleset that handles every access and grants none. */
static bool
no_files(void)
{
	struct landlock_ruleset_attr all = { .handled_access_fs = EVERY_ACCESS };
	int fd = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);

	if (fd < 0)
		return false;
	bool done = syscall(SYS_landlock_restrict_self, fd, 0) == 0;
	close(fd);
	return done;
}

static int
forbid_family(scmp_filter_ctx filter, enum scmp_compare how, unsigned family)
{
	const struct scmp_arg_cmp first = { .arg = 0, .op = how, .datum_a = family };

	return seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1, &first);
}

/* forbid_families: all but AF_INET (2) and AF_INET6 (10). */
static int
forbid_families(scmp_filter_ctx filter)
{
	int r = forbid_family(filter, SCMP_CMP_GT, AF_INET6);

	for (unsigned family = 0; r == 0 && family < AF_INET6; family++)
		if (family != AF_INET)
			r = forbid_family(filter, SCMP_CMP_EQ, family);
	return r;
}

static int
no_calls(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int r = 0;

	if (filter == NULL)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), forbidden[i], 0);
	if (r == 0)
		r = forbid_families(filter);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}

bool
sandbox_worker(char *why, size_t size)
{
	why[0] = '\0';
	if (SANITIZED)
		return true;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		snprintf(why, size, "no_new_privs: %s", strerror(errno));
		return false;
	}
	if (!no_files())
		snprintf(why, size, "Landlock: %s; files are kept out by their modes alone",
		    strerror(errno));
	int r = no_calls();
	if (r != 0)
		snprintf(why, size, "seccomp: %s", strerror(-r));
	return r == 0;
}
