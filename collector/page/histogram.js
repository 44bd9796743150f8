// The number of records over time, stacked by level; dragging over it selects a range.
import { $, clock, count, dayNumber, dayOf, LEVELS, timeOf } from "./text.js";

const SVG = "http://www.w3.org/2000/svg";
const BAR = 7;
const [SECOND, MINUTE, HOUR, DAY] = [1000, 60_000, 3_600_000, 86_400_000];
const STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 15 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE,
  5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 7 * DAY, 30 * DAY, 365 * DAY,
];

/** The range of most of the times: a sender whose clock is years off must not flatten all the rest. */
function extent(items) {
  const every = Math.max(1, Math.floor(items.length / 2000));
  const times = [];
  for (let at = 0; at < items.length; at += every) if (items[at].record) times.push(items[at].t);
  times.push(...items.slice(-1).map((item) => item.t));
  times.sort((a, b) => a - b);
  if (!times.length) return null;
  const at = (part) => times[Math.round(part * (times.length - 1))];
  const [low, high] = [at(0.02), at(0.98)];
  const most = Math.max(high - low, SECOND);
  return [Math.max(times[0], low - most), Math.min(times[times.length - 1], high + most)];
}

export class Histogram {
  #plot = $("plot");
  #paths;
  #zoom;
  #from = 0;
  #to = 0;
  #step = 0;
  #bars = [];
  #drag = null;
  #width = 0;

