// The day page: wires the modules together, finds a place to begin, brings back unsaved text.

import "./acting.js";
import "./completing.js";
import "./counting.js";
import "./guarded.js";
import "./hours.js";
import "./keys.js";
import "./ordering.js";
import * as panels from "./panels.js";
import "./pulse.js";
import "./remarks.js";
import { entries } from "./journal.js";
import { refill, showHomeless } from "./keeping.js";
import { adopt } from "./saving.js";
import "./signing.js";
import "./visible.js";
import * as walk from "./walking.js";
import { announce } from "./words.js";

document.documentElement.classList.add("has-script");
adopt(document);

// What the last page had to say is said where everything is: as part of a page that has just been
// loaded nobody who listens would hear it.
const told = document.querySelector(".messages");
if (told) {
  const text = [...told.children].map((each) => each.textContent).join(" ");
  told.remove();
  setTimeout(announce, 300, text);
}

const named = location.hash && document.getElementById(location.hash.slice(1))?.closest("[data-card]");
const begin = named || walk.cards().find(walk.needsAttention) || walk.cards()[0];
// The first card is where the page begins anyway: its title and the first steps stay in sight.
walk.go(begin, { block: begin === walk.cards()[0] && !named ? "" : "start" });

document.addEventListener("click", async (event) => {
  const close = event.target.closest("[data-closes]");
  if (!close) return;
  const card = close.closest("[data-card]");
  if (close.closest("dialog")) close.closest("dialog").close();
  else if (card) panels.close(card);
  else document.getElementById(close.dataset.closes)?.replaceChildren();
});

// Text that was typed here and never arrived: its fields open again with it.
const unsaved = new Set((await entries()).map(({ key }) => key.split(".").slice(0, 2).join(".")));
for (const card of walk.cards()) {
  if (unsaved.has(card.dataset.about)) {
    const link = card.querySelector("a[data-panel=edit]");
    if (link) await panels.open(card, link.href, "edit");
  }
}
refill(document);
showHomeless();
