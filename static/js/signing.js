// The proof and the signature, in a dialog on the day page: no other page has to be loaded.
// Behaviour hangs on: #proof (dialog), [data-opens-proof].

import { settled } from "./acting.js";
import { flush } from "./saving.js";
import { load } from "./sending.js";
import { word } from "./words.js";

const dialog = document.getElementById("proof");

/** Show the issue as readers will see it, with the signature below. */
export async function openProof() {
  if (!dialog || !(await flush(document.body))) return;
  await settled(); // the proof shows what was approved a moment ago as approved
  const link = document.getElementById("to-sign");
  const place = dialog.querySelector("[data-proof]");
  place.textContent = "";
  dialog.showModal();
  try {
    htmx.swap(place, await load(link.href), { swapStyle: "innerHTML", swapDelay: 0, settleDelay: 0 });
    (place.querySelector("[data-decision=sign]:not(:disabled)") ?? place.querySelector("h2"))?.focus();
  } catch {
    place.textContent = word("not-loaded");
  }
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-opens-proof]") || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  openProof();
});

// Once it is signed, or refused, the dialog has done its work: the page shows what comes next. What
// others do meanwhile closes nothing: somebody is reading.
document.getElementById("act")?.addEventListener("acted", ({ detail: button }) => {
  if (!dialog?.open || !dialog.contains(button)) return;
  dialog.close();
  const refusal = document.getElementById("refusal");
  const part = refusal.firstElementChild ? refusal : document.getElementById("publication");
  part.tabIndex = -1;
  part.focus();
});
