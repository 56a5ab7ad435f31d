/* testworld.h - a world whose clock, DNS and HTTPS are scripted: months pass in a millisecond
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Zone and policy hosts are lists; what is not in the zone is NXDOMAIN. An alias is followed where
 * nothing stands beside it; an answer is secure where all that it was made of is. testworld_run
 * lets time pass, delivering timers and answers in order. */
#ifndef TESTS_UNIT_TESTWORLD_H
#define TESTS_UNIT_TESTWORLD_H

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "policy/world.h"

#define TESTWORLD_MAX 256
#define TESTWORLD_LOG 1024	/* questions remembered */

struct testworld_record {
	char name[ANSWER_NAME_SIZE];
	enum answer_type type;
	enum answer_state state;
	uint16_t preference;
	uint8_t usage, selector, matching;	/* TLSA */
	size_t len;			/* of text; TLSA: any octets */
	char text[2048];
	const char *problem;		/* FAILED, BOGUS; NULL: "SERVFAIL" */
	uint32_t ttl;
	bool secure;
	uint64_t delay_ms;		/* an answer that holds it takes so long */
};

struct testworld_host {
	char domain[ANSWER_NAME_SIZE];
	enum result_type result;
	char body[2048];
	uint64_t delay_ms;
};

struct testworld_request {
	uint64_t due;
	struct world_query *query;
	struct world_fetch *fetch;
	char name[ANSWER_NAME_SIZE];
	enum answer_type type;
};

struct testworld {
	struct world world;
	int64_t now_ms;			/* the wall clock */
	uint64_t ticks;
	uint32_t seed;
	struct world_timer *timers;
	struct testworld_record zone[TESTWORLD_MAX];
	size_t zone_len;
	struct testworld_host hosts[TESTWORLD_MAX];
	size_t hosts_len;
	struct testworld_request requests[4096];
	size_t requests_len;
	unsigned queries, fetches;	/* how many were asked for */
	struct {
		char name[ANSWER_NAME_SIZE];
		enum answer_type type;
	} log[TESTWORLD_LOG];		/* the first questions, in order */
	bool secure;			/* what is not in the zone is proven not to be */
	uint32_t absent_ttl;		/* and that counts for so long */
	unsigned flying, flying_max;	/* fetches under way */
	uint64_t dns_ms;		/* an answer's way */
	struct answer answer;
	char dir[64];
	const struct testworld_parts *parts;	/* of the fixture that it is in */
};

/* A fixture whose first member is its world: what a test makes in that, and how it ends. */
struct testworld_parts {
	size_t size;			/* of the fixture */
	void (*begin)(void *fixture);	/* all else is zero then */
	void (*end)(void *fixture);
};

/* A cmocka test with a fixture of its own; parts is no const, for cmocka's sake. */
#define TESTWORLD_TEST(name, parts) \
	cmocka_unit_test_prestate_setup_teardown(name, testworld_setup, testworld_teardown, \
	    &(parts))

static inline int64_t
testworld_now(void *arg)
{
	return ((struct testworld *)arg)->now_ms / 1000;
}

static inline uint64_t
testworld_ticks(void *arg)
{
	return ((struct testworld *)arg)->ticks;
}

static inline uint32_t
testworld_random(void *arg, uint32_t bound)
{
	struct testworld *t = arg;

	t->seed = t->seed * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)t->seed * bound >> 32);
}

static inline void
testworld_timer_stop(void *arg, struct world_timer *w)
{
	struct testworld *t = arg;

	for (struct world_timer **p = &t->timers; w->due_ms != 0 && *p != NULL; p = &(*p)->next)
		if (*p == w) {
			*p = w->next;
			break;
		}
	w->due_ms = 0;
}

static inline void
testworld_timer_start(void *arg, struct world_timer *w, uint64_t ms)
{
	struct testworld *t = arg;

	testworld_timer_stop(arg, w);
	w->due_ms = t->ticks + ms;
	w->next = t->timers;
	t->timers = w;
}

static inline struct testworld_request *
testworld_request(struct testworld *t, const char *name)
{
	struct testworld_request *r = &t->requests[t->requests_len++];

	assert_true(t->requests_len <= 4096);
	memset(r, 0, sizeof(*r));
	snprintf(r->name, sizeof(r->name), "%s", name);
	return r;
}

