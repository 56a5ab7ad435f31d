/* links_test.c - the policy process's channels to workers, with an engine that is a stub
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/links.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/channel.h"
#include "daemon/ring.h"
#include "record/counters.h"

/* The engine: keeps the last question open until the test answers it. */
struct engine {
	uint32_t id;
	engine_answer *answer;
	void *arg;
	unsigned cancelled, sightings, hints, proven;
};

void
engine_ask(struct engine *e, const struct question *q, engine_answer *answer, void *arg)
{
	assert_string_equal(q->domain, "a.example");
	e->id = q->id;
	e->answer = answer;
	e->arg = arg;
}

void
engine_cancel(struct engine *e, const void *arg)
{
	if (e->arg == arg)
		e->answer = NULL;
	e->cancelled++;
}

void
engine_sighting(struct engine *e, const struct sighting *s)
{
	assert_string_equal(s->mx_host, "mx.a.example");
	e->sightings++;
}

void
engine_proven(struct engine *e, const struct proven *p)
{
	assert_int_equal(p->lifetime_s, 300);
	e->proven++;
}

void
engine_hint(struct engine *e, const struct hint *h)
{
	assert_string_equal(h->domain, "a.example");
	e->hints++;
}

struct fixture {
	struct ev_loop *loop;
	struct engine engine;
	struct links *links;
	int worker;			/* its end */
	struct ring *ring;		/* its own */
	unsigned slot;
	bool disk_full, batch_full;
	unsigned batch, written, flushed, held, broken, steps;
	uint8_t last_exit;
	char stale_domain[64];
};

static bool
record(void *arg, const struct event *e)
{
	struct fixture *f = arg;

	if (f->batch_full && f->batch == 3)
		return false;
	f->batch++;
	assert_int_equal(e->time_us, f->written + f->batch);	/* in order, none twice */
	return true;
}

static bool
flush(void *arg)
{
	struct fixture *f = arg;

	if (!f->disk_full)
		f->written += f->batch;
	f->batch = 0;
	f->flushed++;
	return !f->disk_full;
}

static void
held(void *arg)
{
	((struct fixture *)arg)->held++;
}

static void
probe_step(void *arg, const struct probe_step *step)
{
	struct fixture *f = arg;

	f->steps++;
	f->last_exit = step->last ? step->exit : 0;
}

static void
broken(void *arg, unsigned slot, const char *why)
{
	struct fixture *f = arg;

	assert_int_equal(slot, f->slot);
	assert_true(strlen(why) > 0);
	f->broken++;
}

static const struct links_events events = { .record = record, .flush = flush, .held = held,
	.probe_step = probe_step, .broken = broken };

static void
say(const struct fixture *f, const void *p, size_t len)
{
	assert_true(len > 0);
	assert_int_equal(send(f->worker, p, len, MSG_NOSIGNAL), len);
}

static void
say_ring(const struct fixture *f, int fd)
{
	unsigned char bell = MESSAGE_RING, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec part = { &bell, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = sizeof control };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(rights), &fd, sizeof fd);
	assert_int_equal(sendmsg(f->worker, &message, MSG_NOSIGNAL), 1);
}

static void
new_ring(struct fixture *f)
{
	ring_free(f->ring);
	f->ring = ring_new();
	assert_non_null(f->ring);
	say_ring(f, ring_descriptor(f->ring));
}

static int
setup_slot(void **state, unsigned slot)
{
	struct fixture *f = calloc(1, sizeof *f);
	int ends[2];

	if (f == NULL || channel_pair(ends) != 0)
		return -1;
	f->slot = slot;
	f->loop = ev_loop_new(EVFLAG_AUTO);
	f->links = links_new(f->loop, &f->engine, &events, f);
	f->worker = ends[0];
	*state = f;
	new_ring(f);
	return links_add(f->links, slot, ends[1]) ? 0 : -1;
}

static int
setup(void **state)
{
	return setup_slot(state, 3);
}

static int
setup_nfq(void **state)
{
	return setup_slot(state, COUNTERS_NFQ);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	links_free(f->links);
	ev_loop_destroy(f->loop);
	if (f->worker >= 0)
		close(f->worker);
	ring_free(f->ring);
	free(f);
	return 0;
}

