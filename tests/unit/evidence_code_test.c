/* evidence_code_test.c - evidence written down and read again, whole or damaged
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/testca.h"
#include "tests/unit/testtlsa.h"
#include "tls/evidence.h"

#define ROOM 70000
#define DAY (24 * 3600)

static struct testca_cert root, middle, stranger;
static struct dane_checker *checker;

static int
setup(void **state)
{
	(void)state;
	root = testca_root("Root");
	middle = testca_issue(&(struct testca_spec){ .issuer = &root, .cn = "Middle", .ca = true,
	    .from_days = -2, .until_days = 3 });
	stranger = testca_root("Stranger");
	checker = dane_checker_new();
	assert_non_null(checker);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	testca_free(&root);
	testca_free(&middle);
	testca_free(&stranger);
	dane_checker_free(checker);
	return 0;
}

/* What a handshake with this leaf (and intermediate) would show somebody who trusts the root. */
static struct evidence *
collect_under(const struct testca_cert *leaf, const struct testca_cert *sent,
    const struct tlsa_set *tlsa)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *chain = sk_X509_new_null();
	struct evidence *e;

	assert_true(store && ctx && chain && X509_STORE_add_cert(store, root.x509));
	assert_true(sk_X509_push(chain, leaf->x509));
	if (sent)
		assert_true(sk_X509_push(chain, sent->x509));
	assert_true(X509_STORE_CTX_init(ctx, store, leaf->x509, chain));
	assert_true(X509_STORE_CTX_set_default(ctx, "ssl_server"));
	e = evidence_collect(ctx, checker, tlsa);
	assert_non_null(e);
	X509_STORE_CTX_free(ctx);
	sk_X509_free(chain);
	X509_STORE_free(store);
	return e;
}

static struct evidence *
collect(const struct testca_cert *leaf, const struct testca_cert *sent)
{
	return collect_under(leaf, sent, NULL);
}

static struct evidence *
evidence_of(const struct testca_spec *spec, const struct testca_cert *sent)
{
	struct testca_cert leaf = testca_issue(spec);
	struct evidence *e = collect(&leaf, sent);

	testca_free(&leaf);
	return e;
}

static void
assert_same_proof(const struct evidence *a, const struct evidence *b, time_t now)
{
	struct proof p = { 0 }, q = { 0 };

	assert_true(evidence_fill(a, now, &p) && evidence_fill(b, now, &q));
	assert_int_equal(p.chain, q.chain);
	assert_string_equal(p.detail, q.detail);
	assert_int_equal(p.not_after, q.not_after);
	assert_string_equal(p.subject, q.subject);
	assert_string_equal(p.issuer, q.issuer);
	assert_int_equal(p.names_len, q.names_len);
	for (size_t i = 0; i < p.names_len; i++)
		assert_string_equal(p.names[i], q.names[i]);
	assert_int_equal(p.chain_len, q.chain_len);
	assert_memory_equal(p.chain_sha256, q.chain_sha256, sizeof p.chain_sha256);
	assert_int_equal(p.dane, q.dane);
	assert_memory_equal(p.dane_digest, q.dane_digest, sizeof p.dane_digest);
	assert_int_equal(p.dane_base, q.dane_base);
	assert_int_equal(p.dane_record, q.dane_record);
	assert_int_equal(p.dane_depth, q.dane_depth);
	assert_string_equal(p.dane_detail, q.dane_detail);
	proof_clear(&p);
	proof_clear(&q);
}

/* Encodes, decodes from a block of exactly that size, and encodes again. */
static size_t
assert_round_trip(const struct evidence *e)
{
	static uint8_t code[ROOM], again[ROOM];
	size_t len = evidence_encode(e, code, sizeof code);
	uint8_t *exact = malloc(len);
	struct evidence *d;

	assert_true(len > 0 && exact);
	memcpy(exact, code, len);
	d = evidence_decode(exact, len);
	free(exact);
	assert_non_null(d);
	assert_int_equal(evidence_made(d), evidence_made(e));
	assert_int_equal(evidence_until(d), evidence_until(e));
	assert_int_equal(evidence_octets(d), evidence_octets(e));
	assert_same_proof(e, d, evidence_made(e));
	assert_same_proof(e, d, evidence_until(e));
	if (evidence_until(e) < INT64_MAX)
		assert_same_proof(e, d, evidence_until(e) + 1);
	assert_int_equal(evidence_encode(d, again, sizeof again), len);
	assert_memory_equal(code, again, len);
	for (size_t room = 0; room < len; room += room + 20 < len ? 17 : 1)
		assert_int_equal(evidence_encode(e, again, room), 0);
	evidence_release(d);
	return len;
}