static inline void
testworld_query(void *arg, struct world_query *q, const char *name, enum answer_type type)
{
	struct testworld *t = arg;
	struct testworld_request *r = testworld_request(t, name);

	assert_null(q->running);
	q->running = t;
	r->query = q;
	r->type = type;
	r->due = t->ticks + t->dns_ms;
	for (size_t i = 0; i < t->zone_len; i++)
		if (t->zone[i].delay_ms > 0 && t->zone[i].type == type &&
		    strcmp(t->zone[i].name, name) == 0)
			r->due = t->ticks + t->zone[i].delay_ms;
	if (t->queries < TESTWORLD_LOG) {
		snprintf(t->log[t->queries].name, sizeof(t->log[0].name), "%s", name);
		t->log[t->queries].type = type;
	}
	t->queries++;
}

/* How often this was asked for; name NULL: of any name. */
static inline unsigned
testworld_asked(const struct testworld *t, const char *name, enum answer_type type)
{
	unsigned asked = 0;

	for (unsigned i = 0; i < t->queries && i < TESTWORLD_LOG; i++)
		asked += t->log[i].type == type &&
		    (name == NULL || strcmp(t->log[i].name, name) == 0);
	return asked;
}

static inline struct testworld_host *
testworld_host(struct testworld *t, const char *domain)
{
	for (size_t i = 0; i < t->hosts_len; i++)
		if (strcmp(t->hosts[i].domain, domain) == 0)
			return &t->hosts[i];
	return NULL;
}

static inline void
testworld_fetch(void *arg, struct world_fetch *f, const char *domain)
{
	struct testworld *t = arg;
	struct testworld_request *r = testworld_request(t, domain);
	struct testworld_host *h = testworld_host(t, domain);

	assert_null(f->running);
	f->running = t;
	r->fetch = f;
	r->due = t->ticks + (h != NULL && h->delay_ms > 0 ? h->delay_ms : 50);
	t->fetches++;
	if (++t->flying > t->flying_max)
		t->flying_max = t->flying;
}

static inline void
testworld_cancel(struct testworld *t, void *query, void *fetch)
{
	for (size_t i = 0; i < t->requests_len; i++)
		if ((query != NULL && t->requests[i].query == query) ||
		    (fetch != NULL && t->requests[i].fetch == fetch)) {
			t->requests[i--] = t->requests[--t->requests_len];
			t->flying -= fetch != NULL;
		}
}

static inline void
testworld_query_cancel(void *arg, struct world_query *q)
{
	testworld_cancel(arg, q, NULL);
	q->running = NULL;
}

static inline void
testworld_fetch_cancel(void *arg, struct world_fetch *f)
{
	testworld_cancel(arg, NULL, f);
	f->running = NULL;
}

static inline void
testworld_take(struct answer *a, const struct testworld_record *z)
{
	struct answer_record *r = &a->records[a->records_len];

	a->state = z->state;
	a->secure = a->secure && z->secure;
	if (z->ttl < a->ttl)
		a->ttl = z->ttl;
	if (z->state == ANSWER_FAILED || z->state == ANSWER_BOGUS) {
		snprintf(a->problem, sizeof(a->problem), "%s", z->problem != NULL ? z->problem :
		    "SERVFAIL");
		a->secure = false;
		a->ttl = a->links = 0;
		a->records_len = 0;
	}
	if (z->state != ANSWER_OK)
		return;
	r->preference = z->preference;
	r->usage = z->usage;
	r->selector = z->selector;
	r->matching = z->matching;
	r->text = z->text;
	r->len = z->len;
	if (z->type == ANSWER_A || z->type == ANSWER_AAAA)
		assert_true(address_parse_ip(&r->ip, z->text, strlen(z->text)));
	a->records_len++;
}

/* What stands at a->name; the alias that is to be followed, or NULL. */
static inline const struct testworld_record *
testworld_find(struct testworld *t, struct answer *a, enum answer_type type)
{
	const struct testworld_record *alias = NULL;
	bool name_known = false, found = false;

	for (size_t i = 0; i < t->zone_len; i++) {
		if (strcmp(t->zone[i].name, a->name) != 0)
			continue;
		name_known = true;
		if (t->zone[i].type == type) {
			testworld_take(a, &t->zone[i]);
			found = true;
		} else if (t->zone[i].type == ANSWER_CNAME) {
			alias = &t->zone[i];
		}
	}
	if (found || alias != NULL)
		return found ? NULL : alias;
	a->state = name_known ? ANSWER_NODATA : ANSWER_NXDOMAIN;
	a->secure = a->secure && t->secure;
	if (a->ttl > t->absent_ttl)
		a->ttl = t->absent_ttl;
	return NULL;
}

