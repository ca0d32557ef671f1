// Keeps the live parts of a page fresh: each event carries the page's live HTML, and only the elements
// that changed are replaced, so that focus and selection stay where the reader put them.

const region = document.querySelector("[data-live]");
const state = document.querySelector("[data-live-state]");

function say(text, tone) {
  if (state.textContent === text) return;
  state.textContent = text;
  state.dataset.tone = tone;
}

function refresh(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  for (const part of fresh.querySelectorAll("[data-part]")) {
    const shown = region.querySelector(`[data-part="${CSS.escape(part.dataset.part)}"]`);
    if (shown && shown.innerHTML !== part.innerHTML && !isTyping(shown)) merge(shown, part);
  }
}

function isTyping(shown) {
  const field = document.activeElement;
  return shown.contains(field) && "defaultValue" in field && field.value !== field.defaultValue;
}

function merge(shown, part) {
  const focused = shown.contains(document.activeElement) ? document.activeElement.id : "";
  const known = new Set([...shown.querySelectorAll("[data-row]")].map((row) => row.dataset.row));
  shown.replaceChildren(...part.childNodes);
  for (const row of shown.querySelectorAll("[data-row]")) {
    row.classList.toggle("changed", known.size > 0 && !known.has(row.dataset.row));
  }
  if (focused) document.getElementById(focused)?.focus();
}

if (region && state) {
  const events = new EventSource(region.dataset.live);
  events.addEventListener("live", (event) => {
    const html = JSON.parse(event.data);
    if (region.dispatchEvent(new CustomEvent("fresh", { detail: html, cancelable: true }))) refresh(html);
    say("Live", "good");
  });
  events.addEventListener("ended", () => {
    events.close();
    say("Session ended: sign in again", "warn");
  });
  events.addEventListener("error", () => say("Reconnecting…", "warn"));
}