static void
turns(struct fixture *f)
{
	for (int i = 0; i < 4; i++)
		ev_run(f->loop, EVRUN_NOWAIT);
}

static void
write_ring(const struct fixture *f, const void *p, size_t len)
{
	unsigned char bell = MESSAGE_RING;

	assert_true(ring_write(f->ring, p, len));
	if (ring_bell(f->ring) && f->worker >= 0)
		say(f, &bell, 1);
}

/* So long that every ring sleeps where nothing comes. */
static void
looks(struct fixture *f)
{
	for (int i = 0; i < 12; i++) {
		usleep((useconds_t)(RING_LOOK_S * 1e6));
		ev_run(f->loop, EVRUN_NOWAIT);
	}
}

static void
say_event(const struct fixture *f, enum event_type type, uint64_t n)
{
	unsigned char body[4096], message[5000];
	struct event e;

	event_clear(&e);
	e.type = type;
	e.time_us = n;
	write_ring(f, message, message_record(message, sizeof message, body,
	    event_encode(body, sizeof body, &e)));
}

static void
say_record(const struct fixture *f, uint64_t n)
{
	say_event(f, EVENT_DECISION, n);
}

/* Nothing that was written is left for a later reader. */
static bool
all_done(const struct fixture *f)
{
	return ring_waiting(f->ring) == 0;
}

static void
ask(const struct fixture *f, uint32_t id)
{
	const struct question q = { .id = id, .domain = "a.example" };
	unsigned char p[512];

	say(f, p, message_question(p, sizeof p, &q));
}

static const struct requirement nothing = { .level = LEVEL_MAY, .policy_domain = "",
	.policy_id = "", .mx_host = "", .sni = "", .secure_domain = "", .reason = "" };

/* What was said last was a violation: the channel is closed, and a new one takes its place. */
static void
assert_ends(struct fixture *f)
{
	unsigned before = f->broken;
	int ends[2];

	looks(f);
	assert_int_equal(f->broken, before + 1);
	assert_int_equal(links_open(f->links), 0);
	close(f->worker);
	assert_int_equal(channel_pair(ends), 0);
	f->worker = ends[0];
	assert_true(links_add(f->links, f->slot, ends[1]));
	new_ring(f);
	turns(f);
}

static const struct stale all = { .domain = "" };

static bool
heard_stale(struct fixture *f)
{
	unsigned char p[256];
	struct stale what;
	ssize_t len;

	turns(f);
	len = recv(f->worker, p, sizeof p, MSG_DONTWAIT);
	if (len <= 0)
		return false;
	assert_int_equal(message_type(p, (size_t)len), MESSAGE_STALE);
	assert_true(message_get_stale(p, (size_t)len, &what));
	snprintf(f->stale_domain, sizeof f->stale_domain, "%s", what.domain);
	return true;
}

/* What is said of policies, the configuration and health is this process's own word. */
static void
a_worker_reports_of_sessions_alone(void **state)
{
	struct fixture *f = *state;
	static const enum event_type others[] = { EVENT_CONFIG, EVENT_POLICY, EVENT_RULES,
		EVENT_HEALTH };

	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		say_event(f, others[i], 1);
		assert_ends(f);
		assert_int_equal(f->written, 0);
	}
	say_event(f, EVENT_SESSION, 1);
	looks(f);
	assert_int_equal(f->written, 1);
}

/* The firewall and its health are the nfq process's to report, no session and no policy is. */
static void
nfq_reports_of_the_firewall_alone(void **state)
{
	static const enum event_type others[] = { EVENT_CONFIG, EVENT_POLICY, EVENT_DECISION,
		EVENT_SESSION };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		say_event(f, others[i], 1);
		assert_ends(f);
		assert_int_equal(f->written, 0);
	}
	assert_true(heard_stale(f));
	say_event(f, EVENT_RULES, 1);
	say_event(f, EVENT_HEALTH, 2);
	looks(f);
	assert_int_equal(f->written, 2);
	assert_true(all_done(f));
}

