/* users.c - which recipient domains use an address
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Everything is in memory by address, the store only follows. An address may be known by more
 * domains than stand here: its `others` are domains that were seen and found no room, and while
 * they could still be about, the address is crowded.
 *
 * Hints come from the wire, where anybody can lie, so the table can be flooded. An address that no
 * session has asked about for a day gives way then, and whole: the domains left of half an address
 * would demand less than all of them. Learnt anew it would have the same fault, known by the first
 * domain that is seen, which may be a forger's, until the others are seen again. So for as long as
 * a domain that was lost could still be in use (USERS_DAYS after the last loss), each address that
 * comes to be known has others. A flood thus costs new addresses the inspect path for that time,
 * and those that sessions use nothing; what is demanded it never weakens. */
#include "policy/users_parts.h"

#include <stdlib.h>
#include <string.h>

#include "policy/fresh.h"

#if defined(__GNUC__) && !defined(__clang__)
/* An address hangs in its table by a member, out of the analyzer's sight. */
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

#define LAPSE_S (USERS_DAYS * USERS_DAY_S)
#define TEND_MS (3600 * 1000)	/* lapsed domains are dropped so often */
/* With the others that addresses in use got when nothing gave way: all are taken back. */
#define LOADED_MAX (USERS_MAX + USERS_MAX / 8)
#define ASKED_MS (86400 * 1000)	/* an address is in use so long after a session asked for it */

static int64_t
now(const struct users *u)
{
	return u->world->now(u->world->arg);
}

static bool
lapsed(const struct users *u, const struct user *d)
{
	return now(u) - d->last > LAPSE_S;
}

static struct user *
add(struct users *u, const struct in6_addr *ip, const char *domain)
{
	u->length++;
	return users_make(ip, domain);
}

static void
remove_if_empty(struct users *u, struct place *p)
{
	if (p->first != NULL || p->others != NULL)
		return;
	cache_remove(&u->places, &p->node);
	free(p);
}

/* Unlinks and erases the domains of which `over` is true. */
static bool
thin(struct users *u, struct place *p,
    bool (*over)(const struct users *u, const struct user *d, const char *domain),
    const char *domain)
{
	size_t before = u->length;
	struct user *d;

	for (struct user **at = &p->first; (d = *at) != NULL;) {
		if (!over(u, d, domain)) {
			at = &d->next;
			continue;
		}
		*at = d->next;
		p->length--;
		users_erase(u, d);
	}
	if (p->others != NULL && over(u, p->others, domain)) {
		users_erase(u, p->others);
		p->others = NULL;
	}
	return u->length < before;
}

static bool
always(const struct users *u, const struct user *d, const char *domain)
{
	(void)u;
	(void)d;
	(void)domain;
	return true;
}

static bool
is_lapsed(const struct users *u, const struct user *d, const char *domain)
{
	(void)domain;
	return lapsed(u, d);
}

static bool
is_named(const struct users *u, const struct user *d, const char *domain)
{
	(void)u;
	return strcmp(d->domain, domain) == 0;
}

/* Seen now. On disk it is written when it is new there, or a day old. */
static void
touch(struct users *u, struct user *d)
{
	int64_t since = now(u) - d->saved;

	d->last = now(u);
	if (d->saved == 0 || since < 0 || since >= USERS_DAY_S)
		unwritten_add(&u->unwritten, &d->unwritten);
}

static void
note_loss(struct users *u)
{
	if (u->lost == NULL)
		u->lost = users_make(&in6addr_any, "");
	u->lost->last = now(u);
	unwritten_add(&u->unwritten, &u->lost->unwritten);
}

static bool
in_use(const struct cache_entry *c)
{
	return ((const struct place *)c)->asked != 0;
}

/* False: the table is full of addresses in use. */
static bool
make_room(struct users *u)
{
	struct cache_entry *c;

	while (u->length >= u->most) {
		note_loss(u);
		if ((c = cache_victim(&u->places, in_use)) == NULL)
			return false;
		thin(u, (struct place *)c, always, "");
		remove_if_empty(u, (struct place *)c);
	}
	return true;
}

static struct place *
find(struct users *u, const struct in6_addr *ip)
{
	struct cache_entry *c = cache_find(&u->places, ip->s6_addr, sizeof(ip->s6_addr));

	if (c != NULL)
		c->used = false;	/* in_use says it: to be seen is no use */
	return (struct place *)c;
}

static struct place *
add_place(struct users *u, const struct in6_addr *ip)
{
	struct place *p = calloc(1, sizeof(*p));

	if (p == NULL)
		abort();
	p->ip = *ip;
	cache_add(&u->places, &p->node, p->ip.s6_addr, sizeof(p->ip.s6_addr));
	p->node.used = false;
	if (u->lost != NULL && !lapsed(u, u->lost)) {
		p->others = add(u, ip, "");
		p->others->last = u->lost->last;
		unwritten_add(&u->unwritten, &p->others->unwritten);
	}
	return p;
}

/* The one found moves to the front: of many domains a few get most of the mail. */
static struct user *
find_user(struct place *p, const char *domain)
{
	struct user *d;

	if (domain[0] == '\0')
		return p->others;
	for (struct user **at = &p->first; (d = *at) != NULL; at = &d->next)
		if (strcmp(d->domain, domain) == 0) {
			*at = d->next;
			d->next = p->first;
			return p->first = d;
		}
	return NULL;
}

