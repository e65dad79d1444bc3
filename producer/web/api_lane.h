/*
 * What waits, by hook, and in the lane of one. Each fills in the call's answer; failures are
 * reported to the session.
 */
#ifndef WEB_API_LANE_H
#define WEB_API_LANE_H

#include "web/call.h"

void api_lanes(struct call *call, struct session *session); /* of the room, or of all */
void api_lane_deliveries(struct call *call, struct session *session);

#endif
