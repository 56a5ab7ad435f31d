/* talk_test.c - after the verdict: when a session is settled, what is remembered, what comes back
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/peekpair.h"
#include "tests/unit/testtlsa.h"
#include "tls/evidence_inside.h"
#include "tls/keepsake.h"

#define HOST PEEKPAIR_HOST

static struct testca_cert root, leaf;
static struct originator *trusting, *trusting_old;
static SSL_CTX *client;

static int
setup(void **state)
{
	(void)state;
	root = testca_root("Test Root");
	leaf = testca_issue(&(struct testca_spec){ .issuer = &root, .dns = HOST,
	    .rsa_bits = 2048 });
	trusting = tlspair_originator(&root, TLS1_2_VERSION);
	trusting_old = tlspair_originator(&root, TLS1_VERSION);
	client = peekpair_client();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	testca_free(&root);
	testca_free(&leaf);
	originator_free(trusting);
	originator_free(trusting_old);
	SSL_CTX_free(client);
	return 0;
}

/* What a store would keep of one handshake. */
struct memory {
	struct peek_session sessions[PEEK_SESSIONS_MAX];
	size_t count;
	uint8_t evidence[PEEK_EVIDENCE_MAX];
	size_t len;
	SSL_SESSION *session;	/* the client's own */
};

static void
keep(struct peekpair *p, struct memory *m)
{
	m->count = peek_sessions(p->peek, m->sessions);
	m->len = peek_evidence(p->peek, m->evidence, sizeof m->evidence);
	assert_int_equal(m->count > 0, m->len > 0);
	SSL_SESSION_free(m->session);
	m->session = SSL_get1_session(p->client);
}

/* The verdict on a full handshake. */
static struct peekpair *
judged_under(struct originator *o, SSL_CTX *server, bool strict, const struct tlsa_set *tlsa,
    enum proof_chain chain, enum proof_dane dane)
{
	struct peekpair *p = peekpair_open(o, client, server, NULL);
	struct proof proof = { 0 };

	assert_int_equal(peekpair_see(p), PEEK_FULL);
	assert_true(peek_prove(p->peek, strict, tlsa, &proof));
	assert_int_equal(proof.chain, chain);
	assert_int_equal(proof.dane, dane);
	proof_clear(&proof);
	peekpair_release(p);
	return p;
}

static struct peekpair *
judged(struct originator *o, SSL_CTX *server, bool strict, enum proof_chain chain)
{
	return judged_under(o, server, strict, NULL, chain, PROOF_DANE_NOT_ASKED);
}

/* Nothing is settled before the client has gone on after an answer. */
static void
talk_through(struct peekpair *p)
{
	assert_true(peekpair_finish(p));
	assert_int_equal(p->talk, PEEK_WATCHING);
	assert_int_equal(peekpair_say(p, false, "EHLO mta\r\n"), PEEK_WATCHING);
	assert_int_equal(peekpair_say(p, true, "250 mx\r\n"), PEEK_WATCHING);
	assert_int_equal(peekpair_say(p, false, "MAIL FROM:<>\r\n"), PEEK_SETTLED);
	assert_int_equal(peekpair_say(p, true, "250 ok\r\n"), PEEK_SETTLED);
}

static void
full(struct originator *o, SSL_CTX *server, bool strict, struct memory *m)
{
	struct peekpair *p = judged(o, server, strict, CHAIN_TRUSTED);

	talk_through(p);
	keep(p, m);
	peekpair_close(p);
}

/* One that is resumed from memory; its proof is the caller's. */
static void
resumed(struct originator *o, SSL_CTX *server, bool strict, struct memory *m, struct proof *proof)
{
	struct peekpair *p = peekpair_open(o, client, server, m->session);
	uint8_t name[PEEK_NAME];

	assert_true(peek_offered(p->peek, name));
	assert_memory_equal(name, m->sessions[0].name, PEEK_NAME);
	assert_int_equal(peekpair_see(p), PEEK_RESUMED);
	assert_true(peek_recall(p->peek, m->evidence, m->len, strict, proof));
	assert_int_equal(proof->state, PROOF_TLS);
	assert_true(proof->resumed);
	assert_string_equal(proof->sni, HOST);
	peekpair_release(p);
	assert_true(peekpair_finish(p));
	assert_true(SSL_session_reused(p->client));
	peekpair_say(p, false, "EHLO mta\r\n");
	peekpair_say(p, true, "250 mx\r\n");
	assert_int_equal(peekpair_say(p, false, "MAIL FROM:<>\r\n"), PEEK_SETTLED);
	keep(p, m);
	peekpair_close(p);
}

