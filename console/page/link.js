// The connection to the console: opens it, reads it, and decides when silence means that it is lost.

import * as clock from "./clock.js";

const BEATS = 3; // heartbeats that may be missed
const AGAIN_MS = 1500;
const KINDS = ["snapshot", "alert", "transcript", "call_state", "gone", "loads", "shown", "status"];

export class Link {
  /** `onEvent(kind, data)` for each event; `onState(staleSince, why)`, staleSince null when live. */
  constructor(onEvent, onState) {
    this.onEvent = onEvent;
    this.onState = onState;
    this.cursor = "";
    this.heardAt = 0;
    this.silentMs = 6000; // until the console reports its heartbeat interval
    this.answeredAt = null; // console's clock, for "stale since"
    this.openedAt = 0;
    this.source = null;
    this.open();
    setInterval(() => this.watch(), 500);
  }

  open() {
    this.source?.close();
    this.openedAt = performance.now();
    const source = new EventSource(this.cursor ? `/events?since=${encodeURIComponent(this.cursor)}` : "/events");
    this.source = source;
    for (const kind of KINDS) {
      source.addEventListener(kind, (event) => {
        if (source === this.source) this.take(kind, event);
      });
    }
    source.addEventListener("error", () => {
      if (source === this.source) this.lost("The connection to the console was lost.");
    });
  }

  take(kind, event) {
    this.heardAt = performance.now();
    if (event.lastEventId) this.cursor = event.lastEventId;
    const data = JSON.parse(event.data);
    if (data.now !== undefined) {
      clock.sync(data.now);
      this.silentMs = BEATS * 1000 * data.heartbeat_seconds + 500;
      this.answeredAt = data.now;
      this.onState(data.stale_since, data.stale_since === null ? "" : "The console has lost Redis.");
    }
    this.onEvent(kind, data);
  }

  watch() {
    const time = performance.now();
    const silent = time - this.heardAt > this.silentMs;
    if (silent) this.lost("The console does not answer.");
    const dead = this.source.readyState === EventSource.CLOSED;
    if ((dead && time - this.openedAt > AGAIN_MS) || (silent && time - this.openedAt > this.silentMs)) this.open();
  }

  lost(why) {
    this.onState(this.answeredAt ?? 0, why);
  }
}
