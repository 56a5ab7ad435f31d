/* dane_test.c - chains against TLSA records, in sessions of our own and in those seen in flight
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Nobody of this file's CAs is in the bundle but `bundle`: what stands, stands by its records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/peekpair.h"
#include "tests/unit/testtlsa.h"

#define HOST PEEKPAIR_HOST
#define OTHER "mx2.example.org"
#define NO_MATCH "no matching DANE TLSA records"

enum who {
	NOBODY,
	TA, MID, LEAF,			/* the honest chain */
	STRANGER, STRANGE_LEAF,
	BUNDLE, BUNDLE_LEAF,		/* what the CA certificates vouch for */
	OLD_LEAF, EARLY_LEAF, OLD_MID, OLD_MID_LEAF, OLD_TA, OLD_TA_LEAF,
	OTHER_LEAF, NAMELESS, CLIENT_LEAF, WEAK_LEAF, LOOSE, LOOSE_OLD,
	SHORT_TA, SHORT_MID, SHORT_LEAF,	/* pathlen:0, and a CA below it all the same */
	MUTE_MID, MUTE_LEAF,		/* a CA that may not sign certificates */
	NO_CA_LEAF,			/* issued by LEAF */
	CONSTRAINED_TA, OUTSIDE_LEAF, INSIDE_LEAF,
	FORGER, FORGED_LEAF,		/* a CA of MID's name with another key */
	WEAK_MID, WEAK_MID_LEAF,
	SLOW_TA, SLOW_LEAF,		/* a curve that is not borne (tls/chain.h) */
	CERTIFICATES
};

static struct testca_cert certs[CERTIFICATES];
static struct originator *originators[2];	/* from TLS 1.2 on; from 1.0 on */
static SSL_CTX *client;
static unsigned held;				/* chains against sets */

static const struct testca_spec specs[CERTIFICATES] = {
	[TA] = { .cn = "TA", .ca = true },
	[MID] = { .issuer = &certs[TA], .cn = "Mid", .ca = true },
	[LEAF] = { .issuer = &certs[MID], .dns = HOST },
	[STRANGER] = { .cn = "Stranger", .ca = true },
	[STRANGE_LEAF] = { .issuer = &certs[STRANGER], .dns = HOST },
	[BUNDLE] = { .cn = "Bundle", .ca = true },
	[BUNDLE_LEAF] = { .issuer = &certs[BUNDLE], .dns = HOST },
	[OLD_LEAF] = { .issuer = &certs[MID], .dns = HOST, .from_days = -9, .until_days = -1 },
	[EARLY_LEAF] = { .issuer = &certs[MID], .dns = HOST, .from_days = 1, .until_days = 9 },
	[OLD_MID] = { .issuer = &certs[TA], .cn = "Old Mid", .ca = true, .from_days = -9,
	    .until_days = -1 },
	[OLD_MID_LEAF] = { .issuer = &certs[OLD_MID], .dns = HOST },
	[OLD_TA] = { .cn = "Old TA", .ca = true, .from_days = -9, .until_days = -1 },
	[OLD_TA_LEAF] = { .issuer = &certs[OLD_TA], .dns = HOST },
	[OTHER_LEAF] = { .issuer = &certs[MID], .dns = "www.example.com" },
	[NAMELESS] = { .issuer = &certs[MID], .cn = HOST },
	[CLIENT_LEAF] = { .issuer = &certs[MID], .dns = HOST, .client_only = true },
	[WEAK_LEAF] = { .issuer = &certs[MID], .dns = HOST, .rsa_bits = 1024 },
	[LOOSE] = { .cn = "Loose", .dns = HOST },
	[LOOSE_OLD] = { .cn = "nobody", .from_days = -99, .until_days = -98 },
	[SHORT_TA] = { .cn = "Short", .ca = true, .constraints = "critical,CA:TRUE,pathlen:0" },
	[SHORT_MID] = { .issuer = &certs[SHORT_TA], .cn = "Below Short", .ca = true },
	[SHORT_LEAF] = { .issuer = &certs[SHORT_MID], .dns = HOST },
	[MUTE_MID] = { .issuer = &certs[TA], .cn = "Mute", .ca = true,
	    .key_usage = "critical,cRLSign" },
	[MUTE_LEAF] = { .issuer = &certs[MUTE_MID], .dns = HOST },
	[NO_CA_LEAF] = { .issuer = &certs[LEAF], .cn = "child", .dns = HOST },
	[CONSTRAINED_TA] = { .cn = "Constrained", .ca = true,
	    .name_constraints = "critical,permitted;DNS:example.net" },
	[OUTSIDE_LEAF] = { .issuer = &certs[CONSTRAINED_TA], .dns = HOST },
	[INSIDE_LEAF] = { .issuer = &certs[CONSTRAINED_TA], .dns = "mx.example.net" },
	[FORGER] = { .cn = "Mid", .ca = true },
	[FORGED_LEAF] = { .issuer = &certs[FORGER], .dns = HOST },
	[WEAK_MID] = { .issuer = &certs[TA], .cn = "Weak", .ca = true, .rsa_bits = 1024 },
	[SLOW_TA] = { .cn = "Slow", .ca = true, .curve = "sect283r1" },
	[SLOW_LEAF] = { .issuer = &certs[SLOW_TA], .dns = HOST },
	[WEAK_MID_LEAF] = { .issuer = &certs[WEAK_MID], .dns = HOST },
};

static int
setup(void **state)
{
	(void)state;
	for (size_t i = NOBODY + 1; i < CERTIFICATES; i++)
		certs[i] = testca_issue(&specs[i]);
	originators[0] = tlspair_originator(&certs[BUNDLE], TLS1_2_VERSION);
	originators[1] = tlspair_originator(&certs[BUNDLE], TLS1_VERSION);
	client = peekpair_client();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (size_t i = NOBODY + 1; i < CERTIFICATES; i++)
		testca_free(&certs[i]);
	originator_free(originators[0]);
	originator_free(originators[1]);
	SSL_CTX_free(client);
	print_message("# %u chains were held against records\n", held);
	return 0;
}