/* DESIGN 6: the ticket or id of a full handshake is visible in it. */
static void
check_resumption(int version, uint64_t options, bool renewing)
{
	SSL_CTX *server = testca_server(&leaf, NULL);
	struct memory m = { .count = 0 };
	struct proof proof = { 0 };
	uint8_t first[PEEK_NAME];
	char expected[12];

	SSL_CTX_set_max_proto_version(server, version);
	SSL_CTX_set_options(server, options);
	if (renewing)
		SSL_CTX_set_tlsext_ticket_key_evp_cb(server, peekpair_ticket_key);
	full(trusting_old, server, false, &m);
	assert_int_equal(m.count, 1);
	snprintf(expected, sizeof expected, "%s", SSL_SESSION_get_protocol_version(m.session) ==
	    TLS1_VERSION ? "TLSv1" : "TLSv1.2");
	memcpy(first, m.sessions[0].name, PEEK_NAME);
	for (int i = 0; i < 3; i++) {
		struct memory again = m;

		m.session = NULL;
		resumed(trusting_old, server, false, &again, &proof);
		assert_int_equal(proof.chain, CHAIN_TRUSTED);
		assert_string_equal(proof.version, expected);
		assert_true(proof_names_host(&proof, HOST));
		assert_false(proof_names_host(&proof, "mx.example.com"));
		assert_int_equal(proof.chain_len, 1);
		/* a new ticket is remembered with the old evidence; without one, nothing new */
		assert_int_equal(again.count, renewing);
		if (renewing) {
			assert_memory_not_equal(again.sessions[0].name, first, PEEK_NAME);
			assert_int_equal(again.len, m.len);
			assert_memory_equal(again.evidence, m.evidence, m.len);
		} else {
			memcpy(again.sessions, m.sessions, sizeof m.sessions);
			memcpy(again.evidence, m.evidence, m.len);
			again.len = m.len;
		}
		m = again;
	}
	proof_clear(&proof);
	SSL_SESSION_free(m.session);
	SSL_CTX_free(server);
}

/* What stands by a record alone comes back so: under that set, and no CA behind it. What neither
 * vouches for is not remembered, and a chain that stands keeps that the records do not match. */
static const struct by_records {
	bool loose;			/* a leaf that is not of the CA's */
	bool matching;
	uint8_t usage;
	enum proof_dane dane;
	bool remembered;
} by_records[] = {
	{ true, true, 3, PROOF_DANE_EE, true },
	{ true, true, 2, PROOF_DANE_TA, true },
	{ true, false, 3, PROOF_DANE_UNMATCHED, false },
	{ false, true, 3, PROOF_DANE_EE, true },
	{ false, false, 3, PROOF_DANE_UNMATCHED, true },
};

static void
check_records(const struct by_records *b, const struct testca_cert *ca,
    const struct testca_cert *loose)
{
	const struct testca_cert *shown = b->loose ? loose : &leaf;
	SSL_CTX *server = testca_server(shown, ca);
	enum proof_chain chain = b->loose ? CHAIN_UNTRUSTED : CHAIN_TRUSTED;
	struct memory m = { .count = 0 };
	struct proof proof = { 0 };
	struct testtlsa t;
	struct peekpair *p;

	testtlsa_open(&t, HOST);
	testtlsa_add(&t, b->usage, 1, 1, !b->matching ? root.x509 : b->usage == 2 ? ca->x509 :
	    shown->x509);
	p = judged_under(trusting, server, true, &t.set, chain, b->dane);
	if (b->remembered)
		talk_through(p);
	else
		assert_true(peekpair_finish(p));
	keep(p, &m);
	peekpair_close(p);
	assert_int_equal(m.count, b->remembered);
	if (m.count > 0) {
		resumed(trusting, server, true, &m, &proof);
		assert_int_equal(proof.chain, chain);
		assert_int_equal(proof.detail[0] == '\0', !b->loose);
		assert_int_equal(proof.dane, b->dane);
		assert_int_equal(proof.dane_depth, b->dane == PROOF_DANE_TA);
		assert_int_equal(proof.dane_detail[0] == '\0', b->matching);
		assert_true(tlsa_same(&t.set, proof.dane_digest));
	}
	proof_clear(&proof);
	testtlsa_free(&t);
	SSL_SESSION_free(m.session);
	SSL_CTX_free(server);
}