static void
questions_are_answered(void **state)
{
	struct fixture *f = *state;
	const struct recalled remembered = { "evidence", 8 };
	unsigned char p[4096];
	struct requirement *q = NULL;
	struct recalled recalled;
	uint32_t id = 0, fresh_ms = 0;
	ssize_t len;

	ask(f, 77);
	turns(f);
	assert_int_equal(links_asking(f->links), 1);
	f->engine.answer(f->engine.arg, f->engine.id, &nothing, &remembered, 1234);
	assert_int_equal(links_asking(f->links), 0);
	len = recv(f->worker, p, sizeof p, MSG_DONTWAIT);
	assert_true(len > 0 && message_get_answer(p, (size_t)len, &id, &q, &recalled, &fresh_ms));
	assert_int_equal(id, 77);
	assert_int_equal(fresh_ms, 1234);
	assert_int_equal(recalled.len, 8);
	assert_memory_equal(recalled.evidence, "evidence", 8);
	free(q);
}

static void
a_worker_that_goes_takes_its_questions_along(void **state)
{
	struct fixture *f = *state;

	ask(f, 1);
	turns(f);
	assert_non_null(f->engine.answer);
	close(f->worker);
	f->worker = -1;
	turns(f);
	assert_null(f->engine.answer);
	assert_int_equal(f->engine.cancelled, 1);
	assert_int_equal(links_open(f->links), 0);
	assert_int_equal(f->broken, 0);
}

/* One batch, one write, and only then is it theirs no longer. */
static void
records_are_written_in_batches(void **state)
{
	struct fixture *f = *state;

	for (uint64_t n = 1; n <= 20; n++)
		say_record(f, n);
	turns(f);
	assert_int_equal(f->written, 20);
	assert_int_equal(f->flushed, 1);
	assert_true(all_done(f));
	looks(f);
	assert_int_equal(f->flushed, 1);
	/* Asleep: the bell wakes it. While it looks no bell is rung. */
	say_record(f, 21);
	turns(f);
	assert_int_equal(f->written, 21);
	say_record(f, 22);
	assert_false(ring_bell(f->ring));
	looks(f);
	assert_int_equal(f->written, 22);
	assert_int_equal(f->flushed, 3);
}

/* A batch that is full is written, and what did not fit comes after it. */
static void
more_than_a_batch(void **state)
{
	struct fixture *f = *state;

	f->batch_full = true;
	for (uint64_t n = 1; n <= 1000; n++)
		say_record(f, n);
	turns(f);
	looks(f);
	assert_int_equal(f->written, 1000);
	assert_int_equal(f->held, 0);
	assert_true(all_done(f));
}

/* What was seen before a question was asked counts for it, though records wait for a batch. */
static void
a_question_comes_after_what_was_seen(void **state)
{
	struct fixture *f = *state;
	const struct sighting s = { .mx_host = "mx.a.example" };
	unsigned char p[512];

	turns(f);
	say_record(f, 1);
	write_ring(f, p, message_sighting(p, sizeof p, &s));
	ask(f, 7);
	turns(f);
	assert_int_equal(f->engine.sightings, 1);
	assert_int_equal(f->written + f->batch, 1);
	assert_int_equal(links_asking(f->links), 1);
	assert_true(links_flush(f->links));
	assert_int_equal(f->written, 1);
	assert_true(all_done(f));
}

static void
a_full_disk_holds_records(void **state)
{
	struct fixture *f = *state;

	const struct sighting s = { .mx_host = "mx.a.example" };
	unsigned char p[512];

	say_record(f, 1);
	turns(f);
	f->disk_full = true;
	say_record(f, 2);
	write_ring(f, p, message_sighting(p, sizeof p, &s));
	say_record(f, 3);
	looks(f);
	assert_int_equal(f->written, 1);
	assert_true(links_holding(f->links) && f->held == 1);
	links_retry(f->links);
	looks(f);
	assert_true(links_holding(f->links) && f->held == 2);
	f->disk_full = false;
	say_record(f, 4);		/* not before 2 and 3 */
	/* A full disk makes nobody forget: once, and at once. */
	write_ring(f, p, message_sighting(p, sizeof p, &s));
	looks(f);
	assert_int_equal(f->written, 1);
	assert_int_equal(f->engine.sightings, 2);
	assert_false(all_done(f));
	links_retry(f->links);
	assert_int_equal(f->written, 4);
	assert_true(all_done(f));
	assert_false(links_holding(f->links));
	assert_int_equal(f->engine.sightings, 2);
}

