// The sentences of our modules, in the language of the page: <div id="words" data-…="…">.

const words = document.getElementById("words")?.dataset ?? {};

/** A sentence by its name as in the markup (`wrong-password`), with {0} filled in. */
export function word(name, ...values) {
  const text = words[name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase())] ?? "";
  return values.reduce((whole, value, n) => whole.replace(`{${n}}`, value), text);
}

const SHOWN = 4_000; // ms
const said = document.getElementById("said");

/** Say what happened, or why nothing did, to those who look and to those who listen. */
export function announce(text) {
  if (said) said.textContent = text;
}

// It is in sight for a while and then makes room.
let timer = null;
if (said) {
  new MutationObserver(() => {
    clearTimeout(timer);
    if (said.textContent.trim()) timer = setTimeout(() => said.replaceChildren(), SHOWN);
  }).observe(said, { childList: true, characterData: true, subtree: true });
}
