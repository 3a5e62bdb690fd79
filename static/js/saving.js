// Saves each field by itself while it is typed in: compare-and-set on the value it started from,
// one request a field at a time, its state in words beside it.
// Behaviour hangs on: form[data-typing] with [name=value][data-base], [data-state], [data-answer].

import * as journal from "./journal.js";
import { leftBehind } from "./keeping.js";
import { apply } from "./parts.js";
import { Refused, send } from "./sending.js";
import { follow } from "./seen.js";
import { word } from "./words.js";

const AFTER_TYPING = 700; // ms without a key
const AFTER_TROUBLE = 5_000; // ms
const fields = new Map(); // form → Field

class Field {
  constructor(form) {
    this.form = form;
    this.key = form.dataset.typing;
    this.input = form.elements.value;
    this.base = this.input.dataset.base;
    this.saved = this.input.value;
    this.sending = null;
    this.timer = null;
    this.collision = null;
    this.trouble = false;
    this.isComposing = false;
    form.addEventListener("submit", (event) => { event.preventDefault(); this.save(); });
    this.input.addEventListener("input", (event) => { if (!event.isComposing) this.typed(); });
    this.input.addEventListener("compositionstart", () => { this.isComposing = true; });
    this.input.addEventListener("compositionend", () => {
      this.isComposing = false;
      this.typed();
    });
    this.input.addEventListener("blur", () => { if (this.isDirty) this.save(); });
    form.addEventListener("click", (event) => {
      const take = event.target.closest("[data-take]");
      if (take) this.settle(take.dataset.take);
    });
    form.addEventListener("keydown", (event) => {
      const key = { 1: "mine", 2: "theirs", 3: "merged" }[event.key];
      const isHeld = event.ctrlKey || event.metaKey || event.altKey || event.repeat;
      const inField = event.target === this.input;
      if (this.collision && key && !isHeld && !inField && !event.isComposing) {
        event.preventDefault();
        this.settle(key);
      }
    });
    this.restore();
  }

  get isDirty() { return this.input.value !== this.saved; }

  /**
   * What was typed before the tab crashed or the session ended takes its place again. So does what
   * a tab that is gone has left behind; where there is more than one text, the others are offered.
   */
  async restore() {
    const kept = journal.kept(this.key);
    if (kept?.text === this.saved) journal.forget(this.key);
    else if (kept) this.bringBack(kept);
    for (const left of await journal.left(this.key)) {
      if (left.text === this.input.value) journal.clear(left);
      else if (this.isDirty || this.sending || this.collision || !journal.knowsTabs) {
        this.offer(left);
      } else {
        journal.takeOver(left);
        this.bringBack(left);
      }
    }
  }

  bringBack({ text, base }) {
    this.input.value = text;
    this.base = base;
    this.say("restored");
    this.typed();
  }

  /** Show what was left behind beside what the field has now. */
  offer(left) {
    const offer = leftBehind(left);
    const take = offer.querySelector("[data-take-left]");
    take.hidden = false;
    take.addEventListener("click", async () => {
      if (!(await this.save())) return; // what is there is not lost for it
      journal.takeOver(left);
      this.input.value = left.text;
      offer.remove();
      this.input.focus();
      this.typed();
    });
    this.form.append(offer);
  }

  typed() {
    clearTimeout(this.timer);
    this.form.toggleAttribute("data-dirty", this.isDirty);
    this.input.dispatchEvent(new CustomEvent("typed", { bubbles: true }));
    if (!this.isDirty && !this.sending) {
      journal.forget(this.key);
      this.say("saved");
      return;
    }
    const isKept = this.keep();
    if (!this.collision) {
      this.say(isKept ? "typing" : "not-kept");
      this.saveIn(AFTER_TYPING);
    }
  }

  keep() { return journal.keep(this.key, this.input.value, this.base); }