static void
what_stands_comes_back(void **state)
{
	static const struct testca_spec specs[] = {
		{ .issuer = &root, .dns = "mx.example.org" },
		{ .issuer = &root, .cn = "no name at all" },
		{ .issuer = &root, .cn = "mx", .dns = "a.example,*.b.example,xn--c.example" },
		{ .issuer = &root, .dns = "a!b.example,c.example,!" },
		{ .issuer = &root, .cn = "\xc3\xa9\x01\x02" },
		{ .issuer = &middle, .dns = "mx.example.org", .rsa_bits = 2048 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
		struct evidence *e = evidence_of(&specs[i],
		    specs[i].issuer == &middle ? &middle : NULL);

		assert_true(assert_round_trip(e) < 8192);
		evidence_release(e);
	}
}

/* 300 names of 200 octets: only the first 256 are kept, and all of them come back. */
static void
the_largest_comes_back(void **state)
{
	char *dns = malloc(300 * 256), *s = dns;
	struct evidence *e;
	struct proof p = { 0 };

	(void)state;
	assert_non_null(dns);
	for (int i = 0; i < 300; i++)
		s += sprintf(s, "%s%0200d", i ? "," : "", i);
	e = evidence_of(&(struct testca_spec){ .issuer = &root, .dns = dns }, NULL);
	assert_true(assert_round_trip(e) > 256 * 201);
	assert_true(evidence_fill(e, evidence_made(e), &p));
	assert_int_equal(p.names_len, PROOF_NAMES_MAX);
	proof_clear(&p);
	evidence_release(e);
	free(dns);
}

/* The end of what was proven is the first end among the chain's certificates, here that of the
 * intermediate, and a copy read later knows it. */
static void
the_chains_end_is_kept(void **state)
{
	static uint8_t code[ROOM];
	struct evidence *e = evidence_of(&(struct testca_spec){ .issuer = &middle,
	    .dns = "mx.example.org" }, &middle), *d;
	time_t until = evidence_until(e);
	struct proof p = { 0 };

	(void)state;
	assert_in_range(until - evidence_made(e), 3 * DAY - 60, 3 * DAY + 60);
	d = evidence_decode(code, evidence_encode(e, code, sizeof code));
	assert_non_null(d);
	assert_true(evidence_fill(d, until, &p));
	assert_int_equal(p.chain, CHAIN_TRUSTED);
	assert_string_equal(p.detail, "");
	proof_clear(&p);
	assert_true(evidence_fill(d, until + 1, &p));
	assert_int_equal(p.chain, CHAIN_EXPIRED);
	assert_string_equal(p.detail, "certificate has expired");
	assert_true(p.not_after > until);
	proof_clear(&p);
	evidence_release(e);
	evidence_release(d);
}

static void
only_what_stands_is_written(void **state)
{
	static uint8_t code[ROOM];
	static const struct testca_spec faulty[] = {
		{ .dns = "mx.example.org" },
		{ .issuer = &stranger, .dns = "mx.example.org" },
		{ .issuer = &root, .dns = "mx.example.org", .from_days = -9, .until_days = -1 },
		{ .issuer = &root, .dns = "mx.example.org", .client_only = true },
		{ .issuer = &root, .dns = "mx.example.org", .rsa_bits = 1024 },
	};
	struct evidence *e;

	(void)state;
	for (size_t i = 0; i < sizeof faulty / sizeof *faulty; i++) {
		e = evidence_of(&faulty[i], NULL);
		assert_int_equal(evidence_encode(e, code, sizeof code), 0);
		evidence_release(e);
	}
	e = evidence_of(&(struct testca_spec){ .issuer = &root, .dns = "mx.example.org" }, NULL);
	assert_true(evidence_encode(e, code, sizeof code) > 0);
	assert_true(evidence_weaken(&e, "too weak"));
	assert_int_equal(evidence_encode(e, code, sizeof code), 0);
	evidence_release(e);
}

/* What stands by a CA, by a record, by both: all that was found comes back, faults too. */
static const struct by_record {
	const char *title;
	struct testca_spec spec;
	const struct testca_cert *sent, *of;	/* NULL: the leaf itself */
	uint8_t usage, selector, matching;
	enum proof_chain chain;
	enum proof_dane dane;
} by_records[] = {
	{ "the leaf's key", { .dns = "mx.example.org" }, NULL, NULL, 3, 1, 1, CHAIN_UNTRUSTED,
	    PROOF_DANE_EE },
	{ "an expired leaf", { .issuer = &root, .dns = "mx.example.org", .from_days = -9,
	    .until_days = -1 }, NULL, NULL, 3, 0, 2, CHAIN_EXPIRED, PROOF_DANE_EE },
	{ "for clients", { .issuer = &root, .dns = "mx.example.org", .client_only = true }, NULL,
	    NULL, 3, 0, 0, CHAIN_INVALID, PROOF_DANE_EE },
	{ "a stranger's", { .issuer = &stranger, .dns = "mx.example.org" }, &stranger, &stranger, 2,
	    1, 1, CHAIN_UNTRUSTED, PROOF_DANE_TA },
	{ "a stranger's bare key", { .issuer = &stranger, .cn = "mx" }, NULL, &stranger, 2, 1, 0,
	    CHAIN_UNTRUSTED, PROOF_DANE_TA },
	{ "CA and record", { .issuer = &middle, .dns = "mx.example.org" }, &middle, &middle, 2, 0,
	    1, CHAIN_TRUSTED, PROOF_DANE_TA },
	{ "CA and leaf", { .issuer = &root, .dns = "mx.example.org" }, NULL, NULL, 3, 1, 2,
	    CHAIN_TRUSTED, PROOF_DANE_EE },
	{ "CA alone", { .issuer = &root, .dns = "mx.example.org" }, NULL, &stranger, 3, 1, 1,
	    CHAIN_TRUSTED, PROOF_DANE_UNMATCHED },
	{ "neither", { .dns = "mx.example.org" }, NULL, &stranger, 3, 1, 1, CHAIN_UNTRUSTED,
	    PROOF_DANE_UNMATCHED },
	{ "expired, with usage 2", { .issuer = &stranger, .dns = "mx.example.org", .from_days = -9,
	    .until_days = -1 }, &stranger, &stranger, 2, 0, 1, CHAIN_UNTRUSTED,
	    PROOF_DANE_EXPIRED },
	{ "for clients, with usage 2", { .issuer = &stranger, .dns = "mx.example.org",
	    .client_only = true }, &stranger, &stranger, 2, 0, 1, CHAIN_UNTRUSTED,
	    PROOF_DANE_INVALID },
};

static void
check_record(const struct by_record *b)
{
	static uint8_t code[ROOM];
	struct testca_cert leaf = testca_issue(&b->spec);
	struct testtlsa t;
	struct evidence *e;
	struct proof p = { 0 };
	bool kept = b->chain == CHAIN_TRUSTED || b->dane == PROOF_DANE_EE ||
	    b->dane == PROOF_DANE_TA;

	print_message("# %s\n", b->title);
	testtlsa_open(&t, "mx.example.org");
	testtlsa_add(&t, 3, 1, 1, middle.x509);
	testtlsa_add(&t, b->usage, b->selector, b->matching, b->of ? b->of->x509 : leaf.x509);
	e = collect_under(&leaf, b->sent, &t.set);
	assert_true(evidence_fill(e, evidence_made(e), &p));
	assert_int_equal(p.chain, b->chain);
	assert_int_equal(p.dane, b->dane);
	assert_int_equal(p.dane_record, b->dane != PROOF_DANE_UNMATCHED);
	assert_true(tlsa_same(&t.set, p.dane_digest));
	proof_clear(&p);
	if (kept)
		assert_true(assert_round_trip(e) < 2048);
	else
		assert_int_equal(evidence_encode(e, code, sizeof code), 0);
	assert_true(evidence_weaken(&e, "no key"));	/* what matters most of all: no key, no proof */
	assert_true(evidence_fill(e, evidence_made(e), &p));
	assert_int_equal(p.dane, b->dane == PROOF_DANE_UNMATCHED ? PROOF_DANE_UNMATCHED :
	    PROOF_DANE_INVALID);
	assert_int_not_equal(p.chain, CHAIN_TRUSTED);
	assert_int_equal(evidence_encode(e, code, sizeof code), 0);
	proof_clear(&p);
	evidence_release(e);
	testtlsa_free(&t);
	testca_free(&leaf);
}

static void
what_records_say_comes_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof by_records / sizeof *by_records; i++)
		check_record(&by_records[i]);
}