static void
what_records_proved_is_remembered(void **state)
{
	struct testca_cert ca = testca_root("Loose");
	struct testca_cert loose = testca_issue(&(struct testca_spec){ .issuer = &ca,
	    .dns = HOST });

	(void)state;
	for (size_t i = 0; i < sizeof by_records / sizeof *by_records; i++)
		check_records(&by_records[i], &ca, &loose);
	testca_free(&ca);
	testca_free(&loose);
}

/* A key proven with a broken digest is enough where nothing is demanded, and remembered as that. */
static void
what_was_proven_weakly_stays_weak(void **state)
{
	struct testca_cert loose = testca_issue(&(struct testca_spec){ .dns = HOST });
	SSL_CTX *server = testca_server(&loose, NULL);
	struct memory m = { .count = 0 };
	struct proof proof = { 0 };
	struct testtlsa t;
	struct peekpair *p;

	(void)state;
	assert_true(SSL_CTX_set1_sigalgs_list(server, "ECDSA+SHA1"));
	testtlsa_open(&t, HOST);
	testtlsa_add(&t, 3, 1, 1, loose.x509);
	p = judged_under(trusting, server, false, &t.set, CHAIN_UNTRUSTED, PROOF_DANE_EE);
	talk_through(p);
	keep(p, &m);
	peekpair_close(p);
	assert_int_equal(m.count, 1);
	for (int strict = 0; strict < 2; strict++) {
		p = peekpair_open(trusting, client, server, m.session);
		assert_int_equal(peekpair_see(p), PEEK_RESUMED);
		assert_true(peek_recall(p->peek, m.evidence, m.len, strict, &proof));
		assert_int_equal(proof.dane, strict ? PROOF_DANE_INVALID : PROOF_DANE_EE);
		proof_clear(&proof);
		peekpair_close(p);
	}
	testtlsa_free(&t);
	SSL_SESSION_free(m.session);
	SSL_CTX_free(server);
	testca_free(&loose);
}

static void
a_resumed_session_proves_what_was_remembered(void **state)
{
	(void)state;
	check_resumption(TLS1_2_VERSION, 0, false);
	check_resumption(TLS1_2_VERSION, 0, true);
	check_resumption(TLS1_2_VERSION, SSL_OP_NO_TICKET, false);
	check_resumption(TLS1_VERSION, 0, false);
	check_resumption(TLS1_VERSION, SSL_OP_NO_TICKET, false);
}

