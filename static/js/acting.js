// Decisions, moves, ratings, undo: every button of the form #act. They go out one after the other,
// each with the order and the hash that its maker saw.
// Behaviour hangs on: #act, [form=act], [data-asks] (a dialog that asks first).

import * as journal from "./journal.js";
import { announce } from "./words.js";
import { become, follow } from "./seen.js";
import { flush } from "./saving.js";
import { Refused, sendForParts } from "./sending.js";

const form = document.getElementById("act");
let queue = Promise.resolve();
let underWay = 0; // how many are pressed and not answered yet

/** What somebody has before their eyes: open fields hide the text that a colleague may change. */
export const shownBy = (card) => card?.querySelector("[data-editor]")?.dataset.seen ?? "";

/**
 * Do what a button says; `shown` is the hash its maker saw where that is not the button's own.
 * Answers with true when it was done.
 */
export function act(button, more = {}, shown = "") {
  const { id, name, value, formAction: url } = button;
  const isDecision = name === "seen"; // made once, about what its maker saw
  const card = button.closest("[data-card]");
  const isApproval = button.dataset.decision?.startsWith("approve");
  const seen = shown || shownBy(card) || value;
  if (button.disabled || (isDecision && button.ariaBusy === "true")) return Promise.resolve(false);
  button.ariaBusy = "true";
  underWay += 1;
  const going = queue.then(async () => {
    try {
      // What is typed a moment ago is on the screen, so it is part of what is approved.
      if (isApproval && !(await flush(card))) return false;
      // Now, not when it was pressed: up, up, up are three moves, each from where the last one led.
      const data = new FormData(form);
      document.getElementById("refusal")?.replaceChildren(); // it was about what went before
      const present = (id && document.getElementById(id)?.value) || value;
      if (name) data.set(name, isDecision ? become(seen) : present);
      for (const [key, text] of Object.entries(more)) data.append(key, text);
      const { headers } = await sendForParts(url, data);
      const [before, after] = [headers.get("Copydesk-Before"), headers.get("Copydesk-After")];
      if (before && after) follow(before, after);
      const restored = headers.get("Copydesk-Card");
      if (restored) form.dispatchEvent(new CustomEvent("restored", { detail: restored }));
      return true;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const refusal = document.getElementById("refusal");
      announce(refusal?.querySelector("strong")?.textContent ?? "");
      return false;
    } finally {
      button.ariaBusy = "false";
      underWay -= 1;
      form.dispatchEvent(new CustomEvent("acted", { detail: button }));
    }
  });
  queue = going.catch(() => {});
  return going;
}

/** Resolves when all that was pressed so far is done. */
export const settled = () => queue;

/**
 * Ask for a reason; answers with it, or with null when somebody thinks better of it. What was typed
 * is kept under `key`, and there again when the same is asked once more.
 */
export function ask(dialog, about, key) {
  const answer = dialog.querySelector("input");
  dialog.querySelector("[data-about]").textContent = about;
  dialog.dataset.asked = key;
  answer.value = journal.kept(key)?.text ?? "";
  answer.oninput = () => journal.keep(key, answer.value);
  journal.left(key).then(([left]) => {
    if (!left || !dialog.open || dialog.dataset.asked !== key || answer.value) return;
    journal.takeOver(left);
    answer.value = left.text;
  });
  const before = document.activeElement;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      before?.focus?.({ preventScroll: true });
      resolve(dialog.returnValue === "yes" ? answer.value : null);
    }, { once: true });
  });
}

/** Press a button, asking first where it wants to. */
export async function press(button, shown = "") {
  if (!button.dataset.asks) return act(button, {}, shown);
  const key = `reason.${button.id}`;
  const note = await ask(document.getElementById(button.dataset.asks), button.dataset.about, key);
  if (note === null) return false;
  const isDone = await act(button, { note });
  if (isDone) journal.forget(key);
  else if (note) showKept(note);
  return isDone;
}

/** Show a reason that was not taken: there may be no button any more that asks for it again. */
function showKept(note) {
  const kept = document.getElementById("reason-kept").content.cloneNode(true);
  kept.querySelector("[data-text]").textContent = note;
  document.getElementById("refusal")?.append(kept);
}

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  if (event.submitter) press(event.submitter);
});

addEventListener("beforeunload", (event) => {
  if (underWay) event.preventDefault();
});
