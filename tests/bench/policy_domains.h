/* policy_domains.h - made-up domains with MTA-STS policies as long as real ones
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Domain N is firmN.example; a third of all have two hosts of their own, a third one of their own
 * name at a hoster, a third the three of a large hoster. */
#ifndef TESTS_POLICY_DOMAINS_H
#define TESTS_POLICY_DOMAINS_H

#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORLD_NAME 64
#define WORLD_ID "20260101000000"
#define WORLD_MAX_AGE 604800
#define WORLD_TEXT 512

static inline void
world_domain(char out[WORLD_NAME], unsigned domain)
{
	snprintf(out, WORLD_NAME, "firm%05u.example", domain);
}

static inline unsigned
world_number(const char *name)
{
	const char *at = strstr(name, "firm");

	return at == NULL ? 2 : (unsigned)strtoul(at + 4, NULL, 10);
}

static inline size_t
world_hosts(unsigned domain)
{
	static const size_t hosts[] = { 2, 1, 3 };

	return hosts[domain % 3];
}

static inline void
world_host(char out[WORLD_NAME], unsigned domain, size_t i)
{
	switch (domain % 3) {
	case 0:
		snprintf(out, WORLD_NAME, "mx%zu.firm%05u.example", i + 1, domain);
		return;
	case 1:
		snprintf(out, WORLD_NAME, "firm%05u-example.mail.hoster.example", domain);
		return;
	default:
		snprintf(out, WORLD_NAME, "mx%zu.smtp.large.example", i + 1);
	}
}

static inline struct in6_addr
world_address(const char *host)
{
	struct in6_addr ip = { .s6_addr = { [10] = 0xff, [11] = 0xff, [12] = 10 } };
	uint32_t hash = 2166136261u;

	for (; *host != '\0'; host++)
		hash = (hash ^ (unsigned char)*host) * 16777619u;
	for (int i = 0; i < 3; i++)
		ip.s6_addr[13 + i] = (uint8_t)(hash >> 8 * i);
	return ip;
}

static inline size_t
world_policy(char text[WORLD_TEXT], unsigned domain)
{
	int len = snprintf(text, WORLD_TEXT, "version: STSv1\r\nmode: enforce\r\n");
	char host[WORLD_NAME];

	for (size_t i = 0; domain % 3 != 1 && i < world_hosts(domain); i++) {
		world_host(host, domain, i);
		len += snprintf(text + len, WORLD_TEXT - (size_t)len, "mx: %s\r\n", host);
	}
	len += snprintf(text + len, WORLD_TEXT - (size_t)len, "%smax_age: %d\r\n",
	    domain % 3 == 1 ? "mx: *.mail.hoster.example\r\n" : "", WORLD_MAX_AGE);
	return (size_t)len;
}

#endif
