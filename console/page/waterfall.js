// The terms of a score as bars. Each starts where the previous one ended, so they visibly sum to the score.

import { signed } from "./clock.js";
import { clip, el } from "./dom.js";

/** A table of `terms` (log-odds) and their sum. */
export function waterfall(terms, score) {
  let sum = 0;
  const bars = terms.map(({ name, value }) => ({ name, value, from: sum, to: (sum += value) }));
  bars.push({ name: "Score", value: score, from: 0, to: score, total: true });
  const ends = bars.flatMap(({ from, to }) => [from, to]);
  const low = Math.min(0, ...ends);
  const span = Math.max(0, ...ends) - low || 1;
  const share = (value) => (100 * value) / span;
  const rows = bars.map(({ name, value, from, to, total }) => {
    const bar = el("span", value < 0 ? "bar loss" : "bar gain");
    bar.style.setProperty("left", `${share(Math.min(from, to) - low)}%`);
    bar.style.setProperty("width", `${share(Math.abs(to - from))}%`);
    const zero = el("span", "zero");
    zero.style.setProperty("left", `${share(-low)}%`);
    const label = clip(name.replaceAll("_", " "), 64);
    return el("tr", total ? "total" : "", {}, el("th", "", { scope: "row", title: label }, label),
      el("td", "track", { "aria-hidden": "true" }, zero, bar), el("td", "value", {}, signed(value)));
  });
  return el("table", "terms", {}, el("caption", "hidden", {}, "Terms of the score, in log-odds; negative is unhappy"),
    el("tbody", "", {}, ...rows));
}
