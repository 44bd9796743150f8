// The collector's page in a real browser: with the mock, or with the collector that NETLOG_COLLECTOR is the path of.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { BOTH, drawn, EITHER, launch, MOCK_ONLY, PATIENCE, results } from "./browser.mjs";
import { Collector } from "./collector.mjs";
import { Mock, sendersOf } from "./mock.mjs";
import { dice, HIDDEN, history, hostile, MARKUP, record, time } from "./records.mjs";

const collector = process.env.NETLOG_COLLECTOR ? new Collector(process.env.NETLOG_COLLECTOR) : null;
const away = () => (mock ?? collector).stop();
const again = () => (mock ?? collector).start();
/** An app of one test's own. */
const own = () => `page${Date.now()}`;
const d = dice(1);

let browser;
let mock;
let context;
let page;
let troubles;

/** A new collector, or the real one, with `records` in it. */
async function given(records = []) {
  await mock?.stop();
  mock = null;
  if (collector) return put(...records);
  mock = new Mock();
  mock.records = records;
  await mock.start(0);
}

/** Has records arrive. */
async function put(...records) {
  return mock ? mock.put(...records) : collector.put(records);
}

const base = () => (mock ?? collector).base;
const now = (change = {}) => ({ ...record(d, Date.now()), ...change });

/** Opens the page; anything that goes wrong in it fails the test. */
async function open(query = "", options = {}) {
  await context?.close();
  context = await browser.newContext({ viewport: { width: 1300, height: 800 }, timezoneId: "Europe/Berlin", ...options });
  page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  troubles = [];
  page.on("pageerror", (error) => troubles.push(String(error)));
  page.on("console", (message) => {
    if (/Content Security Policy|violates/i.test(message.text())) troubles.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(base()) && !request.url().startsWith("data:")) troubles.push(`asked ${request.url()}`);
  });
  page.on("dialog", (dialog) => (troubles.push(`dialog ${dialog.message()}`), dialog.dismiss()));
  await page.goto(base() + query);
  await settled();
}

/** Waits until a search has ended, or a tail has brought the stored records: what comes then is new. */
const settled = () =>
  page.waitForFunction(() => {
    const state = document.getElementById("state").dataset.state;
    if (state !== "live") return ["found", "short", "refused"].includes(state);
    const notices = [...document.querySelectorAll(".row.notice:not([hidden])")];
    return !document.getElementById("empty").hidden || notices.some((row) => row.innerText.includes("live from here"));
  });
const row = (text) => page.locator(".row:not([hidden])", { hasText: text });
const shows = (text) => row(text).first().waitFor();
const rows = () => page.locator(".row.record:not([hidden])").allInnerTexts();
const state = () => page.locator("#state").getAttribute("data-state");
const query = () => new URL(page.url()).searchParams;
const until = async (holds, what) => {
  const end = Date.now() + PATIENCE;
  while (Date.now() < end) {
    if (await holds()) return;
    await page.waitForTimeout(50);
  }
  assert.fail(`never: ${what}`);
};
/** The first and last of the records in sight, by message. */
const inSight = () =>
  page.evaluate(() => {
    const { top, bottom } = document.getElementById("list").getBoundingClientRect();
    return [...document.querySelectorAll(".row:not([hidden])")]
      .map((row) => [row.getBoundingClientRect(), row.innerText])
      .filter(([box]) => box.top >= top - 1 && box.bottom <= bottom + 1)
      .sort(([a], [b]) => a.top - b.top)
      .map(([, text]) => text);
  });

/** Waits until the list has stopped scrolling. */
async function atRest() {
  const top = () => page.evaluate(() => document.getElementById("list").scrollTop);
  let before = await top();
  const rests = async () => {
    await drawn(page);
    const last = before;
    before = await top();
    return before === last;
  };
  await until(rests, "a list at rest");
}

/** Turns the wheel, once the list is full: before, there is nothing to scroll. */
async function wheel(by) {
  await until(async () => (await inSight()).length > 20, "a list full of records");
  await page.mouse.move(600, 500);
  await page.mouse.wheel(0, by);
}

