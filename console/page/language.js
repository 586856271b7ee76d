// The language of a call in plain words; empty if there is nothing to say of it.

import { clip } from "./dom.js";

const NAMES = new Intl.DisplayNames(["en"], { type: "language" });

/** A line for a call_state: of a call that is not judged, or not in English. */
export function languageOf(state) {
  const { language = "", is_judged: judged = true } = state;
  if (!judged) return `${language ? `${named(language)}: words` : "Words"} shown, feeling not judged`;
  return language && language !== "en" ? named(language) : "";
}

function named(code) {
  try {
    return NAMES.of(code);
  } catch {
    return clip(code, 8); // not even the form of a code
  }
}
