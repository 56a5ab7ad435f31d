/* testca.h - certificates made at run time, for tests: a CA, an intermediate, leaves of every fault
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whatever fails here fails the test program. Only tests include it. */
#ifndef TESTS_TESTCA_H
#define TESTS_TESTCA_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#define TESTCA_NEED(condition) testca_need((condition), #condition, __LINE__)

struct testca_cert {
	X509 *x509;
	EVP_PKEY *key;
};

/* What a certificate shall say. All zero: a self-signed ECDSA leaf without names, valid now. */
struct testca_spec {
	const struct testca_cert *issuer;	/* NULL: self-signed */
	const char *cn;
	const char *dns;	/* DNS-IDs by comma, "!" is a NUL; NULL: no subjectAltName */
	bool ca;
	bool client_only;	/* extendedKeyUsage clientAuth alone */
	int rsa_bits;		/* 0: ECDSA P-256 */
	const char *curve;	/* instead: ECDSA over that one */
	int from_days, until_days;	/* from now; both 0: from yesterday for 30 days */
	long until_seconds;	/* instead of until_days */
	/* In OpenSSL's notation; NULL: what `ca` says, and no name constraints. */
	const char *constraints, *key_usage, *name_constraints;
};

static inline void
testca_need(bool ok, const char *what, int line)
{
	if (ok)
		return;
	fprintf(stderr, "testca.h:%d: %s\n", line, what);
	ERR_print_errors_fp(stderr);
	abort();
}

static inline void
testca_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	TESTCA_NEED(ext && X509_add_ext(cert, ext, -1));
	X509_EXTENSION_free(ext);
}

/* Adds `len` octets as one DNS-ID. */
static inline void
testca_name(GENERAL_NAMES *names, const char *octets, size_t len)
{
	GENERAL_NAME *entry = GENERAL_NAME_new();
	ASN1_IA5STRING *value = ASN1_IA5STRING_new();

	TESTCA_NEED(entry && value && ASN1_STRING_set(value, octets, (int)len));
	for (size_t i = 0; i < len; i++)
		if (octets[i] == '!')
			((unsigned char *)value->data)[i] = '\0';
	GENERAL_NAME_set0_value(entry, GEN_DNS, value);
	TESTCA_NEED(sk_GENERAL_NAME_push(names, entry) > 0);
}

static inline void
testca_names(X509 *cert, const char *dns)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();

	for (const char *s = dns; ; ) {
		size_t len = strcspn(s, ",");

		testca_name(names, s, len);
		if (!s[len])
			break;
		s += len + 1;
	}
	TESTCA_NEED(X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0,
	    X509V3_ADD_APPEND) == 1);
	GENERAL_NAMES_free(names);
}

/* Making an RSA key takes long: one of each size is shared by all certificates. */
static inline EVP_PKEY *
testca_key(int rsa_bits)
{
	static struct { int bits; EVP_PKEY *key; } made[4];
	size_t i = 0;

	if (!rsa_bits)
		return EVP_EC_gen("P-256");
	while (made[i].bits && made[i].bits != rsa_bits)
		TESTCA_NEED(++i < sizeof made / sizeof *made);
	if (!made[i].key)
		made[i].key = EVP_RSA_gen((unsigned)rsa_bits);
	made[i].bits = rsa_bits;
	TESTCA_NEED(made[i].key && EVP_PKEY_up_ref(made[i].key));
	return made[i].key;
}

