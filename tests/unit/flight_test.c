/* flight_test.c - hellos and flights in any cut, and only in their order
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/peekpair.h"

enum kind {
	STAPLED,	/* ECDHE; with all a server may send: status, request, ticket, ALPN */
	PLAIN,		/* ECDHE, and nothing of that */
	TRANSPORT,	/* RSA key transport */
	BY_TICKET,	/* resumed, without a new ticket */
	RENEWED,	/* resumed, with one */
	BY_ID,
	KINDS
};

static struct testca_cert root, leaf;
static struct originator *trusting;
static SSL_CTX *client, *servers[KINDS];
static SSL_SESSION *sessions[KINDS];
static struct peekpair *pairs[KINDS];

static int
staple(SSL *ssl, void *arg)
{
	unsigned char *response = OPENSSL_malloc(100);

	(void)arg;
	memset(response, 'o', 100);
	SSL_set_tlsext_status_ocsp_resp(ssl, response, 100);
	return SSL_TLSEXT_ERR_OK;
}

static int
choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *in, unsigned in_len, void *arg)
{
	(void)ssl, (void)in_len, (void)arg;
	*out = in + 1;
	*out_len = in[0];
	return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *
server_of(enum kind kind)
{
	SSL_CTX *server = testca_server(&leaf, NULL);

	assert_true(SSL_CTX_set_cipher_list(server, kind == TRANSPORT ? "AES128-SHA" :
	    "ECDHE+AESGCM"));
	if (kind == STAPLED) {
		SSL_CTX_set_verify(server, SSL_VERIFY_PEER, NULL);
		SSL_CTX_set_tlsext_status_cb(server, staple);
		SSL_CTX_set_alpn_select_cb(server, choose_protocol, NULL);
	}
	if (kind == PLAIN || kind == TRANSPORT || kind == BY_ID)
		SSL_CTX_set_options(server, SSL_OP_NO_TICKET);
	if (kind == RENEWED)
		SSL_CTX_set_tlsext_ticket_key_evp_cb(server, peekpair_ticket_key);
	return server;
}

/* A session for the kinds that resume one. */
static SSL_SESSION *
session_of(SSL_CTX *server)
{
	struct peekpair *p = peekpair_open(trusting, client, server, NULL);
	struct proof proof = { 0 };
	SSL_SESSION *session;

	assert_int_equal(peekpair_see(p), PEEK_FULL);
	assert_true(peek_prove(p->peek, true, NULL, &proof));
	proof_clear(&proof);
	peekpair_release(p);
	assert_true(peekpair_finish(p));
	session = SSL_get1_session(p->client);
	peekpair_close(p);
	return session;
}

static int
setup(void **state)
{
	static const unsigned char protocol[] = "\4smtp";

	(void)state;
	root = testca_root("Test Root");
	leaf = testca_issue(&(struct testca_spec){ .issuer = &root, .dns = PEEKPAIR_HOST,
	    .rsa_bits = 2048 });
	trusting = tlspair_originator(&root, TLS1_2_VERSION);
	client = peekpair_client();
	SSL_CTX_set_tlsext_status_type(client, TLSEXT_STATUSTYPE_ocsp);
	assert_int_equal(SSL_CTX_set_alpn_protos(client, protocol, sizeof protocol - 1), 0);
	for (enum kind k = 0; k < KINDS; k++) {
		servers[k] = server_of(k);
		if (k >= BY_TICKET)
			sessions[k] = session_of(servers[k]);
		pairs[k] = peekpair_open(trusting, client, servers[k], sessions[k]);
	}
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (enum kind k = 0; k < KINDS; k++) {
		peekpair_close(pairs[k]);
		SSL_SESSION_free(sessions[k]);
		SSL_CTX_free(servers[k]);
	}
	SSL_CTX_free(client);
	originator_free(trusting);
	testca_free(&root);
	testca_free(&leaf);
	return 0;
}

static struct peek *
peek_of(enum kind kind)
{
	struct peek *p = peek_new(trusting);
	size_t want;

	assert_non_null(p);
	assert_int_equal(peek_client(p, pairs[kind]->hello.octets, pairs[kind]->hello.len, &want),
	    PEEK_HELLO_WHOLE);
	return p;
}

/* A resumed flight is whole with its ChangeCipherSpec: its Finished is not waited for. */
static size_t
whole(enum kind kind)
{
	const struct tape *t = &pairs[kind]->flight;

	if (kind < BY_TICKET)
		return t->len;
	for (size_t at = 0; ; at += 5 + ((size_t)t->octets[at + 3] << 8 | t->octets[at + 4]))
		if (t->octets[at] == 20)
			return at + 6;
}

static enum peek_flight
end_of(enum kind kind)
{
	return kind < BY_TICKET ? PEEK_FULL : PEEK_RESUMED;
}

static void
assert_held(const struct peek *p, const void *octets, size_t len)
{
	size_t got;
	const void *held = peek_held(p, &got);

	assert_int_equal(got, len);
	assert_memory_equal(held, octets, len);
}

/* THREATS: everything fragmented at will. Two parts, cut at every octet. */
static void
a_flight_may_come_in_two_parts(void **state)
{
	(void)state;
	for (enum kind k = 0; k < KINDS; k++) {
		const struct tape *t = &pairs[k]->flight;

		for (size_t cut = 0; cut < whole(k); cut++) {
			struct peek *p = peek_of(k);

			assert_int_equal(peek_server(p, t->octets, cut), PEEK_MORE);
			assert_int_equal(peek_server(p, t->octets + cut, t->len - cut), end_of(k));
			assert_held(p, t->octets, t->len);
			peek_free(p);
		}
	}
}

static void
a_flight_may_come_octet_by_octet(void **state)
{
	(void)state;
	for (enum kind k = 0; k < KINDS; k++) {
		const struct tape *t = &pairs[k]->flight;
		struct peek *p = peek_of(k);

		for (size_t i = 0; i < whole(k); i++)
			assert_int_equal(peek_server(p, t->octets + i, 1),
			    i + 1 < whole(k) ? PEEK_MORE : end_of(k));
		assert_held(p, t->octets, whole(k));
		peek_free(p);
	}
}

static enum peek_flight
see(enum kind kind, const struct tape *t, char fault[32], bool *trusted)
{
	struct peek *p = peek_of(kind);
	enum peek_flight r = peek_server(p, t->octets, t->len);
	struct proof proof = { 0 };

	if (r == PEEK_FULL)
		assert_true(peek_prove(p, true, NULL, &proof));
	*trusted = r == PEEK_FULL && proof.chain == CHAIN_TRUSTED;
	snprintf(fault, 32, "%s", peek_fault(p));
	proof_clear(&proof);
	peek_free(p);
	return r;
}

/* Records of every size; more than PEEK_RECORDS_MAX of them no honest server makes. */
static void
records_may_be_of_any_size(void **state)
{
	static struct tape cut, clear;
	char fault[32];
	bool trusted;

	(void)state;
	for (enum kind k = 0; k < KINDS; k++) {
		clear = pairs[k]->flight;
		clear.len = whole(k);
		for (size_t size = 1; size < 5000; size += size < 200 ? 1 : 97) {
			enum peek_flight r;

			tape_cut(&clear, &cut, size);
			r = see(k, &cut, fault, &trusted);
			if (tape_records(&cut) <= PEEK_RECORDS_MAX) {
				assert_int_equal(r, end_of(k));
				assert_int_equal(trusted, k < BY_TICKET);
			} else {
				assert_int_equal(r, PEEK_BAD);
				assert_string_equal(fault, "too-many-records");
			}
		}
	}
}

/* Every record cut in two at every place: headers of messages, lengths, vectors. */
static void
a_record_may_be_cut_anywhere(void **state)
{
	static struct tape cut;
	char fault[32];
	bool trusted;

	(void)state;
	for (enum kind k = 0; k < KINDS; k++) {
		const struct tape *t = &pairs[k]->flight;

		for (size_t at = 0; at < whole(k); ) {
			size_t n = (size_t)t->octets[at + 3] << 8 | t->octets[at + 4];

			for (size_t i = 1; i < n; i += n > 400 ? 7 : 1) {
				cut.len = 0;
				tape_add(&cut, t->octets, at);
				tape_record(&cut, t->octets[at], 0x303, t->octets + at + 5, i);
				tape_record(&cut, t->octets[at], 0x303, t->octets + at + 5 + i,
				    n - i);
				tape_add(&cut, t->octets + at + 5 + n, t->len - at - 5 - n);
				assert_int_equal(see(k, &cut, fault, &trusted), end_of(k));
				assert_string_equal(fault, "");
				assert_int_equal(trusted, k < BY_TICKET);
			}
			at += 5 + n;
		}
	}
}

/* The client's own OpenSSL takes them too, so nothing is let through that ends the session. */
static void
a_client_follows_any_cut(void **state)
{
	static const size_t sizes[] = { 16384, 300, 60 };

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct peekpair *p = peekpair_open(trusting, client, servers[STAPLED], NULL);
		static struct tape cut;
		struct proof proof = { 0 };

		tape_cut(&p->flight, &cut, sizes[i]);
		p->flight = cut;
		assert_int_equal(peekpair_see(p), PEEK_FULL);
		assert_true(peek_prove(p->peek, true, NULL, &proof));
		assert_int_equal(proof.chain, CHAIN_TRUSTED);
		proof_clear(&proof);
		peekpair_release(p);
		assert_true(peekpair_finish(p));
		peekpair_close(p);
	}
}

