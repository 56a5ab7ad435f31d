/* policy_fill.h - a store as it is after years: filled in large commits
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Of the domains of policy_domains.h. */
#ifndef TESTS_POLICY_FILL_H
#define TESTS_POLICY_FILL_H

#include <time.h>

#include "policy/memory.h"
#include "policy/store_parts.h"
#include "policy/users.h"
#include "policy_domains.h"

#define FILL_BATCH 1000		/* in one commit */

static inline void
fill_need(bool good)
{
	if (good)
		return;
	fputs("the store refuses\n", stderr);
	exit(1);
}

static inline struct store *
fill_open(const char *dir)
{
	char error[200];
	struct store *s = store_open(dir, false, NULL, NULL, error, sizeof(error));

	fill_need(s != NULL);
	return s;
}

static inline void
fill_policies(const char *dir, unsigned domains)
{
	static char keys[FILL_BATCH][WORLD_NAME], text[WORLD_TEXT];
	static unsigned char values[FILL_BATCH][2 * WORLD_TEXT];
	static struct store_change c[FILL_BATCH];
	struct store *s = fill_open(dir);

	for (unsigned i = 0; i < domains;) {
		size_t n = 0;

		for (; n < FILL_BATCH && i < domains; n++, i++) {
			struct store_policy p = { .id = WORLD_ID, .fetched = time(NULL),
			    .refresh = time(NULL) + rand() % 86400, .text = text,
			    .text_len = world_policy(text, i) };
			size_t len = store_encode(values[n], sizeof(values[n]), &p);

			world_domain(keys[n], i);
			c[n] = (struct store_change){ STORE_POLICIES,
			    store_slice(keys[n], strlen(keys[n])), store_slice(values[n], len) };
		}
		fill_need(store_apply(s, c, n));
	}
	store_close(s);
}

/* As many hosts with STARTTLS and as many domains at addresses as there may be, or in a small store
 * some for each domain. */
static inline void
fill_seen(const char *dir, unsigned domains)
{
	const unsigned hosts = domains < MEMORY_MAX / 2 ? 2 * domains : MEMORY_MAX;
	const unsigned places = domains < USERS_MAX / 3 ? 3 * domains : USERS_MAX - FILL_BATCH;
	static unsigned char keys[FILL_BATCH][17];
	static char names[FILL_BATCH][WORLD_NAME];
	static struct store_seen seen[FILL_BATCH];
	static struct store_user users[FILL_BATCH];
	struct store *s = fill_open(dir);
	int64_t now = time(NULL);

	for (unsigned i = 0; i < hosts; i += FILL_BATCH) {
		for (unsigned n = 0; n < FILL_BATCH; n++) {
			struct in6_addr ip;

			snprintf(names[n], WORLD_NAME, "mx1.firm%05u.example", i + n);
			ip = world_address(names[n]);
			keys[n][0] = 'a';
			memcpy(keys[n] + 1, ip.s6_addr, sizeof(ip.s6_addr));
			seen[n] = (struct store_seen){ keys[n], sizeof(keys[n]), now, names[n] };
		}
		fill_need(store_put_seen(s, seen, FILL_BATCH));
	}
	for (unsigned i = 0; i < places; i += FILL_BATCH) {
		for (unsigned n = 0; n < FILL_BATCH; n++) {
			char host[WORLD_NAME];

			world_domain(names[n], (i + n) / 2);
			snprintf(host, sizeof(host), "mx%u.firm%05u.example", (i + n) % 2 + 1,
			    (i + n) / 2);
			users[n] = (struct store_user){ world_address(host), names[n], now };
		}
		fill_need(store_put_users(s, users, FILL_BATCH));
	}
	store_close(s);
}

#endif
