// Asks the console for JSON, and says on the page if there is none.

import * as clock from "./clock.js";
import { clip, write } from "./dom.js";

let latest = 0;

/** The answer, or null: it has been said why, or a later question has been asked since. */
export async function ask(path) {
  const mine = (latest += 1);
  const main = document.getElementById("main");
  main.setAttribute("aria-busy", "true");
  let content = null;
  let why = "";
  try {
    const answer = await fetch(path, { headers: { Accept: "application/json" } });
    if (answer.ok) content = await answer.json();
    else why = `${clip((await answer.text()).trim(), 200) || answer.status}`;
  } catch {
    why = "The console does not answer. Reload the page.";
  }
  if (mine !== latest) return null;
  main.setAttribute("aria-busy", "false");
  const problem = document.getElementById("problem");
  problem.hidden = !why;
  write(problem, why);
  if (content) clock.sync(content.now);
  return content;
}

/** Asks no more: an answer that is still to come is not wanted. */
export function giveUp() {
  latest += 1;
  document.getElementById("main").setAttribute("aria-busy", "false");
}

/** That an answer did not look at everything; empty if it did. */
export function cutOf(content) {
  return content.is_cut ? ` Only the latest ${content.looked} debriefs were looked at (console.debriefs_read).` : "";
}
