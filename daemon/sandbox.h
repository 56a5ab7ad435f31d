/* sandbox.h - what a process that meets the network may still ask of the kernel
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DAEMON_SANDBOX_H
#define DAEMON_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

/* sandbox_worker: from now on, for good: no file can be opened (Landlock), no program run, no
 * process made, signalled or looked into, no socket but IPv4's and IPv6's, none bound unless
 * may_bind (intercept.source: client) (seccomp).
 * What is open stays open. Needs no_new_privs. A kernel without Landlock leaves that part out and
 * *why says so; false: seccomp was refused, and the process must not go on. Sanitizers need what is
 * forbidden, so a sanitized build forbids nothing. */
bool sandbox_worker(bool may_bind, char *why, size_t size);

/* sandbox_nfq: for a process that runs the firewall's programs: files of the system may be read and
 * run, and the folder of `note` read; nothing may be written but what iptables locks; no socket but
 * netlink's, IPv4's and IPv6's, none raw; no tracing, mounting, modules, namespaces; no signal to
 * others but SIGKILL, which its programs need. Otherwise as above. */
bool sandbox_nfq(const char *note, char *why, size_t size);

#endif
