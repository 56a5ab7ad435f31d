/* monkey_test.c - random clients, servers and policies against real sessions over real sockets
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Each session has a few domains with policies drawn at random, a client that says mostly sensible
 * things in any order and fragmentation, and a server that mostly behaves. What must hold:
 *
 *   - no MAIL or RCPT for a domain in `enforce`, or with TLSA records, at a server in clear text or
 *     with another's certificate (the servers of this play know what they heard, and how);
 *   - with path: inspect, no client in a TLS session with a server that has another certificate
 *     than the one demanded of its address, whether it resumes an older session or not;
 *   - while nothing happens the loop sleeps, and a deadline runs;
 *   - the client hears whole, well-formed lines, and not more replies than it sent lines;
 *   - when both sides are gone the session ends, and nothing of it stays.
 *
 * MONKEY_SEED and MONKEY_SECONDS in the environment change the play. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
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

#define SECONDS 12
#define DOMAINS 3
#define STEPS_MAX 250
#define BUFFER 262144
#define MEMORY 16

static const char *const domains[DOMAINS] = { "a.example", "b.example", "c.example" };
static const char *const policies[] = {
	"enforce", "enforce", "enforce", "may", "may", "may", "testing", "none", "undecided",
	"dane", "dane",
};
/* Certificates: 0..2 are those of the domains' MX hosts, 3 nobody vouches for. */
static const char *const hosts[] = { "mx.a.example", "mx.b.example", "mx.c.example", "self" };

struct end {
	int fd;
	struct stream *tls;
	int cert;			/* the server's, once under TLS; -1 */
	bool shaking, closed, deaf;
	char in[BUFFER], out[BUFFER];
	size_t in_len, out_len;
};

/* What a server is in the middle of. */
enum hearing { HEAR_COMMANDS, HEAR_BODY, HEAR_CHUNK };

struct monkey {
	struct ev_loop *loop;
	struct proxy proxy;
	struct testring ring;
	struct config config;
	int listener;
	struct address origin;
	struct end client, mx;
	enum hearing hearing;
	uint64_t chunk_left;
	bool starting;			/* the server has said 220 to STARTTLS */
	bool heard_data, said_354;	/* together, in whatever order: a body comes */
	unsigned honesty;		/* of the server, percent */
	unsigned policy[DOMAINS];
	bool all_enforce, monitor;
	struct question asked[64];
	char asked_domain[64][256];
	size_t asked_len, left;
	unsigned woken, sent_lines, owed, replies, step, flow, favourite;
	bool told_354;
	bool calm;			/* all but disturbances is as it should be */
	bool shook;			/* the client was in its TLS handshake */
	bool through;			/* the client's TLS is with a server */
	int demanded;			/* the certificate, for that; -1 */
	struct {
		uint8_t session[MESSAGE_NAME];
		unsigned char evidence[MESSAGE_EVIDENCE_MAX];
		size_t len;
	} memory[MEMORY];		/* of what went through */
	size_t memory_len;
	unsigned long session;
	bool ahead;			/* TLS was begun before any recipient */
	unsigned heard_secure, heard_clear, bodies, ended_here, resumed, full, begun_ahead;
};

static char directory[] = "/tmp/postern-monkey-XXXXXX";
static struct originator *originator;
static struct terminator *own, *theirs[4];
static X509 *certificates[4];		/* theirs */
static uint64_t state = 1;

static unsigned
dice(unsigned n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % n;
}

static bool
chance(unsigned percent)
{
	return dice(100) < percent;
}

static _Noreturn void
wrong(const struct monkey *m, const char *what, const char *text)
{
	print_error("session %lu, step %u: %s: %s\n", m->session, m->step, what, text);
	fail();
	abort();
}

/* --- the policy process --------------------------------------------------------------------- */

static bool
policy_send(void *arg, const void *p, size_t len)
{
	struct monkey *m = arg;
	struct question q;

	if (message_get_question(p, len, &q) && m->asked_len < 64) {
		m->asked[m->asked_len] = q;
		snprintf(m->asked_domain[m->asked_len++], 256, "%s", q.domain);
	}
	return true;
}

static void
policy_record(void *arg, const void *p, size_t len)
{
	(void)arg;
	assert_int_equal(message_type(p, len), MESSAGE_RECORD);
}

static void
proven(void *arg, const struct proven *p)
{
	struct monkey *m = arg;
	size_t i = m->memory_len++ % MEMORY;

	memcpy(m->memory[i].session, p->session, MESSAGE_NAME);
	memcpy(m->memory[i].evidence, p->evidence, p->len);
	m->memory[i].len = p->len;
}

