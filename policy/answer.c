/* answer.c - a DNS answer packet as a plain value
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Records are kept where their owner is the name asked for, or the end of the alias chain that
 * starts there; everything else a resolver adds is walked over, but must be well-formed. */
#include "policy/answer.h"

#include <stdio.h>
#include <string.h>

#include "policy/packet.h"

static void
keep_text(struct answer *a, struct answer_record *r, const void *p, size_t len)
{
	/* Joined strings and names are never longer than the packet they come from, but pointers
	 * can unfold the same name often: the bound is real. */
	if (a->text_len + r->len + len + 1 > sizeof(a->text)) {
		a->cut = true;
		return;
	}
	memcpy(a->text + a->text_len + r->len, p, len);
	r->len += len;
	a->text[a->text_len + r->len] = '\0';
}

static bool
take_txt(struct answer *a, struct answer_record *r, struct packet_cursor *data, size_t len)
{
	const uint8_t *end = data->p + len;

	while (data->p < end) {
		size_t n = packet_get8(data);

		if ((size_t)(end - data->p) < n)
			return false;
		keep_text(a, r, data->p, n);
		data->p += n;
	}
	return true;
}

/* RFC 6698 section 2.1: three octets, then whatever there is. */
static bool
take_tlsa(struct answer *a, struct answer_record *r, struct packet_cursor *data, size_t len)
{
	if (len < 3)
		return false;
	r->usage = packet_get8(data);
	r->selector = packet_get8(data);
	r->matching = packet_get8(data);
	keep_text(a, r, data->p, len - 3);
	return true;
}

/* A record whose data ends with a name. */
static bool
take_name(struct answer *a, struct answer_record *r, struct packet_cursor *data, const uint8_t *end)
{
	char name[ANSWER_NAME_SIZE];

	packet_get_name(data, name);
	if (data->bad || data->p != end)
		return false;
	keep_text(a, r, name, strlen(name));
	return true;
}

/* Adds the record; false when its data is malformed. Of others than these it is enough that they
 * are there. */
static bool
take_record(struct answer *a, const struct packet_resource *from)
{
	struct answer_record *r = &a->records[a->records_len];
	struct packet_cursor data = from->data;
	const uint8_t *end = data.p + from->len;
	bool good = true;

	memset(r, 0, sizeof(*r));
	r->text = a->text + a->text_len;
	a->text[a->text_len] = '\0';
	switch (from->type) {
	case ANSWER_A:
		if (from->len != 4)
			return false;
		r->ip.s6_addr[10] = r->ip.s6_addr[11] = 0xff;
		memcpy(r->ip.s6_addr + 12, data.p, 4);
		break;
	case ANSWER_AAAA:
		if (from->len != 16)
			return false;
		memcpy(r->ip.s6_addr, data.p, 16);
		break;
	case ANSWER_MX:
		r->preference = packet_get16(&data);
		good = take_name(a, r, &data, end);
		break;
	case ANSWER_CNAME:
		good = take_name(a, r, &data, end);
		break;
	case ANSWER_TXT:
		good = take_txt(a, r, &data, from->len);
		break;
	case ANSWER_TLSA:
		good = take_tlsa(a, r, &data, from->len);
		break;
	}
	if (!good || a->cut)
		return good;
	a->text_len += r->len + 1;
	a->records_len++;
	a->cut = a->text_len == sizeof(a->text);
	return true;
}

/* Everything in the answer section at a->name: records of the type wanted, or the next alias into
 * `next`. An alias that is asked for by itself is a record like others. False when malformed. */
static bool
take_owner(struct answer *a, struct packet_cursor c, unsigned count, enum answer_type type,
    char next[ANSWER_NAME_SIZE])
{
	struct packet_resource r;

	next[0] = '\0';
	while (count-- > 0) {
		if (!packet_get_resource(&c, &r))
			return false;
		if (r.class != 1 || strcmp(r.owner, a->name) != 0)
			continue;
		if (r.type == ANSWER_CNAME && type != ANSWER_CNAME && next[0] == '\0') {
			struct packet_cursor data = r.data;

			packet_get_name(&data, next);
			if (data.bad || data.p != r.data.p + r.len)
				return false;
		} else if (r.type != type) {
			continue;
		} else if (a->records_len == ANSWER_RECORDS_MAX || a->cut) {
			a->cut = true;
		} else if (!take_record(a, &r)) {
			return false;
		}
		if (r.ttl < a->ttl)
			a->ttl = r.ttl;
	}
	return true;
}

static bool
follow(struct answer *a, const struct packet_cursor *answers, unsigned count, enum answer_type type)
{
	char next[ANSWER_NAME_SIZE];

	for (; a->links <= ANSWER_ALIASES_MAX; a->links++) {
		if (!take_owner(a, *answers, count, type, next))
			return false;
		if (a->records_len > 0 || next[0] == '\0')
			return true;
		memcpy(a->name, next, sizeof(next));
	}
	return false;
}

/* RFC 8914 section 4: the codes that tell of a failed validation. */
static bool
blames_dnssec(unsigned code)
{
	return code >= 5 && code <= 12;
}

