// An agent's own view of their call: the customer's shift and the intake in one line, and no words to say.

import * as clock from "./clock.js";
import { clip, write } from "./dom.js";
import { loadLine } from "./load.js";
import { intakeWords } from "./words.js";

const AGAIN_MS = 5000;
const BEATS = 3; // heartbeats that may be missed
const SHIFTS = {
  worsened: "▼ Customer worsened",
  arrived_upset: "◆ Customer arrived upset",
  recovered: "▲ Customer recovered",
};
const WORDS_MOST = 160;

const byId = (id) => document.getElementById(id);
const expires = Number(new URLSearchParams(location.search).get("expires"));
let source = null;
let heardAt = 0;
let silentMs = 6000; // until the console reports its heartbeat interval
let call = null;
let over = "";

function open() {
  source?.close();
  heardAt = performance.now();
  source = new EventSource(`/agent-events/${location.pathname.slice("/agent/".length)}${location.search}`);
  source.addEventListener("call", take);
}

function take(event) {
  const data = JSON.parse(event.data);
  heardAt = performance.now();
  silentMs = BEATS * 1000 * data.heartbeat_seconds + 500;
  clock.sync(data.now);
  if (data.over) {
    over = clock.now() >= expires ? "This link has expired." : "This call is over.";
    source.close();
  }
  call = data.call;
  live(data.stale_since === null);
  show();
}

function live(isLive) {
  document.body.classList.toggle("stale", !isLive && !over);
}

function show() {
  const nudge = byId("nudge");
  const mood = call?.is_judged && call.mood in SHIFTS ? call.mood : "";
  nudge.className = `nudge ${mood}`;
  write(nudge, line(mood));
  const words = call?.intake?.urgency ?? call?.intake?.about ?? "";
  write(byId("says"), words ? `“${clip(words, WORDS_MOST)}”` : "");
  tick();
}

function line(mood) {
  if (over) return over;
  if (!call) return "Waiting for the call.";
  if (!call.is_judged) return "This call is not judged.";
  const { intake } = call;
  const told = [SHIFTS[mood], intake?.urgency && "! Urgent", intake && intakeWords(intake)].filter(Boolean);
  return told.join(" · ") || "Nothing to tell so far";
}

function tick() {
  const silent = performance.now() - heardAt > silentMs;
  const stale = !over && (silent || document.body.classList.contains("stale"));
  if (silent) live(false);
  const told = [];
  write(byId("load"), over ? "" : loadLine(call?.load));
  if (call && !over) {
    if (call.closed_at !== null) told.push(`ended ${clock.ago(call.closed_at)}`);
    else told.push(`${clock.length(clock.now() - call.opened_at)} into the call`);
    if (call.shift) told.push(`shift ${clock.ago(call.shift.raised_at)}`);
  }
  write(byId("when"), [stale ? "Not live; trying again" : "", ...told].filter(Boolean).join(" · "));
}

setInterval(() => {
  if (!over && clock.now() >= expires) {
    over = "This link has expired.";
    source.close();
    call = null;
    show();
  }
  tick();
}, 1000);
setInterval(() => {
  const silent = performance.now() - heardAt > Math.max(silentMs, AGAIN_MS);
  if (!over && (source.readyState === EventSource.CLOSED || silent)) open();
}, AGAIN_MS);
open();
