/* key.c - by what a record is known again
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * At start, and where another process writes too, thousands of lines are read back. Those that
 * event_text made tell their key at their front; a torn one must not, so its nesting is followed to
 * the end: the front of an object never ends outside of it. Other lines are parsed. */
#include "record/key.h"

#include <jansson.h>
#include <string.h>

#define ID_MAX 40		/* octets of each that count */

static void
add(struct key *key, const char *p, size_t len)
{
	if (len > ID_MAX)
		len = ID_MAX;
	memcpy(key->p + key->len, p, len);
	key->len += len;
	key->p[key->len++] = '\0';
}

/* type: 'd' or 's'. A decision may lack its session, a session record may not. */
static void
make(struct key *key, char type, const char *session, size_t session_len, const char *which,
    size_t which_len)
{
	key->len = 0;
	if (which_len == 0 || (type != 'd' && session_len == 0))
		return;
	key->p[key->len++] = type;
	add(key, session, session_len);
	add(key, which, which_len);
}

void
key_of_event(struct key *key, const struct event *e)
{
	size_t session_len = strnlen(e->session_id, ID_MAX);

	key->len = 0;
	if (e->type == EVENT_DECISION)
		make(key, 'd', e->session_id, session_len, e->id, strnlen(e->id, ID_MAX));
	if (e->type == EVENT_SESSION)
		make(key, 's', e->session_id, session_len, e->action,
		    strnlen(e->action, ID_MAX));
}

/* One object from its first octet to its last, as far as brackets and strings tell. */
static bool
whole(const char *line, size_t len)
{
	bool text = false;
	size_t depth = 0;

	for (size_t i = 0; i < len; i++) {
		if (line[i] == '\\')
			i++;
		else if (line[i] == '"')
			text = !text;
		else if (!text && (line[i] == '{' || line[i] == '['))
			depth++;
		else if (!text && (line[i] == '}' || line[i] == ']') && --depth == 0)
			return i + 1 == len;
	}
	return false;
}

struct cursor {
	const char *p, *end;
};

static bool
skip(struct cursor *c, const char *text)
{
	size_t len = strlen(text);

	if ((size_t)(c->end - c->p) < len || memcmp(c->p, text, len) != 0)
		return false;
	c->p += len;
	return true;
}

/* A string without escapes, up to its quote and behind it. */
static bool
string(struct cursor *c, const char **p, size_t *len)
{
	const char *quote = memchr(c->p, '"', (size_t)(c->end - c->p));

	if (quote == NULL)
		return false;
	*p = c->p;
	*len = (size_t)(quote - c->p);
	c->p = quote + 1;
	return memchr(*p, '\\', *len) == NULL;
}

/* False: not a line as event_text makes them, for all that can be seen at its front. */
static bool
front(struct key *key, const char *line, size_t len)
{
	static const char action[] = "\"session\":{\"action\":\"";
	struct cursor c = { line, line + len };
	const char *type, *id = "", *session = "", *at;
	size_t type_len, id_len = 0, session_len = 0;

	if (!skip(&c, "{\"timestamp\":\"") || !string(&c, &at, &type_len) ||
	    !skip(&c, ",\"v\":1,\"event_type\":\"") || !string(&c, &type, &type_len))
		return false;
	if ((skip(&c, ",\"id\":\"") && !string(&c, &id, &id_len)) ||
	    (skip(&c, ",\"session_id\":\"") && !string(&c, &session, &session_len)))
		return false;
	if (type_len == 8 && memcmp(type, "decision", 8) == 0) {
		make(key, 'd', session, session_len, id, id_len);
		return true;
	}
	if (type_len != 7 || memcmp(type, "session", 7) != 0)
		return true;		/* a notice */
	/* Within a string the quotes would stand behind backslashes. */
	at = memmem(c.p, (size_t)(c.end - c.p), action, sizeof action - 1);
	if (at == NULL)
		return false;
	c.p = at + sizeof action - 1;
	if (!string(&c, &id, &id_len))
		return false;
	make(key, 's', session, session_len, id, id_len);
	return true;
}

static void
parse(struct key *key, const char *line, size_t len)
{
	json_t *o = json_loadb(line, len, 0, NULL);
	const char *type = "", *session = "", *which = "";

	if (json_unpack(o, "{s:s, s?s}", "event_type", &type, "session_id", &session) == 0) {
		if (strcmp(type, "decision") == 0)
			(void)json_unpack(o, "{s:s}", "id", &which);
		if (strcmp(type, "session") == 0)
			(void)json_unpack(o, "{s:{s:s}}", "session", "action", &which);
		make(key, type[0], session, strlen(session), which, strlen(which));
	}
	json_decref(o);
}

void
key_of_line(struct key *key, const char *line, size_t len)
{
	key->len = 0;
	if (!front(key, line, len))
		parse(key, line, len);
	else if (key->len > 0 && !whole(line, len))
		key->len = 0;
}
