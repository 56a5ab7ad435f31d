/* gate.c - through the proxy, or direct? decided for each SYN from what is known at that moment
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Answers stand in a table of small sets, found by a keyed hash of domain and address. Two keyed
 * hashes together are their name, so none is ever taken for another's; the domain itself comes from
 * learnt.c. In a full set the answer unused for longest gives way, and is unknown again.
 *
 * A change (gate_stale) begins a new epoch, for everything or for one domain or address; of these
 * the epochs are kept in buckets, and who shares one is merely asked again. What was asked or
 * answered before its epoch counts no more; it is asked for again when it is next wanted, so that a
 * change costs no flood of questions. */
#include "nfq/gate.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/siphash.h"

#define WAYS 16
#define SETS (2 * GATE_MAX / WAYS)	/* with GATE_MAX answers one set in 250 overflows */
#define PLACE_BITS 17
#define PLACE_MASK ((1u << PLACE_BITS) - 1)
#define BUCKETS 65536		/* of epochs */
#define ASKS_A_SYN 16		/* of many domains at one address the next SYN asks the rest */

_Static_assert(SETS * WAYS == 1 << PLACE_BITS, "an id has room for each place");

struct place {
	uint64_t check;			/* the second hash */
	double asked_s, answered_s, used_s;
	uint64_t asked_epoch, answered_epoch;	/* 0: never */
	uint32_t id;			/* of the last question; goes on with the place's owners, so
					 * that a late answer finds another one */
	uint16_t domain, ip;		/* buckets */
	bool open;			/* asked, not answered */
	bool demands;
};

struct set {
	uint64_t keys[WAYS];		/* 0: free */
	struct place places[WAYS];
};

struct gate {
	const struct learnt *learnt;
	bool required;
	const struct gate_events *events;
	void *arg;
	struct siphash_key key, check;
	uint64_t epoch;			/* now; the others: of the last change */
	uint64_t all, domains[BUCKETS], ips[BUCKETS];
	struct set sets[SETS];
};

struct gate *
gate_new(const struct learnt *l, bool required, const struct gate_events *events, void *arg)
{
	struct gate *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->learnt = l;
	g->required = required;
	g->events = events;
	g->arg = arg;
	g->epoch = g->all = 1;
	siphash_key_make(&g->key);
	siphash_key_make(&g->check);
	return g;
}

void
gate_free(struct gate *g)
{
	free(g);
}

/* oldest: the way that is free, or else unused for longest. */
static unsigned
oldest(const struct set *s)
{
	unsigned best = 0;

	for (unsigned i = 0; i < WAYS; i++) {
		if (s->keys[i] == 0)
			return i;
		if (s->places[i].used_s < s->places[best].used_s)
			best = i;
	}
	return best;
}

static uint16_t
bucket(const struct gate *g, const void *p, size_t len)
{
	return (uint16_t)(siphash(&g->check, p, len) % BUCKETS);
}

/* find: the place of this domain at this address, made where there is none, and its number. */
static struct place *
find(struct gate *g, const char *domain, const struct in6_addr *ip, uint32_t *index)
{
	unsigned char name[sizeof(ip->s6_addr) + DNS_NAME_SIZE];
	size_t len = strnlen(domain, DNS_NAME_SIZE);

	memcpy(name, ip->s6_addr, sizeof(ip->s6_addr));
	memcpy(name + sizeof(ip->s6_addr), domain, len);
	len += sizeof(ip->s6_addr);
	uint64_t key = siphash(&g->key, name, len), check = siphash(&g->check, name, len);
	uint32_t number = (uint32_t)(key % SETS);
	struct set *s = &g->sets[number];
	unsigned way;

	key = key != 0 ? key : 1;
	for (way = 0; way < WAYS; way++)
		if (s->keys[way] == key && s->places[way].check == check)
			break;
	if (way == WAYS) {
		way = oldest(s);
		s->places[way] = (struct place){ .check = check, .id = s->places[way].id,
		    .domain = bucket(g, domain, strnlen(domain, DNS_NAME_SIZE)),
		    .ip = bucket(g, ip->s6_addr, sizeof(ip->s6_addr)) };
		s->keys[way] = key;
	}
	*index = number * WAYS + way;
	return &s->places[way];
}

