// Requests to a collector: tails, which resume where they ended, and searches.
import { parse } from "./text.js";

/** The collector that the page is from. */
export const own = { name: "", base: new URL(".", document.baseURI), peer: false };

/** The longest line, and the longest answer that comes at once. What peers send is not trusted. */
const LONGEST = 1 << 24;

export class Refused extends Error {
  constructor(status, problem) {
    super(problem.error);
    this.status = status;
    this.allowed = [problem.allowed].flat().filter((name) => typeof name === "string");
  }
}

/** The token entered by the user, kept as long as this tab. */
export const token = {
  get: () => sessionStorage.getItem("netlog-token"),
  set: (text) => sessionStorage.setItem("netlog-token", text),
};

/** Asks a collector. A peer gets no cookies, and cannot send the page elsewhere. */
export async function ask(source, path, query, accept, signal) {
  const headers = { accept };
  if (token.get()) headers.authorization = `Bearer ${token.get()}`;
  const url = new URL(path, source.base);
  url.search = query;
  const options = source.peer ? { credentials: "omit", redirect: "error" } : {};
  const response = await fetch(url, { headers, signal, cache: "no-store", ...options }).catch((error) => {
    if (!source.peer || signal?.aborted) throw error;
    throw new TypeError("it does not answer, or its --http-origin does not allow this page");
  });
  if (response.ok) {
    if (response.headers.get("content-type")?.startsWith(accept)) return response;
    response.body?.cancel();
    throw new Error("the answer is not a collector's");
  }
  const problem = await json(response).catch(() => null);
  throw new Refused(response.status, typeof problem?.error === "string" ? problem : { error: `unexpected HTTP status ${response.status}` });
}

async function* chunksOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let complete = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      complete = done;
      if (done) return;
      yield value;
    }
  } finally {
    if (!complete) reader.cancel().catch(() => {});
  }
}

async function* linesOf(response) {
  let rest = "";
  for await (const chunk of chunksOf(response)) {
    const lines = chunk.split("\n");
    lines[0] = rest + lines[0];
    rest = lines.pop();
    if (rest.length > LONGEST) throw new Error("a line of the answer is too long");
    yield lines;
  }
}

/** The value of an answer that comes at once. */
export async function json(response) {
  let text = "";
  for await (const chunk of chunksOf(response)) {
    text += chunk;
    if (text.length > LONGEST) throw new Error("the answer is too long");
  }
  return JSON.parse(text);
}

export async function senders(source) {
  return json(await ask(source, "senders", "", "application/json"));
}

const numeric = (value) => (typeof value === "number" ? value : 0);

/** Searches; `found` receives the records in batches. Returns the bytes read and skipped and the pieces that could not be read, or null
 *  if the response is incomplete. */
export async function search(source, query, found, signal) {
  const response = await ask(source, "search", query, "application/x-ndjson", signal);
  let left = Number(query.get("n"));
  for await (const lines of linesOf(response)) {
    const records = [];
    let end = null;
    for (const line of lines) {
      if (!line) continue;
      const record = Object(parse(line));
      if (record.notice === "end") end = record;
      else if (!record.notice) records.push(record);
    }
    left -= records.length;
    if (left < 0) throw new Error("it sent more records than it was asked for");
    if (records.length) found(records);
    if (end) return { scanned: numeric(end.scanned), skipped: numeric(end.skipped), unreadable: numeric(end.unreadable) };
  }
  return null;
}

const FIRST_WAIT = 250;
const LONGEST_WAIT = 5000;

const SILENT = 45_000;

/** Aborts a connection that is dead though nobody closed it: a collector that has sent a keep-alive comment must continue
 *  to send them. Resuming where the tail ended loses nothing. */
class Silence {
  #dead = new AbortController();
  #heard = Date.now();
  #timer = 0;
  signal = this.#dead.signal;

  heard() {
    this.#heard = Date.now();
  }

