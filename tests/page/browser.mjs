// Debian's browser, alone and quiet.
import { chromium } from "playwright-core";

/** Milliseconds after which what does not happen never does, however busy the machine is. */
export const PATIENCE = 120_000;

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });
