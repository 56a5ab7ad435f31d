/* mx_lookup.c - one lookup of a domain's MX set: its MX records, then all hosts at once
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Hosts do not wait for each other, and the set not for the slowest of them: what has not come by
 * then is an error of that host alone (R80). */
#include "policy/mx_lookup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/host.h"
#include "policy/tlsa_lookup.h"

#define MAIL_PORT 25			/* the only one that is intercepted (R96) */
#define KEEP_MIN_MS (5 * 1000)		/* resolvers keep it too: a limit on our asking */
#define KEEP_MAX_MS (3600 * 1000)
#define KEEP_FAILED_MS (10 * 1000)
#define KEEP_PARTLY_MS (60 * 1000)	/* some host has no address, or an error */
#define FAMILY_MS (6 * 1000)		/* one question of one resolver: a family that has not come
					 * by then leaves the time to ask for TLSA records */
#define HOSTS_MS (12 * 1000)		/* for all hosts: two questions in turn of one resolver;
					 * with that for MX records within policy.wait */

struct found_host {
	struct mx_lookup *owner;
	struct host lookup;
	struct tlsa_lookup tlsa;
	uint16_t preference;
	char name[ANSWER_NAME_SIZE];
};

struct mx_lookup {
	const struct world *world;
	bool dane;
	const char *domain;
	void (*done)(void *arg, struct mx_lookup *l);
	void *arg;
	struct world_query query;
	struct world_timer patience;
	struct found_host *hosts;
	size_t len, left;
	bool sufficed;			/* FAMILY_MS are over */
	struct mx_set set;		/* without its pointers */
	uint32_t ttl;
	char expanded[ANSWER_NAME_SIZE];
	char answers[ANSWER_NOTE_SIZE];
	char problem[ANSWER_PROBLEM_SIZE];
};

static void *
need(void *p)
{
	if (p == NULL)
		abort();	/* the parent starts a new policy process */
	return p;
}

uint64_t
mx_lookup_keep_ms(const struct mx_lookup *l)
{
	uint64_t keep = (uint64_t)l->ttl * 1000;

	if (l->set.state == REQUIRE_MX_FAILED || l->set.state == REQUIRE_MX_BOGUS)
		return KEEP_FAILED_MS;
	for (size_t i = 0; i < l->len; i++)
		if ((l->hosts[i].lookup.state != REQUIRE_ADDRESSES_OK ||
		    l->hosts[i].tlsa.state == REQUIRE_DANE_ERROR) && keep > KEEP_PARTLY_MS)
			keep = KEEP_PARTLY_MS;
	return keep < KEEP_MIN_MS ? KEEP_MIN_MS : keep < KEEP_MAX_MS ? keep : KEEP_MAX_MS;
}

/* Where the parts of the block go: sorted by alignment, each as long as counted before. */
struct packer {
	struct require_host *hosts;
	struct tlsa *records;
	struct in6_addr *ip;
	char *octets;
};

static const void *
put(struct packer *p, const void *from, size_t len)
{
	void *at = p->octets;

	memcpy(at, from, len);
	p->octets += len;
	return at;
}

static const char *
put_text(struct packer *p, const char *text)
{
	return put(p, text, strlen(text) + 1);
}

static size_t
count(const struct mx_lookup *l, size_t *records, size_t *addresses)
{
	size_t octets = strlen(l->expanded) + strlen(l->answers) + strlen(l->problem) + 3;

	*records = *addresses = 0;
	for (size_t i = 0; i < l->len; i++) {
		const struct found_host *h = &l->hosts[i];

		*addresses += h->lookup.len;
		*records += h->tlsa.records_len;
		for (size_t k = 0; k < h->tlsa.records_len; k++)
			octets += h->tlsa.records[k].len;
		octets += strlen(h->name) + strlen(h->tlsa.base) + 2;
		octets += strlen(h->lookup.answers) + strlen(h->tlsa.answers) + 2;
	}
	return octets;
}

static void
pack_host(struct packer *p, const struct found_host *from)
{
	char answers[HOST_ANSWERS_SIZE + TLSA_LOOKUP_ANSWERS_SIZE];
	struct require_host *h = p->hosts++;

	snprintf(answers, sizeof(answers), "%s%s%s", from->lookup.answers,
	    from->tlsa.answers[0] != '\0' ? "\n" : "", from->tlsa.answers);
	*h = (struct require_host){
		.name = put_text(p, from->name), .preference = from->preference,
		.state = from->lookup.state, .addresses = p->ip,
		.addresses_len = from->lookup.len, .secure = from->lookup.secure,
		.dane = from->tlsa.state, .base = put_text(p, from->tlsa.base),
		.records = p->records, .records_len = from->tlsa.records_len,
		.answers = put_text(p, answers)
	};
	memcpy(p->ip, from->lookup.addresses, from->lookup.len * sizeof(*p->ip));
	p->ip += from->lookup.len;
	for (size_t i = 0; i < from->tlsa.records_len; i++) {
		*p->records = from->tlsa.records[i];
		p->records->data = put(p, p->records->data, p->records->len);
		p->records++;
	}
}

void *
mx_lookup_set(const struct mx_lookup *l, struct mx_set *set, size_t *size)
{
	size_t records, addresses, octets = count(l, &records, &addresses);
	struct packer p;
	void *block;

	*size = l->len * sizeof(*p.hosts) + records * sizeof(*p.records) +
	    addresses * sizeof(*p.ip) + octets;
	block = need(malloc(*size));
	p.hosts = block;
	p.records = (struct tlsa *)(p.hosts + l->len);
	p.ip = (struct in6_addr *)(p.records + records);
	p.octets = (char *)(p.ip + addresses);
	*set = l->set;
	set->hosts = p.hosts;
	set->hosts_len = l->len;
	set->expanded = put_text(&p, l->expanded);
	set->answers = put_text(&p, l->answers);
	set->problem = put_text(&p, l->problem);
	for (size_t i = 0; i < l->len; i++)
		pack_host(&p, &l->hosts[i]);
	return block;
}

