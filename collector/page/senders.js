// The senders, past and present, and their losses.
import { $, bytes, count, el, hueOf, pieces, span, textual } from "./text.js";
import { pick } from "./row.js";
import { own, senders } from "./stream.js";

const OPEN = 2000;
const CLOSED = 15_000;
const MOST = 500;

const at = (time) => (typeof time === "number" ? time : Date.parse(time));
const number = (value) => Number(value ?? 0);

/** True for the states of a connected sender. */
export const connected = (state) => /^(connected|open|live|active|sending)/i.test(state ?? "");
const bad = (state) => /broken|refused|crash|kill|lost/i.test(state ?? "");

export class Senders {
  /** The collectors that are asked. */
  sources = [own];
  #panel = $("senders");
  #on;
  #list = [];
  #timer = 0;
  #failed = [];

  constructor(on) {
    this.#on = on;
    this.#panel.addEventListener("click", (event) => {
      const picked = event.target.closest(".pick")?.pick;
      if (picked) this.#on.picked(...picked);
    });
    document.addEventListener("visibilitychange", () => document.hidden || this.load());
    this.load();
  }

  get #several() {
    return this.sources.length > 1;
  }

  get open() {
    return !this.#panel.hidden;
  }

  toggle(open = !this.open) {
    this.#panel.hidden = !open;
    $("senders-button").setAttribute("aria-pressed", String(open));
    if (open) {
      this.#draw();
      this.load();
    }
  }

  async load() {
    clearTimeout(this.#timer);
    if (!document.hidden) {
      const { sources } = this;
      const parts = await Promise.allSettled(sources.map((source) => senders(source)));
      const lists = parts.map(({ value }, at) => (Array.isArray(value) ? value.map((sender) => ({ ...textual(sender), collector: sources[at].name })) : []));
      // The senders of a collector that does not answer stay as they were.
      const away = (sender) => parts.some(({ reason }, at) => reason && sources[at].name === sender.collector);
      this.#list = [...lists.flat(), ...this.#list.filter(away)];
      this.#failed = parts.map(({ reason }, at) => reason && [sources[at].name, reason.message].filter(Boolean).join(": ")).filter(Boolean);
      this.#took();
      if (this.open) this.#draw();
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.load(), this.open ? OPEN : CLOSED);
  }

  #took() {
    const options = (name) =>
      [...new Set(this.#list.map((sender) => sender[name]).filter(Boolean))].sort().slice(0, MOST).map((value) => {
        const option = el("option");
        option.value = value;
        return option;
      });
    $("apps").replaceChildren(...options("app"));
    $("hosts").replaceChildren(...options("host"));
    const lost = this.#list.reduce((sum, sender) => sum + number(sender.lost), 0);
    const here = this.#list.filter((sender) => connected(sender.state)).length;
    const badge = $("senders-badge");
    badge.hidden = !this.#list.length;
    badge.textContent = lost ? `${here} · ${count(lost)} lost` : String(here);
    badge.className = lost ? "bad" : "";
  }

  #draw() {
    const close = el("button", "close", "×");
    close.type = "button";
    close.setAttribute("aria-label", "Close");
    close.addEventListener("click", () => this.#on.closed());
    const here = this.#list.filter((sender) => connected(sender.state)).length;
    const title = el("h2", "", "Senders", el("small", "", ` ${here} connected, ${this.#list.length} known`));
    const head = el("tr", "", ...["app", "host", ...(this.#several ? ["collector"] : []), "state", "last seen", "records", "bytes", "lost", "cut", "kind", "pid", "peer"].map((name) => el("th", `c-${name.replace(" ", "-")}`, name)));
    const order = [...this.#list].sort(
      (a, b) => connected(b.state) - connected(a.state) || at(b.last_seen) - at(a.last_seen) || 0,
    );
    const rows = order.slice(0, MOST).map((sender) => this.#row(sender));
    const table = el("table", "", el("thead", "", head), el("tbody", "", ...rows));
    const scroll = this.#panel.querySelector(".scroll");
    const [top, left] = [scroll?.scrollTop ?? 0, scroll?.scrollLeft ?? 0];
    const parts = [el("header", "", title, close)];
    for (const reason of this.#failed) parts.push(el("p", "bad", ...pieces(reason)));
    if (order.length > MOST) parts.push(el("p", "also", `Showing the ${MOST} seen last.`));
    const held = el("div", "scroll", table);
    this.#panel.replaceChildren(...parts, held);
    held.scrollTop = top;
    held.scrollLeft = left;
  }

  #row(sender) {
    const cell = (cls, ...nodes) => el("td", cls, ...nodes);
    const state = String(sender.state ?? "");
    const app = sender.app ? pick("app", "app", sender.app, sender.app) : "";
    if (sender.app) app.style.setProperty("--hue", hueOf(sender.app));
    const ago = at(sender.last_seen);
    const seen = cell("num", Number.isNaN(ago) ? "" : `${span(Date.now() - ago)} ago`);
    seen.title = `since ${sender.since ?? "?"}\nlast seen ${sender.last_seen ?? "?"}\nacknowledged up to ${sender.acked ?? "–"}`;
    const kind = connected(state) ? "on" : bad(state) ? "bad" : "off";
    return el(
      "tr",
      connected(state) ? "" : "gone",
      cell("", app),
      cell("", sender.host ? pick("host", "host", sender.host, sender.host) : ""),
      ...(this.#several ? [cell("", ...pieces(sender.collector))] : []),
      cell(`state ${kind}`, el("span", "dot"), ...pieces(state)),
      seen,
      cell("num", count(number(sender.records))),
      cell("num", bytes(number(sender.bytes))),
      cell(number(sender.lost) ? "num bad" : "num none", count(number(sender.lost))),
      cell(number(sender.truncated) ? "num warn" : "num none", count(number(sender.truncated))),
      cell("", ...pieces(String(sender.kind ?? ""))),
      cell("num", ...pieces(String(sender.pid ?? ""))),
      cell("mono", ...pieces(String(sender.peer ?? ""))),
    );
  }
}
