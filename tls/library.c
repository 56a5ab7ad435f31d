/* library.c - the part of OpenSSL that sessions towards servers need, as a library of its own
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A provider that has nothing of its own: it hands out a part of what OpenSSL's default provider
 * has, and all of that works under the latter's context. */
#include "tls/library.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#define NAME "postern"
#define UNNEEDED_SINCE 0x30200000UL	/* later ones remember which decoder it was */
#define NAMES_MAX 12			/* of an operation, with the NULL behind them */
#define FORM "structure=SubjectPublicKeyInfo"	/* that of keys in certificates */

/* By the first of the names that OpenSSL gives an algorithm. DSA is here to be known for what it is
 * when a chain is judged; digests that TLS does not know occur in private chains. */
static const struct choice {
	int operation;
	const char *names[NAMES_MAX];
} choices[] = {
	{ OSSL_OP_DIGEST, { "MD5", "MD5-SHA1", "SHA1", "SHA2-224", "SHA2-256", "SHA2-384",
	    "SHA2-512", "SHA3-256", "SHA3-384", "SHA3-512" } },
	{ OSSL_OP_CIPHER, { "AES-128-GCM", "AES-256-GCM", "AES-128-CCM", "AES-256-CCM",
	    "AES-128-CBC", "AES-256-CBC", "AES-128-CBC-HMAC-SHA1", "AES-256-CBC-HMAC-SHA1",
	    "AES-128-CBC-HMAC-SHA256", "AES-256-CBC-HMAC-SHA256", "ChaCha20-Poly1305" } },
	{ OSSL_OP_MAC, { "HMAC" } },
	{ OSSL_OP_KDF, { "HKDF", "TLS13-KDF", "TLS1-PRF" } },
	{ OSSL_OP_RAND, { "CTR-DRBG", "SEED-SRC" } },
	{ OSSL_OP_KEYMGMT, { "RSA", "RSA-PSS", "EC", "ED25519", "ED448", "X25519", "X448", "DH",
	    "DSA", "HMAC" } },
	{ OSSL_OP_KEYEXCH, { "DH", "ECDH", "X25519", "X448" } },
	{ OSSL_OP_SIGNATURE, { "RSA", "ECDSA", "ED25519", "ED448", "DSA", "HMAC" } },
	{ OSSL_OP_ASYM_CIPHER, { "RSA" } },
	{ OSSL_OP_DECODER, { "RSA", "RSA-PSS", "EC", "ED25519", "ED448", "DSA", "DER" } },
};

#define OPERATIONS (sizeof choices / sizeof *choices)

/* OpenSSL passes nothing through to a provider that is built in, and there is one for the process:
 * what is made here once stays, as OpenSSL's own library context does. */
static struct library {
	bool tried;
	OSSL_LIB_CTX *whole, *part;
	OSSL_PROVIDER *origin;
	OSSL_ALGORITHM algorithms[OPERATIONS][NAMES_MAX];
} library;

static const OSSL_ALGORITHM *
query(void *unused, int operation, int *no_cache)
{
	(void)unused;
	*no_cache = 0;
	for (size_t i = 0; i < OPERATIONS; i++)
		if (choices[i].operation == operation)
			return library.algorithms[i];
	return NULL;
}

static int
capabilities(void *unused, const char *capability, OSSL_CALLBACK *each, void *arg)
{
	(void)unused;
	return OSSL_PROVIDER_get_capabilities(library.origin, capability, each, arg);
}

/* Its context is that of the default provider, which the algorithms take for their own. */
static int
start(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
    void **context)
{
	static const OSSL_DISPATCH functions[] = {
		{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query },
		{ OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))capabilities },
		{ 0, NULL },
	};

	(void)handle;
	(void)in;
	*out = functions;
	*context = OSSL_PROVIDER_get0_provider_ctx(library.origin);
	return 1;
}

static bool
is_named(const OSSL_ALGORITHM *a, const char *name)
{
	size_t len = strlen(name);

	return strncmp(a->algorithm_names, name, len) == 0 &&
	    (a->algorithm_names[len] == ':' || a->algorithm_names[len] == '\0');
}

/* All of them, or this is no OpenSSL that we know. */
static bool
choose(size_t i)
{
	int no_cache = 0, operation = choices[i].operation;
	const OSSL_ALGORITHM *all = OSSL_PROVIDER_query_operation(library.origin, operation,
	    &no_cache);

	if (!all || no_cache)
		return false;
	for (size_t n = 0; choices[i].names[n]; n++) {
		const OSSL_ALGORITHM *a = all;

		while (a->algorithm_names && !(is_named(a, choices[i].names[n]) &&
		    (operation != OSSL_OP_DECODER || strstr(a->property_definition, FORM))))
			a++;
		if (!a->algorithm_names)
			return false;
		library.algorithms[i][n] = *a;
	}
	return true;
}

static int
is_usual(OSSL_PROVIDER *p, void *unusual)
{
	const char *name = OSSL_PROVIDER_get0_name(p);

	if (strcmp(name, "default") != 0 && strcmp(name, "base") != 0)
		*(bool *)unusual = true;
	return 1;
}

/* What openssl.cnf says is the administrator's will; nobody else has set anything so early. */
static bool
is_wanted(void)
{
	bool unusual = false;

	return OpenSSL_version_num() < UNNEEDED_SINCE &&
	    OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL) &&
	    !EVP_default_properties_is_fips_enabled(NULL) &&
	    OSSL_PROVIDER_do_all(NULL, is_usual, &unusual) && !unusual;
}

static bool
make(void)
{
	if (!is_wanted())
		return false;
	library.whole = OSSL_LIB_CTX_new();
	library.part = OSSL_LIB_CTX_new();
	if (library.whole && library.part)
		library.origin = OSSL_PROVIDER_load(library.whole, "default");
	for (size_t i = 0; library.origin && i < OPERATIONS; i++)
		if (!choose(i))
			return false;
	return library.origin && OSSL_PROVIDER_add_builtin(library.part, NAME, start) &&
	    OSSL_PROVIDER_load(library.part, NAME);
}

OSSL_LIB_CTX *
library_context(void)
{
	if (!library.tried) {
		library.tried = true;
		if (!make()) {
			OSSL_LIB_CTX_free(library.part);
			library.part = NULL;
			ERR_clear_error();
		}
	}
	return library.part;
}
