// One visible row: a record on one line, or a notice that cannot be mistaken for one.
import { clock, cut, el, fullTime, hueOf, levelOf, LEVELS, pieces, scalar, show, spanText, timeOf } from "./text.js";

const LONGEST = 1000;
const VALUE = 80;
const VALUES = 12;
/** The innermost spans that a row shows. */
const SPANS = 4;
let made = 0;

/** A value of a record that becomes a filter when it is clicked. */
export function pick(cls, field, value, text, words = null) {
  const button = el("button", `pick ${cls}`, ...pieces(cut(text, VALUE), words));
  button.type = "button";
  button.pick = [field, value];
  return button;
}

/** The same in a row, where the tab key does not stop. */
function quiet(button) {
  button.tabIndex = -1;
  return button;
}

/** The filter by one of a record's values, or null. */
export function filterOf(key, value) {
  return scalar(value) && !key.includes("=") ? `${key}=${show(value)}` : null;
}

/** A span in front of a message; a click selects its records. */
function spanCell(span, words) {
  const cell = typeof span?.id === "string" ? quiet(pick("in", "f", `span=${span.id}`, "")) : el("span", "in");
  cell.replaceChildren(el("bdi", "", ...pieces(cut(spanText(span), VALUE), words)), ":");
  return cell;
}

export class Row {
  element = el("div", "row");
  item = null;
  #y = -1;
  #drawn = "";

  constructor() {
    this.element.id = `row-${made++}`;
    this.element.row = this;
    this.element.setAttribute("role", "row");
  }

  hide() {
    this.element.hidden = true;
    this.item = null;
    this.#drawn = "";
  }

  show(item, { y, index, selected, newDay, words, revision }) {
    const { element } = this;
    if (y !== this.#y) {
      this.#y = y;
      element.style.transform = `translateY(${y}px)`;
    }
    const drawn = `${revision} ${selected} ${newDay} ${item.changed ?? 0}`;
    if (this.item === item && this.#drawn === drawn) return;
    element.hidden = false;
    this.item = item;
    this.#drawn = drawn;
    element.setAttribute("aria-rowindex", String(index));
    if (item.record) this.#record(item, words);
    else this.#notice(item);
    element.classList.toggle("selected", selected);
    element.classList.toggle("new-day", newDay);
    element.setAttribute("aria-selected", String(selected));
  }

  #notice({ notice, tone, t }) {
    const { element } = this;
    element.className = `row notice ${tone}`;
    const cell = el("span", "", el("span", "said", ...pieces(notice)), el("time", "", timeOf(t, "s")));
    cell.setAttribute("role", "gridcell");
    element.replaceChildren(cell);
  }

  #record({ record, source, t }, words) {
    const { element } = this;
    const level = LEVELS[levelOf(record)];
    const lost = record.lost > 0;
    element.className = `row record ${level.toLowerCase()}${lost ? " lost" : ""}${record.target === "netlog" ? " own" : ""}`;
    const time = el("span", "t", timeOf(t));
    time.title = `${record.time}\n${fullTime(record.time, t)}${clock.utc ? "  (local)" : ""}`;
    const app = record.app ? quiet(pick("app", "app", record.app, record.app)) : el("span", "app");
    if (record.app) app.style.setProperty("--hue", hueOf(record.app));
    const word = el("button", "pick level", level);
    word.type = "button";
    word.tabIndex = -1;
    word.pick = ["level", level.toLowerCase()];
    const cells = [
      ["time", time],
      ["level", word],
      ["app", app],
      ["host", record.host ? quiet(pick("host", "host", record.host, record.host)) : el("span", "host")],
      ...(source ? [["collector", el("span", "collector", ...pieces(source.name))]] : []),
      ["target", record.target ? quiet(pick("target", "target", record.target, record.target)) : el("span", "target")],
      ["message", this.#message(record, words)],
    ];
    const held = cells.map(([name, cell]) => {
      const box = el("span", `cell of-${name}`, cell);
      box.setAttribute("role", "gridcell");
      return box;
    });
    element.replaceChildren(...held);
  }

  #message(record, words) {
    const message = el("span", "msg");
    if (record.lost > 0) message.append(el("span", "badge bad", `${record.lost} lost`));
    if (Array.isArray(record.spans)) message.append(...record.spans.slice(-SPANS).map((span) => spanCell(span, words)));
    message.append(el("bdi", "", ...pieces(cut(String(record.msg ?? ""), LONGEST), words)));
    if (record.truncated > 0) message.append(el("span", "badge", `${record.truncated} bytes cut`));
    let shown = 0;
    for (const [key, value] of Object.entries(record.kv ?? {})) {
      if (shown++ === VALUES) {
        message.append(el("span", "kv", "…"));
        break;
      }
      const filter = filterOf(key, value);
      const name = el("span", "key", ...pieces(cut(key, VALUE)), "=");
      const pair = filter === null ? el("span", "kv") : quiet(pick("kv", "f", filter, ""));
      pair.replaceChildren(name, el("bdi", "", ...pieces(cut(show(value), VALUE), words)));
      message.append(pair);
    }
    return message;
  }
}