/* What a successor finds: all that the log of this one did not take. */
static void
held_records_are_there_for_a_successor(void **state)
{
	struct fixture *f = *state;
	struct links *successor;
	int ends[2];

	f->disk_full = true;
	say_record(f, 1);
	say_record(f, 2);
	looks(f);
	f->disk_full = false;
	successor = links_new(f->loop, &f->engine, &events, f);
	assert_int_equal(channel_pair(ends), 0);
	assert_true(links_add(successor, f->slot, ends[1]));
	close(f->worker);
	f->worker = ends[0];
	say_ring(f, ring_descriptor(f->ring));
	looks(f);
	assert_int_equal(f->written, 2);
	assert_true(all_done(f));
	/* And the old one, which has them still in mind, neither takes them back nor hangs. */
	say_record(f, 3);
	looks(f);
	links_retry(f->links);
	looks(f);
	assert_int_equal(f->written, 3);
	assert_false(links_holding(f->links));
	links_free(successor);
}

static void
held_records_outlive_their_worker(void **state)
{
	struct fixture *f = *state;

	f->disk_full = true;
	say_record(f, 1);
	say_record(f, 2);
	close(f->worker);
	f->worker = -1;
	turns(f);
	assert_int_equal(links_open(f->links), 0);
	assert_true(links_holding(f->links));
	say_record(f, 3);		/* after its end: nobody's */
	f->disk_full = false;
	links_retry(f->links);
	turns(f);
	assert_int_equal(f->written, 2);
	assert_false(links_holding(f->links));
}

static void
nonsense_ends_the_channel(void **state)
{
	struct fixture *f = *state;
	static const struct {
		size_t len;
		unsigned char p[4];
	} cases[] = {
		{ 1, { 0 } }, { 1, { 200 } }, { 1, { MESSAGE_QUESTION } },
		{ 2, { MESSAGE_RECORD, 1 } }, { 1, { MESSAGE_SIGHTING } },
		{ 1, { MESSAGE_ANSWER } }, { 3, { MESSAGE_PROBE_STEP, 1, 2 } },
		{ 2, { MESSAGE_PROVEN, 1 } }, { 2, { MESSAGE_RING, 0 } },
		{ 1, { MESSAGE_RECORD } },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char p;
		int ends[2];

		turns(f);
		say(f, cases[i].p, cases[i].len);
		ask(f, 1);			/* nothing after it counts */
		turns(f);
		assert_int_equal(f->broken, i + 1);
		assert_null(f->engine.answer);
		assert_int_equal(links_open(f->links), 0);
		/* ECONNRESET comes first where the record was not read. */
		if (recv(f->worker, &p, 1, MSG_DONTWAIT) < 0)
			assert_int_equal(errno, ECONNRESET);
		assert_int_equal(recv(f->worker, &p, 1, MSG_DONTWAIT), 0);
		close(f->worker);
		assert_int_equal(channel_pair(ends), 0);
		f->worker = ends[0];
		assert_true(links_add(f->links, 3, ends[1]));
		new_ring(f);
	}
}

/* The same in the ring; what stands before it counts, and what is behind it does not. */
static void
nonsense_in_the_ring_ends_the_channel(void **state)
{
	struct fixture *f = *state;
	static const struct {
		size_t len;
		unsigned char p[4];
	} cases[] = {
		{ 1, { 0 } }, { 1, { 200 } }, { 1, { MESSAGE_QUESTION } },
		{ 2, { MESSAGE_RECORD, 1 } }, { 1, { MESSAGE_SIGHTING } },
		{ 1, { MESSAGE_RING } }, { 3, { MESSAGE_PROBE_STEP, 1, 2 } },
		{ 2, { MESSAGE_PROVEN, 1 } },
	};

	for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		say_record(f, i + 1);
		write_ring(f, cases[i].p, cases[i].len);
		say_record(f, i + 2);
		assert_ends(f);
		assert_int_equal(f->written, i + 1);
		assert_false(links_holding(f->links));
	}
	/* A position that no honest process leaves behind. */
	say_record(f, f->written + 1);
	assert_int_equal(pwrite(ring_descriptor(f->ring), &(uint64_t){ UINT64_MAX / 4 }, 8, 0), 8);
	assert_ends(f);
}