  expected() {
    this.#timer ||= setInterval(() => Date.now() - this.#heard > SILENT && this.#dead.abort(), 5000);
  }

  end() {
    clearInterval(this.#timer);
  }
}

/** Resolves once somebody sees the page. */
const visible = (signal) =>
  new Promise((seen) => {
    const check = () => (!document.hidden || signal.aborted) && (done.abort(), seen());
    const done = new AbortController();
    document.addEventListener("visibilitychange", check, { signal: done.signal });
    signal.addEventListener("abort", check, { signal: done.signal });
    check();
  });

/** A tail that reconnects for ever: calls `open`, `record`, `notice`, `lost` and `refused` of `on`. A hidden tab disconnects,
 *  for a browser opens only six connections to a host, and resumes where it was once it is visible. */
export class Tail {
  #source;
  #query;
  #on;
  #ended = new AbortController();
  #cursor = null;
  #wake = null;

  constructor(source, query, on) {
    this.#source = source;
    this.#query = query;
    this.#on = on;
    addEventListener("online", () => this.#wake?.(), { signal: this.#ended.signal });
    this.#run();
  }

  end() {
    this.#ended.abort();
    this.#wake?.();
  }

  async #run() {
    const { signal } = this.#ended;
    let wait = FIRST_WAIT;
    for (;;) {
      await visible(signal);
      if (signal.aborted) return;
      let reason = "the collector closed the connection";
      try {
        await this.#read(() => (wait = FIRST_WAIT));
      } catch (error) {
        if (signal.aborted) return;
        if (document.hidden) continue;
        reason = error.message;
        const ours = error instanceof Refused && error.status >= 400 && error.status < 500;
        if (ours && error.status !== 408 && error.status !== 429) return void this.#on.refused(error);
      }
      if (signal.aborted) return;
      this.#on.lost(reason);
      await new Promise((wake) => {
        this.#wake = wake;
        setTimeout(wake, wait * (0.75 + Math.random() / 2));
      });
      wait = Math.min(wait * 2, LONGEST_WAIT);
    }
  }

  async #read(opened) {
    const query = new URLSearchParams(this.#query);
    if (this.#cursor) {
      query.delete("n");
      query.delete("since");
      query.set("after", this.#cursor);
    }
    const silence = new Silence();
    const hidden = new AbortController();
    const done = new AbortController();
    const hide = () => document.hidden && hidden.abort();
    document.addEventListener("visibilitychange", hide, { signal: done.signal });
    const signal = AbortSignal.any([this.#ended.signal, silence.signal, hidden.signal]);
    try {
      const response = await ask(this.#source, "tail", query, "text/event-stream", signal);
      this.#on.open();
      await this.#listen(response, silence, opened);
    } finally {
      done.abort();
      silence.end();
    }
  }

  async #listen(response, silence, opened) {
    let event = { kind: "", id: null, data: "" };
    for await (const lines of linesOf(response)) {
      if (this.#ended.signal.aborted) return;
      opened();
      silence.heard();
      for (const raw of lines) {
        const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
        if (line === "") {
          if (event.data) this.#take(event);
          event = { kind: "", id: null, data: "" };
        } else if (line.startsWith("data:")) {
          event.data += (event.data && "\n") + line.slice(line[5] === " " ? 6 : 5);
          if (event.data.length > LONGEST) throw new Error("an event is too long");
        } else if (line.startsWith("event:")) {
          event.kind = line.slice(6).trim();
        } else if (line.startsWith("id:")) {
          event.id = line.slice(3).trim();
        } else if (line.startsWith(":")) {
          silence.expected();
        }
      }
    }
  }

  #take({ kind, id, data }) {
    let value;
    try {
      value = Object(parse(data));
    } catch {
      return;
    }
    if (kind === "notice" || value.notice) {
      this.#on.notice(value);
    } else {
      if (id && value.at === undefined) value.at = id;
      this.#on.record(value);
    }
    const cursor = id || value.at;
    if (cursor) this.#cursor = cursor;
  }
}
