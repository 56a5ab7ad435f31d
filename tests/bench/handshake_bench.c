/* handshake_bench.c - what a verified handshake with an MX costs, bare and postern's: the limit
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * handshake_bench [-b] [-k KIND] [ROUNDS]: TLS 1.3 over a socket pair in one thread, the variants
 * in turn; the clock runs while the client works and stands while the server does. Both read
 * one reply behind the handshake, so that whatever the server sends by itself is read too. A full
 * handshake is with a server that gives no tickets, a resumed one takes a ticket that was never
 * used and gets the next. "first" is a leaf never seen before, under an intermediate that was.
 * -b: the bare client alone. -k: with one kind of leaf (P-256, RSA-2048), under an RSA-2048
 * intermediate and root. Without either also AES-GCM over 256 MiB in records of TLS. What is
 * printed are medians, and behind them the least and greatest of a fifth of the rounds; the last
 * line is the same as JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <jansson.h>

#include "tests/bench/samples.h"
#include "tests/unit/tlspair.h"

#define ROUNDS 500
#define ROUNDS_MAX 100000
#define WARM 20
#define BLOCKS 5
#define STEPS_MAX 20		/* of the two sides, until the handshake is done; four are enough */
#define HOST "mx.example"
#define REPLY "250 mx.example\r\n"
#define RSA_BITS 2048
#define RECORD 16384
#define BULK (256 << 20)
#define BULK_TIMES BLOCKS

enum variant { BARE_FULL, BARE_RESUMED, OWN_FIRST, OWN_KNOWN, OWN_RESUMED, VARIANTS };

static const char *const titles[VARIANTS] = {
	[BARE_FULL] = "bare full", [BARE_RESUMED] = "bare resumed", [OWN_FIRST] = "postern first",
	[OWN_KNOWN] = "postern known", [OWN_RESUMED] = "postern resumed",
};

struct world {
	struct testca_cert root, middle, leaf;
	int leaf_bits;		/* 0: P-256 */
	SSL_CTX *silent, *giving;	/* servers without tickets and with them */
	SSL_CTX *client;
	SSL_SESSION *ticket;	/* the bare client's newest */
	struct originator *originator;
};

/* --- the two sides ---------------------------------------------------------------------------- */

static int
keep_ticket(SSL *ssl, SSL_SESSION *session)
{
	struct world *w = SSL_get_app_data(ssl);

	SSL_SESSION_free(w->ticket);
	w->ticket = session;
	return 1;
}

static SSL_CTX *
bare_client(const struct testca_cert *root)
{
	SSL_CTX *c = SSL_CTX_new(TLS_client_method());

	TESTCA_NEED(c && X509_STORE_add_cert(SSL_CTX_get_cert_store(c), root->x509));
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(c, keep_ticket);
	return c;
}

static SSL_CTX *
server(const struct world *w, const struct testca_cert *leaf, size_t tickets)
{
	SSL_CTX *c = testca_server(leaf, &w->middle);

	TESTCA_NEED(SSL_CTX_set_num_tickets(c, tickets));
	return c;
}

static struct testca_cert
issue_leaf(const struct world *w)
{
	return testca_issue(&(struct testca_spec){ .issuer = &w->middle, .cn = HOST, .dns = HOST,
	    .rsa_bits = w->leaf_bits });
}

static void
reply(SSL *peer)
{
	TESTCA_NEED(SSL_write(peer, REPLY, sizeof REPLY - 1) == sizeof REPLY - 1);
}

/* bare: one session of a plain client, in microseconds of its own. */
static double
bare(struct world *w, SSL_CTX *ctx, bool resumed)
{
	struct tlspair p;
	char buf[sizeof REPLY];
	double start, used;
	int here = 0, there = 0;

	tlspair_sockets(p.fd);
	tlspair_peer(&p, ctx, true);
	start = samples_cpu_us();
	SSL *ssl = SSL_new(w->client);
	TESTCA_NEED(ssl && SSL_set_fd(ssl, p.fd[0]) && SSL_set_app_data(ssl, w) &&
	    SSL_set_tlsext_host_name(ssl, HOST) && SSL_set1_host(ssl, HOST));
	if (resumed)
		TESTCA_NEED(SSL_set_session(ssl, w->ticket));
	used = samples_cpu_us() - start;
	for (int i = 0; i < STEPS_MAX && (here != 1 || there != 1); i++) {
		start = samples_cpu_us();
		if (here != 1)
			here = SSL_connect(ssl);
		used += samples_cpu_us() - start;
		if (there != 1)
			there = SSL_do_handshake(p.peer);
	}
	TESTCA_NEED(here == 1 && there == 1 && SSL_session_reused(ssl) == resumed);
	reply(p.peer);
	start = samples_cpu_us();
	TESTCA_NEED(SSL_read(ssl, buf, sizeof buf) == sizeof REPLY - 1);
	SSL_shutdown(ssl);
	SSL_free(ssl);
	used += samples_cpu_us() - start;
	p.stream = NULL;
	tlspair_close(&p);
	return used;
}

