// The customer's course over a whole call: score by time, with its turning points. Up is happier.

import { length, signed } from "./clock.js";
import { el, svg } from "./dom.js";

const WIDTH = 640;
const HEIGHT = 150;
const EDGE = 12;
const LEAST = 2; // log-odds: small changes must look small

/** A figure: the picture, and the same as a table. */
export function course(points, turningPoints) {
  if (!points.length) return el("p", "none", {}, "No course: the customer said too little.");
  const most = Math.max(LEAST, ...points.map(({ score }) => Math.abs(score)));
  const last = Math.max(1, points.at(-1).at_seconds, ...turningPoints.map(({ evidence }) => evidence.at_seconds));
  const x = (seconds) => (EDGE + (seconds / last) * (WIDTH - 2 * EDGE)).toFixed(1);
  const y = (score) => (HEIGHT / 2 - (score / most) * (HEIGHT / 2 - EDGE)).toFixed(1);
  const label = told(points, turningPoints);
  const picture = svg("svg", "course", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label },
    svg("title", "", {}, label),
    svg("path", "baseline", { d: `M0 ${HEIGHT / 2}H${WIDTH}` }),
    ...turningPoints.map(({ kind, evidence }) => svg("path", `turning ${kind}`, { d: `M${x(evidence.at_seconds)} 2V${HEIGHT - 2}` })),
    svg("path", "line", { d: `M${points.map(({ at_seconds, score }) => `${x(at_seconds)} ${y(score)}`).join("L")}` }),
    ...points.map(({ at_seconds, score }) => svg("circle", "point", { cx: x(at_seconds), cy: y(score), r: 3 })));
  const rows = points.map(({ at_seconds, score }) => el("tr", "", {}, el("th", "", { scope: "row" }, length(at_seconds)), el("td", "", {}, signed(score))));
  const table = el("table", "", {}, el("thead", "", {}, el("tr", "", {}, el("th", "", { scope: "col" }, "Time"), el("th", "", { scope: "col" }, "Score"))), el("tbody", "", {}, ...rows));
  return el("figure", "", {}, picture, el("figcaption", "", {}, label), el("details", "", {}, el("summary", "", {}, "As a table"), table));
}

function told(points, turningPoints) {
  const lowest = points.reduce((low, point) => (point.score < low.score ? point : low));
  const turns = turningPoints.map(({ kind, evidence }) => `${kind === "recovered" ? "recovered" : "worsened"} at ${length(evidence.at_seconds)}`);
  return [`Opens at ${signed(points[0].score)}`, `lowest ${signed(lowest.score)} at ${length(lowest.at_seconds)}`, ...turns, `ends at ${signed(points.at(-1).score)}`].join(", ");
}
