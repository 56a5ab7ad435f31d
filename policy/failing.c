/* failing.c - which cached policies cannot be refreshed, and since when
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/failing.h"

#include <stdlib.h>
#include <string.h>

#include "policy/cache.h"

struct item {
	struct cache_entry node;
	int64_t since;
	char domain[];
};

struct failing {
	struct cache items;
};

struct failing *
failing_new(void)
{
	struct failing *f = calloc(1, sizeof(*f));

	if (f != NULL)
		cache_init(&f->items);
	return f;
}

static void
take_out(struct failing *f, struct cache_entry *c)
{
	cache_remove(&f->items, c);
	free(c);
}

void
failing_free(struct failing *f)
{
	struct cache_entry *c;

	if (f == NULL)
		return;
	while ((c = cache_next(&f->items, NULL)) != NULL)
		take_out(f, c);
	free(f);
}

void
failing_set(struct failing *f, const char *domain, int64_t since)
{
	size_t len = strlen(domain);
	struct cache_entry *c = cache_find(&f->items, domain, len);
	struct item *i = (struct item *)c;

	if (since == 0) {
		if (c != NULL)
			take_out(f, c);
		return;
	}
	if (i == NULL) {
		i = calloc(1, sizeof(*i) + len + 1);
		if (i == NULL)
			abort();	/* the parent starts a new policy process */
		memcpy(i->domain, domain, len + 1);
		cache_add(&f->items, &i->node, i->domain, len);
	}
	i->since = since;
}	/* NOLINT(clang-analyzer-unix.Malloc): the table has it */

size_t
failing_count(const struct failing *f, int64_t then)
{
	size_t n = 0;

	for (struct cache_entry *c = cache_next(&f->items, NULL); c != NULL;
	    c = cache_next(&f->items, c))
		n += ((struct item *)c)->since <= then;
	return n;
}
