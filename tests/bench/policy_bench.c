/* policy_bench.c - the policy process's speed: many domains in the store, and a question's way
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * policy_bench [DOMAINS]: fills a store (default 100,000), then, each in a process of its own: the
 * start with it, the memory that takes beside the store's pages, and what a question costs whose
 * domain is cold (its policy in the store alone), warm, or expired (its policy has to be fetched
 * and stored again); questions end to end by how many domains use the address; the start when the
 * store's other tables are full too; questions of a worker over its channel. A question's time is
 * CPU from engine_ask to the encoded answer, with DNS and HTTPS at no cost. Ends with JSON. */
#include <ev.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/channel.h"
#include "policy_ask.h"
#include "policy_fill.h"

#define QUESTIONS 20000
#define ALONE 1000	/* questions about one domain in a round */
#define EXPIRED 2000	/* domains; each is written so that it survives */
#define LARGE 2		/* the first of every third domain: all have the same hosts */

/* Shared by all parts: microseconds, seconds, octets. */
static struct {
	double warm, alone, cold, expired, channel, start, start_full, each, each_asked;
} *measured;

/* --- the parts -------------------------------------------------------------------------------- */

static void
many(const struct config *config, unsigned domains)
{
	struct asked *all = ask_about_many(0, 1, domains), *one = ask_about_many(7, 0, ALONE);
	size_t known = domains < QUESTIONS ? domains : QUESTIONS;
	double before = octets();
	struct engine *e = start_engine(config, &measured->start);

	measured->each = (octets() - before) / domains;
	measured->cold = ask_all(e, all, known);
	measured->warm = ask_again(e, all, known);
	measured->alone = ask_again(e, one, ALONE);
	ask_all(e, all + known, domains - known);
	measured->each_asked = (octets() - before) / domains;
	world_ahead += WORLD_MAX_AGE + 1;
	measured->expired = ask_all(e, all, known < EXPIRED ? known : EXPIRED);
	printf("%u domains: start %.3f s of CPU, %.0f octets of memory each beside the store's "
	    "pages, %.0f when all were asked about within the hour\n", domains, measured->start,
	    measured->each, measured->each_asked);
	printf("a question, us of CPU: cold %.1f, warm %.2f (of one domain alone %.2f), expired "
	    "%.1f\n", measured->cold, measured->warm, measured->alone, measured->expired);
	engine_free(e);
	free(all);
	free(one);
}

/* Domain after domain comes to be known by its recipients. */
static void
end_to_end(const struct config *config)
{
	struct config inspect = *config;
	struct asked *all = ask_about_many(LARGE, 3, USERS_DOMAINS_MAX), end = all[0];
	double start, anew[ROUNDS];
	struct engine *e;

	inspect.inspect = true;
	e = start_engine(&inspect, &start);
	end.question.domain = "";
	end.question.end_to_end = true;
	for (unsigned i = 0; i < USERS_DOMAINS_MAX; i++) {
		ask_all(e, &all[i], 1);
		if (i != 0 && i != 15 && i != USERS_DOMAINS_MAX - 1)
			continue;
		for (int k = 0; k < ROUNDS; k++) {
			engine_memo_drop(e, "", NULL);
			anew[k] = ask_all(e, &end, 1);
		}
		printf("a question end to end, %u domains at the address: %.1f us anew, %.1f "
		    "again\n", i + 1, samples_median(anew, ROUNDS), ask_again(e, &end, 1));
	}
	engine_free(e);
	free(all);
}

struct side {
	struct ev_loop *loop;
	struct engine *engine;
	struct channel *channel;
};

static void
send_answer(void *arg, uint32_t id, const struct requirement *q, const struct recalled *recalled,
    uint32_t fresh_ms)
{
	size_t len = message_answer(message, sizeof(message), id, q, recalled, fresh_ms);

	channel_send(((struct side *)arg)->channel, message, len, -1);
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
	ev_break(((struct side *)arg)->loop, EVBREAK_ALL);
}

static void
answer_questions(const struct config *config, int fd)
{
	static const struct channel_events events = { asked, closed, NULL };
	double start;
	struct side s = { ev_default_loop(0), start_engine(config, &start), NULL };
	struct asked a;

	ask_about(&a, 7);
	ask_all(s.engine, &a, 1);
	s.channel = channel_new(s.loop, fd, &events, &s);
	start = samples_seconds(CLOCK_PROCESS_CPUTIME_ID);
	ev_run(s.loop, 0);
	measured->channel = (samples_seconds(CLOCK_PROCESS_CPUTIME_ID) - start) * 1e6 / QUESTIONS;
	engine_free(s.engine);
	channel_free(s.channel);
}

