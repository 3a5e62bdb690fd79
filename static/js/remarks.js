// Comments and the other small forms of a panel: sent in place, then the panel shows how it stands.
// Behaviour hangs on: form[data-panel-form], [data-journal] (kept until it has arrived).

import * as journal from "./journal.js";
import { open, panelOf } from "./panels.js";
import { Refused, sendForParts } from "./sending.js";

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
    await sendForParts(form.action, data);
    for (const field of form.querySelectorAll("[data-journal]")) {
      if (field.value === data.get(field.name)) journal.forget(field.dataset.journal);
    }
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
  try {
    await sendForParts(form.action, data);
    form.closest(".section__bulk").remove();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
});

document.addEventListener("input", (event) => {
  const { journal: key } = event.target.dataset ?? {};
  if (key) journal.keep(key, event.target.value, "");
});

document.addEventListener("focusin", (event) => {
  const { journal: key } = event.target.dataset ?? {};
  if (key && !event.target.value) event.target.value = journal.kept(key)?.text ?? "";
});
