// What the page shows: calls and alerts by id. Events come in the order of their streams, and a call's latest state is
// the one that came last: workers' clocks differ, so updated_at does not tell. Repeated alerts and late words change
// nothing.

const RANK = { worsened: 0, arrived_upset: 1, recovered: 2, calm: 3 };
const ALERTS_MOST = 100;

export class Board {
  constructor() {
    this.calls = new Map(); // call_id -> { state, words: Map(leg_id -> transcript), load, alertedAt }
    this.alerts = new Map(); // alert_id -> alert
    this.heardAt = 0; // Unix seconds of the newest message
    this.shedAt = 0; // Unix seconds of the latest utterance dropped for overload
  }

  /** Replace everything. */
  replace(snapshot) {
    this.calls.clear();
    this.alerts.clear();
    for (const alert of [...snapshot.alerts].reverse()) this.alert(alert);
    for (const { state, words, load } of snapshot.calls) {
      this.state(state);
      for (const transcript of words) this.words(transcript);
      this.loads({ [state.call_id]: load });
    }
  }

  /** The loads of calls' agents, by call; null where it is not known any more. */
  loads(loads) {
    for (const [callId, load] of Object.entries(loads)) {
      const call = this.calls.get(callId);
      if (call) call.load = load ?? null;
    }
  }

  /** A call_state. */
  state(state) {
    const call = this.calls.get(state.call_id);
    this.heardAt = Math.max(this.heardAt, state.updated_at);
    if (call) call.state = state;
    else this.calls.set(state.call_id, { state, words: new Map(), load: null, alertedAt: this.alertedAt(state.call_id) });
  }

  /** A transcript; false if it changes nothing on the page. */
  words(transcript) {
    const call = this.calls.get(transcript.call_id);
    this.heardAt = Math.max(this.heardAt, transcript.published_at);
    const shed = transcript.dropped === "overload";
    if (shed) this.shedAt = Math.max(this.shedAt, transcript.published_at);
    if (!call || !(transcript.text || shed || transcript.dropped === "error")) return false;
    const known = call.words.get(transcript.leg_id);
    if (known && known.sequence >= transcript.sequence) return false;
    call.words.set(transcript.leg_id, transcript);
    return true;
  }

  /** An alert; false if it is already known. */
  alert(alert) {
    if (this.alerts.has(alert.alert_id)) return false;
    this.alerts.set(alert.alert_id, alert);
    if (this.alerts.size > ALERTS_MOST) this.alerts.delete(this.alerts.keys().next().value);
    this.heardAt = Math.max(this.heardAt, alert.raised_at);
    const call = this.calls.get(alert.call_id);
    if (call) call.alertedAt = alert.raised_at;
    return true;
  }

  alertedAt(callId) {
    let latest = 0;
    for (const alert of this.alerts.values()) if (alert.call_id === callId) latest = alert.raised_at;
    return latest;
  }

  /** Calls that need a look first, the latest to turn on top; then by age, so that cards do not jump. */
  sorted() {
    return [...this.calls.values()].sort(
      (a, b) =>
        rank(a) - rank(b) ||
        (rank(a) === RANK.worsened ? b.alertedAt - a.alertedAt : 0) ||
        a.state.opened_at - b.state.opened_at ||
        (a.state.call_id < b.state.call_id ? -1 : 1),
    );
  }

  /** Alerts, newest first. */
  newest() {
    return [...this.alerts.values()].sort((a, b) => b.raised_at - a.raised_at);
  }
}

function rank(call) {
  return RANK[call.state.mood] ?? RANK.calm;
}

/** The agent's name, if the PBX sent it. */
export function agentOf(legs) {
  return legs.find((leg) => leg.role === "agent" && leg.name)?.name ?? "";
}