static struct recalled
recall(const struct monkey *m, const struct question *q)
{
	bool remembers = q->resumes && chance(80);

	for (size_t i = 0; remembers && i < MEMORY; i++)
		if (memcmp(m->memory[i].session, q->session, MESSAGE_NAME) == 0)
			return (struct recalled){ m->memory[i].evidence, m->memory[i].len };
	return (struct recalled){ NULL, 0 };
}

/* demands: the policies under which nobody but a domain's own server may hear of its mail. */
static bool
demands(const char *policy)
{
	return strcmp(policy, "enforce") == 0 || strcmp(policy, "dane") == 0;
}

/* set_records: the key of one host, and now and then more records than last time. */
static void
set_records(struct requirement *q, struct testtlsa *t, const char *host)
{
	size_t i = 0;

	while (i < 3 && strcmp(hosts[i], host) != 0)
		i++;
	testtlsa_open(t, host);
	testtlsa_add(t, TLSA_DANE_EE, TLSA_SPKI, TLSA_SHA256, certificates[i]);
	if (dice(6) == 0)
		testtlsa_octets(t, TLSA_DANE_EE, TLSA_SPKI, TLSA_SHA256,
		    "an octet string of thirty-two.. ", 32);
	q->level = LEVEL_DANE;
	q->policy_type = POLICY_TLSA;
	q->mx_secure = true;
	q->tlsa = t->set;
	q->sni = q->mx_host = host;
}

/* demand: what the address demands of a session that is to pass end to end. */
static const char *
demand(struct monkey *m, struct requirement *q)
{
	if (!m->calm && dice(6) == 0)
		return "undecided";
	m->demanded = (int)(m->calm || chance(85) ? m->favourite : dice(3));
	if (chance(40))
		return "dane";
	q->raised = chance(50);
	return "enforce";
}

static void
answer(struct monkey *m, size_t i)
{
	static unsigned char message[WIRE_MESSAGE_MAX];
	const char *policy = m->asked_domain[i][0] == 'x' ? "undecided" : "may", *host = "";
	struct recalled recalled = recall(m, &m->asked[i]);
	struct testtlsa records = { .set = { .len = 0 } };
	struct requirement q = {
		.level = LEVEL_MAY, .policy_domain = "", .policy_id = "", .mx_host = "",
		.sni = "", .secure_domain = "", .reason = "", .stripping_refuse = true,
		.marks_count = true, .mx_allowed = true, .monitor = m->monitor, .hosts = &host,
		.floor = LEVEL_MAY,
	};
	uint32_t id = m->asked[i].id;

	for (size_t d = 0; d < DOMAINS; d++)
		if (strcmp(m->asked_domain[i], domains[d]) == 0)
			policy = policies[m->policy[d]], host = hosts[d];
	if (m->asked[i].end_to_end) {
		policy = demand(m, &q);
		host = hosts[m->demanded < 0 ? 0 : m->demanded];
	}
	m->asked[i] = m->asked[--m->asked_len];
	memcpy(m->asked_domain[i], m->asked_domain[m->asked_len], sizeof(m->asked_domain[i]));
	if (strcmp(policy, "enforce") == 0 || strcmp(policy, "testing") == 0) {
		q.level = LEVEL_VERIFY;
		q.policy_type = POLICY_STS;
		q.sts_mode = policy[0] == 't' ? STS_TESTING : STS_ENFORCE;
		q.hosts_len = 1;
		q.sni = q.mx_host = host;
	} else if (strcmp(policy, "dane") == 0) {
		set_records(&q, &records, host);
	} else if (strcmp(policy, "none") == 0) {
		q.level = LEVEL_NONE;
	} else if (strcmp(policy, "undecided") == 0) {
		q.state = REQUIREMENT_DEFER;
		q.defer_code = DEFER_DNS_UNDECIDED;
	}
	q.remembered = strcmp(policy, "may") == 0 && dice(4) == 0;
	if (host[0] != '\0' && chance(80))
		q.sni = q.mx_host = host, q.mapped = true;
	size_t len = message_answer(message, sizeof(message), id, &q, &recalled,
	    chance(90) ? 10000 : 0);
	assert_true(len > 0 && asker_answer(m->proxy.asker, message, len));
	testtlsa_free(&records);
}

/* --- the two ends --------------------------------------------------------------------------- */

static void
end_drop(struct end *e)
{
	stream_free(e->tls);
	if (e->fd >= 0)
		close(e->fd);
	e->tls = NULL;
	e->fd = e->cert = -1;
	e->in_len = e->out_len = 0;
	e->shaking = e->closed = e->deaf = false;
}

static void
end_write(struct end *e)
{
	while (e->fd >= 0 && e->out_len > 0) {
		size_t put = 0;
		if (e->tls != NULL) {
			if (stream_write(e->tls, e->out, e->out_len, &put) != STREAM_OK)
				return;
		} else {
			ssize_t n = send(e->fd, e->out, e->out_len, MSG_NOSIGNAL | MSG_DONTWAIT);
			if (n <= 0)
				return;
			put = (size_t)n;
		}
		memmove(e->out, e->out + put, e->out_len - put);
		e->out_len -= put;
	}
}

