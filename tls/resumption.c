/* resumption.c - TLS sessions remembered for resumption, with the evidence they rest on
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A hash table of slots, each with its sessions, newest first. Two more lists find what leaves the
 * full table at once: all sessions by age, and the slots by how many they have. Nothing is
 * allocated: places are used again, and those that never were are pages never touched. */
#include "tls/resumption.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <utlist.h>

#define BUCKETS 4096
#define SHARE (RESUMPTION_MAX / 64)	/* of a slot; those with more pay first */
#define LAIN_MAX 3600	/* s: what was not wanted so long seldom is: most tickets last 1 or 2 h */
#define AGE_MAX (24 * 3600)	/* s: after a day the chain is verified afresh */
#define CHAIN_OCTETS_MAX 8192	/* DER; thrice that parsed, 50 times if full of empty names */
#define TICKET_MAX 4096		/* octets */
#define SNI_MAX 255
#define KEY_MAX 64

struct entry {
	struct entry *newer, *older;	/* in its slot */
	struct entry *later, *earlier;	/* of all, by the time they were last wanted */
	struct slot *slot;
	time_t since;			/* kept, or given out as one that stays */
	SSL_SESSION *session;
	struct evidence *evidence;
};

struct slot {
	unsigned char tag[RESUMPTION_TAG];
	size_t count;
	struct entry *newest;
	struct slot *prev, *next;	/* in its bucket */
	struct slot *before, *after;	/* of those with as many */
};

