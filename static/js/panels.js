// What opens below a card: its fields, comments, history, differences. Fetched when asked for.
// Behaviour hangs on: [data-panel] (a link that works without us), .card__panel.

import { isTyping } from "./parts.js";
import { refill } from "./keeping.js";
import { adopt, flush } from "./saving.js";
import { go, setOpen } from "./walking.js";
import { load, send } from "./sending.js";
import { word } from "./words.js";

let opening = null; // while a panel is on its way, keys are not for the card

export const isOpening = () => opening !== null;
export const panelOf = (card) => card.querySelector(".card__panel");
export const isEditing = (card) => Boolean(panelOf(card)?.querySelector("[data-editor]"));

/** Open a panel of a card at an address, and put the focus into it. */
export async function open(card, url, kind, { field = "" } = {}) {
  const panel = panelOf(card);
  if (!panel) return;
  if (isEditing(card) && !(await flush(card))) return;
  go(card, { focus: false });
  const before = document.activeElement;
  opening = kind;
  card.classList.toggle("is-editing", kind === "edit");
  panel.ariaBusy = "true";
  try {
    htmx.swap(panel, await load(url), { swapStyle: "innerHTML", swapDelay: 0, settleDelay: 0 });
    Object.assign(panel.dataset, { kind, url });
    adopt(panel);
    refill(panel);
  } catch {
    panel.textContent = word("not-loaded");
    card.classList.remove("is-editing");
  } finally {
    opening = null;
    panel.ariaBusy = "false";
  }
  setOpen(card, true);
  // Whoever has gone on to type somewhere else stays there.
  if (document.activeElement !== before && isTyping(document.activeElement)) return;
  const first = (field && panel.querySelector(`[data-typing$=".${field}"] [name=value]`))
    || panel.querySelector("[data-focus]")
    || panel.querySelector("textarea, [name=value], a, button");
  first?.focus({ preventScroll: true });
  if (first?.matches("textarea")) first.setSelectionRange(0, 0);
  (first?.closest("form, section") ?? panel).scrollIntoView({ block: "nearest" });
}

/** Close what is open below a card; what was typed is saved first. Answers whether it is closed. */
export async function close(card) {
  const panel = panelOf(card);
  if (!panel?.firstChild) return true;
  if (isEditing(card) && !(await flush(card))) return false;
  panel.replaceChildren();
  delete panel.dataset.kind;
  card.classList.remove("is-editing");
  card.focus({ preventScroll: true });
  return true;
}

document.getElementById("main")?.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-panel]");
  const card = event.target.closest("[data-card]");
  if (!link || !card || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  const kind = link.dataset.panel;
  if (kind === "move") return; // ordering.js asks where to
  event.preventDefault();
  if (kind === "close") close(card);
  else open(card, link.href, kind, { field: kind === "edit" ? "summary" : "" });
});

// --- the preview beside a text ---

const previews = new WeakMap();

document.addEventListener("typed", (event) => schedulePreview(event.target));
document.addEventListener("focusin", (event) => {
  if (event.target.matches?.("textarea[name=value]")) schedulePreview(event.target, 0);
});

function schedulePreview(input, delay = 250) {
  const place = input.closest("form")?.querySelector("[data-preview]");
  if (!place) return;
  clearTimeout(previews.get(input));
  previews.set(input, setTimeout(async () => {
    const data = new FormData();
    const shown = input.value;
    data.set("value", shown);
    try {
      const { text } = await send(place.dataset.preview, data, { once: true });
      if (input.value !== shown) return; // a later one is on its way
      htmx.swap(place, text, { swapStyle: "innerHTML", swapDelay: 0, settleDelay: 0 });
    } catch { /* the next key tries again; the text itself is the field's business */ }
  }, delay));
}
