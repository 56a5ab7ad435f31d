/* store.h - cached policies, STARTTLS memory, whose addresses, proven sessions: on disk (LMDB)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One owner process. What a call has taken with true is on disk: it survives SIGKILL and loss of
 * power. Values carry a version; one that cannot be read is skipped and said, never guessed. */
#ifndef POLICY_STORE_H
#define POLICY_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/store_value.h"

struct store;

struct store_events {
	/* One printable line for an administrator. */
	void (*trouble)(void *arg, const char *detail);
	/* 1 while pages are read or written, 0 else: who dies meanwhile may have died of them. No
	 * callback is called meanwhile. May be NULL. */
	_Atomic uint32_t *busy;
};

/* store_open: opens or makes STATE_DIR/store.mdb. A file that cannot be a store, or any with
 * `fresh`, is set aside as store.mdb.broken.N and the store is degraded from then on. NULL with the
 * reason in error. events may be NULL. */
struct store *store_open(const char *state_dir, bool fresh, const struct store_events *events,
    void *arg, char *error, size_t error_size);
void store_close(struct store *s);	/* NULL is allowed */

/* False: not written; store_problem says why. */
bool store_put_policy(struct store *s, const char *domain, const struct store_policy *p);
bool store_delete_policy(struct store *s, const char *domain);
/* In what follows `found` and `each` get copies; they must not call the store.
 * store_get_policy: false when there is none that can be read. */
bool store_get_policy(struct store *s, const char *domain,
    void (*found)(void *arg, const struct store_policy *p), void *arg);
void store_each_policy(struct store *s,
    void (*each)(void *arg, const char *domain, const struct store_policy *p), void *arg);
/* store_first_policies: so many, in the order of their octets; true when there are more. */
bool store_first_policies(struct store *s, size_t most,
    void (*each)(void *arg, const char *domain, const struct store_policy *p), void *arg);

/* Memory: when a host was last seen with STARTTLS, and under which name ("", or one that
 * store_host_fits); last 0 deletes. All in one commit. */
struct store_seen {
	const void *key;
	size_t key_len;
	int64_t last;
	const char *host;
};
bool store_put_seen(struct store *s, const struct store_seen *seen, size_t len);
void store_each_seen(struct store *s, void (*each)(void *arg, const struct store_seen *seen),
    void *arg);

/* Which domains use an address, and when that was seen last; 0 deletes. domain: as for
 * store_encode_user. All in one commit, in their order. */
struct store_user {
	struct in6_addr ip;
	const char *domain;
	int64_t last;
};
bool store_put_users(struct store *s, const struct store_user *users, size_t len);
/* Those of an address come one after another, its "" first. */
void store_each_user(struct store *s, void (*each)(void *arg, const struct store_user *user),
    void *arg);

/* TLS sessions; end 0 deletes. All in one commit, in their order. */
bool store_put_sessions(struct store *s, const struct store_session *sessions, size_t len);
/* store_get_session: false when there is none that can be read. */
bool store_get_session(struct store *s, const uint8_t name[STORE_SESSION_NAME],
    void (*found)(void *arg, const struct store_session *session), void *arg);
/* store_each_session: so many, in the order of their names, from this one on (it need not be there;
 * NULL: the first); true when there are more. One that cannot be read comes with end 0. */
bool store_each_session(struct store *s, const uint8_t *from, size_t most,
    void (*each)(void *arg, const struct store_session *session), void *arg);
/* store_sessions_size: how many, and the octets of the pages they take; 0 where it is unknown. */
size_t store_sessions_size(struct store *s, size_t *octets);

void store_tend(struct store *s);	/* once a minute: clears what dead readers left */
/* store_problem: "" while writes succeed and no read has met a broken page. */
const char *store_problem(const struct store *s);
bool store_degraded(const struct store *s);	/* until store_acknowledge */
bool store_acknowledge(struct store *s);		/* false: it stays degraded */

#endif
