/* record_bench.c - what one decision and one session record cost the policy process
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * record_bench [ROUNDS]: in turns, the steps of a record's way: encoded (the worker's part),
 * decoded, with its JSON and its key, the line for humans, and the whole way into the log, each
 * record by itself and in batches. Prints the medians of CPU microseconds a record, the smallest
 * and the largest round, and how often memory was asked for. Standard error is /dev/null, the file
 * lies in TMPDIR. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/wire.h"
#include "record/key.h"
#include "record/log.h"
#include "record/seen.h"
#include "tests/bench/samples.h"

#define ROUNDS 7		/* the first is not counted */
#define ROUNDS_MAX 101
#define RECORDS 20000		/* a round */
#define BATCH 64

/* glibc's own; what stands in front of them counts. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);

static unsigned long allocations;

void *
malloc(size_t size)
{
	allocations++;
	return __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	allocations++;
	return __libc_calloc(n, size);
}

void *
realloc(void *p, size_t size)
{
	allocations++;
	return __libc_realloc(p, size);
}

struct bench {
	unsigned char wire[WIRE_MESSAGE_MAX];
	size_t len;
	struct event event;
	struct text text;
	struct seen *seen;
	struct log *log;
	unsigned long made;		/* records so far: each has its own id */
	size_t done;			/* what the compiler may not leave out */
};

static void
decision(struct event *e)
{
	event_clear(e);
	e->type = EVENT_DECISION;
	e->time_us = 1795269739418233;
	e->id = "K7Q2-M4XD";
	e->session_id = "01JD7000000000000000000000";
	e->path = "upgrade";
	if (!address_parse(&e->src, "10.20.3.7", 9, 51422) ||
	    !address_parse(&e->dest, "203.0.113.9", 11, 25))
		exit(EXIT_FAILURE);
	e->verdict = "pass";
	e->mode = "enforce";
	e->result_type = "success";
	e->reason_code = "verified";
	e->reason = "got the certificate it demands";
	e->helo = "mail.client.example.net";
	e->rcpt_domain = "recipient.example.com";
	e->mx_host = "mx1.recipient.example.com";
	e->starttls = "offered";
	e->policy_type = "sts";
	e->policy_domain = "recipient.example.com";
	e->policy_mode = "enforce";
	e->policy_id = "20261101T000000Z";
	e->policy_source = "cache";
	e->policy_age_s = 345600;
	e->dns = "MX recipient.example.com: insecure, 2 records\n"
	    "A mx1.recipient.example.com: insecure, 1 record";
	e->tls_version = "TLSv1.3";
	e->tls_cipher = "TLS_AES_256_GCM_SHA384";
	e->tls_sni = "mx1.recipient.example.com";
	e->tls_subject = "CN=mx1.recipient.example.com";
	e->tls_issuer = "C=US,O=Let's Encrypt,CN=E7";
	e->tls_names = "mx1.recipient.example.com mx2.recipient.example.com";
	e->tls_not_after = 1798588800;
	e->chain_len = 3;
	for (size_t i = 0; i < sizeof e->chain_sha256; i++)
		((unsigned char *)e->chain_sha256)[i] = (unsigned char)(i * 37);
	e->policy_ms = 1;
	e->connect_ms = 31;
	e->tls_ms = 44;
	e->added_ms = 87;
}

static void
session(struct event *e)
{
	event_clear(e);
	e->type = EVENT_SESSION;
	e->time_us = 1795269739918233;
	e->session_id = "01JD7000000000000000000000";
	e->path = "upgrade";
	if (!address_parse(&e->src, "10.20.3.7", 9, 51422) ||
	    !address_parse(&e->dest, "203.0.113.9", 11, 25))
		exit(EXIT_FAILURE);
	e->helo = "mail.client.example.net";
	e->action = "closed";
	e->ended_by = "client";
	e->detail = "quit";
	e->bytes_in = 4711;
	e->bytes_out = 512;
	e->messages = 1;
	e->duration_ms = 412;
}

static void
encode(struct bench *b)
{
	unsigned char out[8192];

	b->done += event_encode(out, sizeof out, &b->event);
}

static void
decode(struct bench *b)
{
	struct event e;

	b->done += event_decode(b->wire, b->len, &e) ? e.policy_ms : 0;
}

