// Approvals by keyboard: J and K go through the list; on one decision A and R go to the two answers. No key sends one.

const list = document.querySelector("[data-list]");

function walk(step) {
  const links = [...list.querySelectorAll("[data-row] a.row")];
  const at = links.indexOf(document.activeElement);
  const next = links[at < 0 ? 0 : Math.min(Math.max(at + step, 0), links.length - 1)];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.closest("input, select, textarea")) return;
  const key = event.key.toLowerCase();
  if (list && (key === "j" || key === "k")) {
    event.preventDefault();
    walk(key === "j" ? 1 : -1);
    return;
  }
  const control = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (control) {
    event.preventDefault();
    control.focus();
    control.scrollIntoView({ block: "center" });
  }
});
