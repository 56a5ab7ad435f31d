/* death.c - what a child's end leads to
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "daemon/console.h"
#include "daemon/family.h"
#include "daemon/moment.h"
#include "daemon/needs.h"

#define TEXT_SIZE 160

static const char *
describe(const struct process *p, int status, char text[TEXT_SIZE])
{
	char name[64];

	process_name(p, name);
	if (p->killed_for != NULL)
		snprintf(text, TEXT_SIZE, "%s %s and was killed", name, p->killed_for);
	else if (WIFSIGNALED(status))
		snprintf(text, TEXT_SIZE, "%s was killed by signal %d", name, WTERMSIG(status));
	else
		snprintf(text, TEXT_SIZE, "%s ended with exit status %d", name,
		    WEXITSTATUS(status));
	return text;
}

/* What LMDB does over a damaged file: it reads past its end, follows a pointer into nowhere, or
 * finds itself at a loss. */
static bool
is_crash(int status)
{
	return WIFSIGNALED(status) && (WTERMSIG(status) == SIGBUS ||
	    WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGABRT);
}

/* A store that kills its reader would do so for ever, and without a policy process no mail passes:
 * after two such deaths the store gives way, and with it the cached policies and the STARTTLS
 * memory. That fails open, so it takes deaths amid work on the store: who makes the policy process
 * crash elsewhere, however often, delays mail but takes no protection away. A store that was not to
 * blame is still there under its new name. */
static void
note_damage(struct family *f, const struct process *p, int status)
{
	double now = moment_now();

	if (!is_policy(p) || atomic_exchange(counters_store_busy(f->start->counters), 0) == 0 ||
	    p->killed_for != NULL || !is_crash(status))
		return;
	if (f->damaged_s > 0 && now - f->damaged_s <= f->start->limits->damage_s) {
		f->damaged_s = 0;
		f->fresh_store = true;
		console_error("the policy process has crashed twice while at work on its store; "
		    "the store is set aside and a new one is begun");
	} else {
		f->damaged_s = now;
	}
}

static void
unlink_process(struct family *f, struct process *p)
{
	struct process **at = &f->all;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
}

void
family_check_end(struct family *f)
{
	struct process *policy = f->places[0].current, *p;

	if (f->stopping == 0 || f->gone)
		return;
	for (p = f->all; p != NULL; p = p->next)
		if (!is_policy(p))
			return;
	ev_timer_stop(f->start->loop, &f->places[0].again);
	if (policy != NULL) {
		process_drain(policy, f->start->limits->policy_drain_s);
		return;
	}
	f->gone = true;
	f->start->events->gone(f->start->arg);
}

/* True when somebody must take the place of the dead. */
static bool
is_missed(const struct family *f, const struct process *p, bool was_current)
{
	const struct process *other;

	if (!was_current || !place_wanted(f, p->place))
		return false;
	if (f->stopping == 0)
		return true;
	/* Who drains still has records to hand in. */
	for (other = f->all; is_policy(p) && other != NULL; other = other->next)
		if (!is_policy(other))
			return true;
	return false;
}

static void
replace(struct family *f, const struct process *p, int status)
{
	struct place *place = &f->places[p->place];
	double delay;
	char text[TEXT_SIZE];

	if (p->state == PROCESS_DRAINING && (is_nfq(p) || (is_policy(p) && f->renewing))) {
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			console_warning("%s", describe(p, status, text));
		if (is_policy(p))
			policy_start(f);
		else
			place_start(f, PLACE_NFQ);
		return;
	}
	counters_process(f->start->counters, p->place)->restarts++;
	delay = backoff_next(&place->backoff, &f->start->limits->backoff,
	    moment_now() - p->born_s);
	console_error("%s, restarting in %.0f ms", describe(p, status, text), delay * 1000);
	place_retry(f, p->place, delay);
}

static void
died(struct family *f, struct process *p, int status)
{
	bool was_current = f->places[p->place].current == p, orderly;
	char text[TEXT_SIZE];
	struct counters_process *shown = counters_process(f->start->counters, p->place);

	unlink_process(f, p);
	orderly = p->state == PROCESS_DRAINING && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (was_current) {
		f->places[p->place].current = NULL;
		shown->pid = 0;
	}
	shown->draining -= p->state == PROCESS_DRAINING && shown->draining > 0;
	note_damage(f, p, status);
	heartbeat_count(f);
	if (!f->was_settled && f->stopping == 0 && p->killed_for == NULL && WIFEXITED(status) &&
	    !orderly) {
		console_error("%s%s", describe(p, status, text), is_nfq(p) &&
		    !needs_gate(f->config) ? " (intercept.watch: no does without it)" : "");
		f->start->events->unstartable(f->start->arg);
	} else if (is_missed(f, p, was_current)) {
		replace(f, p, status);
	} else if (!orderly) {
		console_warning("%s", describe(p, status, text));
	}
	process_free(p);
	family_check_end(f);
}

void
family_reap(struct family *f)
{
	struct process *p;
	pid_t pid;
	int status;

	/* As process 1 of a container we may have to bury others' children too. */
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (p = f->all; p != NULL && p->pid != pid; p = p->next)
			;
		if (p != NULL)
			died(f, p, status);
	}
}
