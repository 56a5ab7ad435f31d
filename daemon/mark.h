/* mark.h - the packet mark of postern's own dials, which the workers set and the rules let pass
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The other marks, and what they mean to the rules: nfq/mark.h. */
#ifndef DAEMON_MARK_H
#define DAEMON_MARK_H

#define MARK_OWN 0x25000000u

#endif
