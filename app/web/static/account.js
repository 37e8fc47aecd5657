"use strict";

const form = document.getElementById("account-form");
const problem = document.getElementById("problem");

function showProblem(text) {
  problem.textContent = text;
  problem.hidden = false;
}

async function send() {
  const response = await fetch(form.action, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(Object.fromEntries(new FormData(form))),
  });
  if (response.ok) {
    window.location.assign(form.dataset.next);
    return;
  }
  const answer = await response.json().catch(() => ({}));
  showProblem(answer.message || "Something went wrong. Try again.");
}

if (form) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    problem.hidden = true;
    button.disabled = true;
    try {
      await send();
    } catch {
      showProblem("The server did not answer. Try again.");
    } finally {
      button.disabled = false;
    }
  });
}