/* What was proven weakly is no better when it is resumed. */
static void
a_weak_session_stays_weak(void **state)
{
	static const struct { int version; const char *sigalgs, *fault; } rows[] = {
		{ TLS1_2_VERSION, "RSA+SHA1", "signature-weak" },
		{ TLS1_VERSION, NULL, "version-too-low" },
		{ TLS1_2_VERSION, NULL, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		SSL_CTX *server = testca_server(&leaf, NULL);
		struct memory m = { .count = 0 };
		struct proof proof = { 0 };
		struct peekpair *p;

		SSL_CTX_set_max_proto_version(server, rows[i].version);
		SSL_CTX_set_security_level(server, 0);
		if (rows[i].sigalgs)
			assert_true(SSL_CTX_set1_sigalgs_list(server, rows[i].sigalgs));
		full(trusting_old, server, false, &m);
		for (int strict = 0; strict < 2; strict++) {
			const char *fault = strict ? rows[i].fault : "";

			p = peekpair_open(trusting_old, client, server, m.session);
			assert_int_equal(peekpair_see(p), PEEK_RESUMED);
			assert_true(peek_recall(p->peek, m.evidence, m.len, strict, &proof));
			assert_string_equal(peek_fault(p->peek), fault);
			assert_int_equal(proof.chain, fault[0] ? CHAIN_INVALID : CHAIN_TRUSTED);
			peekpair_close(p);
		}
		proof_clear(&proof);
		SSL_SESSION_free(m.session);
		SSL_CTX_free(server);
	}
}

/* Another CA bundle, another name; another ticket, another name. */
static void
names_depend_on_the_bundle(void **state)
{
	struct testca_cert other = testca_root("Another Root");
	struct originator *o = tlspair_originator(&other, TLS1_2_VERSION);
	SSL_CTX *server = testca_server(&leaf, NULL);
	struct memory m = { .count = 0 };
	struct peekpair *p;
	uint8_t name[PEEK_NAME];

	(void)state;
	p = peekpair_open(trusting, client, server, NULL);
	assert_false(peek_offered(p->peek, name));
	peekpair_close(p);
	full(trusting, server, true, &m);
	p = peekpair_open(trusting, client, server, m.session);
	assert_true(peek_offered(p->peek, name));
	assert_memory_equal(name, m.sessions[0].name, PEEK_NAME);
	peekpair_close(p);
	p = peekpair_open(o, client, server, m.session);
	assert_true(peek_offered(p->peek, name));
	assert_memory_not_equal(name, m.sessions[0].name, PEEK_NAME);
	peekpair_close(p);
	SSL_SESSION_free(m.session);
	SSL_CTX_free(server);
	originator_free(o);
	testca_free(&other);
}

static enum peek_talk
watch_record(struct peek *p, bool from_server, uint8_t type, size_t len)
{
	static struct tape t;
	static const uint8_t octets[400];

	t.len = 0;
	tape_record(&t, type, 0x303, octets, len);
	return peek_watch(p, from_server, t.octets, t.len);
}

/* A server's flight that is genuine, and behind it nothing but what two who work together make up:
 * `ticket`, and records of the right kinds. Under its name that server's proof is remembered. */
static void
plant(SSL_CTX *server, SSL_SESSION *of, const char *client_address, struct memory *m)
{
	struct peekpair *p = peekpair_open_for(trusting, client, server, NULL, client_address);
	struct proof proof = { 0 };
	const unsigned char *ticket;
	uint8_t message[4 + 4 + 2 + 1000] = { 4 };
	static struct tape t;
	size_t len;

	SSL_SESSION_get0_ticket(of, &ticket, &len);
	assert_in_range(len, 1, 1000);
	message[2] = (uint8_t)((len + 6) >> 8);
	message[3] = (uint8_t)(len + 6);
	message[8] = (uint8_t)(len >> 8);
	message[9] = (uint8_t)len;
	memcpy(message + 10, ticket, len);
	assert_int_equal(peekpair_see(p), PEEK_FULL);
	assert_true(peek_prove(p->peek, true, NULL, &proof));
	assert_int_equal(proof.chain, CHAIN_TRUSTED);
	proof_clear(&proof);
	peekpair_release(p);
	watch_record(p->peek, false, 22, 300);
	assert_int_equal(peek_watch(p->peek, false, "\24\3\3\0\1\1", 6), PEEK_WATCHING);
	t.len = 0;
	tape_record(&t, 22, 0x303, message, 10 + len);
	tape_record(&t, 20, 0x303, "\1", 1);
	assert_int_equal(peek_watch(p->peek, true, t.octets, t.len), PEEK_WATCHING);
	watch_record(p->peek, false, 23, 10);
	watch_record(p->peek, true, 23, 10);
	assert_int_equal(watch_record(p->peek, false, 23, 10), PEEK_SETTLED);
	m->count = peek_sessions(p->peek, m->sessions);
	m->len = peek_evidence(p->peek, m->evidence, sizeof m->evidence);
	assert_int_equal(m->count, 1);
	peekpair_close(p);
}

/* THREATS: a host of the LAN that works together with somebody on the path. He has made a session
 * with an honest client while nobody looked; what the host plants must not make that one proven. */
static void
nobody_plants_a_session_for_another(void **state)
{
	struct testca_cert self = testca_issue(&(struct testca_spec){ .dns = HOST });
	SSL_CTX *genuine = testca_server(&leaf, NULL), *evil = testca_server(&self, NULL);
	struct memory m = { .count = 0 };
	struct proof proof = { 0 };
	struct peekpair *p;
	uint8_t name[PEEK_NAME];

	(void)state;
	SSL_CTX_set_max_proto_version(evil, TLS1_2_VERSION);
	p = judged(trusting, evil, true, CHAIN_UNTRUSTED);
	assert_true(peekpair_finish(p));
	m.session = SSL_get1_session(p->client);
	peekpair_close(p);
	for (int same = 0; same < 2; same++) {
		plant(genuine, m.session, same ? "192.0.2.1" : "192.0.2.2", &m);
		p = peekpair_open_for(trusting, client, evil, m.session, "192.0.2.1");
		assert_int_equal(peekpair_see(p), PEEK_RESUMED);
		assert_true(peek_offered(p->peek, name));
		assert_int_equal(memcmp(name, m.sessions[0].name, PEEK_NAME) == 0, same);
		/* what it would be worth */
		assert_true(peek_recall(p->peek, m.evidence, m.len, true, &proof));
		assert_true(proof.chain == CHAIN_TRUSTED && proof_names_host(&proof, HOST));
		peekpair_release(p);
		assert_true(peekpair_finish(p) && SSL_session_reused(p->client));
		peekpair_close(p);
	}
	proof_clear(&proof);
	SSL_SESSION_free(m.session);
	SSL_CTX_free(genuine);
	SSL_CTX_free(evil);
	testca_free(&self);
}

/* A server chooses the octets of both: what it gives out as one is not the other. */
static void
a_ticket_is_no_id(void **state)
{
	static const uint8_t scope[KEEPSAKE_SCOPE];
	const struct octets octets = octets_of("0123456789abcdef", 16);
	uint8_t ticket[PEEK_NAME], id[PEEK_NAME];

	(void)state;
	assert_true(keepsake_name(scope, KEEPSAKE_TICKET, &octets, ticket));
	assert_true(keepsake_name(scope, KEEPSAKE_ID, &octets, id));
	assert_memory_not_equal(ticket, id, PEEK_NAME);
}

/* What cannot be remembered is not watched for long: PEEK_SETTLED with the server's
 * ChangeCipherSpec, and no sessions. */
static void
nothing_to_remember_is_settled_early(void **state)
{
	static char many[40000];
	struct testca_cert self = testca_issue(&(struct testca_spec){ .dns = HOST }), large;
	size_t len = 0;

	(void)state;
	for (int i = 0; i < 255; i++)
		len += (size_t)sprintf(many + len, "host-%030d.example,", i);
	strcpy(many + len, HOST);
	large = testca_issue(&(struct testca_spec){ .issuer = &root, .dns = many });
	for (int i = 0; i < 4; i++) {
		SSL_CTX *server = testca_server(i == 0 ? &self : i == 1 ? &large : &leaf, NULL);
		struct peek_session sessions[PEEK_SESSIONS_MAX];
		struct peekpair *p;

		if (i == 2) {
			SSL_CTX_set_options(server, SSL_OP_NO_TICKET);
			SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_OFF);
		}
		p = judged(trusting, server, true, i == 0 ? CHAIN_UNTRUSTED : CHAIN_TRUSTED);
		assert_int_equal(peekpair_pass(p, false), PEEK_WATCHING);
		assert_int_equal(peekpair_pass(p, true), i < 3 ? PEEK_SETTLED : PEEK_WATCHING);
		assert_int_equal(peek_sessions(p->peek, sessions), 0);
		assert_int_equal(peek_evidence(p->peek, many, sizeof many), 0);
		peekpair_close(p);
		SSL_CTX_free(server);
	}
	testca_free(&self);
	testca_free(&large);
}

