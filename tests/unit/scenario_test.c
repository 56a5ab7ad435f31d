/* scenario_test.c - dialogues as text, played against a real session over real sockets
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * tests/scenarios/NAME.txt, in the notation of RFC 5321 appendix D with both sides of the proxy:
 *
 *   policy DOMAIN: WORDS   what the policy answers: none | may | encrypt | verify HOST... |
 *                          enforce HOST... | testing HOST... | stranger | remembered |
 *                          undecided | hold | dane HOST RECORD... [HOST RECORD...] |
 *                          both HOST RECORD... (and MTA-STS) | dane-only [HOST RECORD...] |
 *                          fingerprint HOST RECORD... | unusable HOST | untold (TLSA undecided);
 *                          a RECORD is USAGE:SELECTOR:MATCHING:CERT, of the HOST before it
 *   recheck DOMAIN: WORDS  what it answers before a refusal; the same as policy by default
 *   monitor                mode: monitor for all answers
 *   C: TEXT    the client says it (consecutive lines go in one segment)   C| TEXT  without CRLF
 *   S: GLOB    the client hears it
 *   => GLOB    the MX hears it      <= TEXT  the MX says it     <| TEXT  without CRLF
 *   C! CLOSE | HALF | TLS           the client closes, half-closes, starts TLS
 *   C! HELLO 1.2 | 1.3              it begins a TLS handshake, with whoever answers; from its
 *                                   second time on it offers to resume
 *   C! AGAIN                        it hangs up and comes again
 *   C! RAW TEXT | URGENT TEXT       it says it beside its TLS; the last octet as urgent (RFC 6093)
 *   C! SECURED CERT                 that handshake is over, and it was shown CERT
 *   S! CLOSED                       the client sees the end
 *   => DIAL | CLOSED | TLS CERT     the MX is dialled, sees the end, makes a handshake with CERT
 *   => TLS? CERT | HELLO            it begins one that will not be finished; takes a ClientHello
 *   <= CLOSE                        the MX closes
 *   answer DOMAIN: WORDS            a held question is answered
 *   event: KEY=GLOB ...             the next decision event
 *   end: KEY=GLOB ...               the session event of the last one; it passed end to end, and
 *                                   its octets are those that the client's socket has seen
 *   =| TEXT                         the MX gets exactly these octets, all there is
 *   include NAME                    tests/scenarios/NAME is played here
 *   quiet                           nothing is said to anybody for a while, and the loop sleeps
 *   <! TEXT                         the MX says it and is gone at once
 *   <R TEXT                         it says it beside its TLS
 *   late client | server | policy   the deadline for them has passed
 *   inspect                         path: inspect (first of all); the policy of domain "-" is then
 *                                   what the address demands: raised HOST | enforce HOST |
 *                                   dane ... | unmapped
 *   forgotten                       the policy process has forgotten all TLS sessions
 *   fresh                           from now on its answers may be remembered
 *   stale DOMAIN                    it says that what concerns this domain has changed; "-": all
 *   asked N                         so many questions it has had since it was asked that last
 *   deaf client | mx                stops reading, with small buffers; `hears` goes on
 *
 * TEXT knows \r \n \0 \xHH and {N} for N octets of filling; a "\" at the end of a line leaves CRLF
 * out. */
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/tcp.h>
#include <poll.h>

#include "policy/judge.h"
#include "proxy/decision.h"
#include "proxy/inspect.h"
#include "daemon/moment.h"
#include "record/event.h"
#include "tests/unit/testring.h"
#include "tests/unit/testtlsa.h"
#include "tls/session.h"

#define PATIENCE_MS 3000
#define DOMAINS_MAX 8
#define EVENTS_MAX 32
#define MEMORY_LEN 8
#define CERTIFICATES_MAX 6
#define PIPE_SIZE (1 << 20)

/* One end of a connection that the scenario plays. */
struct end {
	int fd;
	struct stream *tls;
	bool closed, shaking, deaf;	/* shaking: in a TLS handshake */
	char *in;
	size_t len;
	uint64_t sent, got;		/* octets; not those of `tls` */
};

/* What the policy process was told of a TLS session. */
struct memory {
	uint8_t session[MESSAGE_NAME];
	unsigned char evidence[MESSAGE_EVIDENCE_MAX];
	size_t len;
};

struct answer {
	char domain[64], policy[256], recheck[256];
};

struct play {
	struct ev_loop *loop;
	struct proxy proxy;
	struct testring ring;
	struct config config;
	struct counters *counters;
	int listener;
	struct address origin;
	struct end client, mx;
	struct answer answers[DOMAINS_MAX];
	size_t answers_len;
	bool monitor, fresh;
	unsigned questions;
	struct {
		uint32_t id;
		bool recheck, resumes;
		uint8_t session[MESSAGE_NAME];
		char domain[256];
	} asked[16];
	size_t asked_len;
	struct memory memory[MEMORY_LEN];
	size_t memory_len;
	struct {
		char name[64];
		struct terminator *terminator;
	} certificates[CERTIFICATES_MAX];	/* the MX's, kept for their tickets */
	unsigned number;		/* of the play: the client's slot for resumption */
	size_t opened;
	char events[EVENTS_MAX][2048];
	size_t events_len, events_seen;
	struct {
		uint64_t in, out;
		char text[512];
	} ends[EVENTS_MAX];		/* of sessions */
	size_t ends_len;
	size_t left;
	unsigned woken;			/* events the loop has seen */
	const char *file;
	unsigned line;
};

