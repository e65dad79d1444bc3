/*
 * What the process does for its own safety before it meets strangers: it can gain no rights, leaves
 * no memory behind when it crashes, and shows no secret in its command line or environment.
 */
#ifndef PROCESS_PROCESS_H
#define PROCESS_PROCESS_H

#include <stdbool.h>

#include "contract/bytes.h"
#include "settings/settings.h"

/* Once the settings are read: what ps(1) and /proc show of URLs with a password is blanked, and the
 * environment is wiped and empty. Nothing is left in it on purpose: no library of ours needs a
 * variable, and a dozen of them would turn proxies, certificates or name look-ups around. */
void process_hide(int argc, char **argv, char **environment);

/* No new privileges by any exec; and unless core_dumps are wanted, none is written and no other
 * process of the same user may look into this one. 0, or -1 with *why. */
int process_harden(bool core_dumps, struct error_text *why);

/* Is SIGHUP the end of its terminal, which ends the process too, and no wish to reload settings? */
bool process_hangup_stops(void);

/* Reads the settings file again and logs what comes of it. 0: those that reload are in force in the
 * log, and in settings. -1: nothing changed. */
int process_reload(struct settings *settings);

#endif
