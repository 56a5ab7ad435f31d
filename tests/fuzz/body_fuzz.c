/* body_fuzz.c - the scan of mail data against a slow one, at any split, and against lenient servers
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The first octet chooses how the rest is split. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/body.h"

#define ALL_SPLITS_MAX 96	/* octets: longer inputs are split as their first octet says */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool truth)
{
	if (!truth)
		abort();
}

/* slow_scan: the same as body_scan, over the whole data, by looking at each octet's neighbours. */
static enum body_result
slow_scan(const char *p, size_t len, size_t *pass)
{
	for (size_t i = 0; i < len; i++) {
		size_t start = i;
		bool crlf;

		if (p[i] != '.')
			continue;
		while (start > 0 && p[start - 1] == '\0')
			start--;
		if (start > 0 && p[start - 1] != '\r' && p[start - 1] != '\n')
			continue;
		crlf = start == i &&
		    (i == 0 || (i >= 2 && p[i - 2] == '\r' && p[i - 1] == '\n'));
		*pass = i;
		if (i + 1 == len)
			return BODY_MORE;
		if (p[i + 1] == '\0' || p[i + 1] == '\n' || (p[i + 1] == '\r' && !crlf))
			return BODY_SMUGGLED;
		if (p[i + 1] != '\r')
			continue;
		if (i + 2 == len)
			return BODY_MORE;
		if (p[i + 2] != '\n')
			return BODY_SMUGGLED;
		*pass = i + 3;
		return BODY_END;
	}
	*pass = len;
	return BODY_MORE;
}

/* How servers that are too lenient read lines. */
enum lenient {
	ANY_LINE_END,		/* CR, LF, CRLF; NULs dropped */
	ANY_LINE_END_CUT,	/* the same; a NUL ends the line's text */
	LF_STRIPPED,		/* LF; CRs before it stripped, NULs dropped */
	CR_DROPPED,		/* LF; all CRs and NULs dropped */
	LENIENTS
};

/* lenient_end: where such a server sees an end of data: octets through the line's end, 0 if
 * nowhere. */
static size_t
lenient_end(enum lenient how, const char *p, size_t len)
{
	size_t text = 0, crs = 0;
	bool dot = false, cut = false, after_cr = false;

	for (size_t i = 0; i < len; i++) {
		bool any = how == ANY_LINE_END || how == ANY_LINE_END_CUT;
		bool ends = p[i] == '\n' || (any && p[i] == '\r');

		if (p[i] == '\0') {
			cut = how == ANY_LINE_END_CUT && text > 0;
			continue;
		}
		if (any && p[i] == '\n' && after_cr) {
			after_cr = false;
			continue;
		}
		after_cr = p[i] == '\r';
		if (ends) {
			if (text == 1 && dot)
				return i + 1;
			text = crs = 0;
			cut = false;
		} else if (p[i] == '\r') {
			crs++;
		} else if (!cut) {
			text += 1 + (how == LF_STRIPPED ? crs : 0);
			crs = 0;
			dot = text == 1 && p[i] == '.';
		}
	}
	return 0;
}

/* split_scan: as a caller feeds it, `step` octets more each time, or cut once at `step`. */
static enum body_result
split_scan(struct body *b, const char *p, size_t len, size_t step, bool once, size_t *passed)
{
	enum body_result r = BODY_MORE;
	size_t seen = 0;

	body_start(b);
	*passed = 0;
	do {
		size_t n, pass = 0;
		char *view;

		seen = (once && seen > 0) || len - seen < step ? len : seen + step;
		n = seen - *passed;
		view = malloc(n > 0 ? n : 1);	/* its own size: a look beyond it is seen */
		must(view != NULL);
		memcpy(view, p + *passed, n);
		r = body_scan(b, view, n, &pass);
		free(view);
		must(pass <= n && (r != BODY_MORE || n - pass <= BODY_HOLD_MAX));
		*passed += pass;
	} while (r == BODY_MORE && seen < len);
	return r;
}

/* skip_check: from a false end on, the true CRLF.CRLF is found where memmem finds it, at any
 * split. */
static void
skip_check(const struct body *b, const char *p, size_t len, size_t at, size_t step)
{
	char *text = malloc(len + 2);
	struct body skip = *b;
	const char *true_end;
	int end = 0;

	must(text != NULL);
	memcpy(text, "\r\n", 2);
	memcpy(text + 2, p, len);
	true_end = memmem(text, len + 2, "\r\n.\r\n", 5);
	while (!end && at < len) {
		size_t n = len - at < step ? len - at : step;
		size_t used = body_skip(&skip, p + at, n, &end);

		must(end ? used <= n && used > 0 : used == n);
		at += used;
	}
	must(end == (true_end != NULL));
	if (end)
		must(at == (size_t)(true_end - text) + 5 - 2);
	free(text);
}

static void
one_split(const char *p, size_t len, size_t step, bool once)
{
	size_t want_pass = 0, passed;
	enum body_result want = slow_scan(p, len, &want_pass);
	struct body b;

	must(split_scan(&b, p, len, step, once, &passed) == want);
	must(passed == want_pass);
	if (want == BODY_SMUGGLED)
		skip_check(&b, p, len, passed, step);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data + 1;
	size_t len, pass = 0;
	enum body_result r;

	if (size < 2)
		return 0;
	len = size - 1;
	one_split(p, len, len, false);
	one_split(p, len, 1, false);
	one_split(p, len, data[0] + 1U, false);
	for (size_t step = 1; len <= ALL_SPLITS_MAX && step < len; step++)
		one_split(p, len, step, true);
	r = slow_scan(p, len, &pass);
	for (enum lenient how = ANY_LINE_END; how < LENIENTS; how++) {
		size_t end = lenient_end(how, p, pass);

		must(end == 0 || (r == BODY_END && end + 1 >= pass));
	}
	return 0;
}
