// How far the issue is, counted from the rows of the page whenever one of them changes.
// Behaviour hangs on: [data-count] (in it [data-one][data-many]: its word by number), the data-
// attributes of rows, [data-comments].

const number = (selector) => document.querySelectorAll(selector).length;

function recount() {
  const standing = '.cards .row:not([data-state="dropped"])';
  const insight = document.getElementById("row-insight")?.dataset.state;
  const counts = {
    approved: number('.cards .row[data-state="approved"]'),
    waiting: number('.cards .row[data-state="waiting"]'),
    dropped: number('.cards .row[data-state="dropped"]'),
    edited: number(`${standing}[data-edited]`),
    changed: number(`${standing}[data-changed]`),
    comments: [...document.querySelectorAll(".cards [data-comments]")]
      .reduce((sum, others) => sum + Number(others.dataset.comments), 0),
    held: number(".held"),
    "insight-approved": Number(insight === "approved"),
    "insight-waiting": Number(insight === "waiting"),
  };
  for (const place of document.querySelectorAll("[data-count]")) {
    const count = counts[place.dataset.count];
    const shown = place.querySelector("b");
    if (shown && shown.textContent !== String(count)) shown.textContent = count;
    const word = place.querySelector("[data-one]");
    if (word) word.textContent = count === 1 ? word.dataset.one : word.dataset.many;
    place.hidden = !count && place.dataset.count !== "approved";
  }
  const isReady = !counts.waiting && !counts.held && !counts["insight-waiting"];
  document.getElementById("to-sign")?.classList.toggle("button--main", isReady);
}

document.addEventListener("htmx:oobAfterSwap", (event) => {
  if (/^row-/.test(event.detail.target?.id ?? "")) recount();
});
