/* restore.c - rules that were changed or taken away are put back
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * All is done under the installers' lock, from reading the note on: without it a half-done `rules
 * install` would look like damage, and a `rules remove` would be undone. */
#include "nfq/restore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "nfq/apply.h"
#include "nfq/difference.h"
#include "nfq/program.h"

#define NEVER (-1.0)
#define BY_MAX 3		/* programs named in one event */
#define DETAIL_SIZE 900		/* below what an event shows (EVENT_TEXT_MAX) */
#define DIFFERENCE_SIZE 560
#define ERROR_SIZE 512
#define LOCK_TRIES 40		/* ten seconds: an installation takes one or two */

struct restore {
	const struct restore_world *world;
	const char *path;
	const struct restore_events *events;
	void *arg;
	struct watch_change by[BY_MAX];	/* since rules and note last agreed */
	size_t by_len;
	unsigned lock_tries;
	double looked_s, not_before_s, backoff_s;
	bool asked_legacy, legacy;
	char last_failure[DETAIL_SIZE];
};

static bool
iptables_is_legacy(void)
{
	static const char *const argv[] = { "iptables", "--version", NULL };
	struct program_result result;
	bool yes = program_run(argv, NULL, -1, &result) && strstr(result.out, "legacy") != NULL;

	program_free(&result);
	return yes;
}

const struct restore_world restore_world = { installed_read, installed_lock, apply_loaded,
	apply_install, apply_remove, iptables_is_legacy };

struct restore *
restore_new(const struct restore_world *world, const char *path,
    const struct restore_events *events, void *arg)
{
	struct restore *r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (r == MAP_FAILED)
		return NULL;
	r->world = world;
	r->path = path;
	r->events = events;
	r->arg = arg;
	r->looked_s = r->not_before_s = -RESTORE_POLL_S;
	return r;
}

void
restore_free(struct restore *r)
{
	if (r != NULL)
		munmap(r, sizeof(*r));
}

/* due: seconds from now until `in` seconds have gone by and a look is allowed. */
static double
due(const struct restore *r, double in, double now_s)
{
	double at = now_s + in;

	if (at < r->looked_s + RESTORE_SPACING_S)
		at = r->looked_s + RESTORE_SPACING_S;
	if (at < r->not_before_s)
		at = r->not_before_s;
	return at - now_s;
}

double
restore_changed(struct restore *r, const struct watch_change *by, double now_s)
{
	bool known = by->pid == 0;

	for (size_t i = 0; i < r->by_len; i++)
		known |= r->by[i].pid == by->pid;
	if (!known) {
		/* The newest are kept: until them the rules may have stood. */
		if (r->by_len == BY_MAX)
			memmove(r->by, r->by + 1, --r->by_len * sizeof(r->by[0]));
		r->by[r->by_len++] = *by;
	}
	return due(r, RESTORE_GATHER_S, now_s);
}

/* describe: who did what, in one line. */
static void
describe(const struct restore *r, const char *what, char out[DETAIL_SIZE])
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < r->by_len; i++) {
		const struct watch_change *by = &r->by[i];
		at += (size_t)snprintf(out + at, DETAIL_SIZE - at, "%s%s (pid %u)",
		    i == 0 ? "changed by " : ", ",
		    by->program[0] != '\0' ? by->program : "a program", (unsigned)by->pid);
	}
	snprintf(out + at, DETAIL_SIZE - at, "%s%s", at == 0 ? "changed; nobody is named; " : "; ",
	    what);
}

/* say_failed: once for each cause. */
static void
say_failed(struct restore *r, const char *detail)
{
	if (strcmp(detail, r->last_failure) == 0)
		return;
	snprintf(r->last_failure, sizeof(r->last_failure), "%s", detail);
	r->events->failed(r->arg, detail);
}

/* fail: with each failure the next try is later. */
static double
fail(struct restore *r, const char *what, const char *why, double now_s)
{
	char detail[DETAIL_SIZE];

	snprintf(detail, sizeof(detail), "%s: %s", what, why);
	say_failed(r, detail);
	r->backoff_s = r->backoff_s == 0 ? RESTORE_BACKOFF_S : r->backoff_s * 2;
	if (r->backoff_s > RESTORE_BACKOFF_MAX_S)
		r->backoff_s = RESTORE_BACKOFF_MAX_S;
	r->not_before_s = now_s + r->backoff_s;
	return r->backoff_s;
}