/* Not longer than the server says, than a day, than the chain is in date. */
static void
a_session_is_remembered_as_long_as_it_counts(void **state)
{
	static const struct {
		long hint, until_s;
		uint64_t options;
		uint32_t least, most;
	} rows[] = {
		{ 600, 0, 0, 600, 600 },
		{ 86399, 0, 0, 86397, 86399 },
		{ 1000000, 0, 0, 86395, 86400 },
		{ 600, 0, SSL_OP_NO_TICKET, 86395, 86400 },	/* an id bears no hint */
		{ 600, 60, 0, 50, 61 },
		{ 600, 60, SSL_OP_NO_TICKET, 50, 61 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct testca_cert cert = testca_issue(&(struct testca_spec){ .issuer = &root,
		    .dns = HOST, .from_days = -1, .until_days = 30,
		    .until_seconds = rows[i].until_s });
		SSL_CTX *server = testca_server(&cert, NULL);
		struct memory m = { .count = 0 };

		SSL_CTX_set_timeout(server, rows[i].hint);
		SSL_CTX_set_options(server, rows[i].options);
		full(trusting, server, true, &m);
		assert_int_equal(m.count, 1);
		assert_in_range(m.sessions[0].lifetime_s, rows[i].least, rows[i].most);
		SSL_SESSION_free(m.session);
		SSL_CTX_free(server);
		testca_free(&cert);
	}
}

/* A chain of resumptions does not outlive a day after the full handshake. */
static void
resumption_prolongs_nothing(void **state)
{
	static const struct { long age; uint32_t least, most; } rows[] = {
		{ 0, 86390, 86400 }, { 86000, 390, 400 }, { 86400, 0, 0 }, { 90000, 0, 0 },
	};
	SSL_CTX *server = testca_server(&leaf, NULL);

	(void)state;
	SSL_CTX_set_tlsext_ticket_key_evp_cb(server, peekpair_ticket_key);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct memory m = { .count = 0 };
		struct proof proof = { 0 };
		struct evidence *e;

		full(trusting, server, true, &m);
		e = evidence_decode(m.evidence + 1, m.len - 1);
		assert_non_null(e);
		e->made -= rows[i].age;
		assert_int_equal(evidence_encode(e, m.evidence + 1, m.len - 1), m.len - 1);
		evidence_release(e);
		resumed(trusting, server, true, &m, &proof);
		assert_int_equal(m.count, rows[i].most > 0);
		if (rows[i].most > 0)
			assert_in_range(m.sessions[0].lifetime_s, rows[i].least, rows[i].most);
		proof_clear(&proof);
		SSL_SESSION_free(m.session);
	}
	SSL_CTX_free(server);
}

