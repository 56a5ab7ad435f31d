/* policy_bench.c - the policy process's speed: start with a full store, and a warm question's way
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * policy_bench [DOMAINS]: fills a store, times engine_new, then what a question end to end costs by
 * how many domains use the address, then lets another process ask over a channel as a worker does,
 * for a domain whose policy and MX set are known. */
#include <ev.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/channel.h"
#include "policy/engine_parts.h"

#define QUESTIONS 20000
#define POLICY "version: STSv1\nmode: enforce\nmx: " HOST "\nmax_age: 604800\n"
#define HOST "mx.hoster.example"	/* of all domains */
#define ADDRESS "192.0.2.8"

static struct ev_loop *loop;
static struct ev_timer pending;
static struct world_query *waiting[64];
static struct answer answers[64];
static size_t waiting_len;

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- a world in which every DNS answer is there at the next turn of the loop ------------------- */

static int64_t
now(void *arg)
{
	(void)arg;
	return time(NULL);
}

static uint64_t
ticks(void *arg)
{
	(void)arg;
	return (uint64_t)(seconds() * 1000);
}

static uint32_t
chance(void *arg, uint32_t bound)
{
	(void)arg;
	return (uint32_t)rand() % bound;
}

static void
timer_start(void *arg, struct world_timer *t, uint64_t ms)
{
	(void)arg, (void)t, (void)ms;
}

static void
timer_stop(void *arg, struct world_timer *t)
{
	(void)arg, (void)t;
}

static void
deliver(struct ev_loop *l, ev_timer *timer, int events)
{
	(void)l, (void)timer, (void)events;
	while (waiting_len > 0) {
		struct world_query *q = waiting[--waiting_len];
		q->running = NULL;
		q->done(q->arg, &answers[waiting_len]);
	}
}

static void
query(void *arg, struct world_query *q, const char *name, enum answer_type type)
{
	struct answer *a = &answers[waiting_len];
	struct address address;

	(void)arg, (void)name;
	q->running = q;
	address_parse(&address, ADDRESS, strlen(ADDRESS), 25);
	memset(a, 0, sizeof(*a));
	a->state = type == ANSWER_MX || type == ANSWER_A ? ANSWER_OK : ANSWER_NODATA;
	a->records_len = a->state == ANSWER_OK;
	a->records[0] = (struct answer_record){ .text = HOST, .len = strlen(HOST),
	    .ip = address.ip };
	a->ttl = 3600;
	waiting[waiting_len++] = q;
	ev_timer_stop(loop, &pending);
	ev_timer_set(&pending, 0, 0);
	ev_timer_start(loop, &pending);
}

static void
no_query(void *arg, struct world_query *q)
{
	(void)arg, (void)q;
}

static void
no_fetch(void *arg, struct world_fetch *f, const char *domain)
{
	(void)arg, (void)f, (void)domain;
}

static void
no_fetch_cancel(void *arg, struct world_fetch *f)
{
	(void)arg, (void)f;
}

static const struct world world = { NULL, now, ticks, chance, timer_start, timer_stop, query, no_query,
	no_fetch, no_fetch_cancel };

/* --- the two processes ------------------------------------------------------------------------ */

struct side {
	struct engine *engine;
	struct channel *channel;
};

static void
send_answer(void *arg, uint32_t id, const struct requirement *q, const struct recalled *recalled)
{
	static unsigned char message[WIRE_MESSAGE_MAX];
	struct side *s = arg;

	channel_send(s->channel, message,
	    message_answer(message, sizeof(message), id, q, recalled), -1);
}

static void
asked(void *arg, const unsigned char *p, size_t len, int fd)
{
	struct side *s = arg;
	struct question q;

	(void)fd;
	if (message_get_question(p, len, &q))
		engine_ask(s->engine, &q, send_answer, s);
}

static void
closed(void *arg)
{
	(void)arg;
	ev_break(loop, EVBREAK_ALL);
}

static int
by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static unsigned proofs;		/* questions answered with what one name proves */

static void
count(void *arg, uint32_t id, const struct requirement *q, const struct recalled *recalled)
{
	(void)arg, (void)id, (void)recalled;
	proofs += q->state == REQUIREMENT_READY && q->hosts_len == 1;
}

/* The median of a warm question in microseconds. */
static double
ask_here(struct engine *e, const struct question *q, bool anew)
{
	static double took[QUESTIONS / 10];
	unsigned before = proofs;

	for (size_t i = 0; i < QUESTIONS / 10; i++) {
		if (anew)
			engine_memo_drop(e, "", NULL);
		double start = seconds();
		engine_ask(e, q, count, NULL);
		took[i] = seconds() - start;
	}
	if (proofs - before != QUESTIONS / 10)
		exit(4);	/* not the answer that was meant */
	qsort(took, QUESTIONS / 10, sizeof(took[0]), by_size);
	return took[QUESTIONS / 20] * 1e6;
}

