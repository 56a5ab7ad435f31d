/* proven.c - TLS sessions between others whose server has proven itself in flight
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * They are in the store alone, but for those that wait to be written. Times are of a clock that
 * never goes back within the process, or a session set back with it would live for longer than it
 * may. One kept in the future, so before a restart, is over at once; one that seems younger than it
 * is since the clock was set back during a restart lives longer by that, less than a day. */
#include "policy/proven.h"

#include <stdlib.h>
#include <string.h>

#include "policy/cache.h"
#include "policy/proven_sweep.h"
#include "policy/unwritten.h"

/* More in a second than a gateway sees, or a disk that refuses: those are not kept. */
#define WAITING_MAX 4096
#define WAITING_OCTETS_MAX (8u << 20)
#define BATCH 128	/* in one commit, of at most a MiB */

_Static_assert(BATCH <= PROVEN_SWEEP_ROOM_MAX, "room is made for a batch");

_Static_assert(MESSAGE_NAME == STORE_SESSION_NAME && MESSAGE_EVIDENCE_MAX == STORE_EVIDENCE_MAX,
    "the store takes what a message brings");

struct waiting {
	struct cache_entry node;	/* first */
	struct unwritten unwritten;
	uint8_t name[MESSAGE_NAME];
	int64_t kept, end;
	size_t len;
	unsigned char evidence[];
};

/* What was recalled, until the caller has returned to the loop. */
struct copy {
	struct copy *next;
	size_t len;
	unsigned char evidence[];
};

struct proven_sessions {
	const struct world *world;
	struct store *store;
	struct cache waiting;
	size_t octets;			/* of those waiting */
	struct unwritten_queue unwritten;
	struct proven_sweep sweep;
	int64_t latest;			/* seconds since the epoch, and the ticks then */
	uint64_t latest_ticks;
	struct copy *copies;
	struct world_timer turn;
};

static int64_t
now(void *arg)
{
	struct proven_sessions *p = arg;
	uint64_t ticks = p->world->ticks(p->world->arg);
	int64_t wall = p->world->now(p->world->arg);
	int64_t least = p->latest + (int64_t)((ticks - p->latest_ticks) / 1000);

	if (wall <= least)
		return least;
	p->latest = wall;
	p->latest_ticks = ticks;
	return wall;
}

static struct waiting *
waiting_of(struct unwritten *u)
{
	return (struct waiting *)((char *)u - offsetof(struct waiting, unwritten));
}

static struct store_session
session_of(const struct waiting *w)
{
	return (struct store_session){ w->name, w->kept, w->end, w->evidence, w->len };
}

static void
drop(struct proven_sessions *p, struct waiting *w)
{
	unwritten_remove(&p->unwritten, &w->unwritten);
	cache_remove(&p->waiting, &w->node);
	p->octets -= w->len;
	free(w);
}

static size_t
write_batch(void *arg, struct unwritten *first)
{
	struct proven_sessions *p = arg;
	struct store_session batch[BATCH];
	size_t n = 0;

	for (struct unwritten *u = first; u != NULL && n < BATCH; u = u->next)
		batch[n++] = session_of(waiting_of(u));
	/* Without room they are lost, which costs their clients a full handshake. */
	return !proven_sweep_room(&p->sweep, n) || store_put_sessions(p->store, batch, n) ? n : 0;
}

static void
on_written(void *arg, struct unwritten *u)
{
	drop(arg, waiting_of(u));
}

void
proven_keep(struct proven_sessions *p, const struct proven *session)
{
	uint32_t life = session->lifetime_s;
	struct cache_entry *old = cache_find(&p->waiting, session->session, MESSAGE_NAME);
	struct waiting *w;

	if (life == 0 || session->len == 0 || session->len > MESSAGE_EVIDENCE_MAX)
		return;
	if (old != NULL)
		drop(p, (struct waiting *)old);
	if (cache_length(&p->waiting) >= WAITING_MAX ||
	    p->octets + session->len > WAITING_OCTETS_MAX ||
	    (w = calloc(1, sizeof(*w) + session->len)) == NULL)
		return;
	memcpy(w->name, session->session, sizeof(w->name));
	w->kept = now(p);
	w->end = w->kept + (life < PROVEN_LIFETIME_MAX_S ? life : PROVEN_LIFETIME_MAX_S);
	w->len = session->len;
	memcpy(w->evidence, session->evidence, w->len);
	p->octets += w->len;
	cache_add(&p->waiting, &w->node, w->name, sizeof(w->name));
	unwritten_add(&p->unwritten, &w->unwritten);
}	/* NOLINT(clang-analyzer-unix.Malloc): the table has it */

struct recalling {
	struct proven_sessions *p;
	struct copy *copy;		/* NULL: it is over */
};

static void
on_found(void *arg, const struct store_session *session)
{
	struct recalling *r = arg;

	if (proven_sweep_over(session, now(r->p)) ||
	    (r->copy = malloc(sizeof(*r->copy) + session->len)) == NULL)
		return;
	r->copy->len = session->len;
	memcpy(r->copy->evidence, session->evidence, session->len);
}

static void
on_turn(void *arg)
{
	struct proven_sessions *p = arg;
	struct copy *c;

	while ((c = p->copies) != NULL) {
		p->copies = c->next;
		free(c);
	}
}

bool
proven_recall(struct proven_sessions *p, const uint8_t session[MESSAGE_NAME], struct recalled *out)
{
	struct cache_entry *c = cache_find(&p->waiting, session, MESSAGE_NAME);
	struct recalling r = { p, NULL };

	*out = (struct recalled){ NULL, 0 };
	if (c != NULL) {
		struct store_session waits = session_of((struct waiting *)c);

		on_found(&r, &waits);
	} else {
		store_get_session(p->store, session, on_found, &r);
	}
	if (r.copy == NULL)
		return false;
	r.copy->next = p->copies;
	p->copies = r.copy;
	p->world->timer_start(p->world->arg, &p->turn, 0);
	*out = (struct recalled){ r.copy->evidence, r.copy->len };
	return true;
}

size_t
proven_length(const struct proven_sessions *p)
{
	size_t octets;

	return store_sessions_size(p->store, &octets) + cache_length(&p->waiting);
}

struct proven_sessions *
proven_new(const struct world *world, struct store *store)
{
	struct proven_sessions *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->world = world;
	p->store = store;
	p->latest = world->now(world->arg);
	p->latest_ticks = world->ticks(world->arg);
	cache_init(&p->waiting);
	p->unwritten = (struct unwritten_queue){ .world = world, .write = write_batch,
		.written = on_written, .arg = p };
	unwritten_begin(&p->unwritten);
	p->sweep = (struct proven_sweep){ .world = world, .store = store, .now = now, .arg = p };
	proven_sweep_begin(&p->sweep);
	p->turn.fire = on_turn;
	p->turn.arg = p;
	return p;
}

void
proven_free(struct proven_sessions *p)
{
	struct cache_entry *c;

	if (p == NULL)
		return;
	unwritten_end(&p->unwritten);
	proven_sweep_end(&p->sweep);
	p->world->timer_stop(p->world->arg, &p->turn);
	on_turn(p);
	while ((c = cache_next(&p->waiting, NULL)) != NULL)
		drop(p, (struct waiting *)c);
	free(p);
}
