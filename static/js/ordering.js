// The order of the cards: one hidden field says it, the page follows. Moved by keys and buttons (up,
// down), by the dialog "move to …", and by dragging with mouse or finger.
// Behaviour hangs on: #order, [data-section] .cards, [data-grip], #mover (dialog).

import { act } from "./acting.js";
import { here } from "./walking.js";
import { announce, word } from "./words.js";

const MOTION = 150; // ms
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const list = (section) => document.querySelector(`[data-section="${section}"] .cards`);
const card = (pk) => document.getElementById(`card-${pk}`);

/** Put the cards of the page into the order that the desk says they have. */
export function arrange(order) {
  const wanted = order.split(";").filter(Boolean).map((part) => part.split(":"));
  const all = [...document.querySelectorAll(".cards > .card")];
  const before = new Map(all.map((each) => [each, each.getBoundingClientRect().top]));
  const anchor = here();
  const focused = document.activeElement;
  const held = new Set(wanted.map(([section]) => section));
  for (const [section, cards] of wanted) {
    const home = list(section);
    if (!home) continue;
    let place = home.firstElementChild;
    for (const pk of cards.split(",")) {
      const each = card(pk);
      if (!each) continue;
      if (each === place) place = place.nextElementSibling;
      else if (home.moveBefore && each.isConnected) home.moveBefore(each, place);
      else home.insertBefore(each, place);
    }
  }
  for (const each of document.querySelectorAll("[data-section]")) {
    const count = each.querySelectorAll(".cards > .card").length;
    each.classList.toggle("is-empty", count === 0 && !held.has(each.dataset.section));
  }
  if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
  if (anchor && before.has(anchor)) {
    scrollBy({ top: anchor.getBoundingClientRect().top - before.get(anchor), behavior: "instant" });
  }
  if (calm.matches) return;
  for (const each of all) {
    const shift = before.get(each) - each.getBoundingClientRect().top;
    if (Math.abs(shift) > 1 && Math.abs(shift) < 3_000) {
      each.animate([{ transform: `translateY(${shift}px)` }, { transform: "none" }], MOTION);
    }
  }
}

document.addEventListener("htmx:oobAfterSwap", (event) => {
  if (event.detail.target?.id === "order") {
    arrange(document.getElementById("order").value);
  }
});

/** Put a card behind another one, or first in a section. */
function put(moved, { after, first }) {
  const button = document.createElement("button");
  button.setAttribute("formaction", `${moved.dataset.address}move/`);
  return act(button, after ? { after } : { first });
}

// --- "move to …" ---------------------------------------------------------------------------------

const mover = document.getElementById("mover");

/** Ask where a card should go, and put it there. */
export function askWhere(moved) {
  const choice = mover.querySelector("select");
  choice.replaceChildren();
  for (const section of document.querySelectorAll("[data-section]")) {
    const group = document.createElement("optgroup");
    group.label = section.querySelector("h2").textContent.trim();
    group.append(new Option(word("first-here"), `first:${section.dataset.section}`));
    for (const each of section.querySelectorAll(".cards > .card")) {
      if (each === moved) continue;
      const name = each.querySelector(".row__headline").textContent.trim();
      group.append(new Option(word("behind", name), `after:${each.dataset.card}`));
    }
    choice.append(group);
  }
  mover.querySelector("[data-about]").textContent =
    moved.querySelector(".row__headline").textContent.trim();
  mover.returnValue = "";
  mover.addEventListener("close", () => {
    moved.focus({ preventScroll: true });
    if (mover.returnValue !== "yes" || !choice.value) return;
    const [kind, pk] = choice.value.split(":");
    put(moved, { [kind]: pk });
  }, { once: true });
  mover.showModal();
  choice.focus();
}

document.getElementById("main")?.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-panel=move]");
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  askWhere(link.closest("[data-card]"));
});

// --- dragging ------------------------------------------------------------------------------------

let drag = null;
const line = document.createElement("div");
line.className = "drop-line";

document.addEventListener("pointerdown", (event) => {
  const grip = event.target.closest?.("[data-grip]");
  if (!grip || event.button || drag) return; // one hand at a time
  event.preventDefault();
  const moved = grip.closest(".card");
  drag = { moved, grip, id: event.pointerId, target: null };
  grip.setPointerCapture(event.pointerId);
  moved.classList.add("is-dragged");
  document.documentElement.classList.add("is-dragging");
});

document.addEventListener("pointermove", (event) => {
  if (drag?.id !== event.pointerId) return;
  const edge = 60; // px from the window's edge where it scrolls by itself
  if (event.clientY < edge) scrollBy(0, -16);
  if (event.clientY > innerHeight - edge) scrollBy(0, 16);
  drag.target = placeAt(event.clientY);
  drag.target?.home.insertBefore(line, drag.target.before);
});

/** Where a card would land: the section, and the card that it would stand before. */
function placeAt(y) {
  const homes = [...document.querySelectorAll("[data-section] .cards")];
  const home = homes.findLast((each) => each.closest("[data-section]").getBoundingClientRect().top <= y)
    ?? homes[0];
  if (!home) return null;
  const standing = [...home.querySelectorAll(":scope > .card")].filter((each) => each !== drag.moved);
  const before = standing.find((each) => {
    const { top, height } = each.getBoundingClientRect();
    return y < top + Math.min(height, 80) / 2;
  });
  return { home, before: before ?? null };
}

function drop(event, isMeant) {
  if (drag?.id !== event.pointerId) return;
  const { moved, target } = drag;
  drag = null;
  line.remove();
  moved.classList.remove("is-dragged");
  document.documentElement.classList.remove("is-dragging");
  if (!isMeant || !target) return;
  const standing = [...target.home.querySelectorAll(":scope > .card")].filter((each) => each !== moved);
  const at = target.before ? standing.indexOf(target.before) : standing.length;
  const after = standing[at - 1]?.dataset.card;
  const isThere = after
    ? moved.previousElementSibling?.dataset?.card === after
    : moved.parentElement === target.home && moved === target.home.firstElementChild;
  if (isThere) return;
  put(moved, after ? { after } : { first: target.home.closest("[data-section]").dataset.section });
}

document.addEventListener("pointerup", (event) => drop(event, true));
document.addEventListener("pointercancel", (event) => drop(event, false));
document.addEventListener("keydown", (event) => {
  if (drag && event.key === "Escape") {
    drop({ pointerId: drag.id }, false);
    announce(word("drag-cancelled"));
  }
});
