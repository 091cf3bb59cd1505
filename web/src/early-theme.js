// Before the first paint: what the viewer chose, kept in this browser alone.
try {
  const root = document.documentElement;
  root.dataset.theme = localStorage.getItem("theme") || "system";
  root.dataset.density = localStorage.getItem("density") || "comfortable";
} catch {
  // Storage may be refused; then the system's theme holds.
}
