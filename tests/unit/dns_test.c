/* dns_test.c - questions to resolvers on loopback that answer, fail and stay silent by a script
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "policy/dns.h"

#define SERVERS 2
#define PACKET_SIZE 512
#define PATIENCE_S 10.0
#define SILENT 99	/* instead of an rcode */
#define TRUNCATED 98	/* and nobody listens on TCP */
#define UNPROVEN 0x100	/* with an rcode: the AD bit is not set */
#define NOERROR 0
#define SERVFAIL 2
#define NXDOMAIN 3
#define REFUSED 5

enum holds { NOTHING, MX_HOST, ALIAS, LONGER_ALIAS, NAME_SERVER };

/* What a server says to a question; the first row that fits. */
struct line {
	bool cd;		/* the question's CD bit */
	int rcode;
	unsigned ede;		/* an extended error, 0: none */
	enum holds holds;
	const char *name;	/* NULL: any */
};

struct resolver {
	struct ev_io io;
	const struct line *script;
	size_t len;
	unsigned asked, unchecked;
	uint8_t flags[8];	/* octet 3 of what came */
	bool ad;
};

struct fixture {
	struct ev_loop *loop;
	struct config config;
	struct dns *dns;
	struct resolver resolvers[SERVERS], tcp;
	struct world_query query;
	struct ev_timer patience;
	bool done;
	enum answer_state state;
	bool secure;
	size_t records;
	unsigned links;
	uint32_t ttl;
	char name[ANSWER_NAME_SIZE];
	char problem[ANSWER_PROBLEM_SIZE];
};

/* Adds an option record with an extended error (RFC 8914). */
static size_t
put_ede(unsigned char *p, unsigned code)
{
	const unsigned char opt[] = { 0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 6, 0, 15, 0, 2,
		(unsigned char)(code >> 8), (unsigned char)code };

	memcpy(p, opt, sizeof(opt));
	return sizeof(opt);
}

static size_t
put_answer(unsigned char *p, enum holds holds)
{
	/* mx.example, or an alias to it, of the name asked for; an alias to x. and that name */
	static const unsigned char mx[] = { 0xc0, 12, 0, 15, 0, 1, 0, 0, 0, 60, 0, 14, 0, 10,
		2, 'm', 'x', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0 };
	static const unsigned char alias[] = { 0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 40, 0, 12,
		2, 'm', 'x', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0 };
	static const unsigned char longer[] = { 0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 40, 0, 4,
		1, 'x', 0xc0, 12 };
	static const unsigned char ns[] = { 0xc0, 12, 0, 2, 0, 1, 0, 0, 0, 60, 0, 3, 1, 'a', 0 };
	static const struct {
		const unsigned char *p;
		size_t len;
	} of[] = {
		[MX_HOST] = { mx, sizeof(mx) }, [ALIAS] = { alias, sizeof(alias) },
		[LONGER_ALIAS] = { longer, sizeof(longer) }, [NAME_SERVER] = { ns, sizeof(ns) }
	};

	memcpy(p, of[holds].p, of[holds].len);
	return of[holds].len;
}

/* The end of the question, whose name is written to `name`. */
static size_t
read_question(const unsigned char *p, char name[PACKET_SIZE])
{
	size_t at = 12, n = 0;

	for (; p[at] != 0; at += p[at] + 1u) {
		memcpy(name + n, p + at + 1, p[at]);
		n += p[at];
		name[n++] = '.';
	}
	name[n > 0 ? n - 1 : 0] = '\0';
	return at + 5;
}

/* The answer instead of the question; its length, 0 for none. */
static size_t
reply(struct resolver *r, unsigned char *p)
{
	const struct line *line = r->script;
	char name[PACKET_SIZE];
	bool cd = p[3] & 0x10;
	size_t len;

	r->flags[r->asked++ % sizeof(r->flags)] = p[3];
	r->unchecked += cd;
	len = read_question(p, name);
	while (line < r->script + r->len && (line->cd != cd ||
	    (line->name != NULL && strcmp(line->name, name) != 0)))
		line++;
	assert_true(line < r->script + r->len);		/* nobody else was to be asked */
	if (line->rcode == SILENT)
		return 0;
	p[2] = line->rcode == TRUNCATED ? 0x83 : 0x81;
	p[3] = (unsigned char)(0x80 | (r->ad && !(line->rcode & UNPROVEN) ? 0x20 : 0) |
	    (p[3] & 0x10) | (line->rcode == TRUNCATED ? 0 : line->rcode & 0xf));
	memset(p + 6, 0, 6);
	if (line->holds != NOTHING) {
		p[7] = 1;
		len += put_answer(p + len, line->holds);
	}
	if (line->ede != 0) {
		p[11] = 1;
		len += put_ede(p + len, line->ede);
	}
	return len;
}