struct resumption {
	unsigned char secret[32];
	EVP_MD *sha256;
	EVP_MD_CTX *digest;
	size_t count, largest;		/* sessions in all, and of the slot with the most */
	struct entry *latest, *spare_entry;	/* spare: used before, and free again */
	struct slot *of_count[RESUMPTION_SLOT_MAX + 1];	/* of 0: none */
	struct slot *buckets[BUCKETS];
	struct slot *spare_slot;
	size_t entries_used, slots_used;	/* at any time */
	struct entry entries[RESUMPTION_MAX];
	struct slot slots[RESUMPTION_MAX];
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

static struct slot **
bucket_of(struct resumption *r, const unsigned char *tag)
{
	return &r->buckets[(tag[0] | tag[1] << 8) % BUCKETS];
}

static struct slot *
find(struct resumption *r, const unsigned char *tag)
{
	struct slot *slot;

	DL_FOREACH(*bucket_of(r, tag), slot)
		if (memcmp(slot->tag, tag, RESUMPTION_TAG) == 0)
			break;
	return slot;
}

/* None is without a session, so there is a place for each. */
static struct slot *
add_slot(struct resumption *r, const unsigned char *tag)
{
	struct slot *slot = r->spare_slot;

	if (slot)
		r->spare_slot = slot->next;
	else
		slot = &r->slots[r->slots_used++];
	memcpy(slot->tag, tag, RESUMPTION_TAG);
	DL_PREPEND(*bucket_of(r, tag), slot);
	return slot;
}

/* One more or less: if only one had as many as the largest, it is the largest still, or gone. */
static void
set_count(struct resumption *r, struct slot *slot, size_t count)
{
	if (slot->count > 0)
		DL_DELETE2(r->of_count[slot->count], slot, before, after);
	slot->count = count;
	if (slot->count > 0)
		DL_APPEND2(r->of_count[slot->count], slot, before, after);
	if (count > r->largest)
		r->largest = count;
	else if (!r->of_count[r->largest])
		r->largest--;
}

static void
add_entry(struct resumption *r, struct slot *slot, SSL_SESSION *session, struct evidence *e)
{
	struct entry *entry = r->spare_entry;

	assert(r->count < RESUMPTION_MAX);
	if (entry)
		r->spare_entry = entry->older;
	else
		entry = &r->entries[r->entries_used++];
	entry->slot = slot;
	entry->since = SSL_SESSION_get_time(session);
	entry->session = session;
	entry->evidence = evidence_hold(e);
	DL_PREPEND2(slot->newest, entry, newer, older);
	DL_PREPEND2(r->latest, entry, later, earlier);
	r->count++;
	set_count(r, slot, slot->count + 1);
}

/* A slot goes with its last session. */
static void
drop(struct resumption *r, struct entry *entry)
{
	struct slot *slot = entry->slot;

	DL_DELETE2(slot->newest, entry, newer, older);
	DL_DELETE2(r->latest, entry, later, earlier);
	SSL_SESSION_free(entry->session);
	evidence_release(entry->evidence);
	LL_PREPEND2(r->spare_entry, entry, older);
	r->count--;
	set_count(r, slot, slot->count - 1);
	if (slot->count > 0)
		return;
	DL_DELETE(*bucket_of(r, slot->tag), slot);
	LL_PREPEND(r->spare_slot, slot);
}

void
resumption_free(struct resumption *r)
{
	if (!r)
		return;
	while (r->latest)
		drop(r, r->latest);
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

static bool
is_used_once(const SSL_SESSION *session)
{
	return SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION;
}

/* The full table loses what was not wanted for longest: that is the least likely to be wanted. But
 * as long as somebody has more than a share, nobody loses to a flood what is not old: of those with
 * the most one loses its own oldest. So a server cannot push out others' sessions by giving out
 * tickets, and a busy one has room among those that were done with an hour ago. */
static struct entry *
oldest(struct resumption *r, time_t now)
{
	struct entry *earliest = r->latest->later;	/* the list's end is before its head */

	if (r->largest <= SHARE || now - earliest->since > LAIN_MAX)
		return earliest;
	return r->of_count[r->largest]->newest->newer;
}

/* slot: NULL where there is none yet. A session that serves again and again makes those like it
 * before it superfluous. */
static void
make_room(struct resumption *r, const struct slot *slot, const SSL_SESSION *session)
{
	if (slot && !is_used_once(session) && !is_used_once(slot->newest->session))
		drop(r, slot->newest);
	else if (slot && slot->count == RESUMPTION_SLOT_MAX)
		drop(r, slot->newest->newer);
	else if (r->count == RESUMPTION_MAX)
		drop(r, oldest(r, SSL_SESSION_get_time(session)));
}

bool
resumption_keep(struct resumption *r, const unsigned char tag[RESUMPTION_TAG],
    SSL_SESSION *session, struct evidence *e)
{
	struct slot *slot;
	const unsigned char *ticket;
	size_t ticket_len = 0;

	SSL_SESSION_get0_ticket(session, &ticket, &ticket_len);
	if (ticket_len > TICKET_MAX || evidence_octets(e) > CHAIN_OCTETS_MAX ||
	    !SSL_SESSION_is_resumable(session))
		return false;
	make_room(r, find(r, tag), session);
	slot = find(r, tag);	/* it may just have gone */
	add_entry(r, slot ? slot : add_slot(r, tag), session, e);
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

/* The newest that still counts, without those before it that do not. */
static struct entry *
freshest(struct resumption *r, const unsigned char *tag, time_t now)
{
	struct slot *slot = find(r, tag);

	for (; slot && !is_fresh(slot->newest, now); slot = find(r, tag))
		drop(r, slot->newest);
	return slot ? slot->newest : NULL;
}

SSL_SESSION *
resumption_take(struct resumption *r, const unsigned char tag[RESUMPTION_TAG], time_t now,
    struct evidence **e)
{
	struct entry *entry = freshest(r, tag, now);
	SSL_SESSION *session;

	if (!entry || !SSL_SESSION_up_ref(entry->session))
		return NULL;
	session = entry->session;
	*e = evidence_hold(entry->evidence);
	if (is_used_once(session)) {
		drop(r, entry);
	} else {
		entry->since = now;
		DL_DELETE2(r->latest, entry, later, earlier);
		DL_PREPEND2(r->latest, entry, later, earlier);
	}
	return session;
}

void
resumption_forget(struct resumption *r, const unsigned char tag[RESUMPTION_TAG])
{
	for (struct slot *slot = find(r, tag); slot; slot = find(r, tag))
		drop(r, slot->newest);
}
