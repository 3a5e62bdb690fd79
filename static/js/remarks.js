// Comments and the other small forms of a panel: sent in place, then the panel shows how it stands.
// Behaviour hangs on: form[data-panel-form].

import { arrived } from "./keeping.js";
import { open, panelOf } from "./panels.js";
import { Refused, sendForParts } from "./sending.js";
import { go } from "./walking.js";

document.addEventListener("submit", async (event) => {
  const form = event.target.closest?.("form[data-panel-form]");
  const card = form?.closest("[data-card]");
  if (!card) return;
  event.preventDefault();
  const button = event.submitter ?? form.querySelector("button");
  if (button.ariaBusy === "true") return;
  button.ariaBusy = "true";
  try {
    const data = new FormData(form, event.submitter);
    data.set("since", document.getElementById("since").value);
    await sendForParts(form.action, data);
    if (form.dataset.journal) arrived(form, data);
    const { kind } = panelOf(card).dataset;
    const link = card.querySelector(`a[data-panel="${kind}"]`);
    await open(card, panelOf(card).dataset.url ?? link.href, kind);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  } finally {
    button.ariaBusy = "false";
  }
});

// A section's bulk approval: what was seen goes with it.
document.addEventListener("submit", async (event) => {
  const form = event.target.closest?.("form[data-bulk]");
  if (!form) return;
  event.preventDefault();
  const data = new FormData(form);
  for (const [name, value] of new FormData(document.getElementById("act"))) data.append(name, value);
  const isApproved = (card) => card?.querySelector('.row[data-state="approved"]');
  const waiting = data.getAll("seen")
    .map((pair) => document.getElementById(`card-${pair.split(":")[0]}`))
    .filter((card) => !isApproved(card));
  try {
    await sendForParts(form.action, data);
    const block = form.closest(".section__bulk");
    const isThere = block.contains(document.activeElement);
    block.remove();
    if (isThere) go(waiting.find(isApproved)); // the button is gone: the focus goes where something changed
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
});
