// An agent's load as one quiet line; empty if nothing is known of it.

import * as clock from "./clock.js";

const SUGGESTIONS = { debrief: "a debrief might help", pause: "a pause might help", lighter_work: "a debrief and lighter work might help" };
const TELLING = 2; // a single hard call is nothing to tell

/** Such as "3 hard calls in a row · 2:10:04 without a pause · a debrief might help". */
export function loadLine(load) {
  if (!load) return "";
  const hard = load.hard_calls >= TELLING ? `${load.hard_calls} hard calls in a row` : "";
  return [hard, `${clock.length(clock.now() - load.since)} without a pause`, SUGGESTIONS[load.suggestion]].filter(Boolean).join(" · ");
}
