// Dock exceptions: an answer is sent under the key of its form and confirmed when it is committed. It is kept in
// the browser until then, so that a gap in the Wi-Fi loses nothing and sending again posts nothing twice.

const dock = document.querySelector("[data-dock]");
const unsent = document.querySelector("[data-unsent]");
const STORE = "dockledger.answers";
const AGAIN_MS = 3000;
const LINGER_MS = 6000;
const SAID = { in: "In", out: "Out", did_not_move: "Did not move", choose_visit: "Visit" };

const cards = () => [...(dock?.querySelectorAll("[data-row]") ?? [])];
const cardOf = (row) => cards().find((card) => card.dataset.row === row);

// What is not confirmed yet, in the order in which it was said.

function read() {
  try {
    return JSON.parse(localStorage.getItem(STORE) ?? "[]");
  } catch {
    return [];
  }
}

function write(entries) {
  try {
    localStorage.setItem(STORE, JSON.stringify(entries));
  } catch {
    // A full or forbidden store: the answer still lives as long as the page.
  }
  const waiting = entries.filter((entry) => entry.who === dock.dataset.who && !cardOf(entry.row));
  unsent.hidden = waiting.length === 0;
  unsent.textContent = `${waiting.length} answer${waiting.length === 1 ? "" : "s"} not sent yet; it happens by itself.`;
}

function keep(entry) {
  write([...read().filter((other) => other.key !== entry.key), entry]);
}

function drop(entry) {
  write(read().filter((other) => other.key !== entry.key));
}

// Sending.

function tell(row, state, text, tone) {
  const card = cardOf(row);
  if (!card) return;
  card.dataset.state = state;
  card.dataset.told = String(Date.now());
  const outcome = card.querySelector("[data-outcome]");
  outcome.hidden = false;
  outcome.textContent = text;
  outcome.dataset.tone = tone;
  const isOver = state === "done" || state === "settled";
  for (const control of card.querySelectorAll("button, select, input")) control.disabled = state !== "refused";
  card.querySelector("form").hidden = isOver;
}

const sending = new Set();

async function send(entry) {
  if (sending.has(entry.key)) return;
  sending.add(entry.key);
  const said = SAID[entry.body.answer];
  tell(entry.row, "sending", `Sending “${said}”…`, "");
  try {
    await settle(entry, said, await post(entry));
  } catch {
    tell(entry.row, "kept", `No connection. “${said}” is kept here and is sent by itself.`, "warn");
    setTimeout(() => send(entry), AGAIN_MS);
  } finally {
    sending.delete(entry.key);
  }
}

function post(entry) {
  const csrf = document.querySelector("input[name=csrf]").value;
  return fetch(entry.url, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": entry.key, "X-CSRF-Token": csrf },
    body: JSON.stringify(entry.body),
  });
}

async function settle(entry, said, response) {
  if (response.status === 401) {
    tell(entry.row, "kept", `Sign in again; “${said}” is kept here.`, "warn");
    return;
  }
  if (response.status >= 500) throw new Error(`status ${response.status}`);
  const answer = await response.json();
  drop(entry);
  if (response.ok) {
    const visit = answer.visit ? ` ${answer.visit}` : "";
    tell(entry.row, "done", `${said}${visit}: in the ledger at position ${answer.position.toLocaleString("en")}.`, "good");
    follow(entry.row);
  } else {
    const isSettled = response.status === 409;
    tell(entry.row, isSettled ? "settled" : "refused", `${answer.detail}`, isSettled ? "warn" : "bad");
  }
}

function follow(row) {
  const all = cards();
  const from = all.findIndex((card) => card.dataset.row === row);
  const next = [...all.slice(from + 1), ...all.slice(0, from)].find((card) => !card.dataset.state);
  if (all[from]?.contains(document.activeElement) || document.activeElement === document.body) next?.focus();
}

dock?.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-answer]");
  if (!form) return;
  event.preventDefault();
  const visit = form.elements.visit?.value || null;
  const answer = event.submitter.value;
  const entry = {
    row: form.closest("[data-row]").dataset.row,
    url: form.dataset.answer,
    key: form.elements.key.value,
    who: dock.dataset.who,
    body: { answer, visit: answer === "did_not_move" ? null : visit },
  };
  keep(entry);
  send(entry);
});

function sendAll() {
  for (const entry of read()) if (entry.who === dock.dataset.who) send(entry);
}

// The queue: cards come and go; one that somebody looks at is not touched.

function refresh(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  const list = dock.querySelector("[data-queue]");
  const wanted = [...fresh.querySelectorAll("[data-queue] > [data-row]")];
  const rows = new Set(wanted.map((card) => card.dataset.row));
  for (const card of cards()) {
    const isBusy = ["sending", "kept", "refused"].includes(card.dataset.state);
    const lingers = card.dataset.state && Date.now() - Number(card.dataset.told) < LINGER_MS;
    if (!rows.has(card.dataset.row) && !isBusy && !lingers) card.remove();
  }
  let place = list.firstElementChild;
  for (const card of wanted) {
    const shown = cardOf(card.dataset.row);
    if (!shown) {
      card.classList.add("changed");
      list.insertBefore(card, place);
    } else if (!shown.dataset.state && shown.dataset.version !== card.dataset.version) {
      shown.replaceWith(card);
      place = card.nextElementSibling;
    } else {
      shown.querySelector("[data-age]").textContent = card.querySelector("[data-age]").textContent;
      place = shown.nextElementSibling;
    }
  }
  dock.querySelector("[data-count]").replaceChildren(...fresh.querySelector("[data-count]").childNodes);
  dock.querySelector("[data-empty]").hidden = cards().length > 0;
}

// Keys: 1, 2, 3 press the current card's buttons; J and K go to the next card and the one before.

function current() {
  return document.activeElement?.closest?.("[data-row]") ?? cards().find((card) => !card.dataset.state);
}

document.addEventListener("keydown", (event) => {
  if (!dock || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.closest("input, select, textarea")) return;
  const key = event.key.toLowerCase();
  if (key === "j" || key === "k") {
    const all = cards();
    const at = all.indexOf(document.activeElement?.closest?.("[data-row]"));
    const next = all[at < 0 ? 0 : Math.min(Math.max(at + (key === "j" ? 1 : -1), 0), all.length - 1)];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
    event.preventDefault();
    return;
  }
  const button = current()?.querySelector(`[data-shortcut="${CSS.escape(key)}"]:not(:disabled)`);
  if (button) {
    event.preventDefault();
    button.click();
  }
});

if (dock) {
  dock.addEventListener("fresh", (event) => {
    event.preventDefault();
    refresh(event.detail);
  });
  window.addEventListener("online", sendAll);
  write(read());
  sendAll();
}