static void
end_read(struct end *e)
{
	while (e->fd >= 0 && !e->closed && !e->deaf && e->in_len < BUFFER) {
		size_t got = 0;
		if (e->tls != NULL) {
			enum stream_result r = stream_read(e->tls, e->in + e->in_len,
			    BUFFER - e->in_len, &got);
			e->closed = r == STREAM_CLOSED || r == STREAM_CUT || r == STREAM_FAILED;
			if (r != STREAM_OK)
				return;
		} else {
			ssize_t n = recv(e->fd, e->in + e->in_len, BUFFER - e->in_len, MSG_DONTWAIT);
			e->closed = n == 0 || (n < 0 && errno != EAGAIN);
			if (n <= 0)
				return;
			got = (size_t)n;
		}
		e->in_len += got;
	}
}

static void
end_move(struct end *e, bool hold)
{
	if (e->fd < 0)
		return;
	if (e->shaking) {
		if (e->deaf)
			return;
		enum stream_result r = stream_handshake(e->tls);
		e->shaking = r == STREAM_WANT_READ || r == STREAM_WANT_WRITE;
		if (!e->shaking && r != STREAM_OK)
			end_drop(e);
		return;
	}
	end_write(e);
	if (!hold)
		end_read(e);
}

__attribute__((format(printf, 2, 3))) static void
put(struct end *e, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	int n = vsnprintf(e->out + e->out_len, BUFFER - e->out_len, format, arguments);
	va_end(arguments);
	if (n > 0 && (size_t)n < BUFFER - e->out_len)
		e->out_len += (size_t)n;
}

static void
take(struct end *e, size_t len)
{
	memmove(e->in, e->in + len, e->in_len - len);
	e->in_len -= len;
}

/* disturb: a handshake that does not go as it should. */
static void
disturb(struct end *e)
{
	static const char *const nonsense[] = {
		"250 injected\r\n", "\x14\x03\x03\x00\x01\x01", "\x16\x03\x03\x00\x04\x0e",
		"\x15\x03\x03\x00\x02\x02\x28", "\x17\x03\x03\x00\x01\x01",
	};
	static const size_t len[] = { 14, 6, 6, 7, 6 };
	unsigned i = dice(9);

	if (i < 5)
		(void)send(e->fd, nonsense[i], len[i], MSG_NOSIGNAL | (dice(4) == 0 ? MSG_OOB : 0));
	else if (i == 5)
		shutdown(e->fd, SHUT_WR);
	else if (i == 6)
		end_drop(e);
	else
		e->deaf = !e->deaf;
}

/* --- the server ----------------------------------------------------------------------------- */

/* check_heard: the invariant. */
static void
check_heard(struct monkey *m, const char *line)
{
	if (strncasecmp(line, "MAIL", 4) == 0 && m->all_enforce && !m->monitor && m->mx.cert < 0)
		wrong(m, "MAIL in clear text though all domains enforce", line);
	/* Nobody but the two ends knows what is said under their TLS. */
	if (strncasecmp(line, "RCPT", 4) != 0 || m->through)
		return;
	const char *at = strrchr(line, '@');
	for (int d = 0; d < DOMAINS; d++) {
		if (at == NULL || strncasecmp(at + 1, domains[d], strlen(domains[d])) != 0 ||
		    !demands(policies[m->policy[d]]) || m->monitor)
			continue;
		if (m->mx.cert != d)
			wrong(m, "RCPT at a server that has not proven itself", line);
		m->heard_secure++;
	}
	m->heard_clear += m->mx.cert < 0;
}

static void
misbehave(struct monkey *m)
{
	static const char *const nonsense[] = {
		"250 ok\r\n250 ok\r\n", "250-more\r\n", "354 go\r\n", "nonsense\r\n", "250 bare\n",
		"250-a\r\n550 b\r\n", "25", "421 4.3.2 closing\r\n", "450 4.2.0 later\r\n",
		"550 5.7.1 no\r\n", "220 ready\r\n\x16\x03\x01", "571-5.7.1 no\r\n571 5.7.1 never\r\n",
		"250 ok\r\n354 go\r\n", "220 ready\r\n250 injected\r\n", "334 what\r\n",
		"250-ok\r\n250 \xe4\xf6\xfc\r\n",
	};
	unsigned i = dice(20);

	if (i < sizeof(nonsense) / sizeof(nonsense[0])) {
		put(&m->mx, "%s", nonsense[i]);
		m->said_354 |= strstr(nonsense[i], "354") != NULL;
		if (m->said_354 && m->heard_data)
			m->hearing = HEAR_BODY;
	}
	if (i == 17)
		m->mx.deaf = true;
	else if (i == 18)
		end_drop(&m->mx);
	/* else: silence */
}

