// Records as real programs make them, and as nobody should.

/** Numbers that look random and are the same each time. */
export function dice(seed) {
  let state = seed >>> 0;
  return (sides) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

const CLIENTS = ["acme", "globex", "initech", "umbrella", "hooli"];
export const BACKTRACE = `assertion failed: fills.len() <= order.lots
   0: rust_begin_unwind
             at /rustc/9fc6b431/library/std/src/panicking.rs:697:5
   1: core::panicking::panic_fmt
             at /rustc/9fc6b431/library/core/src/panicking.rs:75:14
   2: orders::fill::Book::settle
             at ./src/fill.rs:231:9
   3: orders::fill::run
             at ./src/fill.rs:142:13
   4: orders::main
             at ./src/main.rs:58:5`;

const KINDS = [
  [30, (d) => ["orders", "INFO", "orders::fill", "src/fill.rs", 142, `order ${d(90000)} filled`, { client: CLIENTS[d(5)], lots: d(40), us: 20 + d(900) }]],
  [26, (d) => ["gateway", "INFO", "gateway::http", "src/http.rs", 88, `${["GET", "GET", "POST"][d(3)]} /v1/${["orders", "quotes", "accounts"][d(3)]}/${d(9000)}`, { status: 200, ms: d(80), ip: `10.2.${d(9)}.${d(250)}` }]],
  [14, (d) => ["quotes", "DEBUG", "quotes::book", "src/book.rs", 301, `book of ${["ESZ6", "NQZ6", "CLF7"][d(3)]} at depth ${d(20)}`, { bid: 5990 + d(100) / 4, levels: d(12) }]],
  [9, (d) => ["billing", "INFO", "billing::invoice", "src/invoice.rs", 64, `invoice ${d(5000)} sent`, { client: CLIENTS[d(5)], amount: d(100000) / 100 }]],
  [7, (d) => ["quotes", "TRACE", "quotes::wire", "src/wire.rs", 19, `frame of ${d(1400)} bytes`, undefined]],
  [5, (d) => ["gateway", "WARN", "gateway::limit", "src/limit.rs", 33, `client over its limit, slowed down`, { client: CLIENTS[d(5)], rate: 100 + d(400) }]],
  [4, (d) => ["orders", "WARN", "orders::risk", "src/risk.rs", 77, `margin of ${CLIENTS[d(5)]} at ${80 + d(20)} %`, { limit: 80 }]],
  [2, (d) => ["billing", "ERROR", "billing::bank", "src/bank.rs", 210, `payment ${d(900)} refused by the bank`, { code: "AC04", retry: d(2) === 0, error: { kind: "closed_account", at: "bank" } }]],
  [1, () => ["orders", "ERROR", "orders::fill", "src/fill.rs", 231, "panicked at src/fill.rs:231:9", { backtrace: BACKTRACE }]],
];
const WHOLE = KINDS.reduce((sum, [weight]) => sum + weight, 0);

/** One record at `t`, milliseconds since 1970. */
export function record(d, t) {
  let at = d(WHOLE);
  const [, make] = KINDS.find(([weight]) => (at -= weight) < 0);
  const [app, level, target, file, line, msg, kv] = make(d);
  const host = `${["lon", "nyc"][d(2)]}-${1 + d(3)}`;
  return { app, host, pid: 4000 + app.length * 7 + host.length, peer: `10.0.0.${app.length}:51234`, time: time(t, d(1000)), level, target, file, line, thread: "main", msg, ...(kv && { kv }) };
}

/** The wire's time: UTC with microseconds. */
export const time = (t, micros = 0) => new Date(t).toISOString().replace("Z", `${String(micros).padStart(3, "0")}Z`);

/** `count` records that end now, `gap` milliseconds apart. */
export function history(count, { end = Date.now(), gap = 180, seed = 7 } = {}) {
  const d = dice(seed);
  return Array.from({ length: count }, (_, at) => record(d, end - (count - at) * gap));
}

/** What would run, load or break out if any of it were taken for markup. */
export const MARKUP = [
  `<img src=x onerror="window.__owned=1">`,
  `<script>window.__owned=1</script>`,
  `"><svg onload=window.__owned=1>`,
  `javascript:window.__owned=1`,
  `' onmouseover='window.__owned=1' x='`,
  `</pre></div><iframe srcdoc="<script>top.__owned=1</script>"></iframe>`,
  `<style>*{display:none}</style>`,
  `{{constructor.constructor('window.__owned=1')()}}`,
  "<a href=\"javascript:window.__owned=1\" id=list name=list>x</a>",
  `<base href="http://127.0.0.1:9/">`,
];

/** What would hide, reorder or break lines. */
export const HIDDEN = ["line one\nline two", "bell\u0007 back\b", "\u001b[31mred\u001b[0m", "safe\u202egpj.exe", "zero\u200bwidth", "\u2066iso\u2069", "nul\u0000", "\ud800 alone", "\u0085next"];

/** A record with `text` in every field that holds one. */
export function hostile(text, t) {
  return { app: text, host: text, pid: 1, peer: text, time: time(t), level: text, target: text, file: text, line: 1, thread: text, msg: text, kv: { [text]: text, nested: { [text]: [text] } }, span: text };
}
