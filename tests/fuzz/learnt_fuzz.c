/* learnt_fuzz.c - answers about eight names and eight addresses, against a plain model
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The model keeps the end of every link in a square of times and finds domains by trying all ways.
 * Each answer: an octet for its type and name, one for time and number of records, and two for each
 * record: type and owner, target and TTL. */
#include "nfq/learnt.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define N 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum kind { MX, DOMAIN, ALIAS, ADDRESS, KINDS };

struct model {
	double now_s, ends[KINDS][N][N];
	bool told[N][N][N];		/* domain, host, address */
};

static const enum dns_type types[] = { DNS_MX, DNS_A, DNS_CNAME, DNS_AAAA };

static int
number(const char *name)
{
	assert(name[0] == 'n' && name[1] >= '0' && name[1] < '0' + N && name[2] == '\0');
	return name[1] - '0';
}

static void
join(struct model *w, enum kind kind, int from, int to, uint32_t ttl_s)
{
	double end = w->now_s + (ttl_s < LEARNT_TTL_MIN_S ? LEARNT_TTL_MIN_S : ttl_s) +
	    LEARNT_DIAL_S;

	if (w->ends[kind][from][to] < end)
		w->ends[kind][from][to] = end;
}

/* What is reached from `from` by living links of a kind, itself included: bits. */
static unsigned
reached(const struct model *w, enum kind kind, int from)
{
	unsigned bits = 1u << from, before;

	do {
		before = bits;
		for (int i = 0; i < N; i++)
			for (int k = 0; k < N; k++)
				if (bits >> i & 1 && w->ends[kind][i][k] > w->now_s)
					bits |= 1u << k;
	} while (bits != before);
	return bits;
}

/* What the living links of a kind of all these names lead to: bits. */
static unsigned
linked(const struct model *w, enum kind kind, unsigned names)
{
	unsigned bits = 0;

	for (int i = 0; i < N; i++)
		for (int k = 0; k < N; k++)
			if (names >> i & 1 && w->ends[kind][i][k] > w->now_s)
				bits |= 1u << k;
	return bits;
}

static bool
maps(const struct model *w, int domain, int host, int ip)
{
	return linked(w, MX, reached(w, DOMAIN, domain)) >> host & 1 &&
	    linked(w, ADDRESS, reached(w, ALIAS, host)) >> ip & 1;
}

static int
find_cname(const struct dns_message *m, int owner)
{
	for (size_t i = 0; i < m->len; i++)
		if (m->records[i].type == DNS_CNAME && number(m->records[i].owner) == owner)
			return (int)i;
	return -1;
}

/* The names an MX answer is about: its hosts, or the domain. */
static unsigned
model_mx(struct model *w, const struct dns_message *m)
{
	int at = number(m->name), cname;
	unsigned about = 0;
	bool answered = false;

	for (int links = 0; links < 8 && (cname = find_cname(m, at)) >= 0; links++) {
		int to = number(m->records[cname].name);

		join(w, DOMAIN, at, to, m->records[cname].ttl_s);
		at = to;
	}
	for (size_t i = 0; i < m->len; i++) {
		const struct dns_record *r = &m->records[i];

		if (r->type != DNS_MX || number(r->owner) != at)
			continue;
		answered = true;
		if (r->name[0] == '\0')
			continue;
		join(w, MX, at, number(r->name), r->ttl_s);
		about |= 1u << number(r->name);
	}
	if (!answered && !m->truncated && !m->referral) {
		join(w, MX, at, at, 10800);
		about |= 1u << at;
	}
	return about;
}

static void
model(struct model *w, const struct dns_message *m)
{
	unsigned about = m->type == DNS_MX ? model_mx(w, m) : 1u << number(m->name), before;

	do {
		before = about;
		for (size_t i = 0; i < m->len; i++)
			if (m->records[i].type == DNS_CNAME &&
			    about >> number(m->records[i].owner) & 1) {
				join(w, ALIAS, number(m->records[i].owner),
				    number(m->records[i].name), m->records[i].ttl_s);
				about |= 1u << number(m->records[i].name);
			}
	} while (about != before);
	for (size_t i = 0; i < m->len; i++)
		if ((m->records[i].type == DNS_A || m->records[i].type == DNS_AAAA) &&
		    about >> number(m->records[i].owner) & 1)
			join(w, ADDRESS, number(m->records[i].owner), m->records[i].ip.s6_addr[15],
			    m->records[i].ttl_s);
}

