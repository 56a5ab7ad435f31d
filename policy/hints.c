/* hints.c - which MX host an address is, by what a client was told by DNS
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/hints.h"

#include <stdlib.h>
#include <string.h>

#include "policy/cache.h"
#include "policy/fresh.h"

#define KEY_MAX (sizeof(struct in6_addr) + HINTS_DOMAIN_MAX)

_Static_assert(KEY_MAX <= UINT8_MAX, "a cache entry's key_len");

struct told {
	struct cache_entry node;
	struct {
		char *name;		/* NULL: free */
		uint64_t until;		/* ticks */
	} hosts[HINTS_HOSTS_MAX];
	bool found;			/* some answer may have been made of it */
	unsigned char key[];
};

struct hints {
	const struct world *world;
	struct cache told;
	void (*lost)(void *arg, const char *domain);	/* NULL: nobody wants to know */
	void *lost_arg;
};

/* The length, 0 when the domain is too long. */
static size_t
make_key(unsigned char key[KEY_MAX], const char *domain, const struct in6_addr *ip)
{
	size_t len = strlen(domain);

	if (len > HINTS_DOMAIN_MAX)
		return 0;
	memcpy(key, ip->s6_addr, sizeof(*ip));
	memcpy(key + sizeof(*ip), domain, len);	/* NOLINT(bugprone-not-null-terminated-result) */
	return sizeof(*ip) + len;
}

static void
drop(struct hints *h, struct told *t)
{
	cache_remove(&h->told, &t->node);
	for (size_t i = 0; i < HINTS_HOSTS_MAX; i++)
		free(t->hosts[i].name);
	free(t);
}

static bool
never_busy(const struct cache_entry *c)
{
	(void)c;
	return false;
}

static void
say_lost(const struct hints *h, const struct told *t)
{
	size_t len = t->node.key_len - sizeof(struct in6_addr);
	char domain[HINTS_DOMAIN_MAX + 1];

	memcpy(domain, t->key + sizeof(struct in6_addr), len);
	domain[len] = '\0';
	if (h->lost != NULL && t->found)
		h->lost(h->lost_arg, domain);
}

static struct told *
add(struct hints *h, const unsigned char *key, size_t len)
{
	struct told *t = calloc(1, sizeof(*t) + len);
	struct cache_entry *c;

	if (t == NULL)
		return NULL;
	if (cache_length(&h->told) >= HINTS_MAX) {
		/* All in use: this one is not worth a longer search. */
		if ((c = cache_victim(&h->told, never_busy)) == NULL) {
			free(t);
			return NULL;
		}
		say_lost(h, (struct told *)c);
		drop(h, (struct told *)c);
	}
	memcpy(t->key, key, len);
	cache_add(&h->told, &t->node, t->key, len);
	/* Not until it is asked for: what was outlives a flood of what never will be. */
	t->node.used = false;
	return t;
}

/* The place of this name, else the one that ends first; a free one ends before all. */
static size_t
place(const struct told *t, const char *host)
{
	size_t at = 0;

	for (size_t i = 0; i < HINTS_HOSTS_MAX; i++) {
		if (t->hosts[i].name != NULL && strcmp(t->hosts[i].name, host) == 0)
			return i;
		if (t->hosts[i].until < t->hosts[at].until)
			at = i;
	}
	return at;
}

void
hints_add(struct hints *h, const char *domain, const struct in6_addr *ip, const char *host,
    uint32_t ttl_s)
{
	unsigned char key[KEY_MAX];
	size_t len = make_key(key, domain, ip), at;
	struct cache_entry *c = len > 0 ? cache_find(&h->told, key, len) : NULL;
	struct told *t = (struct told *)c;
	char *name;

	if (len == 0 || (t == NULL && (t = add(h, key, len)) == NULL))
		return;
	if (ttl_s < HINTS_TTL_MIN_S)
		ttl_s = HINTS_TTL_MIN_S;
	if (ttl_s > HINTS_TTL_MAX_S)
		ttl_s = HINTS_TTL_MAX_S;
	at = place(t, host);
	if (t->hosts[at].name == NULL || strcmp(t->hosts[at].name, host) != 0) {
		if ((name = strdup(host)) == NULL)
			return;		/* NOLINT(clang-analyzer-unix.Malloc): the table has t */
		free(t->hosts[at].name);
		t->hosts[at].name = name;
	}
	t->hosts[at].until = h->world->ticks(h->world->arg) + (uint64_t)ttl_s * 1000;
}

size_t
hints_find(struct hints *h, const char *domain, const struct in6_addr *ip,
    const char *hosts[HINTS_HOSTS_MAX])
{
	uint64_t now = h->world->ticks(h->world->arg);
	unsigned char key[KEY_MAX];
	size_t len = make_key(key, domain, ip), n = 0;
	struct told *t = len > 0 ? (struct told *)cache_find(&h->told, key, len) : NULL;

	for (size_t i = 0; t != NULL && i < HINTS_HOSTS_MAX; i++)
		if (t->hosts[i].name != NULL && now < t->hosts[i].until)
			hosts[n++] = t->hosts[i].name;
	if (n > 0)
		t->found = true;
	return n;
}

uint64_t
hints_left(struct hints *h, const char *domain, const struct in6_addr *ip)
{
	uint64_t now = h->world->ticks(h->world->arg), left = FRESH_ALWAYS;
	unsigned char key[KEY_MAX];
	size_t len = make_key(key, domain, ip);
	const struct told *t = len > 0 ? (struct told *)cache_find(&h->told, key, len) : NULL;

	for (size_t i = 0; t != NULL && i < HINTS_HOSTS_MAX; i++)
		if (t->hosts[i].name != NULL && now < t->hosts[i].until)
			left = fresh_least(left, fresh_ticks(t->hosts[i].until, now));
	return left;
}

void
hints_watch(struct hints *h, void (*lost)(void *arg, const char *domain), void *arg)
{
	h->lost = lost;
	h->lost_arg = arg;
}

size_t
hints_length(const struct hints *h)
{
	return cache_length(&h->told);
}

struct hints *
hints_new(const struct world *world)
{
	struct hints *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->world = world;
	cache_init(&h->told);
	return h;
}

void
hints_free(struct hints *h)
{
	struct cache_entry *c;

	if (h == NULL)
		return;
	while ((c = cache_next(&h->told, NULL)) != NULL)
		drop(h, (struct told *)c);
	free(h);
}