struct user *
users_settle(struct users *u, const struct in6_addr *ip, const char *domain)
{
	struct place *p = find(u, ip);
	struct user *d = p != NULL ? find_user(p, domain) : NULL;
	bool room;

	if (d != NULL)
		return d;
	room = make_room(u);
	p = find(u, ip);	/* it may have given way itself */
	if (p == NULL && room)
		p = add_place(u, ip);
	if (p == NULL)
		return NULL;
	if (domain[0] == '\0' || !room || p->length >= USERS_DOMAINS_MAX) {
		if (p->others == NULL)
			p->others = add(u, ip, "");
		return p->others;	/* NOLINT(clang-analyzer-unix.Malloc): the table has p */
	}
	d = add(u, ip, domain);
	d->next = p->first;
	p->first = d;
	p->length++;
	return d;
}

void
users_saw(struct users *u, const char *domain, const struct in6_addr *ip)
{
	struct user *d;

	if (domain[0] == '\0' || IN6_IS_ADDR_UNSPECIFIED(ip))
		return;
	/* What cannot be kept is one of the others, from wherever it came. */
	if (strlen(domain) > USERS_DOMAIN_MAX || !store_host_fits(domain))
		domain = "";
	if ((d = users_settle(u, ip, domain)) != NULL)
		touch(u, d);
}

enum users_state
users_of(struct users *u, const struct in6_addr *ip, void (*each)(void *arg, const char *domain),
    void *arg)
{
	struct place *p = find(u, ip);
	enum users_state state = USERS_NONE;

	if (p == NULL)
		return USERS_NONE;
	p->asked = u->world->ticks(u->world->arg) | 1;	/* 0 has a meaning */
	if (p->others != NULL && !lapsed(u, p->others))
		return USERS_CROWDED;
	for (const struct user *d = p->first; d != NULL; d = d->next)
		if (!lapsed(u, d)) {
			state = USERS_KNOWN;
			each(arg, d->domain);
		}
	return state;
}

static const struct place *
peek(const struct users *u, const struct in6_addr *ip)
{
	struct cache_entry *c = cache_find(&u->places, ip->s6_addr, sizeof(ip->s6_addr));

	if (c != NULL)
		c->used = false;	/* as find has it */
	return (const struct place *)c;
}

bool
users_knows(const struct users *u, const char *domain, const struct in6_addr *ip)
{
	const struct place *p = peek(u, ip);

	if (p == NULL || (p->others != NULL && !lapsed(u, p->others)))
		return false;
	for (const struct user *d = p->first; d != NULL; d = d->next)
		if (strcmp(d->domain, domain) == 0)
			return !lapsed(u, d);
	return false;
}

uint64_t
users_left(const struct users *u, const struct in6_addr *ip)
{
	const struct place *p = peek(u, ip);
	uint64_t left = FRESH_ALWAYS;

	for (const struct user *d = p != NULL ? p->first : NULL; d != NULL; d = d->next)
		if (!lapsed(u, d))
			left = fresh_least(left, fresh_clock(d->last + LAPSE_S + 1, now(u)));
	return left;
}

bool
users_forget(struct users *u, const char *domain)
{
	bool known = false;
	struct cache_entry *next;

	for (struct cache_entry *c = cache_next(&u->places, NULL); c != NULL; c = next) {
		next = cache_next(&u->places, c);
		if (domain[0] != '\0' && thin(u, (struct place *)c, is_named, domain))
			known = true;
		remove_if_empty(u, (struct place *)c);
	}
	return known;
}

size_t
users_length(const struct users *u)
{
	return u->length;
}

/* Seen in the future: the clock was set back. Nothing is known for ever. */
static void
not_later(struct user *d, int64_t latest)
{
	if (d != NULL && d->last > latest + USERS_DAY_S)
		d->last = latest;
}

static void
on_tend(void *arg)
{
	struct users *u = arg;
	uint64_t ticks = u->world->ticks(u->world->arg);
	struct cache_entry *next;

	not_later(u->lost, now(u));
	for (struct cache_entry *c = cache_next(&u->places, NULL); c != NULL; c = next) {
		struct place *p = (struct place *)c;

		next = cache_next(&u->places, c);
		not_later(p->others, now(u));
		for (struct user *d = p->first; d != NULL; d = d->next)
			not_later(d, now(u));
		if (ticks > p->asked + ASKED_MS)
			p->asked = 0;
		thin(u, p, is_lapsed, "");
		remove_if_empty(u, p);
	}
	u->world->timer_start(u->world->arg, &u->tend, TEND_MS);
}

struct users *
users_new(const struct world *world, struct store *store)
{
	struct users *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return NULL;
	u->world = world;
	u->store = store;
	cache_init(&u->places);
	u->tend.fire = on_tend;
	u->tend.arg = u;
	u->most = LOADED_MAX;
	users_disk_begin(u);
	u->most = USERS_MAX;
	on_tend(u);
	return u;
}

void
users_free(struct users *u)
{
	struct cache_entry *c;
	struct user *d;

	if (u == NULL)
		return;
	users_disk_end(u);
	u->world->timer_stop(u->world->arg, &u->tend);
	while ((c = cache_next(&u->places, NULL)) != NULL) {
		struct place *p = (struct place *)c;

		while ((d = p->first) != NULL) {
			p->first = d->next;
			free(d);
		}
		free(p->others);
		cache_remove(&u->places, c);
		free(p);
	}
	free(u->lost);
	free(u);
}
