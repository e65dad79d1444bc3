/*
 * The colours of states. Pure.
 */
#ifndef CLI_HOOK_TONE_H
#define CLI_HOOK_TONE_H

#include "admin/hook/state.h"
#include "admin/lane/condition.h"
#include "cli/terminal/screen.h"

enum tone hook_condition_tone(enum hook_condition condition);
enum tone lane_condition_tone(enum lane_condition condition);

#endif
