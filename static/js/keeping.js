// Forms that are sent as a whole, comments and cards that could not be read: what is typed into them
// is kept until it has arrived, and comes back.
// Behaviour hangs on: form[data-journal] (its name there), [data-quote] in it, [data-unsaved] (the
// form shows what the desk did not take), #left-behind (template).

import * as journal from "./journal.js";

const SENT = "copydesk:sent"; // in sessionStorage: what the page before this one has sent
const filled = new WeakSet(); // forms that have been seen to
const fieldsOf = (form) => [...form.querySelectorAll("textarea, select")];
const typedIn = (form) => Object.fromEntries(fieldsOf(form).map(({ name, value }) => [name, value]));
const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const formFor = (key) => document.querySelector(`form[data-journal="${CSS.escape(key)}"]`);

function put(form, typed) {
  const texts = typeof typed === "string" ? { body: typed } : typed; // comments once were one text
  for (const field of fieldsOf(form)) {
    const shown = field.value;
    field.value = texts[field.name] ?? shown;
    if (field.matches("select") && !field.value) field.value = shown; // that choice is there no more
    const quote = field.closest("[data-quote]");
    if (quote && field.value) quote.hidden = false;
  }
}

/** Bring back what was typed into the forms of a part of the page. */
export function refill(root) {
  for (const form of root.querySelectorAll("form[data-journal]")) {
    if (!filled.has(form)) fill(form);
    filled.add(form);
  }
}

async function fill(form) {
  const key = form.dataset.journal;
  const shown = typedIn(form);
  const kept = journal.kept(key)?.text;
  if (kept && !isSame(kept, shown)) put(form, kept);
  else if ("unsaved" in form.dataset) journal.keep(key, shown);
  else journal.forget(key);
  const [left] = await journal.left(key);
  // Of several, one after the other: the next when this has been sent.
  if (!left || journal.kept(key) || !isSame(typedIn(form), shown)) return;
  journal.takeOver(left);
  put(form, left.text);
}

/** The desk has what was sent with a form. */
export function arrived(form, data) {
  if (fieldsOf(form).every(({ name, value }) => value === data.get(name))) {
    journal.forget(form.dataset.journal);
  }
}

/** What was left behind, with a button to throw it away. */
export function leftBehind(entry) {
  const { content } = document.getElementById("left-behind");
  const block = content.firstElementChild.cloneNode(true);
  const { quote, body, text } = entry.text; // of a form; a field is one text
  const texts = typeof entry.text === "string" ? [entry.text] : [quote, body, text];
  block.querySelector("[data-text]").textContent = texts.filter(Boolean).join("\n");
  block.querySelector("[data-throw-away]").addEventListener("click", () => {
    journal.clear(entry);
    block.remove();
  });
  return block;
}

/** Show what was typed into cards that could not be read and that are dealt with by now. */
export async function showHomeless() {
  const { issue } = document.getElementById("workplace").dataset;
  for (const entry of await journal.entries()) {
    if (!entry.key.startsWith(`held.${issue}.`) || formFor(entry.key)) continue;
    document.getElementById("act").after(leftBehind(entry));
  }
}

document.addEventListener("input", (event) => {
  const form = event.target.closest?.("form[data-journal]");
  if (form) journal.keep(form.dataset.journal, typedIn(form));
});

// A form that leads to another page has arrived if that leads on, and is shown again if not.
document.addEventListener("submit", ({ target: form }) => {
  const { journal: key } = form.dataset;
  if (key && !form.matches("[data-panel-form]")) {
    try { sessionStorage.setItem(SENT, key); } catch { /* then nothing was kept either */ }
  }
});
try {
  const sent = sessionStorage.getItem(SENT);
  sessionStorage.removeItem(SENT);
  const [{ redirectCount }] = performance.getEntriesByType("navigation");
  if (sent && redirectCount && !formFor(sent)) journal.forget(sent);
} catch { /* nothing was kept */ }
