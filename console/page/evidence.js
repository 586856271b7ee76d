// Evidence as people read it: a quote, when it was said, how sure it is and by what rule.

import * as clock from "./clock.js";
import { clip, el } from "./dom.js";
import { findingOf, sideOf } from "./words.js";

export const QUOTE_MOST = 160;

/** A blockquote of an evidence; `where` adds a word before its time. */
export function quoted(evidence, where = "") {
  const words = evidence.quote ? `“${clip(evidence.quote, QUOTE_MOST)}”` : "By the times alone";
  const told = [where, clock.length(evidence.at_seconds), `${Math.round(100 * evidence.confidence)} % sure`, clip(evidence.rule, 64)];
  return el("blockquote", "evidence", {}, el("p", "", {}, words), el("cite", "", {}, told.filter(Boolean).join(" · ")));
}

/** A finding's name with its shape, and with "hint" if it is only one. */
export function finding(found) {
  const [shape, side] = sideOf(found);
  const name = el("span", `finding ${["strength", "gap"].includes(found.side) ? found.side : "note"}${found.hint ? " hint" : ""}`, {},
    el("span", "mark", { "aria-hidden": "true" }, shape), el("span", "hidden", {}, `${side}: `), findingOf(found));
  if (found.hint) name.append(" ", el("span", "tag", {}, "hint"));
  return name;
}
