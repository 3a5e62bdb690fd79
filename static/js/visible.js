// What asks for itself again and again asks for news only while somebody could see them.
// Behaviour hangs on: [data-while-visible].

document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.target.matches("[data-while-visible]")) event.preventDefault();
});
