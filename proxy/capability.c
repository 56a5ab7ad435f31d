/* capability.c - what a server said in its EHLO reply, and what a client may hear of it
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/capability.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define STARTTLS "STARTTLS"
#define STARTTLS_LEN (sizeof(STARTTLS) - 1)
/* Registered keywords of eight octets differ from STARTTLS in six at least. */
#define MISSPELT_MAX 3

/* What is offered to clients, in this order. AUTH, XCLIENT, REQUIRETLS, ETRN and whatever is not
 * known are not for them; STARTTLS is our own. */
static const struct {
	const char *name;
	enum extension extension;
} offers[] = {
	{ "PIPELINING", EXT_PIPELINING },
	{ "SIZE", EXT_SIZE },
	{ "VRFY", EXT_VRFY },
	{ "8BITMIME", EXT_8BITMIME },
	{ "ENHANCEDSTATUSCODES", EXT_ENHANCED },
	{ "DSN", EXT_DSN },
	{ "SMTPUTF8", EXT_SMTPUTF8 },
	{ "CHUNKING", EXT_CHUNKING },
	{ "BINARYMIME", EXT_BINARYMIME },
	{ "DELIVERBY", EXT_DELIVERBY },
	{ "HELP", EXT_HELP }
};

#define OFFERS (sizeof(offers) / sizeof(offers[0]))

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_filler(char c)
{
	return c != '\0' && strchr("Xx*-_#.?~+=0", c) != NULL;
}

static int
upper(char c)
{
	return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c;
}

/* looks_overwritten: eight octets where STARTTLS may have stood. Middleboxes keep the length, so
 * that they need not touch TCP sequence numbers: a run of one octet in seven places (Cisco
 * writes a counting letter into the eighth), STARTTLS with fillers in some places, or misspelt
 * in a few. */
static bool
looks_overwritten(const char *word)
{
	size_t i, same = 1, fillers = 0, wrong = 0;

	for (i = 0; i < STARTTLS_LEN; i++) {
		if (i > 0 && i < STARTTLS_LEN - 1 && word[i] == word[0])
			same++;
		if (upper(word[i]) == STARTTLS[i])
			continue;
		wrong++;
		fillers += is_filler(word[i]);
	}
	return same == STARTTLS_LEN - 1 || wrong <= MISSPELT_MAX || wrong == fillers;
}

/* starttls_line: true where the line is about STARTTLS, whole or disfigured. A reply that offers
 * STARTTLS whole is not masked, whatever became of its other lines. */
static bool
starttls_line(struct capability *c, const char *word, size_t len, bool has_parameters)
{
	bool starts = len >= STARTTLS_LEN && strncasecmp(word, STARTTLS, STARTTLS_LEN) == 0;

	if (starts && len == STARTTLS_LEN && !has_parameters) {
		c->extensions |= EXT_STARTTLS;
		c->masked = false;
		return true;
	}
	if (!starts && (len != STARTTLS_LEN || !looks_overwritten(word)))
		return false;
	if ((c->extensions & EXT_STARTTLS) == 0)
		c->masked = true;
	return true;
}

/* number_read: a decimal number, all of p; false where it is none. Beyond 64 bits it stays at the
 * greatest. */
static bool
number_read(const char *p, size_t len, uint64_t *out)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		unsigned digit = (unsigned)(p[i] - '0');

		if (p[i] < '0' || p[i] > '9')
			return false;
		n = n > (UINT64_MAX - digit) / 10 ? UINT64_MAX : n * 10 + digit;
	}
	*out = n;
	return len > 0;
}

void
capability_line(struct capability *c, const char *text, size_t len)
{
	size_t word, i;
	uint64_t number = 0;
	bool has_number;

	if (len == STARTTLS_LEN && is_blank(text[0]) && looks_overwritten(text)) {
		starttls_line(c, text, len, false);
		return;
	}
	for (; len > 0 && is_blank(text[0]); text++)
		len--;
	while (len > 0 && is_blank(text[len - 1]))
		len--;
	for (word = 0; word < len && !is_blank(text[word]); word++)
		;
	if (starttls_line(c, text, word, word < len))
		return;
	for (i = word; i < len && is_blank(text[i]); i++)
		;
	has_number = number_read(text + i, len - i, &number);
	for (i = 0; i < OFFERS; i++)
		if (word == strlen(offers[i].name) && strncasecmp(text, offers[i].name, word) == 0)
			break;
	if (i == OFFERS)
		return;
	c->extensions |= offers[i].extension;
	if (offers[i].extension == EXT_SIZE) {
		c->size_given = has_number;
		c->size = number;
	} else if (offers[i].extension == EXT_DELIVERBY) {
		c->deliverby = number;
	}
}

/* offer_line: the text of one line into `out`; 0 where it does not fit. */
static size_t
offer_line(const struct capability *c, size_t i, char *out, size_t size)
{
	bool with_size = offers[i].extension == EXT_SIZE && c->size_given;
	bool with_by = offers[i].extension == EXT_DELIVERBY && c->deliverby > 0;
	int n;

	if (with_size || with_by)
		n = snprintf(out, size, "250-%s %llu\r\n", offers[i].name,
		    (unsigned long long)(with_size ? c->size : c->deliverby));
	else
		n = snprintf(out, size, "250-%s\r\n", offers[i].name);
	return n > 0 && (size_t)n < size ? (size_t)n : 0;
}

size_t
capability_offer(const struct capability *c, bool own_starttls, const char *name, char *out,
    size_t size)
{
	unsigned extensions = c->extensions;
	int head = snprintf(out, size, "250-%s\r\n%s", name,
	    own_starttls ? "250-" STARTTLS "\r\n" : "");
	size_t len = (size_t)head, last, i;

	if (head < 0 || len >= size)
		return 0;
	last = own_starttls ? len - strlen("250-" STARTTLS "\r\n") : 0;
	if ((extensions & EXT_CHUNKING) == 0)	/* RFC 3030 3: BINARYMIME needs BDAT */
		extensions &= ~(unsigned)EXT_BINARYMIME;
	for (i = 0; i < OFFERS; i++) {
		size_t n;

		if ((extensions & offers[i].extension) == 0)
			continue;
		n = offer_line(c, i, out + len, size - len);
		if (n == 0)
			return 0;
		last = len;
		len += n;
	}
	out[last + 3] = ' ';	/* the hyphen behind the code of the last line */
	return len;
}
