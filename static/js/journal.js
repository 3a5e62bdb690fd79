// What somebody has typed and the desk has not confirmed yet, kept in this browser: it is written
// before anything is sent, and outlives a crashed tab, a lost network and an ended session.
// Each tab keeps its own, so that two with text for one field lose neither. It holds a lock with its
// name while it lives; what a tab that is gone has left behind is found by whoever asks next.

const person = document.getElementById("workplace")?.dataset.person ?? "";
const PREFIX = `copydesk:${person}:`;
const LOCK = "copydesk:tab:";
const LONG = 5 * 60_000; // ms after which a tab counts as gone where no lock can tell
const TURN = 1_000; // ms for the page before this one to let go of the tab's name
const tab = await nameOfTab();

/** Whether the browser knows which tabs live: without https it does not. */
export const knowsTabs = Boolean(navigator.locks);

/** The name this tab has had since it was opened. */
async function nameOfTab() {
  try {
    const name = sessionStorage.getItem("copydesk:tab");
    if (name && (await hold(name))) return name;
    // A new tab, or one that was duplicated: it began with the name of the other.
    const fresh = `${Date.now().toString(36)}${Math.random().toString(36).slice(2)}`;
    sessionStorage.setItem("copydesk:tab", fresh);
    await hold(fresh);
    return fresh;
  } catch {
    return ""; // storage is forbidden: nothing is kept anyway
  }
}

/** Hold the lock of a name as long as this page lives; answers whether nobody else does. */
function hold(name) {
  if (!navigator.locks) return true; // without https there are none
  return new Promise((resolve) => {
    navigator.locks.request(LOCK + name, { signal: AbortSignal.timeout(TURN) }, () => {
      resolve(true);
      return new Promise(() => {});
    }).catch(() => resolve(false));
  });
}

const placeOf = (key) => `${PREFIX}${key}@${tab}`;

function read(place) {
  try {
    return JSON.parse(localStorage.getItem(place));
  } catch {
    return null;
  }
}

function remove(place) {
  try {
    localStorage.removeItem(place);
  } catch { /* nothing was kept either */ }
}

/** Keep what was typed, and what that started from. */
export function keep(key, text, base = "") {
  try {
    localStorage.setItem(placeOf(key), JSON.stringify({ text, base, at: Date.now() }));
    return true;
  } catch {
    return false; // full, or forbidden: the page then says that nothing is kept
  }
}

/** Forget what this tab has kept. */
export const forget = (key) => remove(placeOf(key));

/** What this tab has kept. */
export const kept = (key) => read(placeOf(key));

/** All that this tab has kept and that tabs which are gone have left behind, the latest first. */
export async function entries() {
  let live = null;
  let places = [];
  try {
    if (knowsTabs) live = new Set((await navigator.locks.query()).held.map(({ name }) => name));
    places = Object.keys(localStorage).filter((place) => place.startsWith(PREFIX));
  } catch { /* nothing was kept either */ }
  const isGone = ({ owner, at }) => (live ? !live.has(LOCK + owner) : Date.now() - at > LONG);
  return places
    .map((place) => {
      const [key, owner = ""] = place.slice(PREFIX.length).split("@");
      return { place, key, owner, ...read(place) };
    })
    .filter((entry) => entry.text !== undefined && (entry.owner === tab || isGone(entry)))
    .sort((one, other) => other.at - one.at);
}

/** What tabs that are gone have left behind, the latest first. */
export async function left(key) {
  return (await entries()).filter((entry) => entry.key === key && entry.owner !== tab);
}

/** Clear an entry away, unless its tab has come back or typed on. */
export async function clear({ place, at }) {
  if ((await entries()).some((entry) => entry.place === place && entry.at === at)) remove(place);
}

/** Keep as this tab's own what was left behind, so that it is there once. */
export function takeOver(entry) {
  if (keep(entry.key, entry.text, entry.base)) return clear(entry);
}
