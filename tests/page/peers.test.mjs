// The page of a collector that has peers: with mocks, or with collectors.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { launch } from "./browser.mjs";
import { Collector } from "./collector.mjs";
import { Mock } from "./mock.mjs";
import { dice, history, record, time } from "./records.mjs";

const program = process.env.NETLOG_COLLECTOR;
const mocked = { skip: program ? "only the mock can do this" : false };
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
  test(name, { timeout: 120_000, ...options }, async () => {
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
    first.peers = [second.origin];
    second.origins = [first.origin];
  }
  return [first, second];
}

async function open(collector, query = "") {
  page = await browser.newPage({ viewport: { width: 1300, height: 800 }, timezoneId: "Europe/Berlin" });
  page.setDefaultTimeout(30_000);
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

holds("the page shows the records of its peers, each marked with its collector, and resumes after one was away", {}, async () => {
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
  assert.match(await page.innerText("#detail dl"), new RegExp(`collector\\s+${b}`));
  await page.keyboard.press("Escape");
  await page.keyboard.press("G");
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
  assert.deepEqual(await rows(), [...stored, `five ${b}`, `six ${a}`, `seven ${a}`, `eight ${b}`], "nothing missing, nothing twice");

  // A search, too; a peer that is away is asked until it answers.
  await second.stop();
  const range = new URLSearchParams({ app, since: time(t - 1), until: time(Date.now() + 60_000) });
  await page.goto(`${first.base}?${range}`);
  await absent(second).waitFor();
  await shows("seven");
  await (program ? second.start("--http-origin", first.origin) : second.start());
  await page.waitForSelector("#state[data-state=found]");
  assert.deepEqual(await rows(), [...stored, `five ${b}`, `six ${a}`, `seven ${a}`, `eight ${b}`], "by time");
});
