/* keepsake.c - what is to be remembered of a proven handshake between two others
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/keepsake.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

/* The first octet of what is kept: which evidence follows. */
enum { PROVEN = 1, PROVEN_WEAKLY = 2 };

/* SHA-256 over both, of which the first has a length of its own. */
static bool
digest(const void *first, size_t first_len, const void *rest, size_t len, uint8_t out[PEEK_NAME])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) &&
	    EVP_DigestUpdate(ctx, first, first_len) && EVP_DigestUpdate(ctx, rest, len) &&
	    EVP_DigestFinal_ex(ctx, out, NULL);

	EVP_MD_CTX_free(ctx);
	return ok;
}

bool
keepsake_scope(const struct trust *trust, const void *client, size_t len,
    uint8_t out[KEEPSAKE_SCOPE])
{
	return digest(trust_digest(trust), TRUST_DIGEST, client, len, out);
}

bool
keepsake_name(const uint8_t scope[KEEPSAKE_SCOPE], enum keepsake_kind kind,
    const struct octets *octets, uint8_t out[PEEK_NAME])
{
	uint8_t within[KEEPSAKE_SCOPE + 1];

	memcpy(within, scope, KEEPSAKE_SCOPE);
	within[KEEPSAKE_SCOPE] = (uint8_t)kind;
	return digest(within, sizeof within, octets->p, octets->left, out);
}

static void
add(struct keepsake *k, const uint8_t scope[KEEPSAKE_SCOPE], enum keepsake_kind kind,
    const struct octets *octets, uint32_t lifetime_s)
{
	struct peek_session *s = &k->sessions[k->count];

	if (lifetime_s == 0 || lifetime_s > KEEPSAKE_LIFETIME_MAX_S)
		lifetime_s = KEEPSAKE_LIFETIME_MAX_S;
	s->lifetime_s = lifetime_s;
	if (octets->left > 0 && keepsake_name(scope, kind, octets, s->name))
		k->count++;
}

void
keepsake_note(struct keepsake *k, const uint8_t scope[KEEPSAKE_SCOPE], const struct flight *f)
{
	struct octets ticket;
	uint32_t lifetime_s;

	if (f->ticket.len > 0 && server_ticket(flight_body(f, &f->ticket), f->ticket.len,
	    &lifetime_s, &ticket))
		add(k, scope, KEEPSAKE_TICKET, &ticket, lifetime_s);
	if (!flight_resumes(f))		/* else its name is known, and so is its end */
		add(k, scope, KEEPSAKE_ID, &f->hello.session_id, 0);
}

static bool
fill(struct keepsake *k, const struct evidence *e, bool weak)
{
	uint8_t octets[PEEK_EVIDENCE_MAX];
	size_t len;

	k->until = evidence_made(e) + KEEPSAKE_LIFETIME_MAX_S;
	if (evidence_until(e) < k->until)
		k->until = evidence_until(e);
	if (k->count == 0 || k->until <= time(NULL))
		return false;
	len = evidence_encode(e, octets + 1, sizeof octets - 1);
	if (len == 0)
		return false;
	octets[0] = weak ? PROVEN_WEAKLY : PROVEN;
	k->evidence_len = len + 1;
	k->evidence = malloc(k->evidence_len);
	if (!k->evidence)
		return false;
	memcpy(k->evidence, octets, k->evidence_len);
	return true;
}

bool
keepsake_fill(struct keepsake *k, const struct evidence *e, bool weak)
{
	if (fill(k, e, weak))
		return true;
	keepsake_clear(k);
	return false;
}

struct evidence *
keepsake_recall(const void *p, size_t len, bool *weak)
{
	const uint8_t *octets = p;

	if (len == 0 || (octets[0] != PROVEN && octets[0] != PROVEN_WEAKLY))
		return NULL;
	*weak = octets[0] == PROVEN_WEAKLY;
	return evidence_decode(octets + 1, len - 1);
}

void
keepsake_clear(struct keepsake *k)
{
	free(k->evidence);
	memset(k, 0, sizeof *k);
}