static void
a_ring_is_a_ring(void **state)
{
	struct fixture *f = *state;
	int null = memfd_create("no-ring", MFD_CLOEXEC);

	turns(f);
	say_ring(f, ring_descriptor(f->ring));	/* a second one */
	assert_ends(f);
	close(f->worker);
	f->worker = -1;
	turns(f);
	for (int i = 0; i < 2; i++) {
		int ends[2];

		assert_int_equal(channel_pair(ends), 0);
		f->worker = ends[0];
		assert_true(links_add(f->links, f->slot, ends[1]));
		if (i == 0)
			say_ring(f, null);
		else
			say(f, &(unsigned char){ MESSAGE_RING }, 1);
		turns(f);
		assert_int_equal(f->broken, 2 + i);
		assert_int_equal(links_open(f->links), 0);
		close(f->worker);
		f->worker = -1;
	}
	close(null);
}

static void
sightings_reach_the_engine(void **state)
{
	struct fixture *f = *state;
	const struct sighting s = { .mx_host = "mx.a.example" };
	unsigned char p[512];

	say(f, p, message_sighting(p, sizeof p, &s));	/* where the ring was full */
	turns(f);
	assert_int_equal(f->engine.sightings, 1);
	write_ring(f, p, message_sighting(p, sizeof p, &s));
	looks(f);
	assert_int_equal(f->engine.sightings, 2);
	assert_true(all_done(f));
}

static void
hints_are_nfqs_alone(void **state)
{
	const struct hint h = { .domain = "a.example", .mx_host = "" };
	const struct sighting s = { .mx_host = "mx.a.example" };
	const struct probe_step step = { .id = 5, .text = "connect" };
	const struct probe probe = { .id = 5, .mx_host = "mx.a.example", .domain = "a.example" };
	const struct proven session = { .lifetime_s = 300, .evidence = "e", .len = 1 };
	struct fixture *f = *state;
	bool nfq = f->slot == COUNTERS_NFQ;
	unsigned char p[512];

	say(f, p, message_hint(p, sizeof p, &h));
	if (nfq)
		turns(f);
	else
		assert_ends(f);
	assert_int_equal(f->engine.hints, nfq);
	assert_int_equal(links_probe(f->links, &probe), !nfq);
	/* Each kind of process has its own to say, and nobody says what comes from here. */
	say(f, p, message_sighting(p, sizeof p, &s));
	if (nfq)
		assert_ends(f);
	else
		turns(f);
	assert_int_equal(f->engine.sightings, !nfq);
	say(f, p, message_proven(p, sizeof p, &session));
	if (nfq)
		assert_ends(f);
	else
		turns(f);
	assert_int_equal(f->engine.proven, !nfq);
	say(f, p, message_probe_step(p, sizeof p, &step));
	if (nfq)
		assert_ends(f);
	else
		turns(f);
	say(f, p, message_stale(p, sizeof p, &all));
	assert_ends(f);
	p[0] = MESSAGE_HINT;
	say(f, p, 1);
	assert_ends(f);
	/* Questions are everybody's. */
	ask(f, 77);
	turns(f);
	assert_int_equal(links_asking(f->links), 1);
}

static void
all_hear_once_a_turn_of_what_is_stale(void **state)
{
	struct fixture *f = *state;
	bool nfq = f->slot == COUNTERS_NFQ;
	const struct stale one = { .domain = "a.example" };

	/* What it heard from a predecessor of this process; a worker has forgotten that. */
	assert_int_equal(heard_stale(f), nfq);
	assert_false(heard_stale(f));
	for (int i = 0; i < 100; i++)
		links_stale(f->links, &all);
	assert_true(heard_stale(f));
	assert_false(heard_stale(f));
	/* What concerns one domain is said of it, unless everything is in doubt anyway. */
	links_stale(f->links, &one);
	assert_true(heard_stale(f));
	assert_string_equal(f->stale_domain, "a.example");
	assert_false(heard_stale(f));
	links_stale(f->links, &all);
	links_stale(f->links, &one);
	assert_true(heard_stale(f));
	assert_string_equal(f->stale_domain, "");
	assert_false(heard_stale(f));
	/* A link that is only a ring is nobody who could be told. */
	f->disk_full = true;
	say_event(f, nfq ? EVENT_RULES : EVENT_SESSION, 1);
	turns(f);
	close(f->worker);
	f->worker = -1;
	turns(f);
	links_stale(f->links, &all);
	turns(f);
	links_stale(NULL, &all);
}

