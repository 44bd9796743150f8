// The dialog that asks for a range of time.
import { $, clock } from "./text.js";
import { timeOfWord } from "./filters.js";

const zone = (ms) => (clock.utc ? 0 : new Date(ms).getTimezoneOffset() * 60_000);
const toField = (ms) => (Number.isNaN(ms) ? "" : new Date(ms - zone(ms)).toISOString().slice(0, 19));

function fromField(text) {
  const ms = Date.parse(`${text}Z`);
  return Number.isNaN(ms) ? null : new Date(ms + zone(ms)).toISOString();
}

/** `chosen({since, until})` is called with what was chosen; `filter()` says what holds now. */
export function prepareTime(chosen, filter) {
  const dialog = $("range");
  $("range-button").addEventListener("click", () => {
    const now = Date.now();
    const { since, until } = filter();
    $("range-since").value = toField(since ? timeOfWord(since, now) : now - 3_600_000);
    $("range-until").value = toField(until ? timeOfWord(until, now) : now);
    dialog.showModal();
  });
  for (const preset of dialog.querySelectorAll("[data-since]")) {
    preset.addEventListener("click", () => {
      dialog.close();
      chosen({ since: preset.dataset.since, until: "" });
    });
  }
  $("range-go").addEventListener("click", () => {
    const [since, until] = [fromField($("range-since").value), fromField($("range-until").value)];
    if (!until || (since && since >= until)) return void $("range-until").focus();
    dialog.close();
    chosen({ since: since ?? "", until });
  });
}
