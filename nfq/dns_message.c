/* dns_message.c - a DNS answer from the wire: its question, and the records that map names
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Names are walked over until a record's type says that it is wanted; only then are they spelt out.
 * So a packet of a thousand records costs little more than the sixty-four that are kept. */
#include "nfq/dns_message.h"

#include <string.h>

#define CLASS_IN 1
#define NAME_MAX_TEXT 253	/* RFC 1035 2.3.4: 255 octets on the wire */
#define JUMPS_MAX 127		/* as many as a name can have labels: one each */

enum { TYPE_NS = 2, TYPE_SOA = 6, TYPE_OPT = 41 };

/* After the first fault every further call yields 0; `bad` is tested at the end. */
struct cursor {
	const uint8_t *start, *p, *end;
	bool bad;
};

struct resource {
	struct cursor owner, data;
	uint16_t type, class, len;
	uint32_t ttl;
};

/* What a host name is made of, in lower case; 0: nothing else. */
static const char letters[256] = {
	['-'] = '-', ['_'] = '_',
	['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6',
	['7'] = '7', ['8'] = '8', ['9'] = '9',
	['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e', ['f'] = 'f', ['g'] = 'g',
	['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k', ['l'] = 'l', ['m'] = 'm', ['n'] = 'n',
	['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r', ['s'] = 's', ['t'] = 't', ['u'] = 'u',
	['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y', ['z'] = 'z',
	['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g',
	['H'] = 'h', ['I'] = 'i', ['J'] = 'j', ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n',
	['O'] = 'o', ['P'] = 'p', ['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't', ['U'] = 'u',
	['V'] = 'v', ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z',
};

static bool
has(struct cursor *c, size_t len)
{
	if (c->bad || (size_t)(c->end - c->p) < len)
		c->bad = true;
	return !c->bad;
}

static uint8_t
get8(struct cursor *c)
{
	return has(c, 1) ? *c->p++ : 0;
}

static uint16_t
get16(struct cursor *c)
{
	if (!has(c, 2))
		return 0;
	c->p += 2;
	return (uint16_t)(c->p[-2] << 8 | c->p[-1]);
}

static uint32_t
get32(struct cursor *c)
{
	uint32_t high = get16(c);

	return high << 16 | get16(c);
}

static void
skip(struct cursor *c, size_t len)
{
	if (has(c, len))
		c->p += len;
}

static void
skip_name(struct cursor *c)
{
	for (;;) {
		uint8_t len = get8(c);

		if (len >= 0xc0)
			skip(c, 1);
		else if (len > 63)
			c->bad = true;
		else
			skip(c, len);
		if (c->bad || len == 0 || len >= 0xc0)
			return;
	}
}

/* One label onto the end of out. False: an octet that no host name has; *n moves all the same. */
static bool
spell(const uint8_t *p, size_t len, char *out, size_t *n)
{
	bool good = true;

	for (size_t i = 0; i < len; i++) {
		char letter = letters[p[i]];

		good &= letter != '\0';
		out[*n + i] = letter;
	}
	*n += len;
	out[(*n)++] = '.';
	return good;
}

/* RFC 1035 4.1.4: pointers go back, each further than the last. False: no host name, "" then; the
 * root is "" too, and a name. */
static bool
get_name(struct cursor *c, char out[DNS_NAME_SIZE])
{
	struct cursor at = *c;
	const uint8_t *lowest = c->p;
	unsigned jumps = 0;
	bool good = true;
	size_t n = 0;

	skip_name(c);
	out[0] = '\0';
	while (!c->bad) {
		uint8_t len = get8(&at);

		if (at.bad || (len > 63 && len < 0xc0))
			break;
		if (len >= 0xc0) {
			size_t to = (size_t)(len & 0x3f) << 8 | get8(&at);

			if (at.bad || to >= (size_t)(lowest - at.start) || ++jumps > JUMPS_MAX)
				break;
			at.p = lowest = at.start + to;
			continue;
		}
		if (len == 0) {
			out[good && n > 0 ? n - 1 : 0] = '\0';
			return good;
		}
		if (n + len > NAME_MAX_TEXT || !has(&at, len))
			break;
		good &= spell(at.p, len, out, &n);
		at.p += len;
	}
	out[0] = '\0';
	c->bad = true;
	return false;
}

static void
get_resource(struct cursor *c, struct resource *r)
{
	r->owner = *c;
	skip_name(c);
	r->type = get16(c);
	r->class = get16(c);
	r->ttl = get32(c);
	r->len = get16(c);
	r->data = *c;
	skip(c, r->len);
	if (!c->bad)
		r->data.end = c->p;
}

static bool
wanted(unsigned type)
{
	return type == DNS_A || type == DNS_AAAA || type == DNS_MX || type == DNS_CNAME;
}

static void
lose(struct dns_message *m, uint32_t ttl_s)
{
	m->lost = true;
	if (m->lost_ttl_s < ttl_s)
		m->lost_ttl_s = ttl_s;
}

static bool
take_address(struct cursor *data, size_t len, struct in6_addr *out)
{
	size_t skipped = sizeof(*out) - len;

	if (!has(data, len) || data->p + len != data->end)
		return false;
	memset(out->s6_addr, 0, sizeof(out->s6_addr));
	if (len == 4)
		out->s6_addr[10] = out->s6_addr[11] = 0xff;
	memcpy(out->s6_addr + skipped, data->p, len);
	return true;
}

/* Keeps the record, or counts it lost. False when it is malformed. */
static bool
take(struct dns_message *m, struct resource *r)
{
	struct dns_record *to = &m->records[m->len];
	bool owner, target = true;

	if (r->ttl & 0x80000000u)	/* RFC 2181 section 8 */
		r->ttl = 0;
	if (m->len == DNS_RECORDS_MAX) {
		lose(m, r->ttl);
		return true;
	}
	owner = get_name(&r->owner, to->owner) && to->owner[0] != '\0';
	to->type = (enum dns_type)r->type;
	to->ttl_s = r->ttl;
	to->preference = 0;
	to->name[0] = '\0';
	if (r->type == DNS_A || r->type == DNS_AAAA) {
		r->data.bad = !take_address(&r->data, r->type == DNS_A ? 4 : 16, &to->ip);
	} else {
		if (r->type == DNS_MX)
			to->preference = get16(&r->data);
		target = get_name(&r->data, to->name);
		r->data.bad |= r->data.p != r->data.end;
		target &= to->name[0] != '\0' || r->type == DNS_MX;	/* RFC 7505 */
	}
	if (r->owner.bad || r->data.bad)
		return false;
	if (owner && !target)
		lose(m, r->ttl);
	m->len += owner && target;
	return true;
}

enum section { ANSWERS, AUTHORITY, ADDITIONAL, SECTIONS };

/* False when malformed. */
static bool
take_sections(struct dns_message *m, struct cursor *c, const unsigned count[SECTIONS])
{
	bool servers = false, soa = false;
	struct resource r;

	for (enum section s = ANSWERS; s < SECTIONS; s++)
		for (unsigned i = 0; i < count[s]; i++) {
			get_resource(c, &r);
			if (c->bad)
				return false;
			if (r.type == TYPE_OPT && s == ADDITIONAL && r.ttl >> 24 != 0)
				m->rcode = r.ttl >> 24 > 15 ? 255 :
				    (uint8_t)(r.ttl >> 24 << 4 | m->rcode);
			servers |= r.type == TYPE_NS && s == AUTHORITY;
			soa |= r.type == TYPE_SOA && s == AUTHORITY;
			if (s != AUTHORITY && r.class == CLASS_IN && wanted(r.type) && !take(m, &r))
				return false;
		}
	m->referral = count[ANSWERS] == 0 && servers && !soa;
	return true;
}

enum dns_result
dns_message_read(const void *p, size_t len, struct dns_message *out)
{
	struct cursor c = { p, p, (const uint8_t *)p + len, false };
	unsigned flags, questions, type, class, count[SECTIONS];
	bool good;

	get16(&c);
	flags = get16(&c);
	questions = get16(&c);
	for (enum section s = ANSWERS; s < SECTIONS; s++)
		count[s] = get16(&c);
	if (c.bad)
		return DNS_BAD;
	if (!(flags & 0x8000) || (flags & 0x7800) != 0 || questions != 1)
		return DNS_UNWANTED;
	good = get_name(&c, out->name) && out->name[0] != '\0';
	type = get16(&c);
	class = get16(&c);
	if (c.bad)
		return DNS_BAD;
	if (!good || class != CLASS_IN || !wanted(type))
		return DNS_UNWANTED;
	out->type = (enum dns_type)type;
	out->truncated = flags & 0x0200;
	out->referral = out->lost = false;
	out->lost_ttl_s = 0;
	out->rcode = flags & 0x0f;
	out->len = 0;
	/* Some servers cut in the middle of a record; what stood before it came whole. */
	if (!take_sections(out, &c, count) && !out->truncated)
		return DNS_BAD;
	return DNS_OK;
}
