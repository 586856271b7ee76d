// How the agent has met a call so far, on its card: intake, the latest answer, the latest findings. Each is one line that
// opens to its quotes. The lines are there from the start, so that nothing below them moves when they fill.

import { clip, el, write } from "./dom.js";
import { finding, quoted, QUOTE_MOST } from "./evidence.js";
import { actOf, intakeWords, landedOf, strengthsFirst } from "./words.js";

const FINDINGS_MOST = 6;
const ACTS_MOST = 8;

/** The block of one card. */
export class PracticeBlock {
  constructor() {
    this.intake = new Fold("intake");
    this.answer = new Fold("answer");
    this.found = new Fold("found");
    this.unjudged = el("p", "unjudged", { hidden: "" });
    this.node = el("div", "practice", { role: "group", "aria-label": "How the call is met", hidden: "" },
      this.unjudged, this.intake.node, this.answer.node, this.found.node);
  }

  /** Show a call_state's `practice`; nothing if nobody looks for it. */
  update(practice) {
    this.node.hidden = !practice;
    if (!practice) return;
    const judged = practice.is_judged ?? true;
    this.unjudged.hidden = judged;
    write(this.unjudged, judged ? "" : "How the call is met: not judged"); // the search reads what is hidden, too
    for (const fold of [this.intake, this.answer, this.found]) {
      fold.node.hidden = !judged;
      if (!judged) fold.clear();
    }
    if (!judged) return;
    this.node.classList.toggle("telling", Boolean(practice.intake.urgency || practice.intake.cores.length));
    this.intake.show(practice.intake, intakeLine, intakeProof);
    this.answer.show(practice.answer ?? null, answerLine, answerProof);
    this.found.show(practice.findings ?? [], foundLine, foundProof);
  }
}

/** A line that opens to its proof, which is made when it is first looked at. */
class Fold {
  constructor(names) {
    this.line = el("summary");
    this.proof = el("div", "proof");
    this.node = el("details", names, {}, this.line, this.proof);
    this.shown = "";
    this.fill = () => {};
    this.node.addEventListener("toggle", () => this.node.open && this.fill());
  }

  clear() {
    this.shown = "";
    this.fill = () => {};
    this.line.replaceChildren();
    this.proof.replaceChildren();
  }

  show(part, line, proof) {
    const shown = JSON.stringify(part);
    if (shown === this.shown) return;
    this.shown = shown;
    this.line.replaceChildren(...line(part));
    this.fill = () => this.proof.replaceChildren(...proof(part));
    if (this.node.open) this.fill();
  }
}

/** The words of an urgency that a state tells of; empty if there is none. */
export function urgencyOf(state) {
  const urgency = state.practice?.is_judged === false ? null : state.practice?.intake?.urgency;
  return urgency ? clip(urgency.quote, QUOTE_MOST) || "no words" : "";
}

function intakeLine(intake) {
  const says = intake.urgency ?? intake.about;
  const told = el("span", "told", {});
  if (intake.urgency) told.append(el("span", "urgent", {}, "! Urgent"), " ");
  told.append(intakeWords(intake));
  return [told, el("span", "says", {}, says?.quote ? `“${clip(says.quote, QUOTE_MOST)}”` : "Nothing said of it yet")];
}

function intakeProof(intake) {
  const proof = [el("p", "", {}, intakeWords(intake))];
  if (intake.urgency) proof.push(quoted(intake.urgency, "urgent"));
  if (intake.about) proof.push(quoted(intake.about, "what it is about"));
  return proof;
}

function answerLine(answer) {
  if (!answer) return [el("span", "told none", {}, "No distress so far")];
  const acts = answer.acts.slice(0, ACTS_MOST).map(({ act }) => actOf(act)).join(", ");
  const landed = el("span", `landed ${landing(answer)}`, {}, landedOf(answer));
  return [el("span", "told", {}, "Answer, ", landed, `: ${acts || "nothing seen yet"}`)];
}

function landing(answer) {
  return ["better", "worse"].includes(answer.landed) ? answer.landed : "same";
}

function answerProof(answer) {
  if (!answer) return [];
  return [quoted(answer.distress, "distress"), ...answer.acts.slice(0, ACTS_MOST).map(({ act, evidence }) => quoted(evidence, actOf(act)))];
}

function foundLine(findings) {
  if (!findings.length) return [el("span", "told none", {}, "Nothing found so far")];
  const latest = strengthsFirst(findings.slice(-FINDINGS_MOST));
  return [el("span", "told", {}, ...latest.flatMap((found, at) => (at ? ["  ", finding(found)] : [finding(found)])))];
}

function foundProof(findings) {
  return strengthsFirst(findings.slice(-FINDINGS_MOST)).map((found) => el("div", "", {}, finding(found), quoted(found.evidence)));
}