before(async () => {
  browser = await launch();
  await collector?.start();
});
after(async () => {
  await browser.close();
  await mock?.stop();
  await collector?.end();
});
/** A test after which the page must have had no trouble. */
const holds = (name, options, body) =>
  test(name, { timeout: 5 * PATIENCE, ...options }, async () => {
    await body();
    assert.deepEqual(troubles, []);
  });

holds("a live record appears", EITHER, async () => {
  await given(history(50));
  await open();
  const mark = `here ${Math.random()}`;
  await put(now({ msg: mark }));
  await shows(mark);
  assert.equal(await state(), "live");
  assert.ok((await inSight()).at(-1).includes(mark), "it is the last one");
  // A list that grows, and therefore scrolls before it is measured, does not pause.
  await page.evaluate(() => {
    document.getElementById("histogram").hidden = true;
    document.getElementById("list").dispatchEvent(new Event("scroll"));
  });
  assert.equal(await state(), "live");
});

holds("what filters is in the form, the address and the question", EITHER, async () => {
  const app = `filter${Date.now()}`;
  await given(history(200));
  await put(...["ERROR", "WARN", "INFO"].map((level) => now({ app, level, msg: `a ${level} of ours`, kv: { client: "acme" } })));
  await put(now({ app, level: "ERROR", msg: "another of ours", kv: { client: "hooli" } }));
  await open();
  await page.fill("[name=app]", app);
  await page.keyboard.press("Enter");
  await until(async () => (await rows()).length === 4, "four of the app");
  await page.selectOption("[name=level]", "warn");
  await until(async () => (await rows()).length === 3, "three of them at least warnings");
  await page.fill("[name=grep]", "a (warn|error)");
  await until(async () => (await rows()).length === 2, "two with the text");
  assert.deepEqual([query().get("app"), query().get("level"), query().get("grep")], [app, "warn", "a (warn|error)"]);
  await page.fill("[name=v]", "WARN");
  await until(async () => (await rows()).length === 1, "one without the other text");

  // Back, with the cursor still in the field, and forth again.
  await page.goBack();
  await until(async () => (await rows()).length === 2, "two again");
  assert.equal(await page.inputValue("[name=v]"), "");
  await page.goForward();
  await until(async () => (await rows()).length === 1, "one again");

  // A round trip: the same address, the same view.
  await page.reload();
  await until(async () => (await rows()).length === 1, "the same after a reload");
  assert.equal(await page.inputValue("[name=grep]"), "a (warn|error)");
  assert.equal(await page.inputValue("[name=level]"), "warn");
  await page.goBack();
  await until(async () => (await rows()).length === 2, "one step back");
  await page.goBack();
  await until(async () => (await rows()).length === 3, "another step back");
  assert.equal(await page.inputValue("[name=grep]"), "");
  await page.fill("[name=grep]", "of ours");
  await until(async () => (await page.locator(".row:not([hidden]) mark").allInnerTexts()).join() === "of ours,of ours,of ours", "what was sought is marked");
});

holds("a value that is clicked filters, clicked again no longer", EITHER, async () => {
  const app = `click${Date.now()}`;
  await given(history(30));
  await put(now({ app, level: "WARN", target: "t::u", msg: "one of two", kv: { client: "acme=1" } }), now({ app, level: "WARN", target: "t::v", msg: "two of two", kv: { client: "other" } }));
  await open();
  await row("one of two").locator(".app").click();
  await until(async () => (await rows()).length === 2, "the app's only");
  await row("one of two").locator(".kv").first().click();
  await until(async () => (await rows()).length === 1, "those of the value only");
  assert.equal(query().get("f"), "client=acme=1");
  await page.locator("#chips .chip").first().click();
  await until(async () => (await rows()).length === 2, "without the chip");
  await row("two of two").locator(".target").click();
  await until(async () => (await rows()).length === 1, "the target's only");
  await row("two of two").locator(".target").click();
  await until(async () => (await rows()).length === 2, "no longer the target's");
});