static void
on_question(struct ev_loop *loop, struct ev_io *w, int events)
{
	unsigned char p[PACKET_SIZE];
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	ssize_t got = recvfrom(w->fd, p, sizeof(p), 0, (struct sockaddr *)&from, &from_len);
	size_t len;

	(void)loop;
	(void)events;
	assert_in_range(got, 17, PACKET_SIZE);
	len = reply(w->data, p);
	if (len > 0)
		assert_int_equal(sendto(w->fd, p, len, 0, (struct sockaddr *)&from, from_len), len);
}

/* The same over TCP; one question of a connection. */
static void
on_connection(struct ev_loop *loop, struct ev_io *w, int events)
{
	unsigned char p[PACKET_SIZE];
	int fd = accept(w->fd, NULL, NULL);
	size_t len;

	(void)loop;
	(void)events;
	assert_true(fd >= 0);
	assert_in_range(recv(fd, p, sizeof(p), 0), 19, PACKET_SIZE);
	len = reply(w->data, p + 2);
	p[0] = 0;
	p[1] = (unsigned char)len;
	if (len > 0)
		assert_int_equal(send(fd, p, len + 2, 0), len + 2);
	close(fd);
}

static void
on_done(void *arg, const struct answer *a)
{
	struct fixture *f = arg;

	assert_false(f->done);
	f->done = true;
	f->state = a->state;
	f->secure = a->secure;
	f->records = a->records_len;
	f->links = a->links;
	f->ttl = a->ttl;
	memcpy(f->name, a->name, sizeof(f->name));
	snprintf(f->problem, sizeof(f->problem), "%s", a->problem);
	ev_break(f->loop, EVBREAK_ALL);
}

static void
on_patience(struct ev_loop *loop, struct ev_timer *w, int events)
{
	(void)w;
	(void)events;
	ev_break(loop, EVBREAK_ALL);
}

static void
open_resolver(struct fixture *f, size_t i)
{
	struct resolver *r = &f->resolvers[i];
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	struct address *server = &f->config.resolver.servers[i];
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	assert_true(address_parse_ip(&server->ip, "127.0.0.1", 9));
	server->port = ntohs(at.sin_port);
	ev_io_init(&r->io, on_question, fd, EV_READ);
	r->io.data = r;
	ev_io_start(f->loop, &r->io);
}

/* The first resolver listens on TCP too. */
static void
open_tcp(struct fixture *f)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	at.sin_port = htons(f->config.resolver.servers[0].port);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 8), 0);
	ev_io_init(&f->tcp.io, on_connection, fd, EV_READ);
	f->tcp.io.data = &f->tcp;
	ev_io_start(f->loop, &f->tcp.io);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->loop = ev_loop_new(0);
	for (size_t i = 0; i < SERVERS; i++)
		open_resolver(f, i);
	f->config.resolver.trust_ad = TRUST_AD_AUTO;
	ev_timer_init(&f->patience, on_patience, PATIENCE_S, 0.);
	f->query.done = on_done;
	f->query.arg = f;
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < SERVERS; i++) {
		ev_io_stop(f->loop, &f->resolvers[i].io);
		close(f->resolvers[i].io.fd);
	}
	ev_loop_destroy(f->loop);
	free(f);
	return 0;
}

/* Asks with so many of the resolvers. */
static void
ask_for(struct fixture *f, size_t servers, const char *name, enum answer_type type)
{
	char error[128];

	f->config.resolver.servers_len = servers;
	f->dns = dns_new(f->loop, &f->config, error, sizeof(error));
	assert_non_null(f->dns);
	f->done = false;
	f->records = 0;
	for (size_t i = 0; i < SERVERS; i++)
		f->resolvers[i].asked = f->resolvers[i].unchecked = 0;
	dns_query(f->dns, &f->query, name, type);
	ev_timer_set(&f->patience, PATIENCE_S, 0.);
	ev_timer_start(f->loop, &f->patience);
	ev_run(f->loop, 0);
	ev_timer_stop(f->loop, &f->patience);
}