/* The least that any way of logging it needs: its line, and what it is known by. */
static void
line_and_key(struct bench *b)
{
	struct event e;
	struct key key;

	b->done += event_decode(b->wire, b->len, &e) ? 1 : 0;
	text_cut(&b->text, 0);
	b->done += event_text(&b->text, &e, false, true) ? b->text.len : 0;
	key_of_event(&key, &e);
	b->done += seen_has(b->seen, seen_hash(b->seen, key.p, key.len));
}

static void
human(struct bench *b)
{
	char line[2048];

	b->done += event_line(&b->event, line, sizeof line);
}

/* Decoded, and with ids that were not there before. */
static const struct event *
fresh(struct bench *b, struct event *e, char id[16], char session_id[32])
{
	if (!event_decode(b->wire, b->len, e))
		exit(EXIT_FAILURE);
	memcpy(id, "K7Q2-M4XD", 10);
	memcpy(session_id, "01JD7000000000000000000000", 27);
	b->made++;
	for (unsigned long i = 25, n = b->made; i > 15; i--, n >>= 4)
		session_id[i] = "0123456789abcdef"[n & 15];
	if (e->id[0] != '\0')
		e->id = id;
	e->session_id = session_id;
	return e;
}

static void
log_each(struct bench *b)
{
	char id[16], session_id[32];
	struct event e;

	b->done += log_event(b->log, fresh(b, &e, id, session_id), NULL);
}

static void
log_batch(struct bench *b)
{
	char id[16], session_id[32];
	struct event e;

	b->done += log_add(b->log, fresh(b, &e, id, session_id), NULL);
	if (b->made % BATCH == 0 && !log_flush(b->log))
		exit(EXIT_FAILURE);
}

static const struct step {
	const char *name;
	void (*run)(struct bench *b);
} steps[] = {
	{ "encode", encode }, { "decode", decode }, { "decode, JSON, key", line_and_key },
	{ "line for humans", human },
	{ "decode, log, one by one", log_each }, { "decode, log, in batches", log_batch },
};
#define STEPS (sizeof steps / sizeof steps[0])

static void
measure(struct bench *b, const char *what, size_t rounds)
{
	static double us[STEPS][ROUNDS_MAX];
	unsigned long asked[STEPS] = { 0 };

	for (size_t r = 0; r < rounds; r++) {
		for (size_t s = 0; s < STEPS; s++) {
			unsigned long before = allocations;
			double start = samples_cpu_us();

			for (size_t i = 0; i < RECORDS; i++)
				steps[s].run(b);
			us[s][r] = (samples_cpu_us() - start) / RECORDS;
			asked[s] = allocations - before;
		}
	}
	for (size_t s = 0; s < STEPS; s++) {
		samples_sort(us[s] + 1, rounds - 1);
		printf("%-9s %-24s %7.3f us (%.3f to %.3f), %6.3f allocations\n", what,
		    steps[s].name, us[s][1 + (rounds - 1) / 2], us[s][1], us[s][rounds - 1],
		    (double)asked[s] / RECORDS);
	}
}

static struct log *
open_log(char path[64])
{
	struct config config = { .log = { .file = path, .journal = JOURNAL_NO,
		.recipients = RECIPIENTS_DOMAIN } };
	const char *folder = getenv("TMPDIR");
	char error[512];
	struct log *l;
	int fd, null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	snprintf(path, 64, "%.40s/record-bench-XXXXXX", folder != NULL ? folder : "/tmp");
	fd = mkstemp(path);
	if (fd < 0 || null < 0 || dup2(null, STDERR_FILENO) < 0)
		exit(EXIT_FAILURE);
	close(fd);
	l = log_open(&config, error, sizeof error);
	if (l == NULL) {
		printf("%s\n", error);
		exit(EXIT_FAILURE);
	}
	return l;
}

int
main(int argc, char **argv)
{
	static struct bench b;
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : ROUNDS;
	char path[64];

	rounds = rounds < 2 ? 2 : rounds > ROUNDS_MAX ? ROUNDS_MAX : rounds;
	b.log = open_log(path);
	b.seen = seen_new();
	for (int i = 0; i < 2; i++) {
		(i == 0 ? decision : session)(&b.event);
		b.len = event_encode(b.wire, sizeof b.wire, &b.event);
		measure(&b, i == 0 ? "decision" : "session", rounds);
	}
	log_close(b.log);
	seen_free(b.seen);
	text_free(&b.text);
	unlink(path);
	return b.done > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
