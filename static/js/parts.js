// Parts of the page that are different now: each replaces the element with its id. What somebody
// types in is never replaced, and focus stays where it was.

export const isTyping = (element) =>
  element?.matches?.("textarea, select, input:not([type=hidden]):not([type=submit])");

/** Show the parts of an answer. */
export function apply(html) {
  const active = document.activeElement;
  const card = active?.closest?.("[data-card]");
  htmx.swap("#sink", html, { swapStyle: "innerHTML", swapDelay: 0, settleDelay: 0 });
  document.getElementById("sink").replaceChildren();
  if (document.activeElement === document.body && card?.isConnected) {
    card.focus({ preventScroll: true });
  }
}

// A part with somebody's typing in it stays as it is; its next version comes when they are done.
function leaveTyping(event) {
  const target = event.detail.target;
  const focused = document.activeElement;
  if ((isTyping(focused) && target.contains(focused)) || target.querySelector?.("[data-dirty]")) {
    event.detail.shouldSwap = false;
  }
}
document.addEventListener("htmx:oobBeforeSwap", leaveTyping);
// What is there already is not said to listeners once more, and what is open stays open.
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { mark } = event.detail.target.dataset;
  const next = event.detail.fragment.firstElementChild?.dataset.mark;
  if (mark !== undefined && mark === next) event.detail.shouldSwap = false;
});
// The publication asks for itself while it moves; somebody may be writing why it should stop.
document.getElementById("publication")?.parentElement
  .addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id === "publication") leaveTyping(event);
  });