/* Domain after domain comes to be known by its recipients. */
static void
end_to_end(struct engine *e)
{
	struct question q = { .end_to_end = true, .domain = "" }, rcpt = { .domain = "d7.example" };
	char domain[64];

	address_parse(&q.peer, ADDRESS, strlen(ADDRESS), 25);
	rcpt.peer = q.peer;
	for (unsigned i = 0; i < USERS_DOMAINS_MAX; i++) {
		unsigned before = proofs;
		snprintf(domain, sizeof(domain), "d%u.example", i);
		rcpt.domain = domain;
		engine_ask(e, &rcpt, count, NULL);
		while (proofs == before)
			ev_run(loop, EVRUN_ONCE);
		if (i != 0 && i != 15 && i != USERS_DOMAINS_MAX - 1)
			continue;
		printf("a warm question end to end, %u domains at the address: %.1f us anew, %.1f us "
		    "again; of one recipient %.1f us\n", i + 1, ask_here(e, &q, true),
		    ask_here(e, &q, false), ask_here(e, &rcpt, false));
	}
	fflush(stdout);
}

static void
answer_questions(const struct config *config, int fd)
{
	static const struct channel_events events = { asked, closed, NULL };
	char error[200];
	struct side s;

	loop = ev_default_loop(0);
	ev_init(&pending, deliver);
	double start = seconds();
	s.engine = engine_new_in(&world, config, false, NULL, NULL, error, sizeof(error));
	printf("start with %ld domains in the store: %.1f ms\n", (long)config->limits.sessions,
	    (seconds() - start) * 1000);
	fflush(stdout);
	end_to_end(s.engine);
	s.channel = channel_new(loop, fd, &events, &s);
	ev_run(loop, 0);
	engine_free(s.engine);
	channel_free(s.channel);
	_exit(0);
}

static void
ask(int fd)
{
	static double took[QUESTIONS];
	unsigned char message[1024], answer[WIRE_MESSAGE_MAX];
	struct question q = { .domain = "d7.example" };

	address_parse(&q.peer, ADDRESS, strlen(ADDRESS), 25);
	for (int i = -100; i < QUESTIONS; i++) {
		struct requirement *r = NULL;
		struct recalled recalled;
		uint32_t id;
		q.id = (uint32_t)(i + 100);
		double start = seconds();
		send(fd, message, message_question(message, sizeof(message), &q), 0);
		ssize_t n = recv(fd, answer, sizeof(answer), 0);
		if (n <= 0 || !message_get_answer(answer, (size_t)n, &id, &r, &recalled))
			exit(1);
		if (i >= 0)
			took[i] = seconds() - start;
		if (i == 0 && r->policy_type != POLICY_STS)
			exit(2);	/* not the question that was meant */
		free(r);
	}
	qsort(took, QUESTIONS, sizeof(took[0]), by_size);
	printf("a warm question over the channel and back: median %.1f us, 99 %% %.1f us\n",
	    took[QUESTIONS / 2] * 1e6, took[QUESTIONS * 99 / 100] * 1e6);
}

static void
fill(const char *dir, unsigned domains)
{
	char error[200], text[200], domain[64];
	struct store *s = store_open(dir, false, NULL, NULL, error, sizeof(error));
	double start = seconds();

	for (unsigned i = 0; i < domains; i++) {
		int len = snprintf(text, sizeof(text), POLICY);
		const struct store_policy p = { .id = "1", .fetched = time(NULL),
		    .refresh = time(NULL) + 86400, .text = text, .text_len = (size_t)len };
		snprintf(domain, sizeof(domain), "d%u.example", i);
		if (!store_put_policy(s, domain, &p))
			exit(3);
	}
	printf("a policy written so that it survives: %.2f ms each\n",
	    (seconds() - start) * 1000 / domains);
	store_close(s);
}

int
main(int argc, char **argv)
{
	char dir[] = "/tmp/postern-bench-XXXXXX", command[64];
	unsigned domains = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 10000;
	struct config config = { .state_dir = dir, .inspect = true, .policy = { .mta_sts = true, .wait_s = 20,
	    .no_policy = LEVEL_MAY, .stripping_refuse = true }, .limits.sessions = domains };
	int ends[2];

	if (mkdtemp(dir) == NULL || channel_pair(ends) < 0)
		return 1;
	fill(dir, domains);
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		close(ends[0]);
		answer_questions(&config, ends[1]);
	}
	close(ends[1]);
	int flags = fcntl(ends[0], F_GETFL);
	fcntl(ends[0], F_SETFL, flags & ~O_NONBLOCK);
	ask(ends[0]);
	close(ends[0]);
	waitpid(child, NULL, 0);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}
