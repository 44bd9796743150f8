// Pictures of the page, to be looked at by people: node shots.mjs [directory]
import { mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Mock, sendersOf } from "./mock.mjs";
import { BACKTRACE, dice, history, record, time } from "./records.mjs";
import { launch } from "./browser.mjs";

export async function shoot(directory, browser, base, live = async () => {}) {
  const shot = async (name, options, act = async () => {}) => {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    await page.goto(base);
    await page.waitForSelector(".row.record:not([hidden])", { state: "attached" });
    await live();
    await page.waitForTimeout(700);
    await act(page);
    await page.waitForTimeout(400);
    await page.screenshot({ path: join(directory, `${name}.png`) });
    await context.close();
  };
  const wide = { viewport: { width: 1400, height: 860 } };
  const phone = { viewport: { width: 390, height: 800 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };
  const hold = async (page) => {
    await page.mouse.move(500, 500);
    await page.mouse.wheel(0, -900);
    await page.waitForSelector("#held:not([hidden])");
    await live();
  };
  const detail = async (page) => {
    await page.locator(".record.error:not([hidden])").last().locator(".msg").click();
  };
  const zoom = async (page) => {
    const box = await page.locator("#plot").boundingBox();
    await page.mouse.move(box.x + box.width * 0.6, box.y + 20);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.8, box.y + 20, { steps: 5 });
    await page.mouse.up();
    await page.waitForSelector("#state[data-state=found]");
  };
  for (const colorScheme of ["light", "dark"]) {
    await shot(`${colorScheme}-live`, { ...wide, colorScheme });
    await shot(`${colorScheme}-held`, { ...wide, colorScheme }, hold);
    await shot(`${colorScheme}-detail`, { ...wide, colorScheme }, detail);
    await shot(`${colorScheme}-range`, { ...wide, colorScheme }, zoom);
    await shot(`${colorScheme}-senders`, { ...wide, colorScheme }, (page) => page.click("#senders-button"));
    await shot(`${colorScheme}-phone`, { ...phone, colorScheme });
    await shot(`${colorScheme}-phone-detail`, { ...phone, colorScheme }, detail);
  }
  await shot("light-help", wide, (page) => page.keyboard.press("?"));
  await shot("light-time", wide, (page) => page.click("#range-button"));
  await shot("phone-filters", phone, (page) => page.click("#filters-button"));
  await shot("light-medium", { viewport: { width: 1000, height: 700 } });
}

if (process.argv[1]?.endsWith("shots.mjs")) {
  const directory = process.argv[2] ?? (await mkdtemp(join(tmpdir(), "netlog-page-")));
  await mkdir(directory, { recursive: true });
  const mock = new Mock();
  mock.records = history(4000);
  mock.senders = sendersOf(mock.records);
  await mock.start(0);
  const d = dice(4);
  const live = async () => {
    for (let at = 0; at < 40; at++) mock.put(record(d, Date.now()));
    mock.notice({ notice: "missed", count: 214 });
    mock.notice({ notice: "crashed", app: "orders", host: "lon-2", signal: "SIGSEGV" });
    mock.put({ ...record(d, Date.now()), level: "WARN", lost: 12, target: "netlog", msg: "records were lost while the collector was away" });
    mock.put({ ...record(d, Date.now()), msg: "\u001b[32mok\u001b[0m name=safe\u202egpj.exe tab\there\nand a second line", kv: { id: 1, html: "<b>not bold</b>" } });
    for (let at = 0; at < 9; at++) mock.put(record(d, Date.now()));
    mock.put({ ...record(d, Date.now()), level: "ERROR", app: "orders", target: "orders::fill", file: "src/fill.rs", line: 231, msg: "panicked at src/fill.rs:231:9", kv: { order: 4711, id: 9007199254740993n.toString(), backtrace: BACKTRACE, book: { bid: 5990.25, lots: [1, 2] } } });
    for (let at = 0; at < 3; at++) mock.put(record(d, Date.now()));
  };
  const browser = await launch();
  await shoot(directory, browser, mock.base, live);
  await browser.close();
  await mock.stop();
  console.log(directory, time(Date.now()));
}
