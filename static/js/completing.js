// Offers names the desk knows for the line somebody types: entities, tags. A choice is a button below
// the field, reached with Tab; nothing is put in by itself.
// Behaviour hangs on: textarea[data-completes] (the address that knows the names).

const DELAY = 150; // ms
let timer = null;

function lineAt(field) {
  const start = field.value.lastIndexOf("\n", field.selectionStart - 1) + 1;
  const end = field.value.indexOf("\n", field.selectionStart);
  return { start, end: end < 0 ? field.value.length : end };
}

function lineOf(field) {
  const { start, end } = lineAt(field);
  return field.value.slice(start, end).trim();
}

function placeFor(field) {
  let place = field.parentElement.querySelector(".completions");
  if (!place) {
    place = document.createElement("div");
    place.className = "completions";
    field.after(place);
  }
  return place;
}

async function offer(field) {
  const typed = lineOf(field);
  const place = placeFor(field);
  if (!typed) return place.replaceChildren();
  const url = new URL(field.dataset.completes, location.href);
  url.searchParams.set("q", typed);
  const answer = await fetch(url, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok) return place.replaceChildren();
  const { names } = await answer.json();
  if (lineOf(field) !== typed) return; // a later one is on its way
  const present = new Set(field.value.split("\n"));
  place.replaceChildren(...names.filter((name) => !present.has(name)).map((name) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button";
    button.textContent = name;
    button.addEventListener("click", () => {
      if (lineOf(field) !== typed) return place.replaceChildren(); // meant for another line
      const line = lineAt(field);
      field.setRangeText(name, line.start, line.end, "end");
      field.focus();
      field.dispatchEvent(new InputEvent("input", { bubbles: true }));
    });
    return button;
  }));
}

document.addEventListener("typed", (event) => {
  const field = event.target;
  if (!field.dataset?.completes) return;
  clearTimeout(timer);
  timer = setTimeout(() => offer(field), DELAY);
});