/* Each of the two has its own end; a leaf that is named by itself has none. */
static void
ends_are_apart(void **state)
{
	struct testca_cert leaf = testca_issue(&(struct testca_spec){ .issuer = &middle,
	    .dns = "mx.example.org" });
	struct testtlsa t;
	struct evidence *e;
	struct proof p = { 0 };
	X509 *longer = X509_dup(middle.x509);	/* the same CA, which lasts */

	(void)state;
	testtlsa_open(&t, "mx.example.org");
	assert_true(longer && X509_gmtime_adj(X509_getm_notAfter(longer), 20 * DAY) &&
	    X509_sign(longer, root.key, EVP_sha256()));
	testtlsa_add(&t, 2, 0, 0, longer);
	e = collect_under(&leaf, &middle, &t.set);
	assert_in_range(evidence_until(e) - evidence_made(e), 19 * DAY, 20 * DAY);
	assert_round_trip(e);
	assert_true(evidence_fill(e, evidence_until(e), &p));
	assert_int_equal(p.chain, CHAIN_EXPIRED);
	assert_int_equal(p.dane, PROOF_DANE_TA);
	proof_clear(&p);
	assert_true(evidence_fill(e, evidence_until(e) + 1, &p));
	assert_int_equal(p.dane, PROOF_DANE_EXPIRED);
	assert_string_equal(p.dane_detail, "certificate has expired");
	proof_clear(&p);
	evidence_release(e);
	testtlsa_add(&t, 3, 1, 1, leaf.x509);
	e = collect_under(&leaf, &middle, &t.set);
	assert_true(evidence_until(e) == INT64_MAX);
	assert_true(evidence_fill(e, INT64_MAX, &p));
	assert_int_equal(p.chain, CHAIN_EXPIRED);
	assert_int_equal(p.dane, PROOF_DANE_EE);
	proof_clear(&p);
	evidence_release(e);
	testtlsa_free(&t);
	testca_free(&leaf);
	X509_free(longer);
}