static void
greet_ehlo(struct monkey *m)
{
	static const char *const keywords[] = {
		"PIPELINING", "SIZE 1000000", "8BITMIME", "CHUNKING", "DSN", "SMTPUTF8", "AUTH PLAIN",
	};

	put(&m->mx, "250-mx.example hello\r\n");
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (chance(70))
			put(&m->mx, "250-%s\r\n", keywords[i]);
	if (m->mx.tls == NULL && chance(92))
		put(&m->mx, "250-%s\r\n", chance(97) ? "STARTTLS" : "XXXXXXXA");
	put(&m->mx, "250 HELP\r\n");
}

/* hear_line: a command; the answer, honest or not. */
static void
hear_line(struct monkey *m, const char *line)
{
	bool honest = dice(100) < m->honesty;

	check_heard(m, line);
	m->heard_data = strncmp(line, "DATA", 4) == 0;
	if (m->heard_data && m->said_354)
		m->hearing = HEAR_BODY;
	if (strncmp(line, "BDAT ", 5) == 0) {
		m->chunk_left = strtoull(line + 5, NULL, 10);
		m->hearing = HEAR_CHUNK;
		return;
	}
	if (!honest) {
		misbehave(m);
	} else if (strncmp(line, "EHLO", 4) == 0) {
		greet_ehlo(m);
	} else if (strncmp(line, "STARTTLS", 8) == 0 && m->mx.tls == NULL) {
		put(&m->mx, "220 go\r\n");
		m->starting = true;
	} else if (strncmp(line, "DATA", 4) == 0) {
		put(&m->mx, "354 go\r\n");
		m->hearing = HEAR_BODY;
	} else if (strncmp(line, "QUIT", 4) == 0) {
		put(&m->mx, "221 bye\r\n");
	} else {
		put(&m->mx, chance(85) ? "250 ok\r\n" : "550 5.1.1 no\r\n");
	}
}

/* hear: takes one thing off what the server was sent; false when there is none whole. */
static bool
hear(struct monkey *m)
{
	struct end *e = &m->mx;

	if (m->hearing == HEAR_BODY) {
		bool at_once = e->in_len >= 3 && memcmp(e->in, ".\r\n", 3) == 0;
		char *end = at_once ? e->in : memmem(e->in, e->in_len, "\r\n.\r\n", 5);
		if (end == NULL)
			return false;
		take(e, (size_t)(end - e->in) + (at_once ? 3 : 5));
		m->hearing = HEAR_COMMANDS;
		m->bodies++;
	} else if (m->hearing == HEAR_CHUNK) {
		size_t n = e->in_len < m->chunk_left ? e->in_len : (size_t)m->chunk_left;
		take(e, n);
		m->chunk_left -= n;
		if (m->chunk_left > 0)
			return false;
		m->hearing = HEAR_COMMANDS;
	} else {
		char line[4096], *end = memmem(e->in, e->in_len, "\r\n", 2);
		if (end == NULL)
			return false;
		size_t len = (size_t)(end - e->in);
		assert_true(len < sizeof(line) || m->through);
		size_t kept = len < sizeof(line) ? len : sizeof(line) - 1;
		memcpy(line, e->in, kept);
		line[kept] = '\0';
		take(e, len + 2);
		hear_line(m, line);
		return true;
	}
	if (dice(100) < m->honesty)
		put(e, "250 2.0.0 queued\r\n");
	else
		misbehave(m);
	return true;
}

static void
mx_moves(struct monkey *m)
{
	struct end *e = &m->mx;
	int fd = accept4(m->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		end_drop(e);
		e->fd = fd;
		m->hearing = HEAR_COMMANDS;
		m->starting = m->heard_data = m->said_354 = false;
		if (dice(100) < m->honesty)
			put(e, "220 mx.example ESMTP\r\n");
		else
			misbehave(m);
	}
	if (e->fd < 0)
		return;
	if (m->starting && e->out_len == 0) {
		m->starting = false;
		if (!m->calm && chance(10)) {
			put(e, "this is not TLS");
			return;
		}
		int cert = (int)(m->calm || chance(75) ? m->favourite : dice(4));
		e->tls = terminate(theirs[cert], e->fd);
		e->cert = cert;
		e->shaking = true;
		return;
	}
	if (!e->shaking && chance(80))
		while (e->fd >= 0 && !m->starting && hear(m) && chance(70))
			;
	if (e->fd >= 0 && e->shaking && m->config.inspect && dice(e->deaf ? 5 : 60) == 0)
		disturb(e);
	else if (dice(1000) == 0)
		misbehave(m);
	else if (dice(1000) == 0)
		end_drop(e);
	else if (e->deaf && dice(5) == 0)
		e->deaf = false;
}