/* What is not evidence is not taken for it. */
static void
spoilt_evidence_is_refused(void **state)
{
	SSL_CTX *server = testca_server(&leaf, NULL);
	struct memory m = { .count = 0 };
	struct proof proof = { 0 };

	(void)state;
	full(trusting, server, true, &m);
	for (size_t len = 0; len <= m.len; len++) {
		struct peekpair *p = peekpair_open(trusting, client, server, m.session);
		struct peek_session sessions[PEEK_SESSIONS_MAX];

		assert_int_equal(peekpair_see(p), PEEK_RESUMED);
		assert_int_equal(peek_recall(p->peek, m.evidence, len, true, &proof),
		    len == m.len);
		if (len < m.len)
			assert_int_equal(proof.chain, CHAIN_NONE);
		assert_int_equal(peek_sessions(p->peek, sessions), 0);
		peekpair_close(p);
	}
	m.evidence[0] = 9;
	{
		struct peekpair *p = peekpair_open(trusting, client, server, m.session);

		assert_int_equal(peekpair_see(p), PEEK_RESUMED);
		assert_false(peek_recall(p->peek, m.evidence, m.len, true, &proof));
		peekpair_close(p);
	}
	proof_clear(&proof);
	SSL_SESSION_free(m.session);
	SSL_CTX_free(server);
}

/* --- what is changed after the verdict ------------------------------------------------ */

/* The server's second flight as it would come, into *t. */
static void
second_flight(struct peekpair *p, struct tape *t)
{
	assert_int_equal(peekpair_pass(p, false), PEEK_WATCHING);
	peekpair_take(p->server, t);
	assert_int_equal(t->octets[0], 22);
}

/* Somebody puts a ticket of his own in the place of the server's, all of it in clear: the client
 * finds the Finished wrong, and nothing is remembered. */
static void
a_changed_ticket_is_not_remembered(void **state)
{
	SSL_CTX *server = testca_server(&leaf, NULL);
	static struct tape t;

	(void)state;
	for (int changed = 0; changed < 2; changed++) {
		struct peekpair *p = judged(trusting, server, true, CHAIN_TRUSTED);
		struct peek_session sessions[PEEK_SESSIONS_MAX];

		second_flight(p, &t);
		t.octets[5 + 4 + 4 + 2 + 20] ^= (uint8_t)changed;
		assert_int_equal(peek_watch(p->peek, true, t.octets, t.len), PEEK_WATCHING);
		peekpair_give(p->client, t.octets, t.len);
		assert_int_equal(peek_sessions(p->peek, sessions), 0);	/* not yet */
		assert_int_equal(peekpair_finish(p), !changed);
		if (changed) {
			assert_int_equal(p->talk, PEEK_SETTLED);	/* by its alert */
			assert_int_equal(peek_sessions(p->peek, sessions), 0);
			assert_int_equal(peek_evidence(p->peek, &t, sizeof t), 0);
		} else {
			talk_through(p);
			assert_int_equal(peek_sessions(p->peek, sessions), 1);
		}
		peekpair_close(p);
	}
	SSL_CTX_free(server);
}

/* RFC 7918: a client that talks before it has heard the server's Finished. Only what it says after
 * it has read an answer counts; whatever is cut. */