static SSL_CTX *
server_of(const enum who *sent)
{
	SSL_CTX *server = testca_server(&certs[sent[0]], NULL);

	for (int i = 1; sent[i] != NOBODY; i++)
		assert_true(SSL_CTX_add1_chain_cert(server, certs[sent[i]].x509));
	return server;
}

enum path { OWN_13, OWN_12, OWN_OTHER, IN_FLIGHT, IN_FLIGHT_OTHER, PATHS };

/* What this chain proves under the set; the proof is the caller's. */
static void
prove_own(SSL_CTX *server, const struct tlsa_set *set, bool proven, struct proof *out)
{
	struct tlspair p;

	assert_int_equal(tlspair_originate_tlsa(&p, originators[0], server, HOST, "", proven, set),
	    STREAM_OK);
	originate_proof(p.stream, out);
	assert_false(out->resumed);
	tlspair_close(&p);
	originate_forget(originators[0], HOST, "", 0, out->dane_digest);
}

static void
prove_in_flight(SSL_CTX *server, const struct tlsa_set *set, bool strict, struct proof *out)
{
	struct peekpair *p = peekpair_open(originators[0], client, server, NULL);

	assert_int_equal(peekpair_see(p), PEEK_FULL);
	assert_true(peek_prove(p->peek, strict, set, out));
	peekpair_close(p);
}

static void
prove(enum path path, const enum who *sent, const struct tlsa_set *set, struct proof *out)
{
	SSL_CTX *server = server_of(sent);

	SSL_CTX_set_max_proto_version(server, path == OWN_13 ? TLS1_3_VERSION : TLS1_2_VERSION);
	if (path == IN_FLIGHT || path == IN_FLIGHT_OTHER)
		prove_in_flight(server, set, path == IN_FLIGHT, out);
	else
		prove_own(server, set, path != OWN_OTHER, out);
	held++;
	assert_int_equal(out->state, PROOF_TLS);
	assert_true(tlsa_same(set, out->dane_digest));
	SSL_CTX_free(server);
}

/* --- every combination ------------------------------------------------------------------ */

enum quality { RIGHT, OF_ANOTHER, DAMAGED, OTHER_USAGE, OTHER_SELECTOR, QUALITIES };

static const char *const quality_names[QUALITIES] = { "right", "of another", "damaged",
	"with the other usage", "with the other selector" };

/* A CA in full is the anchor itself, not one that is looked for: its own signature, where the damage
 * is done, vouches for nothing. */
static enum proof_dane
expected_of(const struct tlsa *t, enum quality quality)
{
	bool anchor = t->usage == TLSA_DANE_TA && t->selector == TLSA_CERT &&
	    t->matching == TLSA_FULL;

	if (quality != RIGHT && !(quality == DAMAGED && anchor))
		return PROOF_DANE_UNMATCHED;
	return t->usage == TLSA_DANE_EE ? PROOF_DANE_EE : PROOF_DANE_TA;
}

static void
check_combination(uint8_t usage, uint8_t selector, uint8_t matching, enum quality quality)
{
	static const enum who chain[] = { LEAF, MID, TA, NOBODY };
	enum who of = usage == TLSA_DANE_EE ? LEAF : TA;
	struct testtlsa t;

	testtlsa_open(&t, HOST);
	if (quality == OF_ANOTHER)
		of = usage == TLSA_DANE_EE ? STRANGE_LEAF : STRANGER;
	testtlsa_add(&t, usage, selector, matching, certs[of].x509);
	if (quality == DAMAGED)
		testtlsa_damage(&t);
	else if (quality == OTHER_USAGE)
		t.records[0].usage = usage == TLSA_DANE_EE ? TLSA_DANE_TA : TLSA_DANE_EE;
	else if (quality == OTHER_SELECTOR)
		t.records[0].selector ^= 1;
	assert_true(tlsa_digest(&t.set, t.set.digest));
	for (enum path path = 0; path < PATHS; path++) {
		struct proof proof = { 0 };
		enum proof_dane expected = expected_of(&t.records[0], quality);

		prove(path, chain, &t.set, &proof);
		if (proof.dane != expected)
			fail_msg("%u %u %u %s, path %d: %s", usage, selector, matching,
			    quality_names[quality], path, proof_dane_name(proof.dane));
		assert_int_equal(proof.dane_depth, proof.dane == PROOF_DANE_TA ? 2 : 0);
		assert_string_equal(proof.dane_detail, expected == PROOF_DANE_UNMATCHED ? NO_MATCH : "");
		assert_int_equal(proof.chain, CHAIN_UNTRUSTED);
		proof_clear(&proof);
	}
	testtlsa_free(&t);
}

/* R113, R117-R120: usage, selector and matching type, each good and in four ways bad. */
static void
every_combination(void **state)
{
	unsigned combinations = 0;

	(void)state;
	for (uint8_t usage = TLSA_DANE_TA; usage <= TLSA_DANE_EE; usage++)
		for (uint8_t selector = 0; selector <= 1; selector++)
			for (uint8_t matching = 0; matching <= 2; matching++)
				for (enum quality q = 0; q < QUALITIES; q++) {
					check_combination(usage, selector, matching, q);
					combinations += PATHS;
				}
	print_message("# %u combinations of record, quality and path\n", combinations);
}

/* --- cases of their own ------------------------------------------------------------------ */

struct a_record {
	uint8_t usage, selector, matching;
	enum who of;
	bool next_base;			/* it is the first of another base */
};

