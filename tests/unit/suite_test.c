/* suite_test.c - the table of cipher suites against what OpenSSL knows of them
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "tls/suite.h"

/* Those that prove something and that OpenSSL was built without, or never had: no judge but the
 * IANA registry. */
static const struct { uint16_t id; struct suite suite; } others[] = {
	{ 0x0004, { SUITE_RSA, SUITE_KEY_RSA, false, "RC4-MD5" } },
	{ 0x0005, { SUITE_RSA, SUITE_KEY_RSA, false, "RC4-SHA" } },
	{ 0x000a, { SUITE_RSA, SUITE_KEY_RSA, false, "DES-CBC3-SHA" } },
	{ 0x0016, { SUITE_DHE, SUITE_KEY_RSA, false, "DHE-RSA-DES-CBC3-SHA" } },
	{ 0xc007, { SUITE_ECDHE, SUITE_KEY_ECDSA, false, "ECDHE-ECDSA-RC4-SHA" } },
	{ 0xc008, { SUITE_ECDHE, SUITE_KEY_ECDSA, false, "ECDHE-ECDSA-DES-CBC3-SHA" } },
	{ 0xc011, { SUITE_ECDHE, SUITE_KEY_RSA, false, "ECDHE-RSA-RC4-SHA" } },
	{ 0xc012, { SUITE_ECDHE, SUITE_KEY_RSA, false, "ECDHE-RSA-DES-CBC3-SHA" } },
	{ 0xc07a, { SUITE_RSA, SUITE_KEY_RSA, true, "CAMELLIA128-GCM-SHA256" } },
	{ 0xc07b, { SUITE_RSA, SUITE_KEY_RSA, true, "CAMELLIA256-GCM-SHA384" } },
	{ 0xc07c, { SUITE_DHE, SUITE_KEY_RSA, true, "DHE-RSA-CAMELLIA128-GCM-SHA256" } },
	{ 0xc07d, { SUITE_DHE, SUITE_KEY_RSA, true, "DHE-RSA-CAMELLIA256-GCM-SHA384" } },
	{ 0xc086, { SUITE_ECDHE, SUITE_KEY_ECDSA, true, "ECDHE-ECDSA-CAMELLIA128-GCM-SHA256" } },
	{ 0xc087, { SUITE_ECDHE, SUITE_KEY_ECDSA, true, "ECDHE-ECDSA-CAMELLIA256-GCM-SHA384" } },
	{ 0xc08a, { SUITE_ECDHE, SUITE_KEY_RSA, true, "ECDHE-RSA-CAMELLIA128-GCM-SHA256" } },
	{ 0xc08b, { SUITE_ECDHE, SUITE_KEY_RSA, true, "ECDHE-RSA-CAMELLIA256-GCM-SHA384" } },
};

/* What OpenSSL says a suite is. Names it has only where the suite proves something. */
static struct suite
in_openssl(const SSL_CIPHER *c)
{
	struct suite s = { .exchange = SUITE_UNPROVEN, .name = "" };
	int kx = SSL_CIPHER_get_kx_nid(c), auth = SSL_CIPHER_get_auth_nid(c);
	int bits = SSL_CIPHER_get_bits(c, NULL);

	if ((auth != NID_auth_rsa && auth != NID_auth_ecdsa) || bits == 0)
		return s;
	if (kx != NID_kx_rsa && kx != NID_kx_dhe && kx != NID_kx_ecdhe)
		return s;
	s.exchange = kx == NID_kx_rsa ? SUITE_RSA : kx == NID_kx_dhe ? SUITE_DHE : SUITE_ECDHE;
	s.key = auth == NID_auth_rsa ? SUITE_KEY_RSA : SUITE_KEY_ECDSA;
	s.strong = bits > 112;
	s.name = SSL_CIPHER_get_name(c);
	return s;
}