holds("a wrong expression is said to be wrong", EITHER, async () => {
  await given(history(30));
  await open();
  await page.fill("[name=grep]", "a(");
  await page.waitForSelector("#problem:not([hidden])");
  assert.match(await page.innerText("#problem"), /a\(/);
  assert.equal(await state(), "refused");
  await page.fill("[name=grep]", "a");
  await page.waitForSelector("#state[data-state=live]");
  assert.ok(await page.isHidden("#problem"));
});

/** Hides a tab or shows it, as a browser does with the others of a window. */
const setHidden = (tab, hidden) =>
  tab.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);

holds("hidden tabs disconnect, so that a seventh loads, and resume with nothing missed or repeated", EITHER, async () => {
  const app = own();
  await given(history(30));
  await put(now({ app, msg: "before" }));
  await open(`?app=${app}`);
  const first = page;
  for (let tab = 1; tab <= 6; tab++) {
    await setHidden(page, true);
    page = await context.newPage();
    await page.goto(`${base()}?app=${app}`);
    await page.waitForSelector("#state[data-state=live]");
  }
  await shows("before");
  await put(now({ app, msg: "meanwhile" }));
  await shows("meanwhile");
  await setHidden(page, true);
  page = first;
  assert.equal(await row("meanwhile").count(), 0, "a hidden tab receives nothing");
  await setHidden(page, false);
  await shows("meanwhile");
  await put(now({ app, msg: "after" }));
  await shows("after");
  assert.equal((await rows()).length, 3, "each once");
  assert.equal(await page.locator(".row.notice:not([hidden])", { hasText: "connection lost" }).count(), 0);
});

holds("times that a change of clocks skips or doubles hide no record", EITHER, async () => {
  await given(history(30));
  await open();
  const searched = async (since, to) => {
    await page.click("#range-button");
    await page.locator("#range-since").evaluate((field, value) => (field.value = value), since);
    await page.locator("#range-until").evaluate((field, value) => (field.value = value), to);
    await page.click("#range-go");
    await results(page);
    return [query().get("since"), query().get("until")];
  };
  const skipped = await searched("2026-03-29T02:30:00", "2026-03-29T04:00:00");
  assert.deepEqual(skipped, ["2026-03-29T01:00:00.000Z", "2026-03-29T02:00:00.000Z"]);
  const doubled = await searched("2026-10-25T02:30:00", "2026-10-25T02:30:00");
  assert.deepEqual(doubled, ["2026-10-25T00:30:00.000Z", "2026-10-25T01:30:00.000Z"]);
});

holds("scrolling up holds still, and the way back is plain", EITHER, async () => {
  await given(history(500));
  await open();
  await wheel(-600);
  await page.waitForSelector("#state[data-state=paused]");
  await atRest();
  const before = await inSight();
  await put(...Array.from({ length: 214 }, (_, at) => now({ msg: `new ${at}` })));
  await until(async () => /214 new/.test(await page.innerText("#held")), "214 new");
  assert.match(await page.innerText("#held"), /paused/);
  assert.deepEqual(await inSight(), before, "nothing moved");
  assert.match(await page.title(), /214/);
  await page.click("#held");
  await shows("new 213");
  assert.equal(await state(), "live");
  assert.ok(await page.isHidden("#held"));

  await page.keyboard.press("Space");
  await page.waitForSelector("#state[data-state=paused]");
  const held = await inSight();
  await put(now({ msg: "while paused" }));
  await until(async () => /1 new/.test(await page.innerText("#held")), "1 new");
  assert.deepEqual(await inSight(), held, "nothing moved by the key either");
  await page.keyboard.press("Space");
  await shows("while paused");

  // Scrolled down by hand to the end, it follows again.
  await page.mouse.wheel(0, -300);
  await page.waitForSelector("#state[data-state=paused]");
  await atRest();
  await page.mouse.wheel(0, 5000);
  await page.waitForSelector("#state[data-state=live]");
});