static void
take_option(struct answer *a, struct packet_cursor data, size_t len, bool *bogus)
{
	const uint8_t *end = data.p + len;

	while (!data.bad && data.p < end) {
		unsigned option = packet_get16(&data), size = packet_get16(&data), code;
		size_t n = 0;

		if (data.bad || (size_t)(end - data.p) < size)
			return;
		if (option != 15 || size < 2) {
			packet_skip(&data, size);
			continue;
		}
		code = packet_get16(&data);
		*bogus |= blames_dnssec(code);
		if (a->problem[0] == '\0')
			n = (size_t)snprintf(a->problem, sizeof(a->problem), "extended error %u",
			    code);
		if (n > 0 && size > 2)
			a->problem[n++] = ' ';
		for (size -= 2; size > 0; size--) {
			uint8_t o = packet_get8(&data);

			if (o < 0x20 || o > 0x7e)
				o = '?';
			if (n > 0 && n < sizeof(a->problem) - 1)
				a->problem[n++] = (char)o;
		}
		if (n > 0)
			a->problem[n] = '\0';
	}
}

/* Authority: how long "no" may be kept. Additional: OPT. False when malformed. */
static bool
take_rest(struct answer *a, struct packet_cursor *c, unsigned authority, unsigned additional,
    bool *soa, unsigned *rcode, bool *bogus)
{
	struct packet_resource r;
	char name[ANSWER_NAME_SIZE];

	for (unsigned i = 0; i < authority + additional; i++) {
		if (!packet_get_resource(c, &r))
			return false;
		if (i < authority && r.type == ANSWER_SOA && r.class == 1) {
			uint32_t minimum;

			packet_get_name(&r.data, name);
			packet_get_name(&r.data, name);
			packet_skip(&r.data, 16);
			minimum = packet_get32(&r.data);
			if (r.data.bad)
				return false;
			*soa = true;
			if (a->records_len == 0) {
				a->ttl = a->ttl < r.ttl ? a->ttl : r.ttl;
				a->ttl = a->ttl < minimum ? a->ttl : minimum;
			}
		} else if (i >= authority && r.type == ANSWER_OPT) {
			*rcode |= (unsigned)(r.ttl >> 24) << 4;
			take_option(a, r.data, r.len, bogus);
		}
	}
	return true;
}

static void
conclude(struct answer *a, unsigned rcode, bool soa, bool bogus)
{
	char why[ANSWER_PROBLEM_SIZE];

	if (rcode == 0 || rcode == 3) {
		a->problem[0] = '\0';
		a->state = a->records_len > 0 ? ANSWER_OK :
		    rcode == 0 ? ANSWER_NODATA : ANSWER_NXDOMAIN;
		a->dangling = a->state == ANSWER_NODATA && a->links > 0 && !soa;
		/* RFC 2308 section 5: without an SOA "no" is not kept. */
		if (a->state != ANSWER_OK && !a->dangling && !soa)
			a->ttl = 0;
		return;
	}
	memcpy(why, a->problem, sizeof(why));
	a->state = rcode == 2 && bogus ? ANSWER_BOGUS : ANSWER_FAILED;
	a->unexplained = rcode == 2 && !bogus;
	a->records_len = 0;
	a->secure = false;
	a->ttl = a->links = 0;
	a->name[0] = '\0';
	if (rcode == 2 || rcode == 5)
		snprintf(a->problem, sizeof(a->problem), "%s%s%.100s",
		    rcode == 2 ? "SERVFAIL" : "REFUSED", why[0] ? ", " : "", why);
	else
		snprintf(a->problem, sizeof(a->problem), "error (rcode %u)%s%.100s", rcode,
		    why[0] ? ", " : "", why);
}

void
answer_fail(struct answer *out, const char *problem)
{
	out->state = ANSWER_FAILED;
	out->secure = out->cut = out->unexplained = out->dangling = false;
	out->ttl = out->links = 0;
	out->name[0] = '\0';
	out->records_len = out->text_len = 0;
	snprintf(out->problem, sizeof(out->problem), "%s", problem);
}

void
answer_bogus(struct answer *out, const char *problem)
{
	answer_fail(out, problem);
	out->state = ANSWER_BOGUS;
}

void
answer_parse(struct answer *out, const void *packet, size_t len, const char *name,
    enum answer_type type)
{
	struct packet_cursor c = { packet, packet, (const uint8_t *)packet + len, false }, answers;
	unsigned flags, count[4], rcode;
	bool soa = false, bogus = false;
	char question[ANSWER_NAME_SIZE];
	struct packet_resource r;

	answer_fail(out, "malformed answer");
	out->ttl = UINT32_MAX;
	packet_get16(&c);
	flags = packet_get16(&c);
	for (int i = 0; i < 4; i++)
		count[i] = packet_get16(&c);
	packet_get_name(&c, question);
	if (count[0] != 1 || !(flags & 0x8000) || strcmp(question, name) != 0 ||
	    packet_get16(&c) != type || packet_get16(&c) != 1 || c.bad ||
	    strlen(name) >= sizeof(out->name)) {
		answer_fail(out, "answer to another question");
		return;
	}
	answers = c;
	memcpy(out->name, question, sizeof(question));
	for (unsigned i = 0; i < count[1]; i++)
		if (!packet_get_resource(&c, &r))
			break;
	if (c.bad || (flags & 0x0200) || !follow(out, &answers, count[1], type)) {
		answer_fail(out, flags & 0x0200 ? "truncated answer" : "malformed answer");
		return;
	}
	rcode = flags & 0x0f;
	out->problem[0] = '\0';
	if (!take_rest(out, &c, count[2], count[3], &soa, &rcode, &bogus)) {
		answer_fail(out, "malformed answer");
		return;
	}
	out->secure = flags & 0x0020;
	conclude(out, rcode, soa, bogus);
}