/* --- the client ----------------------------------------------------------------------------- */

static void
say(struct monkey *m, const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		m->sent_lines += *p == '\n', m->owed += *p == '\n';
	/* Recipients without a domain have no policy: MAIL may come in clear text for them. */
	if (strstr(text, "TO:<u@[") != NULL || strstr(text, "TO:<postmaster") != NULL)
		m->all_enforce = false;
	put(&m->client, "%s", text);
}

static void
say_random(struct monkey *m)
{
	static const char *const lines[] = {
		"RSET\r\n", "NOOP\r\n", "VRFY x\r\n", "HELP\r\n", "HELO c.example\r\n", "STARTTLS\r\n",
		"RCPT TO:<@x.example,@y.example:r@a.example>\r\n", "RCPT TO:<u@[192.0.2.1]>\r\n",
		"RCPT TO:<postmaster>\r\n", "RCPT TO:<@@>\r\n", "AUTH PLAIN x\r\n", "bogus\r\n", "\r\n",
		"MAIL FROM:<> SMTPUTF8\r\n", "MAIL FROM:<s@c.example> BODY=8BITMIME SIZE=100\r\n",
		"RCPT TO:<r@B.EXAMPLE> NOTIFY=NEVER\r\n", "DATA\r\n", "BDAT 0 LAST\r\n", "QUIT\r\n",
		"EHLO [192.0.2.9]\r\n", "bare\n", "RCPT TO:<\"r@a.example\"@b.example>\r\n",
	};

	say(m, lines[dice(sizeof(lines) / sizeof(lines[0]))]);
}

static void
say_body(struct monkey *m)
{
	static const char *const bodies[] = {
		"x\r\n.\r\n", ".\r\n", "RCPT TO:<q@a.example>\r\n.\r\n", "a\n.\r\nb\r\n.\r\n",
		"a\r.\r\nMAIL FROM:<x@y>\r\n.\r\n", "..\r\n.\r\nRCPT TO:<r@b.example>\r\n",
		"half of it",
	};

	m->told_354 = false;
	m->owed = 0;
	if (dice(12) == 0) {
		size_t n = 20000 + dice(60000);
		if (m->client.out_len + n < BUFFER) {
			memset(m->client.out + m->client.out_len, 'x', n);
			m->client.out_len += n;
		}
		say(m, "\r\n.\r\n");
		return;
	}
	say(m, bodies[dice(sizeof(bodies) / sizeof(bodies[0]))]);
}

/* say_next: what a sensible client would say; it may not wait for the reply. */
static void
say_next(struct monkey *m)
{
	char line[128];

	switch (m->flow++) {
	case 0:
		say(m, "EHLO client.example\r\n");
		break;
	case 1:
		if (chance(m->config.inspect ? 60 : 25))
			say(m, "STARTTLS\r\n");
		break;
	case 2:
		say(m, "MAIL FROM:<s@client.example>\r\n");
		break;
	case 3:
	case 4:
	case 5:
		if (m->flow > 4 && chance(40))
			break;
		snprintf(line, sizeof(line), "RCPT TO:<r%u@%s>\r\n", dice(9),
		    domains[chance(70) ? m->favourite : dice(DOMAINS)]);
		say(m, line);
		break;
	case 6:
		if (chance(30)) {
			unsigned n = dice(50);
			snprintf(line, sizeof(line), "BDAT %u%s\r\n%.*s", n, chance(70) ? " LAST" : "",
			    (int)n, "RCPT TO:<q@a.example>\r\nMAIL FROM:<x@y.example>\r\n.\r\nNOOP\r\nxx");
			say(m, line);
		} else {
			say(m, "DATA\r\n");
		}
		break;
	default:
		m->flow = chance(85) ? 2 : 0;
		say(m, chance(2) ? "QUIT\r\n" : chance(50) ? "RSET\r\n" : "NOOP\r\n");
		break;
	}
}

/* check_through: with whom the client has made its handshake. */
static void
check_through(struct monkey *m)
{
	struct proof proof = { .state = PROOF_NO_TLS };

	originate_proof(m->client.tls, &proof);
	m->through = !proof_names_host(&proof, "own");
	if (m->through && (m->demanded < 0 || !proof_names_host(&proof, hosts[m->demanded])))
		wrong(m, "a server that has not proven itself reached the client",
		    proof.names_len > 0 ? proof.names[0] : "");
	m->ended_here += !m->through;
	m->full += m->through && !proof.resumed;
	m->resumed += m->through && proof.resumed;
	proof_clear(&proof);
}