/* --- the order ------------------------------------------------------------------------ */

/* A record for each letter: H ServerHello, C Certificate, O CertificateStatus, K ServerKeyExchange,
 * R CertificateRequest, D ServerHelloDone, T NewSessionTicket, X ChangeCipherSpec; what does not
 * belong there: h HelloRequest, F Finished in clear, u an unknown message, s a ClientHello, a an
 * alert, d application data, v a record of another version, e an empty one, x a ChangeCipherSpec of
 * 2. Between '(' and ')' messages share a record; '/' cuts the record before it in its middle, the
 * other half comes where '.' stands. */
static void
write_letter(enum kind kind, char letter, struct tape *out)
{
	static const struct { char letter; uint8_t type; } types[] = { { 'H', 2 }, { 'C', 11 },
	    { 'O', 22 }, { 'K', 12 }, { 'R', 13 }, { 'D', 14 }, { 'T', 4 } };
	const struct tape *from = &pairs[kind]->flight;
	size_t len, at = 0;

	out->len = 0;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (types[i].letter == letter) {
			at = tape_message(from, types[i].type, &len);
			if (at == 0)	/* another flight's: all the same to the order */
				at = tape_message(from = &pairs[letter == 'T' ? RENEWED : STAPLED]
				    ->flight, types[i].type, &len);
			assert_true(at > 0);
			tape_add(out, from->octets + at, len);
			return;
		}
	switch (letter) {
	case 'h':
		tape_add(out, "\0\0\0", 4);
		return;
	case 'F':
		tape_add(out, "\24\0\0\14abcdefghijkl", 16);
		return;
	case 'u':
		tape_add(out, "\77\0\0\1a", 5);
		return;
	case 's':
		tape_add(out, "\1\0\0\1a", 5);
		return;
	default:
		fail();
	}
}

