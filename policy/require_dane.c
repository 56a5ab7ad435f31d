/* require_dane.c - what TLSA records make of a requirement
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/require_dane.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static enum require_dane
strictest(const struct candidates *c)
{
	enum require_dane found = REQUIRE_DANE_NONE;

	for (size_t i = 0; i < c->len; i++) {
		switch (c->of[i]->dane) {
		case REQUIRE_DANE_NONE:
		case REQUIRE_DANE_INSECURE:
			break;
		case REQUIRE_DANE_UNUSABLE:
			if (found == REQUIRE_DANE_NONE)
				found = REQUIRE_DANE_UNUSABLE;
			break;
		case REQUIRE_DANE_ERROR:
			found = REQUIRE_DANE_ERROR;
			break;
		case REQUIRE_DANE_USABLE:
			return REQUIRE_DANE_USABLE;
		}
	}
	return found;
}

enum require_dane
require_dane_survey(const struct require_input *in, struct candidates *c)
{
	enum require_dane found = strictest(c);

	/* From the wire: whoever can forge it must not be able to choose the host that has none. */
	if (c->hinted && found != REQUIRE_DANE_USABLE) {
		candidates_all(c, in);
		found = strictest(c);
	}
	return found;
}

static void
seal(struct requirement *out)
{
	if (out->tlsa.len > 0 && !tlsa_digest(&out->tlsa, out->tlsa.digest))
		abort();	/* no memory: the parent starts a new policy process */
}

/* Adds a record under the newest base. What is beyond the bounds is left out: that can only
 * refuse. */
static void
add_record(struct requirement_space *space, struct requirement *out, size_t *octets,
    const struct tlsa *t)
{
	if (out->tlsa.len == TLSA_RECORDS_MAX || t->len > TLSA_OCTETS_MAX - *octets)
		return;
	space->records[out->tlsa.len] = *t;
	space->records[out->tlsa.len].base = (uint8_t)(out->tlsa.bases_len - 1);
	out->tlsa.len++;
	*octets += t->len;
}

static void
begin_set(struct requirement_space *space, struct requirement *out)
{
	out->tlsa = (struct tlsa_set){ .records = space->records, .bases = space->bases };
}

/* One record set that two hosts' aliases lead to counts once. */
static bool
has_base(const struct tlsa_set *s, const char *base)
{
	for (size_t i = 0; i < s->bases_len; i++)
		if (strcmp(s->bases[i], base) == 0)
			return true;
	return false;
}

static void
add_host(struct requirement_space *space, struct requirement *out, size_t *octets,
    const struct require_host *h)
{
	size_t before = out->tlsa.len;

	assert(h->base != NULL);
	if (out->tlsa.bases_len == TLSA_BASES_MAX || has_base(&out->tlsa, h->base))
		return;
	space->bases[out->tlsa.bases_len++] = h->base;
	for (size_t i = 0; i < h->records_len; i++)
		add_record(space, out, octets, &h->records[i]);
	if (out->tlsa.len == before)
		out->tlsa.bases_len--;
}

/* A reference name, unless it is one already; `room` is how many there may be. */
static void
add_name(struct requirement_space *space, struct requirement *out, const char *name, size_t room)
{
	if (name == NULL || name[0] == '\0' || out->names_len == room)
		return;
	if (out->tlsa.bases_len == 1 && strcmp(out->tlsa.bases[0], name) == 0)
		return;
	for (size_t i = 0; i < out->names_len; i++)
		if (strcmp(out->names[i], name) == 0)
			return;
	space->names[out->names_len++] = name;
}

/* R104: the host's name as the MX record gives it; the next hop and what it is an alias of only
 * where nobody could have put another's host there. R105: without MX the domain is the host. */
static void
add_names(const struct require_input *in, const struct candidates *c,
    struct requirement_space *space, struct requirement *out)
{
	const size_t room = REQUIREMENT_NAMES_MAX;

	out->names = space->names;
	for (size_t i = 0; c->mapped && i < c->len; i++)
		if (c->of[i]->dane == REQUIRE_DANE_USABLE)
			add_name(space, out, c->of[i]->name, room - 2);
	if (in->mx.secure || in->mx.state == REQUIRE_MX_IMPLICIT)
		add_name(space, out, in->domain, room);
	if (in->mx.secure)
		add_name(space, out, in->mx.expanded, room);
}

void
require_dane_set(const struct require_input *in, const struct candidates *c,
    struct requirement_space *space, struct requirement *out)
{
	size_t octets = 0;

	begin_set(space, out);
	for (size_t i = 0; i < c->len; i++)
		if (c->of[i]->dane == REQUIRE_DANE_USABLE)
			add_host(space, out, &octets, c->of[i]);
	tlsa_sort(space->records, out->tlsa.len);	/* DNS turns its lists around */
	if (out->tlsa.len > 0)
		out->sni = out->tlsa.bases[0];
	add_names(in, c, space, out);
	seal(out);
}

/* Of either length all matches; both for the certificate and for its key. */
static void
add_matches(const struct config_rule *rule, size_t len, struct requirement_space *space,
    struct requirement *out)
{
	struct tlsa t = { .usage = TLSA_DANE_EE, .len = (uint16_t)len,
	    .matching = len == 32 ? TLSA_SHA256 : TLSA_SHA512 };
	size_t octets = 0;	/* far below the bound */

	for (size_t i = 0; i < rule->match_len; i++) {
		if (rule->match[i].len != len)
			continue;
		t.data = rule->match[i].digest;
		t.selector = TLSA_CERT;
		add_record(space, out, &octets, &t);
		t.selector = TLSA_SPKI;
		add_record(space, out, &octets, &t);
	}
}

void
require_dane_fingerprints(const struct config_rule *rule, const char *base,
    struct requirement_space *space, struct requirement *out)
{
	static const size_t lens[] = { 32, 64 };

	static_assert(2 * CONFIG_MATCHES_MAX <= TLSA_RECORDS_MAX, "every match has its records");
	begin_set(space, out);
	/* A base for each length: within one only the strongest digest would count (RFC 7671
	 * section 9), and an administrator's word counts in full. */
	for (size_t i = 0; i < 2; i++) {
		size_t before = out->tlsa.len;

		space->bases[out->tlsa.bases_len++] = base;
		add_matches(rule, lens[i], space, out);
		if (out->tlsa.len == before)
			out->tlsa.bases_len--;
	}
	seal(out);
}

void
require_dane_undecided(struct requirement *out)
{
	out->state = REQUIREMENT_DEFER;
	out->defer_code = DEFER_TLSA_UNDECIDED;
	out->reason = "has an MX host whose TLSA records could not be looked up";
}
