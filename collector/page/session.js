// One view: a tail or a range, from the filter's first response to the next filter.
import { List } from "./list.js";
import { search, Tail } from "./stream.js";
import { Feed, stateOf } from "./feed.js";
import { isRange, searchQuery, tailQuery, timeOfWord } from "./filters.js";
import { count, levelOf, span, textual } from "./text.js";

/** The records of one search over all collectors. */
const PAGE = 10_000;
const RATE = 5000;
/** The pauses before a search is tried again at a collector that is away, in milliseconds. */
const FIRST_WAIT = 500;
const LONGEST_WAIT = 5000;

let changes = 0;

/** A record of one of several collectors, or of a single one, which needs no name. */
export function itemOf(record, source = null) {
  return { record: textual(record), source, t: Date.parse(record.time) || 0, level: levelOf(record), came: performance.now() };
}

export function noticeOf(notice, tone = "quiet") {
  return { notice, tone, t: Date.now(), level: -1, came: performance.now(), changed: changes++ };
}

/** A notice of a collector, in words. */
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

/** What keeps the response to a search from being complete, or "". */
function lacking(end) {
  if (!end) return "the response was incomplete; reload to try again";
  return end.unreadable ? "some files could not be read: records may be missing" : "";
}

export class Session {
  range = null;

  #filter;
  #list;
  #changed;
  #feeds;
  #several;
  #cleared = false;
  #ended = new AbortController();
  #tails = [];
  #arrivals = [];

