/* dns_message_fuzz.c - DNS answers from anywhere, and what is learnt from them
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nfq/dns_message.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "nfq/learnt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_name(const char *name)
{
	size_t len = strlen(name);

	assert(len <= 253);
	assert(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == len);
	assert(len == 0 || (name[0] != '.' && name[len - 1] != '.' && strstr(name, "..") == NULL));
}

static void
on_domain(void *arg, const char *domain)
{
	(void)arg;
	check_name(domain);
	assert(domain[0] != '\0');
}

static void
on_mapped(void *arg, const char *domain, const char *host, const struct in6_addr *ip,
    uint32_t ttl_s)
{
	on_domain(arg, domain);
	check_name(host);
	assert(host[0] != '\0' && ip != NULL && ttl_s <= LEARNT_TTL_MAX_S);
}

static void
check(const struct dns_message *m)
{
	check_name(m->name);
	assert(m->name[0] != '\0' && m->len <= DNS_RECORDS_MAX && (m->lost || m->lost_ttl_s == 0));
	for (size_t i = 0; i < m->len; i++) {
		const struct dns_record *r = &m->records[i];

		check_name(r->owner);
		check_name(r->name);
		assert(r->owner[0] != '\0' && r->ttl_s < 0x80000000u);
		assert((r->name[0] != '\0') ==
		    (r->type == DNS_CNAME || (r->type == DNS_MX && r->name[0] != '\0')));
	}
}

static enum dns_result
read_copy(const uint8_t *data, size_t size, struct dns_message *m)
{
	uint8_t *packet = malloc(size + 1);	/* its own block: a read beyond the end is seen */
	enum dns_result result;

	assert(packet != NULL);
	memcpy(packet + 1, data, size);
	result = dns_message_read(packet + 1, size, m);
	free(packet);
	return result;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct learnt_events events = { on_domain, on_mapped };
	static struct dns_message m, part;
	static struct learnt *l;
	static double now_s;
	const char *names[LEARNT_DOMAINS_MAX];
	bool more;

	if (l == NULL)
		l = learnt_new(&events, NULL, 3600);
	assert(l != NULL);
	if (read_copy(data, size, &m) != DNS_OK)
		return 0;
	check(&m);
	/* Cut short it says no more than whole. */
	if (read_copy(data, size - size / 3 - 1, &part) == DNS_OK) {
		check(&part);
		assert(part.len <= m.len && strcmp(part.name, m.name) == 0);
	}
	learnt_message(l, &m, now_s += 7);
	for (size_t i = 0; i < m.len; i++) {
		size_t n = 0;

		if (m.records[i].type == DNS_A || m.records[i].type == DNS_AAAA)
			n = learnt_domains(l, &m.records[i].ip, now_s, names, &more);
		while (n > 0)
			on_domain(NULL, names[--n]);
	}
	return 0;
}