static void
hear_reply(struct monkey *m, const char *line, size_t len)
{
	if (m->through) {
		m->told_354 = strncmp(line, "354", 3) == 0;
		m->owed -= m->owed > 0;
		return;
	}
	if (len < 5 || line[0] < '2' || line[0] > '5' || memchr(line, '\0', len) != NULL ||
	    line[len - 2] != '\r' || (line[3] != ' ' && line[3] != '-' && line[3] != '\r'))
		wrong(m, "not a reply", line);
	m->replies += line[3] != '-';
	m->owed -= m->owed > 0 && line[3] != '-';
	if (m->replies > m->sent_lines + 2)
		wrong(m, "more replies than commands", line);
	m->told_354 = strncmp(line, "354", 3) == 0;
	if (strncmp(line, "220 2.0.0 ready", 15) != 0)
		return;
	m->client.out_len = 0;
	if (chance(70)) {
		m->client.tls = originate(originator, m->client.fd, "", hosts[m->favourite],
		    strlen(hosts[m->favourite]), 0, NULL);
		if (chance(85))
			SSL_set_max_proto_version(m->client.tls->ssl, TLS1_2_VERSION);
		m->client.shaking = true;
		m->flow = 0;
	}
}

static void
client_moves(struct monkey *m)
{
	struct end *e = &m->client;
	char *end;

	if (m->shook && e->fd >= 0 && !e->shaking)
		check_through(m);
	m->shook = e->fd >= 0 && e->shaking;
	while (e->fd >= 0 && !e->shaking && (end = memchr(e->in, '\n', e->in_len)) != NULL) {
		char line[4096] = "";
		size_t len = (size_t)(end - e->in) + 1;
		assert_true(len < sizeof(line) || m->through);
		memcpy(line, e->in, len < sizeof(line) ? len : sizeof(line) - 1);
		take(e, len);
		hear_reply(m, line, len);
	}
	if (e->fd >= 0 && e->shaking && m->config.inspect && dice(e->deaf ? 5 : 60) == 0)
		disturb(e);
	if (e->fd < 0 || e->shaking || e->closed || e->out_len > BUFFER / 2)
		return;
	if (m->told_354)
		say_body(m);
	else if (m->owed > 0 && chance(85))
		return;
	else if (chance(90))
		say_next(m);
	else
		say_random(m);
	if (dice(400) == 0)
		end_drop(e);
	else if (dice(300) == 0 && e->out_len == 0)
		shutdown(e->fd, SHUT_WR);
	else if (dice(100) == 0 || (e->deaf && dice(5) == 0))
		e->deaf = !e->deaf;
}

/* --- the play ------------------------------------------------------------------------------- */

static void
count_events(struct ev_loop *loop)
{
	struct monkey *m = ev_userdata(loop);

	m->woken += ev_pending_count(loop);
	ev_invoke_pending(loop);
}

static void
spin(struct monkey *m)
{
	ev_run(m->loop, EVRUN_NOWAIT);
	session_reap(&m->proxy);
	m->ahead |= m->proxy.sessions != NULL && m->proxy.sessions->ahead != NULL;
	end_move(&m->client, false);
	end_move(&m->mx, false);
}

/* rest: with nothing new from anybody, the loop sleeps and a deadline runs. */
static void
rest(struct monkey *m)
{
	for (int i = 0; i < 12; i++) {
		if (i == 8)
			m->woken = 0;
		spin(m);
	}
	if (m->woken > 1)
		wrong(m, "a busy loop", "");
	const struct session *s = m->proxy.sessions;
	if (s != NULL && s->armed <= 0)
		wrong(m, "no deadline runs", "");
}

/* lateness: one deadline that runs has passed. */
static void
lateness(struct monkey *m)
{
	struct session *s = m->proxy.sessions;

	if (s == NULL)
		return;
	double now = moment_now();
	double *all[] = { &s->client_deadline, &s->up.deadline, &s->body_deadline };
	unsigned i = dice(4);

	if (i == 3 && s->decision != NULL && s->decision->asking.open)
		s->decision->asking.asked = now - 3600;
	else if (i == 3 && s->inspect != NULL && s->inspect->asking.open)
		s->inspect->asking.asked = now - 3600;
	else if (i == 3 || *all[i] <= 0 || (i == 0 && s->up.pending_len > 0))
		return;
	else
		*all[i] = now;
	ev_feed_event(m->loop, &s->timer, EV_TIMER);
}

/* connect_ends: over TCP, which SO_RCVLOWAT is for, where handshakes are looked at. */
static void
connect_ends(struct monkey *m, int ends[2])
{
	struct sockaddr_in at;
	socklen_t len = sizeof(at);

	if (!m->config.inspect) {
		assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends),
		    errno);
		return;
	}
	assert_return_code(getsockname(m->listener, (struct sockaddr *)&at, &len), errno);
	ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_return_code(connect(ends[0], (struct sockaddr *)&at, len), errno);
	ends[1] = accept4(m->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_return_code(ends[1], errno);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 2; i++)
		setsockopt(ends[i], IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
}

