// The page: puts its parts together.
import { $, clock, count, bytes, cut, dayOf, el, pieces, timeOf, wordsOf } from "./text.js";
import { CAP, List, MORE } from "./list.js";
import { Detail } from "./detail.js";
import { active, Filters, isRange, read, timeOfWord, write } from "./filters.js";
import { Histogram } from "./histogram.js";
import { Senders } from "./senders.js";
import { Session } from "./session.js";
import { findSources } from "./sources.js";
import { own, token } from "./stream.js";
import { keys } from "./keys.js";
import { prepareTime } from "./time.js";

/** A following view that was hidden for longer loads the newest records, instead of all it has missed. */
const LONG_HIDDEN = 600_000;

let session = null;
let sources = [own];
let hiddenSince = Date.now();
let counted = 0;
let stale = true;

const list = new List($("list"), {
  changed: () => state(),
  drawn: () => {
    stale = true;
    sight();
    held();
  },
  picked: (field, value) => filters.pick(field, value),
  opened: (item) => detail.show(item, list.words),
  selected: (item) => detail.open && item.record && detail.show(item, list.words),
});
const detail = new Detail({ closed: () => closeDetail(), picked: (field, value) => filters.pick(field, value) });
const senders = new Senders({ closed: () => senders.toggle(false), picked: (field, value) => filters.pick(field, value) });
const filters = new Filters(go);
const histogram = new Histogram(zoom);

// ---- the address

/** Applies another filter: a step in the history, or the same step while typing. */
function go(filter, how) {
  const query = write(filter).toString();
  history[how === "replace" ? "replaceState" : "pushState"](null, "", query ? `?${query}` : "./");
  load(false);
}

/** Loads the view that the address describes. */
function load(anew = true) {
  const filter = read(location.search);
  filters.show(filter, anew);
  list.words = wordsOf(filter.grep);
  session?.stop();
  if (list.items.length) $("stream").classList.add("stale");
  closeDetail();
  session = new Session(filter, list, sources, () => state());
  const many = active(filter);
  $("filters-button").textContent = many ? `Filters · ${many}` : "Filters";
  state();
}

function zoom(from, to) {
  const at = (ms) => new Date(ms).toISOString();
  go({ ...filters.now, since: at(Math.floor(from)), until: at(Math.max(Math.ceil(to), Math.floor(from) + 1)), n: "", at: "" }, "push");
}

function backToLive() {
  if (!isRange(filters.now) && !filters.now.since) return;
  go({ ...filters.now, since: "", until: "", n: "", at: "" }, "push");
}

// ---- the state

const STATE_NAMES = {
  connecting: "connecting",
  live: "live",
  reconnecting: "reconnecting",
  refused: "rejected",
  paused: "paused",
  searching: "searching",
  found: "range",
  short: "incomplete",
};

function state() {
  if (!session) return;
  const range = isRange(filters.now);
  const held = !list.following && !range && session.state === "live";
  const shown = held ? "paused" : session.state;
  const now = $("state");
  if (session.state !== "connecting" && session.state !== "searching") $("stream").classList.remove("stale");
  if (now.dataset.state !== shown) {
    now.dataset.state = shown;
    $("state-word").textContent = STATE_NAMES[shown];
    $("said").textContent = STATE_NAMES[shown];
  }
  if (session.state === "reconnecting") now.title = session.problem;
  else if (session.state === "live") now.title = "";
  $("problem").hidden = !session.problem || !["refused", "short"].includes(session.state);
  $("problem").textContent = session.problem;
  document.querySelector("[name=grep]").setAttribute("aria-invalid", String(session.state === "refused"));
  if (session.state === "refused" && session.status === 401 && !$("token").open) $("token").showModal();
  const pause = $("pause-button");
  pause.hidden = range;
  pause.setAttribute("aria-pressed", String(!list.following));
  pause.textContent = list.following ? "Pause" : "Resume";
  const button = $("range-button");
  button.classList.toggle("set", range || filters.now.since !== "");
  button.textContent = rangeName();
  $("live-button").hidden = !range && !filters.now.since;
  more();
  absent();
  top();
  empty();
  permalink();
}

const tokenButton = el("button", "", "Enter token");
tokenButton.type = "button";
tokenButton.addEventListener("click", () => $("token").showModal());