static const struct a_case {
	const char *title;
	enum who sent[5];
	struct a_record records[4];
	enum proof_dane dane;
	uint8_t base, record, depth;
	const char *detail;
} cases[] = {
	/* R99, R103, R117: the leaf by itself. */
	{ "3 1 1, expired", { OLD_LEAF, MID }, { { 3, 1, 1, OLD_LEAF, 0 } }, PROOF_DANE_EE, 0, 0,
	    0, "" },
	{ "3 0 1, expired", { OLD_LEAF }, { { 3, 0, 1, OLD_LEAF, 0 } }, PROOF_DANE_EE, 0, 0, 0,
	    "" },
	{ "3 1 1, not yet valid", { EARLY_LEAF }, { { 3, 1, 1, EARLY_LEAF, 0 } }, PROOF_DANE_EE,
	    0, 0, 0, "" },
	{ "3 1 1, another name", { OTHER_LEAF }, { { 3, 1, 1, OTHER_LEAF, 0 } }, PROOF_DANE_EE,
	    0, 0, 0, "" },
	{ "3 1 1, no name", { NAMELESS }, { { 3, 1, 1, NAMELESS, 0 } }, PROOF_DANE_EE, 0, 0, 0,
	    "" },
	{ "3 1 1, for clients", { CLIENT_LEAF }, { { 3, 1, 1, CLIENT_LEAF, 0 } }, PROOF_DANE_EE,
	    0, 0, 0, "" },
	{ "3 1 1, self-signed", { LOOSE }, { { 3, 1, 1, LOOSE, 0 } }, PROOF_DANE_EE, 0, 0, 0, "" },
	{ "3 1 1, self-signed and long past", { LOOSE_OLD }, { { 3, 1, 1, LOOSE_OLD, 0 } },
	    PROOF_DANE_EE, 0, 0, 0, "" },
	{ "3 1 1, strangers behind it", { LEAF, STRANGER, SHORT_MID }, { { 3, 1, 1, LEAF, 0 } },
	    PROOF_DANE_EE, 0, 0, 0, "" },
	{ "3 1 1 of the issuer", { LEAF, MID, TA }, { { 3, 1, 1, MID, 0 }, { 3, 1, 1, TA, 0 } },
	    PROOF_DANE_UNMATCHED, 0, 0, 0, NO_MATCH },
	{ "3 1 1, another", { STRANGE_LEAF, STRANGER }, { { 3, 1, 1, LEAF, 0 } },
	    PROOF_DANE_UNMATCHED, 0, 0, 0, NO_MATCH },
	{ "3 1 1 of a leaf that stands behind", { STRANGE_LEAF, LEAF }, { { 3, 1, 1, LEAF, 0 } },
	    PROOF_DANE_UNMATCHED, 0, 0, 0, NO_MATCH },
	{ "3 1 1, weak key", { WEAK_LEAF, MID }, { { 3, 1, 1, WEAK_LEAF, 0 } },
	    PROOF_DANE_INVALID, 0, 0, 0, "EE certificate key too weak" },

	/* RFC 7671 8.1: the next key is published before it is used. */
	{ "rollover, already new", { LEAF }, { { 3, 1, 1, STRANGE_LEAF, 0 },
	    { 3, 1, 1, LEAF, 0 } }, PROOF_DANE_EE, 0, 1, 0, "" },
	{ "rollover, still old", { LEAF }, { { 3, 1, 1, LEAF, 0 }, { 3, 1, 1, STRANGE_LEAF, 0 } },
	    PROOF_DANE_EE, 0, 0, 0, "" },
	{ "rollover, neither", { LEAF }, { { 3, 1, 1, OLD_LEAF, 0 },
	    { 3, 1, 1, STRANGE_LEAF, 0 } }, PROOF_DANE_UNMATCHED, 0, 0, 0, NO_MATCH },
	{ "the leaf fails, its CA is named too", { LEAF, MID, TA },
	    { { 3, 1, 1, STRANGE_LEAF, 0 }, { 2, 1, 1, TA, 0 } }, PROOF_DANE_TA, 0, 1, 2, "" },
	{ "the leaf counts before its CA", { LEAF, MID, TA },
	    { { 2, 1, 1, TA, 0 }, { 3, 1, 1, LEAF, 0 } }, PROOF_DANE_EE, 0, 1, 0, "" },
	{ "the same record twice", { LEAF }, { { 3, 1, 1, LEAF, 0 }, { 3, 1, 1, LEAF, 0 } },
	    PROOF_DANE_EE, 0, 0, 0, "" },

	/* R108, R124: within usage and selector the strongest digest alone counts. */
	{ "right SHA-256, wrong SHA-512", { LEAF }, { { 3, 1, 1, LEAF, 0 },
	    { 3, 1, 2, STRANGE_LEAF, 0 } }, PROOF_DANE_UNMATCHED, 0, 0, 0, NO_MATCH },
	{ "wrong SHA-256, right SHA-512", { LEAF }, { { 3, 1, 1, STRANGE_LEAF, 0 },
	    { 3, 1, 2, LEAF, 0 } }, PROOF_DANE_EE, 0, 1, 0, "" },
	{ "both right", { LEAF }, { { 3, 1, 1, LEAF, 0 }, { 3, 1, 2, LEAF, 0 } }, PROOF_DANE_EE,
	    0, 1, 0, "" },
	{ "a wrong SHA-512 of another selector", { LEAF }, { { 3, 0, 2, STRANGE_LEAF, 0 },
	    { 3, 1, 1, LEAF, 0 } }, PROOF_DANE_EE, 0, 1, 0, "" },
	{ "a wrong SHA-512 of another usage", { LEAF, MID, TA }, { { 3, 1, 2, STRANGE_LEAF, 0 },
	    { 2, 1, 1, TA, 0 } }, PROOF_DANE_TA, 0, 1, 2, "" },
	{ "a wrong SHA-512 of another base", { LEAF }, { { 3, 1, 2, STRANGE_LEAF, 0 },
	    { 3, 1, 1, LEAF, 1 } }, PROOF_DANE_EE, 1, 1, 0, "" },
	{ "a wrong SHA-512 beside the key in full", { LEAF }, { { 3, 1, 2, STRANGE_LEAF, 0 },
	    { 3, 1, 0, LEAF, 0 } }, PROOF_DANE_EE, 0, 1, 0, "" },
	{ "right SHA-256, wrong SHA-512, of a CA", { LEAF, MID, TA }, { { 2, 1, 1, TA, 0 },
	    { 2, 1, 2, STRANGER, 0 } }, PROOF_DANE_UNMATCHED, 0, 0, 0, NO_MATCH },

	/* R101, R127: never used, not even where they would match. */
	{ "1 1 1", { LEAF, MID, TA }, { { 1, 1, 1, LEAF, 0 } }, PROOF_DANE_UNMATCHED, 0, 0, 0,
	    NO_MATCH },
	{ "0 1 1", { LEAF, MID, TA }, { { 0, 1, 1, TA, 0 } }, PROOF_DANE_UNMATCHED, 0, 0, 0,
	    NO_MATCH },
	{ "0 1 1 and 1 1 1 under a CA of the bundle", { BUNDLE_LEAF, BUNDLE },
	    { { 0, 1, 1, BUNDLE, 0 }, { 1, 1, 1, BUNDLE_LEAF, 0 } }, PROOF_DANE_UNMATCHED, 0, 0,
	    0, NO_MATCH },
	{ "1 1 1 beside a wrong 3 1 1", { BUNDLE_LEAF }, { { 1, 1, 1, BUNDLE_LEAF, 0 },
	    { 3, 1, 1, LEAF, 0 } }, PROOF_DANE_UNMATCHED, 0, 0, 0, NO_MATCH },
	{ "unknown usage, selector and matching type", { BUNDLE_LEAF, BUNDLE },
	    { { 4, 1, 1, BUNDLE_LEAF, 0 }, { 3, 2, 1, BUNDLE_LEAF, 0 },
	    { 3, 1, 3, BUNDLE_LEAF, 0 } }, PROOF_DANE_UNMATCHED, 0, 0, 0, NO_MATCH },

	/* R118-R120: a CA of the domain's choice. */
	{ "2 0 1, TA sent", { LEAF, MID, TA }, { { 2, 0, 1, TA, 0 } }, PROOF_DANE_TA, 0, 0, 2, "" },
	{ "2 1 1 of the intermediate", { LEAF, MID, TA }, { { 2, 1, 1, MID, 0 } }, PROOF_DANE_TA,
	    0, 0, 1, "" },
	{ "2 1 1 of the intermediate, its root not sent", { LEAF, MID }, { { 2, 1, 1, MID, 0 } },
	    PROOF_DANE_TA, 0, 0, 1, "" },
	{ "2 1 1, TA not sent", { LEAF, MID }, { { 2, 1, 1, TA, 0 } }, PROOF_DANE_UNMATCHED, 0,
	    0, 0, NO_MATCH },
	{ "2 0 1, nothing but the leaf", { LEAF }, { { 2, 0, 1, MID, 0 }, { 2, 0, 1, TA, 0 } },
	    PROOF_DANE_UNMATCHED, 0, 0, 0, NO_MATCH },
	{ "2 0 0, TA not sent", { LEAF, MID }, { { 2, 0, 0, TA, 0 } }, PROOF_DANE_TA, 0, 0, 2, "" },
	{ "2 0 0 of the intermediate, only the leaf sent", { LEAF }, { { 2, 0, 0, MID, 0 } },
	    PROOF_DANE_TA, 0, 0, 1, "" },
	{ "2 0 0 of both, only the leaf sent", { LEAF }, { { 2, 0, 0, TA, 0 },
	    { 2, 0, 0, MID, 0 } }, PROOF_DANE_TA, 0, 1, 1, "" },
	{ "2 1 0, TA not sent", { LEAF, MID }, { { 2, 1, 0, TA, 0 } }, PROOF_DANE_TA, 0, 0, 1, "" },
	{ "2 1 0 of the intermediate, only the leaf sent", { LEAF }, { { 2, 1, 0, MID, 0 } },
	    PROOF_DANE_TA, 0, 0, 0, "" },
	{ "2 1 0, another's key", { LEAF, MID }, { { 2, 1, 0, STRANGER, 0 } },
	    PROOF_DANE_UNMATCHED, 0, 0, 0, NO_MATCH },
	{ "2 0 0, another's", { LEAF, MID }, { { 2, 0, 0, STRANGER, 0 } }, PROOF_DANE_UNMATCHED,
	    0, 0, 0, NO_MATCH },
	{ "2 1 1 of a stranger that was sent too", { LEAF, MID, STRANGER },
	    { { 2, 1, 1, STRANGER, 0 } }, PROOF_DANE_UNMATCHED, 0, 0, 0, NO_MATCH },
	{ "2 1 1 of a CA of the bundle that was not sent", { BUNDLE_LEAF },
	    { { 2, 1, 1, BUNDLE, 0 } }, PROOF_DANE_UNMATCHED, 0, 0, 0, NO_MATCH },
	{ "2 1 1 of a CA of the bundle that was", { BUNDLE_LEAF, BUNDLE },
	    { { 2, 1, 1, BUNDLE, 0 } }, PROOF_DANE_TA, 0, 0, 1, "" },
	{ "another name is for others to judge", { OTHER_LEAF, MID, TA }, { { 2, 1, 1, TA, 0 } },
	    PROOF_DANE_TA, 0, 0, 2, "" },

	/* The leaf is no CA, not even its own. */
	{ "2 0 1 of the leaf", { LEAF, MID, TA }, { { 2, 0, 1, LEAF, 0 } }, PROOF_DANE_UNMATCHED,
	    0, 0, 0, NO_MATCH },
	{ "2 1 1 of the leaf", { LEAF, MID, TA }, { { 2, 1, 1, LEAF, 0 } }, PROOF_DANE_UNMATCHED,
	    0, 0, 0, NO_MATCH },
	{ "2 0 1 of a self-signed leaf", { LOOSE }, { { 2, 0, 1, LOOSE, 0 } },
	    PROOF_DANE_UNMATCHED, 0, 0, 0, NO_MATCH },
	{ "2 1 1 of a self-signed leaf, sent twice", { LOOSE, LOOSE }, { { 2, 1, 1, LOOSE, 0 } },
	    PROOF_DANE_UNMATCHED, 0, 0, 0, NO_MATCH },
	{ "2 0 0 of a self-signed leaf", { LOOSE }, { { 2, 0, 0, LOOSE, 0 } },
	    PROOF_DANE_UNMATCHED, 0, 0, 0, NO_MATCH },
	{ "2 0 0 of the leaf", { LEAF, MID, TA }, { { 2, 0, 0, LEAF, 0 } }, PROOF_DANE_UNMATCHED,
	    0, 0, 0, NO_MATCH },

	/* With usage 2 the way to the CA has to stand. */
	{ "2, expired leaf", { OLD_LEAF, MID, TA }, { { 2, 1, 1, TA, 0 } }, PROOF_DANE_EXPIRED, 0,
	    0, 2, "certificate has expired" },
	{ "2, leaf not yet valid", { EARLY_LEAF, MID, TA }, { { 2, 1, 1, TA, 0 } },
	    PROOF_DANE_EXPIRED, 0, 0, 2, "certificate is not yet valid" },
	{ "2, expired intermediate", { OLD_MID_LEAF, OLD_MID, TA }, { { 2, 1, 1, TA, 0 } },
	    PROOF_DANE_EXPIRED, 0, 0, 2, "certificate has expired" },
	{ "2 1 0, expired intermediate", { OLD_MID_LEAF, OLD_MID }, { { 2, 1, 0, TA, 0 } },
	    PROOF_DANE_EXPIRED, 0, 0, 1, "certificate has expired" },
	{ "2 0 0, expired leaf", { OLD_LEAF, MID }, { { 2, 0, 0, TA, 0 } }, PROOF_DANE_EXPIRED, 0,
	    0, 2, "certificate has expired" },
	{ "2, expired TA", { OLD_TA_LEAF, OLD_TA }, { { 2, 1, 1, OLD_TA, 0 } },
	    PROOF_DANE_EXPIRED, 0, 0, 1, "certificate has expired" },
	{ "2 0 0, expired TA", { OLD_TA_LEAF }, { { 2, 0, 0, OLD_TA, 0 } }, PROOF_DANE_EXPIRED, 0,
	    0, 1, "certificate has expired" },
	{ "2 1 0, expired TA: a key has no dates", { OLD_TA_LEAF }, { { 2, 1, 0, OLD_TA, 0 } },
	    PROOF_DANE_TA, 0, 0, 0, "" },
	{ "2, the TA is an expired intermediate", { OLD_MID_LEAF, OLD_MID, TA },
	    { { 2, 1, 1, OLD_MID, 0 } }, PROOF_DANE_EXPIRED, 0, 0, 1, "certificate has expired" },
	{ "2, for clients", { CLIENT_LEAF, MID, TA }, { { 2, 1, 1, TA, 0 } }, PROOF_DANE_INVALID,
	    0, 0, 2, "unsuitable certificate purpose" },
	{ "2, path length", { SHORT_LEAF, SHORT_MID, SHORT_TA }, { { 2, 0, 1, SHORT_TA, 0 } },
	    PROOF_DANE_INVALID, 0, 0, 2, "path length constraint exceeded" },
	{ "2 0 0, path length", { SHORT_LEAF, SHORT_MID }, { { 2, 0, 0, SHORT_TA, 0 } },
	    PROOF_DANE_INVALID, 0, 0, 2, "path length constraint exceeded" },
	{ "2, below the path length", { SHORT_LEAF, SHORT_MID }, { { 2, 1, 1, SHORT_MID, 0 } },
	    PROOF_DANE_TA, 0, 0, 1, "" },
	{ "2, a CA that may not sign", { MUTE_LEAF, MUTE_MID, TA }, { { 2, 1, 1, TA, 0 } },
	    PROOF_DANE_INVALID, 0, 0, 2, "invalid CA certificate" },
	{ "2, issued by a leaf", { NO_CA_LEAF, LEAF, MID, TA }, { { 2, 1, 1, TA, 0 } },
	    PROOF_DANE_INVALID, 0, 0, 3, "invalid CA certificate" },
	{ "2, the TA is no CA", { NO_CA_LEAF, LEAF }, { { 2, 1, 1, LEAF, 0 } },
	    PROOF_DANE_INVALID, 0, 0, 1, "invalid CA certificate" },
	{ "2, name constraints", { OUTSIDE_LEAF, CONSTRAINED_TA },
	    { { 2, 0, 1, CONSTRAINED_TA, 0 } }, PROOF_DANE_INVALID, 0, 0, 1,
	    "permitted subtree violation" },
	{ "2 0 0, name constraints", { OUTSIDE_LEAF }, { { 2, 0, 0, CONSTRAINED_TA, 0 } },
	    PROOF_DANE_INVALID, 0, 0, 1, "permitted subtree violation" },
	{ "2, within the name constraints", { INSIDE_LEAF, CONSTRAINED_TA },
	    { { 2, 0, 1, CONSTRAINED_TA, 0 } }, PROOF_DANE_TA, 0, 0, 1, "" },
	{ "2, forged", { FORGED_LEAF, MID, TA }, { { 2, 1, 1, TA, 0 } }, PROOF_DANE_INVALID, 0, 0,
	    2, "certificate signature failure" },
	{ "2 0 0, forged", { FORGED_LEAF }, { { 2, 0, 0, MID, 0 } }, PROOF_DANE_INVALID, 0, 0, 1,
	    "certificate signature failure" },
	{ "2 1 0, forged", { FORGED_LEAF }, { { 2, 1, 0, MID, 0 } }, PROOF_DANE_UNMATCHED, 0, 0,
	    0, NO_MATCH },
	{ "2, weak CA", { WEAK_MID_LEAF, WEAK_MID, TA }, { { 2, 1, 1, TA, 0 } },
	    PROOF_DANE_INVALID, 0, 0, 2, "CA certificate key too weak" },
	{ "2, weak leaf", { WEAK_LEAF, MID, TA }, { { 2, 1, 1, TA, 0 } }, PROOF_DANE_INVALID, 0,
	    0, 2, "EE certificate key too weak" },

	{ "2, a key too costly", { SLOW_LEAF, SLOW_TA }, { { 2, 1, 1, SLOW_TA, 0 } },
	    PROOF_DANE_INVALID, 0, 0, 1, "an issuer's key that is too costly to verify with" },
	{ "2 0 0, a key too costly", { SLOW_LEAF }, { { 2, 0, 0, SLOW_TA, 0 } },
	    PROOF_DANE_INVALID, 0, 0, 1, "an issuer's key that is too costly to verify with" },
	{ "2 1 0, a key too costly", { SLOW_LEAF }, { { 2, 1, 0, SLOW_TA, 0 } },
	    PROOF_DANE_UNMATCHED, 0, 0, 0, NO_MATCH },
	{ "3, a key too costly above it", { SLOW_LEAF, SLOW_TA }, { { 3, 1, 1, SLOW_LEAF, 0 } },
	    PROOF_DANE_EE, 0, 0, 0, "" },

	{ "the CA of the first base, the leaf of the second", { LEAF, MID, TA },
	    { { 2, 1, 1, TA, 0 }, { 3, 1, 1, LEAF, 1 } }, PROOF_DANE_EE, 1, 1, 0, "" },
	{ "an expired intermediate in the first base, the leaf in the second", { OLD_MID_LEAF, OLD_MID,
	    TA }, { { 2, 1, 1, OLD_MID, 0 }, { 3, 1, 1, OLD_MID_LEAF, 1 } }, PROOF_DANE_EE, 1, 1, 0,
	    "" },

	/* Several bases: what is proven counts before what is not. */
	{ "the second base alone", { LEAF }, { { 3, 1, 1, STRANGE_LEAF, 0 },
	    { 3, 1, 1, LEAF, 1 } }, PROOF_DANE_EE, 1, 1, 0, "" },
	{ "two bases of one leaf", { LEAF }, { { 3, 1, 1, LEAF, 0 }, { 3, 1, 1, LEAF, 1 } },
	    PROOF_DANE_EE, 0, 0, 0, "" },
	{ "a fault before a proof", { OLD_LEAF, MID, TA }, { { 2, 1, 1, TA, 0 },
	    { 3, 1, 1, OLD_LEAF, 1 } }, PROOF_DANE_EE, 1, 1, 0, "" },
	{ "a match that does not stand says more", { CLIENT_LEAF, MID, TA },
	    { { 3, 1, 1, LEAF, 0 }, { 2, 1, 1, TA, 1 } }, PROOF_DANE_INVALID, 1, 1, 2,
	    "unsuitable certificate purpose" },
	{ "an unusable base before a usable one", { LEAF }, { { 1, 1, 1, LEAF, 0 },
	    { 3, 1, 1, LEAF, 1 } }, PROOF_DANE_EE, 1, 1, 0, "" },
	{ "an unusable base alone", { LEAF }, { { 3, 1, 1, STRANGE_LEAF, 0 },
	    { 1, 1, 1, LEAF, 1 } }, PROOF_DANE_UNMATCHED, 0, 0, 0, NO_MATCH },
};

