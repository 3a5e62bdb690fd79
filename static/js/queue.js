// Looks for cards while somebody types.
// Behaviour hangs on: form[data-find].

import "./visible.js";

const PAUSE = 300; // milliseconds without a key

for (const form of document.querySelectorAll("form[data-find]")) {
  const box = form.querySelector("input[name=q]");
  let timer;
  let asked = box.value;

  const find = () => {
    if (box.value.trim() === asked.trim()) return;
    asked = box.value;
    form.dispatchEvent(new Event("find"));
  };
  const wait = (event) => {
    clearTimeout(timer);
    // What an input method has not finished is not a word yet.
    if (!event.isComposing) timer = setTimeout(find, PAUSE);
  };
  box.addEventListener("input", wait);
  box.addEventListener("compositionstart", () => clearTimeout(timer));
  box.addEventListener("compositionend", wait);
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    asked = box.value;
  });
}