/* A decoded one, put together by hand as evidence_code.c describes it. */
static const uint8_t sample[] = {
	2,
	0, 18,					/* 1: self-signed */
	0, 0, 0, 0, 0, 0, 0, 0,			/* 3: until */
	0, 0, 0, 0, 0x68, 0, 0, 0,		/* 11: made */
	0, 0, 0, 0, 0x71, 0, 0, 0,		/* 19: not_after */
	0, 0, 4, 0,				/* 27: octets */
	4, 'C', 'N', '=', 'a', 4, 'C', 'N', '=', 'b',	/* 31 */
	0, 0, 6, 2, 'm', 'x', 2, '*', '.',	/* 41: names */
	1,					/* 50: certificates */
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
	16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
	2,					/* 83: PROOF_DANE_TA */
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,	/* 84: digest */
	16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
	7, 31, 12,				/* 116: base, record, depth */
	0, 0,					/* 119: no fault */
	0, 0, 0, 0, 0x70, 0, 0, 0		/* 121: until */
};

static bool
reads(const uint8_t *code, size_t len)
{
	struct evidence *e = evidence_decode(code, len);

	evidence_release(e);
	return e != NULL;
}

static void
the_format_is_known(void **state)
{
	struct evidence *e = evidence_decode(sample, sizeof sample);
	struct proof p = { 0 };
	uint8_t again[sizeof sample];

	(void)state;
	assert_non_null(e);
	assert_int_equal(evidence_until(e), 0x70000000);
	assert_int_equal(evidence_made(e), 0x68000000);
	assert_int_equal(evidence_octets(e), 1024);
	assert_true(evidence_fill(e, 0x69000000, &p));
	assert_int_equal(p.chain, CHAIN_UNTRUSTED);
	assert_string_equal(p.detail, "self-signed certificate");
	assert_int_equal(p.dane, PROOF_DANE_TA);
	assert_memory_equal(p.dane_digest, sample + 84, TLSA_DIGEST);
	assert_int_equal(p.dane_base, 7);
	assert_int_equal(p.dane_record, 31);
	assert_int_equal(p.dane_depth, 12);
	assert_string_equal(p.dane_detail, "");
	assert_int_equal(p.not_after, 0x71000000);
	assert_string_equal(p.subject, "CN=a");
	assert_string_equal(p.issuer, "CN=b");
	assert_int_equal(p.names_len, 2);
	assert_string_equal(p.names[0], "mx");
	assert_string_equal(p.names[1], "*.");
	assert_int_equal(p.chain_len, 1);
	assert_memory_equal(p.chain_sha256[0], sample + 51, 32);
	assert_int_equal(evidence_encode(e, again, sizeof again), sizeof sample);
	assert_memory_equal(again, sample, sizeof sample);
	proof_clear(&p);
	evidence_release(e);
}

