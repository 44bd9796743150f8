// The records: a list of rows of one height, of which only the visible ones exist.
import { el, dayNumber } from "./text.js";
import { Row } from "./row.js";

/** The records that the page keeps at most; a paused view may grow by `MORE`. */
export const CAP = 100_000;
export const MORE = 50_000;
const SLACK = 2_000;
const BEYOND = 12;
/** The time within which records of several senders are ordered, in milliseconds. */
const WINDOW = 100;

export class List {
  items = [];
  following = true;
  /** Paused by the button or key, not by scrolling. */
  paused = false;
  fresh = 0;
  dropped = 0;
  /** True while arriving records are shown: false for a range. */
  live = true;
  selected = null;
  words = null;

  #on;
  #root;
  #top = el("div", "row top");
  #sizer = el("div", "sizer");
  #rows = new Map();
  #free = [];
  #base = 0; // The number of items[0]: it goes up as old ones are dropped, down as older ones are found.
  #shift = 0;
  #revision = 0;
  #height = 0;
  #view = 0;
  #row = 22;
  #frame = 0;
  #scrolled = 0;
  #touched = false;
  #widths = { app: 3, host: 4, target: 6 };
  #hosts = new Set();

  constructor(root, on) {
    this.#root = root;
    this.#on = on;
    this.#top.setAttribute("role", "row");
    root.append(this.#sizer);
    this.#sizer.append(this.#top);
    this.#listen();
    new ResizeObserver(() => this.#measure()).observe(root);
  }

  get top() {
    return this.#top;
  }

  #measure() {
    this.#view = this.#root.clientHeight;
    const row = parseFloat(getComputedStyle(this.#root).getPropertyValue("--row")) || 22;
    if (row !== this.#row) {
      const first = this.#root.scrollTop / this.#row;
      this.#row = row;
      this.refresh();
      this.#paint();
      this.#root.scrollTop = first * row;
    }
    this.draw();
  }

  // ---- contents

  clear() {
    this.items = [];
    this.#base = 0;
    this.#shift = 0;
    this.fresh = 0;
    this.dropped = 0;
    this.selected = null;
    this.paused = false;
    this.following = true;
    this.refresh();
    this.#on.changed();
  }

  /** Appends a record; one that arrives a little late is inserted by its time. */
  push(item) {
    const { items } = this;
    let at = items.length;
    while (item.record && at > 0 && items.length - at < 64) {
      const before = items[at - 1];
      if (!before.record || before.t <= item.t || before.t - item.t > WINDOW || item.came - before.came > WINDOW) break;
      at--;
    }
    if (at === items.length) items.push(item);
    else items.splice(at, 0, item);
    if (item.record) {
      if (!this.following) this.fresh++;
      this.#widen(item.record);
    }
    if (items.length > CAP + SLACK + (this.following ? 0 : MORE)) this.#drop(items.length - CAP - (this.following ? 0 : MORE));
    this.draw();
  }

  /** Prepends older records, in the order of time. */
  prepend(older) {
    if (!older.length) return;
    this.items = older.concat(this.items);
    this.#base -= older.length;
    this.#shift += older.length;
    for (const item of older) this.#widen(item.record);
    this.draw();
  }

  /** Merges records of one of several collectors by time: those before its first one that is here, or those behind its last
   *  one. The order in which that collector has them stays. */
  merge(added, before) {
    if (!added.length) return;
    const { items } = this;
    const { source } = added[0];
    const seen = this.following ? 0 : this.#inSight()[0] + this.#shift;
    const mine = (item) => item.record && item.source === source;
    const end = before ? items.findIndex(mine) : items.length;
    const begin = before ? 0 : items.findLastIndex(mine) + 1;
    const rest = end < 0 ? items.length : end;
    const merged = items.slice(0, begin);
    let above = 0;
    let at = begin;
    for (const item of added) {
      while (at < rest && items[at].t <= item.t) merged.push(items[at++]);
      if (at <= seen) above++;
      merged.push(item);
      this.#widen(item.record);
    }
    this.items = merged.concat(items.slice(at));
    this.#base -= above;
    this.#shift += above;
    if (this.items.length > CAP + SLACK + MORE) this.#drop(this.items.length - CAP - MORE);
    this.draw();
  }

  /** Keeps only the newest records. */
  trim(most) {
    if (this.items.length > most) this.#drop(this.items.length - most);
  }

  #drop(many) {
    const gone = this.items.splice(0, many);
    this.dropped += gone.reduce((sum, item) => sum + (item.record ? 1 : 0), 0);
    this.#base += many;
    this.#shift -= many;
    if (gone.includes(this.selected)) this.selected = null;
    this.#on.changed();
  }

  #widen(record) {
    for (const name of ["app", "host", "target"]) {
      const length = Math.min(record[name]?.length ?? 0, 24);
      if (length > this.#widths[name]) {
        this.#widths[name] = length;
        this.#root.parentElement.style.setProperty(`--${name}`, `${length}ch`);
      }
    }
    if (record.host && this.#hosts.size < 2 && this.#hosts.add(record.host).size === 2) {
      this.#root.parentElement.classList.add("hosts");
    }
  }

  // ---- following and pausing

  hold(paused = false) {
    this.paused ||= paused;
    if (!this.following) return void this.#on.changed();
    this.following = false;
    this.fresh = 0;
    this.#on.changed();
  }

  follow() {
    this.following = true;
    this.paused = false;
    this.fresh = 0;
    if (this.items.length > CAP + SLACK) this.#drop(this.items.length - CAP);
    this.draw();
    this.#on.changed();
  }

  #listen() {
    const root = this.#root;
    root.addEventListener("wheel", (event) => event.deltaY < 0 && this.#scrollable() && this.hold(), { passive: true });
    root.addEventListener("touchstart", () => (this.#touched = true), { passive: true });
    for (const name of ["touchend", "touchcancel"]) {
      root.addEventListener(name, () => ((this.#touched = false), this.#settle()), { passive: true });
    }
    root.addEventListener("scroll", () => this.#settle(), { passive: true });
    root.addEventListener("click", (event) => this.#clicked(event));
  }

  #scrollable() {
    return this.#height > this.#view;
  }

  #settle() {
    const top = this.#root.scrollTop;
    // A window that has just grown scrolls before its new height is measured.
    const atEnd = top >= this.#height - this.#root.clientHeight - this.#row / 2;
    if (!atEnd && this.following && top < this.#scrolled - 2) this.hold();
    else if (atEnd && !this.following && !this.paused && top > this.#scrolled && !this.#touched) this.follow();
    this.#scrolled = top;
    this.draw();
  }

  #clicked(event) {
    const pick = event.target.closest(".pick")?.pick;
    if (pick) {
      this.#root.focus({ preventScroll: true });
      return void this.#on.picked(...pick);
    }
    const row = event.target.closest(".row")?.row;
    if (!row?.item || event.target.closest("button") || !getSelection().isCollapsed) return;
    if (row.item.record) {
      this.hold();
      this.select(row.item);
      this.#on.opened(row.item);
    }
  }

  // ---- selection

  select(item) {
    this.selected = item;
    this.refresh();
    this.#on.selected(item);
  }

  /** Selects the next or previous record; without a selection, the newest or the first visible one. */
  move(by) {
    const { items } = this;
    let at = items.indexOf(this.selected);
    if (at < 0) {
      by = this.following ? -1 : 1;
      at = this.following ? items.length : this.#inSight()[0] - 1;
    }
    do at += by;
    while (items[at] && !items[at].record);
    if (!items[at]) return;
    this.hold();
    this.select(items[at]);
    this.reveal(at);
  }

  reveal(at, middle = false) {
    this.#paint();
    const top = (at + 1) * this.#row;
    const root = this.#root;
    if (middle) root.scrollTop = top - this.#view / 2;
    else if (top < root.scrollTop + this.#row) root.scrollTop = top - this.#row;
    else if (top + this.#row > root.scrollTop + this.#view) root.scrollTop = top + this.#row - this.#view;
    this.draw();
  }

  oldest() {
    this.hold();
    // What was found just now has its place first, and does not move the view afterwards.
    this.#paint();
    this.#root.scrollTop = 0;
    const first = this.items.find((item) => item.record);
    if (first) this.select(first);
  }

  #inSight() {
    const top = this.#root.scrollTop;
    const last = this.items.length - 1;
    const clamp = (at) => Math.max(0, Math.min(last, at));
    return [clamp(Math.ceil(top / this.#row) - 1), clamp(Math.floor((top + this.#view) / this.#row) - 2)];
  }

  /** The times of the first and last visible record. */
  sight() {
    if (!this.items.length) return null;
    const [first, last] = this.#inSight();
    return [this.items[first].t, this.items[last].t];
  }

  // ---- drawing

  /** Draws before the next frame. */
  draw() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#paint();
    });
  }

  /** Draws every row again before the next frame. */
  refresh() {
    this.#revision++;
    this.draw();
  }

  #paint() {
    const root = this.#root;
    const count = this.items.length;
    const height = (count + 1) * this.#row;
    if (this.#shift > 0 || height > this.#height) this.#resize(height);
    if (this.#shift && !this.following) root.scrollTop += this.#shift * this.#row;
    this.#shift = 0;
    if (height < this.#height) this.#resize(height);
    if (this.following && !this.#touched) root.scrollTop = Math.max(0, height - this.#view);
    const top = root.scrollTop;
    this.#scrolled = top;

    const first = Math.max(0, Math.floor(top / this.#row) - 1 - BEYOND);
    const last = Math.min(count, Math.ceil((top + this.#view) / this.#row) + BEYOND);
    for (const [number, row] of this.#rows) {
      if (number >= this.#base + first && number < this.#base + last) continue;
      this.#rows.delete(number);
      row.hide();
      this.#free.push(row);
    }
    for (let at = first; at < last; at++) this.#place(at);
    if (this.#free.length > 60) for (const row of this.#free.splice(60)) row.element.remove();
    const chosen = this.selected && this.#rows.get(this.#base + this.items.indexOf(this.selected));
    if (chosen) root.setAttribute("aria-activedescendant", chosen.element.id);
    else root.removeAttribute("aria-activedescendant");
    root.setAttribute("aria-rowcount", String(count + 1));
    this.#on.drawn();
  }

  #resize(height) {
    this.#height = height;
    this.#sizer.style.height = `${height}px`;
  }

  #place(at) {
    const number = this.#base + at;
    let row = this.#rows.get(number);
    if (!row) {
      row = this.#free.pop() ?? this.#made();
      this.#rows.set(number, row);
    }
    const item = this.items[at];
    const newDay = at > 0 && dayNumber(item.t) !== dayNumber(this.items[at - 1].t);
    row.show(item, {
      y: (at + 1) * this.#row,
      index: at + 2,
      selected: item === this.selected,
      newDay,
      words: this.words,
      revision: this.#revision,
    });
  }

  #made() {
    const row = new Row();
    this.#sizer.append(row.element);
    return row;
  }
}