static void
a_false_start_settles_nothing(void **state)
{
	SSL_CTX *server = testca_server(&leaf, NULL);
	struct peekpair *p = judged(trusting, server, true, CHAIN_TRUSTED);
	struct peek_session sessions[PEEK_SESSIONS_MAX];
	static struct tape t;

	(void)state;
	second_flight(p, &t);
	assert_int_equal(watch_record(p->peek, false, 23, 100), PEEK_WATCHING);
	for (size_t i = 0; i < t.len; i++)
		assert_int_equal(peek_watch(p->peek, true, t.octets + i, 1), PEEK_WATCHING);
	assert_int_equal(watch_record(p->peek, false, 23, 100), PEEK_WATCHING);
	/* a record whose header is half there when the answer comes */
	assert_int_equal(peek_watch(p->peek, false, "\27\3", 2), PEEK_WATCHING);
	assert_int_equal(watch_record(p->peek, true, 23, 100), PEEK_WATCHING);
	assert_int_equal(peek_watch(p->peek, false, "\3\0\2ab", 5), PEEK_WATCHING);
	assert_int_equal(watch_record(p->peek, true, 23, 100), PEEK_WATCHING);
	assert_int_equal(peek_watch(p->peek, false, "\27\3\3\0", 4), PEEK_WATCHING);
	assert_int_equal(peek_sessions(p->peek, sessions), 0);
	assert_int_equal(peek_watch(p->peek, false, "\2", 1), PEEK_SETTLED);
	assert_int_equal(peek_sessions(p->peek, sessions), 1);
	peekpair_close(p);
	SSL_CTX_free(server);
}

/* Somebody in between answers before such a client's first octets are here: what they do not reply
 * to is no answer. */
static void
an_answer_comes_after_a_question(void **state)
{
	SSL_CTX *server = testca_server(&leaf, NULL);
	struct peekpair *p = judged(trusting, server, true, CHAIN_TRUSTED);
	struct peek_session sessions[PEEK_SESSIONS_MAX];
	static struct tape t;

	(void)state;
	assert_int_equal(watch_record(p->peek, false, 23, 100), PEEK_WATCHING);	/* in clear */
	second_flight(p, &t);
	assert_int_equal(peek_watch(p->peek, true, t.octets, t.len), PEEK_WATCHING);
	assert_int_equal(watch_record(p->peek, true, 23, 100), PEEK_WATCHING);
	assert_int_equal(watch_record(p->peek, false, 23, 100), PEEK_WATCHING);
	assert_int_equal(peek_sessions(p->peek, sessions), 0);
	/* nor is a question that is not all there answered */
	assert_int_equal(peek_watch(p->peek, false, "\27\3\3\0\2a", 6), PEEK_WATCHING);
	assert_int_equal(watch_record(p->peek, true, 23, 100), PEEK_WATCHING);
	assert_int_equal(peek_watch(p->peek, false, "b", 1), PEEK_WATCHING);
	assert_int_equal(watch_record(p->peek, false, 23, 100), PEEK_WATCHING);
	assert_int_equal(watch_record(p->peek, true, 23, 100), PEEK_WATCHING);
	assert_int_equal(watch_record(p->peek, false, 23, 100), PEEK_SETTLED);
	assert_int_equal(peek_sessions(p->peek, sessions), 1);
	peekpair_close(p);
	SSL_CTX_free(server);
}

/* CVE-2014-0224: a ChangeCipherSpec before the client's own; and what is no TLS at all. */
static void
nonsense_breaks_the_watch(void **state)
{
	static const struct { bool from_server; const char *octets; size_t len; } rows[] = {
		{ true, "\24\3\3\0\1\1", 6 }, { true, "250 ok\r\n", 8 },
		{ true, "\26\3\3\0\4\2\0\0\0", 9 }, { true, "\27\3\3\0\1a", 6 },
		{ true, "\26\3\2\0\4\4\0\0\0", 9 }, { true, "\26\3\3\0\4\0\0\0\0", 9 },
		{ false, "EHLO a\r\n", 8 }, { false, "\26\3\3\xff\xff", 5 },
	};
	SSL_CTX *server = testca_server(&leaf, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct peekpair *p = judged(trusting, server, true, CHAIN_TRUSTED);
		struct peek_session sessions[PEEK_SESSIONS_MAX];

		assert_int_equal(peek_watch(p->peek, rows[i].from_server, rows[i].octets,
		    rows[i].len), PEEK_BROKEN);
		assert_int_equal(peek_watch(p->peek, false, "", 0), PEEK_BROKEN);
		assert_int_equal(peek_sessions(p->peek, sessions), 0);
		peekpair_close(p);
	}
	SSL_CTX_free(server);
}

