/* show_dane.h - DANE in words, for the other show files
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * JSON as the engine or the log gave it, hostile text and wrong types included. */
#ifndef CTL_SHOW_DANE_H
#define CTL_SHOW_DANE_H

#include <jansson.h>
#include <stdio.h>

/* show_dane_resolver: one line on the canary's {"state","detail"}, without a label: whether DANE is
 * in force here, and if not, the next step. */
void show_dane_resolver(FILE *out, const json_t *dane);

/* show_dane_host: the lines below one MX host of a domain's report: whether it would be delivered
 * to and why not, the TLSA base domain, the records, and what DNS answered. */
void show_dane_host(FILE *out, const json_t *report, const json_t *mx);

/* show_dane_proof: of a decision, how the chain stood against the TLSA records. Nothing is printed
 * where it was held against none. */
void show_dane_proof(FILE *out, const json_t *decision);

#endif