static void
write_flight(enum kind kind, const char *letters, struct tape *out)
{
	static struct tape one, group, half;
	bool grouped = false;

	out->len = group.len = half.len = 0;
	for (const char *s = letters; *s; s++) {
		switch (*s) {
		case '(':
		case ')':
			if (*s == ')')
				tape_record(out, 22, 0x303, group.octets, group.len);
			grouped = *s == '(';
			group.len = 0;
			continue;
		case 'X':
			tape_record(out, 20, 0x303, "\1", 1);
			continue;
		case 'x':
			tape_record(out, 20, 0x303, "\2", 1);
			continue;
		case 'a':
			tape_record(out, 21, 0x303, "\1\132", 2);	/* a warning */
			continue;
		case 'd':
			tape_record(out, 23, 0x303, "250 ok\r\n", 8);
			continue;
		case 'e':
			tape_record(out, 22, 0x303, "", 0);
			continue;
		case 'v':
			tape_record(out, 22, 0x302, "\0\0\0", 4);
			continue;
		case '.':
			tape_record(out, 22, 0x303, half.octets, half.len);
			continue;
		default:
			break;
		}
		write_letter(kind, *s, &one);
		if (grouped) {
			tape_add(&group, one.octets, one.len);
		} else if (s[1] == '/') {
			half.len = 0;
			tape_add(&half, one.octets + one.len / 2, one.len - one.len / 2);
			tape_record(out, 22, 0x303, one.octets, one.len / 2);
			s++;
		} else {
			tape_record(out, 22, 0x303, one.octets, one.len);
		}
	}
}