/** One line for each of several collectors that does not take part. */
function absent() {
  const lines = session.absent.map(({ name, reason, status }) => {
    const line = el("p", "", el("b", "", ...pieces(name)), " ", ...pieces(cut(reason, 300)));
    return { line, token: status === 401 };
  });
  const node = $("absent");
  const text = lines.map(({ line }) => line.textContent).join("\n");
  if (node.dataset.text === text) return;
  node.dataset.text = text;
  node.hidden = !lines.length;
  lines.find(({ token }) => token)?.line.append(" ", tokenButton);
  node.replaceChildren(...lines.map(({ line }) => line));
}

function rangeName() {
  const { since, until } = filters.now;
  if (!until) return since ? `Live, from ${/^\d+\w$/.test(since) ? `${since} ago` : timeOf(timeOfWord(since), "s")}` : "Live";
  const [from, to] = [since && timeOfWord(since), timeOfWord(until)];
  const digits = to - from < 10_000 ? "ms" : "s";
  const day = dayOf(to) === dayOf(Date.now()) ? "" : `${dayOf(to).slice(4)} `;
  return `${day}${from ? timeOf(from, digits) : "…"} – ${timeOf(to, digits)}`;
}

/** The number beside the state: records a second, or records found. */
function more() {
  let text = "";
  if (session.state === "live") {
    const rate = session.rate();
    text = `${rate >= 10 ? count(Math.round(rate)) : rate.toFixed(1)}/s`;
  } else if (session.range !== null || isRange(filters.now)) {
    const records = list.items.length;
    text = `${count(records)} records`;
    $("state").title = session.end?.scanned ? `${bytes(session.end.scanned)} read, ${bytes(session.end.skipped ?? 0)} skipped` : "";
  }
  const node = $("state-more");
  if (node.textContent !== text) node.textContent = text;
}

const earlier = el("button", "", "");
earlier.type = "button";
earlier.addEventListener("click", () => session.earlier());
const cell = el("span", "", earlier);
cell.setAttribute("role", "gridcell");
list.top.append(cell);

/** The first row, which loads earlier records. */
function top() {
  const full = list.items.length >= CAP + MORE - 1;
  const dropped = list.dropped ? `${count(list.dropped)} older records were unloaded · ` : "";
  const words = () => {
    if (session.loading) return "loading …";
    if (!list.items.length) return "";
    if (full) return `this page holds at most ${count(list.items.length)} records; filter or zoom in to see older ones`;
    if (!session.older && !list.dropped) return "oldest record";
    return `${dropped}show earlier records`;
  };
  const text = words();
  if (earlier.textContent !== text) earlier.textContent = text;
  earlier.disabled = full || session.loading || (!session.older && !list.dropped);
  list.top.classList.toggle("said", list.dropped > 0);
}

function empty() {
  const node = $("empty");
  const done = session.caughtUp || ["found", "short", "reconnecting", "connecting"].includes(session.state);
  node.hidden = list.items.length > 0 || !done;
  if (node.hidden) return;
  const any = active(filters.now) > 0 || filters.now.grep !== "";
  const words = {
    connecting: "Connecting to the collector …",
    reconnecting: "The collector does not answer. Reconnecting …",
    live: any ? "Waiting for records. None match yet." : "Waiting for records. None have arrived yet.",
    found: any ? "No records in this range match." : "No records in this range.",
    short: "No records were found.",
  };
  node.querySelector("p").textContent = words[session.state] ?? "";
  node.querySelector("button").hidden = !any;
}

/** The button that leads back to the newest record. */
function held() {
  const pill = $("held");
  pill.hidden = list.following || isRange(filters.now);
  const fresh = count(list.fresh);
  const text = list.fresh ? `${fresh} new` : "";
  if ($("held-new").textContent !== text) $("held-new").textContent = text;
  const title = `${!pill.hidden && list.fresh ? `(${fresh}) ` : ""}netlog${filters.now.app ? ` · ${filters.now.app}` : ""}`;
  if (document.title !== title) document.title = title;
}

function sight() {
  const times = list.sight();
  histogram.sight(times);
  const text = times ? dayOf(times[0]) : "time";
  if ($("day").textContent !== text) $("day").textContent = text;
}

/** Shows a linked record once it is loaded. */
function permalink() {
  const { at } = filters.now;
  if (!at || session.linked || !["found", "short"].includes(session.state)) return;
  session.linked = true;
  const index = list.items.findIndex((item) => item.record?.at === at);
  if (index < 0) {
    $("problem").hidden = false;
    $("problem").textContent = "The linked record was not found: it may have been removed, or there are too many records around it.";
    return;
  }
  list.hold();
  list.select(list.items[index]);
  detail.show(list.items[index], list.words);
  requestAnimationFrame(() => list.reveal(index, true));
}

