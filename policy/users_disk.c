/* users_disk.c - which recipient domains use an address: what of it is on disk
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/users_parts.h"

#include <stdlib.h>
#include <string.h>

#define BATCH 1024		/* domains in one commit */

_Static_assert(USERS_DOMAIN_MAX == STORE_USER_DOMAIN_MAX, "the store takes all domains");

struct user *
users_make(const struct in6_addr *ip, const char *domain)
{
	size_t size = strlen(domain) + 1;
	struct user *d = calloc(1, sizeof(*d) + size);

	if (d == NULL)
		abort();	/* the parent starts a new policy process */
	d->ip = *ip;
	memcpy(d->domain, domain, size);
	return d;
}

/* The store forgets it with the next batch. Where it refuses, what is too much to keep for that
 * comes back with the next start, and then demands too much rather than too little. */
void
users_erase(struct users *u, struct user *d)
{
	u->length--;
	if (d->saved == 0 || u->gone >= USERS_MAX) {
		unwritten_remove(&u->unwritten, &d->unwritten);
		free(d);
		return;
	}
	d->gone = true;
	u->gone++;
	unwritten_add(&u->unwritten, &d->unwritten);
}

static size_t
write_batch(void *arg, struct unwritten *first)
{
	struct users *u = arg;
	struct store_user batch[BATCH];
	size_t n = 0;

	for (struct unwritten *w = first; w != NULL && n < BATCH; w = w->next) {
		const struct user *d = (struct user *)w;

		batch[n++] = (struct store_user){ d->ip, d->domain, d->gone ? 0 : d->last };
	}
	return store_put_users(u->store, batch, n) ? n : 0;
}

static void
on_written(void *arg, struct unwritten *w)
{
	struct users *u = arg;
	struct user *d = (struct user *)w;

	d->saved = d->last;
	if (!d->gone)
		return;
	u->gone--;
	free(d);
}

/* On disk there was one that has no place here. */
static void
bury(struct users *u, const struct store_user *user)
{
	struct user *d = users_make(&user->ip, user->domain);

	d->gone = true;
	u->gone++;
	unwritten_add(&u->unwritten, &d->unwritten);
}

struct loading {
	struct users *u;
	int64_t lost;
};

static void
load(void *arg, const struct store_user *user)
{
	struct loading *l = arg;
	struct user *d;

	if (IN6_IS_ADDR_UNSPECIFIED(&user->ip)) {
		l->lost = user->last;
		return;
	}
	d = users_settle(l->u, &user->ip, user->domain);
	if (d != NULL && strcmp(d->domain, user->domain) == 0)
		d->saved = user->last;
	if (d != NULL && d->last <= user->last) {
		d->last = user->last;
		if (d->saved != d->last)
			unwritten_add(&l->u->unwritten, &d->unwritten);
	}
	if (d == NULL || strcmp(d->domain, user->domain) != 0)
		bury(l->u, user);
}

void
users_disk_begin(struct users *u)
{
	struct loading l = { u, 0 };

	u->unwritten = (struct unwritten_queue){ .world = u->world, .write = write_batch,
		.written = on_written, .arg = u };
	unwritten_begin(&u->unwritten);
	store_each_user(u->store, load, &l);
	/* Only now: what was on disk has its others there, where there are any. */
	if (l.lost == 0)
		return;
	if (u->lost == NULL)
		u->lost = users_make(&in6addr_any, "");
	if (u->lost->last < l.lost)
		u->lost->last = l.lost;
}

/* Those that the store refused stand in the queue still. */
void
users_disk_end(struct users *u)
{
	struct unwritten *w;

	unwritten_end(&u->unwritten);
	while ((w = u->unwritten.first) != NULL) {
		unwritten_remove(&u->unwritten, w);
		if (((struct user *)w)->gone)
			free(w);
	}
}