holds("dragging over the histogram searches that range, and there is a way back", BOTH, async () => {
  await given(history(3000));
  await open();
  await page.waitForFunction(() => document.querySelector("#plot path.info").getAttribute("d"));
  const box = await page.locator("#plot").boundingBox();
  await page.mouse.move(box.x + box.width * 0.4, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + 20, { steps: 4 });
  await page.mouse.up();
  await results(page);
  const [since, to] = [Date.parse(query().get("since")), Date.parse(query().get("until"))];
  assert.ok(to > since);
  const times = await page.locator(".row.record:not([hidden]) .t").evaluateAll((cells) => cells.map((cell) => Date.parse(cell.title.split("\n")[0])));
  assert.ok(times.length > 10 && times.every((t) => t >= since && t <= to), "all of them in the range");
  if (mock) {
    const [first, span] = [Date.parse(mock.records.at(-2000).time), 2000 * 180];
    assert.ok(Math.abs(since - (first + 0.4 * span)) < 10_000, "from where it began");
    assert.ok(Math.abs(to - (first + 0.6 * span)) < 10_000, "to where it ended");
    const asked = mock.asked.findLast(({ path }) => path === "/search");
    assert.equal(asked.query.get("since"), query().get("since"));
    const expected = mock.records.filter(({ time: t }) => Date.parse(t) >= since && Date.parse(t) <= to).length;
    assert.equal(await page.innerText("#state-more"), `${expected} records`);
  }
  await page.click("#live-button");
  await page.waitForSelector("#state[data-state=live]");
  assert.equal(query().get("until"), null);
  await page.goBack();
  await results(page);
  assert.equal(Date.parse(query().get("since")), since);
});

holds("nothing of a record becomes markup, in no field and in no part of the page", BOTH, async () => {
  await given(history(20));
  await put(...MARKUP.map((text) => hostile(text, Date.now())));
  if (mock) mock.senders = MARKUP.map((text) => ({ ...hostile(text, 0), kind: text, since: text, last_seen: text, acked: text, state: text, records: text, lost: text }));
  await open();
  if (mock) {
    mock.notice({ notice: MARKUP[0], app: MARKUP[1], more: MARKUP[2] });
    await page.locator(".row.notice:not([hidden])", { hasText: MARKUP[2] }).waitFor();
  }
  for (const text of MARKUP) {
    await row(text).first().locator(".t").click();
    await page.waitForSelector("#detail:not([hidden])");
    await until(async () => (await page.innerText("#detail .message")).includes(text), "the record's own text");
  }
  await page.click("#senders-button");
  await page.waitForSelector("#senders table");
  const strays = await page.evaluate(() => ({
    owned: window.__owned,
    elements: document.querySelectorAll("main :is(img, script, iframe, svg, style, base, link, object, form)").length,
    links: [...document.querySelectorAll("main a")].filter((a) => !/^https?:/.test(a.href)).length,
    handlers: [...document.querySelectorAll("main *")].filter((e) => [...e.attributes].some((a) => a.name.startsWith("on"))).length,
  }));
  assert.deepEqual(strays, { owned: undefined, elements: 0, links: 0, handlers: 0 });
  // As filters too: in the chips and the form.
  await page.keyboard.press("Escape");
  await row(MARKUP[0]).first().locator(".app").click();
  await until(() => query().get("app") === MARKUP[0], "filtered by it");
  await page.goto(`${base()}?${new URLSearchParams([...MARKUP.map((text) => ["f", `k=${text}`]), ["grep", MARKUP[0]], ["since", MARKUP[1]]])}`);
  await page.waitForSelector("#chips .chip");
  assert.equal(await page.evaluate(() => window.__owned), undefined);
  assert.equal(await page.locator("#chips :is(img, script, svg)").count(), 0);
});

holds("what would hide or reorder text is made visible, and a record stays one row", EITHER, async () => {
  const app = `hidden${Date.now()}`;
  await given([]);
  await put(...HIDDEN.map((text, at) => now({ app, msg: `${at}: ${text}`, kv: {}, level: "INFO" })));
  await open(`?app=${app}`);
  await until(async () => (await rows()).length === HIDDEN.length, "one row each");
  const said = await page.locator(".row.record:not([hidden])").evaluateAll((all) => all.map((r) => r.querySelector(".msg").innerText));
  const bad = /[\p{Cc}\u202a-\u202e\u2066-\u2069\u200b]/u;
  for (const text of said) assert.doesNotMatch(text, bad);
  assert.ok(said.some((text) => text.includes("U+202E")));
  const heights = await page.locator(".row.record:not([hidden])").evaluateAll((all) => all.map((r) => r.offsetHeight));
  assert.ok(heights.every((height) => height === 22));
  await row("line one").click();
  assert.match(await page.innerText("#detail .message"), /line one\nline two/, "the detail has its lines");
});

