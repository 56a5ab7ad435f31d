/* users_parts.h - the table of users from inside: for users.c and users_disk.c alone
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef POLICY_USERS_PARTS_H
#define POLICY_USERS_PARTS_H

#include "policy/cache.h"
#include "policy/unwritten.h"
#include "policy/users.h"

#define USERS_DAY_S 86400

/* A domain at an address, or its others: then "". */
struct user {
	struct unwritten unwritten;	/* first */
	struct user *next;		/* of the same address */
	int64_t last, saved;		/* seconds since the epoch; saved 0: not on disk */
	struct in6_addr ip;
	bool gone;			/* of no address any more: to be deleted on disk */
	char domain[];
};

struct place {
	struct cache_entry node;
	struct in6_addr ip;
	struct user *first, *others;
	size_t length;			/* from first on */
	uint64_t asked;			/* ticks; 0: not within ASKED_MS */
};

struct users {
	const struct world *world;
	struct store *store;
	struct cache places;
	size_t length, gone, most;
	struct user *lost;	/* when an address gave way last; of no address; NULL: never */
	struct unwritten_queue unwritten;
	struct world_timer tend;
};

/* users_settle: the domain at the address; new where need be. What has no room is one of the
 * others. NULL: nor has the address. */
struct user *users_settle(struct users *u, const struct in6_addr *ip, const char *domain);
struct user *users_make(const struct in6_addr *ip, const char *domain);	/* of no address yet */

/* users_disk.c: how the store follows. users_disk_begin loads what is there. */
void users_disk_begin(struct users *u);
void users_disk_end(struct users *u);
/* users_erase: frees what was taken out of its address, after the store has forgotten it. */
void users_erase(struct users *u, struct user *d);

#endif