/* Whoever has an answer has heard before of what had changed when it was made. */
static void
what_is_stale_is_said_before_an_answer(void **state)
{
	static const char *const domains[] = { "", "a.example" };
	struct fixture *f = *state;
	unsigned char p[4096];
	struct stale what;
	ssize_t len;

	for (int i = 0; i < 2; i++) {
		const struct stale changed = { .domain = domains[i] };

		ask(f, 77);
		turns(f);
		links_stale(f->links, &changed);
		f->engine.answer(f->engine.arg, f->engine.id, &nothing, NULL, 1000);
		len = recv(f->worker, p, sizeof p, MSG_DONTWAIT);
		assert_true(len > 0 && message_get_stale(p, (size_t)len, &what));
		assert_string_equal(what.domain, domains[i]);
		len = recv(f->worker, p, sizeof p, MSG_DONTWAIT);
		assert_true(len > 0 && message_type(p, (size_t)len) == MESSAGE_ANSWER);
		assert_false(heard_stale(f));		/* once */
	}
}

static void
probes_come_to_an_end(void **state)
{
	struct fixture *f = *state;
	const struct probe q = { .id = 5, .mx_host = "mx.a.example", .domain = "a.example" };
	const struct probe_step one = { .id = 5, .text = "connect" };
	const struct probe_step strange = { .id = 6, .text = "connect" };
	struct probe got;
	unsigned char p[512];
	ssize_t len;

	assert_true(links_probe(f->links, &q));
	len = recv(f->worker, p, sizeof p, MSG_DONTWAIT);
	assert_true(len > 0 && message_get_probe(p, (size_t)len, &got));
	assert_int_equal(got.id, 5);
	say(f, p, message_probe_step(p, sizeof p, &one));
	say(f, p, message_probe_step(p, sizeof p, &strange));
	turns(f);
	assert_int_equal(f->steps, 1);
	close(f->worker);
	f->worker = -1;
	turns(f);
	assert_int_equal(f->steps, 2);
	assert_int_equal(f->last_exit, 75);
	assert_false(links_probe(f->links, &q));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_worker_reports_of_sessions_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(questions_are_answered, setup, teardown),
		cmocka_unit_test_setup_teardown(a_worker_that_goes_takes_its_questions_along,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(records_are_written_in_batches, setup, teardown),
		cmocka_unit_test_setup_teardown(more_than_a_batch, setup, teardown),
		cmocka_unit_test_setup_teardown(a_question_comes_after_what_was_seen, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(held_records_are_there_for_a_successor, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(nonsense_in_the_ring_ends_the_channel, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(a_ring_is_a_ring, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_disk_holds_records, setup, teardown),
		cmocka_unit_test_setup_teardown(held_records_outlive_their_worker, setup, teardown),
		cmocka_unit_test_setup_teardown(nonsense_ends_the_channel, setup, teardown),
		cmocka_unit_test_setup_teardown(sightings_reach_the_engine, setup, teardown),
		cmocka_unit_test_setup_teardown(probes_come_to_an_end, setup, teardown),
		cmocka_unit_test_setup_teardown(nfq_reports_of_the_firewall_alone, setup_nfq,
		    teardown),
		cmocka_unit_test_setup_teardown(hints_are_nfqs_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(hints_are_nfqs_alone, setup_nfq, teardown),
		cmocka_unit_test_setup_teardown(what_is_stale_is_said_before_an_answer, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(all_hear_once_a_turn_of_what_is_stale, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(all_hear_once_a_turn_of_what_is_stale, setup_nfq,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
