// The details of one record.
import { $, cut, el, fullTime, hueOf, levelOf, LEVELS, pieces, scalar, show, spanText } from "./text.js";
import { filterOf, pick } from "./row.js";

const LONGEST = 65_536;
/** The time before and after a linked record that is shown with it, in milliseconds. */
const AROUND = 5000;

/** The address of a record: a narrow range around it, and its position. */
export function linkTo({ record, t }) {
  const query = new URLSearchParams({
    since: new Date(t - AROUND).toISOString(),
    until: new Date(t + AROUND).toISOString(),
  });
  if (record.at) query.set("at", record.at);
  const link = new URL(".", document.baseURI);
  link.search = query;
  return link.href;
}

/** Copies text to the clipboard, without a secure origin too. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const held = el("textarea", "vh");
    held.value = text;
    document.body.append(held);
    held.select();
    const done = document.execCommand("copy");
    held.remove();
    return done;
  }
}

function button(text, act) {
  const made = el("button", "", text);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

function copier(text, what) {
  const made = button(text, async () => {
    made.textContent = (await copy(what())) ? "Copied" : "Could not copy";
    setTimeout(() => (made.textContent = text), 1500);
  });
  return made;
}

/** Text of several lines; the end of a very long one is shown on demand. */
function block(text, cls, words) {
  const made = el("pre", cls, ...pieces(text.slice(0, LONGEST), words, true));
  if (text.length > LONGEST) {
    made.append(
      button(`… show all ${text.length} characters`, () => made.replaceChildren(...pieces(text, words, true))),
    );
  }
  return made;
}

/** A span of the chain; a click selects the records of it and of the spans within it. */
function spanRow(span, words) {
  const text = spanText(span);
  return typeof span?.id === "string" ? el("div", "", pick("mono", "f", `span=${span.id}`, text, words)) : el("div", "mono", ...pieces(text, words));
}

export class Detail {
  #panel = $("detail");
  #on;
  item = null;

  constructor(on) {
    this.#on = on;
    this.#panel.addEventListener("click", (event) => {
      const picked = event.target.closest(".pick")?.pick;
      if (picked) this.#on.picked(...picked);
    });
  }

  get open() {
    return !this.#panel.hidden;
  }

  close() {
    this.item = null;
    this.#panel.hidden = true;
    this.#panel.replaceChildren();
  }

  show(item, words) {
    this.item = item;
    const { record, source, t } = item;
    const level = LEVELS[levelOf(record)];
    const stored = { ...record };
    delete stored.at;
    if (source) stored.collector = source.base.origin;

    const close = button("×", () => this.#on.closed());
    close.className = "close";
    close.setAttribute("aria-label", "Close");
    const word = el("button", `pick level`, level);
    word.type = "button";
    word.pick = ["level", level.toLowerCase()];
    const head = el("header", level.toLowerCase(), word);
    if (record.app) {
      const app = pick("app", "app", record.app, record.app);
      app.style.setProperty("--hue", hueOf(record.app));
      head.append(app);
    }
    if (record.host) head.append(pick("host", "host", record.host, record.host));
    head.append(close);

    const link = el("a", "", "In context");
    link.href = linkTo(item);
    link.title = "All records around this one, without filters";
    const acts = el("p", "acts", copier("Copy JSON", () => JSON.stringify(stored)), copier("Copy link", () => linkTo(item)), link);

    const fields = el("dl");
    const add = (name, ...nodes) => fields.append(el("dt", "", ...pieces(name)), el("dd", "", ...nodes));
    add("time", el("span", "mono", fullTime(record.time, t)), el("span", "also", record.time));
    if (source) add("collector", el("span", "mono", ...pieces(source.base.origin)));
    for (const [key, value] of Object.entries(record.kv ?? {})) add(key, this.#value(key, value, words));
    if (Object.keys(record.kv ?? {}).length) fields.lastChild.classList.add("last-kv");
    if (record.target) add("target", pick("mono", "target", record.target, record.target));
    if (record.file) add("file", el("span", "mono", ...pieces(record.file + (record.line === undefined ? "" : `:${record.line}`))));
    if (Array.isArray(record.spans)) add("spans", ...record.spans.map((span) => spanRow(span, words)));
    if (record.recorded) add("recorded", el("span", "mono", "kept by the flight recorder, sent later"));
    for (const name of ["trace", "span"]) {
      if (typeof record[name] === "string") add(name, pick("mono", "f", `${name}=${record[name]}`, record[name]));
      else if (record[name] !== undefined) add(name, this.#plain(record[name]));
    }
    for (const name of ["thread", "pid", "peer"]) {
      if (record[name] !== undefined) add(name, this.#plain(record[name]));
    }
    if (record.truncated) add("truncated", el("span", "mono", `${record.truncated} bytes of the message were cut off`));
    if (record.lost) add("lost", el("span", "mono bad", `${record.lost} records were lost before this one`));
    const known = new Set(["app", "host", "pid", "peer", "time", "level", "target", "file", "line", "thread", "msg", "kv", "trace", "span", "spans", "recorded", "truncated", "lost", "at"]);
    for (const [name, value] of Object.entries(record)) if (!known.has(name)) add(name, this.#plain(value));
    if (record.at) add("position", el("span", "mono quiet", ...pieces(String(record.at))));

    this.#panel.replaceChildren(head, block(String(record.msg ?? ""), "message", words), acts, fields);
    this.#panel.scrollTop = 0;
    this.#panel.hidden = false;
  }

  #plain(value) {
    return scalar(value) ? el("span", "mono", ...pieces(show(value))) : block(show(value, 2), "value");
  }

  #value(key, value, words) {
    const text = show(value, 2);
    const filter = filterOf(key, value);
    if (filter === null || text.includes("\n") || text.length > 200) return block(text, "value", words);
    const made = pick("mono", "f", filter, "");
    made.replaceChildren(...pieces(cut(text, 400), words));
    made.title = "Filter by this";
    return made;
  }
}