/* An alert, in clear or not, is for the other side; to this one it is the end of the matter. */
static void
an_alert_ends_the_watch(void **state)
{
	SSL_CTX *server = testca_server(&leaf, NULL);

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct peekpair *p = judged(trusting, server, true, CHAIN_TRUSTED);
		struct peek_session sessions[PEEK_SESSIONS_MAX];

		if (i >= 2)
			assert_true(peekpair_finish(p));
		assert_int_equal(peek_watch(p->peek, i % 2, "\25\3\3\0\2\2\50", 7), PEEK_SETTLED);
		assert_int_equal(peek_sessions(p->peek, sessions), 0);
		peekpair_close(p);
	}
	SSL_CTX_free(server);
}

/* A client goes on after a warning in clear, which anybody can have sent. So does the watch: else a
 * ChangeCipherSpec that comes next would reach it (CVE-2014-0224). */
static void
a_warning_ends_nothing(void **state)
{
	SSL_CTX *server = testca_server(&leaf, NULL);

	(void)state;
	for (int early = 0; early < 2; early++) {
		struct peekpair *p = judged(trusting, server, true, CHAIN_TRUSTED);

		for (int i = 0; i < 3; i++)
			assert_int_equal(peek_watch(p->peek, true, "\25\3\3\0\2\1\160", 7),
			    PEEK_WATCHING);
		if (early) {
			assert_int_equal(peek_watch(p->peek, true, "\24\3\3\0\1\1", 6),
			    PEEK_BROKEN);
		} else {
			talk_through(p);
			assert_int_equal(peek_watch(p->peek, false, NULL, 0), PEEK_SETTLED);
		}
		peekpair_close(p);
	}
	for (int i = 0; i < 2; i++) {
		struct peekpair *p = judged(trusting, server, true, CHAIN_TRUSTED);

		/* close_notify is one by its level alone; a level that there is not is as bad */
		assert_int_equal(peek_watch(p->peek, true, i ? "\25\3\3\0\2\3\160" :
		    "\25\3\3\0\2\1\0", 7), PEEK_SETTLED);
		peekpair_close(p);
	}
	SSL_CTX_free(server);
}

/* Renegotiation is encrypted; its records are like any other. */
static void
renegotiation_is_no_concern(void **state)
{
	SSL_CTX *server = testca_server(&leaf, NULL);
	struct peek_session sessions[PEEK_SESSIONS_MAX];
	struct peekpair *p;
	char buf[8];

	(void)state;
	SSL_CTX_set_max_proto_version(server, TLS1_2_VERSION);
	p = judged(trusting, server, true, CHAIN_TRUSTED);
	assert_true(peekpair_finish(p));
	assert_true(SSL_renegotiate(p->server));
	for (int i = 0; i < 5; i++) {
		SSL_do_handshake(p->server);
		peekpair_pass(p, true);
		SSL_read(p->client, buf, sizeof buf);
		peekpair_pass(p, false);
		SSL_read(p->server, buf, sizeof buf);
	}
	assert_int_equal(SSL_num_renegotiations(p->client), 1);
	assert_true(SSL_is_init_finished(p->client) && !SSL_renegotiate_pending(p->server));
	talk_through(p);
	assert_int_equal(peek_sessions(p->peek, sessions), 1);
	peekpair_close(p);
	SSL_CTX_free(server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_resumed_session_proves_what_was_remembered),
		cmocka_unit_test(what_records_proved_is_remembered),
		cmocka_unit_test(what_was_proven_weakly_stays_weak),
		cmocka_unit_test(a_weak_session_stays_weak),
		cmocka_unit_test(names_depend_on_the_bundle),
		cmocka_unit_test(nobody_plants_a_session_for_another),
		cmocka_unit_test(a_ticket_is_no_id),
		cmocka_unit_test(nothing_to_remember_is_settled_early),
		cmocka_unit_test(a_session_is_remembered_as_long_as_it_counts),
		cmocka_unit_test(resumption_prolongs_nothing),
		cmocka_unit_test(spoilt_evidence_is_refused),
		cmocka_unit_test(a_changed_ticket_is_not_remembered),
		cmocka_unit_test(a_false_start_settles_nothing),
		cmocka_unit_test(an_answer_comes_after_a_question),
		cmocka_unit_test(nonsense_breaks_the_watch),
		cmocka_unit_test(an_alert_ends_the_watch),
		cmocka_unit_test(a_warning_ends_nothing),
		cmocka_unit_test(renegotiation_is_no_concern),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
