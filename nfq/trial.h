/* trial.h - an empty network namespace, where rules are tried before they count
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NFQ_TRIAL_H
#define NFQ_TRIAL_H

#include <stddef.h>

/* trial_open: a descriptor of a new one, with its loopback up; it lasts until that is closed. -1
 * with the reason where this process may not make one (it needs CAP_SYS_ADMIN). */
int trial_open(char *error, size_t error_size);

#endif