static void
on_domain(void *arg, const char *domain)
{
	(void)arg;
	number(domain);
}

static void
on_mapped(void *arg, const char *domain, const char *host, const struct in6_addr *ip,
    uint32_t ttl_s)
{
	struct model *w = arg;

	assert(maps(w, number(domain), number(host), ip->s6_addr[15]));
	assert(ttl_s <= LEARNT_TTL_MAX_S);
	w->told[number(domain)][number(host)][ip->s6_addr[15]] = true;
}

static void
check(const struct learnt *l, const struct model *w)
{
	unsigned hosts[N], addresses[N];

	for (int i = 0; i < N; i++) {
		hosts[i] = linked(w, MX, reached(w, DOMAIN, i));
		addresses[i] = linked(w, ADDRESS, reached(w, ALIAS, i));
	}
	for (int ip = 0; ip < N; ip++) {
		const char *names[LEARNT_DOMAINS_MAX];
		struct in6_addr address = { .s6_addr = { [15] = (uint8_t)ip } };
		unsigned known = 0, expected = 0;
		bool more;
		size_t n = learnt_domains(l, &address, w->now_s, names, &more);

		while (n-- > 0) {
			assert((known >> number(names[n]) & 1) == 0);
			known |= 1u << number(names[n]);
		}
		for (int domain = 0; domain < N; domain++)
			for (int host = 0; host < N; host++)
				if (hosts[domain] >> host & 1 && addresses[host] >> ip & 1) {
					expected |= 1u << domain;
					assert(w->told[domain][host][ip]);
				}
		assert(known == expected);
	}
}

/* One answer from the input; the rest of it is returned. */
static size_t
take(const uint8_t *data, size_t size, struct dns_message *m, double *now_s)
{
	size_t n = data[1] & 7, at = 2;

	m->type = types[data[0] & 3];
	snprintf(m->name, sizeof(m->name), "n%d", data[0] >> 2 & 7);
	m->truncated = data[0] >> 5 == 1;
	m->referral = data[0] >> 5 == 2;
	m->rcode = data[0] >> 5 == 3 ? 2 : 0;
	*now_s += (data[1] >> 3) * 16;
	for (m->len = 0; m->len < n && size - at >= 2; at += 2) {
		struct dns_record *r = &m->records[m->len++];

		r->type = types[data[at] & 3];
		r->ttl_s = data[at + 1] & 0xf8;
		snprintf(r->owner, sizeof(r->owner), "n%d", data[at] >> 2 & 7);
		r->name[0] = '\0';
		if (r->type == DNS_CNAME || (r->type == DNS_MX && data[at] < 0xe0))
			snprintf(r->name, sizeof(r->name), "n%d", data[at + 1] & 7);
		r->ip = (struct in6_addr){ .s6_addr = { [15] = data[at + 1] & 7 } };
	}
	return at;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct learnt_events events = { on_domain, on_mapped };
	static struct dns_message m;
	static struct model w;
	static struct learnt *l;
	static double start_s;

	/* One for all inputs: what the last one taught is over when the next begins. */
	if (l == NULL)
		l = learnt_new(&events, &w, 3600);
	assert(l != NULL);
	start_s += 1e7;
	memset(&w, 0, sizeof(w));
	w.now_s = start_s;
	while (size >= 2) {
		size_t n = take(data, size, &m, &w.now_s);

		if (m.rcode == 0)
			model(&w, &m);
		learnt_message(l, &m, w.now_s);
		check(l, &w);
		data += n;
		size -= n;
	}
	assert(w.now_s < start_s + 9e6);
	return 0;
}
