// Counts: what is typed is kept in the browser until the ledger has it. A report is sent under a key of its own, so
// that a gap in the Wi-Fi loses nothing and sending again counts nothing twice.

const form = document.querySelector("[data-count-form]");
const sent = document.querySelector("[data-sent]");
const STORE = "dockledger.counts";
const DRAFT = "dockledger.count-draft";
const AGAIN_MS = 3000;
const NUMBER = /^[0-9]{1,14}(\.[0-9]{1,6})?$/;
const FIELDS = ["item", "quantity", "lot"];

const lines = () => [...form.querySelectorAll("[data-line]")];
const field = (line, name) => line.querySelector(`[name=${name}]`);
const skew = form ? Date.parse(form.dataset.now) - Date.now() : 0;
let began = 0;

// Kept in the browser.

function read(name, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(name) ?? "null") ?? otherwise;
  } catch {
    return otherwise;
  }
}

function write(name, value) {
  try {
    localStorage.setItem(name, JSON.stringify(value));
  } catch {
    // A full or forbidden store: it still lives as long as the page.
  }
}

const others = (entry) => read(STORE, []).filter((other) => other.key !== entry.key);
const keep = (entry) => write(STORE, [...others(entry), entry]);
const drop = (entry) => write(STORE, others(entry));

function keepDraft() {
  const typed = lines().map((line) => FIELDS.map((name) => field(line, name).value));
  const { location, site, scope } = form.elements;
  write(DRAFT, {
    who: form.dataset.who,
    location: location.value,
    site: site.value,
    scope: scope.value,
    began,
    lines: typed.filter((line) => line.some(Boolean)),
  });
}

function takeDraft() {
  const draft = read(DRAFT, null);
  const isTyped = form.elements.location.value || lines().some((line) => field(line, "item").value);
  if (!draft || draft.who !== form.dataset.who || isTyped) return;
  form.elements.location.value = draft.location;
  for (const name of ["site", "scope"]) {
    const isKnown = [...form.elements[name].options].some((option) => option.value === draft[name]);
    if (isKnown) form.elements[name].value = draft[name];
  }
  began = draft.began ?? 0;
  while (lines().length < draft.lines.length) addLine();
  draft.lines.forEach((values, index) => {
    FIELDS.forEach((name, part) => {
      field(lines()[index], name).value = values[part];
    });
  });
}

// Lines come as they are needed.

function addLine() {
  const last = lines().at(-1);
  const fresh = last.cloneNode(true);
  for (const input of fresh.querySelectorAll("input")) {
    input.value = "";
    input.removeAttribute("value");
    input.setCustomValidity("");
  }
  last.after(fresh);
  return fresh;
}

function clear() {
  for (const line of lines().slice(1)) line.remove();
  for (const input of lines()[0].querySelectorAll("input")) input.value = "";
  form.elements.location.value = "";
  began = 0;
  localStorage.removeItem(DRAFT);
}

// Sending.

function card(entry) {
  let shown = sent.querySelector(`[data-key="${CSS.escape(entry.key)}"]`);
  if (!shown) {
    shown = document.createElement("p");
    shown.className = "notice";
    shown.dataset.key = entry.key;
    sent.prepend(shown);
  }
  return shown;
}

function tell(entry, text, tone, link) {
  const shown = card(entry);
  shown.dataset.tone = tone;
  const words = document.createElement("span");
  words.textContent = text;
  shown.replaceChildren(words);
  if (link) {
    const anchor = document.createElement("a");
    anchor.href = link;
    anchor.textContent = "Open";
    words.append(" ", anchor);
  }
}

const sending = new Set();

async function send(entry) {
  if (sending.has(entry.key)) return;
  sending.add(entry.key);
  const count = entry.body.named.length;
  const name = `${entry.body.location}, ${count} line${count === 1 ? "" : "s"}`;
  try {
    await settle(entry, name, await post(entry));
  } catch {
    tell(entry, `${name}: no connection. The count is kept here and is sent by itself.`, "warn");
    setTimeout(() => send(entry), AGAIN_MS);
  } finally {
    sending.delete(entry.key);
  }
}

