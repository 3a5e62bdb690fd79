// Asks before a page with typed and unsent text is left, be it by a link or by another form's button.
// Behaviour hangs on: form[data-guarded].

const forms = [...document.querySelectorAll("form[data-guarded]")];
const sentOut = new Map(forms.map((form) => [form, state(form)]));
let sending = null;

function state(form) {
  return new URLSearchParams(new FormData(form)).toString();
}

for (const form of forms) {
  form.addEventListener("submit", () => { sending = form; });
}

addEventListener("beforeunload", (event) => {
  if (forms.some((form) => form !== sending && state(form) !== sentOut.get(form))) {
    event.preventDefault();
  }
});

// "Back" may bring the page as it was when its form was sent.
addEventListener("pageshow", () => { sending = null; });