static void
ask(struct fixture *f, size_t servers)
{
	ask_for(f, servers, "a.example", ANSWER_MX);
}

static void
script(struct fixture *f, size_t i, const struct line *lines, size_t len)
{
	f->resolvers[i].script = lines;
	f->resolvers[i].len = len;
}

/* One resolver: what the first and the unchecked question are told, and what comes of it. */
static void
servfail_is_told_apart(void **state)
{
	static const struct {
		const char *what;
		struct line lines[2];
		enum answer_state state;
		unsigned asked;
	} rows[] = {
		{ "an answer", { { false, NOERROR, 0, MX_HOST, NULL } }, ANSWER_OK, 1 },
		{ "bogus, unexplained", { { false, SERVFAIL, 0, NOTHING, NULL },
		    { true, NOERROR, 0, MX_HOST, NULL } }, ANSWER_BOGUS, 2 },
		{ "bogus, no such record", { { false, SERVFAIL, 0, NOTHING, NULL },
		    { true, NOERROR, 0, NOTHING, NULL } }, ANSWER_BOGUS, 2 },
		{ "bogus, no such name", { { false, SERVFAIL, 0, NOTHING, NULL },
		    { true, NXDOMAIN, 0, NOTHING, NULL } }, ANSWER_BOGUS, 2 },
		{ "bogus, explained (RFC 8914: 6)", { { false, SERVFAIL, 6, NOTHING, NULL } },
		    ANSWER_BOGUS, 1 },
		{ "explained otherwise (22), yet bogus", { { false, SERVFAIL, 22, NOTHING, NULL },
		    { true, NOERROR, 0, MX_HOST, NULL } }, ANSWER_BOGUS, 2 },
		{ "nothing to be had", { { false, SERVFAIL, 0, NOTHING, NULL },
		    { true, SERVFAIL, 0, NOTHING, NULL } }, ANSWER_FAILED, 2 },
		{ "nothing, explained (22)", { { false, SERVFAIL, 22, NOTHING, NULL },
		    { true, SERVFAIL, 22, NOTHING, NULL } }, ANSWER_FAILED, 2 },
		{ "unchecked questions refused", { { false, SERVFAIL, 0, NOTHING, NULL },
		    { true, REFUSED, 0, NOTHING, NULL } }, ANSWER_FAILED, 2 },
		{ "refused", { { false, REFUSED, 0, NOTHING, NULL } }, ANSWER_FAILED, 1 },
		{ "no such name", { { false, NXDOMAIN, 0, NOTHING, NULL } }, ANSWER_NXDOMAIN, 1 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].what);
		f->resolvers[0].ad = true;
		script(f, 0, rows[i].lines, rows[i].asked);
		ask(f, 1);
		assert_true(f->done);
		assert_int_equal(f->state, rows[i].state);
		assert_int_equal(f->resolvers[0].asked, rows[i].asked);
		/* RFC 6840 5.7: the first asks for AD; only the second says CD. */
		assert_int_equal(f->resolvers[0].flags[0] & 0x30, 0x20);
		if (rows[i].asked == 2)
			assert_int_equal(f->resolvers[0].flags[1] & 0x30, 0x10);
		/* What came unchecked is no answer. */
		assert_int_equal(f->records, rows[i].state == ANSWER_OK);
		assert_true(f->secure == (rows[i].state == ANSWER_OK ||
		    rows[i].state == ANSWER_NXDOMAIN));
		assert_true((f->problem[0] != '\0') == (rows[i].state == ANSWER_FAILED ||
		    rows[i].state == ANSWER_BOGUS));
		dns_free(f->dns);
	}
}

/* An alias whose target is bogus: the target is asked for unchecked. */
static void
bogus_behind_an_alias(void **state)
{
	static const struct line lines[] = {
		{ false, NOERROR, 0, ALIAS, "a.example" },
		{ false, SERVFAIL, 0, NOTHING, "mx.example" },
		{ true, NOERROR, 0, MX_HOST, "mx.example" },
	};
	struct fixture *f = *state;

	script(f, 0, lines, 3);
	ask(f, 1);
	assert_int_equal(f->state, ANSWER_BOGUS);
	assert_int_equal(f->resolvers[0].asked, 3);
	dns_free(f->dns);
}