/* change: other policies; a worker that remembers the last ones must hear of it. */
static void
change(struct monkey *m)
{
	static const struct stale all = { .domain = "" };
	unsigned char message[64];

	m->monitor = dice(20) == 0;
	m->demanded = -1;
	for (int d = 0; d < DOMAINS; d++) {
		m->policy[d] = dice(sizeof(policies) / sizeof(policies[0]));
		if (m->session % 3 == 0)
			m->policy[d] = chance(60) ? 0 : sizeof(policies) / sizeof(policies[0]) - 1;
	}
	if (chance(60))
		assert_true(asker_stale(m->proxy.asker, message,
		    message_stale(message, sizeof(message), &all)));
	else
		asker_resend(m->proxy.asker);
}

static void
begin(struct monkey *m)
{
	int ends[2];

	m->honesty = chance(60) ? 97 : 70;
	if (m->session == 1 || chance(50))
		change(m);
	m->all_enforce = true;
	for (int d = 0; d < DOMAINS; d++)
		m->all_enforce &= demands(policies[m->policy[d]]);
	m->config.inspect = chance(50);
	m->calm = m->config.inspect && chance(50);
	m->honesty = m->calm ? 100 : m->honesty;
	m->favourite = m->calm ? 0 : dice(DOMAINS);
	m->left = m->asked_len = m->sent_lines = m->owed = m->replies = m->flow = 0;
	m->told_354 = m->starting = m->through = m->shook = m->ahead = false;
	connect_ends(m, ends);
	if (chance(20))
		setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &(int){ 4096 }, sizeof(int));
	m->client.fd = ends[0];
	struct address peer = m->origin;
	counters_client_enter(m->proxy.counters, m->proxy.column, &peer.ip, 100, 100);
	assert_non_null(session_new(&m->proxy, ends[1], &peer, &m->origin, false));
	if (m->proxy.sessions != NULL && chance(20))
		setsockopt(m->proxy.sessions->up.leg.fd, SOL_SOCKET, SO_SNDBUF, &(int){ 4096 },
		    sizeof(int));
}

