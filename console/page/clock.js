// Time by the console's clock: a supervisor's own clock may be minutes off.

let ahead = 0;
let frozen = null;

/** Set the console's clock to `now` (Unix seconds). */
export function sync(now) {
  ahead = now - Date.now() / 1000;
}

/** Unix seconds by the console's clock. */
export function now() {
  return Date.now() / 1000 + ahead;
}

/** While the page is stale, durations stop at `since`; null lets them run. */
export function freeze(since) {
  frozen = since;
}

/** The time that the page shows. */
export function shown() {
  return frozen ?? now();
}

/** 14:03:22, in the viewer's time zone. */
export function clockTime(unix) {
  return new Date(unix * 1000).toLocaleTimeString([], { timeStyle: "medium", hourCycle: "h23" });
}

/** Date and time in full, for a tooltip. */
export function fullTime(unix) {
  return new Date(unix * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "medium" });
}

/** 4:07, or 1:02:33. */
export function length(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n) => String(n).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes}:${two(whole % 60)}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}

/** "just now", "24 s ago", "3 min ago", "2 h ago", "3 days ago". */
export function ago(unix) {
  const seconds = Math.max(0, shown() - unix);
  if (seconds < 3) return "just now";
  if (seconds < 90) return `${Math.round(seconds)} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86400)} days ago`;
}

/** −1.62 or +0.40: log-odds, negative is unhappy. */
export function signed(value) {
  const text = Math.abs(value).toFixed(2);
  if (Number(text) === 0) return "0.00";
  return `${value < 0 ? "−" : "+"}${text}`;
}
