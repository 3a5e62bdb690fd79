// Where somebody is: one card at a time is open and has the focus. What was looked at is remembered.
// Behaviour hangs on: [data-card], .card__more, [data-opens], [data-attention] of a card's row,
// [data-waits] in it.

import { announce, word } from "./words.js";
import { press } from "./acting.js";

const LOOKED_AT = 800; // ms in front of a card until it counts as seen
const main = document.getElementById("main");
const seen = new Map(); // card → hash, to be told with the next pulse
let current = null;
let judged = new Set(); // cards that a decision is on its way for
let timer = null;

export const cards = () => [...main.querySelectorAll("[data-card]")];
export const rowOf = (card) => card.querySelector(".row");
export const here = () => (current?.isConnected ? current : null);

/** Go to a card: it opens, the one before closes, the focus is on it. */
export function go(card, { focus = true, block = "start" } = {}) {
  if (!card) return;
  const before = here();
  if (before && before !== card) leave(before);
  before?.classList.remove("is-here");
  current = card;
  card.classList.add("is-here");
  setOpen(card, true);
  if (focus) {
    card.focus({ preventScroll: true });
    if (block) card.scrollIntoView({ block, behavior: "instant" });
  }
  look(card);
  main.dispatchEvent(new CustomEvent("arrived", { detail: card }));
}

/** What is only read closes with its card; open fields and half a comment stay. */
function leave(card) {
  const panel = card.querySelector(".card__panel");
  const isWritten = panel?.querySelector("[data-editor]")
    || [...(panel?.querySelectorAll("textarea") ?? [])].some((field) => field.value);
  if (isWritten) return;
  panel?.replaceChildren();
  setOpen(card, false);
}

export function setOpen(card, isOpen) {
  const more = card.querySelector(".card__more");
  if (more) more.open = isOpen;
}

export function toggle(card) {
  setOpen(card, !card.querySelector(".card__more")?.open);
}

function look(card) {
  clearTimeout(timer);
  timer = setTimeout(() => {
    const row = rowOf(card);
    const isOpen = card.querySelector(".card__more")?.open;
    if (document.hidden || current !== card || !isOpen || !row?.dataset.hash || !/^\d+$/.test(card.dataset.card)) return;
    seen.set(card.dataset.card, row.dataset.hash);
    if (row.dataset.attention === "changed") row.removeAttribute("data-attention");
  }, LOOKED_AT);
}

// A page that was loaded behind others, or left there, is looked at when it comes to the front.
document.addEventListener("visibilitychange", () => { if (here()) look(here()); });

/** What was seen since the last time somebody asked, as `card:hash`. */
export function takeSeen() {
  const pairs = [...seen].map(([card, hash]) => `${card}:${hash}`);
  seen.clear();
  return pairs;
}

/** What could not be told is told the next time. */
export function keepSeen(pairs) {
  for (const [card, hash] of pairs.map((pair) => pair.split(":"))) {
    if (!seen.has(card)) seen.set(card, hash);
  }
}

export function step(by) {
  const all = cards().filter((card) => card.checkVisibility?.() ?? true);
  const at = all.indexOf(here());
  go(all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + by))]);
}

/** Whether somebody should look at a card: a dropped one only while a question about it is open. */
export function needsAttention(card) {
  const row = rowOf(card);
  if (!row || judged.has(card)) return false;
  return row.hasAttribute("data-attention") || row.querySelector("[data-waits]") !== null;
}

/** The next card that needs somebody, from here on and round; none if there is none. */
export function nextAttention(by = 1) {
  const all = cards();
  const at = all.indexOf(here());
  const round = by > 0
    ? [...all.slice(at + 1), ...all.slice(0, Math.max(at, 0))]
    : [...all.slice(0, Math.max(at, 0)).reverse(), ...all.slice(at + 1).reverse()];
  return round.find(needsAttention) ?? null;
}

export function goToAttention(by = 1) {
  const next = nextAttention(by);
  if (next) go(next);
  else announce(word("nothing-waits"));
}

/** Make a decision about a card and go on to the next that needs somebody. */
export async function judgeAndGoOn(card, button, { asks = false, shown = "" } = {}) {
  if (!button || button.disabled) {
    announce(card.querySelector(".row__why")?.textContent ?? word("not-possible"));
    return;
  }
  if (judged.has(card)) return; // pressed twice: what comes next was not looked at yet
  judged.add(card);
  const going = press(button, shown);
  const goOn = () => {
    const next = nextAttention();
    if (next) go(next);
    else announce(word("all-judged"));
  };
  if (!asks) goOn(); // the answer comes while somebody reads on
  const isDone = await going.catch(() => false);
  judged.delete(card);
  if (asks && isDone) goOn();
}

main?.addEventListener("click", (event) => {
  const opens = event.target.closest("[data-opens]");
  const card = event.target.closest("[data-card]");
  if (opens && card && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.button) {
    event.preventDefault();
    if (here() === card) toggle(card);
    else go(card);
  }
});

// What was taken back is where one goes.
document.getElementById("act")?.addEventListener("restored", (event) => {
  go(document.getElementById(`card-${event.detail}`), { block: "nearest" });
});

// Seen is what was open for a while.
main?.addEventListener("toggle", (event) => {
  const card = event.target.closest("[data-card]");
  if (event.target.open && card && card === here()) look(card);
}, true);

// Wherever somebody clicks or tabs to, there they are.
main?.addEventListener("focusin", (event) => {
  const card = event.target.closest("[data-card]");
  if (!card || card === here()) return;
  here()?.classList.remove("is-here");
  current = card;
  card.classList.add("is-here");
  look(card);
  main.dispatchEvent(new CustomEvent("arrived", { detail: card }));
});
