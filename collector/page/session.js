// One view: a tail or a range, from the filter's first response to the next filter.
import { List } from "./list.js";
import { search, Tail } from "./stream.js";
import { isRange, searchQuery, tailQuery, timeOfWord } from "./filters.js";
import { count, levelOf, span } from "./text.js";

/** The records of one search. */
const PAGE = 10_000;
const RATE = 5000;

let changes = 0;

export function itemOf(record) {
  return { record, t: Date.parse(record.time) || 0, level: levelOf(record), came: performance.now() };
}

export function noticeOf(notice, tone = "quiet") {
  return { notice, tone, t: Date.now(), level: -1, came: performance.now(), changed: changes++ };
}

/** A notice of the collector, in words. */
function words(value) {
  const who = [value.app, value.host].filter(Boolean).join(" on ");
  if (value.notice === "missed") {
    return [`${value.count ? count(value.count) : "some"} records were missed: the collector no longer has them`, "bad"];
  }
  if (value.notice === "recovered") {
    return [`${value.count ? count(value.count) : "some"} records of an earlier run follow: ${who} · pid ${value.pid}`, "quiet"];
  }
  const rest = Object.entries(value).filter(([key]) => !["notice", "app", "host", "at"].includes(key));
  const more = rest.map(([key, part]) => `${key} ${typeof part === "object" ? JSON.stringify(part) : part}`).join(", ");
  const tone = /crash|kill|lost|fail|gap|panic/i.test(`${value.notice} ${more}`) ? "bad" : "quiet";
  return [[[who, value.notice].filter(Boolean).join(": "), more].filter(Boolean).join(" · "), tone];
}

export class Session {
  /** connecting, live, reconnecting, refused; of a range: searching, found, short, refused. */
  state = "connecting";
  problem = "";
  caughtUp = false;
  end = null;
  range = null;
  /** True if there may be older records than those shown. */
  older = true;
  loading = false;

  #filter;
  #list;
  #changed;
  #ended = new AbortController();
  #tail = null;
  #lostAt = 0;
  #arrivals = [];

  /** @param {List} list it is cleared when the first response arrives */
  constructor(filter, list, changed) {
    this.#filter = filter;
    this.#list = list;
    this.#changed = changed;
    list.live = !isRange(filter);
    if (isRange(filter)) this.#search();
    else this.#follow();
  }

  stop() {
    this.#ended.abort();
    this.#tail?.end();
  }

  #become(state, problem = "") {
    this.state = state;
    this.problem = problem;
    this.#changed();
  }

  // ---- live

  #follow() {
    let first = true;
    this.#tail = new Tail(tailQuery(this.#filter), {
      open: () => {
        if (first) this.#list.clear();
        else if (this.#lostAt) this.#list.push(noticeOf(`connection lost, reconnected after ${span(Date.now() - this.#lostAt)}`));
        first = false;
        this.#lostAt = 0;
        this.#become("live");
      },
      record: (record) => {
        this.#list.push(itemOf(record));
        if (this.caughtUp) this.#arrived();
      },
      notice: (value) => {
        if (value.notice === "live") {
          if (!this.caughtUp && this.#list.items.length) this.#list.push(noticeOf("end of the stored records; live from here"));
          this.caughtUp = true;
        } else {
          this.#list.push(noticeOf(...words(value)));
        }
        this.#changed();
      },
      lost: (reason) => {
        this.#lostAt ||= Date.now();
        this.#become("reconnecting", reason);
      },
      refused: (error) => this.#refused(error),
    });
  }

  #refused(error) {
    const allowed = error.allowed ? ` (${Array.isArray(error.allowed) ? error.allowed.join(", ") : error.allowed})` : "";
    this.status = error.status;
    this.#become("refused", error.message + allowed);
  }

  #arrived() {
    const now = performance.now();
    const last = this.#arrivals[this.#arrivals.length - 1];
    if (last && now - last.at < 250) last.count++;
    else this.#arrivals.push({ at: now, count: 1 });
  }

  /** Records a second, over the last few. */
  rate() {
    const since = performance.now() - RATE;
    while (this.#arrivals[0]?.at < since) this.#arrivals.shift();
    return this.#arrivals.reduce((sum, slot) => sum + slot.count, 0) / (RATE / 1000);
  }

  // ---- a range

  async #search() {
    const now = Date.now();
    const to = timeOfWord(this.#filter.until, now);
    const from = this.#filter.since ? timeOfWord(this.#filter.since, now) : NaN;
    this.range = Number.isNaN(from) || Number.isNaN(to) ? null : [from, to];
    this.#become("searching");
    let first = true;
    const clear = () => first && (this.#list.clear(), (first = false));
    await this.#load(searchQuery(this.#filter, this.#filter.n || PAGE), Number(this.#filter.n) || PAGE, clear);
  }

  /** Loads older records. */
  async earlier() {
    const oldest = this.#list.items.find((item) => item.record);
    if (!oldest || this.loading || !this.older) return;
    this.#list.hold();
    const until = new Date(oldest.t + 1).toISOString();
    await this.#load(searchQuery(this.#filter, PAGE, until), PAGE, () => {}, oldest.t + 1);
  }

  async #load(query, most, began, until = null) {
    const { signal } = this.#ended;
    const key = (record) => record.at ?? JSON.stringify(record);
    // The ends of a range may belong to it or not: records already here are recognised by their positions.
    const here = new Set(until === null ? [] : this.#list.items.filter((item) => item.record && item.t <= until).map((item) => key(item.record)));
    let found = 0;
    this.loading = true;
    this.#changed();
    try {
      const end = await search(query, (records) => {
        began();
        found += records.length;
        this.#list.prepend(records.filter((record) => !here.has(key(record))).reverse().map(itemOf));
        this.#changed();
      }, signal);
      began();
      this.end = end;
      this.older = found >= most;
      if (isRange(this.#filter)) this.state = end ? "found" : "short";
    } catch (error) {
      if (signal.aborted) return;
      if (isRange(this.#filter)) this.#refused(error);
      else this.#list.push(noticeOf(`failed to load older records: ${error.message}`, "bad"));
    }
    this.loading = false;
    this.#changed();
  }
}
