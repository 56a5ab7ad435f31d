/* engine_parts.h - the engine from inside: for engine.c and engine_*.c alone
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef POLICY_ENGINE_PARTS_H
#define POLICY_ENGINE_PARTS_H

#include "policy/engine.h"
#include "policy/hints.h"
#include "policy/lapse.h"
#include "policy/lookup.h"
#include "policy/memory.h"
#include "policy/relay.h"
#include "policy/store.h"

struct engine_pending;
struct engine_inquiry;
struct engine_ahead;

struct engine {
	const struct config *config;
	const struct engine_events *events;
	void *arg;
	const struct world *world;
	struct world *own_world;	/* made by engine_new; NULL in tests */
	enum config_mode mode;
	struct store_events store_events;
	struct store *store;
	struct sts *sts;
	struct mx *mx;
	struct memory *memory;
	struct relay *relay;
	struct hints *hints;
	struct lapse *lapse;
	struct lookup_sources sources, mx_alone;
	struct engine_pending *pending;		/* engine_ask.c */
	struct engine_inquiry *inquiries;	/* engine_report.c */
	struct {
		struct engine_ahead *first;
		unsigned len;
		uint64_t full_at;		/* ticks: see engine_hint.c */
	} ahead;
};

/* engine_new_in: the engine in a given world, which outlives it. */
struct engine *engine_new_in(const struct world *world, const struct config *config, bool fresh,
    const struct engine_events *events, void *arg, char *error, size_t error_size);

void engine_ask_relays(void *engine);	/* the relays are known: what waited for them goes on */
void engine_ask_stop(struct engine *e);
void engine_report_stop(struct engine *e);
void engine_hint_stop(struct engine *e);

void engine_stale(void *engine);	/* any answer given before may be wrong now */

/* engine_notice: one line on record; detail is made printable. */
void engine_notice(struct engine *e, const char *event_type, const char *action,
    const char *domain, const char *detail, bool alarm);

#endif
