// What somebody has typed and the desk has not confirmed yet, kept in this browser: it is written
// before anything is sent, and outlives a crashed tab, a lost network and an ended session.

const person = document.getElementById("workplace")?.dataset.person ?? "";
const PREFIX = `copydesk:${person}:`;

export function keep(key, text, base) {
  try {
    localStorage.setItem(PREFIX + key, JSON.stringify({ text, base, at: Date.now() }));
    return true;
  } catch {
    return false; // full, or forbidden: the page then says that nothing is kept
  }
}

export function forget(key) {
  try {
    localStorage.removeItem(PREFIX + key);
  } catch { /* nothing was kept either */ }
}

export function kept(key) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + key));
  } catch {
    return null;
  }
}

/** The keys of all that is kept for this person. */
export function keptKeys() {
  try {
    return Object.keys(localStorage)
      .filter((key) => key.startsWith(PREFIX))
      .map((key) => key.slice(PREFIX.length));
  } catch {
    return [];
  }
}
