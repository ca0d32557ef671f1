// The instant of the question: "Now" empties it, and an empty field is left out of the address.

const form = document.querySelector("[data-filters]");

form?.addEventListener("submit", () => {
  for (const input of form.elements) {
    if (input.name && input.value === "") input.disabled = true;
  }
});

window.addEventListener("pageshow", () => {
  for (const input of form?.elements ?? []) input.disabled = false;
});

form?.querySelector("[data-now]")?.addEventListener("click", () => {
  form.elements.as_of.value = "";
  form.requestSubmit();
});
