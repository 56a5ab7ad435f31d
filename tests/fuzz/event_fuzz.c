/* event_fuzz.c - what a captured worker may send as an event
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What decodes must encode to the same octets, its JSON must be octet for octet what jansson makes
 * of the same event, and its key the event's, unless the line is torn; its human line printable,
 * and every text within its cap. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/wire.h"
#include "record/escape.h"
#include "record/event.h"
#include "record/key.h"
#include "tests/unit/event_reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_dns(const json_t *dns, bool domain)
{
	assert(dns == NULL || (domain && json_array_size(dns) > 0));
	for (size_t i = 0; i < json_array_size(dns); i++) {
		size_t len = json_string_length(json_array_get(dns, i));

		assert(len > 0 && len <= EVENT_TEXT_MAX);
	}
}

static void
check_key(const struct event *e, const struct text *t, size_t cut)
{
	struct key wanted, got;

	key_of_event(&wanted, e);
	key_of_line(&got, t->p, cut);
	assert(got.len == 0 || cut == t->len);
	key_of_line(&got, t->p, t->len);
	/* Of what is not plain ASCII the line has another form, and ids are. */
	if (escape_plain((char[EVENT_TEXT_MAX + 9]){ 0 }, e->id, strlen(e->id)) &&
	    escape_plain((char[EVENT_TEXT_MAX + 9]){ 0 }, e->session_id, strlen(e->session_id)) &&
	    escape_plain((char[EVENT_TEXT_MAX + 9]){ 0 }, e->action, strlen(e->action)))
		assert(got.len == wanted.len && memcmp(got.p, wanted.p, got.len) == 0);
}

static void
check_json(const struct event *e, bool full, bool domain, size_t cut)
{
	static struct text t;		/* its memory stays, as in the log */
	json_t *o = event_json(e, full, domain), *again;
	char *wanted = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII);

	text_cut(&t, 0);
	assert(o != NULL && wanted != NULL && event_text(&t, e, full, domain));
	assert(t.len == strlen(wanted) && memcmp(t.p, wanted, t.len) == 0);
	assert(memchr(t.p, '\n', t.len) == NULL);
	again = json_loadb(t.p, t.len, 0, NULL);
	assert(again != NULL && json_equal(o, again));
	check_dns(json_object_get(o, "dns"), domain);
	check_key(e, &t, cut % t.len);
	json_decref(again);
	json_decref(o);
	free(wanted);
}

static void
check_line(const struct event *e, size_t room)
{
	char line[3000];
	size_t len = event_line(e, line, room);

	assert(room == 0 || (len < room && strlen(line) == len));
	for (size_t i = 0; i < len; i++)
		assert(line[i] >= 0x20 && line[i] < 0x7f);
}

/* The texts alone: any octets, any room. */
static void
check_escape(const uint8_t *data, size_t size)
{
	char in[300], out[64];
	size_t len = size < sizeof in - 1 ? size : sizeof in - 1, room = 8 + size % 57;

	memcpy(in, data, len);
	in[len] = '\0';
	assert(escape_utf8(out, room, in) == strlen(out) && strlen(out) < room);
	json_t *text = json_string(out);		/* refuses what is not UTF-8 */
	assert(text != NULL);
	json_decref(text);
	assert(escape_ascii(out, room, in) == strlen(out) && strlen(out) < room);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned char again[WIRE_MESSAGE_MAX];
	struct event e;

	check_escape(data, size);
	if (!event_decode(data, size, &e))
		return 0;
	assert(event_encode(again, sizeof again, &e) == size);
	assert(memcmp(again, data, size) == 0);
	check_json(&e, true, true, size * 31 + data[size - 1]);
	check_json(&e, false, true, size * 17 + data[size / 2]);
	check_json(&e, false, false, size);
	check_line(&e, 3000);
	check_line(&e, size % 3000);
	return 0;
}