static inline void
testworld_answer(struct testworld *t, const struct testworld_request *r)
{
	struct answer *a = &t->answer;
	const struct testworld_record *alias;

	memset(a, 0, offsetof(struct answer, text));
	a->secure = true;
	a->ttl = UINT32_MAX;
	snprintf(a->name, sizeof(a->name), "%s", r->name);
	while ((alias = testworld_find(t, a, r->type)) != NULL) {
		a->links++;
		testworld_take(a, alias);
		if (alias->state != ANSWER_OK)
			break;
		a->records_len = 0;
		snprintf(a->name, sizeof(a->name), "%.255s", alias->text);
		assert_in_range(a->links, 1, ANSWER_ALIASES_MAX);
	}
	r->query->running = NULL;
	r->query->done(r->query->arg, a);
}

static inline void
testworld_deliver(struct testworld *t, const struct testworld_request *r)
{
	struct testworld_host *h;
	struct world_fetched f = { RESULT_STS_POLICY_FETCH_ERROR, "", 0, "connection refused" };

	if (r->query != NULL) {
		testworld_answer(t, r);
		return;
	}
	h = testworld_host(t, r->name);
	if (h != NULL) {
		f.result = h->result;
		f.body = h->body;
		f.len = strlen(h->body);
		f.detail = h->result == RESULT_SUCCESS ? "" : h->body;
	}
	t->flying--;
	r->fetch->running = NULL;
	r->fetch->done(r->fetch->arg, &f);
}

/* One thing that is due by `end`; false when there is none. */
static inline bool
testworld_step(struct testworld *t, uint64_t end)
{
	struct world_timer *timer = NULL;
	struct testworld_request r;
	size_t first = SIZE_MAX;
	uint64_t at;

	for (struct world_timer *w = t->timers; w != NULL; w = w->next)
		if (timer == NULL || w->due_ms < timer->due_ms)
			timer = w;
	for (size_t i = 0; i < t->requests_len; i++)
		if (first == SIZE_MAX || t->requests[i].due < t->requests[first].due)
			first = i;
	if (timer != NULL && first != SIZE_MAX && t->requests[first].due <= timer->due_ms)
		timer = NULL;
	if (timer == NULL && first == SIZE_MAX)
		return false;
	at = timer != NULL ? timer->due_ms : t->requests[first].due;
	if (at > end)
		return false;
	if (at > t->ticks) {
		t->now_ms += (int64_t)(at - t->ticks);
		t->ticks = at;
	}
	if (timer != NULL) {
		testworld_timer_stop(t, timer);
		timer->fire(timer->arg);
		return true;
	}
	r = t->requests[first];
	t->requests[first] = t->requests[--t->requests_len];
	testworld_deliver(t, &r);
	return true;
}

/* Lets this many milliseconds pass. */
static inline void
testworld_run(struct testworld *t, uint64_t ms)
{
	uint64_t end = t->ticks + ms;

	while (testworld_step(t, end))
		;
	t->now_ms += (int64_t)(end - t->ticks);
	t->ticks = end;
}

static inline struct testworld_record *
testworld_add(struct testworld *t, const char *name, enum answer_type type, const char *text)
{
	struct testworld_record *z = &t->zone[t->zone_len++];

	assert_true(t->zone_len <= TESTWORLD_MAX);
	memset(z, 0, sizeof(*z));
	snprintf(z->name, sizeof(z->name), "%s", name);
	snprintf(z->text, sizeof(z->text), "%s", text);
	z->len = strlen(z->text);
	z->type = type;
	z->ttl = 300;
	return z;
}

static inline struct testworld_record *
testworld_fault(struct testworld *t, const char *name, enum answer_type type,
    enum answer_state state)
{
	struct testworld_record *z = testworld_add(t, name, type, "");

	z->state = state;
	return z;
}

/* A TLSA record whose data are so many octets `fill`. */
static inline struct testworld_record *
testworld_tlsa(struct testworld *t, const char *name, uint8_t usage, uint8_t selector,
    uint8_t matching, uint8_t fill, size_t len)
{
	struct testworld_record *z = testworld_add(t, name, ANSWER_TLSA, "");

	assert_true(len <= sizeof(z->text));
	z->usage = usage;
	z->selector = selector;
	z->matching = matching;
	z->len = len;
	memset(z->text, fill, len);
	return z;
}

