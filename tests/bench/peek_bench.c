/* peek_bench.c - the price of a proof in flight, beside what OpenSSL itself needs for the same
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * peek_bench [ROUNDS]: in turns, peek_server and peek_prove over one flight of two certificates,
 * and the bare calls: both certificates decoded, X509_verify_cert, one EVP_DigestVerify. Prints the
 * medians in microseconds of CPU and their ratio; "first": an intermediate never seen before. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/bench/samples.h"
#include "tests/unit/peekpair.h"
#include "tls/decoded.h"
#include "tls/trust.h"

#define ROUNDS 2000
#define ROUNDS_MAX 100000
#define WARM 50
#define FIRST_EVERY 10

struct flight_octets {
	const uint8_t *certificates[2];
	size_t certificates_len[2];
	uint8_t signed_octets[512];	/* both randoms and the parameters */
	size_t signed_len;
	const uint8_t *signature;
	size_t signature_len;
	uint16_t scheme;
};

static size_t
number(const uint8_t *p, int octets)
{
	size_t v = 0;

	while (octets-- > 0)
		v = v << 8 | *p++;
	return v;
}

/* Where everything lies, found once: the bare calls get it for nothing. */
static void
dissect(const struct peekpair *p, struct flight_octets *f)
{
	size_t len, at = tape_message(&p->flight, 11, &len) + 4 + 3, params;
	const uint8_t *octets = p->flight.octets, *exchange;

	for (int i = 0; i < 2; i++) {
		f->certificates_len[i] = number(octets + at, 3);
		f->certificates[i] = octets + at + 3;
		at += 3 + f->certificates_len[i];
	}
	exchange = octets + tape_message(&p->flight, 12, &len) + 4;
	params = 4 + (size_t)exchange[3];
	f->scheme = (uint16_t)number(exchange + params, 2);
	f->signature_len = number(exchange + params + 2, 2);
	f->signature = exchange + params + 4;
	memcpy(f->signed_octets, p->hello.octets + 5 + 4 + 2, 32);
	memcpy(f->signed_octets + 32, octets + 5 + 4 + 2, 32);
	memcpy(f->signed_octets + 64, exchange, params);
	f->signed_len = 64 + params;
}

static void
bare(const struct flight_octets *f, X509_STORE *store)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key = NULL;

	for (int i = 0; i < 2; i++) {
		const unsigned char *p = f->certificates[i];

		sk_X509_push(chain, d2i_X509(NULL, &p, (long)f->certificates_len[i]));
	}
	TESTCA_NEED(X509_STORE_CTX_init(ctx, store, sk_X509_value(chain, 0), chain));
	TESTCA_NEED(X509_STORE_CTX_set_default(ctx, "ssl_server"));
	TESTCA_NEED(X509_verify_cert(ctx) == 1);
	TESTCA_NEED(EVP_DigestVerifyInit(md, &key, EVP_sha256(), NULL,
	    X509_get0_pubkey(sk_X509_value(chain, 0))) == 1);
	if (f->scheme == 0x0804)
		TESTCA_NEED(EVP_PKEY_CTX_set_rsa_padding(key, RSA_PKCS1_PSS_PADDING) > 0 &&
		    EVP_PKEY_CTX_set_rsa_pss_saltlen(key, RSA_PSS_SALTLEN_DIGEST) > 0);
	TESTCA_NEED(EVP_DigestVerify(md, f->signature, f->signature_len, f->signed_octets,
	    f->signed_len) == 1);
	EVP_MD_CTX_free(md);
	X509_STORE_CTX_free(ctx);
	sk_X509_pop_free(chain, X509_free);
}

/* Microseconds; `others` gets the rest of a peek's life: new, client, free. */
static double
in_flight(struct originator *o, const struct peekpair *p, double *others)
{
	struct proof proof = { 0 };
	double t[4];
	size_t want;
	struct peek *peek;

	t[0] = samples_cpu_us();
	peek = peek_new(o);
	TESTCA_NEED(peek_client(peek, p->hello.octets, p->hello.len, &want) == PEEK_HELLO_WHOLE);
	t[1] = samples_cpu_us();
	TESTCA_NEED(peek_server(peek, p->flight.octets, p->flight.len) == PEEK_FULL);
	TESTCA_NEED(peek_prove(peek, true, NULL, &proof) && proof.chain == CHAIN_TRUSTED);
	t[2] = samples_cpu_us();
	proof_clear(&proof);
	peek_free(peek);
	t[3] = samples_cpu_us();
	*others = t[1] - t[0] + t[3] - t[2];
	return t[2] - t[1];
}

