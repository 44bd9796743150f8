// The appearance of strings and times. Nothing here, and nothing that uses it, interprets a string as markup.

/** An element with a class and children; strings become text. */
export function el(tag, cls, ...children) {
  const element = document.createElement(tag);
  if (cls) element.className = cls;
  element.append(...children);
  return element;
}

export const $ = (id) => document.getElementById(id);

// Colour codes of terminals as one; then everything that has no shape of its own, but for the two joiners that scripts
// and emoji need: controls, format characters (bidi among them), lone surrogates, line and paragraph separators.
const HIDDEN = /\x1b\[[0-9;:]{0,40}m|(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const PLAIN = /^[\x20-\x7e]*$/;

function shape(hidden) {
  const code = hidden.codePointAt(0);
  const name = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  let text = name;
  if (hidden === "\n") text = "⏎";
  else if (hidden === "\t") text = "⇥";
  else if (hidden.length > 2) text = "^[";
  else if (code < 0x20 || code === 0x7f) text = `^${String.fromCharCode(code ^ 0x40)}`;
  const mark = el("span", hidden.length > 2 ? "ctl sgr" : "ctl", text);
  mark.title = hidden.length > 2 ? `terminal colour ${hidden.slice(1)}` : name;
  return mark;
}

/** The pieces of `text`, as nodes: `words` marked, hidden characters made visible (`lines`: but for line ends and tabs). */
export function pieces(text, words = null, lines = false) {
  if (!words && PLAIN.test(text)) return [text];
  const nodes = [];
  let from = 0;
  for (const found of text.matchAll(HIDDEN)) {
    if (lines && (found[0] === "\n" || found[0] === "\t")) continue;
    if (found.index > from) marked(text.slice(from, found.index), words, nodes);
    nodes.push(shape(found[0]));
    from = found.index + found[0].length;
  }
  if (from < text.length) marked(text.slice(from), words, nodes);
  return nodes;
}

function marked(text, words, nodes) {
  if (!words) return void nodes.push(text);
  let from = 0;
  for (const found of text.matchAll(words)) {
    if (found.index > from) nodes.push(text.slice(from, found.index));
    nodes.push(el("mark", "", found[0]));
    from = found.index + found[0].length;
  }
  if (from < text.length) nodes.push(text.slice(from));
}

/** The expression to highlight for a filter. Only plain words and alternatives of them: a reader's regular expression could take
 *  for ever here, while at the collector it cannot. */
export function wordsOf(grep) {
  if (!grep || /[\\^$.*+?()[\]{}]/.test(grep)) return null;
  const words = grep.split("|").filter(Boolean);
  if (words.length === 0) return null;
  return new RegExp(words.join("|"), /\p{Lu}/u.test(grep) ? "gu" : "giu");
}

/** At most `most` units of `text`, never half a character. */
export function cut(text, most) {
  if (text.length <= most) return text;
  const end = /[\ud800-\udbff]/.test(text[most - 1]) ? most - 1 : most;
  return `${text.slice(0, end)}…`;
}

/** A number that JavaScript cannot hold, as it was written. */
class Exact {
  constructor(source) {
    this.source = source;
  }
  toString() {
    return this.source;
  }
  toJSON() {
    return JSON.rawJSON ? JSON.rawJSON(this.source) : this.source;
  }
}

/** JSON.parse that keeps whole numbers beyond 2^53 exact. */
export function parse(line) {
  if (!/\d{16}/.test(line)) return JSON.parse(line);
  return JSON.parse(line, (_key, value, context) =>
    typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value) && context?.source
      ? new Exact(context.source)
      : value,
  );
}

/** True for a value that is shown, and filtered by, as one word. */
export const scalar = (value) => value === null || typeof value !== "object" || value instanceof Exact;

/** A value as text: strings as they are, anything else as JSON. */
export function show(value, indent) {
  if (typeof value === "string") return value;
  if (value instanceof Exact) return value.source;
  try {
    return JSON.stringify(value, null, indent) ?? "";
  } catch {
    return "…"; // Nested too deeply.
  }
}

/** Fields that are texts, and fields that are one word, whatever a peer sends. */
const TEXTS = ["app", "host", "target", "time", "msg", "state"];
const WORDS = ["at", "file", "line", "lost", "truncated", "records", "bytes", "kind", "pid", "peer", "since", "last_seen", "acked"];

/** A record or sender of which no field can surprise the page. */
export function textual(value) {
  const made = Object(value);
  for (const name of TEXTS) if (made[name] !== undefined && typeof made[name] !== "string") made[name] = show(made[name]);
  for (const name of WORDS) if (!scalar(made[name])) made[name] = show(made[name]);
  return made;
}

/** A span with its values, which other loggers write beside its name: `request{id=7}`. */
export function spanText(span) {
  const { name, id, kv, ...others } = Object(span);
  const values = Object.entries({ ...Object(kv), ...others }).map(([key, value]) => `${key}=${show(value)}`);
  return show(name ?? "") + (values.length ? `{${values.join(" ")}}` : "");
}

export const LEVELS = ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"];

/** The index of a level, worst first; anything else counts as INFO. */
export function levelOf(record) {
  const at = LEVELS.indexOf(record.level);
  return at < 0 ? 2 : at;
}

// Hues that are neither the red of errors nor the amber of warnings.
const HUES = [112, 150, 195, 232, 264, 295, 325, 352];

/** The hue of an app: the same on every page and every day. */
export function hueOf(name) {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return HUES[((hash ^ (hash >>> 16)) >>> 0) % HUES.length];
}

export const clock = { utc: false };

const two = (number) => String(number).padStart(2, "0");
const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function parts(ms) {
  const date = new Date(clock.utc ? ms : ms - new Date(ms).getTimezoneOffset() * 60_000);
  return Number.isNaN(date.getTime()) ? null : date;
}

/** Time of day, with milliseconds, seconds or minutes as its last digits. */
export function timeOf(ms, digits = "ms") {
  const date = parts(ms);
  if (!date) return "--:--:--";
  const minutes = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;
  if (digits === "min") return minutes;
  const seconds = `${minutes}:${two(date.getUTCSeconds())}`;
  return digits === "s" ? seconds : `${seconds}.${String(date.getUTCMilliseconds()).padStart(3, "0")}`;
}

/** The day, such as Sun 22 Nov. */
export function dayOf(ms) {
  const date = parts(ms);
  return date ? `${DAYS[date.getUTCDay()]} ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}` : "";
}

/** A number that changes with the day. */
export function dayNumber(ms) {
  return Math.floor((clock.utc ? ms : ms - new Date(ms).getTimezoneOffset() * 60_000) / 86_400_000);
}

/** A record's time in full, local with its zone. */
export function fullTime(time, ms) {
  const offset = -new Date(ms).getTimezoneOffset();
  const local = new Date(ms + offset * 60_000);
  // The zone may move it out of the range of dates.
  if (Number.isNaN(local.getTime())) return time;
  const date = local.toISOString().slice(0, 10);
  const fraction = /\.(\d+)/.exec(time)?.[1] ?? "";
  const held = clock.utc;
  clock.utc = false;
  const clockTime = timeOf(ms, "s");
  clock.utc = held;
  const zone = `${offset < 0 ? "-" : "+"}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
  return `${date} ${clockTime}${fraction && `.${fraction}`} ${zone}`;
}

export const count = (number) => Number(number).toLocaleString("en");

export function bytes(number) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  while (number >= 1000 && at < units.length - 1) {
    number /= 1000;
    at++;
  }
  return `${at && number < 10 ? number.toFixed(1) : Math.round(number)} ${units[at]}`;
}

/** A duration. */
export function span(ms) {
  if (ms < 1000) return `${Math.max(0, Math.round(ms / 100) / 10)} s`;
  if (ms < 60_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} d`;
}