/* since: the epoch of the last change that concerns this place. */
static uint64_t
since(const struct gate *g, const struct place *p)
{
	uint64_t latest = g->all;

	if (g->domains[p->domain] > latest)
		latest = g->domains[p->domain];
	return g->ips[p->ip] > latest ? g->ips[p->ip] : latest;
}

/* current: an answer that counts. */
static bool
current(const struct gate *g, const struct place *p, double now_s)
{
	return p->answered_epoch >= since(g, p) && now_s - p->answered_s <= GATE_FRESH_S;
}

/* wants_question: an answer that never comes is asked for again. */
static bool
wants_question(const struct gate *g, const struct place *p, double now_s)
{
	if (p->open && p->asked_epoch >= since(g, p) && now_s - p->asked_s < GATE_REASK_S)
		return false;
	return !current(g, p, now_s) || now_s - p->answered_s >= GATE_REASK_S;
}

static void
ask(struct gate *g, struct place *p, uint32_t index, const char *domain,
    const struct in6_addr *ip, double now_s)
{
	p->id = ((p->id >> PLACE_BITS) + 1) << PLACE_BITS | index;
	p->open = true;
	p->asked_s = now_s;
	p->asked_epoch = g->epoch;
	g->events->ask(g->arg, p->id, domain, ip);
}

/* harmless: this domain is known to demand nothing here. *asks: questions that may still be put. */
static bool
harmless(struct gate *g, const char *domain, const struct in6_addr *ip, double now_s,
    unsigned *asks)
{
	uint32_t index;
	struct place *p = find(g, domain, ip, &index);
	bool yes = current(g, p, now_s) && !p->demands;

	p->used_s = now_s;
	if (*asks > 0 && wants_question(g, p, now_s)) {
		(*asks)--;
		ask(g, p, index, domain, ip, now_s);
	}
	return yes;
}

void
gate_mapped(struct gate *g, const char *domain, const struct in6_addr *ip, double now_s)
{
	unsigned asks = 1;

	if (g->required)
		harmless(g, domain, ip, now_s, &asks);
}

void
gate_answer(struct gate *g, uint32_t id, const struct requirement *q, double now_s)
{
	uint32_t index = id & PLACE_MASK;
	struct place *p = &g->sets[index / WAYS].places[index % WAYS];

	if (!p->open || p->id != id)
		return;
	p->open = false;
	if (p->asked_epoch < since(g, p))
		return;		/* asked before the change: its answer may be from before, too */
	p->answered_epoch = g->epoch;
	p->answered_s = now_s;
	p->demands = gate_demands(q);
}

void
gate_stale(struct gate *g, const struct stale *what)
{
	bool ip = !IN6_IS_ADDR_UNSPECIFIED(&what->ip);

	g->epoch++;
	if (what->domain[0] != '\0')
		g->domains[bucket(g, what->domain, strnlen(what->domain, DNS_NAME_SIZE))] =
		    g->epoch;
	if (ip)
		g->ips[bucket(g, what->ip.s6_addr, sizeof(what->ip.s6_addr))] = g->epoch;
	if (what->domain[0] == '\0' && !ip)
		g->all = g->epoch;
}

bool
gate_demands(const struct requirement *q)
{
	/* A testing policy and mode: monitor demand that it is seen and reported. What memory knows
	 * is looked at even with `stripping: log`, which logs. */
	return q->state != REQUIREMENT_READY || q->level > LEVEL_MAY || q->floor > LEVEL_MAY ||
	    q->remembered;
}

enum gate_word
gate_decide(struct gate *g, const struct in6_addr *destination, double now_s)
{
	const char *domains[LEARNT_DOMAINS_MAX];
	unsigned asks = ASKS_A_SYN;
	bool more = false, direct = true;

	if (!g->required)
		return GATE_PROXY;
	size_t len = learnt_domains(g->learnt, destination, now_s, domains, &more);
	if (len == 0 || more)
		return GATE_PROXY;
	for (size_t i = 0; i < len; i++)
		if (!harmless(g, domains[i], destination, now_s, &asks))
			direct = false;
	return direct ? GATE_DIRECT : GATE_PROXY;
}