static void
open_case(const struct a_case *c, struct testtlsa *t)
{
	testtlsa_open(t, HOST);
	for (int i = 0; i < 4 && c->records[i].of != NOBODY; i++) {
		if (c->records[i].next_base)
			testtlsa_base(t, OTHER);
		testtlsa_add(t, c->records[i].usage, c->records[i].selector,
		    c->records[i].matching, certs[c->records[i].of].x509);
	}
}

static bool
is_right(const struct a_case *c, enum path path)
{
	struct proof proof = { 0 };
	struct testtlsa t;
	bool right;

	open_case(c, &t);
	prove(path, c->sent, &t.set, &proof);
	right = proof.dane == c->dane && proof.dane_base == c->base &&
	    proof.dane_record == c->record && proof.dane_depth == c->depth &&
	    strcmp(proof.dane_detail, c->detail) == 0;
	if (!right)
		print_error("%s, path %d: %s, base %u, record %u, depth %u, \"%s\"\n", c->title, path,
		    proof_dane_name(proof.dane), proof.dane_base, proof.dane_record,
		    proof.dane_depth, proof.dane_detail);
	assert_int_equal(proof.chain == CHAIN_TRUSTED, c->sent[0] == BUNDLE_LEAF);
	proof_clear(&proof);
	testtlsa_free(&t);
	return right;
}