function post(entry) {
  return fetch("/v1/counts", {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      "Idempotency-Key": entry.key,
      "X-CSRF-Token": form.elements.csrf.value,
    },
    body: JSON.stringify(entry.body),
  });
}

async function settle(entry, name, response) {
  if (response.status === 401) {
    tell(entry, `${name}: sign in again; the count is kept here.`, "warn", "/login?next=/counts");
    return;
  }
  if (response.status >= 500) throw new Error(`status ${response.status}`);
  const answer = await response.json();
  drop(entry);
  if (response.ok) {
    const { gateway, epoch, seq } = answer.count;
    tell(entry, `${name}: in the ledger.`, "good", `/counts/${gateway}/${epoch}/${seq}`);
  } else {
    tell(entry, `${name} was refused: ${answer.detail}`, "bad");
    card(entry).append(mending(entry));
  }
}

function mending(entry) {
  const again = document.createElement("button");
  again.type = "button";
  again.className = "plain";
  again.textContent = "Mend it";
  again.addEventListener("click", () => {
    clear();
    const typed = entry.body.named.map((line) => [line.item, line.quantity, line.lot ?? ""]);
    write(DRAFT, { ...entry.body, who: entry.who, began: 0, lines: typed });
    takeDraft();
    card(entry).remove();
    form.elements.location.focus();
  });
  return again;
}

function isReportable() {
  for (const input of form.querySelectorAll("input")) input.setCustomValidity("");
  for (const line of lines()) {
    const [item, quantity, lot] = FIELDS.map((name) => field(line, name));
    if (!item.value.trim() && (quantity.value || lot.value)) item.setCustomValidity("Which item?");
    if (item.value.trim() && !NUMBER.test(quantity.value.trim())) {
      quantity.setCustomValidity("How many? A number as 12 or 2.5; 0 for none.");
    }
  }
  if (form.elements.scope.value === "items" && !lines().some((line) => field(line, "item").value.trim())) {
    field(lines()[0], "item").setCustomValidity("Which item?");
  }
  return form.reportValidity();
}

function report() {
  const now = Date.now() + skew;
  const typed = lines().filter((line) => field(line, "item").value.trim());
  const entry = {
    key: crypto.randomUUID?.() ?? `${now}-${Math.random().toString(36).slice(2)}`,
    who: form.dataset.who,
    body: {
      site: form.elements.site.value,
      scope: form.elements.scope.value,
      location: form.elements.location.value.trim(),
      named: typed.map((line) => ({
        item: field(line, "item").value.trim(),
        quantity: field(line, "quantity").value.trim(),
        lot: field(line, "lot").value.trim() || null,
      })),
      observed_at: new Date(now).toISOString(),
      took_s: began ? Math.min(Math.max(now - began, 0) / 1000, 86400) : 0,
    },
  };
  keep(entry);
  clear();
  form.elements.location.focus();
  tell(entry, `${entry.body.location}: sending…`, "");
  send(entry);
}

function next(input) {
  const line = input.closest("[data-line]");
  if (!line) return field(lines()[0], "item");
  if (input.name === "item") return field(line, "quantity");
  const after = line.nextElementSibling;
  return field(after?.matches("[data-line]") ? after : addLine(), "item");
}

function sendAll() {
  for (const entry of read(STORE, [])) if (entry.who === form.dataset.who) send(entry);
}

if (form) {
  const add = form.querySelector("[data-add]");
  add.hidden = false;
  for (const line of lines().slice(1)) if (!field(line, "item").value) line.remove();
  takeDraft();
  form.addEventListener("input", (event) => {
    event.target.setCustomValidity?.("");
    began = began || Date.now() + skew;
    keepDraft();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (isReportable()) report();
  });
  add.addEventListener("click", () => field(addLine(), "item").focus());
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target.tagName !== "INPUT") return;
    event.preventDefault();
    next(event.target).focus();
  });
  window.addEventListener("online", sendAll);
  sendAll();
}