static void
what_is_cut_or_longer_is_refused(void **state)
{
	uint8_t longer[sizeof sample + 1] = { 0 };

	(void)state;
	memcpy(longer, sample, sizeof sample);
	assert_false(reads(longer, sizeof longer));
	for (size_t len = 0; len < sizeof sample; len++) {
		uint8_t *exact = malloc(len ? len : 1);

		assert_non_null(exact);
		memcpy(exact, sample, len);
		assert_false(reads(exact, len));
		free(exact);
	}
	assert_null(evidence_decode(NULL, 0));
}

static void
what_cannot_be_is_refused(void **state)
{
	static const struct { const char *why; size_t at; uint8_t octet; } damaged[] = {
		{ "another version", 0, 0 }, { "another version", 0, 1 },
		{ "another version", 0, 3 },
		{ "a chain that does not stand has no end", 10, 1 },
		{ "a chain that stands has one", 2, 0 }, { "a negative end", 3, 0x80 },
		{ "made after its end", 15, 0x71 }, { "made before time", 11, 0x80 },
		{ "a leaf's negative end", 19, 0xff }, { "a leaf ends before its chain", 23, 0x6f },
		{ "a chain of no octets", 29, 0 },
		{ "a control in the subject", 33, 0x1b }, { "8-bit text in the issuer", 39, 0x80 },
		{ "a longer subject", 31, 5 }, { "a shorter subject", 31, 3 },
		{ "more names", 43, 7 }, { "fewer names", 43, 5 }, { "no names", 43, 0 },
		{ "an empty name", 44, 0 }, { "a name too long", 44, 3 },
		{ "a name's NUL", 45, 0 }, { "no certificate", 50, 0 },
		{ "two certificates", 50, 2 }, { "many certificates", 50, 255 },
		{ "not asked, and more behind it", 83, 0 }, { "a leaf with an end", 83, 1 },
		{ "expired without a fault", 83, 3 }, { "invalid without a fault", 83, 4 },
		{ "unmatched with a record", 83, 5 }, { "another standing", 83, 6 },
		{ "another standing", 83, 255 }, { "a base too many", 116, 8 },
		{ "a base too many", 116, 255 }, { "a record too many", 117, 32 },
		{ "too deep", 118, 13 }, { "a fault of what stands", 120, 10 },
		{ "ends before it was made", 125, 0x67 }, { "outlives its leaf", 125, 0x72 },
		{ "a negative end", 121, 0x80 },
	};
	uint8_t code[sizeof sample];

	(void)state;
	for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
		memcpy(code, sample, sizeof sample);
		code[damaged[i].at] = damaged[i].octet;
		if (reads(code, sizeof code))
			fail_msg("%s", damaged[i].why);
	}
	memcpy(code, sample, sizeof sample);
	memset(code + 11, 0, 8);
	assert_false(reads(code, sizeof code));
}

/* The sample with another standing, fault and end of its own and of the record's. */
static bool
reads_standing(uint8_t chain_fault, uint8_t chain_end, uint8_t dane, uint8_t fault, uint8_t end)
{
	uint8_t code[sizeof sample];

	memcpy(code, sample, sizeof sample);
	code[2] = chain_fault;
	code[7] = chain_end;
	code[83] = dane;
	code[120] = fault;
	code[125] = end;
	if (dane == PROOF_DANE_UNMATCHED)
		memset(code + 116, 0, 3);
	return reads(code, dane == PROOF_DANE_NOT_ASKED ? 84 : sizeof code);
}

