/* namespace.h - scratch network namespaces for tests of what changes a firewall
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_NAMESPACE_H
#define TESTS_NAMESPACE_H

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Runs a command line of sh; what it printed, to be freed. */
static inline char *
printed(const char *command)
{
	char *text = NULL, bytes[4096];
	size_t size = 0, n;
	FILE *out = open_memstream(&text, &size), *in = popen(command, "re");

	while (in != NULL && (n = fread(bytes, 1, sizeof(bytes), in)) > 0)
		fwrite(bytes, 1, n, out);
	if (in != NULL)
		pclose(in);
	fclose(out);
	return text;
}

/* From here on this process is in an empty namespace; false where it may not make one. */
static inline int
namespace_new(void)
{
	return unshare(CLONE_NEWNET) == 0 && system("ip link set lo up") == 0;
}

/* Everything that a firewall holds, without counters and dates. */
static inline char *
firewall(void)
{
	return printed("for p in iptables-save ip6tables-save; do echo $p; $p | "
	    "sed -e '/^#/d' -e 's/\\[[0-9]*:[0-9]*\\]/[]/'; done; nft -s list ruleset 2>/dev/null | "
	    "sed -e 's/packets [0-9]* bytes [0-9]*//'; ip -4 rule; ip -6 rule; "
	    "ip -4 route show table 2525 2>/dev/null; ip -6 route show table 2525 2>/dev/null");
}

#endif
