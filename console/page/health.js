// Audio faults of a call, in plain words: a list on its card, empty if there are none.

import * as clock from "./clock.js";
import { clip, el } from "./dom.js";

const MARKS_MOST = 4;
const GAPS_MOST = 3;
const OTHER = { customer: "the agent", agent: "the customer" };

const CODECS = { 3: "GSM", 4: "G.723.1", 10: "L16", 11: "L16", 15: "G.728", 18: "G.729" }; // RFC 3551, section 6

const TEXTS = {
  one_way: (c) => `${leg(c)} has been silent while ${OTHER[c.role] ?? "the other side"} talked for ${Math.round(c.value)} s`,
  near_silent: (c) => `${leg(c)} is nearly silent (${level(c.value)})`,
  clipped: (c) => `${leg(c)} is overdriven: ${percent(c.value)} of it is clipped`,
  loss: (c) => `${leg(c)} loses ${percent(c.value)} of its packets`,
  jitter: (c) => `${leg(c)} arrives unevenly: jitter ${Math.round(1000 * c.value)} ms`,
  undecodable: (c) => `${leg(c)}: its audio cannot be decoded (${CODECS[c.value] ?? `payload type ${Math.round(c.value)}`})`,
  late: (c) => `${leg(c)}: ${percent(c.value)} of it arrives too late to be heard`,
  paused: (c) => (c.leg_id ? `${leg(c)} is not sent: on hold or gone` : "Recording paused"),
  parties_swapped: (c) => `The parties may be swapped: ${Math.round(c.value)} phrases fit the other side`,
};
const SHAPES = { paused: "‖", parties_swapped: "⇄" };

/** List items of a call_state's `health` and `gaps`; a bounded number. */
export function marks(state) {
  const { health = [], gaps = [] } = state;
  const items = health.slice(0, MARKS_MOST).map(mark);
  if (health.length > MARKS_MOST) items.push(el("li", "more", {}, `and ${health.length - MARKS_MOST} more`));
  if (gaps.length) items.push(paused(gaps));
  return items;
}

function mark(condition) {
  const text = TEXTS[condition.kind]?.(condition) ?? clip(condition.kind, 40);
  return item(condition.kind === "paused" ? "pause" : "fault", SHAPES[condition.kind] ?? "!", text, `Since ${clock.length(condition.since_seconds)} into the call`);
}

function paused(gaps) {
  const latest = gaps.slice(-GAPS_MOST).map((gap) => `${clock.length(gap.from_seconds)} to ${clock.length(gap.to_seconds)}`);
  const earlier = gaps.length > GAPS_MOST ? ` and ${gaps.length - GAPS_MOST} earlier` : "";
  return item("gap", "‖", `Not recorded: ${latest.join(", ")}${earlier}`, "The recording was paused; nothing was heard");
}

function item(names, shape, text, hint) {
  return el("li", names, { title: hint }, el("span", "", { "aria-hidden": "true" }, shape), el("span", "", {}, text));
}

function leg({ role, leg_id: id }) {
  return role in OTHER ? `The ${role}'s leg` : `Leg ${clip(id, 16)}`;
}

function percent(share) {
  return `${Math.round(100 * share)} %`;
}

function level(dbfs) {
  return `${Math.round(dbfs)} dB`.replace("-", "−");
}