static void
every_case(void **state)
{
	unsigned count = 0, right = 0;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (enum path path = 0; path < PATHS; path++) {
			right += is_right(&cases[i], path);
			count++;
		}
	print_message("# %u cases on all paths\n", count);
	assert_int_equal(right, count);
}

/* --- what the session adds ---------------------------------------------------------------- */

/* A set of one record that this certificate matches. */
static void
open_one(struct testtlsa *t, uint8_t usage, enum who of)
{
	testtlsa_open(t, HOST);
	testtlsa_add(t, usage, TLSA_SPKI, TLSA_SHA256, certs[of].x509);
}

/* Hosts of one provider have the records of one CA: the base whose name the leaf carries is found,
 * whichever comes first; where none is named, the first that matches. */
static void
the_base_of_the_leafs_name_is_preferred(void **state)
{
	static const enum who sent[] = { LEAF, MID, TA, NOBODY };
	static const struct { const char *bases[3]; uint8_t base; } rows[] = {
		{ { HOST, "mx1.example.org", OTHER }, 0 }, { { "mx1.example.org", HOST, OTHER }, 1 },
		{ { "mx1.example.org", OTHER, HOST }, 2 }, { { "mx1.example.org", OTHER, "" }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (enum path path = 0; path < PATHS; path++) {
			struct proof proof = { 0 };
			struct testtlsa t;

			open_one(&t, 2, TA);
			t.bases[0] = rows[i].bases[0];
			for (int b = 1; b < 3; b++) {
				testtlsa_base(&t, rows[i].bases[b]);
				testtlsa_add(&t, 2, 1, 1, certs[TA].x509);
			}
			prove(path, sent, &t.set, &proof);
			assert_int_equal(proof.dane, PROOF_DANE_TA);
			assert_int_equal(proof.dane_base, rows[i].base);
			assert_int_equal(proof.dane_record, rows[i].base);
			proof_clear(&proof);
			testtlsa_free(&t);
		}
}

static void
without_a_set_nothing_is_asked(void **state)
{
	static const enum who sent[] = { LEAF, MID, TA, NOBODY };
	struct testtlsa empty;

	(void)state;
	testtlsa_open(&empty, HOST);
	for (enum path path = 0; path < PATHS; path++)
		for (int with = 0; with < 2; with++) {
			struct proof proof = { 0 };

			prove(path, sent, with ? &empty.set : NULL, &proof);
			assert_int_equal(proof.dane, PROOF_DANE_NOT_ASKED);
			assert_string_equal(proof.dane_detail, "");
			assert_int_equal(proof.chain, CHAIN_UNTRUSTED);
			proof_clear(&proof);
		}
}

/* CA certificates and TLSA records are two questions. */
static void
the_bundle_is_asked_too(void **state)
{
	static const enum who sent[] = { BUNDLE_LEAF, NOBODY };
	static const struct { enum who of; enum proof_dane dane; } rows[] = {
		{ BUNDLE_LEAF, PROOF_DANE_EE }, { LEAF, PROOF_DANE_UNMATCHED },
	};

	(void)state;
	for (size_t i = 0; i < 2; i++)
		for (enum path path = 0; path < PATHS; path++) {
			struct proof proof = { 0 };
			struct testtlsa t;

			open_one(&t, 3, rows[i].of);
			prove(path, sent, &t.set, &proof);
			assert_int_equal(proof.chain, CHAIN_TRUSTED);
			assert_string_equal(proof.detail, "");
			assert_int_equal(proof.dane, rows[i].dane);
			proof_clear(&proof);
			testtlsa_free(&t);
		}
}

/* The largest set: 8 bases, 32 records, of which the last matches. */
static void
the_largest_set_is_gone_through(void **state)
{
	static const enum who sent[] = { LEAF, MID, TA, NOBODY };
	struct testtlsa t;

	(void)state;
	testtlsa_open(&t, HOST);
	for (int base = 0; base < TLSA_BASES_MAX; base++) {
		if (base > 0)
			testtlsa_base(&t, OTHER);
		for (int i = 0; i < TLSA_RECORDS_MAX / TLSA_BASES_MAX; i++)
			testtlsa_octets(&t, 3, 1, 1, (const uint8_t[32]){ (uint8_t)i }, 32);
	}
	t.set.len--;
	free(t.octets[t.set.len]);
	testtlsa_add(&t, 3, 0, 2, certs[LEAF].x509);
	for (enum path path = 0; path < PATHS; path++) {
		struct proof proof = { 0 };

		prove(path, sent, &t.set, &proof);
		assert_int_equal(proof.dane, PROOF_DANE_EE);
		assert_int_equal(proof.dane_base, TLSA_BASES_MAX - 1);
		assert_int_equal(proof.dane_record, TLSA_RECORDS_MAX - 1);
		proof_clear(&proof);
	}
	testtlsa_free(&t);
}

/* Each base that matches costs a chain: of such as fail three are followed up. */
static void
not_every_failing_base_is_gone_through(void **state)
{
	static const enum who sent[] = { SHORT_LEAF, SHORT_MID, SHORT_TA, NOBODY };

	(void)state;
	for (uint8_t failing = 2; failing <= 3; failing++) {
		struct proof proof = { 0 };
		struct testtlsa t;

		open_one(&t, 2, SHORT_TA);
		t.bases[0] = OTHER;
		for (int b = 1; b <= failing; b++) {
			testtlsa_base(&t, OTHER);
			testtlsa_add(&t, 2, 1, 1, certs[b < failing ? SHORT_TA : SHORT_MID].x509);
		}
		prove(OWN_13, sent, &t.set, &proof);
		assert_int_equal(proof.dane, failing == 2 ? PROOF_DANE_TA : PROOF_DANE_INVALID);
		assert_int_equal(proof.dane_base, failing == 2 ? 2 : 0);
		proof_clear(&proof);
		testtlsa_free(&t);
	}
}

/* Records of a base that the set does not have, with lengths that cannot be, without data. */
static void
odd_records_match_nothing(void **state)
{
	static const enum who sent[] = { LEAF, MID, TA, NOBODY };
	struct proof proof = { 0 };
	struct testtlsa t;

	(void)state;
	open_one(&t, 3, LEAF);
	t.records[0].base = 1;
	testtlsa_add(&t, 3, 1, 1, certs[LEAF].x509)->len = 31;
	testtlsa_octets(&t, 3, 1, 0, "", 0);
	testtlsa_octets(&t, 2, 0, 0, "\x30\x82", 2);
	t.records[3].data = NULL;
	t.records[3].len = 0;
	assert_true(tlsa_digest(&t.set, t.set.digest));
	prove(OWN_13, sent, &t.set, &proof);
	assert_int_equal(proof.dane, PROOF_DANE_UNMATCHED);
	t.set.bases_len = 0;
	assert_true(tlsa_digest(&t.set, t.set.digest));
	prove(IN_FLIGHT, sent, &t.set, &proof);
	assert_int_equal(proof.dane, PROOF_DANE_UNMATCHED);
	proof_clear(&proof);
	testtlsa_free(&t);
}

/* R38: old versions and broken digests take the worth from a record too; usage 3 is about a key, and
 * such a session does not prove it. */
static const struct weak {
	const char *title, *ciphers, *sigalgs;
	int version;
	const char *own, *other, *strict;	/* the detail; NULL: it stands */
} weaks[] = {
	{ "TLS 1.2", "ECDHE+AESGCM", NULL, TLS1_2_VERSION, NULL, NULL, NULL },
	{ "TLS 1.1", "ALL:@SECLEVEL=0", NULL, TLS1_1_VERSION, "TLS version below 1.2", NULL,
	    "TLS version below 1.2" },
	{ "TLS 1.0", "ALL:@SECLEVEL=0", NULL, TLS1_VERSION, "TLS version below 1.2", NULL,
	    "TLS version below 1.2" },
	{ "SHA-1", "ECDHE+AESGCM:@SECLEVEL=0", "ECDSA+SHA1", TLS1_2_VERSION,
	    "key exchange signed with a broken digest", NULL,
	    "key exchange signed with a broken digest" },
};

static void
check_weak(const struct weak *w, const struct tlsa_set *set, enum proof_dane standing)
{
	static const enum who sent[] = { LEAF, MID, TA, NOBODY };

	for (int way = 0; way < 3; way++) {
		const char *detail = way == 0 ? w->own : way == 1 ? w->other : w->strict;
		SSL_CTX *server = server_of(sent);
		struct proof proof = { 0 };

		assert_true(SSL_CTX_set_cipher_list(server, w->ciphers));
		SSL_CTX_set_max_proto_version(server, w->version);
		SSL_CTX_set_security_level(server, 0);
		if (w->sigalgs)
			assert_true(SSL_CTX_set1_sigalgs_list(server, w->sigalgs));
		if (way == 0) {
			struct tlspair p;

			assert_int_equal(tlspair_originate_tlsa(&p, originators[1], server, HOST, "",
			    false, set), STREAM_OK);
			originate_proof(p.stream, &proof);
			tlspair_close(&p);
			originate_forget(originators[1], HOST, "", 0, proof.dane_digest);
		} else {
			struct peekpair *p = peekpair_open(originators[1], client, server, NULL);

			assert_int_equal(peekpair_see(p), PEEK_FULL);
			assert_true(peek_prove(p->peek, way == 2, set, &proof));
			peekpair_close(p);
		}
		held++;
		if (proof.dane != (detail ? PROOF_DANE_INVALID : standing) ||
		    strcmp(proof.dane_detail, detail ? detail : "") != 0)
			fail_msg("%s, %d: %s \"%s\"", w->title, way, proof_dane_name(proof.dane),
			    proof.dane_detail);
		assert_true(tlsa_same(set, proof.dane_digest));
		proof_clear(&proof);
		SSL_CTX_free(server);
	}
}

static void
a_weak_session_proves_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof weaks / sizeof *weaks; i++)
		for (uint8_t usage = 2; usage <= 3; usage++) {
			struct testtlsa t;

			open_one(&t, usage, usage == 3 ? LEAF : TA);
			check_weak(&weaks[i], &t.set, usage == 3 ? PROOF_DANE_EE : PROOF_DANE_TA);
			testtlsa_free(&t);
		}
}

