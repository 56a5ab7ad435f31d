/* identity_test.c - postern's own certificates: made once, complete, kept
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/unit/testca.h"
#include "tls/identity.h"
#include "tls/names.h"

#define NAME "gateway.example.org"
#define RSA "client-rsa.pem"
#define ECDSA "client-ecdsa.pem"

static char dir[64];

static const char *
path_of(const char *file)
{
	static char path[2][512];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof path[turn], "%s/%s", dir, file);
	return path[turn];
}

static int
setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/postern-test-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

/* Whatever lies in the folder besides the two files is a leftover. */
static int
teardown(void **state)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int strange = 0;

	(void)state;
	while ((entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		strange += strcmp(entry->d_name, RSA) != 0 && strcmp(entry->d_name, ECDSA) != 0;
		unlink(path_of(entry->d_name));
	}
	closedir(d);
	rmdir(dir);
	return strange ? -1 : 0;
}

static X509 *
read_pair(const char *file, EVP_PKEY **key)
{
	FILE *f = fopen(path_of(file), "r");
	X509 *cert;

	assert_non_null(f);
	*key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	cert = PEM_read_X509(f, NULL, NULL, NULL);	/* behind the key */
	fclose(f);
	assert_non_null(*key);
	assert_non_null(cert);
	return cert;
}

static void
check_file(const char *file, int type, int bits)
{
	EVP_PKEY *key;
	X509 *cert = read_pair(file, &key);
	BIGNUM *serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
	int days, seconds;
	struct stat st;

	assert_int_equal(stat(path_of(file), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(EVP_PKEY_get_base_id(key), type);
	assert_int_equal(EVP_PKEY_get_bits(key), bits);
	assert_int_equal(X509_check_private_key(cert, key), 1);
	assert_int_equal(X509_verify(cert, key), 1);
	assert_true(names_certificate(cert, NAME));
	assert_false(names_certificate(cert, "example.org"));
	assert_int_equal(X509_check_purpose(cert, X509_PURPOSE_SSL_SERVER, 0), 1);
	assert_int_equal(X509_check_ca(cert), 0);
	assert_true(BN_num_bits(serial) == 127 && !BN_is_negative(serial));
	assert_true(X509_cmp_current_time(X509_get0_notBefore(cert)) < 0);
	assert_true(ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(cert)));
	assert_in_range(days, 3640, 3660);
	BN_free(serial);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void
both_files_are_made(void **state)
{
	char error[256] = "";
	mode_t old = umask(0);

	(void)state;
	assert_true(identity_make(dir, NAME, error, sizeof error));
	umask(old);
	check_file(RSA, EVP_PKEY_RSA, 2048);
	check_file(ECDSA, EVP_PKEY_EC, 256);
}

static size_t
slurp(const char *file, char *buf, size_t size)
{
	FILE *f = fopen(path_of(file), "r");
	size_t n;

	assert_non_null(f);
	n = fread(buf, 1, size, f);
	fclose(f);
	return n;
}

static void
put(const char *file, const char *text, size_t len)
{
	FILE *f = fopen(path_of(file), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void
what_is_there_is_kept(void **state)
{
	static char rsa[2][8192], ecdsa[2][8192];
	char error[256] = "";
	size_t n, m;

	(void)state;
	assert_true(identity_make(dir, NAME, error, sizeof error));
	n = slurp(RSA, rsa[0], sizeof *rsa);
	m = slurp(ECDSA, ecdsa[0], sizeof *ecdsa);
	assert_true(identity_make(dir, "other.example", error, sizeof error));
	assert_int_equal(slurp(RSA, rsa[1], sizeof *rsa), n);
	assert_memory_equal(rsa[0], rsa[1], n);
	assert_int_equal(slurp(ECDSA, ecdsa[1], sizeof *ecdsa), m);
	assert_memory_equal(ecdsa[0], ecdsa[1], m);

	/* The key of one and the certificate of the other are no pair; neither is half a file. */
	*strstr(rsa[1], "-----BEGIN CERTIFICATE") = '\0';
	strcat(rsa[1], strstr(ecdsa[1], "-----BEGIN CERTIFICATE"));
	put(RSA, rsa[1], strlen(rsa[1]));
	assert_true(identity_make(dir, NAME, error, sizeof error));
	check_file(RSA, EVP_PKEY_RSA, 2048);
	put(RSA, rsa[0], n / 2);
	assert_true(identity_make(dir, NAME, error, sizeof error));
	check_file(RSA, EVP_PKEY_RSA, 2048);
	slurp(RSA, rsa[1], sizeof *rsa);
	assert_int_equal(memcmp(rsa[1], rsa[0], n / 2) == 0, 0);
	*strstr(ecdsa[0], "-----BEGIN CERTIFICATE") = '\0';
	put(ECDSA, ecdsa[0], strlen(ecdsa[0]));
	assert_true(identity_make(dir, NAME, error, sizeof error));
	check_file(ECDSA, EVP_PKEY_EC, 256);
	put(ECDSA, "", 0);
	assert_true(identity_make(dir, NAME, error, sizeof error));
	check_file(ECDSA, EVP_PKEY_EC, 256);
}

static void
long_and_odd_names_fit(void **state)
{
	char error[256] = "", name[256];
	EVP_PKEY *key;
	X509 *cert;

	(void)state;
	memset(name, 'a', sizeof name);
	for (size_t i = 60; i < 250; i += 60)
		name[i] = '.';
	name[253] = '\0';
	assert_true(identity_make(dir, name, error, sizeof error));
	cert = read_pair(ECDSA, &key);
	assert_true(names_certificate(cert, name));
	X509_free(cert);
	EVP_PKEY_free(key);
	unlink(path_of(ECDSA));
	assert_true(identity_make(dir, "a,DNS:evil.example", error, sizeof error));
	cert = read_pair(ECDSA, &key);
	assert_false(names_certificate(cert, "evil.example"));
	X509_free(cert);
	EVP_PKEY_free(key);
	assert_false(identity_make(dir, "", error, sizeof error));
	memset(name, 'a', 254);
	name[254] = '\0';
	assert_false(identity_make(dir, name, error, sizeof error));
}

static void
an_error_names_the_file(void **state)
{
	char error[256] = "";

	(void)state;
	assert_false(identity_make("/nonexistent", NAME, error, sizeof error));
	assert_string_equal(error, "/nonexistent/client-rsa.pem: No such file or directory");
	assert_int_equal(symlink(RSA, path_of(RSA)), 0);
	assert_false(identity_make(dir, NAME, error, sizeof error));
	assert_non_null(strstr(error, RSA ": Too many levels of symbolic links"));
	unlink(path_of(RSA));
	assert_int_equal(mkdir(path_of(RSA), 0700), 0);	/* and no temporary file stays */
	assert_false(identity_make(dir, NAME, error, sizeof error));
	assert_non_null(strstr(error, RSA ": Is a directory"));
	assert_int_equal(rmdir(path_of(RSA)), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(both_files_are_made, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_there_is_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(long_and_odd_names_fit, setup, teardown),
		cmocka_unit_test_setup_teardown(an_error_names_the_file, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
