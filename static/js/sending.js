// The one way out: every POST of the desk's pages. Knows what to do when the session has ended, the
// network is gone or the answer is late, so that nobody else has to.
// Behaviour hangs on: #again (dialog to sign in), #connection (status), #busy (progress).

import { apply } from "./parts.js";
import { word } from "./words.js";

const PATIENCE = 15_000; // ms for one answer
const GONE = new Set([502, 503, 504]); // the desk is out of reach, not at fault
const WAITS = [500, 1_000, 2_000, 4_000, 8_000]; // ms between tries while the network is gone

// Whose page it is: somebody else may have signed in since, in another tab.
const person = document.getElementById("workplace")?.dataset.person ?? "";
const OURS = { "HX-Request": "true", "Copydesk-Person": person };
const AGAIN = { "Copydesk-Again": "1" }; // an earlier try may have done it (editorial.repeats)

/** An answer that says no: its status, its text, and whether it was asked for more than once. */
export class Refused extends Error {
  constructor(response, text, isDoubtful = false) {
    super(`${response.status}`);
    this.isDoubtful = isDoubtful;
    this.status = response.status;
    this.text = text;
  }
}

function token() {
  // Read each time: signing in, in whichever tab, makes a new one.
  return document.cookie.match(/(?:^|; )csrftoken=([^;]*)/)?.[1] ?? "";
}

/**
 * Send a form and answer with the response; throws Refused for a 4xx. A network that is gone is
 * waited for (unless `once`), an ended session signed in to again, and then it is sent once more.
 */
export async function send(url, data, { once = false } = {}) {
  data.delete("csrfmiddlewaretoken"); // the page's own may be older than the session
  let renewed = false;
  let isDoubtful = false; // an answer got lost: it may have been done all the same
  for (let attempt = 0; ; attempt += 1) {
    let response, text;
    try {
      response = await whileBusy(fetch(url, {
        method: "POST",
        body: data,
        headers: { ...OURS, "X-CSRFToken": token(), ...(isDoubtful && AGAIN) },
        signal: AbortSignal.timeout(PATIENCE),
      }));
      text = await response.text();
      if (GONE.has(response.status)) throw new TypeError(`${response.status}`);
    } catch (error) {
      if (once) throw error;
      isDoubtful = true;
      setConnection(word("offline"));
      await pause(WAITS[Math.min(attempt, WAITS.length - 1)]);
      continue;
    }
    setConnection("");
    if (response.status === 401) {
      if (once) throw new Refused(response, "");
      await signInAgain();
      continue;
    }
    if (response.status === 403 && text.includes("data-refused=\"csrf\"") && !renewed) {
      renewed = await fetch(location.href).then(() => true, () => false); // brings a new token
      continue;
    }
    if (!response.ok) throw new Refused(response, text, isDoubtful);
    return { headers: response.headers, text };
  }
}

/**
 * Send a form and show the parts that are different now, be they good news or bad. `once` is for
 * what nobody waits for, so that its failure is not worth a word.
 */
export async function sendForParts(url, data, { once = false } = {}) {
  try {
    const answer = await send(url, data, { once });
    apply(answer.text);
    return answer;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.text.includes('id="refusal"')) apply(error.text);
    else if (!once) refuse("not-done");
    if (error.isDoubtful) refuse("sent-twice");
    throw error;
  }
}

/** Show one of the page's own refusals, above what the desk said. */
function refuse(name) {
  const { content } = document.getElementById(name);
  document.getElementById("refusal")?.prepend(content.cloneNode(true));
}

/** Fetch a part of the page; throws where there is none. An ended session is signed in to again. */
export async function load(url) {
  const answer = await whileBusy(fetch(url, {
    headers: OURS, signal: AbortSignal.timeout(PATIENCE),
  }));
  if (answer.status === 401) {
    await signInAgain();
    return load(url);
  }
  if (!answer.ok) throw new Error(answer.status);
  return answer.text();
}

let atWork = 0;

/** Shows progress for what takes longer than a tenth of a second. */
export async function whileBusy(promise) {
  atWork += 1;
  const timer = setTimeout(() => document.documentElement.classList.add("is-busy"), 100);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    atWork -= 1;
    if (!atWork) document.documentElement.classList.remove("is-busy");
  }
}

function setConnection(text) {
  const status = document.getElementById("connection");
  if (status && status.textContent !== text) status.textContent = text;
}

function pause(time) {
  return new Promise((resolve) => {
    const go = () => {
      clearTimeout(timer);
      removeEventListener("online", go);
      resolve();
    };
    const timer = setTimeout(go, time);
    addEventListener("online", go);
  });
}

// --- an ended session ----------------------------------------------------------------------------

let again = null;

/** Lets the same person sign in again, in place. Everybody who waits goes on together. */
export function signInAgain() {
  again ??= ask().finally(() => { again = null; });
  return again;
}

async function ask() {
  const dialog = document.getElementById("again");
  const form = dialog.querySelector("form");
  const trouble = dialog.querySelector("[data-trouble]");
  const before = document.activeElement;
  let isIn = false;
  dialog.onclose = () => { if (!isIn) dialog.showModal(); }; // all that is unsaved waits for it
  if (!dialog.open) dialog.showModal();
  form.elements.password.focus();
  await new Promise((resolve) => {
    form.onsubmit = async (event) => {
      event.preventDefault();
      trouble.textContent = "";
      const data = new FormData(form);
      data.delete("csrfmiddlewaretoken");
      try {
        const response = await fetch(form.action, {
          method: "POST", body: data, headers: { "X-CSRFToken": token() },
        });
        if (response.ok && response.redirected) resolve();
        else trouble.textContent = word(response.status === 429 ? "locked" : "wrong-password");
      } catch {
        trouble.textContent = word("offline");
      }
    };
  });
  isIn = true;
  form.reset();
  dialog.close();
  before?.focus?.();
}

document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status === 401) signInAgain();
});
for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, () => setConnection(word("offline")));
}
