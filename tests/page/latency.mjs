// From a log call to the page, in ms: node latency.mjs [records at each rate [rates a second]]
// One program logs through netlog as its stdin has lines, the page shows what it logs, and the time that
// the log call put into the record is held against the time when the page had painted its row. The programs are
// those of target/release, unless NETLOG_PROGRAMS says where others are.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { launch } from "./browser.mjs";
import { Collector } from "./collector.mjs";

const programs = process.env.NETLOG_PROGRAMS ?? new URL("../../target/release", import.meta.url).pathname;
const count = Number(process.argv[2] ?? 300);
const rates = (process.argv[3] ?? "1,10,100").split(",").map(Number);

/** Notes in the page when each row is painted: a frame begins, its rows are drawn, and a message sent from it arrives
 *  behind its paint. */
function watch() {
  const painted = (globalThis.painted = new Map());
  const channel = new MessageChannel();
  let drawn = [];
  channel.port1.onmessage = () => {
    const now = performance.timeOrigin + performance.now();
    for (const number of drawn.splice(0)) painted.set(number, now);
  };
  const seen = new Set();
  const frame = () => {
    for (const cell of document.querySelectorAll(".row.record:not([hidden]) .msg")) {
      const number = /^latency (\d+)$/.exec(cell.textContent)?.[1];
      if (!number || seen.has(number)) continue;
      seen.add(number);
      drawn.push(number);
    }
    if (drawn.length) channel.port2.postMessage(0);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

const collector = new Collector(`${programs}/netlog-collector`);
await collector.start();
const options = ["send", "--to", collector.listening, "--app", "latency"];
const sender = spawn(`${programs}/netlog`, options, { stdio: ["pipe", "inherit", "inherit"] });
const browser = await launch();
const page = await browser.newPage({ viewport: { width: 1300, height: 800 } });
await page.goto(collector.base);
await page.waitForSelector("#state[data-state=live]");
await page.evaluate(watch);

let logged = 0;
const log = () => sender.stdin.write(`latency ${logged++}\n`);
const shown = () => page.evaluate(() => globalThis.painted.size);
const until = async (records) => {
  for (let at = 0; at < 200; at++) {
    if ((await shown()) >= records) return;
    await sleep(50);
  }
  throw new Error(`${await shown()} of ${records} records were shown`);
};
for (let at = 0; at < 20; at++) {
  log();
  await sleep(20);
}
await until(logged);

const parts = [];
for (const rate of rates) {
  const from = logged;
  for (let at = 0; at < count; at++) {
    // Not in step with anything that naps.
    await sleep((Math.random() * 2000) / rate);
    log();
  }
  await until(logged);
  parts.push({ rate, from, to: logged });
}

const painted = new Map(await page.evaluate(() => [...globalThis.painted]));
const found = await (await fetch(new URL("search?app=latency&order=oldest", collector.base))).text();
const taken = new Map();
for (const line of found.split("\n").filter(Boolean)) {
  const { msg, time } = JSON.parse(line);
  const number = /^latency (\d+)$/.exec(msg ?? "")?.[1];
  // To the microsecond, which Date does not read.
  if (number) taken.set(Number(number), painted.get(number) - Date.parse(time) - Number(time.slice(23, 26)) / 1000);
}
console.log(`from the log call to the painted row, in ms; ${count} records each`);
console.log(`${"".padEnd(24)}${["p50", "p90", "p99", "max"].map((head) => head.padStart(10)).join("")}`);
for (const { rate, from, to } of parts) {
  const times = [...taken].filter(([number]) => number >= from && number < to).map(([, time]) => time);
  times.sort((a, b) => a - b);
  if (times.length !== to - from) throw new Error(`${times.length} records of ${to - from} are in the file`);
  const row = [0.5, 0.9, 0.99, 1].map((share) => times[Math.ceil(times.length * share) - 1].toFixed(1).padStart(10));
  console.log(`${`${rate} records a second`.padEnd(24)}${row.join("")}`);
}

sender.stdin.end();
await once(sender, "exit");
await browser.close();
await collector.end();
