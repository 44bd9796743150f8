// Debian's browser, alone and quiet, and what the tests in it run with: a mock of a collector, or the
// collector that NETLOG_COLLECTOR is the path of.
import { chromium } from "playwright-core";

/** Milliseconds after which what does not happen never does, however busy the machine is. */
export const PATIENCE = 120_000;

/** Options of the tests that only the mock can be brought to do. */
export const MOCK_ONLY = { skip: process.env.NETLOG_COLLECTOR ? "only the mock can do this" : false };
/** Options of those that see more of the mock, and are to hold for the collector too. */
export const BOTH = {};
/** Options of those to which it makes no difference: NETLOG_MOCK_ONLY leaves them to the collector. */
export const EITHER = { skip: process.env.NETLOG_MOCK_ONLY ? "the collector does this too" : false };

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });

/** Waits until a page has drawn what it knows. */
export const drawn = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));

/** Waits until a page has drawn the result of a search. */
export async function results(page) {
  await page.waitForSelector("#state[data-state=found]");
  await drawn(page);
}