/* What was said to one client is no proof to another, whatever record names the certificate in it:
 * the signature is over that client's random. */
static void
a_replayed_certificate_proves_nothing(void **state)
{
	static const enum who sent[] = { LEAF, MID, TA, NOBODY };
	SSL_CTX *server = server_of(sent);
	struct testtlsa t;

	(void)state;
	for (uint8_t usage = 2; usage <= 3; usage++) {
		struct peekpair *a = peekpair_open(originators[0], client, server, NULL);
		struct peekpair *b = peekpair_open(originators[0], client, server, NULL);
		struct proof proof = { 0 };

		open_one(&t, usage, usage == 3 ? LEAF : TA);
		assert_int_equal(peek_server(b->peek, a->flight.octets, a->flight.len), PEEK_FULL);
		assert_true(peek_prove(b->peek, true, &t.set, &proof));
		assert_string_equal(peek_fault(b->peek), "signature-invalid");
		assert_int_equal(proof.dane, PROOF_DANE_INVALID);
		assert_string_equal(proof.dane_detail, "signature-invalid");
		assert_true(tlsa_same(&t.set, proof.dane_digest));
		assert_int_equal(peekpair_see(a), PEEK_FULL);
		assert_true(peek_prove(a->peek, true, &t.set, &proof));
		assert_int_equal(proof.dane, usage == 3 ? PROOF_DANE_EE : PROOF_DANE_TA);
		held += 2;
		proof_clear(&proof);
		peekpair_close(a);
		peekpair_close(b);
		testtlsa_free(&t);
	}
	SSL_CTX_free(server);
}

