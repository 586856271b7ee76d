// The customer's scores, turn by turn, against their own baseline. Up is happier.

import { svg } from "./dom.js";
import { signed } from "./clock.js";

const WIDTH = 240;
const HEIGHT = 40;
const EDGE = 5;
const LEAST_HIGH = 1.5; // log-odds: small changes must look small
const LEAST_LOW = -2.5;
const LEAST_TURNS = 12;

let drawn = 0;

/** An SVG of `state.scores`. Areas below the baseline are filled as a loss, above it as a gain. */
export function sparkline(state) {
  const { scores, baseline, level } = state;
  const high = Math.max(LEAST_HIGH, baseline, ...scores);
  const low = Math.min(LEAST_LOW, baseline, ...scores);
  const x = (turn) => EDGE + (turn * (WIDTH - 2 * EDGE)) / Math.max(LEAST_TURNS - 1, scores.length - 1);
  const y = (score) => EDGE + ((high - score) / (high - low)) * (HEIGHT - 2 * EDGE);
  const floor = y(baseline);
  const label = scores.length
    ? `${scores.length} customer turns: level ${signed(level)}, opened at ${signed(baseline)}`
    : "no customer turn yet";
  const picture = svg("svg", "sparkline", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": label });
  picture.append(svg("title", "", {}, label));
  picture.append(svg("path", "baseline", { d: `M0 ${floor}H${WIDTH}` }));
  if (!scores.length) return picture;
  const points = scores.map((score, turn) => `${x(turn).toFixed(1)} ${y(score).toFixed(1)}`);
  const last = scores.length - 1;
  if (last > 0) {
    const area = `M${x(0)} ${floor}L${points.join("L")}L${x(last)} ${floor}Z`;
    const id = `cut${(drawn += 1)}`;
    picture.append(
      svg("clipPath", "", { id: `${id}a` }, svg("rect", "", { x: 0, y: 0, width: WIDTH, height: floor })),
      svg("clipPath", "", { id: `${id}b` }, svg("rect", "", { x: 0, y: floor, width: WIDTH, height: HEIGHT - floor })),
      svg("path", "gain", { d: area, "clip-path": `url(#${id}a)` }),
      svg("path", "loss", { d: area, "clip-path": `url(#${id}b)` }),
      svg("path", "line", { d: `M${points.join("L")}` }),
    );
  }
  picture.append(svg("path", "last", { d: `M${points[last]}h0.01` }));
  return picture;
}
