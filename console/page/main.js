// The page: events go to the board, and the lists follow it at most once per frame.

import { AlertList } from "./alerts.js";
import { agentOf, Board } from "./board.js";
import { CallList } from "./calls.js";
import * as clock from "./clock.js";
import { el, write } from "./dom.js";
import { Link } from "./link.js";
import { urgencyOf } from "./practice.js";

const QUIET_SECONDS = 60;
const SHED_SECONDS = 60;

const board = new Board();
const calls = new CallList(board);
const alerts = new AlertList(board, (callId) => calls.show(callId));
const byId = (id) => document.getElementById(id);
let waiting = false;
let stale = { since: 0, why: "Connecting." };
let dead = false;
let overload = ""; // of analysis: "some" of its workers, or "all"
let complete = false; // after the first whole board: later alerts are news

const OVERLOADED = {
  some: "Analysis is overloaded: agents' words are being left out of some calls.",
  all: "Analysis is overloaded: agents' words are being left out, and new calls are refused.",
};

function receive(kind, data) {
  if (data.overload !== undefined && data.overload !== overload) {
    overload = data.overload;
    notice();
  }
  switch (kind) {
    case "snapshot": {
      const known = new Set(board.alerts.keys());
      board.replace(data);
      render();
      if (complete) for (const alert of board.alerts.values()) if (!known.has(alert.alert_id)) alerts.announce(alert);
      complete = true;
      break;
    }
    case "alert":
      if (board.alert(data)) {
        render();
        alerts.announce(data);
      }
      break;
    case "transcript":
      if (board.words(data)) later();
      break;
    case "call_state": {
      const known = board.calls.get(data.call_id);
      const isNews = known && urgencyOf(data) && !urgencyOf(known.state);
      board.state(data);
      later();
      if (isNews) say(`Urgent: ${agentOf(data.legs) || "unnamed agent"}. ${urgencyOf(data)}`);
      break;
    }
    case "gone":
      for (const callId of data.call_ids) board.calls.delete(callId);
      later();
      break;
    case "loads":
      board.loads(data);
      later();
      break;
    case "shown": {
      const shown = new Set(data.call_ids);
      for (const callId of board.calls.keys()) if (!shown.has(callId)) board.calls.delete(callId);
      later();
      break;
    }
  }
}

/** Tell screen readers, once they have finished what they say. */
function say(line) {
  const place = byId("noted");
  place.append(el("p", "", {}, line));
  while (place.childElementCount > 5) place.firstElementChild.remove();
}

function later() {
  if (waiting) return;
  waiting = true;
  // A hidden tab gets no animation frames, but its title must still count.
  if (document.hidden) setTimeout(render, 200);
  else requestAnimationFrame(render);
}

function render() {
  waiting = false;
  calls.render();
  alerts.render();
  const counts = { live: 0, worsened: 0, arrived_upset: 0, recovered: 0 };
  for (const { state } of board.calls.values()) {
    if (state.phase !== "active") continue;
    counts.live += 1;
    if (state.mood in counts) counts[state.mood] += 1;
  }
  for (const [name, count] of Object.entries(counts)) {
    write(byId(`count-${name}`), String(count));
    byId(`count-${name}`).parentElement.classList.toggle("none", count === 0);
  }
  title(counts.worsened);
}

function title(worsened = Number(byId("count-worsened").textContent) || 0) {
  const text = stale ? "Stale – Callvane" : worsened ? `(${worsened}) Callvane` : "Callvane";
  if (document.title !== text) document.title = text;
}

function judge(since, why) {
  if (dead) return;
  stale = since === null ? null : { since, why };
  clock.freeze(stale?.since || null);
  document.body.classList.toggle("stale", stale !== null);
  tick();
}

function tick() {
  const banner = byId("banner");
  banner.hidden = stale === null;
  if (stale) {
    const seconds = Math.round(clock.now() - stale.since);
    const since = stale.since ? ` Stale since ${clock.clockTime(stale.since)}` : "";
    write(banner.firstElementChild, `${stale.why}${since}${since ? "." : ""} Nothing below is live; trying again.`);
    write(byId("link-text"), stale.since ? `Stale for ${clock.length(seconds)}` : "Connecting");
  } else {
    write(byId("link-text"), `Live ${clock.clockTime(clock.now())}`);
  }
  notice();
  title();
  calls.tick();
  alerts.tick();
}

function notice() {
  const live = Number(byId("count-live").textContent) || 0;
  const quiet = clock.shown() - board.heardAt;
  let text = "";
  if (overload in OVERLOADED) text = OVERLOADED[overload];
  else if (clock.shown() - board.shedAt < SHED_SECONDS) text = "Overloaded: some words are not transcribed.";
  else if (live && quiet > QUIET_SECONDS) text = `Nothing from any call for ${clock.length(quiet)}: is analysis running?`;
  byId("notice").hidden = !text || stale !== null;
  write(byId("notice"), text);
}

function broken() {
  dead = true;
  document.body.classList.add("stale");
  byId("banner").hidden = false;
  write(byId("banner").firstElementChild, "This page failed and no longer follows the calls. Reload it.");
  write(byId("link-text"), "Failed");
  clearInterval(ticking);
}

const find = byId("find");
find.addEventListener("input", () => {
  calls.find(find.value);
  later();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== find) {
    event.preventDefault();
    find.focus();
  }
  if (event.key === "Escape" && document.activeElement === find) {
    find.value = "";
    find.dispatchEvent(new Event("input"));
    find.blur();
  }
});
const ticking = setInterval(tick, 1000);
window.addEventListener("error", broken);
window.addEventListener("unhandledrejection", broken);
new Link(receive, judge);
