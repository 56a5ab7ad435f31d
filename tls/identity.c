/* identity.c - postern's own key and certificate, towards clients
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Self-signed: MTAs do not verify the server they hand mail to unless a policy says so, and the
 * administrator may put a certificate of a CA in place of ours. */
#include "tls/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#define RSA_BITS 2048
#define SERIAL_BITS 127		/* RFC 5280 4.1.2.2: positive, at most 20 octets */
#define DAYS 3650
#define BACKDATE (24 * 3600L)	/* s: for clients whose clock is behind */
#define COMMON_NAME_MAX 64	/* RFC 5280 appendix A, ub-common-name */
#define NAME_MAX_OCTETS 253

static int
no_password(char *buf, int size, int writing, void *unused)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)unused;
	return -1;
}

static bool
set_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	bool ok = ext && X509_add_ext(cert, ext, -1);

	X509_EXTENSION_free(ext);
	return ok;
}

/* Built by hand: a name in the text form of an extension could say more than a name. */
static bool
set_dns_name(X509 *cert, const char *name)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *entry = GENERAL_NAME_new();
	ASN1_IA5STRING *value = ASN1_IA5STRING_new();
	bool ok = false;

	if (names && entry && value && ASN1_STRING_set(value, name, -1)) {
		GENERAL_NAME_set0_value(entry, GEN_DNS, value);
		value = NULL;
		if (sk_GENERAL_NAME_push(names, entry)) {
			entry = NULL;
			ok = X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0) == 1;
		}
	}
	ASN1_IA5STRING_free(value);
	GENERAL_NAME_free(entry);
	GENERAL_NAMES_free(names);
	return ok;
}

static bool
set_serial(X509 *cert)
{
	BIGNUM *number = BN_new();
	bool ok = number && BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
	    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));

	BN_free(number);
	return ok;
}

static bool
set_subject(X509 *cert, const char *name)
{
	const char *cn = strlen(name) <= COMMON_NAME_MAX ? name : "postern";
	X509_NAME *subject = X509_get_subject_name(cert);

	return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
	    (const unsigned char *)cn, -1, -1, 0) && X509_set_issuer_name(cert, subject);
}

static X509 *
make_certificate(EVP_PKEY *key, const char *name)
{
	X509 *cert = X509_new();
	time_t start = time(NULL) - BACKDATE;

	if (cert && X509_set_version(cert, X509_VERSION_3) && set_serial(cert) &&
	    set_subject(cert, name) &&
	    X509_time_adj_ex(X509_getm_notBefore(cert), 0, 0, &start) &&
	    X509_time_adj_ex(X509_getm_notAfter(cert), DAYS, 0, &start) &&
	    X509_set_pubkey(cert, key) && set_dns_name(cert, name) &&
	    set_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
	    set_extension(cert, NID_key_usage, "critical,digitalSignature,keyEncipherment") &&
	    set_extension(cert, NID_ext_key_usage, "serverAuth") &&
	    X509_sign(cert, key, EVP_sha256()) > 0)
		return cert;
	X509_free(cert);
	return NULL;
}

/* Whether the open file holds a key and the certificate to it. */
static bool
is_identity(FILE *f)
{
	EVP_PKEY *key = PEM_read_PrivateKey(f, NULL, no_password, NULL);
	X509 *cert;
	bool ok;

	rewind(f);
	cert = PEM_read_X509(f, NULL, no_password, NULL);
	ok = key && cert && X509_check_private_key(cert, key) == 1;
	X509_free(cert);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return ok;
}

static bool
sync_directory(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

/* mkostemp gives the file mode 0600 from the beginning. Sets errno where it returns false. */
static bool
write_file(const char *dir, const char *path, EVP_PKEY *key, X509 *cert)
{
	char temporary[4096 + 8];
	int fd, saved;
	FILE *f;
	bool ok;

	snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return false;
	f = fdopen(fd, "w");
	if (!f) {
		saved = errno;
		close(fd);
		unlink(temporary);
		errno = saved;
		return false;
	}
	errno = EIO;
	ok = PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) && PEM_write_X509(f, cert) &&
	    fflush(f) == 0 && fsync(fd) == 0;
	ok = fclose(f) == 0 && ok && rename(temporary, path) == 0 && sync_directory(dir);
	saved = errno;
	if (!ok)
		unlink(temporary);
	errno = saved;
	return ok;
}

static bool
replace(const char *dir, const char *path, const char *name, bool rsa, char *error,
    size_t error_size)
{
	EVP_PKEY *key = rsa ? EVP_RSA_gen(RSA_BITS) : EVP_EC_gen("P-256");
	X509 *cert = key ? make_certificate(key, name) : NULL;
	bool ok = false;

	if (!cert) {
		const char *reason = ERR_reason_error_string(ERR_peek_last_error());

		snprintf(error, error_size, "%s: making a certificate: %s", path,
		    reason ? reason : "out of memory");
		ERR_clear_error();
	} else {
		ok = write_file(dir, path, key, cert);
		if (!ok)
			snprintf(error, error_size, "%s: %s", path, strerror(errno));
	}
	X509_free(cert);
	EVP_PKEY_free(key);
	return ok;
}

static bool
ensure(const char *dir, const char *file, const char *name, bool rsa, char *error,
    size_t error_size)
{
	char path[4096];
	int length = snprintf(path, sizeof path, "%s/%s", dir, file);
	FILE *f;

	if (length < 0 || (size_t)length >= sizeof path) {
		snprintf(error, error_size, "%s: %s", file, strerror(ENAMETOOLONG));
		return false;
	}
	f = fopen(path, "re");
	if (!f && errno != ENOENT) {
		snprintf(error, error_size, "%s: %s", path, strerror(errno));
		return false;
	}
	if (f) {
		bool good = is_identity(f);

		fclose(f);
		if (good)
			return true;
	}
	return replace(dir, path, name, rsa, error, error_size);
}

bool
identity_make(const char *dir, const char *name, char *error, size_t error_size)
{
	size_t length = strlen(name);

	if (length == 0 || length > NAME_MAX_OCTETS) {
		snprintf(error, error_size,
		    "%s: no certificate can be made for a name of %zu octets", dir, length);
		return false;
	}
	return ensure(dir, "client-rsa.pem", name, true, error, error_size) &&
	    ensure(dir, "client-ecdsa.pem", name, false, error, error_size);
}
