// A technique over some days: how often it was used, and what followed, with intervals.

import { ask, cutOf, giveUp } from "./ask.js";
import { el, write } from "./dom.js";

const FOLLOWED = [["better", "Landed better"], ["same", "No change"], ["worse", "Landed worse"]];
const byId = (id) => document.getElementById(id);

async function count() {
  const days = byId("days");
  if (!days.checkValidity() || !days.value) {
    giveUp();
    write(byId("state"), "Days are a number from 1 to 30.");
    return;
  }
  const query = new URLSearchParams({ technique: byId("technique").value, queue: byId("queue").value, days: days.value });
  history.replaceState(null, "", `?${query}`);
  const content = await ask(`/api/technique?${query}`);
  if (!content) return;
  queues(content);
  const { use } = content;
  write(byId("state"), `${plural(use.calls, "call")}, ${plural(use.calls_with_distress, "of them", "of them")} with distress.${cutOf(content)}`);
  byId("use").replaceChildren(
    el("section", "part", {}, el("h3", "", {}, "Used"), el("p", "large", {}, told(use.used)), bar(use.used),
      el("p", "none", {}, "Of the moments of distress, within two answers.")),
    el("section", "part", {}, el("h3", "", {}, "What followed"), table(use)),
  );
}

function queues({ queues: names, queue }) {
  const select = byId("queue");
  const all = [...new Set([...names, queue].filter(Boolean))];
  select.replaceChildren(el("option", "", { value: "" }, "all"), ...all.map((name) => el("option", "", { value: name }, name)));
  select.value = queue;
}

function table({ with_it: given, without_it: without }) {
  const head = el("tr", "", {}, el("td", "", {}), el("th", "", { scope: "col" }, "With it"), el("th", "", { scope: "col" }, "Without it"));
  const rows = FOLLOWED.map(([key, name]) => el("tr", "", {}, el("th", "", { scope: "row" }, name), el("td", "", {}, told(given[key])), el("td", "", {}, told(without[key]))));
  rows.push(el("tr", "", {}, el("th", "", { scope: "row" }, "Not seen"), el("td", "", {}, String(given.not_seen)), el("td", "", {}, String(without.not_seen))));
  return el("table", "followed", {}, el("caption", "", {}, "The customer's next turns after the answer, where there were any"), el("thead", "", {}, head), el("tbody", "", {}, ...rows));
}

function told({ count: number, of, share, low, high }) {
  if (share === null) return `${number} of ${of}: too few to say`;
  return `${number} of ${of}: ${percent(share)} (${percent(low)} to ${percent(high)})`;
}

function bar({ share, low, high }) {
  if (share === null) return "";
  const range = el("span", "range");
  range.style.setProperty("left", `${100 * low}%`);
  range.style.setProperty("width", `${100 * (high - low)}%`);
  const at = el("span", "at");
  at.style.setProperty("left", `${100 * share}%`);
  return el("div", "interval", { "aria-hidden": "true" }, range, at);
}

function percent(value) {
  return `${Math.round(100 * value)} %`;
}

function plural(number, one, many = `${one}s`) {
  return `${number} ${number === 1 ? one : many}`;
}

const asked = new URLSearchParams(location.search);
if (asked.has("technique")) byId("technique").value = asked.get("technique");
if (!byId("technique").value) byId("technique").selectedIndex = 0;
if (asked.has("days")) byId("days").value = asked.get("days");
if (asked.get("queue")) queues({ queues: [], queue: asked.get("queue").slice(0, 64) });
for (const id of ["technique", "queue", "days"]) byId(id).addEventListener("change", count);
count();
