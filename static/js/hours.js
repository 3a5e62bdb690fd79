// Counts down to the hour an issue goes out, by what the desk's clock said: the one of whoever
// reads may be wrong.
// Behaviour hangs on: [data-left] (seconds) with a <time> in it, and its [data-forms] (with hours,
// with minutes alone, nothing left).

const EVERY = 10_000; // ms
const ends = new WeakMap(); // element → when its time is up, in this page's own time

function count() {
  for (const place of document.querySelectorAll("[data-left]")) {
    if (!ends.has(place)) ends.set(place, performance.now() + Number(place.dataset.left) * 1_000);
    const left = Math.max(0, Math.floor((ends.get(place) - performance.now()) / 60_000));
    const [hours, minutes] = [Math.floor(left / 60), left % 60];
    const [withHours, withMinutes, now] = place.dataset.forms.split("|");
    const form = hours ? withHours : minutes ? withMinutes : now;
    const shown = place.querySelector("time");
    shown.ariaLive = "off"; // listeners are told when it happens, not each minute before
    shown.textContent = form.replace("{hours}", hours).replace("{minutes}", minutes);
  }
}

setInterval(count, EVERY);
document.addEventListener("htmx:load", count); // what has just come is counted from now
count();
