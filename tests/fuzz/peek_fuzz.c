/* peek_fuzz.c - a whole session between two others, whole and octet by octet
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Input: chunks of a kind (0 what the client says, 1 the server, 2 evidence to be recalled), 16
 * bits of length, octets. The corpus is of real sessions. Whatever comes: both ways of handing it
 * over come to the same end, and nobody but the host of the corpus is ever trusted. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tls/peek.h"

#define HOST "mx.example.org"
#define MIN_VERSION 0x0301

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FROM_CLIENT, FROM_SERVER, EVIDENCE, KINDS };

/* Of the CA behind the corpus, whose key is gone. */
static const char root[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBMjCB2aADAgECAgID6DAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARSb290MCAX\n"
	"DTE2MTEyNDAzMTEyNVoYDzIxMjYxMDI5MDMxMTI1WjAPMQ0wCwYDVQQDDARSb290\n"
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEWUqIqcSLNaqSaXCc3BEmaN8ZitS8\n"
	"jF4WefY7llrDbi9lGlLq1MCVCggX6CtMnf307m8WtS5niE/AP8z2QzD5l6MjMCEw\n"
	"DwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAQYwCgYIKoZIzj0EAwIDSAAw\n"
	"RQIhAKx/QicFpWANCY6mOv9nbFA0Jnb8WunVBSTkyDyykMgoAiAm8BnJ6FXqtS0D\n"
	"Tk7m3KXeqrLp/OooAuc855HOKHY+Dw==\n"
	"-----END CERTIFICATE-----\n";

struct outcome {
	enum peek_hello hello;
	enum peek_flight flight;
	enum peek_talk talk;
	bool judged, trusted;
	size_t sessions;
};

struct session {
	struct peek *peek;
	struct outcome out;
	uint8_t hello[1 << 16];		/* as the socket's queue would hold it */
	size_t hello_len;
	const uint8_t *evidence;
	size_t evidence_len;
};

static struct originator *
originator(void)
{
	static struct originator *o;
	char path[] = "/tmp/postern-fuzz-ca-XXXXXX", error[256];
	int fd;

	if (o)
		return o;
	fd = mkstemp(path);
	assert(fd >= 0 && write(fd, root, sizeof root - 1) == (ssize_t)(sizeof root - 1));
	close(fd);
	o = originator_new(path, MIN_VERSION, error, sizeof error);
	unlink(path);
	assert(o);
	return o;
}

static bool
ended(enum peek_flight f)
{
	return f == PEEK_FULL || f == PEEK_RESUMED;
}

static void
judge(struct session *s)
{
	struct proof proof = { 0 };
	bool full = s->out.flight == PEEK_FULL;
	size_t len;

	if (full ? !peek_prove(s->peek, false, NULL, &proof) :
	    !peek_recall(s->peek, s->evidence, s->evidence_len, true, &proof)) {
		assert(!full && proof.state == PROOF_NO_TLS);
	} else {
		s->out.judged = true;
		s->out.trusted = proof.chain == CHAIN_TRUSTED;
		assert(proof.state == PROOF_TLS && proof.resumed != full);
		assert(!full || !s->out.trusted || proof_names_host(&proof, HOST));
		assert(!s->out.trusted || peek_fault(s->peek)[0] == '\0');
	}
	proof_clear(&proof);
	peek_let_go(s->peek);
	assert(!peek_held(s->peek, &len) && len == 0);
}

static void
client_says(struct session *s, const uint8_t *p, size_t len)
{
	size_t want = 0, kept;
	uint8_t name[PEEK_NAME];

	if (s->out.hello == PEEK_HELLO_MORE && len <= sizeof s->hello - s->hello_len) {
		memcpy(s->hello + s->hello_len, p, len);
		s->hello_len += len;
		s->out.hello = peek_client(s->peek, s->hello, s->hello_len, &want);
		if (s->out.hello == PEEK_HELLO_MORE)
			assert(want > s->hello_len && want <= PEEK_HELLO_MAX);
		if (s->out.hello == PEEK_HELLO_WHOLE) {
			assert(memcmp(peek_hello(s->peek, &kept), s->hello, s->hello_len) == 0);
			assert(kept == s->hello_len && kept <= PEEK_HELLO_MAX);
			peek_offered(s->peek, name);
		}
		assert((s->out.hello == PEEK_HELLO_BAD) == (peek_fault(s->peek)[0] != '\0'));
	} else if (s->out.judged) {
		s->out.talk = peek_watch(s->peek, false, p, len);
	}
}

static void
server_says(struct session *s, const uint8_t *p, size_t len)
{
	if (s->out.judged) {
		s->out.talk = peek_watch(s->peek, true, p, len);
	} else if (s->out.hello == PEEK_HELLO_WHOLE && s->out.flight == PEEK_MORE) {
		s->out.flight = peek_server(s->peek, p, len);
		assert((s->out.flight == PEEK_BAD) == (peek_fault(s->peek)[0] != '\0'));
		if (ended(s->out.flight))
			judge(s);
	}
}

static struct outcome
play(const uint8_t *data, size_t size, bool whole)
{
	struct session *s = calloc(1, sizeof *s);
	struct peek_session sessions[PEEK_SESSIONS_MAX];
	struct outcome out;

	assert(s);
	s->peek = peek_new(originator());
	while (size >= 3) {
		unsigned kind = data[0] % KINDS;
		size_t len = (size_t)data[1] << 8 | data[2], step;

		data += 3, size -= 3;
		len = len < size ? len : size;
		if (kind == EVIDENCE)
			s->evidence = data, s->evidence_len = len;
		step = whole || kind == EVIDENCE ? len : 1;
		for (size_t at = 0; at < len; at += step) {
			if (kind == FROM_CLIENT)
				client_says(s, data + at, step);
			else if (kind == FROM_SERVER)
				server_says(s, data + at, step);
		}
		data += len, size -= len;
	}
	if (s->out.judged)
		s->out.talk = peek_watch(s->peek, false, NULL, 0);
	s->out.sessions = peek_sessions(s->peek, sessions);
	for (size_t i = 0; i < s->out.sessions; i++)
		assert(sessions[i].lifetime_s > 0 && sessions[i].lifetime_s <= 86400);
	assert(s->out.sessions == 0 || (s->out.trusted && s->out.talk == PEEK_SETTLED));
	out = s->out;
	peek_free(s->peek);
	free(s);
	return out;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome a = play(data, size, true), b = play(data, size, false);

	/* Octets behind an end are noticed only by those who see them together with it. */
	if (a.hello == PEEK_HELLO_BAD || (a.flight == PEEK_BAD && ended(b.flight)))
		return 0;
	assert(a.hello == b.hello);
	assert(a.flight == b.flight && a.judged == b.judged && a.trusted == b.trusted);
	assert((a.talk == PEEK_WATCHING) == (b.talk == PEEK_WATCHING));
	return 0;
}