/* A certificate that takes the place of `c` among the known ones. */
static struct octets
rival_of(const struct testca_cert *c, const struct testca_cert *issuer)
{
	unsigned char *der = NULL, *wanted = NULL;
	int wanted_len = i2d_X509(c->x509, &wanted), len;
	struct testca_cert rival;

	do {
		OPENSSL_free(der);
		der = NULL;
		rival = testca_issue(&(struct testca_spec){ .issuer = issuer, .cn = "Rival" });
		len = i2d_X509(rival.x509, &der);
		testca_free(&rival);
	} while (der[len - 1] % DECODED_ISSUERS_MAX != wanted[wanted_len - 1] % DECODED_ISSUERS_MAX);
	OPENSSL_free(wanted);
	return octets_of(der, (size_t)len);
}

static void
measure(const char *title, int leaf_bits, int ca_bits, size_t rounds)
{
	struct testca_cert root = testca_issue(&(struct testca_spec){ .cn = "Root", .ca = true,
	    .rsa_bits = ca_bits });
	struct testca_cert middle = testca_issue(&(struct testca_spec){ .issuer = &root,
	    .cn = "Middle", .ca = true, .rsa_bits = ca_bits });
	struct testca_cert leaf = testca_issue(&(struct testca_spec){ .issuer = &middle,
	    .cn = PEEKPAIR_HOST, .dns = PEEKPAIR_HOST, .rsa_bits = leaf_bits });
	SSL_CTX *client = peekpair_client(), *server = testca_server(&leaf, &middle);
	struct originator *o = tlspair_originator(&root, TLS1_2_VERSION);
	X509_STORE *store = trust_store(originator_trust(o));
	double *theirs = calloc(rounds, sizeof *theirs), *ours = calloc(rounds, sizeof *ours),
	    *first = calloc(rounds, sizeof *first), rest, base;
	struct flight_octets f;
	struct octets other = rival_of(&middle, &root);
	struct peekpair *p;
	size_t firsts = 0;

	TESTCA_NEED(SSL_CTX_set_cipher_list(server, "ECDHE+AESGCM") &&
	    SSL_CTX_set1_groups_list(server, "P-256") &&
	    SSL_CTX_set1_sigalgs_list(server, "ECDSA+SHA256:rsa_pss_rsae_sha256"));
	p = peekpair_open(o, client, server, NULL);
	dissect(p, &f);
	for (size_t i = 0; i < WARM; i++) {
		bare(&f, store);
		in_flight(o, p, &rest);
	}
	for (size_t i = 0; i < rounds; i++) {
		double start = samples_cpu_us();

		bare(&f, store);
		theirs[i] = samples_cpu_us() - start;
		ours[i] = in_flight(o, p, &rest);
		if (i % FIRST_EVERY == 0) {
			X509_free(decoded_issuer(originator_decoded(o), &other));
			first[firsts++] = in_flight(o, p, &rest);
		}
	}
	base = samples_median(theirs, rounds);
	printf("%-15s bare %7.1f us; in flight %7.1f us, ratio %.3f; first %7.1f us, ratio %.3f; "
	    "new, client, free %.1f us\n", title, base, samples_median(ours, rounds),
	    samples_median(ours, rounds) / base, samples_median(first, firsts), samples_median(first, firsts) / base, rest);
	peekpair_close(p);
	originator_free(o);
	SSL_CTX_free(client);
	SSL_CTX_free(server);
	testca_free(&root);
	testca_free(&middle);
	testca_free(&leaf);
	free(theirs);
	free(ours);
	free(first);
	OPENSSL_free((void *)(uintptr_t)other.p);
}

int
main(int argc, char **argv)
{
	long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : ROUNDS;

	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: peek_bench [ROUNDS]\n");
		return 2;
	}
	measure("RSA 2048", 2048, 2048, (size_t)rounds);
	measure("P-256", 0, 0, (size_t)rounds);
	measure("P-256 under RSA", 0, 2048, (size_t)rounds);
	return 0;
}
