/* nfq_bench.c - the nfq process's speed: what a DNS answer costs, and the gate's word on a SYN
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * nfq_bench [DOMAINS]: for each domain an MX answer with two hosts and an answer with two addresses
 * for each of them, as packets in memory; first all new, then all known; then a SYN to each address
 * when everything is answered, and one to addresses that nobody has heard of. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nfq/dns_watch.h"
#include "nfq/gate.h"

#define DOMAINS_MAX 20000	/* two addresses of each are what learnt.c keeps */
#define PACKET_SIZE 256
#define ROUNDS 20

struct captured {
	size_t len;
	unsigned char bytes[PACKET_SIZE];
};

static struct dns_watch *watch;
static struct gate *gate;
static uint32_t asked[1 << 16];
static size_t asked_len, hints;

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- packets ---------------------------------------------------------------------------------- */

static void
put16(struct captured *c, unsigned v)
{
	c->bytes[c->len++] = (unsigned char)(v >> 8);
	c->bytes[c->len++] = (unsigned char)v;
}

static void
put_name(struct captured *c, const char *name)
{
	while (*name != '\0') {
		size_t len = strcspn(name, ".");
		c->bytes[c->len++] = (unsigned char)len;
		memcpy(c->bytes + c->len, name, len);
		c->len += len;
		name += len + (name[len] == '.');
	}
	c->bytes[c->len++] = 0;
}

/* begin: IPv4, UDP from port 53, a DNS header with one question and `answers`. */
static void
begin(struct captured *c, const char *name, unsigned type, unsigned answers)
{
	static const unsigned char headers[28] = { 0x45, [8] = 64, 17, [12] = 192, 0, 2, 53, 192, 0,
		2, 1, 0, 53, 0x80 };

	memcpy(c->bytes, headers, sizeof(headers));
	c->len = sizeof(headers);
	put16(c, 7);
	put16(c, 0x8180);
	put16(c, 1);
	put16(c, answers);
	put16(c, 0);
	put16(c, 0);
	put_name(c, name);
	put16(c, type);
	put16(c, 1);
}

static void
put_record(struct captured *c, unsigned type, unsigned len)
{
	put16(c, 0xc00c);	/* the question's name */
	put16(c, type);
	put16(c, 1);
	put16(c, 0);
	put16(c, 3600);
	put16(c, len);
}

static void
finish(struct captured *c)
{
	c->bytes[2] = (unsigned char)(c->len >> 8);
	c->bytes[3] = (unsigned char)c->len;
	c->bytes[24] = (unsigned char)((c->len - 20) >> 8);
	c->bytes[25] = (unsigned char)(c->len - 20);
}

static void
make_mx(struct captured *c, unsigned domain)
{
	char name[64];

	snprintf(name, sizeof(name), "d%u.customer.example", domain);
	begin(c, name, DNS_MX, 2);
	for (unsigned host = 1; host <= 2; host++) {
		put_record(c, DNS_MX, 8);
		put16(c, host * 10);
		memcpy(c->bytes + c->len, host == 1 ? "\3mx1" : "\3mx2", 4);
		c->len += 4;
		put16(c, 0xc00c);
	}
	finish(c);
}

static void
make_a(struct captured *c, unsigned domain)
{
	char name[64];

	snprintf(name, sizeof(name), "mx1.d%u.customer.example", domain);
	begin(c, name, DNS_A, 2);
	for (unsigned i = 0; i < 2; i++) {
		put_record(c, DNS_A, 4);
		put16(c, 10 << 8 | i);
		put16(c, domain);
	}
	finish(c);
}

/* --- the measured ----------------------------------------------------------------------------- */

static bool
hint(void *arg, const struct hint *h)
{
	(void)arg, (void)h;
	hints++;
	return true;
}

static void
mapped(void *arg, const char *domain, const struct in6_addr *ip)
{
	(void)arg;
	gate_mapped(gate, domain, ip, 1);
}

static void
ask(void *arg, uint32_t id, const char *domain, const struct in6_addr *ip)
{
	(void)arg, (void)domain, (void)ip;
	if (asked_len < sizeof(asked) / sizeof(asked[0]))
		asked[asked_len++] = id;
}

static void
read_answers(const struct captured *packets, unsigned n, unsigned rounds, const char *what)
{
	unsigned answers = 0;
	double start = seconds();

	for (unsigned round = 0; round < rounds; round++)
		for (unsigned i = 0; i < n; i++)
			answers += dns_watch_packet(watch, packets[i].bytes, packets[i].len, 1);
	if (answers != n * rounds)
		exit(2);
	printf("a DNS answer, %s: %.0f ns\n", what, (seconds() - start) * 1e9 / answers);
}

/* decide: for destinations numbered from `first` on. */
static void
decide(unsigned first, unsigned n, enum gate_word expected, const char *what)
{
	struct in6_addr ip = { .s6_addr = { [10] = 0xff, 0xff, 10, 0 } };
	double start = seconds();

	for (unsigned round = 0; round < ROUNDS; round++)
		for (unsigned i = first; i < first + n; i++) {
			ip.s6_addr[14] = (uint8_t)(i >> 8);
			ip.s6_addr[15] = (uint8_t)i;
			if (gate_decide(gate, &ip, 2) != expected)
				exit(3);
		}
	printf("the gate's word on %u destinations, %s: %.0f ns\n", n, what,
	    (seconds() - start) * 1e9 / n / ROUNDS);
}

int
main(int argc, char **argv)
{
	static const struct dns_watch_events watch_events = { hint, mapped };
	static const struct gate_events gate_events = { ask };
	static const struct requirement nothing = { .state = REQUIREMENT_READY,
		.level = LEVEL_MAY, .floor = LEVEL_MAY };
	static struct captured packets[2 * DOMAINS_MAX];
	unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 10000;

	if (n == 0 || n > DOMAINS_MAX)
		return 1;
	for (unsigned i = 0; i < n; i++) {
		make_mx(&packets[2 * i], i);
		make_a(&packets[2 * i + 1], i);
	}
	watch = dns_watch_new(&watch_events, NULL, 0);
	gate = gate_new(dns_watch_learnt(watch), true, &gate_events, NULL);
	read_answers(packets, 2 * n, 1, "all new");
	read_answers(packets, 2 * n, ROUNDS, "all known");
	if (hints < 3 * (size_t)n || hints > 4 * (size_t)n)
		return 4;	/* each domain and both its addresses, and few of them again */
	for (size_t i = 0; i < asked_len; i++)
		gate_answer(gate, asked[i], &nothing, 1);
	decide(0, n, GATE_DIRECT, "known");
	decide(n, n, GATE_PROXY, "unknown");
	gate_free(gate);
	dns_watch_free(watch);
	return 0;
}