function closeDetail() {
  const inside = $("detail").contains(document.activeElement);
  detail.close();
  if (inside) $("list").focus({ preventScroll: true });
}

// ---- actions

function pause() {
  if (isRange(filters.now)) return;
  if (list.following) list.hold(true);
  else list.follow();
}

/** Closes the innermost thing that is open. */
function back() {
  if (histogram.dragging) histogram.cancel();
  else if (senders.open) senders.toggle(false);
  else if (detail.open) closeDetail();
  else if (list.selected) list.select(null);
  else if (!list.following && !isRange(filters.now)) list.follow();
}

function utc(on) {
  clock.utc = on;
  $("utc-button").setAttribute("aria-pressed", String(on));
  try {
    localStorage.setItem("netlog-utc", on ? "1" : "");
  } catch {
    // It holds for this visit, then.
  }
  list.refresh();
  counted = -1;
  if (session) state();
}

function theme() {
  const dark = getComputedStyle(document.documentElement).colorScheme === "dark"
    || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  const next = dark ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem("netlog-theme", next);
  } catch {
    // It holds for this visit, then.
  }
}

const live = el("button", "primary", "Back to live");
live.type = "button";
live.id = "live-button";
live.hidden = true;
live.addEventListener("click", backToLive);
$("range-button").after(live);

$("held").addEventListener("click", () => {
  list.follow();
  $("list").focus({ preventScroll: true });
});
// The pill lies over the list: scrolling there is meant for the list.
$("held").addEventListener("wheel", (event) => $("list").scrollBy({ top: event.deltaY }), { passive: true });
$("pause-button").addEventListener("click", pause);
$("utc-button").addEventListener("click", () => utc(!clock.utc));
$("theme-button").addEventListener("click", theme);
$("help-button").addEventListener("click", () => $("help").showModal());
$("senders-button").addEventListener("click", () => senders.toggle());
$("empty").querySelector("button").addEventListener("click", () => filters.clear());
$("filters-button").addEventListener("click", () => {
  const open = document.body.classList.toggle("filters-open");
  $("filters-button").setAttribute("aria-expanded", String(open));
});
$("home").addEventListener("click", (event) => {
  event.preventDefault();
  filters.clear();
  backToLive();
});
for (const button of document.querySelectorAll("dialog .close")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}
$("token-go").addEventListener("click", () => {
  token.set($("token-text").value);
  $("token").close();
  load();
});
prepareTime((range) => go({ ...filters.now, n: "", at: "", ...range }, "push"), () => filters.now);

keys({
  find: () => {
    filters.focus();
  },
  move: (by) => list.move(by),
  open: () => {
    if (list.selected?.record) detail.show(list.selected, list.words);
  },
  pause,
  oldest: () => list.oldest(),
  newest: () => (isRange(filters.now) ? list.reveal(list.items.length - 1) : list.follow()),
  senders: () => senders.toggle(),
  utc: () => utc(!clock.utc),
  live: backToLive,
  help: () => $("help").showModal(),
  back,
});

addEventListener("popstate", () => load());
document.addEventListener("visibilitychange", () => {
  if (document.hidden) hiddenSince = Date.now();
  else if (list.following && !isRange(filters.now) && Date.now() - hiddenSince > LONG_HIDDEN) load();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => list.refresh());
new ResizeObserver(() => (counted = -1)).observe($("plot"));

// The histogram follows a few times a second, not each frame; a live one moves on while nothing comes.
setInterval(() => {
  if (document.hidden || !session) return;
  more();
  absent();
  const now = performance.now();
  const moving = !isRange(filters.now) && session.state === "live";
  if (counted >= 0 && !stale && !(moving && now - counted > 1000)) return;
  if (counted >= 0 && now - counted < (list.items.length > 20_000 ? 1000 : 250)) return;
  counted = now;
  stale = false;
  const { loadedFrom } = session;
  const complete = loadedFrom === null && (session.range === null || !session.older);
  if (!histogram.dragging) histogram.update(list.items, session.range, moving ? Date.now() : null, complete, loadedFrom);
  histogram.sight(list.sight());
}, 100);

try {
  utc(localStorage.getItem("netlog-utc") === "1");
} catch {
  // Local time it is.
}
sources = await findSources();
if (sources.length > 1) {
  $("stream").classList.add("several");
  $("stream").style.setProperty("--collector", `${Math.max(9, ...sources.map(({ name }) => Math.min(name.length, 24)))}ch`);
  senders.sources = sources;
  senders.load();
}
load();
$("list").focus({ preventScroll: true });
