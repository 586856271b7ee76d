// The list of alerts with their evidence. An alert never changes, so its card is built once. An interruption rings and
// stays on top until it is seen, first that of a caller who has had to call again; a mark takes its place in the list.

import { agentOf } from "./board.js";
import * as clock from "./clock.js";
import { nth } from "./contact.js";
import { arrange, clip, el, write } from "./dom.js";
import { ring } from "./ring.js";
import { waterfall } from "./waterfall.js";

const KINDS = { worsened: ["▼", "Worsened"], recovered: ["▲", "Recovered"] };
const QUOTE_MOST = 400;
const ROLES = { customer: "Customer", agent: "Agent", unknown: "Caller" };

export class AlertList {
  /** Calls `onShow(callId)` when the viewer wants to see an alert's call. */
  constructor(board, onShow) {
    this.board = board;
    this.onShow = onShow;
    this.list = document.getElementById("alert-list");
    this.spoken = document.getElementById("spoken");
    this.noted = document.getElementById("noted");
    this.cards = new Map(); // alert_id -> { node, when, alert, why, touched }
    this.unseen = new Set(); // interruptions that arrived while the page was open and are not yet marked as seen
  }

  /** Match the list to the board. The newest alert shows its reasons; one opened by the viewer stays open. */
  render() {
    const newest = this.board.newest();
    const superseded = new Set(newest.map((alert) => alert.supersedes));
    const alerts = newest.filter((alert) => !superseded.has(alert.alert_id));
    const urgency = (alert) => this.unseen.has(alert.alert_id) * (1 + repeats(alert));
    alerts.sort((a, b) => urgency(b) - urgency(a));
    for (const kept of [this.cards, this.unseen]) for (const id of kept.keys()) if (!this.board.alerts.has(id)) kept.delete(id);
    const cards = alerts.map((alert) => {
      let card = this.cards.get(alert.alert_id);
      if (!card) this.cards.set(alert.alert_id, (card = this.build(alert)));
      return card;
    });
    cards.forEach((card, at) => {
      if (!card.touched && !card.node.contains(document.activeElement)) card.why.open = at === 0;
    });
    arrange(this.list, cards.map((card) => card.node));
    write(document.getElementById("alerts-number"), alerts.length ? String(alerts.length) : "");
    document.getElementById("no-alerts").hidden = alerts.length > 0;
  }

  /** Announce a new alert to screen readers. */
  announce(alert) {
    const last = alert.after.at(-1);
    const line = `${(KINDS[alert.kind] ?? KINDS.worsened)[1]}: ${who(alert)}. ${repeats(alert) ? `${nth(alert.repeat_contact)}. ` : ""}${last ? clip(last.text, 160) : ""}`;
    const place = interrupts(alert) ? this.spoken : this.noted;
    place.append(el("p", "", {}, line));
    while (place.childElementCount > 5) place.firstElementChild.remove();
    const card = this.cards.get(alert.alert_id);
    card?.node.classList.add("new");
    if (!card || !interrupts(alert)) return;
    this.unseen.add(alert.alert_id);
    card.node.classList.add("unseen");
    card.seen.hidden = false;
    ring();
    this.render();
  }

  /** Update the running times. */
  tick() {
    for (const { when, alert } of this.cards.values()) write(when, clock.ago(alert.raised_at));
  }

  build(alert) {
    const kind = alert.kind in KINDS ? alert.kind : "worsened";
    const [shape, name] = KINDS[kind];
    const when = el("span", "ago", {}, clock.ago(alert.raised_at));
    const moment = el("time", "", { datetime: new Date(alert.raised_at * 1000).toISOString() }, clock.clockTime(alert.raised_at));
    moment.title = clock.fullTime(alert.raised_at);
    const show = el("button", "show", { type: "button" }, "Show call");
    const why = reasons(alert);
    const title = el("h3", "", {}, el("span", "kind", {}, el("span", "", { "aria-hidden": "true" }, shape), ` ${name}`), " ", el("span", "who", {}, who(alert)));
    if (interrupts(alert)) title.append(" ", el("span", "tier", {}, "Look now"));
    if (repeats(alert)) title.append(" ", el("span", "repeat", { title: "The caller has had to call again" }, nth(alert.repeat_contact)));
    const seen = el("button", "seen", { type: "button", hidden: "" }, "Seen");
    const place = el("p", "place", {}, when, " · ", moment, ` · ${clock.length(alert.at_seconds)} into the call`);
    const call = el("p", "id", { title: clip(alert.call_id, 128) }, clip(alert.call_id, 40));
    const node = el("li", `alert ${kind} ${interrupts(alert) ? "interruption" : "mark"}`, {}, el("article", "", {}, el("header", "", {}, title, place),
      el("div", "quotes", {}, quotes("Before", alert.before), quotes("After", alert.after)), why,
      el("footer", "", {}, call, seen, show)));
    const card = { node, when, alert, why, seen, touched: false };
    seen.addEventListener("click", () => {
      this.unseen.delete(alert.alert_id);
      node.classList.remove("unseen");
      seen.hidden = true;
      this.render();
    });
    why.firstElementChild.addEventListener("click", () => (card.touched = true));
    show.addEventListener("click", () => {
      const shown = this.onShow(alert.call_id);
      write(show, shown ? "Show call" : "No longer on the page");
    });
    return card;
  }
}

function interrupts(alert) {
  return alert.tier === "interruption";
}

/** Whether the caller has had to call again; an alert that an older worker wrote does not say. */
function repeats(alert) {
  return (alert.repeat_contact ?? 0) > 0;
}

function who(alert) {
  const agent = agentOf(alert.legs);
  return agent ? `${clip(agent, 60)}’s call` : "call of an unnamed agent";
}

function quotes(title, list) {
  const items = list.map((quote) => {
    const score = quote.score === null ? "" : ` · ${clock.signed(quote.score)}`;
    const party = quote.role === "customer" ? "" : `${ROLES[quote.role] ?? ROLES.unknown} · `;
    return el("blockquote", quote.role, {}, el("p", "", {}, clip(quote.text, QUOTE_MOST)),
      el("cite", "", {}, `${party}${clock.length(quote.start_seconds)}${score}`));
  });
  return el("figure", title.toLowerCase(), {}, el("figcaption", "", {}, title), ...items);
}

function reasons(alert) {
  const summary = el("summary", "", {}, "Why ", el("span", "brief", {},
    `score ${clock.signed(alert.score)}, ${percent(alert.confidence)} sure`));
  const figures = [
    ["Level", clock.signed(alert.level), "The customer's smoothed score after this turn"],
    ["Baseline", clock.signed(alert.baseline), "How this caller opened the call"],
    ["Threshold", alert.threshold.toFixed(2), "How far the level had to move"],
    ["Confidence", percent(alert.confidence), ""],
    ["Latency", `${Math.max(0, alert.raised_at - alert.spoken_at).toFixed(1)} s`, "From the end of the words to this alert"],
  ];
  const stats = el("dl", "stats", {}, ...figures.map(([name, value, hint]) =>
    el("div", "", hint ? { title: hint } : {}, el("dt", "", {}, name), el("dd", "", {}, value))));
  return el("details", "why", {}, summary, waterfall(alert.terms, alert.score), stats);
}

function percent(share) {
  return `${Math.round(share * 100)} %`;
}
