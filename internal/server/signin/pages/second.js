// Asks the browser for a passkey and sends what that has signed with the form.
"use strict";
const say = (text) => {
  const place = document.getElementById("said");
  place.hidden = false;
  place.textContent = text;
};
for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential || !PublicKeyCredential.parseRequestOptionsFromJSON) continue;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    if (form.elements.answer.value) return;
    event.preventDefault();
    const button = event.submitter;
    const body = new URLSearchParams(new FormData(form));
    body.set("action", form.dataset.passkey);
    try {
      const r = await fetch(form.getAttribute("action"), { method: "POST", body });
      const asked = await r.json();
      if (asked.detail) return say(asked.detail);
      const made = form.dataset.passkey === "ask-new-passkey"
        ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(asked.publicKey) })
        : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(asked.publicKey) });
      form.elements.answer.value = JSON.stringify(made.toJSON());
      form.requestSubmit(button);
    } catch (error) {
      say("The browser gave no passkey (" + error.name + "). Try again, or use a code.");
    }
  });
}