holds("one click leads from a record to all of its span or its trace, in all apps", EITHER, async () => {
  const app = own();
  const unique = Date.now().toString(16).padStart(16, "0");
  const [trace, outer, inner] = [`4b${unique}`, `00${unique}`, `01${unique}`];
  const spans = [{ name: "request", id: outer, kv: { id: 7 } }, { name: "query", id: inner }];
  await given(history(30));
  await put(
    now({ app, msg: "in the query", trace, span: inner, spans }),
    now({ app, msg: "in the request", trace, span: outer, spans: spans.slice(0, 1) }),
    now({ app: `${app}-other`, msg: "in another app", trace, span: `02${unique}`, spans: [{ name: "job", id: `02${unique}` }] }),
    now({ app, msg: "in none" }),
  );
  const click = async (text, name, count) => {
    await open(`?app=${app}`);
    await row("in the query").locator(".msg > bdi").click();
    await page.waitForSelector("#detail:not([hidden])");
    await page.click(`#detail dl .pick >> text=${text}`);
    await until(async () => (await rows()).length === count, `${count} records of ${text}`);
    assert.deepEqual([...query().keys()].sort(), [name], "no other filter is left");
  };
  await click("request{id=7", "span", 2);
  await click(inner, "span", 1);
  await click(trace, "trace", 3);
  await open(`?app=${app}`);
  await row("in the query").locator(".msg .pick >> text=request{id=7").click();
  await until(async () => (await rows()).length === 2, "a span in front of a message leads there too");
});

holds("the trace and the spans of a record are in its details", EITHER, async () => {
  const app = own();
  await given(history(30));
  await put(now({ app, msg: "in a span", trace: "4bf92f3577b34da6a3ce929d0e0e4736", span: "00f067aa0ba902b7", spans: [{ name: "request", id: "00f067aa0ba902b7", kv: { id: 7, path: "/orders" } }, { name: "query", id: "00f067aa0ba902b8" }] }));
  await open(`?app=${app}`);
  await row("in a span").locator(".msg > bdi").click();
  await page.waitForSelector("#detail:not([hidden])");
  const shown = await page.innerText("#detail dl");
  assert.match(shown, /request\{id=7 path=\/orders\}\nquery/);
  assert.match(await row("in a span").innerText(), /request\{id=7 path=\/orders\}:\s*query:\s*in a span/);
  assert.match(shown, /trace\s+4bf92f3577b34da6a3ce929d0e0e4736/);
  await page.click("#detail dl .pick >> text=request{id=7");
  await page.waitForFunction(() => new URLSearchParams(location.search).get("span") === "00f067aa0ba902b7");
});

holds("a record in full: its fields, its JSON, its address", EITHER, async () => {
  const app = `full${Date.now()}`;
  await given(history(300));
  const wanted = now({ app, level: "ERROR", msg: "first\nsecond", kv: { big: 7, deep: { a: [1] } }, target: "t::x" });
  await put(wanted);
  await put(...Array.from({ length: 5 }, (_, at) => now({ app, msg: `after ${at}` })));
  await open(`?app=${app}`, { permissions: ["clipboard-read", "clipboard-write"] });
  await row("first").locator(".msg bdi").first().click();
  const text = await page.innerText("#detail");
  for (const part of ["first\nsecond", "big", "deep", '"a": [', "t::x", wanted.time]) assert.ok(text.includes(part), part);
  await page.click("text=Copy JSON");
  await page.waitForSelector("text=Copied");
  const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
  assert.equal(copied.msg, wanted.msg);
  assert.deepEqual(copied.kv, wanted.kv);
  assert.equal(copied.at, undefined);
  const link = await page.getAttribute("#detail .acts a", "href");
  await page.goto(link);
  await results(page);
  await until(async () => (await page.locator(".row.selected:not([hidden])").count()) === 1, "the linked record is marked");
  assert.match(await page.innerText(".row.selected:not([hidden])"), /first/);
  assert.match(await page.innerText("#detail"), /second/);
});

