// The filters: in the address, in the form, and in requests to the collector. The address decides.
import { $, cut, el, pieces } from "./text.js";

const FIELDS = ["grep", "v", "level", "app", "host", "target"];
/** Fields that take alternatives, separated by commas. */
const LISTS = ["app", "host"];
/** Filters by a field of the record's own that have a parameter of their own. */
const OWN = ["span", "trace"];
const OTHERS = ["since", "until", "n", "at"];
const BACKLOG = "2000";
const FROM_SINCE = "20000";

/** The filter of an address. */
export function read(query) {
  const asked = new URLSearchParams(query);
  const own = OWN.flatMap((name) => asked.getAll(name).map((id) => `${name}=${id}`));
  const filter = { f: [...asked.getAll("f").filter((pair) => pair.includes("=")), ...own] };
  for (const name of [...FIELDS, ...OTHERS]) filter[name] = asked.get(name) ?? "";
  for (const name of LISTS) filter[name] = asked.getAll(name).filter(Boolean).join(", ");
  filter.level = filter.level.toLowerCase();
  return filter;
}

/** The query of a filter. */
export function write(filter) {
  const query = new URLSearchParams();
  for (const name of [...FIELDS, ...OTHERS]) if (filter[name] && !LISTS.includes(name)) query.set(name, filter[name]);
  for (const name of LISTS) for (const one of filter[name].split(",")) if (one.trim()) query.append(name, one.trim());
  for (const pair of filter.f) {
    const own = ownOf(pair);
    if (own) query.append(own, pair.slice(own.length + 1));
    else query.append("f", pair);
  }
  return query;
}

const ownOf = (pair) => OWN.find((name) => pair.startsWith(`${name}=`));

/** The query for /tail. */
export function tailQuery(filter) {
  const query = write(filter);
  query.delete("at");
  if (!filter.n) query.set("n", filter.since ? FROM_SINCE : BACKLOG);
  return query;
}

/** The query for /search. */
export function searchQuery(filter, n, until = filter.until) {
  const query = write(filter);
  query.delete("at");
  query.set("order", "newest");
  query.set("n", n);
  if (until) query.set("until", until);
  return query;
}

/** True for a range of time, false for a live view. */
export const isRange = (filter) => filter.until !== "";

/** The number of active filters, the text not counted. */
export const active = (filter) => FIELDS.slice(1).filter((name) => filter[name]).length + filter.f.length;

const LENGTHS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Reads a time or an age, in milliseconds. */
export function timeOfWord(word, now = Date.now()) {
  const ago = /^(\d+)\s*([smhdw])$/.exec(word);
  return ago ? now - ago[1] * LENGTHS[ago[2]] : Date.parse(word);
}

/** The form and the chips. `changed(filter, how)` is called for every change by hand. */
export class Filters {
  #form = $("filters");
  #chips = $("chips");
  #changed;
  #filter = read("");
  #timer = 0;
  #typing = null;

  constructor(changed) {
    this.#changed = changed;
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    this.#form.addEventListener("input", (event) => this.#typed(event.target, event.target.tagName === "SELECT" ? 0 : 250));
    this.#form.addEventListener("change", (event) => this.#typed(event.target, 0));
    this.#form.addEventListener("focusout", () => (this.#typing = null));
    this.#form.addEventListener("keydown", (event) => event.key === "Enter" && this.#typed(event.target, 0));
  }

  get now() {
    return this.#filter;
  }

  /** Shows the filter of an address; with `anew`, in the field being edited too. */
  show(filter, anew) {
    this.#filter = filter;
    if (anew) {
      clearTimeout(this.#timer);
      this.#typing = null;
    }
    for (const name of FIELDS) {
      const field = this.#form.elements[name];
      if (document.activeElement === field && this.#typing === name) continue;
      if (name === "level") this.#level(field, filter.level);
      else field.value = filter[name];
      field.classList.toggle("set", filter[name] !== "");
    }
    this.#drawChips();
  }

  #level(field, level) {
    field.value = level === "trace" ? "" : level;
    if (field.selectedIndex < 0) field.value = "";
  }

  focus() {
    this.#form.elements.grep.focus();
    this.#form.elements.grep.select();
  }

  /** Toggles a filter by a clicked value. */
  pick(field, value) {
    const filter = { ...this.#filter, at: "" };
    if (field === "f" && ownOf(value) && !filter.f.includes(value)) {
      // All of a span or a trace: across apps, and whatever else was selected.
      const { since, until, n } = this.#filter;
      return this.#changed({ ...read(""), since, until, n, f: [value] }, "push");
    }
    if (field === "f") {
      filter.f = filter.f.includes(value) ? filter.f.filter((pair) => pair !== value) : [...filter.f, value];
    } else {
      // A comma would make two of it; for the collector, a question mark stands for any one character.
      const one = LISTS.includes(field) ? value.replaceAll(",", "?") : value;
      filter[field] = filter[field] === one ? "" : one;
    }
    this.#changed(filter, "push");
  }

  clear() {
    this.#typing = null;
    const { since, until, n } = this.#filter;
    this.#changed({ ...read(""), since, until, n }, "push");
  }

  #typed(field, wait) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const value = field.value;
      if (value === this.#filter[field.name]) return;
      // Continuous typing is one step in the history.
      const how = this.#typing === field.name ? "replace" : "push";
      if (field.tagName !== "SELECT" && document.activeElement === field) this.#typing = field.name;
      this.#changed({ ...this.#filter, at: "", [field.name]: value }, how);
    }, wait);
  }

  #drawChips() {
    const chips = this.#filter.f.map((pair) => {
      const [key, value] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
      const chip = el("button", "chip", el("span", "key", ...pieces(cut(key, 40)), "="), ...pieces(cut(value, 80)), el("span", "x", "×"));
      chip.type = "button";
      chip.title = "Remove this filter";
      chip.addEventListener("click", () => this.pick("f", pair));
      return chip;
    });
    if (chips.length) {
      const all = el("button", "chip quiet", "Clear filters");
      all.type = "button";
      all.addEventListener("click", () => this.clear());
      chips.push(all);
    }
    this.#chips.replaceChildren(...chips);
    this.#chips.hidden = chips.length === 0;
  }
}
