// What is known of a caller's earlier contacts: a list on the call's card, empty if there is nothing to say.

import * as clock from "./clock.js";
import { clip, el } from "./dom.js";

const REPEAT = 3; // as in analysis/call/contact.py
const TEXT_MOST = 200;

/** "3rd contact", for an alert or a card; empty for 0. */
export function nth(number) {
  if (!number) return "";
  const teens = number % 100 > 10 && number % 100 < 14;
  return `${number}${(!teens && { 1: "st", 2: "nd", 3: "rd" }[number % 10]) || "th"} contact`;
}

/** List items of a call_state's `contact`; a bounded number. */
export function contacts(state) {
  const { contact } = state;
  if (!contact) return [];
  const { number, earlier, days, last_at: last, said, crm } = contact;
  const items = [];
  if (earlier) {
    const when = last === null ? "" : `, the last one ${clock.ago(last)}`;
    const text = `${nth(earlier + 1)} in ${days === 1 ? "a day" : `${Math.round(10 * days) / 10} days`}${when}`;
    items.push(item(earlier + 1 >= REPEAT ? "repeat" : "", "↻", text, "Counted by Callvane, by the caller's hash"));
  }
  if (said) items.push(item("repeat", "↻", `Says so: “${clip(said, TEXT_MOST)}”`, `${nth(number)} by the caller's words`));
  if (crm?.address) items.push(item("", "☺", `Address as ${clip(crm.address, TEXT_MOST)}`, "From your CRM"));
  if (crm?.notes) items.push(item("", "✎", clip(crm.notes, TEXT_MOST), "From your CRM"));
  if (crm?.earlier) items.push(item("", "#", `${crm.earlier} earlier in the CRM`, "Contacts as your CRM counts them"));
  return items;
}

function item(names, shape, text, hint) {
  return el("li", names, { title: hint }, el("span", "", { "aria-hidden": "true" }, shape), el("span", "", {}, text));
}
