/* candidates.c - which of a domain's MX hosts the peer may be
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/candidates.h"

#include <string.h>

#include "daemon/address.h"

static bool
has_address(const struct require_host *h, const struct in6_addr *ip)
{
	if (h->state != REQUIRE_ADDRESSES_OK)
		return false;
	for (size_t i = 0; i < h->addresses_len; i++) {
		if (address_same_ip(&h->addresses[i], ip))
			return true;
	}
	return false;
}

/* Of equal preferences by name: DNS gives them in any order, and one requirement is to stay the
 * same for one answer. */
static bool
better(const struct require_host *a, const struct require_host *b)
{
	return a->preference != b->preference ? a->preference < b->preference :
	    strcmp(a->name, b->name) < 0;
}

/* Keeps the best REQUIREMENT_HOSTS_MAX in order. */
static void
insert(struct candidates *c, const struct require_host *h)
{
	size_t at = c->len;

	while (at > 0 && better(h, c->of[at - 1]))
		at--;
	if (at == REQUIREMENT_HOSTS_MAX)
		return;
	if (c->len == REQUIREMENT_HOSTS_MAX)
		c->len--;
	for (size_t i = c->len; i > at; i--)
		c->of[i] = c->of[i - 1];
	c->of[at] = h;
	c->len++;
}

/* Rotating and geographic answers: the client was told that this host has the peer's address. Of a
 * host whose addresses DNSSEC calls a lie nobody's word is taken. */
static bool
was_hinted(const struct require_input *in, const struct require_host *h)
{
	for (size_t i = 0; h->state != REQUIRE_ADDRESSES_BOGUS && i < in->mx.hinted_len; i++)
		if (strcmp(in->mx.hinted[i], h->name) == 0)
			return true;
	return false;
}

static bool
known(const struct require_input *in)
{
	return in->mx.state == REQUIRE_MX_OK || in->mx.state == REQUIRE_MX_IMPLICIT;
}

void
candidates_all(struct candidates *c, const struct require_input *in)
{
	c->len = 0;
	c->mapped = c->hinted = false;
	for (size_t i = 0; known(in) && i < in->mx.hosts_len; i++)
		insert(c, &in->mx.hosts[i]);
}

void
candidates_map(struct candidates *c, const struct require_input *in)
{
	c->len = 0;
	c->mapped = true;
	c->hinted = false;
	for (size_t i = 0; known(in) && i < in->mx.hosts_len; i++)
		if (has_address(&in->mx.hosts[i], &in->peer))
			insert(c, &in->mx.hosts[i]);
	if (c->len > 0)
		return;
	c->hinted = true;
	for (size_t i = 0; known(in) && i < in->mx.hosts_len; i++)
		if (was_hinted(in, &in->mx.hosts[i]))
			insert(c, &in->mx.hosts[i]);
	if (c->len == 0)
		candidates_all(c, in);
}

static void
add_answers(struct requirement_space *space, struct requirement *out, size_t *octets,
    const char *lines)
{
	size_t len = lines == NULL ? 0 : strlen(lines);

	if (len == 0 || out->answers_len == REQUIREMENT_ANSWERS_MAX ||
	    len > REQUIREMENT_ANSWERS_OCTETS - *octets)
		return;
	space->answers[out->answers_len++] = lines;
	*octets += len;
}

void
candidates_answers(const struct candidates *c, const struct require_input *in,
    struct requirement_space *space, struct requirement *out)
{
	struct candidates all;
	size_t octets = 0;

	/* Where a hint does not lead away from records all hosts count (require_dane.h). */
	if (c->hinted) {
		candidates_all(&all, in);
		c = &all;
	}
	out->answers_len = 0;
	add_answers(space, out, &octets, in->mx.answers);
	for (size_t i = 0; i < c->len; i++)
		add_answers(space, out, &octets, c->of[i]->answers);
}
