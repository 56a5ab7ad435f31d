/* sts_table.h - all domains in memory, over those in the store
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef POLICY_STS_TABLE_H
#define POLICY_STS_TABLE_H

#include "policy/sts.h"

struct sts_table;

struct sts_table *sts_table_new(const struct world *world, struct store *store,
    const struct sts_events *events, void *arg);	/* NULL when out of memory */
void sts_table_free(struct sts_table *t);

/* sts_table_find: from memory, else from the store, else a new entry that knows nothing. */
struct sts_entry *sts_table_find(struct sts_table *t, const char *domain);

/* sts_table_peek: from memory alone; NULL. */
const struct sts_entry *sts_table_peek(const struct sts_table *t, const char *domain);

/* sts_table_view: the entry as its askers see it. */
void sts_table_view(const struct sts_entry *e, int64_t now, uint64_t ticks, struct sts_view *out);

#endif