/* From now on all that is or is not in the zone is secure. */
static inline void
testworld_sign(struct testworld *t)
{
	t->secure = true;
	for (size_t i = 0; i < t->zone_len; i++)
		t->zone[i].secure = t->zone[i].state != ANSWER_FAILED &&
		    t->zone[i].state != ANSWER_BOGUS;
}

static inline void
testworld_remove(struct testworld *t, const char *name)
{
	for (size_t i = 0; i < t->zone_len; i++)
		if (strcmp(t->zone[i].name, name) == 0)
			t->zone[i--] = t->zone[--t->zone_len];
}

/* Publishes a policy: TXT record and text. id NULL: the text alone. */
static inline struct testworld_host *
testworld_publish(struct testworld *t, const char *domain, const char *id, const char *body)
{
	struct testworld_host *h = testworld_host(t, domain);
	char name[ANSWER_NAME_SIZE], text[64];

	snprintf(name, sizeof(name), "_mta-sts.%s", domain);
	if (id != NULL) {
		snprintf(text, sizeof(text), "v=STSv1; id=%s;", id);
		testworld_remove(t, name);
		testworld_add(t, name, ANSWER_TXT, text);
	}
	if (h == NULL)
		h = &t->hosts[t->hosts_len++];
	memset(h, 0, sizeof(*h));
	snprintf(h->domain, sizeof(h->domain), "%s", domain);
	snprintf(h->body, sizeof(h->body), "%s", body);
	return h;
}

static inline void
testworld_break(struct testworld *t, const char *domain, enum result_type result)
{
	struct testworld_host *h = testworld_publish(t, domain, NULL, "broken for the test");

	h->result = result;
}

static inline void
testworld_mx(struct testworld *t, const char *domain, uint16_t preference, const char *host,
    const char *ip)
{
	testworld_add(t, domain, ANSWER_MX, host)->preference = preference;
	if (ip != NULL)
		testworld_add(t, host, strchr(ip, ':') != NULL ? ANSWER_AAAA : ANSWER_A, ip);
}

static inline struct testworld *
testworld_new(void)
{
	struct testworld *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->world = (struct world){
		.arg = t, .now = testworld_now, .ticks = testworld_ticks,
		.random = testworld_random, .timer_start = testworld_timer_start,
		.timer_stop = testworld_timer_stop, .query = testworld_query,
		.query_cancel = testworld_query_cancel, .fetch = testworld_fetch,
		.fetch_cancel = testworld_fetch_cancel
	};
	t->now_ms = 1795270000000;	/* 2026-11-21 */
	t->ticks = 5000000;
	t->dns_ms = 10;
	t->absent_ttl = 60;
	t->seed = 7;
	snprintf(t->dir, sizeof(t->dir), "/tmp/postern-test.XXXXXX");
	assert_non_null(mkdtemp(t->dir));
	return t;
}

static inline void
testworld_free(struct testworld *t)
{
	char command[128];

	assert_null(t->timers);
	assert_int_equal(t->requests_len, 0);
	snprintf(command, sizeof(command), "rm -rf '%s'", t->dir);
	assert_int_equal(system(command), 0);
	free(t);
}

/* A test's fixture of this size: its first member is the world, all else is zero. */
static inline void *
testworld_fixture(void **state, size_t size)
{
	struct testworld **f = calloc(1, size);

	assert_non_null(f);
	*f = testworld_new();
	*state = f;
	return f;
}

/* Ends a fixture whose own parts are freed; 0, as a teardown returns it. */
static inline int
testworld_fixture_free(void **state)
{
	struct testworld **f = *state;

	testworld_free(*f);
	free(f);
	return 0;
}

static inline int
testworld_setup(void **state)
{
	const struct testworld_parts *parts = *state;
	struct testworld **f = testworld_fixture(state, parts->size);

	(*f)->parts = parts;
	parts->begin(f);
	return 0;
}

static inline int
testworld_teardown(void **state)
{
	struct testworld **f = *state;

	(*f)->parts->end(f);
	return testworld_fixture_free(state);
}

static inline struct in6_addr
testworld_ip(const char *text)
{
	struct in6_addr ip;

	assert_true(address_parse_ip(&ip, text, strlen(text)));
	return ip;
}

#endif
