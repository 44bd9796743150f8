// Applies the theme that was chosen last, before anything is drawn.
try {
  const theme = localStorage.getItem("netlog-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden; the system's theme holds then.
}