holds("whole numbers too big for JavaScript stay what they were", MOCK_ONLY, async () => {
  await given(history(3));
  await open();
  mock.records.push({ ...now({ msg: "a big one" }), kv: { id: "@" } });
  const held = JSON.stringify;
  JSON.stringify = (...all) => held(...all)?.replace('"@"', "9007199254740993");
  try {
    mock.put({ ...now({ msg: "a big one" }), kv: { id: "@" } });
  } finally {
    JSON.stringify = held;
  }
  await shows("a big one");
  assert.match(await row("a big one").last().innerText(), /id=9007199254740993/);
});

holds("after the collector was away: no gap, no repetition, and it is said", BOTH, async () => {
  const app = own();
  await given([]);
  const counted = (from, length) => Array.from({ length }, (_, at) => now({ app, msg: `count ${from + at}.` }));
  await put(...counted(0, 20));
  await open(`?app=${app}`);
  await put(...counted(20, 10));
  await shows("count 29.");
  await away();
  await page.waitForSelector("#state[data-state=reconnecting]");
  if (mock) await put(...counted(30, 30));
  await page.waitForEvent("requestfailed");
  assert.equal(await state(), "reconnecting");
  await again();
  if (!mock) await put(...counted(30, 30));
  await page.waitForSelector("#state[data-state=live]");
  await put(...counted(60, 10));
  await shows("count 69.");
  if (mock) assert.equal(mock.asked.findLast(({ path }) => path === "/tail").query.get("after"), "1-29");
  const numbers = await everything(/count (\d+)\./);
  assert.deepEqual(numbers, Array.from({ length: 70 }, (_, at) => String(at)));
  assert.equal(await page.locator(".row.notice:not([hidden])", { hasText: "connection lost" }).count(), 1);
  assert.equal(await page.getAttribute("#list", "aria-rowcount"), "73", "they, the first row and two notices");
});

/** What all rows say, from the first to the last, by scrolling through them. */
async function everything(what) {
  const found = [];
  await page.keyboard.press("g");
  for (;;) {
    await drawn(page);
    for (const text of await inSight()) {
      const number = what.exec(text)?.[1];
      if (number !== undefined && !found.includes(number)) found.push(number);
    }
    const more = await page.evaluate(() => {
      const list = document.getElementById("list");
      const before = list.scrollTop;
      list.scrollTop += list.clientHeight - 60;
      return list.scrollTop > before;
    });
    if (!more) return found;
  }
}

holds("a search of files that cannot be read says so", MOCK_ONLY, async () => {
  await given(history(20));
  mock.unreadable = 2;
  await open(`?until=${encodeURIComponent(new Date().toISOString())}`);
  await page.waitForSelector("#state[data-state=short]");
  assert.equal(await page.innerText("#problem"), "some files could not be read: records may be missing");
  assert.equal(await page.innerText("#state-more"), "20 records");
});

holds("notices cannot be taken for records", MOCK_ONLY, async () => {
  await given(history(20));
  await open();
  mock.notice({ notice: "missed", count: 1234 });
  mock.notice({ notice: "crashed", app: "orders", host: "h01", signal: "SIGSEGV" });
  mock.put(now({ msg: "1,234 records were missed: the collector no longer has them" }));
  mock.put(now({ target: "netlog", lost: 12, msg: "lost some" }));
  await shows("lost some");
  assert.equal(await page.locator(".row.notice:not([hidden])", { hasText: "1,234 records were missed" }).count(), 1);
  assert.equal(await page.locator(".row.notice:not([hidden])", { hasText: "orders on h01: crashed" }).count(), 1);
  const lost = row("lost some");
  assert.match(await lost.getAttribute("class"), /\blost\b.*\bown\b/);
  assert.match(await lost.innerText(), /12 lost/);
});

