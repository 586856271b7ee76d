// The list of calls: one card each, kept and updated in place.

import { agentOf } from "./board.js";
import * as clock from "./clock.js";
import { contacts } from "./contact.js";
import { arrange, clip, el, write } from "./dom.js";
import { marks } from "./health.js";
import { languageOf } from "./language.js";
import { loadLine } from "./load.js";
import { PracticeBlock } from "./practice.js";
import { sparkline } from "./sparkline.js";

export const MOODS = {
  worsened: ["▼", "Worsened"],
  arrived_upset: ["◆", "Arrived upset"],
  recovered: ["▲", "Recovered"],
  calm: ["●", "Calm"],
};
const UNJUDGED = ["○", "Not judged"];
const ROLES = { customer: "Customer", agent: "Agent", unknown: "Caller" };
const MISSING = { overload: "not transcribed: overload", error: "not transcribed: error" };
const CHANNELS = new Map([["chat", "Chat"], ["email", "E-mail"]]); // a call needs no word
const WORDS_MOST = 240;
const LINES_MOST = 4;
const CARDS_MOST = 16; // with more calls than this, steady ones take less room
const ROWS_MOST = 80; // and with more than this, they show only the customer's words

export class CallList {
  constructor(board) {
    this.board = board;
    this.cards = new Map(); // call_id -> Card
    this.wanted = "";
    this.attention = document.getElementById("attention");
    this.steady = document.getElementById("steady");
  }

  /** Show only calls that contain `text`. */
  find(text) {
    this.wanted = text.trim().toLowerCase();
  }

  /** Match the list to the board. */
  render() {
    const calls = this.board.sorted();
    for (const callId of this.cards.keys()) if (!this.board.calls.has(callId)) this.cards.delete(callId);
    const attention = [];
    const steady = [];
    for (const call of calls) {
      let card = this.cards.get(call.state.call_id);
      if (!card) this.cards.set(call.state.call_id, (card = new Card()));
      card.update(call);
      if (this.wanted && !card.says(this.wanted)) continue;
      (["worsened", "arrived_upset"].includes(call.state.mood) ? attention : steady).push(card.node);
    }
    arrange(this.attention, attention);
    arrange(this.steady, steady);
    this.steady.classList.toggle("rows", calls.length > CARDS_MOST);
    this.steady.classList.toggle("dense", calls.length > ROWS_MOST);
    group("attention", attention.length);
    group("steady", steady.length);
    document.getElementById("no-calls").hidden = calls.length > 0;
    document.getElementById("none-found").hidden = !calls.length || attention.length + steady.length > 0;
  }

  /** Update the running times. */
  tick() {
    for (const card of this.cards.values()) card.tick();
  }

  /** Bring a call's card into view; false if it is not on the page. */
  show(callId) {
    const card = this.cards.get(callId);
    if (!card?.node.isConnected) return false;
    card.node.scrollIntoView({ block: "center", behavior: "smooth" });
    card.node.focus({ preventScroll: true });
    return true;
  }
}

class Card {
  constructor() {
    this.mood = el("span", "mood");
    this.time = el("span", "time");
    this.agent = el("h4", "agent");
    this.id = el("p", "id");
    this.picture = el("div", "picture");
    this.language = el("p", "language");
    this.contact = el("ul", "contact", { "aria-label": "Earlier contacts of the caller" });
    this.health = el("ul", "health", { "aria-label": "Health of the audio" });
    this.practice = new PracticeBlock();
    this.load = el("p", "load", { title: "The agent's own work, from calls and customers' words alone", hidden: "" });
    this.words = el("dl", "words");
    this.debrief = el("p", "debrief", { hidden: "" });
    this.node = el("li", "call", { tabindex: "-1" }, this.mood, this.time, this.agent, this.id, this.picture,
      this.contact, this.language, this.health, this.practice.node, this.load, this.words, this.debrief);
    this.state = null;
    this.lines = [];
    this.borne = null;
  }

  update(call) {
    const { state } = call;
    this.borne = call.load;
    write(this.load, loadLine(this.borne));
    this.load.hidden = !this.load.textContent;
    if (state !== this.state) {
      this.state = state;
      const judged = state.is_judged ?? true;
      const mood = judged && state.mood in MOODS ? state.mood : "calm";
      const [shape, name] = judged ? MOODS[mood] : UNJUDGED;
      const ended = state.phase === "ended";
      this.node.className = `call ${mood}${judged ? "" : " unjudged"}${ended ? " ended" : ""}`;
      this.mood.replaceChildren(el("span", "shape", { "aria-hidden": "true" }, shape), el("span", "name", {}, name));
      const agent = agentOf(state.legs);
      write(this.agent, clip(agent || "Unnamed agent", 60));
      this.agent.classList.toggle("unnamed", !agent);
      write(this.id, clip(state.call_id, 40));
      this.id.title = clip(state.call_id, 128);
      this.picture.replaceChildren(...(judged ? [sparkline(state)] : []));
      this.contact.replaceChildren(...contacts(state));
      this.contact.hidden = !this.contact.childElementCount;
      write(this.language, [CHANNELS.get(state.channel), languageOf(state)].filter(Boolean).join(" · "));
      this.language.hidden = !this.language.textContent;
      this.health.replaceChildren(...marks(state));
      this.health.hidden = !this.health.childElementCount;
      this.practice.update(state.practice);
      const href = `/calls/${encodeURIComponent(state.call_id)}/debrief`;
      this.debrief.hidden = !ended || !(state.practice?.is_judged ?? false);
      this.debrief.replaceChildren(...(this.debrief.hidden ? [] : [el("a", "", { href }, "Debrief")]));
      this.tick();
    }
    // Each leg keeps its line: lines that swap with every turn cannot be read.
    const said = [...call.words.values()].sort((a, b) => place(a) - place(b)).slice(0, LINES_MOST);
    if (said.length !== this.lines.length || said.some((line, at) => line !== this.lines[at])) {
      this.lines = said;
      this.words.replaceChildren(...(said.length ? said.map(spoken) : [el("p", "silent", {}, "Nothing said yet")]));
    }
  }

  tick() {
    const { opened_at: opened, closed_at: closed, reason } = this.state;
    write(this.load, loadLine(this.borne));
    if (closed === null) {
      write(this.time, clock.length(clock.shown() - opened));
      this.time.title = `Since ${clock.fullTime(opened)}`;
    } else {
      write(this.time, `Ended ${clock.ago(closed)}`);
      this.time.title = `${clock.fullTime(closed)}, after ${clock.length(closed - opened)}${reason ? `: ${clip(reason, 64)}` : ""}`;
    }
  }

  says(text) {
    // An agent's load is not searched: no list of agents can be made by it.
    return [...this.node.children].some((part) => part !== this.load && part.textContent.toLowerCase().includes(text));
  }
}

function place(line) {
  return ["customer", "unknown", "agent"].indexOf(line.role);
}

function spoken(line) {
  const words = line.text ? clip(line.text, WORDS_MOST) : (MISSING[line.dropped] ?? "");
  const text = el("dd", line.text ? "" : "missing", {}, words);
  text.title = `${clock.length(line.start_seconds)} into the call`;
  return el("div", `of-${line.role in ROLES ? line.role : "unknown"}`, {}, el("dt", "", {}, ROLES[line.role] ?? ROLES.unknown), text);
}

function group(name, count) {
  document.getElementById(`${name}-group`).hidden = count === 0;
  write(document.getElementById(`${name}-number`), String(count));
}