static const struct order {
	enum kind kind;
	const char *letters;
	enum peek_flight end;
	const char *fault;
} orders[] = {
	/* RFC 5246 7.3, RFC 6066 section 8 */
	{ STAPLED, "HCOKRD", PEEK_FULL, "" },
	{ STAPLED, "HCKRD", PEEK_FULL, "" },
	{ STAPLED, "HCOKD", PEEK_FULL, "" },
	{ STAPLED, "HCKD", PEEK_FULL, "" },
	{ STAPLED, "(HCOKRD)", PEEK_FULL, "" },
	{ STAPLED, "(HC)O(KRD)", PEEK_FULL, "" },
	{ STAPLED, "HC/.OKRD", PEEK_FULL, "" },
	{ STAPLED, "HCOKR", PEEK_MORE, "" },
	{ STAPLED, "H", PEEK_MORE, "" },
	{ STAPLED, "", PEEK_MORE, "" },
	{ STAPLED, "C", PEEK_BAD, "wrong-order" },
	{ STAPLED, "HHCKD", PEEK_BAD, "wrong-order" },
	{ STAPLED, "HKCD", PEEK_BAD, "wrong-order" },
	{ STAPLED, "HKD", PEEK_BAD, "wrong-order" },
	{ STAPLED, "HD", PEEK_BAD, "wrong-order" },
	{ STAPLED, "HCD", PEEK_BAD, "wrong-order" },	/* as of an export suite */
	{ STAPLED, "HCOD", PEEK_BAD, "wrong-order" },
	{ STAPLED, "HCRD", PEEK_BAD, "wrong-order" },
	{ STAPLED, "HCRKD", PEEK_BAD, "wrong-order" },
	{ STAPLED, "HCKOD", PEEK_BAD, "wrong-order" },
	{ STAPLED, "HCCKD", PEEK_BAD, "wrong-order" },
	{ STAPLED, "HCKKD", PEEK_BAD, "wrong-order" },
	{ STAPLED, "HCOOKD", PEEK_BAD, "wrong-order" },
	{ STAPLED, "HCKRRD", PEEK_BAD, "wrong-order" },
	{ PLAIN, "HCKD", PEEK_FULL, "" },
	{ TRANSPORT, "HCD", PEEK_FULL, "" },
	{ TRANSPORT, "HCRD", PEEK_FULL, "" },
	{ TRANSPORT, "HCKD", PEEK_BAD, "wrong-order" },	/* FREAK and its kin */
	{ TRANSPORT, "HCRKD", PEEK_BAD, "wrong-order" },
	/* nothing stands behind ServerHelloDone before the client has answered */
	{ STAPLED, "HCKDh", PEEK_BAD, "wrong-order" },
	{ STAPLED, "HCKDX", PEEK_BAD, "wrong-order" },
	{ STAPLED, "HCKDTX", PEEK_BAD, "wrong-order" },
	{ STAPLED, "HCK(DT)X", PEEK_BAD, "wrong-order" },
	{ STAPLED, "HCKDT/", PEEK_BAD, "wrong-order" },
	{ STAPLED, "HCKDd", PEEK_BAD, "wrong-order" },
	{ STAPLED, "HCKDa", PEEK_BAD, "alert" },
	/* what belongs into no flight */
	{ STAPLED, "a", PEEK_BAD, "alert" },
	{ STAPLED, "HaCKD", PEEK_BAD, "alert" },
	{ STAPLED, "HCKaD", PEEK_BAD, "alert" },
	{ STAPLED, "HC/a.KD", PEEK_BAD, "alert" },
	{ STAPLED, "hHCKD", PEEK_BAD, "wrong-order" },
	{ STAPLED, "HhCKD", PEEK_BAD, "wrong-order" },
	{ STAPLED, "HCKhD", PEEK_BAD, "wrong-order" },
	{ STAPLED, "HCKuD", PEEK_BAD, "wrong-order" },
	{ STAPLED, "HsCKD", PEEK_BAD, "wrong-order" },
	{ STAPLED, "HCFKD", PEEK_BAD, "wrong-order" },
	{ STAPLED, "HdCKD", PEEK_BAD, "wrong-order" },
	{ STAPLED, "d", PEEK_BAD, "wrong-order" },
	{ STAPLED, "HeCKD", PEEK_BAD, "empty-record" },
	{ STAPLED, "HCKvD", PEEK_BAD, "record-version" },
	/* CVE-2014-0224: encryption begins when there are keys, not before */
	{ STAPLED, "XHCKD", PEEK_BAD, "wrong-order" },
	{ STAPLED, "HXCKD", PEEK_BAD, "wrong-order" },
	{ STAPLED, "HCXKD", PEEK_BAD, "wrong-order" },
	{ STAPLED, "HCKXD", PEEK_BAD, "wrong-order" },
	{ STAPLED, "HC/X.KD", PEEK_BAD, "wrong-order" },
	/* a session that nobody offered is not resumed */
	{ STAPLED, "HX", PEEK_BAD, "wrong-order" },
	{ STAPLED, "HTX", PEEK_BAD, "wrong-order" },
	{ PLAIN, "HX", PEEK_BAD, "wrong-order" },
	/* RFC 5077 3.1 */
	{ BY_TICKET, "HX", PEEK_RESUMED, "" },
	{ BY_TICKET, "HTX", PEEK_BAD, "wrong-order" },	/* not announced */
	{ BY_TICKET, "HCKD", PEEK_BAD, "wrong-order" },	/* it said that it would resume */
	{ BY_TICKET, "Hx", PEEK_BAD, "malformed" },
	{ BY_TICKET, "HT/X", PEEK_BAD, "wrong-order" },
	{ BY_TICKET, "HhX", PEEK_BAD, "wrong-order" },
	{ RENEWED, "HTX", PEEK_RESUMED, "" },
	{ RENEWED, "(HT)X", PEEK_RESUMED, "" },
	{ RENEWED, "HT/.X", PEEK_RESUMED, "" },
	{ RENEWED, "HT/X.", PEEK_BAD, "wrong-order" },
	{ RENEWED, "HX", PEEK_BAD, "wrong-order" },
	{ RENEWED, "HTTX", PEEK_BAD, "wrong-order" },
	{ RENEWED, "HTd", PEEK_BAD, "wrong-order" },
	{ RENEWED, "HTCKD", PEEK_BAD, "wrong-order" },
	{ BY_ID, "HX", PEEK_RESUMED, "" },
	{ BY_ID, "HC", PEEK_BAD, "wrong-order" },
};