/* One of both at least, each with what belongs to it: 18 is self-signed, 10 expired, 26 for another
 * purpose, 65 no match. */
static void
something_must_stand(void **state)
{
	(void)state;
	assert_true(reads_standing(0, 0x70, PROOF_DANE_NOT_ASKED, 0, 0));
	assert_true(reads_standing(0, 0x70, PROOF_DANE_EE, 0, 0));
	assert_true(reads_standing(0, 0x70, PROOF_DANE_TA, 0, 0x6f));
	assert_true(reads_standing(0, 0x70, PROOF_DANE_EXPIRED, 10, 0));
	assert_true(reads_standing(0, 0x70, PROOF_DANE_INVALID, 26, 0));
	assert_true(reads_standing(0, 0x70, PROOF_DANE_UNMATCHED, 65, 0));
	assert_true(reads_standing(10, 0, PROOF_DANE_EE, 0, 0));
	assert_true(reads_standing(26, 0, PROOF_DANE_TA, 0, 0x70));
	assert_false(reads_standing(0, 0, PROOF_DANE_EE, 0, 0));
	assert_false(reads_standing(0, 0x70, PROOF_DANE_EE, 0, 0x70));
	assert_false(reads_standing(0, 0x70, PROOF_DANE_EXPIRED, 26, 0));
	assert_false(reads_standing(0, 0x70, PROOF_DANE_INVALID, 10, 0));
	assert_false(reads_standing(0, 0x70, PROOF_DANE_UNMATCHED, 0, 0));
	assert_false(reads_standing(0, 0x70, PROOF_DANE_UNMATCHED, 65, 0x70));
	assert_false(reads_standing(18, 0, PROOF_DANE_NOT_ASKED, 0, 0));
	assert_false(reads_standing(10, 0, PROOF_DANE_NOT_ASKED, 0, 0));
	assert_false(reads_standing(18, 0, PROOF_DANE_EXPIRED, 10, 0));
	assert_false(reads_standing(18, 0, PROOF_DANE_INVALID, 26, 0));
	assert_false(reads_standing(18, 0, PROOF_DANE_UNMATCHED, 65, 0));
}

/* `names` names of one octet, and `certificates` hashes. */
static bool
reads_counts(size_t names, unsigned certificates, size_t subject)
{
	static uint8_t code[2048];
	uint8_t *p = code + 31;
	size_t block = 2 * names;

	memcpy(code, sample, 31);
	*p++ = (uint8_t)subject;
	memset(p, 'x', subject);
	p += subject;
	*p++ = 0;
	*p++ = 0;
	*p++ = (uint8_t)(block >> 8);
	*p++ = (uint8_t)block;
	for (size_t i = 0; i < names; i++) {
		*p++ = 1;
		*p++ = 'n';
	}
	*p++ = (uint8_t)certificates;
	memset(p, 0xaa, certificates * 32);
	p += certificates * 32;
	memcpy(p, sample + 83, sizeof sample - 83);
	return reads(code, (size_t)(p - code) + sizeof sample - 83);
}

static void
counts_have_their_limits(void **state)
{
	(void)state;
	assert_true(reads_counts(0, 1, 0));
	assert_true(reads_counts(PROOF_NAMES_MAX, PROOF_CHAIN_MAX, 127));
	assert_false(reads_counts(PROOF_NAMES_MAX + 1, 1, 0));
	assert_false(reads_counts(1, PROOF_CHAIN_MAX + 1, 0));
	assert_false(reads_counts(1, 1, 128));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_stands_comes_back),
		cmocka_unit_test(the_largest_comes_back),
		cmocka_unit_test(the_chains_end_is_kept),
		cmocka_unit_test(only_what_stands_is_written),
		cmocka_unit_test(what_records_say_comes_back),
		cmocka_unit_test(ends_are_apart),
		cmocka_unit_test(the_format_is_known),
		cmocka_unit_test(what_is_cut_or_longer_is_refused),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(something_must_stand),
		cmocka_unit_test(counts_have_their_limits),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
