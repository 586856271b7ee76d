// The debrief of one call: its course, the four questions, strengths before gaps, answers and what followed.

import { ask } from "./ask.js";
import * as clock from "./clock.js";
import { course } from "./course.js";
import { clip, el, write } from "./dom.js";
import { finding, quoted } from "./evidence.js";
import { actOf, intakeWords, landedOf } from "./words.js";

const QUESTIONS = {
  core_met: "Was the feeling underneath met?",
  tone_matched: "Was the tone matched?",
  concrete_step: "Was there a concrete next step?",
  verified: "Was it checked that it helped?",
};
const VERDICTS = { yes: ["✓", "Yes"], no: ["✕", "No"], not_seen: ["–", "Not seen"] };

const content = await ask(`/api${location.pathname}`);
const about = document.getElementById("about");
if (content) {
  show(content.debrief);
} else {
  about.hidden = true;
}

function show(debrief) {
  const { opened_at: opened, closed_at: closed } = debrief;
  document.title = `Debrief ${clip(debrief.call_id, 40)} – Callvane`;
  write(about, [clip(debrief.call_id, 128), debrief.queue && `queue ${clip(debrief.queue, 64)}`, clock.fullTime(opened), `${clock.length(closed - opened)} long`].filter(Boolean).join(" · "));
  document.getElementById("debrief").replaceChildren(
    part("Intake", el("p", "", {}, intakeWords(debrief.intake)), ...intake(debrief.intake)),
    part("The customer's course", course(debrief.course, debrief.turning_points), ...turns(debrief.turning_points)),
    part("Four questions", questions(debrief.replies)),
    part("Strengths", ...found(debrief.strengths, "None seen.")),
    part("Gaps", ...found(debrief.gaps, "None seen.")),
    part("Worth knowing, held against nobody", ...found(debrief.notes, "Nothing.")),
    part("Distress, and what was done about it", ...answers(debrief.answers)),
    part("Counts", counts(debrief.counts)),
  );
}

function part(title, ...content) {
  return el("section", "part", {}, el("h3", "", {}, title), ...content);
}

function intake({ urgency, about: concern }) {
  return [urgency && quoted(urgency, "urgent"), concern && quoted(concern, "what it is about")].filter(Boolean);
}

function turns(points) {
  return points.map(({ kind, evidence }) => {
    const [shape, name] = kind === "recovered" ? ["▲", "Recovered"] : ["▼", "Worsened"];
    return el("div", `turned ${kind}`, {}, el("p", "kind", {}, el("span", "", { "aria-hidden": "true" }, shape), ` ${name}`), quoted(evidence));
  });
}

function questions(replies) {
  const rows = Object.entries(QUESTIONS).flatMap(([question, title]) => {
    const reply = replies.find((one) => one.question === question) ?? { verdict: "not_seen", evidence: [] };
    const [shape, word] = VERDICTS[reply.verdict] ?? VERDICTS.not_seen;
    const verdict = el("p", `verdict ${reply.verdict}`, {}, el("span", "", { "aria-hidden": "true" }, shape), ` ${word}`);
    return [el("dt", "", {}, title), el("dd", "", {}, verdict, ...reply.evidence.map((evidence) => quoted(evidence)))];
  });
  return el("dl", "questions", {}, ...rows);
}

function found(findings, none) {
  if (!findings.length) return [el("p", "none", {}, none)];
  return findings.map((one) => el("div", "", {}, finding(one), quoted(one.evidence)));
}

function answers(list) {
  if (!list.length) return [el("p", "none", {}, "No distress seen.")];
  return list.map((answer) => {
    const after = answer.after === null ? "" : ` (${clock.signed(answer.before)} to ${clock.signed(answer.after)})`;
    return el("div", "answered", {}, quoted(answer.distress, "distress"),
      ...(answer.acts.length ? answer.acts.map(({ act, evidence }) => quoted(evidence, actOf(act))) : [el("p", "none", {}, "Nothing seen in the next two turns")]),
      el("p", "landed", {}, `What followed: ${landedOf(answer)}${after}`));
  });
}

function counts({ interruptions, talk_over_seconds: over, silences, long_silences: long, strengths, gaps }) {
  const rows = [["Interruptions", interruptions], ["Both spoke", `${over.toFixed(1)} s`], ["Silences of 3 s or more", silences],
    ["of 10 s or more, unannounced", long], ["Strengths", strengths], ["Gaps", gaps]];
  return el("dl", "counted", {}, ...rows.map(([name, value]) => el("div", "", {}, el("dt", "", {}, name), el("dd", "", {}, String(value)))));
}