  /** @param {List} list it is cleared when the first response arrives */
  constructor(filter, list, sources, changed) {
    this.#filter = filter;
    this.#list = list;
    this.#changed = changed;
    this.#feeds = sources.map((source) => new Feed(source));
    this.#several = sources.length > 1;
    list.live = !isRange(filter);
    if (isRange(filter)) this.#search();
    else for (const feed of this.#feeds) this.#follow(feed);
  }

  stop() {
    this.#ended.abort();
    for (const tail of this.#tails) tail.end();
  }

  get state() {
    return stateOf(this.#feeds, isRange(this.#filter));
  }

  /** The reason of that state, as the page's own collector has it. */
  get problem() {
    return this.#feeds[0].problem;
  }

  get status() {
    return this.#feeds[0].status;
  }

  get caughtUp() {
    return this.#feeds.some((feed) => feed.caughtUp);
  }

  get older() {
    return this.#feeds.some((feed) => feed.older);
  }

  get loading() {
    return this.#feeds.some((feed) => feed.loading && !feed.absence());
  }

  /** The time from which on the records of all of several collectors are here; null for a single one. */
  get loadedFrom() {
    if (!this.#several) return null;
    const firsts = this.#feeds.filter((feed) => feed.older && !feed.whole).map((feed) => this.#first(feed)?.t ?? 0);
    return firsts.length ? Math.max(...firsts) : null;
  }

  #first(feed) {
    return this.#list.items.find((item) => item.record && item.source === this.#mark(feed));
  }

  /** Bytes read and skipped by a search. */
  get end() {
    const ends = this.#feeds.map(({ end }) => end).filter(Boolean);
    const sum = (name) => ends.reduce((all, end) => all + end[name], 0);
    return ends.length ? { scanned: sum("scanned"), skipped: sum("skipped") } : null;
  }

  /** The collectors that do not take part, with the reason; nothing if there is only one. */
  get absent() {
    if (!this.#several) return [];
    const feeds = this.#feeds.map((feed) => ({ name: feed.source.name, reason: feed.absence(), status: feed.status }));
    // A filter that the page's own collector rejects needs no further lines.
    return this.state === "refused" && this.status === 400 ? [] : feeds.filter(({ reason }) => reason);
  }

  #mark(feed) {
    return this.#several ? feed.source : null;
  }

  #name(text, feed) {
    return this.#several ? `${feed.source.name}: ${text}` : text;
  }

  #clear() {
    if (!this.#cleared) this.#list.clear();
    this.#cleared = true;
  }

  // ---- live

  #follow(feed) {
    let first = true;
    const query = tailQuery(this.#filter);
    const tail = new Tail(feed.source, query, {
      open: () => {
        this.#clear();
        if (!first && feed.lostAt) this.#list.push(noticeOf(this.#name(`connection lost, reconnected after ${span(Date.now() - feed.lostAt)}`, feed)));
        first = false;
        feed.lostAt = 0;
        feed.become("live");
        this.#changed();
      },
      record: (record) => {
        const item = itemOf(record, this.#mark(feed));
        if (this.#several && !feed.caughtUp) return void this.#store(feed, item);
        this.#list.push(item);
        if (feed.caughtUp) this.#arrived();
      },
      notice: (value) => {
        this.#flush(feed);
        if (value.notice === "live") {
          if (!this.caughtUp && this.#list.items.length) this.#list.push(noticeOf("end of the stored records; live from here"));
          feed.whole ||= !feed.caughtUp && feed.stored < Number(query.get("n"));
          feed.caughtUp = true;
        } else {
          const [text, tone] = words(value);
          this.#list.push(noticeOf(this.#name(text, feed), tone));
        }
        this.#changed();
      },
      lost: (reason) => {
        feed.lostAt ||= Date.now();
        feed.become("reconnecting", reason);
        this.#changed();
      },
      refused: (error) => {
        feed.refuse(error);
        this.#changed();
      },
    });
    this.#tails.push(tail);
  }

  /** Stored records of several collectors are shown in the order of time: those of one chunk at once. */
  #store(feed, item) {
    feed.stored++;
    if (feed.waiting.push(item) === 1) queueMicrotask(() => this.#flush(feed));
  }

  #flush(feed) {
    const items = feed.waiting.splice(0);
    if (items.length && !this.#ended.signal.aborted) this.#list.merge(items, false);
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

  /** Adds what a search has found; `n` of a range is the number of records of all collectors. */
  #merge(items) {
    this.#list.merge(items, true);
    const most = Number(this.#filter.n);
    if (most && isRange(this.#filter)) this.#list.trim(most);
  }

  async #search() {
    const now = Date.now();
    const to = timeOfWord(this.#filter.until, now);
    const from = this.#filter.since ? timeOfWord(this.#filter.since, now) : NaN;
    this.range = Number.isNaN(from) || Number.isNaN(to) ? null : [from, to];
    for (const feed of this.#feeds) feed.become("searching");
    this.#changed();
    const n = this.#filter.n || this.#page();
    for (const feed of this.#feeds) this.#find(feed, n);
  }

  #page() {
    return Math.ceil(PAGE / this.#feeds.length);
  }

  /** Searches a range at one collector; if there are several, until it answers. */
  async #find(feed, n) {
    for (let wait = FIRST_WAIT; ; wait = Math.min(wait * 2, LONGEST_WAIT)) {
      try {
        await this.#load(feed, searchQuery(this.#filter, n), Infinity);
        break;
      } catch (error) {
        if (this.#ended.signal.aborted) return;
        if (!this.#several || error.status < 500) {
          feed.refuse(error);
          break;
        }
        feed.become("reconnecting", error.message);
      }
      this.#changed();
      await new Promise((wake) => setTimeout(wake, wait));
      if (this.#ended.signal.aborted) return;
    }
    this.#changed();
  }

  /** Loads older records: of each collector those before the first one that is here. */
  earlier() {
    if (!this.#list.items.some((item) => item.record)) return;
    this.#list.hold();
    for (const feed of this.#feeds) if (feed.older && !feed.loading) this.#before(feed, this.#first(feed));
    this.#changed();
  }

  async #before(feed, first) {
    const t = first ? first.t + 1 : Date.now();
    try {
      await this.#load(feed, searchQuery(this.#filter, this.#page(), new Date(t).toISOString()), t);
    } catch (error) {
      if (this.#ended.signal.aborted) return;
      this.#list.push(noticeOf(this.#name(`failed to load older records: ${error.message}`, feed), "bad"));
    }
    this.#changed();
  }

  /** Has a collector search, and adds what is not here yet. The ends of a range may belong to it or not, and a search may
   *  have been broken off: records already here are recognised by their positions. */
  async #load(feed, query, until) {
    const source = this.#mark(feed);
    const key = (record) => record.at ?? JSON.stringify(record);
    const mine = this.#cleared ? this.#list.items.filter((item) => item.record && item.source === source && item.t <= until) : [];
    const here = new Set(mine.map((item) => key(item.record)));
    let found = 0;
    const take = (records) => {
      this.#clear();
      feed.begun = true;
      found += records.length;
      const items = records.filter((record) => !here.has(key(record))).reverse().map((record) => itemOf(record, source));
      if (this.#several) this.#merge(items);
      else this.#list.prepend(items);
      this.#changed();
    };
    feed.loading = true;
    try {
      feed.end = await search(feed.source, query, take, this.#ended.signal);
      this.#clear();
      feed.older = found >= Number(query.get("n"));
      feed.whole = false;
      const reason = lacking(feed.end);
      if (isRange(this.#filter)) feed.become(reason ? "short" : "found", reason);
      else if (reason) this.#list.push(noticeOf(this.#name(`older records: ${reason}`, feed), "bad"));
    } finally {
      feed.loading = false;
    }
  }
}
