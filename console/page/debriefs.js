// The list of debriefs, by queue and time.

import { ask, cutOf } from "./ask.js";
import * as clock from "./clock.js";
import { clip, el, write } from "./dom.js";
import { QUOTE_MOST } from "./evidence.js";
import { feelingOf } from "./words.js";

const LISTED_MOST = 500;
const byId = (id) => document.getElementById(id);
const list = byId("list");
const earlier = byId("earlier");
let before = "";

async function read(from) {
  const query = new URLSearchParams({ queue: byId("queue").value.trim(), before: from });
  const content = await ask(`/api/debriefs?${query}`);
  if (!content) return;
  const items = content.debriefs.map(item);
  list.append(...items);
  if (from && items.length && earlier === document.activeElement) items[0].firstElementChild.focus();
  before = content.earlier ?? "";
  earlier.hidden = !before || list.childElementCount >= LISTED_MOST;
  const count = list.childElementCount;
  write(byId("state"), `${count === 1 ? "1 debrief" : `${count} debriefs`}.${cutOf(content)}`);
}

function item(debrief) {
  const { opened_at: opened, closed_at: closed, turning_points: turns, about } = debrief;
  const link = el("a", "", { href: `/calls/${encodeURIComponent(debrief.call_id)}/debrief` }, clock.fullTime(closed));
  const told = [debrief.queue && `queue ${clip(debrief.queue, 64)}`, `${clock.length(closed - opened)} long`, feelingOf(debrief),
    turns.includes("worsened") && "worsened", turns.includes("recovered") && "recovered"].filter(Boolean);
  return el("li", "", {}, link, " ", el("span", "told", {}, told.join(" · ")),
    el("p", "says", {}, about?.quote ? `“${clip(about.quote, QUOTE_MOST)}”` : "No words kept"), el("p", "id", {}, clip(debrief.call_id, 60)));
}

function anew() {
  list.replaceChildren();
  earlier.hidden = true;
  write(byId("state"), "Reading them.");
  const day = byId("day").valueAsDate;
  const end = day ? new Date(day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate() + 1).getTime() : "";
  read(String(end));
}

byId("queue").addEventListener("change", anew);
byId("day").addEventListener("change", anew);
earlier.addEventListener("click", () => read(before));
anew();
