// Tells the desk where somebody is and what they have seen, and shows what others did meanwhile.
// Only while the page is looked at; a page in the background asks nothing.
// Behaviour hangs on: #workplace[data-pulse], #people, [data-who].

import { sendForParts } from "./sending.js";
import { here, keepSeen, takeSeen } from "./walking.js";

const EVERY = 15_000; // ms
const url = document.getElementById("workplace")?.dataset.pulse;
const form = document.getElementById("act");
let timer = null;

async function beat() {
  clearTimeout(timer);
  if (document.visibilityState === "visible") {
    const data = new FormData(form);
    data.set("card", here()?.dataset.card ?? "");
    const pairs = takeSeen();
    for (const pair of pairs) data.append("seen", pair);
    await sendForParts(url, data, { once: true }).catch(() => keepSeen(pairs));
    showWho();
  }
  timer = setTimeout(beat, EVERY);
}

function showWho() {
  for (const place of document.querySelectorAll("[data-who]")) {
    const names = [...document.querySelectorAll(`#people [data-on="${place.dataset.who}"]`)]
      .map((each) => each.dataset.person);
    place.textContent = names.join("、");
  }
}

if (url) {
  timer = setTimeout(beat, 1_500);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") beat();
  });
  // Arriving at another card is told soon, not at once: j j j is one arrival.
  document.getElementById("main").addEventListener("arrived", () => {
    clearTimeout(timer);
    timer = setTimeout(beat, 2_000);
  });
  // Leaving: what was seen is told without waiting for an answer.
  addEventListener("pagehide", () => {
    const pairs = takeSeen();
    if (!pairs.length) return;
    const data = new FormData(form);
    for (const pair of pairs) data.append("seen", pair);
    navigator.sendBeacon(url, data);
  });
}
