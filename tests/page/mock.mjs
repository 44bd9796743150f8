// Stands in for a collector: serves the page and the interface it reads, from records held in memory.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { dice, history, record } from "./records.mjs";

const PAGE = new URL("../../collector/page/", import.meta.url);
const TYPES = { html: "text/html; charset=utf-8", css: "text/css; charset=utf-8", js: "text/javascript; charset=utf-8" };
const csp = (peers) => `default-src 'none'; script-src 'self'; style-src 'self'; connect-src ${["'self'", ...peers].join(" ")}; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"];
const LENGTHS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

class Wrong extends Error {
  constructor(error, allowed) {
    super(error);
    this.allowed = allowed;
  }
}

function when(word) {
  const ago = /^(\d+)([smhd])$/.exec(word);
  const t = ago ? Date.now() - ago[1] * LENGTHS[ago[2]] : Date.parse(word);
  if (Number.isNaN(t)) throw new Wrong(`${word} is not a time`, ["RFC 3339", "10m"]);
  return t;
}

function pattern(text) {
  try {
    return new RegExp(text, /[A-Z]/.test(text) ? "u" : "iu");
  } catch {
    throw new Wrong(`regex parse error:\n    ${text}\n    ^\nunclosed group`);
  }
}

/** The filter grammar; the value is a function of a record. */
function filterOf(query) {
  const tests = [];
  const level = query.get("level");
  if (level) {
    const least = LEVELS.indexOf(level.toUpperCase());
    if (least < 0) throw new Wrong(`no level is called ${level}`, LEVELS);
    tests.push((r) => LEVELS.indexOf(r.level) >= least);
  }
  for (const name of ["app", "host"]) if (query.get(name)) tests.push((r) => r[name] === query.get(name));
  if (query.get("target")) tests.push((r) => r.target?.startsWith(query.get("target")));
  const text = (r) => `${r.msg} ${Object.entries(r.kv ?? {}).map(([k, v]) => `${k}=${typeof v === "string" ? v : JSON.stringify(v)}`).join(" ")}`;
  if (query.get("grep")) {
    const wanted = pattern(query.get("grep"));
    tests.push((r) => wanted.test(text(r)));
  }
  if (query.get("v")) {
    const unwanted = pattern(query.get("v"));
    tests.push((r) => !unwanted.test(text(r)));
  }
  for (const pair of query.getAll("f")) {
    const [key, value] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
    tests.push((r) => r.kv && Object.hasOwn(r.kv, key) && String(r.kv[key]) === value);
  }
  const span = query.get("span");
  if (span) tests.push((r) => r.span === span || r.spans?.some(({ id }) => id === span));
  if (query.get("trace")) tests.push((r) => r.trace === query.get("trace"));
  if (query.get("since")) {
    const since = when(query.get("since"));
    tests.push((r) => Date.parse(r.time) >= since);
  }
  if (query.get("until")) {
    const until = when(query.get("until"));
    tests.push((r) => Date.parse(r.time) <= until);
  }
  return (r) => tests.every((test) => test(r));
}

export class Mock {
  records = [];
  senders = [];
  /** Other collectors that the page reads, and the origins of pages that may read this one. */
  peers = [];
  origins = [];
  /** Every request for data, to be looked at by tests. */
  asked = [];
  token = null;
  /** Answers requests for data in its place, if set. */
  answer = null;
  #server = null;
  #tails = new Set();
  #port = 0;

  get base() {
    return `http://127.0.0.1:${this.#port}/`;
  }

  get origin() {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start(port = this.#port) {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error) => {
        const status = error instanceof Wrong ? 400 : 500;
        response.writeHead(status, { "content-type": "application/json" });
        response.end(JSON.stringify({ error: error.message, allowed: error.allowed }));
      });
    });
    await new Promise((done) => this.#server.listen(port, "127.0.0.1", done));
    this.#port = this.#server.address().port;
  }

  /** Goes away at once, in the middle of whatever was said. */
  async stop() {
    this.#tails.clear();
    const closed = new Promise((done) => this.#server.close(done));
    this.#server.closeAllConnections();
    await closed;
  }

  put(...records) {
    for (const added of records) {
      this.records.push(added);
      for (const tail of this.#tails) tail(added, this.records.length - 1);
    }
  }

  notice(value) {
    for (const tail of this.#tails) tail(null, 0, value);
  }

  async #answer(request, response) {
    const url = new URL(request.url, this.base);
    const { pathname, searchParams: query } = url;
    response.setHeader("content-security-policy", csp(this.peers));
    response.setHeader("x-content-type-options", "nosniff");
    response.setHeader("cache-control", "no-store");
    if (pathname === "/") return this.#file("index.html", response);
    if (pathname.startsWith("/page/") && !pathname.includes("..")) return this.#file(pathname.slice(6), response);
    if (pathname === "/peers") {
      response.writeHead(200, { "content-type": "application/json" });
      return response.end(JSON.stringify(this.peers.map((url) => ({ name: url.split("/")[2], url }))));
    }
    if (this.origins.includes(request.headers.origin)) response.setHeader("access-control-allow-origin", request.headers.origin);
    if (request.method === "OPTIONS") {
      response.setHeader("access-control-allow-headers", "authorization");
      return response.writeHead(204).end();
    }
    this.asked.push({ path: pathname, query, headers: request.headers });
    if (this.answer) return this.answer(request, response);
    if (this.token && request.headers.authorization !== `Bearer ${this.token}`) {
      response.writeHead(401, { "content-type": "application/json" });
      return response.end(JSON.stringify({ error: "a token is needed" }));
    }
    if (pathname === "/tail") return this.#tail(request, response, query);
    if (pathname === "/search") return this.#search(response, query);
    if (pathname === "/senders") {
      response.writeHead(200, { "content-type": "application/json" });
      return response.end(JSON.stringify(this.senders));
    }
    response.writeHead(404, { "content-type": "application/json" });
    response.end(JSON.stringify({ error: "no such place" }));
  }

  async #file(name, response) {
    const text = await readFile(new URL(name, PAGE)).catch(() => null);
    response.writeHead(text ? 200 : 404, { "content-type": TYPES[name.split(".").pop()] ?? "text/plain" });
    response.end(text ?? "");
  }

  #tail(request, response, query) {
    const matches = filterOf(query);
    const after = query.get("after") ?? request.headers["last-event-id"];
    let backlog = [];
    if (after) {
      for (let at = Number(after.slice(2)) + 1; at < this.records.length; at++) backlog.push(at);
      backlog = backlog.filter((at) => matches(this.records[at]));
    } else {
      const most = Number(query.get("n") ?? 10);
      for (let at = this.records.length - 1; at >= 0 && backlog.length < most; at--) if (matches(this.records[at])) backlog.push(at);
      backlog.reverse();
    }
    response.writeHead(200, { "content-type": "text/event-stream", "x-accel-buffering": "no" });
    const said = (at) => `id: 1-${at}\ndata: ${JSON.stringify({ ...this.records[at], at: `1-${at}` })}\n\n`;
    response.write(`${backlog.map(said).join("")}event: notice\ndata: {"notice":"live"}\n\n`);
    const tail = (added, at, notice) => {
      if (notice) response.write(`event: notice\ndata: ${JSON.stringify(notice)}\n\n`);
      else if (matches(added)) response.write(said(at));
    };
    this.#tails.add(tail);
    response.on("close", () => this.#tails.delete(tail));
  }

  async #search(response, query) {
    const matches = filterOf(query);
    const most = Number(query.get("n") ?? 1000);
    const newest = (query.get("order") ?? "newest") === "newest";
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    let [found, scanned] = [0, 0];
    for (let step = 0; step < this.records.length && found < most && !response.destroyed; step++) {
      const at = newest ? this.records.length - 1 - step : step;
      scanned += 200;
      if (!matches(this.records[at])) continue;
      found++;
      response.write(`${JSON.stringify({ ...this.records[at], at: `1-${at}` })}\n`);
      if (found % 500 === 0) await new Promise(setImmediate);
    }
    response.end(`${JSON.stringify({ notice: "end", matched: found, scanned, skipped: 0, unreadable: this.unreadable || undefined })}\n`);
  }
}

/** Senders as they might be, for the records of `history`. */
export function sendersOf(records) {
  const found = new Map();
  for (const { app, host, pid, peer, time } of records) {
    const key = `${app} ${host}`;
    const sender = found.get(key) ?? { app, host, pid, peer, kind: "netlog", since: time, last_seen: time, records: 0, bytes: 0, acked: 0, lost: 0, truncated: 0, state: "connected" };
    Object.assign(sender, { last_seen: time, records: sender.records + 1, bytes: sender.bytes + 214, acked: sender.records + 1 });
    found.set(key, sender);
  }
  const all = [...found.values()];
  if (all.length > 8) {
    Object.assign(all[2], { state: "crashed: SIGSEGV", lost: 12 });
    Object.assign(all[5], { state: "ended", truncated: 3 });
    Object.assign(all[7], { kind: "syslog", acked: undefined, pid: undefined });
  }
  return all;
}

// By itself it is something to look at: thousands of records, and more all the time.
if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const mock = new Mock();
  mock.records = history(6000);
  mock.senders = sendersOf(mock.records);
  await mock.start(Number(process.argv[2] ?? 1903));
  const d = dice(99);
  setInterval(() => mock.put(record(d, Date.now())), 120);
  console.log(mock.base);
}
