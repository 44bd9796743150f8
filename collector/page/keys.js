// The keyboard shortcuts, which do not apply while typing.

const TYPED = "input, textarea, select";

export function keys(act) {
  document.addEventListener("keydown", (event) => event.key === "Tab" && document.body.classList.add("tabbing"));
  document.addEventListener("pointerdown", () => document.body.classList.remove("tabbing"));
  const plain = {
    "/": act.find,
    j: () => act.move(1),
    k: () => act.move(-1),
    ArrowDown: () => act.move(1),
    ArrowUp: () => act.move(-1),
    Enter: act.open,
    " ": act.pause,
    g: act.oldest,
    Home: act.oldest,
    G: act.newest,
    End: act.newest,
    s: act.senders,
    u: act.utc,
    l: act.live,
    "?": act.help,
    Escape: act.back,
  };
  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog[open]")) return;
    if (target.matches(TYPED)) {
      if (key === "Escape" && (target.value === "" || target.type !== "search")) document.getElementById("list").focus();
      return;
    }
    // A button in focus is pressed by its own keys; a panel in focus scrolls by its own.
    if ((key === "Enter" || key === " ") && target.closest("button, a")) return;
    if (key.startsWith("Arrow") && !target.closest("#list, body:not(:focus-within)")) return;
    const does = plain[key];
    if (!does) return;
    event.preventDefault();
    does();
  });
}
