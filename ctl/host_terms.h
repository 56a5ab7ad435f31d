/* host_terms.h - what an MX host must offer and prove for mail of a domain to go to it, in words
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CTL_HOST_TERMS_H
#define CTL_HOST_TERMS_H

#include <jansson.h>

/* host_terms: of an MX host that would be delivered to, by a domain's report (INTERFACE: posternctl
 * domain); static text to stand behind "deliver", such as ", if it offers TLS". */
const char *host_terms(const json_t *report, const json_t *mx);

#endif