static void
with_two_resolvers(void **state)
{
	static const struct line bogus[] = { { false, SERVFAIL, 0, NOTHING, NULL },
		{ true, NOERROR, 0, MX_HOST, NULL } };
	static const struct line broken[] = { { false, SERVFAIL, 0, NOTHING, NULL },
		{ true, SERVFAIL, 0, NOTHING, NULL } };
	static const struct line credulous[] = { { false, NOERROR, 0, MX_HOST, NULL } };
	struct fixture *f = *state;

	/* Bogus is an answer: nobody is asked who does not validate. */
	script(f, 0, bogus, 2);
	script(f, 1, credulous, 1);
	ask(f, 2);
	assert_int_equal(f->state, ANSWER_BOGUS);
	assert_int_equal(f->resolvers[1].asked, 0);
	dns_free(f->dns);
	/* One that knows nothing is followed by the next, as before. */
	script(f, 0, broken, 2);
	ask(f, 2);
	assert_int_equal(f->state, ANSWER_OK);
	assert_int_equal(f->resolvers[0].asked, 2);
	assert_int_equal(f->resolvers[1].asked, 1);
	dns_free(f->dns);
	/* And the next is believed when it says bogus in the same way. */
	script(f, 1, bogus, 2);
	ask(f, 2);
	assert_int_equal(f->state, ANSWER_BOGUS);
	assert_int_equal(f->resolvers[1].asked, 2);
	dns_free(f->dns);
}

/* The second question has a time limit of its own; the first one's reason is what is said. */
static void
silence_to_the_second(void **state)
{
	static const struct line lines[] = { { false, SERVFAIL, 0, NOTHING, NULL },
		{ true, SILENT, 0, NOTHING, NULL } };
	struct fixture *f = *state;
	ev_tstamp began = ev_time();

	script(f, 0, lines, 2);
	ask(f, 1);
	assert_true(f->done);
	assert_int_equal(f->state, ANSWER_FAILED);
	assert_string_equal(f->problem, "SERVFAIL");
	assert_true(ev_time() - began < 8);
	dns_free(f->dns);
}

/* R82: an alias that the resolver does not follow is asked for, and each answer counts. */
static void
security_of_links(void **state)
{
	static const struct {
		int first, second;
		bool ad;
		enum config_trust_ad trust;
		bool secure;
	} rows[] = {
		{ NOERROR, NOERROR, true, TRUST_AD_AUTO, true },
		{ NOERROR | UNPROVEN, NOERROR, true, TRUST_AD_AUTO, false },
		{ NOERROR, NOERROR | UNPROVEN, true, TRUST_AD_AUTO, false },
		{ NOERROR, NOERROR, true, TRUST_AD_NO, false },		/* R76 */
		{ NOERROR, NOERROR, true, TRUST_AD_YES, true },
		{ NOERROR, NOERROR, false, TRUST_AD_YES, false },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct line lines[] = {
			{ false, rows[i].first, 0, ALIAS, "a.example" },
			{ false, rows[i].second, 0, MX_HOST, "mx.example" },
		};

		f->resolvers[0].ad = rows[i].ad;
		f->config.resolver.trust_ad = rows[i].trust;
		script(f, 0, lines, 2);
		ask(f, 1);
		assert_int_equal(f->state, ANSWER_OK);
		if (f->secure != rows[i].secure)
			fail_msg("row %zu", i);
		assert_int_equal(f->links, 1);
		assert_int_equal(f->ttl, 40);
		assert_string_equal(f->name, "mx.example");
		dns_free(f->dns);
		/* The same of an alias to something that is not there. */
		lines[1].holds = NOTHING;
		ask(f, 1);
		assert_int_equal(f->state, ANSWER_NODATA);
		assert_true(f->secure == rows[i].secure);
		dns_free(f->dns);
	}
}

static void
chain_without_end(void **state)	/* R82: too long is an error, not an absence */
{
	static const struct line lines[] = { { false, NOERROR, 0, LONGER_ALIAS, NULL } };
	struct fixture *f = *state;

	f->resolvers[0].ad = true;
	script(f, 0, lines, 1);
	ask(f, 1);
	assert_int_equal(f->state, ANSWER_FAILED);
	assert_false(f->secure);
	assert_int_equal(f->resolvers[0].asked, ANSWER_ALIASES_MAX + 1);
	assert_string_equal(f->problem, "the chain of aliases is too long");
	dns_free(f->dns);
}