static void
finish(struct mx_lookup *l)
{
	l->world->timer_stop(l->world->arg, &l->patience);
	l->done(l->arg, l);
}

static void
end_host(struct found_host *h)
{
	struct mx_lookup *l = h->owner;

	if (h->lookup.ttl < l->ttl)
		l->ttl = h->lookup.ttl;
	if (l->dane && h->tlsa.ttl < l->ttl)
		l->ttl = h->tlsa.ttl;
	if (--l->left == 0)
		finish(l);
}

static void
on_tlsa(void *arg, struct tlsa_lookup *t)
{
	(void)t;
	end_host(arg);
}

static void
on_addresses(void *arg, struct host *lookup)
{
	struct found_host *h = arg;

	if (h->owner->dane)
		tlsa_lookup_start(&h->tlsa, h->owner->world, lookup, h->name, MAIL_PORT);
	else
		end_host(h);
}

static void
on_patience(void *arg)
{
	struct mx_lookup *l = arg;
	bool last = l->sufficed;

	if (!last)
		l->world->timer_start(l->world->arg, &l->patience, HOSTS_MS - FAMILY_MS);
	l->sufficed = true;
	l->left++;	/* it must not end under us */
	for (size_t i = 0; i < l->len; i++) {
		if (last) {
			host_expire(&l->hosts[i].lookup);
			tlsa_lookup_expire(&l->hosts[i].tlsa);
		} else if (l->dane) {
			host_suffice(&l->hosts[i].lookup);
		}
	}
	if (--l->left == 0)
		finish(l);
}

static void
add_host(struct mx_lookup *l, const char *name, uint16_t preference)
{
	struct found_host *h;

	for (size_t i = 0; i < l->len; i++) {
		if (strcmp(l->hosts[i].name, name) != 0)
			continue;
		if (preference < l->hosts[i].preference)
			l->hosts[i].preference = preference;
		return;
	}
	h = &l->hosts[l->len++];
	snprintf(h->name, sizeof(h->name), "%s", name);
	h->preference = preference;
	h->owner = l;
	h->lookup.done = on_addresses;
	h->tlsa.done = on_tlsa;
	h->lookup.arg = h->tlsa.arg = h;
}

static void
look_up_hosts(struct mx_lookup *l)
{
	l->left = l->len;
	if (l->len == 0) {
		finish(l);
		return;
	}
	l->world->timer_start(l->world->arg, &l->patience, FAMILY_MS);
	for (size_t i = 0; i < l->len; i++)
		host_lookup(&l->hosts[i].lookup, l->world, l->hosts[i].name);
}

static void
on_mx(void *arg, const struct answer *a)
{
	struct mx_lookup *l = arg;

	l->ttl = a->ttl;
	l->set.secure = a->secure;
	l->set.exists = a->state != ANSWER_NXDOMAIN;
	l->hosts = need(calloc(a->records_len + 1, sizeof(*l->hosts)));
	memcpy(l->problem, a->problem, sizeof(l->problem));
	answer_note(l->answers, sizeof(l->answers), l->domain, ANSWER_MX, a);
	if (a->secure && a->links > 0)
		memcpy(l->expanded, a->name, sizeof(l->expanded));
	switch (a->state) {
	case ANSWER_OK:
		for (size_t i = 0; i < a->records_len; i++)
			if (a->records[i].len > 0)
				add_host(l, a->records[i].text, a->records[i].preference);
		/* RFC 7505 section 3: the root alone; beside other hosts it is no host. */
		l->set.state = l->len > 0 ? REQUIRE_MX_OK : REQUIRE_MX_NULL;
		break;
	case ANSWER_NODATA:
		l->set.state = REQUIRE_MX_IMPLICIT;	/* RFC 5321 section 5.1 */
		add_host(l, l->domain, 0);
		break;
	case ANSWER_NXDOMAIN:
		l->set.state = REQUIRE_MX_IMPLICIT;	/* of a domain without any address */
		break;
	case ANSWER_FAILED:
		l->set.state = REQUIRE_MX_FAILED;
		break;
	case ANSWER_BOGUS:
		l->set.state = REQUIRE_MX_BOGUS;
		break;
	}
	look_up_hosts(l);
}

struct mx_lookup *
mx_lookup_start(const struct world *world, bool dane, const char *domain,
    void (*done)(void *arg, struct mx_lookup *l), void *arg)
{
	struct mx_lookup *l = need(calloc(1, sizeof(*l)));

	l->world = world;
	l->dane = dane;
	l->domain = domain;
	l->done = done;
	l->arg = arg;
	l->query.done = on_mx;
	l->query.arg = l->patience.arg = l;
	l->patience.fire = on_patience;
	world->query(world->arg, &l->query, domain, ANSWER_MX);
	return l;
}

void
mx_lookup_free(struct mx_lookup *l)
{
	l->world->query_cancel(l->world->arg, &l->query);
	l->world->timer_stop(l->world->arg, &l->patience);
	for (size_t i = 0; i < l->len; i++) {
		host_cancel(&l->hosts[i].lookup);
		tlsa_lookup_clear(&l->hosts[i].tlsa);
	}
	free(l->hosts);
	free(l);
}