/* own: the same through tls/, with the proof made. */
static double
own(struct world *w, SSL_CTX *ctx, const char *key, bool resumed)
{
	struct tlspair p;
	struct proof proof = { 0 };
	enum stream_result here = STREAM_WANT_READ;
	char buf[sizeof REPLY];
	double start, used;
	size_t got;
	int there = 0;

	tlspair_sockets(p.fd);
	tlspair_peer(&p, ctx, true);
	start = samples_cpu_us();
	p.stream = originate(w->originator, p.fd[0], HOST, key, strlen(key), true, NULL);
	used = samples_cpu_us() - start;
	TESTCA_NEED(p.stream != NULL);
	for (int i = 0; i < STEPS_MAX && (here != STREAM_OK || there != 1); i++) {
		start = samples_cpu_us();
		if (here != STREAM_OK)
			here = stream_handshake(p.stream);
		used += samples_cpu_us() - start;
		if (there != 1)
			there = SSL_do_handshake(p.peer);
	}
	TESTCA_NEED(here == STREAM_OK && there == 1);
	reply(p.peer);
	start = samples_cpu_us();
	originate_proof(p.stream, &proof);
	TESTCA_NEED(proof.chain == CHAIN_TRUSTED && proof_names_host(&proof, HOST) &&
	    proof.resumed == resumed);
	TESTCA_NEED(stream_read(p.stream, buf, sizeof buf, &got) == STREAM_OK &&
	    got == sizeof REPLY - 1);
	stream_shutdown(p.stream);
	stream_free(p.stream);
	proof_clear(&proof);
	used += samples_cpu_us() - start;
	p.stream = NULL;
	tlspair_close(&p);
	return used;
}

static double
own_first(struct world *w)
{
	struct testca_cert leaf = issue_leaf(w);
	SSL_CTX *ctx = server(w, &leaf, 0);
	double used = own(w, ctx, "silent", false);

	SSL_CTX_free(ctx);
	testca_free(&leaf);
	return used;
}

static double
once(struct world *w, enum variant v)
{
	switch (v) {
	case BARE_FULL:
		return bare(w, w->silent, false);
	case BARE_RESUMED:
		return bare(w, w->giving, true);
	case OWN_FIRST:
		return own_first(w);
	case OWN_KNOWN:
		return own(w, w->silent, "silent", false);
	case OWN_RESUMED:
		return own(w, w->giving, "giving", true);
	case VARIANTS:
		break;
	}
	abort();
}

/* --- all of them ------------------------------------------------------------------------------ */

static void
world_open(struct world *w, int leaf_bits)
{
	*w = (struct world){ .leaf_bits = leaf_bits };
	w->root = testca_issue(&(struct testca_spec){ .cn = "Root", .ca = true,
	    .rsa_bits = RSA_BITS });
	w->middle = testca_issue(&(struct testca_spec){ .issuer = &w->root, .cn = "Middle",
	    .ca = true, .rsa_bits = RSA_BITS });
	w->leaf = issue_leaf(w);
	w->silent = server(w, &w->leaf, 0);
	w->giving = server(w, &w->leaf, 1);
	w->client = bare_client(&w->root);
	w->originator = tlspair_originator(&w->root, TLS1_2_VERSION);
	bare(w, w->giving, false);	/* the first tickets */
	own(w, w->giving, "giving", false);
}

static void
world_close(struct world *w)
{
	SSL_SESSION_free(w->ticket);
	SSL_CTX_free(w->client);
	originator_free(w->originator);
	SSL_CTX_free(w->silent);
	SSL_CTX_free(w->giving);
	testca_free(&w->leaf);
	testca_free(&w->middle);
	testca_free(&w->root);
}

struct measured {
	double median, blocks[BLOCKS];
};

static struct measured
summary(double *used, size_t rounds)
{
	struct measured m;
	size_t per = rounds / BLOCKS;

	for (size_t b = 0; b < BLOCKS; b++)
		m.blocks[b] = samples_median(used + b * per, per);
	m.median = samples_median(used, rounds);
	return m;
}

