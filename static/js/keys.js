// The keys. They are for the card, never for a field: not while somebody types, composes, holds a
// key down or has Ctrl, Meta or Alt pressed (but Alt with the arrows, which moves a card).
// Behaviour hangs on: #workplace[data-keys] (action → key, empty when somebody works without).

import { press, settled, shownBy } from "./acting.js";
import { askWhere } from "./ordering.js";
import * as panels from "./panels.js";
import { flush } from "./saving.js";
import { openProof } from "./signing.js";
import * as walk from "./walking.js";
import { announce, word } from "./words.js";

const keys = JSON.parse(document.getElementById("workplace")?.dataset.keys || "{}");
const isOn = Object.keys(keys).length > 0;
const actionOf = new Map(Object.entries(keys).map(([action, key]) => [key, action]));
let waitsForSection = null;

const button = (card, what) => card.querySelector(`[data-decision^="${what}"]`);
const link = (card, panel) => card.querySelector(`a[data-panel="${panel}"]`);

function openPanel(card, kind, options) {
  const found = link(card, kind);
  if (found) panels.open(card, found.href, kind, options);
}

/** Differences to the machine's draft; the same key again: to what I saw, was approved, is out. */
function openDifference(card) {
  const tabs = [...card.querySelectorAll(".card__panel [data-baseline]:not([data-none])")];
  const at = tabs.findIndex((tab) => tab.ariaCurrent === "true");
  const next = tabs.length ? tabs[(at + 1) % tabs.length] : link(card, "difference");
  if (next) panels.open(card, next.href, "difference");
}

function quoteOf(card) {
  const selection = getSelection();
  const isInside = selection.rangeCount && card.contains(selection.getRangeAt(0).commonAncestorContainer);
  return isInside ? selection.toString().trim() : "";
}

async function openComment(card) {
  const quote = quoteOf(card);
  const found = link(card, "comment");
  if (!found) return;
  await panels.open(card, found.href, "comment");
  const field = card.querySelector(".card__panel [name=quote]");
  if (field && quote && !field.value) { // one that was brought back belongs to its comment
    field.value = quote;
    field.closest("[data-quote]").hidden = false;
  }
}

const ACTIONS = {
  next: () => walk.step(1),
  previous: () => walk.step(-1),
  next_attention: () => walk.goToAttention(1),
  previous_attention: () => walk.goToAttention(-1),
  open: (card) => walk.toggle(card),
  approve: (card) => walk.judgeAndGoOn(card, button(card, "approve")),
  drop: (card) => walk.judgeAndGoOn(card, button(card, "drop"), { asks: true }),
  edit: (card) => openPanel(card, "edit", { field: "summary" }),
  move: (card) => { if (link(card, "move")) askWhere(card); },
  difference: openDifference,
  history: (card) => openPanel(card, "history"),
  comment: openComment,
  source: (card) => {
    const source = card.querySelector(".sources a");
    if (source) open(source.href, "_blank", "noopener,noreferrer");
  },
  undo: async () => {
    await settled(); // what was pressed a moment ago is what to take back
    const undo = document.getElementById("undo");
    if (undo) press(undo);
    else announce(word("nothing-to-undo"));
  },
  search: () => document.getElementById("search")?.focus(),
  sign: () => openProof(),
  hold: () => {
    const reason = document.getElementById("note-hold-");
    if (!reason) return announce(word("not-possible"));
    reason.closest("details").open = true;
    reason.focus();
  },
  help: () => document.getElementById("keys-help").showModal(),
};
const WITHOUT_CARD = new Set([
  "next", "previous", "next_attention", "previous_attention", "undo", "search", "sign", "hold",
  "help",
]);

function goToSection(number) {
  const section = document.querySelector(`[data-number="${number}"]`);
  const card = section?.querySelector("[data-card]");
  if (card) walk.go(card);
  else section?.scrollIntoView({ block: "start" });
}

const ALONE = new Set(["Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock", "NumLock"]);
/** Which key it is: with Caps Lock on, `a` is still `a`, and `S` takes a Shift. */
const keyOf = (event) =>
  event.getModifierState("CapsLock") && /^[a-z]$/i.test(event.key)
    ? event.key[event.shiftKey ? "toUpperCase" : "toLowerCase"]()
    : event.key;
const isComposing = (event) => event.isComposing || event.keyCode === 229;
const inField = (element) =>
  element.closest?.("input:not([type=hidden]), textarea, select, [contenteditable]");

// The same by thumb, at the foot of a phone.
document.addEventListener("click", (event) => {
  const action = event.target.closest("[data-thumb]")?.dataset.thumb;
  const card = walk.here();
  if (action && (card || WITHOUT_CARD.has(action))) ACTIONS[action](card);
});

addEventListener("keydown", (event) => {
  if (isComposing(event) || event.defaultPrevented) return;
  const dialog = document.querySelector("dialog[open]");
  if (dialog) return void inDialog(event, dialog);
  if (inField(event.target)) return void inside(event);
  if (!isOn || panels.isOpening()) return;
  const card = walk.here();
  if (event.altKey && !event.ctrlKey && !event.metaKey) {
    const way = { ArrowUp: "up", ArrowDown: "down" }[event.key];
    const found = way && card && document.getElementById(`${way}-${card.dataset.card}`);
    if (found && !event.repeat) {
      event.preventDefault();
      press(found);
    }
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") return void escape(card);
  // Where a digit takes Shift, that comes between `g` and the digit.
  if (event.repeat || ALONE.has(event.key)) return;
  if (waitsForSection) {
    clearTimeout(waitsForSection);
    waitsForSection = null;
    if (/^[1-9]$/.test(event.key)) {
      event.preventDefault();
      goToSection(event.key);
      return;
    }
  }
  if (keyOf(event) === "g") {
    waitsForSection = setTimeout(() => { waitsForSection = null; }, 1_500);
    return;
  }
  if (/^[1-5]$/.test(event.key)) {
    const collision = event.target.closest?.("form.is-collided");
    const rate = card && document.getElementById(`rate-${card.dataset.card}-${event.key}`);
    if (rate && !collision) press(rate); // the one that is shown, too: another may be on its way
    return;
  }
  const action = actionOf.get(keyOf(event));
  if (!action || (!card && !WITHOUT_CARD.has(action))) return;
  // Enter and blank on a button are the button's; letters are ours wherever the focus is.
  event.preventDefault();
  ACTIONS[action](card);
});

function escape(card) {
  const refusal = document.getElementById("refusal");
  if (refusal?.firstElementChild) {
    refusal.replaceChildren();
    return;
  }
  if (card) panels.close(card);
}

/** Within a field: Escape leaves it, Ctrl+Enter saves, approves and goes on. */
async function inside(event) {
  const card = event.target.closest("[data-card]");
  if (!card) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.key === "Escape") {
    event.preventDefault();
    await panels.close(card);
  } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.repeat) {
    event.preventDefault();
    const form = event.target.form;
    if (form && !form.dataset.typing) {
      form.requestSubmit();
      return;
    }
    // What was on the screen: the card as it was opened, with one's own changes. What somebody else
    // changed behind the open fields is not part of it, whatever the button says by now.
    const shown = shownBy(card);
    if ((await flush(card)) && (await panels.close(card))) {
      walk.judgeAndGoOn(card, button(card, "approve"), { shown });
    }
  }
}

function inDialog(event, dialog) {
  if (!isOn || inField(event.target) || event.repeat) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const found = [...dialog.querySelectorAll("[data-key]")].find((each) => each.dataset.key === keyOf(event));
  if (found) {
    event.preventDefault();
    found.click();
  }
}