static struct {
	const char *name;
	X509 *x509;
} known[16];				/* certificates that records can be made of */

static char directory[] = "/tmp/postern-scenario-XXXXXX";
static struct originator *originator;
static struct terminator *own;

static _Noreturn void
wrong(struct play *p, const char *what, const char *text)
{
	print_error("%s:%u: %s: %s\n", p->file, p->line, what, text);
	print_error("client has heard: %.*s\nmx has heard: %.*s\n", (int)p->client.len,
	    p->client.in, (int)p->mx.len, p->mx.in);
	fail();
	abort();
}

/* --- the policy process ------------------------------------------------------------------- */

static void
keep_event(struct play *p, const struct event *e)
{
	if (e->type == EVENT_DECISION && p->events_len < EVENTS_MAX)
		snprintf(p->events[p->events_len++], 2048,
		    "verdict=%s|result_type=%s|reason_code=%s|starttls=%s|rcpt_domain=%s|"
		    "policy_type=%s|policy_source=%s|mx_host=%s|sni=%s|resumed=%d|"
		    "path=%s|inspect=%s|code=%s|dane=%s|record=%s|base=%s|depth=%u|missed=%s|"
		    "policy_mode=%s|dns=%s|", e->verdict, e->result_type, e->reason_code,
		    e->starttls, e->rcpt_domain, e->policy_type, e->policy_source, e->mx_host,
		    e->tls_sni, e->tls_resumed, e->path, e->inspect_outcome, e->inspect_code,
		    e->dane_state, e->dane_record, e->dane_base, e->dane_depth, e->dane_detail,
		    e->policy_mode, e->dns);
	if (e->type == EVENT_SESSION && p->ends_len < EVENTS_MAX) {
		p->ends[p->ends_len].in = e->bytes_in;
		p->ends[p->ends_len].out = e->bytes_out;
		snprintf(p->ends[p->ends_len++].text, 512,
		    "path=%s|inspect=%s|code=%s|by=%s|why=%s|", e->path,
		    e->inspect_outcome, e->inspect_code, e->ended_by, e->detail);
	}
}

static bool
policy_send(void *arg, const void *m, size_t len)
{
	struct play *p = arg;
	struct question q;
	struct proven proven;

	if (message_get_proven(m, len, &proven)) {
		struct memory *k = &p->memory[p->memory_len++ % MEMORY_LEN];
		memcpy(k->session, proven.session, MESSAGE_NAME);
		memcpy(k->evidence, proven.evidence, proven.len);
		k->len = proven.len;
	} else if (message_get_question(m, len, &q)) {
		p->questions++;
		p->asked[p->asked_len].id = q.id;
		p->asked[p->asked_len].recheck = q.recheck;
		p->asked[p->asked_len].resumes = q.resumes;
		memcpy(p->asked[p->asked_len].session, q.session, MESSAGE_NAME);
		snprintf(p->asked[p->asked_len++].domain, 256, "%s", q.domain);
	}
	return true;
}

static void
policy_record(void *arg, const void *m, size_t len)
{
	const void *event;
	size_t event_len;
	struct event e;

	assert_true(message_get_record(m, len, &event, &event_len) &&
	    event_decode(event, event_len, &e));
	keep_event(arg, &e);
}

static struct recalled
recall(const struct play *p, bool resumes, const uint8_t session[MESSAGE_NAME])
{
	for (size_t i = 0; resumes && i < p->memory_len && i < MEMORY_LEN; i++)
		if (memcmp(p->memory[i].session, session, MESSAGE_NAME) == 0)
			return (struct recalled){ p->memory[i].evidence, p->memory[i].len };
	return (struct recalled){ NULL, 0 };
}

/* add_record: "3:1:1:CERT", of the host named last. */
static void
add_record(struct testtlsa *t, const char *word)
{
	unsigned usage, selector, matching;
	int at = 0;

	assert_int_equal(sscanf(word, "%u:%u:%u:%n", &usage, &selector, &matching, &at), 3);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].name == NULL || strcmp(known[i].name, word + at) != 0)
			continue;
		testtlsa_add(t, (uint8_t)usage, (uint8_t)selector, (uint8_t)matching,
		    known[i].x509);
		return;
	}
	fail_msg("no certificate: %s", word);
}

/* dane_words: whether the answer is one about TLSA records. */
static bool
dane_words(struct requirement *q, const char *word)
{
	static const char *const answers[] = { "MX a.example: secure\nA mx: secure", "",
	    "TLSA mx: secure" };

	if (strcmp(word, "untold") == 0) {
		q->state = REQUIREMENT_DEFER;
		q->defer_code = DEFER_TLSA_UNDECIDED;
	} else if (strcmp(word, "unusable") == 0) {
		q->level = LEVEL_ENCRYPT;
		q->tlsa_unusable = true;
	} else if (strcmp(word, "dane") == 0 || strcmp(word, "both") == 0) {
		q->level = LEVEL_DANE;
		q->both = word[0] == 'b';
	} else {
		return false;
	}
	q->policy_type = POLICY_TLSA;
	q->mx_secure = true;
	q->answers = answers;
	q->answers_len = 3;
	return true;
}