static void
only_the_order_of_the_standard_passes(void **state)
{
	static struct tape t;

	(void)state;
	for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
		const struct order *o = &orders[i];
		struct peek *p = peek_of(o->kind), *slow = peek_of(o->kind);
		enum peek_flight r = PEEK_MORE;

		print_message("# %d %s\n", o->kind, o->letters);
		write_flight(o->kind, o->letters, &t);
		assert_int_equal(peek_server(p, t.octets, t.len), o->end);
		assert_string_equal(peek_fault(p), o->fault);
		/* what is behind the end is not seen in time by one who is handed it later */
		for (size_t at = 0; at < t.len && r == PEEK_MORE; at++)
			r = peek_server(slow, t.octets + at, 1);
		assert_true(r == o->end || (r == PEEK_FULL && strchr(o->letters, 'D')[1] != '\0'));
		peek_free(p);
		peek_free(slow);
	}
}

/* RFC 5077 3.4: the answer to another session id than the one offered resumes nothing. */
static void
an_id_must_be_repeated(void **state)
{
	(void)state;
	for (enum kind k = BY_TICKET; k < KINDS; k++) {
		static struct tape changed;
		size_t len, at = tape_message(&pairs[k]->flight, 2, &len);
		char fault[32];
		bool trusted;

		changed = pairs[k]->flight;
		assert_int_equal(changed.octets[at + 4 + 34], 32);
		changed.octets[at + 4 + 34 + 32] ^= 1;
		assert_int_equal(see(k, &changed, fault, &trusted), PEEK_BAD);
		assert_string_equal(fault, "wrong-order");
	}
}

