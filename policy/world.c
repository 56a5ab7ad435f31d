/* world.c - the real world: the loop's clock, the kernel's randomness, c-ares, libcurl
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "policy/dns.h"
#include "policy/fetch.h"

struct real {
	struct world world;
	struct ev_loop *loop;
	struct dns *dns;
	struct fetcher *fetcher;
};

static int64_t
real_now(void *arg)
{
	return (int64_t)ev_now(((struct real *)arg)->loop);
}

static uint64_t
real_ticks(void *arg)
{
	struct timespec t = { 0 };

	(void)arg;
	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static uint32_t
real_random(void *arg, uint32_t bound)
{
	uint64_t r = 0;

	(void)arg;
	if (getrandom(&r, sizeof(r), 0) != sizeof(r))
		abort();
	return (uint32_t)(r % bound);	/* spreads work, keeps no secret: the bias is no
					 * matter */
}

static void
on_timer(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct world_timer *t = w->data;

	(void)loop;
	(void)events;
	t->fire(t->arg);
}

static void
real_timer_stop(void *arg, struct world_timer *t)
{
	struct real *r = arg;

	if (t->ev.data != NULL)
		ev_timer_stop(r->loop, &t->ev);
}

static void
real_timer_start(void *arg, struct world_timer *t, uint64_t ms)
{
	struct real *r = arg;

	real_timer_stop(arg, t);
	ev_timer_init(&t->ev, on_timer, (double)ms / 1000., 0.);
	t->ev.data = t;
	ev_timer_start(r->loop, &t->ev);
}

static void
real_query(void *arg, struct world_query *q, const char *name, enum answer_type type)
{
	dns_query(((struct real *)arg)->dns, q, name, type);
}

static void
real_query_cancel(void *arg, struct world_query *q)
{
	dns_cancel(((struct real *)arg)->dns, q);
}

static void
real_fetch(void *arg, struct world_fetch *f, const char *domain)
{
	fetcher_fetch(((struct real *)arg)->fetcher, f, domain);
}

static void
real_fetch_cancel(void *arg, struct world_fetch *f)
{
	fetcher_cancel(((struct real *)arg)->fetcher, f);
}

static const struct world real_world = {
	.now = real_now, .ticks = real_ticks, .random = real_random,
	.timer_start = real_timer_start, .timer_stop = real_timer_stop,
	.query = real_query, .query_cancel = real_query_cancel,
	.fetch = real_fetch, .fetch_cancel = real_fetch_cancel
};

struct world *
world_new(struct ev_loop *loop, const struct config *config, char *error, size_t error_size)
{
	struct real *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		snprintf(error, error_size, "out of memory");
		return NULL;
	}
	r->world = real_world;
	r->world.arg = r;
	r->loop = loop;
	r->dns = dns_new(loop, config, error, error_size);
	if (r->dns != NULL)
		r->fetcher = fetcher_new(loop, config, r->dns, error, error_size);
	if (r->fetcher == NULL) {
		world_free(&r->world);
		return NULL;
	}
	return &r->world;
}

void
world_free(struct world *w)
{
	struct real *r;

	if (w == NULL)
		return;
	r = w->arg;
	fetcher_free(r->fetcher);
	dns_free(r->dns);
	free(r);
}
