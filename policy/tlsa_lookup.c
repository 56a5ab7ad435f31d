/* tlsa_lookup.c - the TLSA records of one MX host, in the order of RFC 7672 section 2.2
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One question at a time: an alias by itself where only its first link can be secure, then
 * candidate after candidate. */
#include "policy/tlsa_lookup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LEN 253	/* RFC 1035 2.3.4, as text: what is longer cannot be in DNS */
#define FULL_MAX 16		/* certificates or keys in full, each to be decoded: an honest set
				 * has one or two, a hostile one would cost seconds */
#define TLSA_NAME_SIZE (ANSWER_NAME_SIZE + sizeof("_65535._tcp."))

static void ask(struct tlsa_lookup *l);

static void
finish(struct tlsa_lookup *l, enum require_dane state)
{
	l->state = state;
	if (state != REQUIRE_DANE_USABLE && state != REQUIRE_DANE_UNUSABLE)
		l->base[0] = '\0';
	l->done(l->arg, l);
}

/* The base domains to be tried: for an alias that is secure throughout the name at its end, then
 * the one that it started from (R95). */
static const char *
candidate(const struct tlsa_lookup *l)
{
	bool expanded = l->host->secure && l->host->aliased;

	if (l->candidate == 0 && expanded)
		return l->host->expanded;
	return l->candidate == (expanded ? 1 : 0) ? l->name : NULL;
}

static void
note_ttl(struct tlsa_lookup *l, const struct answer *a)
{
	bool fault = a->state == ANSWER_FAILED || a->state == ANSWER_BOGUS;
	uint32_t ttl = fault ? HOST_FAULT_TTL_S : a->ttl;

	if (ttl < l->ttl)
		l->ttl = ttl;
}

/* Of sorted records leaves out repetitions and what is beyond the limits, and keeps the rest. Fewer
 * records can only refuse. */
static void
keep(struct tlsa_lookup *l, struct tlsa *t, size_t len)
{
	size_t octets = 0, kept = 0;
	uint8_t *data;

	for (size_t i = 0; i < len && kept < TLSA_RECORDS_MAX; i++) {
		if (octets + t[i].len > TLSA_OCTETS_MAX ||
		    (kept > 0 && tlsa_compare(&t[kept - 1], &t[i]) == 0))
			continue;
		octets += t[i].len;
		t[kept++] = t[i];
	}
	l->records = malloc(kept * sizeof(*t) + octets + 1);
	if (l->records == NULL)
		abort();	/* the parent starts a new policy process */
	data = (uint8_t *)(l->records + kept);
	for (size_t i = 0; i < kept; i++) {
		l->records[i] = t[i];
		l->records[i].data = data;
		memcpy(data, t[i].data, t[i].len);
		data += t[i].len;
	}
	l->records_len = kept;
}

/* Adds to the answer's line how many of the records count. */
static void
note_unusable(struct tlsa_lookup *l, size_t unusable, const struct tlsa *first, const char *why)
{
	size_t len = strlen(l->answers);
	char text[ANSWER_NOTE_SIZE];
	int n = snprintf(text, sizeof(text), ", %zu of them not usable (%u %u %u: %s)", unusable,
	    first->usage, first->selector, first->matching, why);

	if (n > 0 && (size_t)n < sizeof(text) && len + (size_t)n < sizeof(l->answers))
		memcpy(l->answers + len, text, (size_t)n + 1);
}

/* Secure records, usable or not, decide (R98): no further candidate is tried. */
static void
take_records(struct tlsa_lookup *l, const struct answer *a)
{
	struct tlsa all[ANSWER_RECORDS_MAX] = { 0 }, usable[ANSWER_RECORDS_MAX], unusable = { 0 };
	const char *why = "", *first_why = "";
	size_t len = 0, full = 0;

	for (size_t i = 0; i < a->records_len; i++) {
		const struct answer_record *r = &a->records[i];

		all[i] = (struct tlsa){ .usage = r->usage, .selector = r->selector,
			.matching = r->matching, .len = (uint16_t)r->len,
			.data = (const uint8_t *)r->text };
	}
	tlsa_sort(all, a->records_len);
	for (size_t i = 0; i < a->records_len; i++) {
		full += all[i].matching == TLSA_FULL;
		why = "one too many in full";
		if ((all[i].matching != TLSA_FULL || full <= FULL_MAX) &&
		    tlsa_usable(&all[i], &why)) {
			usable[len++] = all[i];
		} else if (first_why[0] == '\0') {
			unusable = all[i];
			first_why = why;
		}
	}
	if (len < a->records_len)
		note_unusable(l, a->records_len - len, &unusable, first_why);
	snprintf(l->base, sizeof(l->base), "%s", candidate(l));
	if (len > 0)
		keep(l, usable, len);
	else
		keep(l, all, a->records_len);
	if (len == 0 && full <= FULL_MAX && !a->cut)
		finish(l, REQUIRE_DANE_UNUSABLE);
	else	/* perhaps usable, but each beyond the limit: nothing can be proven */
		finish(l, len > 0 && l->records_len > 0 ? REQUIRE_DANE_USABLE : REQUIRE_DANE_ERROR);
}

