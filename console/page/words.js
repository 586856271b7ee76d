// The names by which people know what practice finds. A name that is not listed was written by a newer Callvane.

import { clip } from "./dom.js";

const CORES = {
  frustration: "frustration", anger: "anger", worry: "worry", dismissed: "feeling dismissed", disappointment: "disappointment",
};
const WISHES = { heard: "to be heard first", plan: "a plan", unclear: "wish unclear" };
const REGISTERS = { formal: "formal", casual: "casual", terse: "few words", plain: "" };
const ACTS = {
  ack: "feeling acknowledged", specific: "specific", next: "next step", verify: "checked", limit: "honest limit",
  alternative: "another way", reset: "asked what would help", over_promise: "over-promise", defensive: "defensive",
  brush_off: "brush-off", script: "canned phrase", repeated: "said on other calls too",
};
const LANDED = { better: "calmer since", same: "no change since", worse: "worse since", not_seen: "not seen how it landed" };
const FINDINGS = {
  hollow_empathy: "Empathy without help",
  solution_before_hearing: "Solution before hearing",
  feelings_before_action: "Feelings before action",
  empathy_action_gap: "All was done, still unhappy",
  over_promise: "Over-promise",
  defensive: "Defensive",
  brush_off: "Brush-off",
  register_mismatch: "Another register",
  intensity_mirrored: "Heat mirrored",
  not_verified: "Not checked whether it helped",
  agitation_left: "Distress not gone back to",
  interrupted_venting: "Interrupted",
  talk_over: "Talked over",
  long_silence: "Long silence",
  listening: "Heard out",
  feeling_paraphrased: "Feeling taken up",
  specific_next_step: "Specific next step",
  checked_it_landed: "Checked that it helped",
  urgency_met_at_once: "Urgency met at once",
  honest_limit_with_alternative: "Honest limit, another way",
  reset_question: "Asked what would help",
  repeated_text: "Same words as on other calls",
};
const SIDES = { strength: ["✓", "Strength"], gap: ["△", "Gap"], note: ["·", "Note"] };

/** "worry or frustration"; of one feeling its name; empty if none is named. */
export function feelingOf(intake) {
  return intake.cores.slice(0, 2).map((core) => named(CORES, core)).join(" or ");
}

function wishOf(intake) {
  return WISHES[intake.wish] ?? WISHES.unclear;
}

function registerOf(intake) {
  return REGISTERS[intake.register] ?? "";
}

/** What an intake tells, in one line's words. */
export function intakeWords(intake) {
  const wants = intake.wish === "unclear" ? wishOf(intake) : `wants ${wishOf(intake)}`;
  const words = [feelingOf(intake) || "no feeling named", wants, registerOf(intake)].filter(Boolean);
  return `${intake.ready ? "" : "so far: "}${words.join(" · ")}`;
}

/** The name of an act in an answer. */
export function actOf(act) {
  return named(ACTS, act);
}

/** What followed an answer. */
export function landedOf(answer) {
  return LANDED[answer.landed] ?? LANDED.not_seen;
}

/** The name of a finding. */
export function findingOf(finding) {
  const name = named(FINDINGS, finding.kind);
  return name[0].toUpperCase() + name.slice(1);
}

/** A finding's shape and the word for it. */
export function sideOf(finding) {
  return Object.hasOwn(SIDES, finding.side) ? SIDES[finding.side] : SIDES.note;
}

/** Strengths first, then gaps, then notes; each in the order of the call. */
export function strengthsFirst(findings) {
  const place = (finding) => ["strength", "gap"].indexOf(finding.side) >>> 0;
  return [...findings].sort((a, b) => place(a) - place(b));
}

function named(names, word) {
  return Object.hasOwn(names, word) ? names[word] : clip(String(word).replaceAll("_", " ") || "unnamed", 40);
}