/* Octets in place of a certificate cannot be held against anything; the set is in the proof all the
 * same. */
static void
no_certificate_is_no_match(void **state)
{
	static const enum who sent[] = { LEAF, NOBODY };
	SSL_CTX *server = server_of(sent);
	struct peekpair *p;
	struct proof proof = { 0 };
	struct testtlsa t;
	size_t len, at;

	(void)state;
	SSL_CTX_set_max_proto_version(server, TLS1_2_VERSION);
	p = peekpair_open(originators[0], client, server, NULL);
	at = tape_message(&p->flight, 11, &len);
	assert_true(at > 0 && len > 30);
	p->flight.octets[at + 10] ^= 0x80;	/* the outermost SEQUENCE */
	open_one(&t, 3, LEAF);
	assert_int_equal(peekpair_see(p), PEEK_FULL);
	assert_true(peek_prove(p->peek, true, &t.set, &proof));
	assert_int_equal(proof.dane, PROOF_DANE_UNMATCHED);
	assert_string_equal(proof.dane_detail, "certificates-unusable");
	assert_true(tlsa_same(&t.set, proof.dane_digest));
	proof_clear(&proof);
	peekpair_close(p);
	testtlsa_free(&t);
	SSL_CTX_free(server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_combination),
		cmocka_unit_test(every_case),
		cmocka_unit_test(the_base_of_the_leafs_name_is_preferred),
		cmocka_unit_test(without_a_set_nothing_is_asked),
		cmocka_unit_test(the_bundle_is_asked_too),
		cmocka_unit_test(the_largest_set_is_gone_through),
		cmocka_unit_test(not_every_failing_base_is_gone_through),
		cmocka_unit_test(odd_records_match_nothing),
		cmocka_unit_test(a_weak_session_proves_nothing),
		cmocka_unit_test(a_replayed_certificate_proves_nothing),
		cmocka_unit_test(no_certificate_is_no_match),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