  /** `zoom(from, to)` is called with the range that was dragged over. */
  constructor(zoom) {
    this.#zoom = zoom;
    const svg = this.#plot.querySelector("svg");
    this.#paths = LEVELS.map((level) => {
      const path = document.createElementNS(SVG, "path");
      path.setAttribute("class", level.toLowerCase());
      svg.append(path);
      return path;
    });
    this.#listen();
  }

  /** Counts anew; `range` is the range shown, or null for everything up to now. The time before the first of
   *  `items`, or before `loadedFrom`, is shown as not loaded, unless they are `complete`. */
  update(items, range, now, complete = true, loadedFrom = null) {
    this.#width = this.#plot.clientWidth;
    const seen = range ?? extent(items);
    if (!seen || !this.#width) return this.#clear();
    const [from, to] = range ?? [seen[0], now === null ? seen[1] : Math.max(seen[1], Math.min(now, seen[1] + 60 * MINUTE))];
    const most = Math.floor(this.#width / BAR);
    this.#step = STEPS.find((step) => (to - from) / step <= most - 1) ?? (to - from) / (most - 1);
    this.#from = Math.floor(from / this.#step) * this.#step;
    const bars = Math.floor((to - this.#from) / this.#step) + 1;
    this.#to = this.#from + bars * this.#step;
    this.#bars = Array.from({ length: bars }, () => new Uint32Array(LEVELS.length));
    const sums = new Uint32Array(LEVELS.length);
    for (const item of items) {
      if (!item.record) continue;
      const bar = this.#bars[Math.floor((item.t - this.#from) / this.#step)];
      if (!bar) continue;
      bar[item.level]++;
      sums[item.level]++;
    }
    this.#draw();
    this.#axis();
    const unread = $("unread");
    unread.hidden = complete || !items.length;
    unread.style.width = `${Math.max(0, Math.min(1, ((loadedFrom ?? items[0]?.t) - this.#from) / (this.#to - this.#from))) * 100}%`;
    const said = LEVELS.map((level, at) => sums[at] && `${count(sums[at])} ${level}`).filter(Boolean);
    this.#plot.setAttribute("aria-label", `${timeOf(this.#from, "s")} to ${timeOf(this.#to, "s")}: ${said.join(", ") || "no records"}`);
  }

  #clear() {
    for (const path of this.#paths) path.setAttribute("d", "");
    $("axis").replaceChildren();
    this.#bars = [];
    this.#to = this.#from;
    $("seen").hidden = true;
    $("unread").hidden = true;
    this.#plot.setAttribute("aria-label", "no records");
  }

  #draw() {
    const height = this.#plot.clientHeight;
    this.#plot.querySelector("svg").setAttribute("viewBox", `0 0 ${this.#width} ${height}`);
    const wide = this.#width / this.#bars.length;
    const highest = Math.max(1, ...this.#bars.map((bar) => bar.reduce((a, b) => a + b, 0)));
    const drawn = LEVELS.map(() => "");
    this.#bars.forEach((bar, at) => {
      let y = height;
      const [x, w] = [(at * wide).toFixed(2), Math.max(wide - (wide > 4 ? 1.5 : 0.5), 0.75).toFixed(2)];
      bar.forEach((number, level) => {
        if (!number) return;
        // A single error among thousands must still be seen.
        const tall = Math.max((number / highest) * (height - 3), level < 2 ? 2.5 : 1);
        y -= tall;
        drawn[level] += `M${x} ${Math.max(0, y).toFixed(2)}h${w}v${tall.toFixed(2)}h-${w}z`;
      });
    });
    this.#paths.forEach((path, level) => path.setAttribute("d", drawn[level]));
  }

  #axis() {
    const days = dayNumber(this.#from) !== dayNumber(this.#to - 1);
    // Times may be centuries apart: a clock is off, or a peer makes them up.
    const step = STEPS.find((wide) => (this.#to - this.#from) / wide <= this.#width / 85) ?? (this.#to - this.#from) / 4;
    const digits = step < SECOND ? "ms" : step < MINUTE ? "s" : "min";
    const zone = clock.utc ? 0 : new Date(this.#from).getTimezoneOffset() * MINUTE;
    const nodes = [];
    for (let t = Math.ceil((this.#from - zone) / step) * step + zone; t < this.#to; t += step) {
      const mark = document.createElement("span");
      mark.textContent = days ? `${dayOf(t).slice(4)} ${timeOf(t, "min")}` : timeOf(t, digits);
      const part = (t - this.#from) / (this.#to - this.#from);
      if (part * this.#width < 24 || (1 - part) * this.#width < 24) continue;
      mark.style.left = `${part * 100}%`;
      nodes.push(mark);
    }
    $("axis").replaceChildren(...nodes);
  }

  /** Marks the part that is visible in the list. */
  sight(times) {
    const seen = $("seen");
    const span = this.#to - this.#from;
    seen.hidden = !times || span <= 0;
    if (seen.hidden) return;
    const part = (t) => Math.max(0, Math.min(1, (t - this.#from) / span));
    const [low, high] = [part(Math.min(...times)), part(Math.max(...times))];
    seen.style.left = `${low * 100}%`;
    seen.style.width = `max(${(high - low) * 100}%, 3px)`;
  }

  // ---- pointer

  #timeAt(x) {
    return this.#from + (this.#to - this.#from) * Math.max(0, Math.min(1, x / this.#plot.clientWidth));
  }

  #listen() {
    const plot = this.#plot;
    const x = (event) => event.clientX - plot.getBoundingClientRect().left;
    plot.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !this.#bars.length) return;
      plot.setPointerCapture(event.pointerId);
      // The ends are held as times: what arrives meanwhile moves the axis.
      this.#drag = { x: x(event), from: this.#timeAt(x(event)), step: this.#step };
      $("tip").hidden = true;
    });
    plot.addEventListener("pointermove", (event) => {
      if (this.#drag) this.#show(x(event));
      else this.#tip(x(event));
    });
    plot.addEventListener("pointerleave", () => ($("tip").hidden = true));
    plot.addEventListener("pointercancel", () => this.cancel());
    plot.addEventListener("pointerup", (event) => {
      if (!this.#drag) return;
      const { x: began, from, step } = this.#drag;
      const to = this.#timeAt(x(event));
      this.cancel();
      if (Math.abs(x(event) - began) >= 4) return void this.#zoom(...[from, to].sort((a, b) => a - b));
      const bar = Math.floor((from - this.#from) / step) * step + this.#from;
      this.#zoom(bar, bar + step);
    });
  }

  get dragging() {
    return this.#drag !== null;
  }

  cancel() {
    this.#drag = null;
    $("drag").hidden = true;
  }

  #show(to) {
    const drag = $("drag");
    const width = this.#plot.clientWidth;
    const ends = [this.#drag.x, Math.max(0, Math.min(width, to))].sort((a, b) => a - b);
    drag.hidden = ends[1] - ends[0] < 4;
    drag.style.left = `${ends[0]}px`;
    drag.style.width = `${ends[1] - ends[0]}px`;
    drag.dataset.range = ends.map((end) => timeOf(this.#timeAt(end), this.#step < SECOND ? "ms" : "s")).join(" – ");
  }

  #tip(at) {
    const bar = this.#bars[Math.floor(((this.#timeAt(at) - this.#from) / (this.#to - this.#from)) * this.#bars.length)];
    const tip = $("tip");
    tip.hidden = !bar;
    if (!bar) return;
    const t = Math.floor((this.#timeAt(at) - this.#from) / this.#step) * this.#step + this.#from;
    const digits = this.#step < SECOND ? "ms" : "s";
    const said = LEVELS.map((level, index) => bar[index] && `${count(bar[index])} ${level.toLowerCase()}`).filter(Boolean);
    tip.textContent = `${dayOf(t)} ${timeOf(t, digits)}  ·  ${said.join(", ") || "none"}`;
    const half = tip.offsetWidth / 2 + 4;
    tip.style.left = `${Math.max(half, Math.min(this.#plot.clientWidth - half, at))}px`;
  }
}