static inline void
testca_extensions(X509 *cert, const struct testca_spec *spec)
{
	testca_extension(cert, NID_basic_constraints, spec->constraints ? spec->constraints :
	    spec->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	testca_extension(cert, NID_key_usage, spec->key_usage ? spec->key_usage : spec->ca ?
	    "critical,keyCertSign,cRLSign" : "critical,digitalSignature,keyEncipherment");
	if (!spec->ca)
		testca_extension(cert, NID_ext_key_usage,
		    spec->client_only ? "clientAuth" : "serverAuth");
	if (spec->name_constraints)
		testca_extension(cert, NID_name_constraints, spec->name_constraints);
	if (spec->dns)
		testca_names(cert, spec->dns);
}

static inline struct testca_cert
testca_issue(const struct testca_spec *spec)
{
	static long serial = 1000;
	bool span = spec->from_days || spec->until_days;
	struct testca_cert c = { X509_new(), spec->curve ?
	    EVP_EC_gen(spec->curve) : testca_key(spec->rsa_bits) };
	const struct testca_cert *issuer = spec->issuer ? spec->issuer : &c;
	X509_NAME *subject;

	TESTCA_NEED(c.x509 && c.key && X509_set_version(c.x509, X509_VERSION_3));
	TESTCA_NEED(ASN1_INTEGER_set(X509_get_serialNumber(c.x509), serial++));
	subject = X509_get_subject_name(c.x509);
	if (spec->cn)
		TESTCA_NEED(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
		    (const unsigned char *)spec->cn, -1, -1, 0));
	TESTCA_NEED(X509_set_issuer_name(c.x509, X509_get_subject_name(issuer->x509)));
	X509_time_adj_ex(X509_getm_notBefore(c.x509), span ? spec->from_days : -1, 0, NULL);
	if (spec->until_seconds)
		X509_time_adj_ex(X509_getm_notAfter(c.x509), 0, spec->until_seconds, NULL);
	else
		X509_time_adj_ex(X509_getm_notAfter(c.x509), span ? spec->until_days : 30, 0, NULL);
	TESTCA_NEED(X509_set_pubkey(c.x509, c.key));
	testca_extensions(c.x509, spec);
	TESTCA_NEED(X509_sign(c.x509, issuer->key, EVP_sha256()) > 0);
	return c;
}

static inline struct testca_cert
testca_root(const char *cn)
{
	return testca_issue(&(struct testca_spec){ .cn = cn, .ca = true });
}

static inline void
testca_free(struct testca_cert *c)
{
	X509_free(c->x509);
	EVP_PKEY_free(c->key);
	*c = (struct testca_cert){ NULL, NULL };
}

/* Writes one certificate (and its key, where with_key) as PEM; `path` is a template for mkstemp and
 * becomes the file's name. The caller unlinks it. */
static inline void
testca_write(char *path, const struct testca_cert *c, bool with_key)
{
	int fd = mkstemp(path);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	TESTCA_NEED(f != NULL);
	if (with_key)
		TESTCA_NEED(PEM_write_PrivateKey(f, c->key, NULL, NULL, 0, NULL, NULL));
	TESTCA_NEED(PEM_write_X509(f, c->x509));
	TESTCA_NEED(fclose(f) == 0);
}

/* A plain OpenSSL server that shows `leaf` and, where not NULL, `intermediate`: a test's MX. */
static inline SSL_CTX *
testca_server(const struct testca_cert *leaf, const struct testca_cert *intermediate)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	TESTCA_NEED(ctx != NULL);
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"test", 4);
	if (leaf) {
		TESTCA_NEED(SSL_CTX_use_certificate(ctx, leaf->x509) == 1);
		TESTCA_NEED(SSL_CTX_use_PrivateKey(ctx, leaf->key) == 1);
	}
	if (intermediate)
		TESTCA_NEED(SSL_CTX_add1_chain_cert(ctx, intermediate->x509) == 1);
	return ctx;
}

/* A key that signs with PSS alone (RFC 4055, id-RSASSA-PSS). */
static inline EVP_PKEY *
testca_pss_key(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
	EVP_PKEY *key = NULL;

	TESTCA_NEED(ctx && EVP_PKEY_keygen_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048) == 1 && EVP_PKEY_generate(ctx, &key) == 1);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* Gives a server this group for DHE. */
static inline void
testca_dh(SSL_CTX *server, const char *group)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
	EVP_PKEY *dh = NULL;

	TESTCA_NEED(ctx && EVP_PKEY_paramgen_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_group_name(ctx, group) == 1 && EVP_PKEY_paramgen(ctx, &dh) == 1 &&
	    SSL_CTX_set0_tmp_dh_pkey(server, dh) == 1);
	EVP_PKEY_CTX_free(ctx);
}

#endif
