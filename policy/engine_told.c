/* engine_told.c - the addresses of which workers may remember an answer end to end
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Such an answer hangs on all the domains that use its address, and names none of them. Where
 * one of those changes it is the address that workers are told of. */
#include "policy/engine_parts.h"

static void
over(struct engine *e, size_t i)
{
	e->told[i] = e->told[--e->told_len];
}

static size_t
find(const struct engine *e, const struct in6_addr *ip)
{
	size_t i = 0;

	while (i < e->told_len && !address_same_ip(&e->told[i].ip, ip))
		i++;
	return i;
}

bool
engine_told(struct engine *e, const struct in6_addr *ip, uint64_t fresh_ms)
{
	uint64_t now = e->world->ticks(e->world->arg);
	size_t at = find(e, ip);

	for (size_t i = e->told_len; at == e->told_len && i-- > 0;)
		if (e->told[i].until <= now) {
			over(e, i);
			at = e->told_len;
		}
	if (at == ENGINE_TOLD_MAX)
		return false;
	if (at == e->told_len)
		e->told[e->told_len++].until = now;
	e->told[at].ip = *ip;
	if (e->told[at].until < now + fresh_ms)
		e->told[at].until = now + fresh_ms;
	return true;
}

void
engine_told_stale(struct engine *e, const char *domain, const struct in6_addr *ip)
{
	if (ip != NULL) {
		size_t at = find(e, ip);

		if (at < e->told_len)
			over(e, at);
		return;
	}
	if (domain[0] == '\0')
		e->told_len = 0;
	/* From the end: each that is said goes, as above. */
	for (size_t i = e->told_len; i-- > 0;) {
		struct in6_addr one = e->told[i].ip;

		if (users_knows(e->users, domain, &one))
			engine_stale_at(e, &one);
	}
}

void
engine_told_saw(struct engine *e, const char *domain, const struct in6_addr *ip)
{
	if (find(e, ip) < e->told_len && !users_knows(e->users, domain, ip))
		engine_stale_at(e, ip);
}
