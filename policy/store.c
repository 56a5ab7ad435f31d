/* store.c - cached policies and STARTTLS memory on disk
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every write is a list of changes in one transaction. Reads are short transactions inside one
 * call. */
#include "policy/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/store_pages.h"

struct store {
	struct store_file file;
	const struct store_events *events;
	void *arg;
	char problem[256];
	bool damaged;		/* a read met a broken page: no write mends that */
	unsigned char value[STORE_VALUE_MAX];
};

static void
trouble(struct store *s, const char *what, const char *why)
{
	char line[512];

	snprintf(line, sizeof(line), "%s: %s", what, why);
	if (s->events != NULL)
		s->events->trouble(s->arg, line);
}

static bool
fault(struct store *s, const char *doing, int code)
{
	bool first = s->problem[0] == '\0';

	snprintf(s->problem, sizeof(s->problem), "store: %s: %s", doing, mdb_strerror(code));
	if (first)
		trouble(s, "store", s->problem);
	return false;
}

static bool
apply(struct store *s, struct store_change *c, size_t len)
{
	int e = store_pages_write(&s->file, c, len);

	if (e != 0)
		return fault(s, "writing", e);
	if (!s->damaged)
		s->problem[0] = '\0';
	return true;
}

static MDB_val
slice(const void *p, size_t len)
{
	/* LMDB does not write through it. */
	union { const void *from; void *to; } cast = { p };

	return (MDB_val){ len, cast.to };
}

bool
store_put_policy(struct store *s, const char *domain, const struct store_policy *p)
{
	size_t len = store_encode(s->value, sizeof(s->value), p);
	struct store_change c = { STORE_POLICIES, slice(domain, strlen(domain)),
		slice(s->value, len) };

	return len > 0 ? apply(s, &c, 1) : fault(s, "writing", EMSGSIZE);
}

bool
store_delete_policy(struct store *s, const char *domain)
{
	struct store_change c = { STORE_POLICIES, slice(domain, strlen(domain)), { 0, NULL } };

	return apply(s, &c, 1);
}

bool
store_put_seen(struct store *s, const struct store_seen *seen, size_t len)
{
	struct store_change *c = calloc(len > 0 ? len : 1, sizeof(*c));
	unsigned char (*value)[STORE_SEEN_MAX] = calloc(len > 0 ? len : 1, sizeof(*value));
	bool done;

	for (size_t i = 0; c != NULL && value != NULL && i < len; i++) {
		size_t size = store_encode_seen(value[i], seen[i].last, seen[i].host);

		c[i].table = STORE_SEEN;
		c[i].key = slice(seen[i].key, seen[i].key_len);
		if (seen[i].last != 0)
			c[i].value = slice(value[i], size);
	}
	done = c != NULL && value != NULL ? apply(s, c, len) : fault(s, "writing", ENOMEM);
	free(c);
	free(value);
	return done;
}

static void
unreadable(struct store *s, int code)
{
	s->damaged |= store_file_broken(code);
	fault(s, s->damaged ? "damaged, to begin anew stop posternd and move store.mdb away" :
	    "reading", code);
}

bool
store_get_policy(struct store *s, const char *domain,
    void (*found)(void *arg, const struct store_policy *p), void *arg)
{
	MDB_val key = slice(domain, strlen(domain)), value;
	struct store_policy p;
	int e = store_pages_get(&s->file, STORE_POLICIES, &key, &value);
	bool ok = e == 0 && store_decode(value.mv_data, value.mv_size, &p);

	if (ok)
		found(arg, &p);
	if (e == 0 && !ok)
		trouble(s, domain, "a stored policy cannot be read, skipped");
	else if (e != 0 && e != MDB_NOTFOUND)
		unreadable(s, e);
	return ok;
}

