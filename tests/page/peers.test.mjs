// The page of a collector that has peers: with mocks, or with collectors.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { EITHER, launch, MOCK_ONLY, PATIENCE, results } from "./browser.mjs";
import { Collector } from "./collector.mjs";
import { Mock } from "./mock.mjs";
import { dice, history, record, time } from "./records.mjs";

const program = process.env.NETLOG_COLLECTOR;
const d = dice(3);
const now = (change = {}) => ({ ...record(d, Date.now()), ...change });

let browser;
let page;
let troubles;
/** Collectors to be stopped behind a test. */
let running = [];

before(async () => (browser = await launch()));
after(() => browser.close());

const holds = (name, options, body) =>
  test(name, { timeout: 5 * PATIENCE, ...options }, async () => {
    try {
      await body();
      assert.deepEqual(troubles, []);
    } finally {
      await page?.context().close();
      for (const one of running.splice(0)) await (one.end ?? one.stop).call(one);
    }
  });

/** A collector whose page reads another one, which allows it. */
async function two() {
  const make = () => (program ? new Collector(program) : new Mock());
  const [first, second] = [make(), make()];
  running = [first, second];
  if (program) {
    await second.start();
    await first.start("--peers", second.origin);
    await second.stop();
    await second.start("--http-origin", first.origin);
  } else {
    await first.start(0);
    await second.start(0);
    // Its own address is skipped: all may have the same list.
    first.peers = [first.origin, second.origin];
    second.origins = [first.origin];
  }
  return [first, second];
}

async function open(collector, query = "") {
  page = await browser.newPage({ viewport: { width: 1300, height: 800 }, timezoneId: "Europe/Berlin" });
  page.setDefaultTimeout(PATIENCE);
  troubles = [];
  page.on("pageerror", (error) => troubles.push(String(error)));
  page.on("console", (message) => {
    if (/Content Security Policy|violates/i.test(message.text())) troubles.push(message.text());
  });
  page.on("dialog", (dialog) => (troubles.push(`dialog ${dialog.message()}`), dialog.dismiss()));
  await page.goto(collector.base + query);
}

const row = (text) => page.locator(".row:not([hidden])", { hasText: text });
const shows = (text) => row(text).first().waitFor();
const absent = (collector) => page.locator("#absent p", { hasText: collector.origin.slice(7) });
/** Messages and collectors of the rows, from the first to the last. */
const rows = () =>
  page.evaluate(() =>
    [...document.querySelectorAll(".row.record:not([hidden])")]
      .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
      .map((row) => `${row.querySelector(".msg bdi").innerText} ${row.querySelector(".of-collector").innerText}`),
  );

const put = (collector, ...records) => (program ? collector.put(records) : collector.put(...records));

