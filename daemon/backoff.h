/* backoff.h - how long to wait before what died is started again
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DAEMON_BACKOFF_H
#define DAEMON_BACKOFF_H

struct backoff_limits {
	double first_s, most_s;
	double reset_s;		/* who lived that long has not failed at its start */
};

struct backoff {
	double last_s;		/* 0: none yet */
};

/* backoff_next: seconds to wait after a life of lived_s seconds: doubled each time. */
double backoff_next(struct backoff *b, const struct backoff_limits *limits, double lived_s);

#endif