/* well: nothing is to be done; in how many seconds to look again. */
static double
well(struct restore *r, const struct installed *note)
{
	bool iptables = note != NULL &&
	    (note->rules.chains[0] != NULL || note->rules.chains[1] != NULL);

	r->by_len = 0;
	r->backoff_s = 0;
	r->last_failure[0] = '\0';
	if (!iptables)
		return NEVER;
	if (!r->asked_legacy)
		r->legacy = r->world->legacy();
	r->asked_legacy = true;
	return r->legacy ? RESTORE_POLL_S : NEVER;
}

/* compare: 0: as it should be; 1: not, `what` says how; -1: not to be found out, it says why. */
static int
compare(const struct restore *r, const struct installed *note, char *what, size_t size)
{
	char *loaded = r->world->loaded(-1, what, size);
	bool differs;

	if (loaded == NULL)
		return -1;
	differs = difference(note->canonical, loaded, what, size);
	free(loaded);
	return differs;
}

/* installed: false without a note; then there is no lock to be had either. */
static bool
installed(const struct restore *r)
{
	struct installed note = { 0 };
	char error[ERROR_SIZE] = "";

	switch (r->world->note(r->path, &note, error, sizeof(error))) {
	case INSTALLED_NO:
		return false;
	case INSTALLED_YES:
		installed_free(&note);
		break;
	case INSTALLED_BROKEN:
		break;
	}
	return true;
}

/* undo: where the lock was not ours `rules remove` may have come in between: it takes the note away
 * before the rules, so a note that is gone now means that they are not wanted. */
static double
undo(struct restore *r)
{
	char error[ERROR_SIZE] = "";
	bool found;

	if (!r->world->remove(&found, error, sizeof(error)))
		say_failed(r, error);
	r->events->settled(r->arg);
	return well(r, NULL);
}

/* put_back: installs and looks again: one that changes nothing must not be tried for ever. */
static double
put_back(struct restore *r, const struct installed *note, const char *what, double now_s)
{
	char error[ERROR_SIZE] = "", still[DIFFERENCE_SIZE] = "", detail[DETAIL_SIZE];
	bool done = r->world->install(&note->rules, error, sizeof(error));

	if (!installed(r))
		return undo(r);
	r->events->settled(r->arg);
	describe(r, what, detail);
	if (!done)
		return fail(r, detail, error, now_s);
	switch (compare(r, note, still, sizeof(still))) {
	case 0:
		r->events->restored(r->arg, detail);
		return well(r, note);
	case 1:
		return fail(r, "put back, but still different", still, now_s);
	default:
		return fail(r, "put back, but not to be read", still, now_s);
	}
}

static double
look_at(struct restore *r, const struct installed *note, double now_s)
{
	char what[DIFFERENCE_SIZE] = "";

	switch (compare(r, note, what, sizeof(what))) {
	case 0:
		return well(r, note);
	case 1:
		return put_back(r, note, what, now_s);
	default:
		return fail(r, "the loaded rules cannot be read", what, now_s);
	}
}

/* look_locked: the note is read again: it may have changed before the lock was ours. */
static double
look_locked(struct restore *r, double now_s)
{
	struct installed note = { 0 };
	char error[ERROR_SIZE] = "";
	double next = NEVER;

	switch (r->world->note(r->path, &note, error, sizeof(error))) {
	case INSTALLED_NO:
		next = well(r, NULL);
		break;
	case INSTALLED_YES:
		next = look_at(r, &note, now_s);
		installed_free(&note);
		break;
	case INSTALLED_BROKEN:
		next = fail(r, "the note of what was installed", error, now_s);
		break;
	}
	return next;
}

double
restore_look(struct restore *r, double now_s)
{
	double next;
	int lock;

	if (now_s < r->not_before_s)
		return r->not_before_s - now_s;
	r->looked_s = now_s;
	if (!installed(r))
		return well(r, NULL);
	lock = r->world->lock(r->path, 0);
	if (lock < 0 && ++r->lock_tries < LOCK_TRIES)
		return RESTORE_SPACING_S;
	/* Whoever may open it can hold it for ever, so it must not keep rules out. Without it the
	 * worst is that the rules of the note are put in twice, or go in and out again (undo). */
	if (lock < 0)
		say_failed(r, "the lock of the rules is not to be had: going on without it");
	else
		r->lock_tries = 0;
	next = look_locked(r, now_s);
	if (lock >= 0)
		close(lock);
	return next;
}
