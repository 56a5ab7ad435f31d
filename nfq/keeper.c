/* keeper.c - keeps the installed rules where they are: watch.h and errand.h on the loop
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nfq/keeper.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/moment.h"
#include "nfq/errand.h"
#include "nfq/watch.h"

struct keeper {
	struct ev_loop *loop;
	struct speaker *speaker;
	struct errand *errand;
	struct watch *watch;
	ev_timer look;
};

static void
look_in(struct keeper *k, double in_s)
{
	if (in_s < 0 || (ev_is_active(&k->look) &&
	    ev_timer_remaining(k->loop, &k->look) <= in_s))
		return;
	ev_timer_stop(k->loop, &k->look);
	ev_timer_set(&k->look, in_s, 0);
	ev_timer_start(k->loop, &k->look);
}

static void
changed(void *arg, const struct watch_change *by)
{
	struct keeper *k = arg;

	look_in(k, errand_changed(k->errand, by, moment_now()));
}

static void
look(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct keeper *k = timer->data;

	(void)loop;
	(void)events;
	errand_look(k->errand, moment_now());
}

static void
over(void *arg, double next_s)
{
	look_in(arg, next_s);
}

static void
restored(void *arg, const char *detail)
{
	struct keeper *k = arg;

	speaker_count(k->speaker, COUNTER_RULES_RESTORED, 1);
	speaker_notice(k->speaker, EVENT_RULES, "restored", detail, true);
}

static void
failed(void *arg, const char *detail)
{
	struct keeper *k = arg;

	speaker_notice(k->speaker, EVENT_RULES, "restore-failed", detail, true);
}

static void
settled(void *arg)
{
	struct keeper *k = arg;

	watch_forget(k->watch);
}

struct keeper *
keeper_open(struct ev_loop *loop, struct speaker *speaker, const char *note, char *error,
    size_t error_size)
{
	static const struct errand_events events = { restored, failed, settled, over };
	struct keeper *k = calloc(1, sizeof(*k));

	snprintf(error, error_size, "out of memory");
	if (k == NULL)
		return NULL;
	k->loop = loop;
	k->speaker = speaker;
	ev_init(&k->look, look);
	k->look.data = k;
	k->errand = errand_new(loop, &restore_world, note, &events, k);
	k->watch = k->errand == NULL ? NULL : watch_open(loop, changed, k, error, error_size);
	if (k->watch == NULL) {
		keeper_close(k);
		return NULL;
	}
	look_in(k, 0);	/* what happened while nobody watched */
	return k;
}

void
keeper_close(struct keeper *k)
{
	if (k == NULL)
		return;
	ev_timer_stop(k->loop, &k->look);
	watch_close(k->watch);
	errand_free(k->errand);
	free(k);
}