/* tell: beside `base`, block by block, since what slows the machine down slows both. */
static json_t *
tell(const char *title, const struct measured *m, const struct measured *base, const char *unit)
{
	double ratios[BLOCKS], blocks[BLOCKS];

	for (size_t b = 0; b < BLOCKS; b++) {
		ratios[b] = m->blocks[b] / base->blocks[b];
		blocks[b] = m->blocks[b];
	}
	samples_sort(ratios, BLOCKS);
	samples_sort(blocks, BLOCKS);
	printf("%s: %.0f %s (%.0f to %.0f), %.2f x (%.2f to %.2f)\n", title, m->median, unit,
	    blocks[0], blocks[BLOCKS - 1], ratios[BLOCKS / 2], ratios[0],
	    ratios[BLOCKS - 1]);
	return json_pack("{s:f,s:f,s:f,s:f,s:f,s:f}", "median", m->median, "low", blocks[0],
	    "high", blocks[BLOCKS - 1], "ratio", ratios[BLOCKS / 2], "ratio low",
	    ratios[0], "ratio high", ratios[BLOCKS - 1]);
}

static json_t *
measure(const char *kind, int leaf_bits, size_t rounds, int variants)
{
	double *used[VARIANTS];
	struct measured m[VARIANTS];
	json_t *out = json_object();
	char title[64];
	struct world w;

	world_open(&w, leaf_bits);
	for (int v = 0; v < variants; v++)
		TESTCA_NEED((used[v] = calloc(rounds, sizeof(double))) != NULL);
	for (size_t i = 0; i < WARM + rounds; i++)
		for (int v = 0; v < variants; v++)
			used[v][i < WARM ? 0 : i - WARM] = once(&w, (enum variant)v);
	for (int v = 0; v < variants; v++) {
		snprintf(title, sizeof title, "%s, %s", kind, titles[v]);
		m[v] = summary(used[v], rounds);
		json_object_set_new(out, titles[v], tell(title, &m[v], &m[BARE_FULL], "us"));
		free(used[v]);
	}
	world_close(&w);
	return out;
}

/* encrypt: as TLS 1.3 does it: a nonce and a tag for each record. CPU in milliseconds. */
static double
encrypt(void)
{
	static unsigned char in[RECORD], out[RECORD];
	unsigned char key[32] = { 1 }, nonce[12] = { 0 }, tag[16];
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	double start = samples_cpu_us();
	int len;

	TESTCA_NEED(c && EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, nonce));
	for (uint32_t i = 0; i < BULK / RECORD; i++) {
		memcpy(nonce, &i, sizeof i);
		TESTCA_NEED(EVP_EncryptInit_ex(c, NULL, NULL, NULL, nonce) &&
		    EVP_EncryptUpdate(c, out, &len, in, RECORD) &&
		    EVP_EncryptFinal_ex(c, out, &len) &&
		    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, sizeof tag, tag));
	}
	EVP_CIPHER_CTX_free(c);
	return (samples_cpu_us() - start) / 1e3;
}

static json_t *
measure_bulk(void)
{
	double used[BULK_TIMES];
	struct measured m;

	for (int i = 0; i < BULK_TIMES; i++)
		used[i] = encrypt();
	m = summary(used, BULK_TIMES);
	return tell("AES-256-GCM, 256 MiB", &m, &m, "ms");
}

int
main(int argc, char **argv)
{
	static const struct { const char *name; int bits; } kinds[] = {
		{ "P-256", 0 }, { "RSA-2048", RSA_BITS },
	};
	const char *only = NULL;
	json_t *all = json_object();
	long rounds = ROUNDS;
	int option, variants = VARIANTS;
	bool known = false;

	while ((option = getopt(argc, argv, "bk:")) != -1)
		switch (option) {
		case 'b': variants = OWN_FIRST; break;
		case 'k': only = optarg; break;
		default: rounds = 0;
		}
	if (rounds > 0 && optind < argc)
		rounds = strtol(argv[optind], NULL, 10);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds && rounds >= BLOCKS; i++) {
		if (rounds > ROUNDS_MAX || (only != NULL && strcmp(only, kinds[i].name) != 0))
			continue;
		known = true;
		json_object_set_new(all, kinds[i].name, measure(kinds[i].name, kinds[i].bits,
		    (size_t)rounds, variants));
	}
	if (!known) {
		fprintf(stderr, "usage: handshake_bench [-b] [-k KIND] [ROUNDS from %d to %d]\n",
		    BLOCKS, ROUNDS_MAX);
		return 2;
	}
	if (variants == VARIANTS && only == NULL)
		json_object_set_new(all, "AES-GCM, ms", measure_bulk());
	json_dumpf(all, stdout, JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(all);
	return 0;
}