/* True when there are more. */
static bool
walk(struct store *s, const struct store_walk *w)
{
	unsigned skipped;
	int e = store_pages_walk(&s->file, w, &skipped);

	if (e != 0 && e != MDB_NOTFOUND)
		unreadable(s, e);
	if (skipped > 0) {
		char count[48];

		snprintf(count, sizeof(count), "%u entries cannot be read, skipped", skipped);
		trouble(s, w->table == STORE_POLICIES ? "stored policies" : "STARTTLS memory",
		    count);
	}
	return e == 0;
}

struct each_policy {
	void (*each)(void *arg, const char *domain, const struct store_policy *p);
	void *arg;
};

/* Of a damaged page anything may come. */
static bool
may_be_domain(const MDB_val *key)
{
	const unsigned char *c = key->mv_data;

	for (size_t i = 0; i < key->mv_size; i++)
		if (c[i] <= 0x20 || c[i] >= 0x7f)
			return false;
	return key->mv_size > 0;
}

static bool
on_policy(void *arg, const MDB_val *key, const MDB_val *value)
{
	struct each_policy *w = arg;
	struct store_policy p;
	char domain[STORE_KEY_MAX + 1];

	if (!may_be_domain(key) || !store_decode(value->mv_data, value->mv_size, &p))
		return false;
	memcpy(domain, key->mv_data, key->mv_size);
	domain[key->mv_size] = '\0';
	w->each(w->arg, domain, &p);
	return true;
}

bool
store_first_policies(struct store *s, size_t most,
    void (*each)(void *arg, const char *domain, const struct store_policy *p), void *arg)
{
	return walk(s, &(struct store_walk){ STORE_POLICIES, most, on_policy,
	    &(struct each_policy){ each, arg } });
}

void
store_each_policy(struct store *s,
    void (*each)(void *arg, const char *domain, const struct store_policy *p), void *arg)
{
	store_first_policies(s, SIZE_MAX, each, arg);
}

struct each_seen {
	void (*each)(void *arg, const struct store_seen *seen);
	void *arg;
};

static bool
on_seen(void *arg, const MDB_val *key, const MDB_val *value)
{
	struct each_seen *w = arg;
	struct store_seen seen = { .key = key->mv_data, .key_len = key->mv_size };

	if (!store_decode_seen(value->mv_data, value->mv_size, &seen.last, &seen.host))
		return false;
	w->each(w->arg, &seen);
	return true;
}

void
store_each_seen(struct store *s, void (*each)(void *arg, const struct store_seen *seen), void *arg)
{
	walk(s, &(struct store_walk){ STORE_SEEN, SIZE_MAX, on_seen,
	    &(struct each_seen){ each, arg } });
}

static void
set_aside(struct store *s, const char *why)
{
	if (store_file_set_aside(&s->file))
		trouble(s, "the store was set aside, cached policies are lost", why);
}

struct store *
store_open(const char *state_dir, bool fresh, const struct store_events *events, void *arg,
    char *error, size_t error_size)
{
	struct store *s = calloc(1, sizeof(*s));
	int e;

	if (s == NULL || !store_file_name(&s->file, state_dir)) {
		snprintf(error, error_size, "state-dir: no memory, or too long a name");
		free(s);
		return NULL;
	}
	s->events = events;
	s->arg = arg;
	s->file.busy = events != NULL ? events->busy : NULL;
	if (fresh)
		set_aside(s, "the policy process crashed twice while it used it");
	e = store_file_open(&s->file);
	if (store_file_broken(e)) {
		set_aside(s, mdb_strerror(e));
		e = store_file_open(&s->file);
	}
	if (e == 0) {
		store_tend(s);
		return s;
	}
	snprintf(error, error_size, "%s: %s", s->file.path, mdb_strerror(e));
	store_close(s);
	return NULL;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	store_file_close(&s->file);
	free(s);
}

void
store_tend(struct store *s)
{
	store_file_tend(&s->file);
}

const char *
store_problem(const struct store *s)
{
	return s->problem;
}

bool
store_degraded(const struct store *s)
{
	return access(s->file.marker, F_OK) == 0;
}

bool
store_acknowledge(struct store *s)
{
	return unlink(s->file.marker) == 0 || errno == ENOENT;
}
