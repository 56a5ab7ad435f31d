/* tlsa_fuzz.c - TLSA records as DNS may hand them out, and a chain held against them
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Input: records one behind the other, each with base, usage, selector, matching type and two octets
 * of length. The chain is a leaf whose key's SHA-256 nobody finds by chance: records that match are
 * in the corpus, since key and certificate are always the same. */
#include "tls/tlsa.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "tls/dane.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* P-256, "mx.example", self-signed, valid until 2046. */
static const char pem[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBlTCCATygAwIBAgIUfaBW2ncW3SFAshylKawwl9yPo9AwCgYIKoZIzj0EAwIw\n"
	"FTETMBEGA1UEAwwKbXguZXhhbXBsZTAeFw0yNjExMjIwNjExNThaFw00NjExMTcw\n"
	"NjExNThaMBUxEzARBgNVBAMMCm14LmV4YW1wbGUwWTATBgcqhkjOPQIBBggqhkjO\n"
	"PQMBBwNCAASump8hszj06lrKpk/5gZipoH27fiMo2QQlOxU0Mm8ykEEYTYCNyM3c\n"
	"dRpsSCEf2k8F5H9nypGRwpyGhgdRO0pTo2owaDAdBgNVHQ4EFgQUSyOCsEUv9/3r\n"
	"NEoNsL6snNZQ21YwHwYDVR0jBBgwFoAUSyOCsEUv9/3rNEoNsL6snNZQ21YwFQYD\n"
	"VR0RBA4wDIIKbXguZXhhbXBsZTAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMC\n"
	"A0cAMEQCIH225FB0QYORZIO4pP4dCj2Dfsoqd/0oDhiqeXnAok3AAiAe+EoC04Q1\n"
	"WtlxwKMwFDxq/ZQ+FiYtkBYPRYuDYalaKA==\n"
	"-----END CERTIFICATE-----\n";

static const char *const bases[TLSA_BASES_MAX] = { "a.example", "mx.example", "c", "d", "e", "f",
	"g", "h" };

static STACK_OF(X509) *
read_chain(void)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	STACK_OF(X509) *chain = sk_X509_new_null();
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	assert(cert && sk_X509_push(chain, cert) == 1);
	BIO_free(bio);
	return chain;
}

static void
check_text(const struct tlsa *t)
{
	char text[TLSA_TEXT_SIZE], start[32];
	size_t at = (size_t)snprintf(start, sizeof start, "%u %u %u ", t->usage, t->selector,
	    t->matching), len, whole;

	memset(text, 'x', sizeof text);
	assert(tlsa_text(t, text) == text && memchr(text, '\0', sizeof text));
	assert(strncmp(text, start, at) == 0);
	len = strlen(text) - at;
	whole = strspn(text + at, "0123456789abcdef");
	assert(whole % 2 == 0 && (t->len > 64 || whole == 2 * (size_t)t->len));
	assert(len == whole ? whole == 2 * (size_t)t->len : strcmp(text + at + whole, "..") == 0);
}

static void
check_usable(const struct tlsa *t)
{
	const char *why = NULL;
	bool usable = tlsa_usable(t, &why);

	assert(usable == !why && ERR_peek_error() == 0);
	if (usable)
		assert((t->usage == 2 || t->usage == 3) && t->selector <= 1 && t->matching <= 2 &&
		    t->len >= 32);
}

static void
check_set(const struct tlsa_set *set)
{
	struct tlsa sorted[TLSA_RECORDS_MAX];
	struct tlsa_set other = *set, *copy;
	uint8_t digest[TLSA_DIGEST];

	assert(tlsa_same(set, set->digest));
	copy = tlsa_copy(set);
	assert(copy && tlsa_digest(copy, digest) && tlsa_same(set, digest));
	if (set->len > 0)
		memcpy(sorted, set->records, set->len * sizeof *sorted);
	tlsa_sort(sorted, set->len);
	for (size_t i = 1; i < set->len; i++)
		assert(sorted[i - 1].base <= sorted[i].base);
	other.records = sorted;
	assert(tlsa_digest(&other, other.digest));
	tlsa_sort(sorted, set->len);
	assert(tlsa_digest(&other, digest) && tlsa_same(&other, digest));
	free(copy);
}

/* A match is of a record that can be used, and names exactly that one. */
static void
check_dane(const struct tlsa_set *set)
{
	static struct dane_checker *checker;
	static STACK_OF(X509) *chain;
	const struct tlsa *t;
	const char *why;
	struct dane d;

	if (!checker) {
		checker = dane_checker_new();
		chain = read_chain();
	}
	assert(checker && dane_verify(checker, sk_X509_value(chain, 0), chain, set, &d));
	assert(tlsa_same(set, d.digest) && (d.standing == PROOF_DANE_NOT_ASKED) == (set->len == 0));
	assert((d.error == 0) == (d.fault[0] == '\0') && ERR_peek_error() == 0);
	if (d.standing == PROOF_DANE_NOT_ASKED || d.standing == PROOF_DANE_UNMATCHED) {
		assert(d.base == 0 && d.record == 0 && d.depth == 0 && d.until == 0);
		return;
	}
	assert(d.record < set->len && d.base < set->bases_len);
	t = &set->records[d.record];
	assert(t->base == d.base && tlsa_usable(t, &why));
	assert((d.standing == PROOF_DANE_EE) <= (t->usage == TLSA_DANE_EE));
	assert((d.standing == PROOF_DANE_TA) <= (t->usage == TLSA_DANE_TA));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tlsa records[TLSA_RECORDS_MAX];
	uint8_t *octets[TLSA_RECORDS_MAX];
	struct tlsa_set set = { .records = records, .bases = bases };

	while (size >= 6 && set.len < TLSA_RECORDS_MAX) {
		size_t len = (size_t)data[4] << 8 | data[5];

		if (len > size - 6)
			break;
		octets[set.len] = malloc(len ? len : 1);
		assert(octets[set.len]);
		memcpy(octets[set.len], data + 6, len);
		records[set.len] = (struct tlsa){ .base = data[0] % (TLSA_BASES_MAX + 1),
		    .usage = data[1], .selector = data[2], .matching = data[3],
		    .len = (uint16_t)len, .data = octets[set.len] };
		if (records[set.len].base >= set.bases_len && set.bases_len < TLSA_BASES_MAX)
			set.bases_len = records[set.len].base + (size_t)1;
		if (set.bases_len > TLSA_BASES_MAX)	/* a record of a base that is not there */
			set.bases_len = TLSA_BASES_MAX;
		check_usable(&records[set.len]);
		check_text(&records[set.len]);
		set.len++;
		data += 6 + len;
		size -= 6 + len;
	}
	assert(tlsa_digest(&set, set.digest));
	check_set(&set);
	check_dane(&set);
	for (size_t i = 0; i < set.len; i++)
		free(octets[i]);
	return 0;
}
