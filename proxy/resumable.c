/* resumable.c - TLS sessions in flight that this worker itself saw proven
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/resumable.h"

#include <stdlib.h>
#include <string.h>

#include "policy/cache.h"

struct entry {
	struct cache_entry node;
	double until;
	size_t len;
	uint8_t session[MESSAGE_NAME];
	unsigned char evidence[];
};

struct resumable {
	struct cache table;
	size_t octets;
};

struct resumable *
resumable_new(void)
{
	struct resumable *r = calloc(1, sizeof(*r));

	if (r != NULL)
		cache_init(&r->table);
	return r;
}

static void
drop(struct resumable *r, struct entry *e)
{
	cache_remove(&r->table, &e->node);
	r->octets -= e->len;
	free(e);
}

void
resumable_clear(struct resumable *r)
{
	struct cache_entry *first;

	while ((first = cache_next(&r->table, NULL)) != NULL)
		drop(r, (struct entry *)first);
}

void
resumable_free(struct resumable *r)
{
	if (r == NULL)
		return;
	resumable_clear(r);
	free(r);
}

size_t
resumable_length(const struct resumable *r)
{
	return cache_length(&r->table);
}

static bool
never_busy(const struct cache_entry *c)
{
	(void)c;
	return false;
}

/* make_room: false where nothing may go within a bounded search. */
static bool
make_room(struct resumable *r, size_t octets)
{
	while (cache_length(&r->table) >= RESUMABLE_MAX ||
	    r->octets + octets > RESUMABLE_OCTETS_MAX) {
		struct cache_entry *victim = cache_victim(&r->table, never_busy);

		if (victim == NULL)
			return false;
		drop(r, (struct entry *)victim);
	}
	return true;
}

void
resumable_keep(struct resumable *r, const struct proven *p, double now)
{
	struct cache_entry *old = cache_find(&r->table, p->session, sizeof(p->session));

	if (old != NULL)
		drop(r, (struct entry *)old);
	if (p->lifetime_s == 0 || p->len == 0 || p->len > MESSAGE_EVIDENCE_MAX ||
	    !make_room(r, p->len))
		return;
	struct entry *e = malloc(sizeof(*e) + p->len);
	if (e == NULL)
		return;
	e->until = now + (p->lifetime_s < RESUMABLE_S ? p->lifetime_s : RESUMABLE_S);
	e->len = p->len;
	memcpy(e->session, p->session, sizeof(e->session));
	memcpy(e->evidence, p->evidence, p->len);
	r->octets += e->len;
	cache_add(&r->table, &e->node, e->session, sizeof(e->session));
	e->node.used = false;	/* until it is asked for */
}	/* NOLINT(clang-analyzer-unix.Malloc): the table has it */

bool
resumable_find(struct resumable *r, const uint8_t session[MESSAGE_NAME], double now,
    struct recalled *out)
{
	struct entry *e = (struct entry *)cache_find(&r->table, session, MESSAGE_NAME);

	if (e == NULL)
		return false;
	if (e->until <= now) {
		drop(r, e);
		return false;
	}
	*out = (struct recalled){ e->evidence, e->len };
	return true;
}
