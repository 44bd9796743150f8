// The dialog that asks for a range of time.
import { $, clock } from "./text.js";
import { timeOfWord } from "./filters.js";

const DAY = 86_400_000;
const zone = (ms) => (clock.utc ? 0 : new Date(ms).getTimezoneOffset() * 60_000);
const toField = (ms) => (Number.isNaN(ms) ? "" : new Date(ms - zone(ms)).toISOString().slice(0, 19));

/** The moment at which a clock shows `wall`: the first one, or the `latest`, if it shows it twice. When it is set forward
 *  over that time, this is the moment at which it is set. */
function momentOf(wall, latest) {
  const moments = [wall - DAY, wall + DAY].map((ms) => wall + zone(ms)).sort((a, b) => a - b);
  const shown = moments.filter((ms) => ms - zone(ms) === wall);
  if (shown.length) return latest ? shown.at(-1) : shown[0];
  let [before, after] = moments;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (zone(middle) === zone(after)) after = middle;
    else before = middle;
  }
  return after;
}

function fromField(text, latest) {
  const wall = Date.parse(`${text}Z`);
  return Number.isNaN(wall) ? null : new Date(momentOf(wall, latest)).toISOString();
}

/** `chosen({since, until})` is called with the choice; `filter()` returns the current filter. */
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
    const [since, until] = [fromField($("range-since").value, false), fromField($("range-until").value, true)];
    if (!until || (since && since >= until)) return void $("range-until").focus();
    dialog.close();
    chosen({ since: since ?? "", until });
  });
}