/* An alias asked for by itself is not gone after (R83). */
static void
first_link_alone(void **state)
{
	static const struct line lines[] = { { false, NOERROR, 0, ALIAS, "a.example" } };
	struct fixture *f = *state;

	f->resolvers[0].ad = true;
	script(f, 0, lines, 1);
	ask_for(f, 1, "a.example", ANSWER_CNAME);
	assert_int_equal(f->state, ANSWER_OK);
	assert_true(f->secure);
	assert_int_equal(f->links, 0);
	assert_int_equal(f->resolvers[0].asked, 1);
	dns_free(f->dns);
}

static void
root(void **state)	/* the canary's question */
{
	static const struct line lines[] = { { false, NOERROR, 0, NAME_SERVER, "" } };
	struct fixture *f = *state;

	f->resolvers[0].ad = true;
	script(f, 0, lines, 1);
	ask_for(f, 1, "", ANSWER_NS);
	assert_int_equal(f->state, ANSWER_OK);
	assert_true(f->secure);
	assert_int_equal(f->records, 1);
	dns_free(f->dns);
}

/* Whoever makes the resolver fail that is believed does not bring up one whose answers look
 * unsigned (R76): the second is outside, and what is said is the first one's failure. */
static void
no_stranger_instead(void **state)
{
	static const struct line lines[] = { { false, SERVFAIL, 0, NOTHING, NULL },
		{ true, SERVFAIL, 0, NOTHING, NULL } };
	static const struct line good[] = { { false, NOERROR, 0, MX_HOST, NULL } };
	struct address *second;
	struct fixture *f = *state;
	ev_tstamp began = ev_time();

	second = &f->config.resolver.servers[1];
	assert_true(address_parse_ip(&second->ip, "192.0.2.1", 9));
	f->config.policy.dane = true;
	script(f, 0, lines, 2);
	ask(f, 2);
	assert_int_equal(f->state, ANSWER_FAILED);
	assert_string_equal(f->problem, "SERVFAIL");
	assert_true(ev_time() - began < 1);
	dns_free(f->dns);
	/* Where none is believed all are asked. */
	assert_true(address_parse_ip(&second->ip, "127.0.0.1", 9));
	f->config.resolver.trust_ad = TRUST_AD_NO;
	script(f, 1, good, 1);
	ask(f, 2);
	assert_int_equal(f->state, ANSWER_OK);
	assert_false(f->secure);
	dns_free(f->dns);
}

static void
truncated(void **state)	/* asked for again over TCP, and believed like others */
{
	static const struct line udp[] = { { false, TRUNCATED, 0, NOTHING, NULL } };
	static const struct line tcp[] = { { false, NOERROR, 0, MX_HOST, NULL } };
	static const struct line bogus[] = { { false, SERVFAIL, 6, NOTHING, NULL } };
	static const struct line silent[] = { { false, SILENT, 0, NOTHING, NULL } };
	struct fixture *f = *state;

	open_tcp(f);
	f->resolvers[0].ad = f->tcp.ad = true;
	script(f, 0, udp, 1);
	f->tcp.script = tcp;
	f->tcp.len = 1;
	ask(f, 1);
	assert_int_equal(f->state, ANSWER_OK);
	assert_true(f->secure);
	assert_int_equal(f->resolvers[0].asked, 1);
	assert_int_equal(f->tcp.asked, 1);
	dns_free(f->dns);
	f->tcp.script = bogus;
	ask(f, 1);
	assert_int_equal(f->state, ANSWER_BOGUS);
	dns_free(f->dns);
	f->tcp.script = silent;		/* it closes without an answer */
	ask(f, 1);
	assert_int_equal(f->state, ANSWER_FAILED);
	dns_free(f->dns);
	/* The next resolver is asked over UDP first. */
	script(f, 1, tcp, 1);
	ask(f, 2);
	assert_int_equal(f->state, ANSWER_OK);
	assert_int_equal(f->resolvers[1].asked, 1);
	dns_free(f->dns);
	ev_io_stop(f->loop, &f->tcp.io);
	close(f->tcp.io.fd);
}

struct asked {
	struct world_query query;
	struct fixture *f;
	const char *name;
	enum answer_state state;
	bool secure;
	char problem[ANSWER_PROBLEM_SIZE];
};

