// Hands the answer to the program that waits on this machine; without this script the key
// is shown for pasting.
"use strict";
const form = document.querySelector("form[data-callback]");
const show = (text, key) => {
  form.closest("section").hidden = true;
  document.getElementById("result").hidden = false;
  document.getElementById("said").textContent = text;
  if (key) {
    const place = document.getElementById("key");
    place.hidden = false;
    place.textContent = key;
  }
};
const tell = (path, body) => fetch(form.dataset.callback + path, {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), credentials: "omit", referrerPolicy: "no-referrer",
}).then((r) => { if (!r.ok) throw new Error(r.status); });
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const action = event.submitter.value;
  for (const button of form.querySelectorAll("button")) button.disabled = true;
  const body = new URLSearchParams(new FormData(form));
  body.set("action", action);
  body.set("answer", "json");
  let answer;
  try {
    const r = await fetch(form.getAttribute("action"), { method: "POST", body });
    answer = await r.json();
  } catch {
    return show("The server does not answer. Reload the page and try again.");
  }
  if (answer.detail) {
    await tell("/failure", { reason: answer.detail }).catch(() => {});
    return show(answer.detail);
  }
  if (action === "deny") {
    await tell("/failure", { reason: "The request was denied in the browser." }).catch(() => {});
    return show("Denied. You can close this page.");
  }
  try {
    await tell("/success", { api_key: answer.api_key });
    show("Done. Go back to the terminal; you can close this page.");
  } catch {
    show("The browser could not reach the program. Paste this key there; it is shown only now:", answer.api_key);
  }
});