holds("a hundred thousand records: all there, few of them in the document", EITHER, async () => {
  const app = own();
  const many = history(100_000, { gap: 20 });
  many.forEach((one, at) => Object.assign(one, { app, msg: `number ${at}.` }));
  await given(many);
  await open(`?app=${app}&n=100000`);
  await shows("number 99999.");
  const nodes = () => page.evaluate(() => document.querySelectorAll("#list *").length);
  assert.ok((await nodes()) < 4000, `${await nodes()} nodes`);
  await page.keyboard.press("g");
  await shows("number 0.");
  for (const part of [0.25, 0.5, 0.75]) {
    await page.evaluate((to) => {
      const list = document.getElementById("list");
      list.scrollTop = list.scrollHeight * to;
    }, part);
    await shows(`number ${Math.round(100_000 * part) + 5}.`);
    assert.ok((await nodes()) < 4000, `${await nodes()} nodes`);
  }
  await page.keyboard.press("G");
  await shows("number 99999.");
  // What is beyond its memory leaves it at the old end, and it says so.
  await put(...Array.from({ length: 3000 }, (_, at) => now({ app, msg: `later ${at}.` })));
  await shows("later 2999.");
  await page.keyboard.press("g");
  await until(async () => /older records were unloaded/.test(await page.innerText(".row.top")), "said that old ones left");
  assert.ok((await nodes()) < 4000, `${await nodes()} nodes`);
});

holds("senders are merged by time within a tenth of a second, and no further", EITHER, async () => {
  const app = own();
  await given(history(20));
  await open(`?app=${app}`);
  const t = Date.now();
  await put(...[0, 80, 40, 90, -5000].map((late) => now({ app, msg: `merged ${late}.`, time: time(t + late) })));
  await shows("merged -5000.");
  const order = (await inSight()).map((text) => /merged (-?\d+)\./.exec(text)?.[1]).filter(Boolean);
  assert.deepEqual(order, ["0", "40", "80", "90", "-5000"]);
});

holds("older records are brought when asked for, none of them twice", EITHER, async () => {
  const app = own();
  const some = history(300);
  some.forEach((one, at) => Object.assign(one, { app, msg: `old ${at}.` }));
  await given(some);
  await open(`?app=${app}&n=100`);
  await shows("old 299.");
  await page.keyboard.press("g");
  await shows("old 200.");
  await page.click(".row.top button");
  await until(async () => /oldest record/.test(await page.innerText(".row.top")), "all are here");
  assert.deepEqual(await everything(/old (\d+)\./), Array.from({ length: 300 }, (_, at) => String(at)));
  assert.equal(await page.getAttribute("#list", "aria-rowcount"), "302", "they, the first row and a notice");
});

holds("senders, with state and loss", MOCK_ONLY, async () => {
  await given(history(500));
  mock.senders = sendersOf(mock.records);
  await open();
  await page.keyboard.press("s");
  await page.waitForSelector("#senders tbody tr");
  assert.equal(await page.locator("#senders tbody tr").count(), mock.senders.length);
  const crashed = page.locator("#senders tr", { hasText: "crashed: SIGSEGV" });
  assert.match(await crashed.locator(".num.bad").innerText(), /12/);
  assert.match(await page.innerText("#senders-badge"), /12 lost/);
  mock.senders[2].lost = 13;
  await until(async () => /13/.test(await crashed.locator(".num.bad").innerText()), "kept up to date");
  await crashed.locator(".app").click();
  await until(() => query().get("app") === mock.senders[2].app, "filtered by the app");
  await page.keyboard.press("Escape");
  assert.ok(await page.isHidden("#senders"));
});

holds("a collector that wants a token gets it", MOCK_ONLY, async () => {
  await given(history(20));
  mock.token = "sesame";
  await open();
  await page.fill("#token-text", "sesame");
  await page.click("#token-go");
  await page.waitForSelector("#state[data-state=live]");
  await settled();
  assert.ok((await rows()).length > 10);
});