static void
send_answer(struct play *p, uint32_t id, const char *words, const struct recalled *recalled)
{
	static unsigned char message[WIRE_MESSAGE_MAX];
	char copy[256], *save = NULL;
	const char *hosts[8];
	struct testtlsa records = { .set = { .len = 0 } };
	struct requirement q = {
		.level = LEVEL_MAY, .policy_domain = "", .policy_id = "", .mx_host = "",
		.sni = "", .secure_domain = "", .reason = "", .stripping_refuse = true,
		.marks_count = true, .mx_allowed = true, .monitor = p->monitor, .hosts = hosts,
		.floor = LEVEL_MAY,
	};

	snprintf(copy, sizeof(copy), "%s", words);
	char *word = strtok_r(copy, " ", &save);
	if (strcmp(word, "enforce") == 0 || strcmp(word, "testing") == 0 ||
	    strcmp(word, "stranger") == 0) {
		q.level = LEVEL_VERIFY;
		q.policy_type = POLICY_STS;
		q.source = SOURCE_CACHE;
		q.policy_id = "1";
		q.sts_mode = word[0] == 't' ? STS_TESTING : STS_ENFORCE;
		q.mx_allowed = word[0] != 's';
	} else if (strcmp(word, "remembered") == 0) {
		q.remembered = true;
	} else if (strcmp(word, "raised") == 0) {
		q.level = LEVEL_VERIFY;
		q.raised = true;
	} else if (strcmp(word, "unmapped") == 0) {
		q.state = REQUIREMENT_DEFER;
		q.defer_code = DEFER_UNMAPPED;
	} else if (strcmp(word, "undecided") == 0) {
		q.state = REQUIREMENT_DEFER;
		q.defer_code = DEFER_DNS_UNDECIDED;
	} else if (!dane_words(&q, word)) {
		assert_true(level_parse(&q.level, word, strlen(word)));
		q.policy_type = q.level == LEVEL_MAY ? POLICY_NONE_FOUND : POLICY_LOCAL;
		q.source = q.level == LEVEL_MAY ? SOURCE_NONE : SOURCE_RULE;
		q.marks_count = q.level == LEVEL_MAY;
	}
	records.set = (struct tlsa_set){ .records = records.records, .bases = records.bases };
	while ((word = strtok_r(NULL, " ", &save)) != NULL) {
		if (strchr(word, ':') != NULL) {
			add_record(&records, word);
			continue;
		}
		hosts[q.hosts_len++] = word;
		testtlsa_base(&records, word);
	}
	if (q.hosts_len > 0)
		q.sni = q.mx_host = hosts[0], q.mapped = true;
	q.tlsa = records.set;
	size_t len = message_answer(message, sizeof(message), id, &q, recalled,
	    p->fresh ? 10000 : 0);
	assert_true(len > 0 && asker_answer(p->proxy.asker, message, len));
	testtlsa_free(&records);
}

static struct answer *
answer_for(struct play *p, const char *domain)
{
	for (size_t i = 0; i < p->answers_len; i++)
		if (strcmp(p->answers[i].domain, domain) == 0)
			return &p->answers[i];
	return NULL;
}

static void
answer_questions(struct play *p)
{
	for (size_t i = 0; i < p->asked_len; i++) {
		struct answer *a = answer_for(p, p->asked[i].domain);
		const char *words = a == NULL ? "may" : p->asked[i].recheck && a->recheck[0] ?
		    a->recheck : a->policy;
		if (strcmp(words, "hold") == 0)
			continue;
		uint32_t id = p->asked[i].id;
		struct recalled r = recall(p, p->asked[i].resumes, p->asked[i].session);
		p->asked[i--] = p->asked[--p->asked_len];
		send_answer(p, id, words, &r);
	}
}

/* --- the two ends ------------------------------------------------------------------------- */

static void
end_read(struct end *e)
{
	while (e->fd >= 0 && !e->closed && !e->shaking && !e->deaf && e->len < PIPE_SIZE) {
		size_t got = 0;
		if (e->tls != NULL) {
			enum stream_result r = stream_read(e->tls, e->in + e->len,
			    PIPE_SIZE - e->len, &got);
			if (r == STREAM_CLOSED || r == STREAM_CUT || r == STREAM_FAILED)
				e->closed = true;
			if (r != STREAM_OK)
				return;
		} else {
			/* A TLS record is for the handshake that the scenario is about to make. */
			if (recv(e->fd, e->in + e->len, 1, MSG_DONTWAIT | MSG_PEEK) == 1 &&
			    e->in[e->len] == 0x16)
				return;
			ssize_t n = recv(e->fd, e->in + e->len, PIPE_SIZE - e->len, MSG_DONTWAIT);
			if (n == 0 || (n < 0 && errno != EAGAIN))
				e->closed = true;
			if (n <= 0)
				return;
			got = (size_t)n;
			e->got += got;
		}
		e->len += got;
	}
}

/* under_tls: what the session has put into the socket, and got out of it. */
static void
under_tls(const struct end *e, uint64_t *sent, uint64_t *got)
{
	*sent = e->tls == NULL ? 0 : BIO_number_written(SSL_get_wbio(e->tls->ssl));
	*got = e->tls == NULL ? 0 : BIO_number_read(SSL_get_rbio(e->tls->ssl));
}