  /** Saves after a while; what an input method has not finished by then is saved once it has. */
  saveIn(time) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { if (!this.isComposing) this.save(); }, time);
  }

  say(state, detail = "") {
    const line = this.form.querySelector("[data-state]");
    line.dataset.state = state;
    line.textContent = [word(state), detail].filter(Boolean).join(" ");
  }

  /** Saves what is there; answers whether all that was typed is saved now. */
  async save() {
    clearTimeout(this.timer);
    if (this.sending) {
      await this.sending;
      return this.isDirty && !this.collision && !this.trouble ? this.save() : !this.isDirty;
    }
    if (!this.isDirty) return true;
    if (this.collision) return false;
    this.sending = this.post(this.input.value);
    try {
      await this.sending;
    } finally {
      this.sending = null;
    }
    return !this.isDirty;
  }

  async post(text) {
    const data = new FormData();
    data.set("value", text);
    data.set("base", this.base);
    this.trouble = false;
    this.say("saving");
    try {
      const answer = JSON.parse((await send(this.form.action, data)).text);
      this.base = answer.base;
      this.saved = text;
      this.show("");
      if (answer.hash) follow(answer.before, answer.hash);
      if (this.isDirty) {
        this.keep();
        this.saveIn(AFTER_TYPING);
      } else {
        journal.forget(this.key);
        this.form.removeAttribute("data-dirty");
        this.say("saved");
      }
      if (answer.parts) apply(answer.parts);
    } catch (error) {
      this.trouble = true;
      if (error instanceof Refused) {
        this.refused(error, text);
      } else {
        // An answer that was cut off, or none of ours: it is kept, and tried again.
        this.say("not-saved", word("not-saved-why"));
        this.saveIn(AFTER_TROUBLE);
      }
    }
  }

  refused(error, text) {
    let answer = {};
    try { answer = JSON.parse(error.text); } catch { /* a page, not an answer */ }
    if (answer.collision) {
      this.collision = { mine: text, ...answer };
      this.say("collided");
      this.show(answer.collision); // announced; the focus stays with whoever is typing
      return;
    }
    const reasons = answer.errors ?? [word("not-saved-why")];
    this.say("not-saved", reasons.join(" "));
    if (error.status >= 500 || error.status === 429) this.saveIn(AFTER_TROUBLE); // it may pass
  }

  /** After a collision: keep mine, take theirs, or go on with both together. */
  settle(choice) {
    const { mine, theirs, merged, base } = this.collision;
    const typedSince = this.input.value !== mine;
    if (choice === "merged" && !this.form.querySelector("[data-take=merged]")) return;
    if (choice === "merged" && typedSince) {
      this.collision = null; // what was typed since belongs to it, too: brought together anew
      this.save();
      return;
    }
    this.collision = null;
    this.base = base;
    this.saved = theirs;
    this.show("");
    if (choice === "theirs") this.input.value = theirs;
    if (choice === "merged") this.input.value = merged;
    if (choice === "mine" && !typedSince) this.input.value = mine;
    this.input.focus();
    this.typed();
    if (choice === "mine") this.save();
  }

  show(html) {
    const place = this.form.querySelector("[data-answer]");
    htmx.swap(place, html, { swapStyle: "innerHTML", swapDelay: 0, settleDelay: 0 });
    this.form.classList.toggle("is-collided", Boolean(this.collision));
  }
}

/** Take care of the fields in a new part of the page. */
export function adopt(root) {
  for (const form of root.querySelectorAll("form[data-typing]")) {
    if (!fields.has(form)) fields.set(form, new Field(form));
  }
  for (const form of fields.keys()) if (!form.isConnected) fields.delete(form);
}

/** Save all that is typed within an element; answers whether it is. */
export async function flush(root) {
  const within = [...fields].filter(([form]) => root.contains(form));
  const done = await Promise.all(within.map(([, field]) => field.save()));
  const open = within.find((_, n) => !done[n]);
  if (open) (open[0].querySelector("[data-take]") ?? open[1].input).focus();
  return !open;
}

addEventListener("beforeunload", (event) => {
  if ([...fields.values()].some((field) => field.isDirty)) event.preventDefault();
});

// Where tabs cannot be told apart, another one has saved this field and forgotten it for all; what
// is typed here is not.
addEventListener("storage", (event) => {
  if (journal.knowsTabs || event.newValue !== null) return;
  for (const field of fields.values()) if (field.isDirty) field.keep();
});
