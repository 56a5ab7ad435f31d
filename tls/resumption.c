/* resumption.c - TLS sessions remembered for resumption, with the evidence they rest on
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A cache as a processor has it: the tag picks a set of some ways, and a full set loses its oldest
 * entry. Nothing is moved or allocated. */
#include "tls/resumption.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#define SETS 32
#define WAYS 128		/* 4096 sessions in all */
/* A ticket of TLS 1.3 is used once, and what a session returns lies here until the next begins: as
 * many as sessions with one host at once. More replace older ones. */
#define WAYS_PER_TAG 64
#define AGE_MAX (24 * 3600)	/* s: after a day the chain is verified afresh */
#define CHAIN_OCTETS_MAX 8192	/* DER; parsed it takes thrice that, and larger ones are rare */
#define TICKET_MAX 4096		/* octets */
#define SNI_MAX 255
#define KEY_MAX 64

struct entry {
	unsigned char tag[RESUMPTION_TAG];
	uint64_t stamp;			/* rises with each entry; 0 is an empty place */
	SSL_SESSION *session;
	struct evidence *evidence;
};

struct resumption {
	unsigned char secret[32];
	EVP_MD *sha256;
	EVP_MD_CTX *digest;
	uint64_t stamp;
	struct entry sets[SETS][WAYS];
};

struct resumption *
resumption_new(void)
{
	struct resumption *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	r->digest = EVP_MD_CTX_new();
	if (r->sha256 && r->digest && RAND_bytes(r->secret, sizeof r->secret) == 1)
		return r;
	resumption_free(r);
	return NULL;
}

static void
drop(struct entry *entry)
{
	SSL_SESSION_free(entry->session);
	evidence_release(entry->evidence);
	memset(entry, 0, sizeof *entry);
}

void
resumption_free(struct resumption *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < SETS; i++)
		for (size_t j = 0; j < WAYS; j++)
			drop(&r->sets[i][j]);
	EVP_MD_CTX_free(r->digest);
	EVP_MD_free(r->sha256);
	OPENSSL_cleanse(r->secret, sizeof r->secret);
	free(r);
}

bool
resumption_tag(const struct resumption *r, unsigned char tag[RESUMPTION_TAG], const char *sni,
    const void *key, size_t key_len, const uint8_t tlsa_digest[TLSA_DIGEST])
{
	unsigned char input[TLSA_DIGEST + 1 + SNI_MAX + KEY_MAX], full[EVP_MAX_MD_SIZE], *p = input;
	size_t sni_len = strnlen(sni, SNI_MAX + 1);

	if (sni_len > SNI_MAX || key_len > KEY_MAX)
		return false;
	memcpy(p, tlsa_digest, TLSA_DIGEST);
	p += TLSA_DIGEST;
	*p++ = (unsigned char)sni_len;
	memcpy(p, sni, sni_len);
	p += sni_len;
	if (key_len > 0)
		memcpy(p, key, key_len);
	p += key_len;
	/* Nobody is told the tag: a secret in front of what is hashed is enough. */
	if (!EVP_DigestInit_ex2(r->digest, r->sha256, NULL) ||
	    !EVP_DigestUpdate(r->digest, r->secret, sizeof r->secret) ||
	    !EVP_DigestUpdate(r->digest, input, (size_t)(p - input)) ||
	    !EVP_DigestFinal_ex(r->digest, full, NULL))
		return false;
	memcpy(tag, full, RESUMPTION_TAG);
	return true;
}

static struct entry *
set_of(struct resumption *r, const unsigned char *tag)
{
	return r->sets[(tag[0] | tag[1] << 8) % SETS];
}

static bool
is_of(const struct entry *entry, const unsigned char *tag)
{
	return entry->stamp != 0 && memcmp(entry->tag, tag, RESUMPTION_TAG) == 0;
}

/* Where the next session of that slot goes: over its own oldest when it has enough of them, else
 * over the oldest of the set; an empty place is the oldest of all. */
static struct entry *
place_for(struct resumption *r, const unsigned char *tag)
{
	struct entry *set = set_of(r, tag), *oldest = &set[0], *own = NULL;
	int count = 0;

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].stamp < oldest->stamp)
			oldest = &set[i];
		if (!is_of(&set[i], tag))
			continue;
		count++;
		if (!own || set[i].stamp < own->stamp)
			own = &set[i];
	}
	return count >= WAYS_PER_TAG ? own : oldest;
}

bool
resumption_keep(struct resumption *r, const unsigned char tag[RESUMPTION_TAG],
    SSL_SESSION *session, struct evidence *e)
{
	struct entry *entry;
	const unsigned char *ticket;
	size_t ticket_len = 0;

	SSL_SESSION_get0_ticket(session, &ticket, &ticket_len);
	if (ticket_len > TICKET_MAX || evidence_octets(e) > CHAIN_OCTETS_MAX ||
	    !SSL_SESSION_is_resumable(session))
		return false;
	entry = place_for(r, tag);
	drop(entry);
	memcpy(entry->tag, tag, RESUMPTION_TAG);
	entry->stamp = ++r->stamp;
	entry->session = session;
	entry->evidence = evidence_hold(e);
	return true;
}

static bool
is_fresh(const struct entry *entry, time_t now)
{
	time_t made = evidence_made(entry->evidence);
	long got = SSL_SESSION_get_time(entry->session);

	return now >= made && now - made < AGE_MAX && now >= got &&
	    now - got < SSL_SESSION_get_timeout(entry->session) &&
	    SSL_SESSION_is_resumable(entry->session);
}

SSL_SESSION *
resumption_take(struct resumption *r, const unsigned char tag[RESUMPTION_TAG], time_t now,
    struct evidence **e)
{
	struct entry *set = set_of(r, tag), *newest = NULL;
	SSL_SESSION *session;

	for (size_t i = 0; i < WAYS; i++) {
		if (!is_of(&set[i], tag))
			continue;
		if (!is_fresh(&set[i], now))
			drop(&set[i]);
		else if (!newest || set[i].stamp > newest->stamp)
			newest = &set[i];
	}
	if (!newest || !SSL_SESSION_up_ref(newest->session))
		return NULL;
	session = newest->session;
	*e = evidence_hold(newest->evidence);
	if (SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION)
		drop(newest);
	return session;
}

void
resumption_forget(struct resumption *r, const unsigned char tag[RESUMPTION_TAG])
{
	struct entry *set = set_of(r, tag);

	for (size_t i = 0; i < WAYS; i++)
		if (is_of(&set[i], tag))
			drop(&set[i]);
}