static void
on_one(void *arg, const struct answer *a)
{
	struct asked *q = arg;

	q->state = a->state;
	q->secure = a->secure;
	memcpy(q->problem, a->problem, sizeof(q->problem));
	if (--q->f->records == 0)
		ev_break(q->f->loop, EVBREAK_ALL);
}

/* Each way to fail, at each kind of question: never an absence. */
static void
every_failure(void **state)	/* R77, R81 */
{
	static const struct line lines[] = {
		{ false, SERVFAIL, 6, NOTHING, "bogus.example" },
		{ false, SERVFAIL, 0, NOTHING, "servfail.example" },
		{ true, SERVFAIL, 0, NOTHING, "servfail.example" },
		{ false, REFUSED, 0, NOTHING, "refused.example" },
		{ false, SILENT, 0, NOTHING, "silent.example" },
		{ false, TRUNCATED, 0, NOTHING, "truncated.example" },
	};
	static const enum answer_type types[] = { ANSWER_MX, ANSWER_A, ANSWER_AAAA, ANSWER_CNAME,
		ANSWER_TLSA, ANSWER_NS };
	struct asked asked[6][5] = { 0 };
	struct fixture *f = *state;
	char error[128];

	f->resolvers[0].ad = true;
	script(f, 0, lines, 6);
	f->config.resolver.servers_len = 1;
	f->dns = dns_new(f->loop, &f->config, error, sizeof(error));
	assert_non_null(f->dns);
	f->records = 6 * 5;
	for (size_t i = 0; i < 6 * 5; i++) {
		struct asked *q = &asked[i / 5][i % 5];

		q->f = f;
		q->query.done = on_one;
		q->query.arg = q;
		q->name = lines[i % 5 < 2 ? i % 5 : i % 5 + 1].name;
		dns_query(f->dns, &q->query, q->name, types[i / 5]);
	}
	ev_timer_set(&f->patience, PATIENCE_S, 0.);
	ev_timer_start(f->loop, &f->patience);
	ev_run(f->loop, 0);
	ev_timer_stop(f->loop, &f->patience);
	assert_int_equal(f->records, 0);
	for (size_t i = 0; i < 6 * 5; i++) {
		struct asked *q = &asked[i / 5][i % 5];

		if (q->state != (i % 5 == 0 ? ANSWER_BOGUS : ANSWER_FAILED) || q->secure ||
		    q->problem[0] == '\0')
			fail_msg("%s, %u: %d, '%s'", q->name, types[i / 5], q->state, q->problem);
	}
	assert_string_equal(asked[0][0].problem, "SERVFAIL, extended error 6");
	assert_string_equal(asked[4][3].problem, "timeout");
	dns_free(f->dns);
}

static void
on_cancel(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct fixture *f = w->data;

	(void)events;
	dns_cancel(f->dns, &f->query);
	ev_break(loop, EVBREAK_ALL);
}

/* Nobody wants to know any more: no callback, and nothing is left behind. */
static void
cancelled_between(void **state)
{
	static const struct line lines[] = { { false, SERVFAIL, 0, NOTHING, NULL },
		{ true, SILENT, 0, NOTHING, NULL } };
	struct fixture *f = *state;
	struct ev_timer cancel;

	script(f, 0, lines, 2);
	ev_timer_init(&cancel, on_cancel, 0.2, 0.);
	cancel.data = f;
	ev_timer_start(f->loop, &cancel);
	ask(f, 1);
	assert_false(f->done);
	assert_int_equal(f->resolvers[0].unchecked, 1);
	dns_free(f->dns);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(servfail_is_told_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(bogus_behind_an_alias, setup, teardown),
		cmocka_unit_test_setup_teardown(with_two_resolvers, setup, teardown),
		cmocka_unit_test_setup_teardown(silence_to_the_second, setup, teardown),
		cmocka_unit_test_setup_teardown(cancelled_between, setup, teardown),
		cmocka_unit_test_setup_teardown(security_of_links, setup, teardown),
		cmocka_unit_test_setup_teardown(chain_without_end, setup, teardown),
		cmocka_unit_test_setup_teardown(first_link_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(root, setup, teardown),
		cmocka_unit_test_setup_teardown(no_stranger_instead, setup, teardown),
		cmocka_unit_test_setup_teardown(truncated, setup, teardown),
		cmocka_unit_test_setup_teardown(every_failure, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
