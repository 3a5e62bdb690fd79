// The sentences of our modules, in the language of the page: <div id="words" data-…="…">.

const words = document.getElementById("words")?.dataset ?? {};

/** A sentence by its name as in the markup (`wrong-password`), with {0} filled in. */
export function word(name, ...values) {
  const text = words[name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase())] ?? "";
  return values.reduce((whole, value, n) => whole.replace(`{${n}}`, value), text);
}

/** Say something to those who cannot see that it happened. */
export function announce(text) {
  const said = document.getElementById("said");
  if (said) said.textContent = text;
}
