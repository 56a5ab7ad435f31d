/* capability_fuzz.c - whatever a server says, the client gets a reply off the allow-list
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proxy/capability.h"
#include "proxy/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool truth)
{
	if (!truth)
		abort();
}

/* allowed: the line's keyword is on the list, and nothing but a number follows it. */
static bool
allowed(const char *text, size_t len)
{
	static const char *const names[] = { "PIPELINING", "SIZE", "VRFY", "8BITMIME",
	    "ENHANCEDSTATUSCODES", "DSN", "SMTPUTF8", "CHUNKING", "BINARYMIME", "DELIVERBY",
	    "HELP", "STARTTLS" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t n = strlen(names[i]);

		if (len < n || memcmp(text, names[i], n) != 0)
			continue;
		if (len == n)
			return true;
		if (text[n++] != ' ' || n == len)
			return false;
		while (n < len && text[n] >= '0' && text[n] <= '9')
			n++;
		return n == len;
	}
	return false;
}

/* offer_check: the offer is one reply, and says what the server said, less what is not allowed. */
static void
offer_check(const struct capability *c, bool own_starttls)
{
	struct capability heard = { 0 };
	struct reply r = { 0 };
	struct reply_line line;
	enum reply_result result;
	char out[1024], small[64];
	size_t len = capability_offer(c, own_starttls, "mx.example", out, sizeof(out));
	size_t at = 0;
	unsigned want = c->extensions & ~(unsigned)EXT_STARTTLS;

	must(len > 0 && strlen(out) == len);
	do {
		result = reply_next(&r, out + at, len - at, &line);
		must(line.line_len > 0 && line.code == 250);
		at += line.line_len;
		if (r.lines == 1)
			continue;
		must(allowed(line.text, line.text_len));
		capability_line(&heard, line.text, line.text_len);
	} while (result == REPLY_MORE);
	must(result == REPLY_DONE && at == len);
	if ((want & EXT_CHUNKING) == 0)
		want &= ~(unsigned)EXT_BINARYMIME;
	must(heard.extensions == (want | (own_starttls ? (unsigned)EXT_STARTTLS : 0)));
	must(!heard.masked && heard.size == c->size && heard.size_given == c->size_given);
	must(heard.deliverby == c->deliverby);
	at = capability_offer(c, own_starttls, "mx.example", small, sizeof(small));
	must(at == (len < sizeof(small) ? len : 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;
	struct capability c = { 0 };

	while (size > 0) {
		const char *lf = memchr(p, '\n', size);
		size_t len = lf == NULL ? size : (size_t)(lf - p);
		bool whole = len == 8 && strncasecmp(p, "STARTTLS", 8) == 0;

		capability_line(&c, p, len);
		must(!whole || (c.extensions & EXT_STARTTLS) != 0);
		must(!c.masked || (c.extensions & EXT_STARTTLS) == 0);
		p += len + (lf != NULL);
		size -= len + (lf != NULL);
	}
	offer_check(&c, false);
	offer_check(&c, true);
	return 0;
}