/* What is announced to be too long is not collected. */
static void
a_flight_has_an_end(void **state)
{
	static struct tape t;
	static uint8_t filler[16384];
	struct peek *p = peek_of(STAPLED);
	size_t i;

	(void)state;
	write_flight(STAPLED, "H", &t);
	assert_int_equal(peek_server(p, t.octets, t.len), PEEK_MORE);
	t.len = 0;
	tape_record(&t, 22, 0x303, "\13\2\0\0", 4);
	assert_int_equal(peek_server(p, t.octets, t.len), PEEK_BAD);
	assert_string_equal(peek_fault(p), "too-long");
	peek_free(p);
	p = peek_of(STAPLED);
	write_flight(STAPLED, "H", &t);
	assert_int_equal(peek_server(p, t.octets, t.len), PEEK_MORE);
	t.len = 0;
	tape_record(&t, 22, 0x303, "\13\1\377\0", 4);
	assert_int_equal(peek_server(p, t.octets, t.len), PEEK_MORE);
	t.len = 0;
	tape_record(&t, 22, 0x303, filler, sizeof filler);
	for (i = 0; i < 100 && peek_server(p, t.octets, t.len) == PEEK_MORE; i++)
		continue;
	assert_in_range(i, 6, 7);
	peek_free(p);
}

