// One collector's part of a view: how far it is, and the words for it while it does not take part.
import { span } from "./text.js";

/** The time after which a collector that has not answered yet is named, in milliseconds. */
const SLOW = 2000;

export class Feed {
  /** connecting, live, reconnecting, refused; of a range: searching, found, short, refused, reconnecting. */
  state = "connecting";
  problem = "";
  status = 0;
  since = Date.now();
  caughtUp = false;
  end = null;
  /** True if there may be older records than those shown. */
  older = true;
  lostAt = 0;
  loading = false;
  /** True once a search has brought something. */
  begun = false;
  /** The number of stored records that a tail began with, and true if these are all in the time asked for. */
  stored = 0;
  whole = false;
  /** Stored records that have arrived and are not in the list yet. */
  waiting = [];

  constructor(source) {
    this.source = source;
  }

  become(state, problem = "") {
    if (state !== this.state) this.since = Date.now();
    this.state = state;
    this.problem = problem;
  }

  refuse(error) {
    const allowed = error.allowed?.length ? ` (${error.allowed.join(", ")})` : "";
    this.status = error.status ?? 0;
    this.become("refused", error.message + allowed);
  }

  /** What keeps it from taking part, or "". */
  absence() {
    const time = Date.now() - this.since;
    switch (this.state) {
      case "reconnecting":
        return `away for ${span(time)}, reconnecting: ${this.problem}`;
      case "refused":
        return `rejected: ${this.problem}`;
      case "short":
        return this.problem;
      case "connecting":
      case "searching":
        return time > SLOW && !this.begun ? `no answer for ${span(time)}` : "";
      default:
        return "";
    }
  }
}

/** The state of all together: that of those which take part, and without any, that of the page's own collector. */
export function stateOf(feeds, range) {
  const has = (...states) => feeds.some(({ state }) => states.includes(state));
  if (!range) return has("live") ? "live" : feeds[0].state;
  if (!has("found", "short")) return feeds[0].state;
  if (has("searching")) return "searching";
  return feeds.every(({ state }) => state === "found") ? "found" : "short";
}