/* As a worker does. */
static void
ask(int fd)
{
	static double took[QUESTIONS];
	unsigned char out[1024];
	struct asked a;

	ask_about(&a, 7);
	for (uint32_t i = 0; i < QUESTIONS; i++) {
		double start = samples_seconds(CLOCK_MONOTONIC);
		struct requirement *r = NULL;
		struct recalled recalled;
		uint32_t id, fresh_ms;
		ssize_t n;

		a.question.id = i;
		send(fd, out, message_question(out, sizeof(out), &a.question), 0);
		n = recv(fd, message, sizeof(message), 0);
		need(n > 0 && message_get_answer(message, (size_t)n, &id, &r, &recalled,
		    &fresh_ms) && id == i && r->policy_type == POLICY_STS, "no answer");
		took[i] = samples_seconds(CLOCK_MONOTONIC) - start;
		free(r);
	}
	samples_sort(took, QUESTIONS);
	printf("a warm question over the channel and back: median %.1f us, 99 %% %.1f us",
	    took[QUESTIONS / 2] * 1e6, took[QUESTIONS * 99 / 100] * 1e6);
}

enum part { FILL, MANY, END_TO_END, FULL, ANSWERS };

static pid_t
run(enum part part, const struct config *config, unsigned domains, const int ends[2])
{
	pid_t child;

	fflush(stdout);
	if ((child = fork()) != 0)
		return child;
	close(ends[0]);
	switch (part) {
	case FILL:
		fill_policies(config->state_dir, domains);
		break;
	case MANY:
		many(config, domains);
		break;
	case END_TO_END:
		end_to_end(config);
		break;
	case FULL:
		fill_seen(config->state_dir, domains);
		engine_free(start_engine(config, &measured->start_full));
		break;
	case ANSWERS:
		answer_questions(config, ends[1]);
		break;
	}
	exit(0);
}

static void
wait_for(pid_t child)
{
	int status;

	need(waitpid(child, &status, 0) == child && status == 0, "a part has failed");
}

static void
report(unsigned domains)
{
	printf(", %.1f us of CPU with the policy process's system calls\n", measured->channel);
	printf("start with %u domains, and at 100,000 of them as many hosts with STARTTLS and domains "
	    "at addresses as there may be: %.3f s of CPU\n", domains, measured->start_full);
	printf("{\"w6\": {\"warm_us\": %.2f, \"cold_us\": %.2f, \"expired_us\": %.2f, "
	    "\"start_s\": %.3f, \"ram_per_domain\": %.0f, \"domains\": %u, "
	    "\"warm_alone_us\": %.2f, \"channel_us\": %.2f, \"start_full_s\": %.3f, "
	    "\"ram_per_domain_asked\": %.0f}}\n", measured->warm, measured->cold,
	    measured->expired, measured->start, measured->each, domains, measured->alone,
	    measured->channel, measured->start_full, measured->each_asked);
}

static char dir[] = "/tmp/postern-bench-XXXXXX";
static pid_t parent;

/* However it ends; the parts, which inherit this, leave it alone. */
static void
clean_up(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	if (getpid() == parent && system(command) != 0)
		fprintf(stderr, "policy_bench: %s failed\n", command);
}

int
main(int argc, char **argv)
{
	unsigned domains = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 100000;
	struct config config = { .state_dir = dir, .policy = { .mta_sts = true, .dane = true,
	    .wait_s = 20, .no_policy = LEVEL_MAY, .stripping_refuse = true } };
	pid_t child;
	int ends[2];

	measured = mmap(NULL, sizeof(*measured), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(domains >= 10 && measured != MAP_FAILED && mkdtemp(dir) != NULL &&
	    channel_pair(ends) == 0, "usage: policy_bench [DOMAINS]");
	parent = getpid();
	atexit(clean_up);
	for (enum part part = FILL; part < ANSWERS; part++)
		wait_for(run(part, &config, domains, ends));
	child = run(ANSWERS, &config, domains, ends);
	close(ends[1]);
	fcntl(ends[0], F_SETFL, fcntl(ends[0], F_GETFL) & ~O_NONBLOCK);
	ask(ends[0]);
	close(ends[0]);
	wait_for(child);
	report(domains);
	return 0;
}