/* finish: both sides go; whatever is under way, the session ends without their help. */
static void
finish(struct monkey *m)
{
	end_drop(&m->client);
	end_drop(&m->mx);
	for (int i = 0; m->left == 0; i++) {
		int fd = accept4(m->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			close(fd);
		spin(m);
		if (m->asked_len > 0)
			answer(m, 0);
		if (i > 200)
			poll(NULL, 0, 1);
		if (i > 1000)
			wrong(m, "the session does not end", "");
	}
	assert_int_equal(m->proxy.open, 0);
	assert_int_equal(counters_get(m->proxy.counters, m->proxy.column, COUNTER_SESSIONS), 0);
	for (int fd; (fd = accept4(m->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0;)
		close(fd);
}

static void
play(struct monkey *m)
{
	unsigned steps = STEPS_MAX / 4 + dice(STEPS_MAX);

	begin(m);
	for (m->step = 0; m->step < steps && m->left == 0; m->step++) {
		spin(m);
		mx_moves(m);
		client_moves(m);
		while (m->asked_len > 0 && chance(60))
			answer(m, dice((unsigned)m->asked_len));
		if (dice(30) == 0)
			rest(m);
		if (dice(300) == 0)
			lateness(m);
		if (dice(2000) == 0)
			session_shutdown(&m->proxy);
	}
	finish(m);
	m->proxy.closing = false;
	m->begun_ahead += m->ahead;
}

static void
session_left(void *arg)
{
	((struct monkey *)arg)->left++;
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
open_monkey(struct monkey *m)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(at);
	struct counters *counters = counters_new();

	m->loop = ev_loop_new(EVFLAG_AUTO);
	ev_set_userdata(m->loop, m);
	ev_set_invoke_pending_cb(m->loop, count_events);
	m->config.policy.wait_s = 20;
	m->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_return_code(bind(m->listener, (struct sockaddr *)&at, sizeof(at)), errno);
	assert_return_code(listen(m->listener, 16), errno);
	assert_return_code(getsockname(m->listener, (struct sockaddr *)&at, &len), errno);
	address_from_sockaddr(&m->origin, (struct sockaddr *)&at);
	m->client.fd = m->mx.fd = m->client.cert = m->mx.cert = -1;
	m->proxy = (struct proxy){
		.loop = m->loop, .config = &m->config, .counters = counters,
		.column = counters_claim(counters), .originator = originator,
		.terminator = own, .left = session_left, .tls_failed = tls_failed,
		.tls_unwanted = tls_unwanted, .proven = proven, .arg = m,
	};
	pipes_init(&m->proxy.pipes);
	m->proxy.asker = asker_new(policy_send, m);
	m->ring = (struct testring){ .message = policy_record };
	m->proxy.records = queue_new(testring_send, &m->ring);
}

static void
close_monkey(struct monkey *m)
{
	pipes_close(&m->proxy.pipes);
	queue_free(m->proxy.records);
	testring_close(&m->ring);
	asker_free(m->proxy.asker);
	ev_loop_destroy(m->loop);
	close(m->listener);
}

static unsigned long
from_environment(const char *name, unsigned long otherwise)
{
	const char *value = getenv(name);

	return value == NULL ? otherwise : strtoul(value, NULL, 10);
}

static void
plays_at_random(void **unused)
{
	static struct monkey m;
	time_t until = time(NULL) + (time_t)from_environment("MONKEY_SECONDS", SECONDS);

	(void)unused;
	state = from_environment("MONKEY_SEED", 25) * 0x9e3779b97f4a7c15u + 1;
	open_monkey(&m);
	while (time(NULL) < until) {
		m.session++;
		play(&m);
	}
	print_message("%lu sessions; RCPT heard: %u proven, %u in clear; %u mails; end to end: %u, "
	    "resumed: %u, ended here: %u; begun ahead: %u\n", m.session, m.heard_secure, m.heard_clear, m.bodies,
	    m.full, m.resumed, m.ended_here, m.begun_ahead);
	assert_true(m.heard_secure > 0 && m.heard_clear > 0 && m.bodies > 0);
	assert_true(m.full > 0 && m.resumed > 0 && m.ended_here > 0 && m.begun_ahead > 0);
	close_monkey(&m);
}

/* refused_without_end: what one transaction makes us remember is bounded, refused or not. */
static void
refused_without_end(void **unused)
{
	static struct monkey m;
	unsigned refused = 0;

	(void)unused;
	open_monkey(&m);
	begin(&m);
	m.honesty = 100;
	m.monitor = false;
	say(&m, "EHLO client.example\r\nMAIL FROM:<s@client.example>\r\n");
	for (unsigned i = 0; refused == 0 && i < 2000; i++) {
		char line[64];
		snprintf(line, sizeof(line), "RCPT TO:<r@x%u.example>\r\n", i);
		say(&m, line);
		for (int j = 0; j < 8; j++) {
			spin(&m);
			if (i < 4)
				mx_moves(&m);
			while (m.asked_len > 0)
				answer(&m, 0);
		}
		refused = memmem(m.client.in, m.client.in_len, "452 4.5.3", 9) != NULL ? i : 0;
		if (m.client.in_len > BUFFER / 2)
			m.client.in_len = 0;
	}
	assert_in_range(refused, 1, ENVELOPE_RECIPIENTS_MAX);
	finish(&m);
	close_monkey(&m);
}

/* --- certificates --------------------------------------------------------------------------- */

static struct terminator *
make_identity(const char *name, const struct testca_cert *issuer, X509 **certificate)
{
	static const char *const files[] = { "client-rsa.pem", "client-ecdsa.pem" };
	struct testca_cert leaf = testca_issue(&(struct testca_spec){ .issuer = issuer, .dns = name });
	char dir[256], path[300], error[256];

	snprintf(dir, sizeof(dir), "%s/%s", directory, name);
	mkdir(dir, 0700);
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		PEM_write_PrivateKey(f, leaf.key, NULL, NULL, 0, NULL, NULL);
		PEM_write_X509(f, leaf.x509);
		fclose(f);
	}
	if (certificate != NULL && X509_up_ref(leaf.x509))
		*certificate = leaf.x509;
	testca_free(&leaf);
	struct terminator *t = terminator_new(dir, error, sizeof(error));
	assert_non_null(t);
	return t;
}

static int
make_certificates(void **unused)
{
	char path[300], error[256];

	(void)unused;
	assert_non_null(mkdtemp(directory));
	struct testca_cert ca = testca_root("Root");
	for (int i = 0; i < 4; i++)
		theirs[i] = make_identity(hosts[i], i < 3 ? &ca : NULL, &certificates[i]);
	own = make_identity("own", NULL, NULL);
	snprintf(path, sizeof(path), "%s/ca.pem", directory);
	FILE *f = fopen(path, "w");
	PEM_write_X509(f, ca.x509);
	fclose(f);
	testca_free(&ca);
	originator = originator_new(path, 0x0303, error, sizeof(error));
	assert_non_null(originator);
	return 0;
}

static int
remove_certificates(void **unused)
{
	char command[300];

	(void)unused;
	originator_free(originator);
	terminator_free(own);
	for (int i = 0; i < 4; i++) {
		terminator_free(theirs[i]);
		X509_free(certificates[i]);
	}
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_without_end),
		cmocka_unit_test(plays_at_random),
	};

	signal(SIGPIPE, SIG_IGN);	/* as worker_main does */
	return cmocka_run_group_tests_name("monkey", tests, make_certificates, remove_certificates);
}