static void
expected(SSL_CTX *ctx, uint16_t id, struct suite *out)
{
	STACK_OF(SSL_CIPHER) *all = SSL_CTX_get_ciphers(ctx);

	*out = (struct suite){ .exchange = SUITE_UNPROVEN, .name = "" };
	for (int i = 0; i < sk_SSL_CIPHER_num(all); i++)
		if (SSL_CIPHER_get_protocol_id(sk_SSL_CIPHER_value(all, i)) == id)
			*out = in_openssl(sk_SSL_CIPHER_value(all, i));
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (others[i].id == id) {
			assert_int_equal(out->exchange, SUITE_UNPROVEN);
			*out = others[i].suite;
		}
}

static void
every_number_means_what_openssl_says(void **state)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	struct suite want, got;
	unsigned proven = 0;

	(void)state;
	assert_non_null(ctx);
	SSL_CTX_set_security_level(ctx, 0);
	assert_true(SSL_CTX_set_cipher_list(ctx, "ALL:COMPLEMENTOFALL:@SECLEVEL=0"));
	for (unsigned id = 0; id <= 0xffff; id++) {
		expected(ctx, (uint16_t)id, &want);
		suite_find((uint16_t)id, &got);
		assert_int_equal(got.exchange, want.exchange);
		assert_string_equal(got.name, want.name);
		if (want.exchange == SUITE_UNPROVEN) {
			assert_false(got.strong);
			continue;
		}
		assert_int_equal(got.key, want.key);
		assert_int_equal(got.strong, want.strong);
		proven++;
	}
	assert_int_equal(proven, 75);
	SSL_CTX_free(ctx);
}

/* Whatever a build of OpenSSL has or has not: these show no certificate, or do not use its key. */
static void
others_prove_nothing(void **state)
{
	static const struct { uint16_t id; const char *why; } none[] = {
		{ 0x0000, "TLS_NULL_WITH_NULL_NULL" },
		{ 0x0002, "TLS_RSA_WITH_NULL_SHA" },
		{ 0x0003, "TLS_RSA_EXPORT_WITH_RC4_40_MD5" },
		{ 0x0009, "TLS_RSA_WITH_DES_CBC_SHA" },
		{ 0x000d, "TLS_DH_DSS_WITH_3DES_EDE_CBC_SHA" },
		{ 0x0010, "TLS_DH_RSA_WITH_3DES_EDE_CBC_SHA" },
		{ 0x0014, "TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA" },
		{ 0x0018, "TLS_DH_anon_WITH_RC4_128_MD5" },
		{ 0x0032, "TLS_DHE_DSS_WITH_AES_128_CBC_SHA" },
		{ 0x0034, "TLS_DH_anon_WITH_AES_128_CBC_SHA" },
		{ 0x003b, "TLS_RSA_WITH_NULL_SHA256" },
		{ 0x008c, "TLS_PSK_WITH_AES_128_CBC_SHA" },
		{ 0x0094, "TLS_RSA_PSK_WITH_AES_128_CBC_SHA" },
		{ 0x00a6, "TLS_DH_anon_WITH_AES_128_GCM_SHA256" },
		{ 0x00ff, "TLS_EMPTY_RENEGOTIATION_INFO_SCSV" },
		{ 0x1301, "TLS_AES_128_GCM_SHA256" },
		{ 0x5600, "TLS_FALLBACK_SCSV" },
		{ 0xc004, "TLS_ECDH_ECDSA_WITH_AES_128_CBC_SHA" },
		{ 0xc00e, "TLS_ECDH_RSA_WITH_AES_128_CBC_SHA" },
		{ 0xc010, "TLS_ECDHE_RSA_WITH_NULL_SHA" },
		{ 0xc018, "TLS_ECDH_anon_WITH_AES_128_CBC_SHA" },
		{ 0xc01e, "TLS_SRP_SHA_RSA_WITH_AES_128_CBC_SHA" },
		{ 0xc035, "TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA" },
		{ 0x0a0a, "GREASE" },
	};
	struct suite s;

	(void)state;
	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		suite_find(none[i].id, &s);
		if (s.exchange != SUITE_UNPROVEN || s.name[0])
			fail_msg("%s", none[i].why);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_number_means_what_openssl_says),
		cmocka_unit_test(others_prove_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