static void
end_drop(struct end *e)
{
	uint64_t sent, got;

	under_tls(e, &sent, &got);
	e->sent += sent;
	e->got += got;
	stream_free(e->tls);
	if (e->fd >= 0)
		close(e->fd);
	e->tls = NULL;
	e->fd = -1;
	e->len = 0;
	e->closed = e->shaking = e->deaf = false;
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
shake(struct end *e)
{
	if (!e->shaking || e->deaf)
		return;
	switch (stream_handshake(e->tls)) {
	case STREAM_OK:
		e->shaking = false;
		break;
	case STREAM_WANT_READ:
	case STREAM_WANT_WRITE:
		break;
	case STREAM_CLOSED:
	case STREAM_CUT:
	case STREAM_FAILED:
		e->shaking = false;
		e->closed = true;
		break;
	}
}

static void
spin(struct play *p)
{
	ev_run(p->loop, EVRUN_NOWAIT);
	session_reap(&p->proxy);
	answer_questions(p);
	shake(&p->client);
	shake(&p->mx);
	end_read(&p->client);
	end_read(&p->mx);
}

/* until: turns the loop until `done` or PATIENCE_MS. */
static bool
until(struct play *p, bool (*done)(struct play *p, struct end *e), struct end *e)
{
	double limit = seconds() + PATIENCE_MS / 1000.0;

	for (;;) {
		spin(p);
		if (done(p, e))
			return true;
		if (seconds() > limit)
			return false;
		poll(NULL, 0, 1);
	}
}

static bool
has_line(struct play *p, struct end *e)
{
	(void)p;
	return memchr(e->in, '\n', e->len) != NULL;
}

static bool
is_closed(struct play *p, struct end *e)
{
	(void)p;
	return e->closed || e->fd < 0;
}

static bool
is_dialled(struct play *p, struct end *e)
{
	int fd = accept4(p->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return false;
	end_drop(e);
	e->fd = fd;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	return true;
}

static bool
is_secured(struct play *p, struct end *e)
{
	(void)p;
	return !e->shaking;
}

static bool
has_hello(struct play *p, struct end *e)
{
	char first;

	(void)p;
	return recv(e->fd, &first, 1, MSG_DONTWAIT | MSG_PEEK) == 1 && first == 0x16;
}

static bool
has_event(struct play *p, struct end *e)
{
	(void)e;
	return p->events_len > p->events_seen;
}

static bool
has_ended(struct play *p, struct end *e)
{
	(void)e;
	return p->ends_len == p->opened;
}

static void
hear(struct play *p, struct end *e, const char *pattern)
{
	char line[4096];

	if (!until(p, has_line, e))
		wrong(p, "not heard", pattern);
	size_t len = (size_t)((char *)memchr(e->in, '\n', e->len) - e->in) + 1;
	assert_true(len < sizeof(line) && len >= 2 && e->in[len - 2] == '\r');
	memcpy(line, e->in, len - 2);
	line[len - 2] = '\0';
	memmove(e->in, e->in + len, e->len - len);
	e->len -= len;
	if (fnmatch(pattern, line, 0) != 0) {
		print_error("heard: %s\n", line);
		wrong(p, "expected", pattern);
	}
}

static size_t
expand(const char *text, char *out, bool crlf)
{
	char *o = out;
	const char *t = text;

	for (; *t != '\0'; t++) {
		if (*t == '{' && t[1] >= '0' && t[1] <= '9') {
			size_t n = strtoul(t + 1, (char **)(uintptr_t)&t, 10);
			memset(o, 'x', n);
			o += n;
		} else if (*t != '\\') {
			*o++ = *t;
		} else if (t[1] == '\0') {
			crlf = false;
		} else if (*++t == 'x') {
			unsigned v;
			sscanf(t + 1, "%2x", &v);
			*o++ = (char)v;
			t += 2;
		} else {
			*o++ = *t == 'r' ? '\r' : *t == 'n' ? '\n' : *t == '0' ? '\0' : *t;
		}
	}
	if (crlf)
		*o++ = '\r', *o++ = '\n';
	return (size_t)(o - out);
}

static void
say(struct play *p, struct end *e, const char *data, size_t len)
{
	while (len > 0) {
		size_t put = 0;
		if (e->tls != NULL) {
			enum stream_result r = stream_write(e->tls, data, len, &put);
			if (r != STREAM_OK && r != STREAM_WANT_WRITE)
				wrong(p, "cannot say", stream_error(e->tls));
		} else {
			ssize_t n = send(e->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
			if (n < 0 && errno != EAGAIN)
				wrong(p, "cannot say", strerror(errno));
			put = n > 0 ? (size_t)n : 0;
			e->sent += put;
		}
		data += put;
		len -= put;
		spin(p);
	}
}

/* --- the scenario -------------------------------------------------------------------------- */

static struct terminator *
terminator_of(struct play *p, const char *cert)
{
	char dir[256], error[256];
	size_t i = 0;

	while (i < CERTIFICATES_MAX && p->certificates[i].terminator != NULL &&
	    strcmp(p->certificates[i].name, cert) != 0)
		i++;
	assert_true(i < CERTIFICATES_MAX);
	if (p->certificates[i].terminator == NULL) {
		snprintf(dir, sizeof(dir), "%s/%.63s", directory, cert);
		snprintf(p->certificates[i].name, sizeof(p->certificates[i].name), "%s", cert);
		p->certificates[i].terminator = terminator_new(dir, error, sizeof(error));
		if (p->certificates[i].terminator == NULL)
			wrong(p, "certificate", error);
	}
	return p->certificates[i].terminator;
}

static void
secure_mx(struct play *p, const char *cert, bool wait)
{
	struct terminator *t = terminator_of(p, cert);

	if (p->mx.len > 0)
		wrong(p, "the MX was told before TLS", p->mx.in);
	p->mx.tls = terminate(t, p->mx.fd);
	p->mx.shaking = true;
	if (wait && (!until(p, is_secured, &p->mx) || p->mx.closed))
		wrong(p, "TLS", stream_error(p->mx.tls));
}

static void
expect_in(struct play *p, const char *event, char *words)
{
	char *save = NULL;

	for (char *w = strtok_r(words, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save)) {
		char pattern[256];
		snprintf(pattern, sizeof(pattern), "*%s|*", w);
		if (fnmatch(pattern, event, 0) != 0) {
			print_error("event: %s\n", event);
			wrong(p, "expected in the event", w);
		}
	}
}

static void
expect_event(struct play *p, char *words)
{
	if (!until(p, has_event, NULL))
		wrong(p, "no event", words);
	expect_in(p, p->events[p->events_seen++], words);
}

static void
expect_end(struct play *p, char *words)
{
	uint64_t sent, got;

	if (!until(p, has_ended, NULL))
		wrong(p, "no session event", words);
	expect_in(p, p->ends[p->ends_len - 1].text, words);
	under_tls(&p->client, &sent, &got);
	assert_int_equal(p->ends[p->ends_len - 1].in, p->client.sent + sent);
	assert_int_equal(p->ends[p->ends_len - 1].out, p->client.got + got);
}

static void
set_answer(struct play *p, const char *line, bool recheck)
{
	char domain[64], words[256];

	if (sscanf(line, "%*s %63[^:]: %255[^\n]", domain, words) != 2)
		wrong(p, "syntax", line);
	if (strcmp(domain, "-") == 0)
		domain[0] = '\0';
	struct answer *a = answer_for(p, domain);
	if (a == NULL) {
		a = &p->answers[p->answers_len++];
		strcpy(a->domain, domain);
	}
	strcpy(recheck ? a->recheck : a->policy, words);
}

static void
mx_line(struct play *p, const char *text)
{
	if (strcmp(text, "DIAL") == 0) {
		if (!until(p, is_dialled, &p->mx))
			wrong(p, "not dialled", text);
	} else if (strcmp(text, "CLOSED") == 0) {
		if (!until(p, is_closed, &p->mx))
			wrong(p, "not closed", text);
		if (p->mx.len > 0) {
			print_error("%zu octets\n", p->mx.len);
			wrong(p, "the MX heard more", p->mx.in);
		}
		end_drop(&p->mx);
	} else if (strncmp(text, "TLS ", 4) == 0) {
		secure_mx(p, text + 4, true);
	} else if (strncmp(text, "TLS? ", 5) == 0) {
		secure_mx(p, text + 5, false);
	} else if (strcmp(text, "HELLO") == 0) {
		if (!until(p, has_hello, &p->mx))
			wrong(p, "no ClientHello", text);
		recv(p->mx.fd, p->mx.in, PIPE_SIZE, MSG_DONTWAIT);
	} else {
		hear(p, &p->mx, text);
	}
}

static void open_session(struct play *p);

static void
come_again(struct play *p)
{
	end_drop(&p->client);
	end_drop(&p->mx);
	while (p->left < p->opened)
		spin(p);
	p->client.sent = p->client.got = 0;
	open_session(p);
}

static void
client_hello(struct play *p, int version)
{
	p->client.tls = originate(originator, p->client.fd, "", &p->number, sizeof(p->number), 0,
	    NULL);
	SSL_set_max_proto_version(p->client.tls->ssl, version);
	p->client.shaking = true;
}

/* client_secured: with whom, is said by the certificate's first name. */
static void
client_secured(struct play *p, const char *name)
{
	struct proof proof = { .state = PROOF_NO_TLS };

	if (!until(p, is_secured, &p->client) || p->client.closed)
		wrong(p, "TLS", stream_error(p->client.tls));
	originate_proof(p->client.tls, &proof);
	if (name[0] != '\0' && !proof_names_host(&proof, name))
		wrong(p, "another certificate", proof.names_len > 0 ? proof.names[0] : "none");
	proof_clear(&proof);
}

/* say_raw: beside its TLS, and perhaps with the last octet urgent. */
static void
say_raw(struct play *p, const char *text, int flags)
{
	static char out[PIPE_SIZE];
	size_t len = expand(text, out, false);

	assert_int_equal(send(p->client.fd, out, len, MSG_NOSIGNAL | flags), len);
	p->client.sent += len;
	spin(p);
}

static void
client_does(struct play *p, const char *what)
{
	if (strcmp(what, "CLOSE") == 0)
		end_drop(&p->client);
	else if (strcmp(what, "AGAIN") == 0)
		come_again(p);
	else if (strcmp(what, "HALF") == 0)
		shutdown(p->client.fd, SHUT_WR);
	else if (strcmp(what, "TLS") == 0) {
		p->client.tls = originate(originator, p->client.fd, "", "c", 1, 0, NULL);
		p->client.shaking = true;
		client_secured(p, "");
	} else if (strncmp(what, "HELLO ", 6) == 0) {
		client_hello(p, strcmp(what + 6, "1.3") == 0 ? TLS1_3_VERSION : TLS1_2_VERSION);
	} else if (strncmp(what, "SECURED ", 8) == 0) {
		client_secured(p, what + 8);
	} else if (strncmp(what, "RAW ", 4) == 0) {
		say_raw(p, what + 4, 0);
	} else if (strncmp(what, "URGENT ", 7) == 0) {
		say_raw(p, what + 7, MSG_OOB);
	} else {
		wrong(p, "syntax", what);
	}
}

static size_t wanted;

static bool
has_octets(struct play *p, struct end *e)
{
	(void)p;
	return e->len >= wanted;
}

static void
hear_octets(struct play *p, const char *text)
{
	static char out[PIPE_SIZE];

	wanted = expand(text, out, false);
	if (!until(p, has_octets, &p->mx) || p->mx.len != wanted ||
	    memcmp(p->mx.in, out, wanted) != 0)
		wrong(p, "expected octets", text);
	p->mx.len = 0;
}

static void
count_events(struct ev_loop *loop)
{
	struct play *p = ev_userdata(loop);

	p->woken += ev_pending_count(loop);
	ev_invoke_pending(loop);
}

/* settle: what is under way goes on for some turns, on a busy machine for more. */
static void
settle(struct play *p)
{
	for (int i = 0, quiet = 0; quiet < 10; i++) {
		p->woken = 0;
		spin(p);
		poll(NULL, 0, 1);
		quiet = p->woken > 0 ? 0 : quiet + 1;
		if (i == 1000)
			wrong(p, "a busy loop", "");
	}
}

static void
be_quiet(struct play *p)
{
	settle(p);
	p->woken = 0;
	for (int i = 0; i < 40; i++) {
		spin(p);
		poll(NULL, 0, 1);
	}
	if (p->woken > 5)
		wrong(p, "a busy loop", "");
	if (p->client.len > 0 || p->mx.len > 0 || p->client.closed || p->mx.closed)
		wrong(p, "not quiet", "");
}

/* be_late: moves a deadline to now, and lets the timer notice. */
static void
be_late(struct play *p, const char *who)
{
	struct session *s = p->proxy.sessions;
	double now = moment_now(), *at = NULL;

	if (s == NULL)
		wrong(p, "no session", who);
	if (strcmp(who, "client") == 0)
		at = &s->client_deadline;
	else if (strcmp(who, "server") == 0)
		at = &s->up.deadline;
	else if (s->decision != NULL && s->decision->asking.open)
		at = &s->decision->asking.asked;
	else if (s->inspect != NULL && s->inspect->asking.open)
		at = &s->inspect->asking.asked;
	if (at == NULL || *at <= 0)
		wrong(p, "no deadline runs for", who);
	*at = strcmp(who, "policy") == 0 ? now - 3600 : now;
	ev_feed_event(p->loop, &s->timer, EV_TIMER);
	spin(p);
}

static void
be_deaf(struct play *p, const char *who, bool deaf)
{
	struct session *s = p->proxy.sessions;
	bool client = strcmp(who, "client") == 0;
	struct end *e = client ? &p->client : &p->mx;

	e->deaf = deaf;
	if (!deaf)
		return;
	setsockopt(e->fd, SOL_SOCKET, SO_RCVBUF, &(int){ 4096 }, sizeof(int));
	setsockopt(client ? s->client.fd : s->up.leg.fd, SOL_SOCKET, SO_SNDBUF, &(int){ 4096 },
	    sizeof(int));
}

static void
say_and_go(struct play *p, struct end *e, const char *data, size_t len)
{
	size_t put;

	if (e->tls != NULL ? stream_write(e->tls, data, len, &put) != STREAM_OK :
	    send(e->fd, data, len, MSG_NOSIGNAL) != (ssize_t)len)
		wrong(p, "cannot say", data);
	end_drop(e);
}

/* forget: another policy process, without the store of the one before. */
static void
forget(struct play *p)
{
	p->memory_len = 0;
	asker_resend(p->proxy.asker);
}

static void
say_stale(struct play *p, const char *domain)
{
	const struct stale s = { .domain = strcmp(domain, "-") == 0 ? "" : domain };
	unsigned char message[512];

	assert_true(asker_stale(p->proxy.asker, message,
	    message_stale(message, sizeof(message), &s)));
}

static void
expect_asked(struct play *p, const char *count)
{
	if (p->questions != strtoul(count, NULL, 10)) {
		print_error("%u questions\n", p->questions);
		wrong(p, "expected questions", count);
	}
	p->questions = 0;
}

static void play_named(struct play *p, const char *name);

static void
play_line(struct play *p, char *line)
{
	static char out[PIPE_SIZE];

	if (line[0] == '#' || line[0] == '\0')
		return;
	if (strncmp(line, "policy ", 7) == 0)
		set_answer(p, line, false);
	else if (strncmp(line, "recheck ", 8) == 0)
		set_answer(p, line, true);
	else if (strncmp(line, "answer ", 7) == 0)
		set_answer(p, line, false);
	else if (strcmp(line, "monitor") == 0)
		p->monitor = true;
	else if (strcmp(line, "inspect") == 0)
		p->config.inspect = true;
	else if (strcmp(line, "forgotten") == 0)
		forget(p);
	else if (strcmp(line, "fresh") == 0)
		p->fresh = true;
	else if (strncmp(line, "stale ", 6) == 0)
		say_stale(p, line + 6);
	else if (strncmp(line, "asked ", 6) == 0)
		expect_asked(p, line + 6);
	else if (strcmp(line, "quiet") == 0)
		be_quiet(p);
	else if (strncmp(line, "S: ", 3) == 0)
		hear(p, &p->client, line + 3);
	else if (strcmp(line, "S! CLOSED") == 0) {
		if (!until(p, is_closed, &p->client) || p->client.len > 0)
			wrong(p, "the client does not see the end", line);
	} else if (strncmp(line, "=| ", 3) == 0)
		hear_octets(p, line + 3);
	else if (strncmp(line, "include ", 8) == 0)
		play_named(p, line + 8);
	else if (strncmp(line, "=> ", 3) == 0)
		mx_line(p, line + 3);
	else if (strncmp(line, "late ", 5) == 0)
		be_late(p, line + 5);
	else if (strncmp(line, "deaf ", 5) == 0)
		be_deaf(p, line + 5, true);
	else if (strncmp(line, "hears ", 6) == 0)
		be_deaf(p, line + 6, false);
	else if (strncmp(line, "<! ", 3) == 0)
		say_and_go(p, &p->mx, out, expand(line + 3, out, true));
	else if (strcmp(line, "<= CLOSE") == 0)
		end_drop(&p->mx);
	else if (strncmp(line, "<= ", 3) == 0)
		say(p, &p->mx, out, expand(line + 3, out, true));
	else if (strncmp(line, "<| ", 3) == 0)
		say(p, &p->mx, out, expand(line + 3, out, false));
	else if (strncmp(line, "<R ", 3) == 0)
		assert_true(send(p->mx.fd, out, expand(line + 3, out, false), MSG_NOSIGNAL) > 0);
	else if (strncmp(line, "C! ", 3) == 0)
		client_does(p, line + 3);
	else if (strncmp(line, "event: ", 7) == 0)
		expect_event(p, line + 7);
	else if (strncmp(line, "end: ", 5) == 0)
		expect_end(p, line + 5);
	else
		wrong(p, "syntax", line);
}

/* client_lines: consecutive C lines are one segment, as a pipelining client sends them. */
static bool
client_line(const char *line, char *out, size_t *len)
{
	if (strncmp(line, "C: ", 3) != 0 && strncmp(line, "C| ", 3) != 0)
		return false;
	*len += expand(line + 3, out + *len, line[1] == ':');
	return true;
}

static void
play_file(struct play *p, FILE *f)
{
	static char out[PIPE_SIZE];
	char line[4096];
	size_t len = 0;

	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		p->line++;
		if (client_line(line, out, &len))
			continue;
		if (len > 0)
			say(p, &p->client, out, len);
		len = 0;
		play_line(p, line);
	}
}

static void
play_named(struct play *p, const char *name)
{
	char path[128];
	const char *file = p->file;
	unsigned line = p->line;

	snprintf(path, sizeof(path), "tests/scenarios/%.60s", name);
	FILE *f = fopen(path, "r");
	if (f == NULL)
		wrong(p, "no such file", path);
	p->file = name;
	p->line = 0;
	play_file(p, f);
	fclose(f);
	p->file = file;
	p->line = line;
}

static void
session_left(void *arg)
{
	((struct play *)arg)->left++;
}

static void
tls_failed(void *arg, const struct in6_addr *client)
{
	(void)arg, (void)client;
}

static bool
tls_unwanted(void *arg, const struct in6_addr *client)
{
	(void)arg, (void)client;
	return false;
}

static void
proven(void *arg, const struct proven *k)
{
	static unsigned char message[WIRE_MESSAGE_MAX];

	policy_send(arg, message, message_proven(message, sizeof(message), k));
}

/* connect_client: over TCP, where SO_RCVLOWAT keeps a half ClientHello from waking anybody. */
static void
connect_client(struct play *p, int ends[2])
{
	struct sockaddr_in at;
	socklen_t len = sizeof(at);

	assert_return_code(getsockname(p->listener, (struct sockaddr *)&at, &len), errno);
	ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_return_code(connect(ends[0], (struct sockaddr *)&at, len), errno);
	ends[1] = accept4(p->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_return_code(ends[1], errno);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 2; i++)
		setsockopt(ends[i], IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
}

static void
open_session(struct play *p)
{
	struct address peer = p->origin;
	int ends[2];

	connect_client(p, ends);
	p->client.fd = ends[0];
	p->opened++;
	counters_client_enter(p->counters, p->proxy.column, &peer.ip, 100, 100);
	assert_non_null(session_new(&p->proxy, ends[1], &peer, &p->origin, false));
}

static void
open_play(struct play *p)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(at);
	unsigned number = p->number + 1;

	memset(p, 0, sizeof(*p));
	p->number = number;
	p->loop = ev_loop_new(EVFLAG_AUTO);
	ev_set_userdata(p->loop, p);
	ev_set_invoke_pending_cb(p->loop, count_events);
	p->config.policy.wait_s = 20;
	p->config.limits.sessions = p->config.limits.sessions_per_client = 100;
	p->counters = counters_new();
	p->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_return_code(bind(p->listener, (struct sockaddr *)&at, sizeof(at)), errno);
	assert_return_code(listen(p->listener, 16), errno);
	assert_return_code(getsockname(p->listener, (struct sockaddr *)&at, &len), errno);
	address_from_sockaddr(&p->origin, (struct sockaddr *)&at);
	p->client.in = malloc(PIPE_SIZE);
	p->mx.in = malloc(PIPE_SIZE);
	p->mx.fd = -1;
	p->proxy = (struct proxy){
		.loop = p->loop, .config = &p->config, .counters = p->counters,
		.column = counters_claim(p->counters), .originator = originator,
		.terminator = own, .left = session_left, .tls_failed = tls_failed,
		.tls_unwanted = tls_unwanted, .arg = p,
	};
	p->proxy.asker = asker_new(policy_send, p);
	p->ring = (struct testring){ .message = policy_record, .arg = p };
	p->proxy.records = queue_new(testring_send, &p->ring);
	p->proxy.proven = proven;
	pipes_init(&p->proxy.pipes);
	open_session(p);
}

/* close_play: whatever was left undone, the session must end once its client is gone. */
static void
close_play(struct play *p)
{
	if (p->events_seen != p->events_len)
		wrong(p, "an event was not expected", p->events[p->events_seen]);
	end_drop(&p->client);
	end_drop(&p->mx);
	double limit = seconds() + PATIENCE_MS / 1000.0;
	while (p->left < p->opened && seconds() < limit) {
		spin(p);
		poll(NULL, 0, 1);
	}
	assert_int_equal(p->left, p->opened);
	assert_int_equal(p->proxy.open, 0);
	assert_int_equal(p->ends_len, p->opened);
	pipes_close(&p->proxy.pipes);
	for (size_t i = 0; i < CERTIFICATES_MAX; i++)
		terminator_free(p->certificates[i].terminator);
	queue_free(p->proxy.records);
	testring_close(&p->ring);
	asker_free(p->proxy.asker);
	ev_loop_destroy(p->loop);
	close(p->listener);
	free(p->client.in);
	free(p->mx.in);
}

static void
play_scenario(void **state)
{
	static struct play p;
	const char *file = *state;
	FILE *f = fopen(file, "r");

	assert_non_null(f);
	open_play(&p);
	p.file = file;
	play_file(&p, f);
	fclose(f);
	close_play(&p);
}

/* --- certificates -------------------------------------------------------------------------- */

/* write_identity: a key and what is shown with it. */
static void
write_identity(const char *name, const struct testca_cert *leaf, X509 *issuer)
{
	char dir[256], path[300];

	snprintf(dir, sizeof(dir), "%s/%s", directory, name);
	mkdir(dir, 0700);
	static const char *const files[] = { "client-rsa.pem", "client-ecdsa.pem" };
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		PEM_write_PrivateKey(f, leaf->key, NULL, NULL, 0, NULL, NULL);
		PEM_write_X509(f, leaf->x509);
		if (issuer != NULL)
			PEM_write_X509(f, issuer);
		fclose(f);
	}
}

/* long_names: for a certificate that does not fit into a socket's buffers. */
static const char *
long_names(void)
{
	static char names[100000];
	int at = snprintf(names, sizeof(names), "mx.a.example");

	for (int i = 0; at < (int)sizeof(names) - 64; i++)
		at += snprintf(names + at, sizeof(names) - (size_t)at,
		    ",a-rather-long-name-%d.mx.a.example", i);
	return names;
}

static void
know(const char *name, X509 *x509)
{
	static size_t len;

	assert_true(len < sizeof(known) / sizeof(known[0]) && X509_up_ref(x509));
	known[len].name = name;
	known[len++].x509 = x509;
}

static int
make_certificates(void **state)
{
	char path[300], error[256];

	(void)state;
	assert_non_null(mkdtemp(directory));
	struct testca_cert ca = testca_root("Root"), private = testca_root("Private");
	const struct {
		const char *name;
		struct testca_spec spec;
	} leaves[] = {
		{ "mx.a.example", { .issuer = &ca, .dns = "mx.a.example" } },
		{ "mx.b.example", { .issuer = &ca, .dns = "mx.b.example" } },
		{ "both", { .issuer = &ca, .dns = "mx.a.example,mx.b.example" } },
		{ "self", { .dns = "mx.a.example" } },
		{ "other", { .dns = "mx.a.example" } },
		{ "private", { .issuer = &private, .dns = "mx.a.example" } },
		{ "own", { .dns = "mx.own.example" } },
		{ "large", { .issuer = &ca, .dns = long_names() } },
		{ "expired", { .issuer = &ca, .dns = "mx.a.example", .from_days = -30,
		    .until_days = -1 } },
	};
	for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
		struct testca_cert leaf = testca_issue(&leaves[i].spec);
		write_identity(leaves[i].name, &leaf,
		    leaves[i].spec.issuer == &private ? private.x509 : NULL);
		know(leaves[i].name, leaf.x509);
		testca_free(&leaf);
	}
	know("root", ca.x509);
	know("privateroot", private.x509);
	snprintf(path, sizeof(path), "%s/ca.pem", directory);
	FILE *f = fopen(path, "w");
	PEM_write_X509(f, ca.x509);
	fclose(f);
	testca_free(&ca);
	testca_free(&private);
	originator = originator_new(path, 0x0303, error, sizeof(error));
	assert_non_null(originator);
	snprintf(path, sizeof(path), "%s/own", directory);
	own = terminator_new(path, error, sizeof(error));
	assert_non_null(own);
	return 0;
}

static int
remove_certificates(void **state)
{
	char command[300];

	(void)state;
	originator_free(originator);
	terminator_free(own);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		X509_free(known[i].x509);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

static int
is_scenario(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 4 && strcmp(entry->d_name + len - 4, ".txt") == 0;
}

int
main(int argc, char **argv)
{
	static struct CMUnitTest tests[512];
	struct dirent **entries;
	int n = scandir("tests/scenarios", &entries, is_scenario, alphasort);
	size_t used = 0;

	signal(SIGPIPE, SIG_IGN);	/* as workers do */
	for (int i = 0; i < n && used < 512; i++) {
		if (argc > 1 && strstr(entries[i]->d_name, argv[1]) == NULL)
			continue;
		char *path;
		assert_true(asprintf(&path, "tests/scenarios/%s", entries[i]->d_name) > 0);
		tests[used++] = (struct CMUnitTest){ path + strlen("tests/scenarios/"),
		    play_scenario, NULL, NULL, path };
	}
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	return _cmocka_run_group_tests("scenarios", tests, used, make_certificates,
	    remove_certificates);
}