/* The name to be asked for; false where there can be none. */
static bool
tlsa_name(const struct tlsa_lookup *l, char name[TLSA_NAME_SIZE])
{
	int n = snprintf(name, TLSA_NAME_SIZE, "_%u._tcp.%s", l->port, candidate(l));	/* R96 */

	return n > 0 && n <= NAME_MAX_LEN;
}

static void
on_tlsa(void *arg, const struct answer *a)
{
	struct tlsa_lookup *l = arg;
	char name[TLSA_NAME_SIZE];

	tlsa_name(l, name);
	answer_note(l->answers, sizeof(l->answers), name, ANSWER_TLSA, a);
	note_ttl(l, a);
	switch (a->state) {
	case ANSWER_OK:
		if (a->secure) {
			take_records(l, a);
			return;
		}
		break;
	case ANSWER_NODATA:
	case ANSWER_NXDOMAIN:
		break;		/* no error, secure or not (R78) */
	case ANSWER_FAILED:
	case ANSWER_BOGUS:
		finish(l, REQUIRE_DANE_ERROR);	/* R81 */
		return;
	}
	l->insecure = !a->secure;
	l->candidate++;
	ask(l);
}

/* The next candidate's question, or the end. */
static void
ask(struct tlsa_lookup *l)
{
	char name[TLSA_NAME_SIZE];

	while (candidate(l) != NULL && !tlsa_name(l, name))
		l->candidate++;
	if (candidate(l) == NULL) {
		finish(l, l->insecure ? REQUIRE_DANE_INSECURE : REQUIRE_DANE_NONE);
		return;
	}
	l->query.done = on_tlsa;
	l->asking = ANSWER_TLSA;
	l->world->query(l->world->arg, &l->query, name, ANSWER_TLSA);
}

/* The first link by itself (R83): where it is secure the name stands in a signed zone, whatever
 * becomes of the chain behind it, and may have records (R94). */
static void
on_alias(void *arg, const struct answer *a)
{
	struct tlsa_lookup *l = arg;

	answer_note(l->answers, sizeof(l->answers), l->name, ANSWER_CNAME, a);
	note_ttl(l, a);
	if (a->state == ANSWER_FAILED || a->state == ANSWER_BOGUS)
		finish(l, REQUIRE_DANE_ERROR);
	else if (a->secure)
		ask(l);
	else
		finish(l, REQUIRE_DANE_INSECURE);
}

void
tlsa_lookup_start(struct tlsa_lookup *l, const struct world *world, const struct host *host,
    const char *name, uint16_t port)
{
	l->world = world;
	l->host = host;
	l->name = name;
	l->port = port;
	l->candidate = 0;
	l->insecure = false;
	l->ttl = UINT32_MAX;
	l->base[0] = l->answers[0] = '\0';
	l->records = NULL;
	l->records_len = 0;
	l->query.arg = l;
	if (host->state == REQUIRE_ADDRESSES_NONE && !host->aliased) {
		finish(l, REQUIRE_DANE_NONE);		/* R93: it is no server */
	} else if (host->state == REQUIRE_ADDRESSES_FAILED ||
	    host->state == REQUIRE_ADDRESSES_BOGUS) {
		finish(l, REQUIRE_DANE_ERROR);
	} else if (host->secure) {
		ask(l);
	} else if (host->aliased) {
		l->query.done = on_alias;
		l->asking = ANSWER_CNAME;
		world->query(world->arg, &l->query, name, ANSWER_CNAME);
	} else {
		finish(l, REQUIRE_DANE_INSECURE);	/* R92 */
	}
}

void
tlsa_lookup_expire(struct tlsa_lookup *l)
{
	char name[TLSA_NAME_SIZE];

	if (l->world == NULL || l->query.running == NULL)
		return;
	if (l->asking == ANSWER_CNAME)
		snprintf(name, sizeof(name), "%s", l->name);
	else
		tlsa_name(l, name);
	answer_note_late(l->answers, sizeof(l->answers), name, l->asking);
	l->world->query_cancel(l->world->arg, &l->query);
	l->ttl = l->ttl < HOST_FAULT_TTL_S ? l->ttl : HOST_FAULT_TTL_S;
	finish(l, REQUIRE_DANE_ERROR);
}

void
tlsa_lookup_clear(struct tlsa_lookup *l)
{
	if (l->world != NULL)
		l->world->query_cancel(l->world->arg, &l->query);
	free(l->records);
	l->records = NULL;
	l->records_len = 0;
}
