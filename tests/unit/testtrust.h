/* testtrust.h - a CA, those who only look like it, and originators that trust it
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_TESTTRUST_H
#define TESTS_TESTTRUST_H

#include "tests/unit/testca.h"
#include "tests/unit/tlspair.h"

struct testtrust {
	struct testca_cert root, middle;
	struct testca_cert stranger;			/* a root that nobody trusts */
	struct testca_cert old_middle, forger;		/* expired; of its name with another key */
	struct originator *trusting, *trusting_old;	/* from TLS 1.2 on; from 1.0 on */
};

static inline void
testtrust_make(struct testtrust *t)
{
	t->root = testca_root("Test Root");
	t->stranger = testca_root("Strange Root");
	t->middle = testca_issue(&(struct testca_spec){ .issuer = &t->root, .cn = "Middle",
	    .ca = true });
	t->old_middle = testca_issue(&(struct testca_spec){ .issuer = &t->root,
	    .cn = "Old Middle", .ca = true, .from_days = -100, .until_days = -10 });
	t->forger = testca_issue(&(struct testca_spec){ .cn = "Old Middle", .ca = true });
	t->trusting = tlspair_originator(&t->root, TLS1_2_VERSION);
	t->trusting_old = tlspair_originator(&t->root, TLS1_VERSION);
}

static inline void
testtrust_free(struct testtrust *t)
{
	testca_free(&t->root);
	testca_free(&t->stranger);
	testca_free(&t->middle);
	testca_free(&t->old_middle);
	testca_free(&t->forger);
	originator_free(t->trusting);
	originator_free(t->trusting_old);
}

#endif