static void
other_protocols_are_told_at_once(void **state)
{
	static const struct { const char *octets; size_t len; const char *fault; } rows[] = {
		{ "250", 1, "not-tls" }, { "454 4.7.0", 3, "not-tls" },
		{ "\x16\x02\0", 2, "not-tls" }, { "\x80\x2e\x01\0\2", 1, "not-tls" },
		{ "\x16\3\3\x50\0", 5, "too-long" }, { "\x16\3\3\0\0", 5, "empty-record" },
		{ "\x14\3\3\0\2", 5, "too-long" }, { "\x18\3\3\0\1", 1, "not-tls" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct peek *p = peek_of(PLAIN);
		size_t at = 0;

		while (peek_server(p, rows[i].octets + at, 1) == PEEK_MORE)
			at++;
		assert_in_range(at + 1, 1, rows[i].len);
		assert_string_equal(peek_fault(p), rows[i].fault);
		peek_free(p);
	}
}

/* --- the ClientHello ------------------------------------------------------------------ */

/* Looked at again and again from its first octet: each call says how many are worth waiting for. */
static void
check_hello(const struct tape *t)
{
	struct peek *p = peek_new(trusting), *patient = peek_new(trusting);
	size_t want = 0, before = 0, len, calls = 0;

	for (size_t i = 0; i < t->len; i++) {
		assert_int_equal(peek_client(p, t->octets, i, &want), PEEK_HELLO_MORE);
		assert_in_range(want, i + 1, t->len);
		assert_true(want >= before);
		before = want;
	}
	assert_int_equal(peek_client(p, t->octets, t->len, &want), PEEK_HELLO_WHOLE);
	assert_memory_equal(peek_hello(p, &len), t->octets, t->len);
	assert_int_equal(len, t->len);
	assert_string_equal(peek_sni(p), PEEKPAIR_HOST);
	for (want = 0; peek_client(patient, t->octets, want, &want) == PEEK_HELLO_MORE; calls++)
		continue;
	assert_string_equal(peek_fault(patient), "");
	assert_in_range(calls, 2, 2 * tape_records(t));
	peek_free(p);
	peek_free(patient);
}

static void
a_hello_may_come_in_any_parts(void **state)
{
	static struct tape cut;
	struct peekpair *big;
	static unsigned char protocols[1800];
	SSL_CTX *ctx = peekpair_client();

	(void)state;
	for (enum kind k = 0; k < KINDS; k++)
		for (size_t size = 16384; size * PEEK_RECORDS_MAX > pairs[k]->hello.len;
		    size = size * 2 / 3) {
			tape_cut(&pairs[k]->hello, &cut, size);
			check_hello(&cut);
		}
	/* more than one segment, as with the keys of ML-KEM */
	memset(protocols, 99, sizeof protocols);
	assert_int_equal(SSL_CTX_set_alpn_protos(ctx, protocols, sizeof protocols), 0);
	big = peekpair_open(trusting, ctx, servers[PLAIN], NULL);
	assert_true(big->hello.len > 1800);
	check_hello(&big->hello);
	peekpair_close(big);
	SSL_CTX_free(ctx);
}

static const char *
hello_fault(const void *octets, size_t len)
{
	struct peek *p = peek_new(trusting);
	size_t want = 0;
	enum peek_hello r = peek_client(p, octets, len, &want);
	const char *fault = peek_fault(p);

	assert_int_equal(r == PEEK_HELLO_BAD, fault[0] != '\0');
	peek_free(p);
	return fault;
}

static void
no_other_hello_is_followed(void **state)
{
	static struct tape t, cut;

	(void)state;
	t = pairs[PLAIN]->hello;
	assert_string_equal(hello_fault("EHLO mta\r\n", 10), "not-tls");
	assert_string_equal(hello_fault("\x80\x2e\x01\x03\x01", 5), "not-tls");	/* SSLv2 */
	assert_string_equal(hello_fault("\x15\3\1\0\2\2\x28", 7), "alert");
	assert_string_equal(hello_fault("\x17\3\1\0\1a", 6), "wrong-order");
	assert_string_equal(hello_fault("\x16\3\1\0\4\2\0\0\0", 9), "wrong-order");
	assert_string_equal(hello_fault("\x16\3\1\0\4\1\0\0\0", 9), "hello-malformed");
	assert_string_equal(hello_fault("\x16\3\1\0\4\1\2\0\0", 9), "too-long");
	assert_string_equal(hello_fault("\x16\3\1\0\0", 5), "empty-record");
	tape_add(&t, "a", 1);		/* early data, a Finished, a command */
	assert_string_equal(hello_fault(t.octets, t.len), "octets-behind-hello");
	t = pairs[PLAIN]->hello;
	tape_record(&t, 22, 0x301, "\0\0\0", 4);
	assert_string_equal(hello_fault(t.octets, t.len), "octets-behind-hello");
	tape_cut(&t, &cut, 16384);
	assert_string_equal(hello_fault(cut.octets, cut.len), "octets-behind-hello");
	tape_cut(&pairs[PLAIN]->hello, &cut, 1);
	assert_string_equal(hello_fault(cut.octets, cut.len), "too-many-records");
	t.len = 0;
	tape_record(&t, 22, 0x301, "\1\0\377\377", 4);
	for (int i = 0; i < 2; i++)
		tape_record(&t, 22, 0x301, pairs[STAPLED]->flight.octets, 16384);
	assert_string_equal(hello_fault(t.octets, t.len), "too-long");
}

/* Whoever takes the octets out of the socket has room for PEEK_HELLO_MAX of them. */
static void
a_hello_has_an_end(void **state)
{
	static struct tape base, joined, cut;
	size_t size[] = { PEEK_HELLO_MAX, PEEK_HELLO_MAX + 1 }, len;

	(void)state;
	tape_cut(&pairs[PLAIN]->hello, &base, 16384);
	for (size_t i = 0; i < 2; i++) {
		uint8_t *block = base.octets + 5 + 4 + 2 + 32, *message = joined.octets + 5;
		size_t room = size[i] - 2 * 5, old, pad;

		block += 1 + block[0];				/* session id */
		block += 2 + (block[0] << 8 | block[1]);	/* suites */
		block += 1 + block[0];				/* compressions */
		old = (size_t)block[0] << 8 | block[1];
		len = base.len - 5;
		pad = room - len - 4;
		joined = base;
		block = joined.octets + (block - base.octets);
		memcpy(message + len, (uint8_t[]){ 0, 21, (uint8_t)(pad >> 8), (uint8_t)pad }, 4);
		memset(message + len + 4, 0, pad);		/* RFC 7685 */
		block[0] = (uint8_t)((old + 4 + pad) >> 8);
		block[1] = (uint8_t)(old + 4 + pad);
		message[2] = (uint8_t)((room - 4) >> 8);
		message[3] = (uint8_t)(room - 4);
		cut.len = 0;
		tape_record(&cut, 22, 0x301, message, 16384);
		tape_record(&cut, 22, 0x301, message + 16384, room - 16384);
		assert_int_equal(cut.len, size[i]);
		assert_string_equal(hello_fault(cut.octets, cut.len), i == 0 ? "" : "too-long");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flight_may_come_in_two_parts),
		cmocka_unit_test(a_flight_may_come_octet_by_octet),
		cmocka_unit_test(records_may_be_of_any_size),
		cmocka_unit_test(a_record_may_be_cut_anywhere),
		cmocka_unit_test(a_client_follows_any_cut),
		cmocka_unit_test(only_the_order_of_the_standard_passes),
		cmocka_unit_test(an_id_must_be_repeated),
		cmocka_unit_test(a_flight_has_an_end),
		cmocka_unit_test(other_protocols_are_told_at_once),
		cmocka_unit_test(a_hello_may_come_in_any_parts),
		cmocka_unit_test(no_other_hello_is_followed),
		cmocka_unit_test(a_hello_has_an_end),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
