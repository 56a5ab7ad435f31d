/* unwritten.c - what waits to be written to the store
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/unwritten.h"

#include <utlist.h>

#define FLUSH_MS 1000
#define PAUSE_MS 10		/* between commits: questions are answered meanwhile */
#define RETRY_MS 60000		/* the disk refused */

static void
start(struct unwritten_queue *q, uint64_t ms)
{
	q->world->timer_start(q->world->arg, &q->timer, ms);
}

/* One commit; false: the store refused. */
static bool
write_batch(struct unwritten_queue *q)
{
	size_t n = q->write(q->arg, q->first);

	if (n == 0)
		return false;
	for (; n > 0 && q->first != NULL; n--) {
		struct unwritten *u = q->first;

		unwritten_remove(q, u);
		q->written(q->arg, u);
	}
	return true;
}

static void
on_timer(void *arg)
{
	struct unwritten_queue *q = arg;
	bool done = q->first == NULL || write_batch(q);

	if (q->first != NULL)
		start(q, done ? PAUSE_MS : RETRY_MS);
}

void
unwritten_begin(struct unwritten_queue *q)
{
	q->first = NULL;
	q->timer.fire = on_timer;
	q->timer.arg = q;
}

void
unwritten_add(struct unwritten_queue *q, struct unwritten *u)
{
	if (u->waits)
		return;
	if (q->first == NULL)
		start(q, FLUSH_MS);
	DL_APPEND(q->first, u);
	u->waits = true;
}

void
unwritten_remove(struct unwritten_queue *q, struct unwritten *u)
{
	if (!u->waits)
		return;
	DL_DELETE(q->first, u);
	u->waits = false;
}

void
unwritten_end(struct unwritten_queue *q)
{
	while (q->first != NULL && write_batch(q))
		;
	q->world->timer_stop(q->world->arg, &q->timer);
}