holds("by keyboard alone", EITHER, async () => {
  await given(history(300));
  await put(now({ msg: "the last but one" }), now({ msg: "the very last" }));
  await open();
  await shows("the very last");
  const selected = () => page.innerText(".row.selected:not([hidden])");
  await page.keyboard.press("j");
  await until(async () => /the very last/.test(await selected()), "the last is selected");
  await page.keyboard.press("k");
  assert.match(await selected(), /the last but one/);
  assert.equal(await state(), "paused");
  await page.keyboard.press("Enter");
  assert.match(await page.innerText("#detail .message"), /the last but one/);
  await page.keyboard.press("j");
  await until(async () => /the very last/.test(await page.innerText("#detail .message")), "the detail goes along");
  const active = await page.getAttribute("#list", "aria-activedescendant");
  assert.match(await page.innerText(`#${active}`), /the very last/);
  await page.keyboard.press("Escape");
  assert.ok(await page.isHidden("#detail"));
  await page.keyboard.press("G");
  await page.waitForSelector("#state[data-state=live]");
  await page.keyboard.press("/");
  await page.keyboard.type("jk g?");
  assert.equal(await page.inputValue("[name=grep]"), "jk g?", "what is typed is text");
  assert.equal(await page.locator("dialog[open]").count(), 0);
  await page.fill("[name=grep]", "");
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  await page.waitForSelector("#help[open]");
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("dialog[open]").count(), 0);
  await page.keyboard.press("g");
  await until(() => page.evaluate(() => document.getElementById("list").scrollTop === 0), "at the oldest");
});

holds("times are local, or UTC; the whole of it on hover", EITHER, async () => {
  await given([]);
  const t = Date.now();
  await put(now({ msg: "what time", time: time(t, 456) }));
  await open("?grep=what+time");
  const cell = row("what time").last().locator(".t");
  const hour = (zone) => new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone: zone }).format(t);
  assert.ok((await cell.innerText()).startsWith(hour("Europe/Berlin")));
  await page.keyboard.press("u");
  await until(async () => (await cell.innerText()).startsWith(hour("UTC")), "UTC");
  assert.ok((await cell.getAttribute("title")).includes(time(t, 456)));
  await page.reload();
  await settled();
  assert.ok((await cell.innerText()).startsWith(hour("UTC")), "it is remembered");
});

holds("light and dark: the system's, or the reader's", EITHER, async () => {
  await given(history(5));
  await open("", { colorScheme: "dark" });
  const paper = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const dark = await paper();
  await page.click("#theme-button");
  const light = await paper();
  assert.notEqual(light, dark);
  await page.reload();
  assert.equal(await paper(), light, "it is remembered");
});

holds("on a phone", EITHER, async () => {
  await given(history(300));
  await put(now({ level: "ERROR", msg: "seen from afar" }));
  await open("", { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
  await shows("seen from afar");
  const sticking = await page.evaluate(() =>
    [...document.querySelectorAll("#bar *, #histogram *, #stream > *")].filter((e) => e.getBoundingClientRect().right > 361).map((e) => e.outerHTML),
  );
  assert.deepEqual(sticking, [], "nothing sticks out");
  for (const id of ["state", "list", "plot", "pause-button", "theme-button"]) {
    const box = await page.locator(`#${id}`).boundingBox();
    assert.ok(box.x >= 0 && box.x + box.width <= 360, `${id} is in sight`);
  }
  const list = await page.locator("#list").boundingBox();
  assert.ok(list.height > 400, "most of it is records");
  await row("seen from afar").locator(".msg bdi").first().tap();
  const detail = await page.locator("#detail").boundingBox();
  assert.ok(detail.x === 0 && detail.width === 360);
  await page.tap("#detail .close");
  await page.tap("#filters-button");
  await page.selectOption("[name=level]", "error");
  await until(async () => (await rows()).every((text) => text.includes("ERROR")), "only errors");
});

holds("nothing moves for those who want it so", EITHER, async () => {
  await given(history(5));
  await open("", { reducedMotion: "reduce" });
  assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
});