holds("the page shows the records of its peers, each marked with its collector, and resumes after one was away", EITHER, async () => {
  const [first, second] = await two();
  const [a, b] = [first, second].map(({ origin }) => origin.slice(7));
  const app = `peers${Date.now()}`;
  const t = Date.now() - 60_000;
  const at = (ms, msg) => now({ app, msg, time: time(t + ms) });
  await put(first, at(0, "one"), at(4000, "three"));
  await put(second, at(2000, "two"), at(6000, "four"));
  await open(first, `?app=${app}`);
  for (const msg of ["one", "two", "three", "four"]) await shows(msg);
  const stored = [`one ${a}`, `two ${b}`, `three ${a}`, `four ${b}`];
  assert.deepEqual(await rows(), stored, "in the order of time");

  await put(second, now({ app, msg: "five" }));
  await shows("five");
  await put(first, now({ app, msg: "six" }));
  await shows("six");
  await row("five").locator(".t").click();
  await page.locator("#detail dd", { hasText: b }).waitFor();
  assert.match(await page.innerText("#detail dl"), new RegExp(`collector\\s+http://${b}`));
  await page.keyboard.press("Escape");
  await page.keyboard.press("G");
  assert.ok(await page.isHidden("#absent"));

  // A hidden tab disconnects from all, and names none when it is back.
  const hide = (hidden) =>
    page.evaluate((hidden) => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
  await hide(true);
  await put(second, now({ app, msg: "hidden" }));
  await put(first, now({ app, msg: "unseen", time: time(Date.now() + 10) }));
  await hide(false);
  await shows("hidden");
  await shows("unseen");
  assert.equal(await row("connection lost").count(), 0);
  assert.ok(await page.isHidden("#absent"));

  await second.stop();
  await absent(second).waitFor();
  assert.equal(await page.locator("#absent p").count(), 1);
  await put(first, now({ app, msg: "seven" }));
  await shows("seven");
  assert.equal(await page.getAttribute("#state", "data-state"), "live");
  await (program ? second.start("--http-origin", first.origin) : second.start());
  await put(second, now({ app, msg: "eight" }));
  await shows("eight");
  await page.waitForSelector("#absent", { state: "hidden" });
  await row(`${b}: connection lost`).waitFor();
  // Those that the tab has missed may come in either order.
  const expected = [...stored, `five ${b}`, `six ${a}`, `hidden ${b}`, `unseen ${a}`, `seven ${a}`, `eight ${b}`];
  const sorted = (list) => [...list].sort((x, y) => expected.indexOf(x) - expected.indexOf(y));
  assert.deepEqual(sorted(await rows()), expected, "nothing missing, nothing twice");

  // A search, too; a peer that is away is asked until it answers.
  await second.stop();
  const range = new URLSearchParams({ app, since: time(t - 1), until: time(Date.now() + 60_000) });
  await page.goto(`${first.base}?${range}`);
  await absent(second).waitFor();
  await shows("seven");
  await (program ? second.start("--http-origin", first.origin) : second.start());
  await results(page);
  assert.deepEqual(await rows(), expected, "by time");
});

holds("peers that redirect, refuse the page or send anything else than records disturb nobody", MOCK_ONLY, async () => {
  const first = new Mock();
  await first.start(0);
  const type = { tail: "text/event-stream", search: "application/x-ndjson", senders: "application/json" };
  const answers = {
    page: (response) => response.writeHead(200, { "content-type": "text/html" }).end("<script>window.__owned = 1</script>"),
    elsewhere: (response) => response.writeHead(302, { location: `${first.base}tail` }).end(),
    noise: (response, kind) => {
      response.writeHead(200, { "content-type": type[kind] });
      // Neither a text nor a number can be made of such an object.
      const odd = { toString: 1, valueOf: 1 };
      const counts = Object.fromEntries(["at", "file", "line", "lost", "truncated", "records", "bytes", "kind", "pid", "peer", "since", "last_seen", "acked", "thread", "recorded"].map((name) => [name, odd]));
      const strange = { ...counts, app: 7, host: odd, target: [], time: 5, msg: null, level: odd, kv: "text", spans: [1, null, odd], trace: odd, span: odd, state: odd, collector: "forged" };
      const end = { notice: "end", scanned: odd, skipped: odd };
      const edges = ["+275760-09-13T00:00:00.000Z", "-271821-04-20T00:00:00.000Z"].map((time) => ({ msg: `at ${time}`, time }));
      const records = [...edges, 5, null, "text", [], strange, { ...strange, msg: "<img src=x onerror='window.__owned=1'>" }];
      if (kind === "search") return void response.end([...edges, end].map((value) => `${JSON.stringify(value)}\n`).join(""));
      if (kind !== "tail") return void response.end(JSON.stringify(records));
      response.write(`<html>\ndata: {"half\n\n${records.map((value) => `id: 1-1\ndata: ${JSON.stringify(value)}\n\n`).join("")}event: notice\ndata: {"notice":"live"}\n\n`);
    },
    much: (response) => response.writeHead(200, { "content-type": "text/event-stream" }).end("x".repeat(20_000_000)),
    foreign: (response) => response.removeHeader("access-control-allow-origin") ?? response.writeHead(200, { "content-type": "text/event-stream" }).end(),
  };
  const peers = {};
  for (const [name, answer] of Object.entries(answers)) {
    const peer = (peers[name] = new Mock());
    peer.answer = (request, response) => answer(response, request.url.slice(1).split("?")[0]);
    peer.origins = [first.origin];
    await peer.start(0);
    first.peers.push(peer.origin);
  }
  running = [first, ...Object.values(peers)];
  first.records = history(20);
  await open(first);
  for (const name of ["page", "elsewhere", "much", "foreign"]) await absent(peers[name]).waitFor();
  assert.equal(await absent(peers.noise).count(), 0);
  await shows("<img src=x");
  first.put(now({ msg: "still here" }));
  await shows("still here");
  for (const one of await row("<img src=x").all()) assert.equal(await one.locator(".of-collector").innerText(), peers.noise.origin.slice(7));
  await row("<img src=x").first().locator(".t").click();
  await page.locator("#detail dd", { hasText: peers.noise.origin.slice(7) }).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("s");
  await page.locator("#senders p.bad").first().waitFor();
  await page.locator("#senders td", { hasText: peers.noise.origin.slice(7) }).first().waitFor();
  assert.equal(await page.evaluate(() => window.__owned), undefined);
  await page.goto(`${first.base}?since=1h&until=${time(Date.now())}`);
  await shows("at +275760");
  await page.keyboard.press("Home");
  await shows("at -271821");
  assert.equal(await absent(peers.noise).count(), 0);
});

holds("a peer that wants a token gets it, and gets nothing else of the browser's", MOCK_ONLY, async () => {
  const [first, second] = await two();
  second.token = "sesame";
  second.records = history(5);
  second.records[4].msg = "from the second";
  await open(first);
  await page.context().addCookies([{ name: "secret", value: "1", url: first.base }]);
  assert.match(await absent(second).innerText(), /a token is needed Enter token/);
  await page.waitForSelector("#state[data-state=live]");
  assert.equal(await page.locator("dialog[open]").count(), 0, "a peer's wish for a token is no more than a line");
  await absent(second).locator("button").click();
  await page.fill("#token-text", "sesame");
  await page.click("#token-go");
  await shows("from the second");
  await page.waitForSelector("#absent", { state: "hidden" });

  // A filter that all reject is reported once.
  await page.fill("[name=grep]", "a(");
  await page.waitForSelector("#problem:not([hidden])");
  await page.waitForSelector("#state[data-state=refused]");
  assert.ok(await page.isHidden("#absent"));
  assert.ok(second.asked.every(({ headers }) => headers.cookie === undefined && headers.referer === undefined));
});

holds("older records of several collectors are loaded when asked for, in the order of time, none of them twice", MOCK_ONLY, async () => {
  const [first, second] = await two();
  const t = Date.now();
  const some = (name, many, gap) => Array.from({ length: many }, (_, at) => now({ msg: `${name} ${at}.`, time: time(t - (many - at) * gap) }));
  first.records = some("often", 90, 1000);
  second.records = some("seldom", 30, 3170);
  await open(first, "?n=20");
  await shows("often 89.");
  await shows("seldom 10.");
  await page.setViewportSize({ width: 1300, height: 3200 });
  // The histogram shows which part is not loaded from all.
  await page.locator("#unread").waitFor();
  await page.click(".row.top button");
  await shows("often 0.");
  await shows("seldom 0.");
  const all = [...first.records, ...second.records].sort((a, b) => Date.parse(a.time) - Date.parse(b.time));
  assert.deepEqual((await rows()).map((text) => text.split(". ")[0]), all.map(({ msg }) => msg.slice(0, -1)));
  assert.match(await page.innerText(".row.top"), /oldest record/);

  // The number of records in a range is that of all collectors together.
  await page.goto(`${first.base}?${new URLSearchParams({ n: 7, since: "1h", until: time(t) })}`);
  await results(page);
  assert.deepEqual((await rows()).map((text) => text.split(". ")[0]), all.slice(-7).map(({ msg }) => msg.slice(0, -1)));
});
